//! `yagura routes list`: the routes of the site in order, or its targets with what waits for them.
//! Nothing is sent and no secret is read.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};
use yagura_content::Content;
use yagura_content::format::{Route, Schedule};
use yagura_model::Lang;
use yagura_report::{Words, words};
use yagura_store::outbox::Waiting;

use crate::context::Context;
use crate::exit::Exit;
use crate::options::RowOptions;
use crate::rows::Rows;

#[derive(Args)]
pub(super) struct ListArgs {
    #[arg(long)]
    targets: bool,
    #[command(flatten)]
    rows: RowOptions,
}

pub(super) async fn run(context: &Context, args: &ListArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    if content.site.routes.routes.is_empty() {
        context.remark_in(
            "no routes: write them in `routes.yaml` of the site folder",
            "ルートがありません。サイトフォルダーの `routes.yaml` に記述してください",
        );
    }
    let rows = if args.targets {
        let store = context.store().await?;
        let waiting = store.outbox().by_target().await?;
        store.close().await;
        targets(&content, &waiting)
    } else {
        routes(&content, words(context.lang))
    };
    rows.write(args.rows.format)?;
    Ok(Exit::Done)
}

fn routes(content: &Content, words: &Words) -> Rows {
    let mut rows = Rows::new(&["route", "on", "when", "schedule", "quiet", "targets", "continue"]);
    for route in &content.site.routes.routes {
        let on: Vec<&str> = route.on.iter().map(|on| on.as_str()).collect();
        let targets: Vec<&str> = route.targets.iter().map(|target| target.as_str()).collect();
        let when = route.when.as_ref().map(|when| when.source().trim().to_owned());
        rows.push(vec![
            json!(route.id.value),
            json!(on.join(", ")),
            json!(when),
            json!(schedule(route, words)),
            json!(quiet(route)),
            json!(targets.join(", ")),
            json!(route.goes_on),
        ]);
    }
    rows
}

/// When a route tells, in a person's words.
fn schedule(route: &Route, words: &Words) -> String {
    match route.schedule {
        Schedule::Now => words.get("routes.schedule.now").to_owned(),
        Schedule::Hourly => words.get("routes.schedule.hourly").to_owned(),
        Schedule::Daily(at) => {
            words.fill("routes.schedule.daily", &[("at", &at.strftime("%H:%M"))])
        }
    }
}

fn quiet(route: &Route) -> Option<String> {
    let quiet = route.quiet?;
    let span = format!("{}-{}", quiet.from.strftime("%H:%M"), quiet.to.strftime("%H:%M"));
    Some(if quiet.weekends { format!("{span}, sat, sun") } else { span })
}

fn targets(content: &Content, waiting: &[Waiting]) -> Rows {
    let by_name: BTreeMap<&str, &Waiting> =
        waiting.iter().map(|one| (one.target.as_str(), one)).collect();
    let mut rows = Rows::new(&[
        "target",
        "channel",
        "language",
        "waiting",
        "oldest",
        "delivered",
        "last",
        "dead",
        "held_until",
    ]);
    let routes = &content.site.routes;
    let mut row = |name: &str, channel: Value, language: Option<Lang>| {
        let known = by_name.get(name);
        rows.push(vec![
            json!(name),
            channel,
            json!(language.map(Lang::code)),
            json!(known.map_or(0, |one| one.waiting)),
            json!(known.and_then(|one| one.oldest)),
            json!(known.map_or(0, |one| one.delivered)),
            json!(known.and_then(|one| one.last)),
            json!(known.map_or(0, |one| one.dead)),
            json!(known.and_then(|one| one.held)),
        ]);
    };
    for (name, target) in &routes.targets.0 {
        row(name, json!(target.channel.value), Some(routes.language_of(target)));
    }
    // What is in the outbox for targets that are no more is shown, not hidden.
    for gone in waiting.iter().filter(|one| routes.target(&one.target).is_none()) {
        row(&gone.target, Value::Null, None);
    }
    rows
}
