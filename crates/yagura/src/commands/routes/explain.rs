//! `yagura routes explain`: who would be told of a finding, by which route, when, why, and what was
//! told so far.
//! The decisions are those of routing itself.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{bail, ensure};
use clap::Args;
use yagura_model::Lang;
use yagura_model::finding::{ExpectedRoute, Finding, RouteVerdict, Scope};
use yagura_report::{Words, words};
use yagura_respond::routes::{Explained, Router};
use yagura_store::Store;

use crate::context::Context;
use crate::exit::Exit;
use crate::options::{RowFormat, RowOptions};
use crate::output::{self, Hinted};

/// Entries of the history that are looked at for the last change.
const HISTORY_MAX: usize = 10_000;
/// Digits of an id that suffice.
const PREFIX_MIN: usize = 6;

#[derive(Args)]
pub(super) struct ExplainArgs {
    finding: String,
    #[command(flatten)]
    rows: RowOptions,
}

/// The one finding that an id, or its first digits, names.
pub(super) async fn named(store: &Store, id: &str) -> anyhow::Result<Finding> {
    ensure!(
        (PREFIX_MIN..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        Hinted::new(
            format!("`{id}` is no finding's id"),
            "write six or more of its digits, as `yagura findings list` shows them",
        )
    );
    let mut found = store.findings(Scope::All).find(&id.to_ascii_lowercase(), 2).await?;
    match (found.pop(), found.is_empty()) {
        (Some(finding), true) => Ok(finding),
        (Some(_), false) => bail!(Hinted::new(
            format!("`{id}` names several findings"),
            "write more of its digits",
        )),
        (None, _) => bail!(Hinted::new(
            format!("there is no finding `{id}`"),
            "`yagura findings list` shows those that are open",
        )),
    }
}

pub(super) async fn run(context: &Context, args: &ExplainArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let store = context.store().await?;
    let finding = named(&store, &args.finding).await?;
    let history = store.findings(Scope::All).history(&finding.id, 0, HISTORY_MAX).await?;
    let router = Router::new(Arc::new(content));
    let explained = router.explain(&store, finding, &history, context.now()).await?;
    store.close().await;
    let text = match args.rows.format {
        RowFormat::Json => {
            let mut json = serde_json::to_value(&explained)?;
            if let Some(members) = json.as_object_mut() {
                members.insert("finding".to_owned(), explained.finding.id.clone().into());
            }
            json.to_string()
        }
        RowFormat::Table | RowFormat::Plain => story(&explained, words(context.lang)),
    };
    output::line(&output::printable(text.trim_end()))?;
    Ok(Exit::Done)
}

fn story(explained: &Explained, words: &Words) -> String {
    let finding = &explained.finding;
    let title = finding.observation.title.get(words.lang());
    let mut text = format!("{}  {title}\n", finding.id);
    let change = ("change", &explained.expected.change as &dyn std::fmt::Display);
    text.push_str(&words.fill("routes.explain.change", &[change]));
    text.push('\n');
    if explained.expected.hushed {
        text.push_str(words.get("routes.explain.hushed"));
        text.push('\n');
    }
    if explained.expected.routes.is_empty() {
        text.push_str(words.get("routes.explain.none"));
        text.push('\n');
    }
    for route in &explained.expected.routes {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "\n{}: {}", route.route, verdict(route, words));
        if let Some(when) = &route.when {
            let _ = writeln!(text, "  {}: {}", words.get("routes.explain.when"), when.trim());
        }
        if let Some(problem) = &route.problem {
            let _ = writeln!(text, "  {problem}");
        }
        if route.verdict.is_followed() {
            let targets = route.targets.join(if words.lang() == Lang::Ja { "、" } else { ", " });
            let due = route.due.map_or_else(
                || words.get("routes.explain.at_once").to_owned(),
                |due| due.strftime("%Y-%m-%d %H:%M UTC").to_string(),
            );
            let _ = writeln!(text, "  → {targets} ({due})");
        }
    }
    if !explained.told.is_empty() {
        let _ = writeln!(text, "\n{}", words.get("routes.explain.told"));
    }
    for told in &explained.told {
        let at = told.at.strftime("%Y-%m-%d %H:%M UTC");
        let _ = writeln!(text, "  {at}  {}  {}  {}", told.target, told.change, state(told, words));
    }
    text
}

fn verdict<'w>(route: &ExpectedRoute, words: &'w Words) -> &'w str {
    match route.verdict {
        RouteVerdict::Followed => words.get("routes.verdict.followed"),
        RouteVerdict::Unknown => words.get("routes.verdict.unknown"),
        RouteVerdict::OtherChange => words.get("routes.verdict.other_change"),
        RouteVerdict::ConditionFails => words.get("routes.verdict.condition_fails"),
        RouteVerdict::Shadowed => words.get("routes.verdict.shadowed"),
    }
}

fn state<'w>(told: &yagura_store::outbox::ToldOf, words: &'w Words) -> &'w str {
    match told.state.as_str() {
        "delivered" => words.get("routes.state.delivered"),
        "waiting" => words.get("routes.state.waiting"),
        "skipped" => words.get("routes.state.skipped"),
        "dropped" => words.get("routes.state.dropped"),
        _ => words.get("routes.state.dead"),
    }
}
