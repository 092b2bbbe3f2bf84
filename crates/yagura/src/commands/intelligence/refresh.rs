//! `yagura intelligence refresh`: fetches the lists that are due.
//! What may take the place of a copy is decided in `yagura-collect`.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use yagura_aws::{Declared, Web};
use yagura_collect::intelligence::{
    AWS_RANGES, AWS_RANGES_URL, Fetcher, LIST_CALLS, Reach, RefreshAsked, RefreshState, Refreshed,
    refresh,
};
use yagura_content::Content;
use yagura_content::format::IntelligenceSite;
use yagura_model::Lang;
use yagura_report::grouped;

use crate::context::Context;
use crate::exit::Exit;
use crate::options::{AwsOptions, RowFormat, RowOptions};
use crate::output::Hinted;
use crate::rows::{Rows, WordList};
use crate::{intelligence, reach, settings};

/// What became of a list.
const STATES: WordList =
    &[("fresh", "取得不要"), ("unchanged", "変更なし"), ("replaced", "更新"), ("failed", "失敗")];

/// Bytes of one list.
const LIST_BYTES_MAX: u64 = 512 << 20;

#[derive(Args)]
pub(super) struct RefreshArgs {
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    #[arg(long)]
    force: bool,
    #[arg(long, value_name = "SECONDS", default_value_t = 120,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    fetch_timeout: u64,
    #[command(flatten)]
    aws: AwsOptions,
    #[command(flatten)]
    rows: RowOptions,
}

pub(super) async fn run(context: &Context, args: &RefreshArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let asked = Refreshing {
        names: &args.names,
        force: args.force,
        timeout_seconds: args.fetch_timeout,
        aws: &args.aws,
    };
    let done = refreshed(context, &content, &asked).await?;
    table(&done, args.rows.format, context.lang).write(args.rows.format)?;
    let failed = done.iter().any(|one| matches!(one.state, RefreshState::Failed { .. }));
    Ok(if failed { Exit::PartlyBlind } else { Exit::Done })
}

/// Which lists are fetched, and how.
pub(crate) struct Refreshing<'a> {
    /// None: all of them.
    pub(crate) names: &'a [String],
    /// Also what is not due.
    pub(crate) force: bool,
    pub(crate) timeout_seconds: u64,
    pub(crate) aws: &'a AwsOptions,
}

/// Fetches the lists that are due, for commands and schedules.
///
/// # Errors
/// A name that no list has, a data folder that cannot be written, AWS that cannot be prepared.
pub(crate) async fn refreshed(
    context: &Context,
    content: &Content,
    args: &Refreshing<'_>,
) -> anyhow::Result<Vec<Refreshed>> {
    let site = &content.site.intelligence;
    known(content, args.names)?;
    let folder = context.data_folder()?;
    settings::make_data_folder(&folder)?;
    let shelf = intelligence::shelf(context)?;
    let site_folder = intelligence::site_folder(context)?;
    let environment = environment(site);
    let asked = RefreshAsked {
        names: args.names,
        force: args.force,
        now: context.now(),
        environment: &environment,
    };
    let reach = reach(site, args).await?;
    let fetcher =
        Fetcher::new(reach).limited(Duration::from_secs(args.timeout_seconds), LIST_BYTES_MAX);
    Ok(refresh(&shelf, site, &site_folder, &asked, &fetcher).await)
}

/// Names that no list has are mistakes.
fn known(content: &Content, names: &[String]) -> anyhow::Result<()> {
    let lists = &content.site.intelligence.lists;
    let known =
        |name: &String| name == AWS_RANGES || lists.iter().any(|list| list.name.value == *name);
    if let Some(name) = names.iter().find(|name| !known(name)) {
        let own = lists.iter().map(|list| list.name.as_str());
        let all: Vec<&str> = std::iter::once(AWS_RANGES).chain(own).collect();
        anyhow::bail!(Hinted::new(
            format!("no list is called `{name}`"),
            format!("there are: {}", all.join(", ")),
        ));
    }
    Ok(())
}

/// The values of header fields, which the site's file names by their variables.
fn environment(site: &IntelligenceSite) -> BTreeMap<String, String> {
    let names = site.lists.iter().flat_map(|list| list.headers.values());
    names
        .filter_map(|name| Some((name.value.clone(), std::env::var(name.as_str()).ok()?)))
        .collect()
}

/// What the lists' places need: nothing is prepared that none of them asks for.
async fn reach(site: &IntelligenceSite, args: &Refreshing<'_>) -> anyhow::Result<Reach> {
    let ranges = site.aws_ranges.as_ref().map_or(AWS_RANGES_URL, |ranges| ranges.from.as_str());
    let wanted = |name: &str| args.names.is_empty() || args.names.iter().any(|one| one == name);
    let lists = site.lists.iter().filter(|list| wanted(&list.name));
    let mut places: Vec<&str> = lists.map(|list| list.from.as_str()).collect();
    if wanted(AWS_RANGES) {
        places.push(ranges);
    }
    let mut reach = Reach::default();
    if places.iter().any(|place| place.starts_with("http")) {
        reach.web = Some(Web::new().context("could not prepare connections")?);
    }
    if places.iter().any(|place| place.starts_with("s3://")) {
        let aws = reach::aws(args.aws).await?;
        let home = reach::home(&aws).await?;
        reach.bucket = Some((aws.read(LIST_CALLS.into_iter().collect::<Declared>()), home));
    }
    Ok(reach)
}

fn table(done: &[Refreshed], format: RowFormat, lang: Lang) -> Rows {
    let columns = [
        ("name", "名前"),
        ("state", "状態"),
        ("entries", "項目数"),
        ("bad", "不良"),
        ("fetched_at", "取得日時"),
        ("from", "取得元"),
        ("reason", "理由"),
    ];
    let mut rows = Rows::new(lang, &columns).worded("state", STATES);
    for one in done {
        // The reason stands there twice: for programs, and for people.
        let (state, entries, bad, reason) = match &one.state {
            RefreshState::Fresh => ("fresh", None, None, None),
            RefreshState::Unchanged => ("unchanged", None, None, None),
            RefreshState::Replaced { entries, bad, cut } => {
                let cut = cut.then(|| (cut_off(Lang::En), cut_off(lang)));
                ("replaced", Some(*entries as u64), Some(*bad), cut)
            }
            RefreshState::Failed { reason } => {
                ("failed", None, None, Some((reason.as_str(), reason.as_str())))
            }
        };
        let number = |number: Option<u64>| match (number, format) {
            (Some(number), RowFormat::Json) => json!(number),
            (Some(number), _) => json!(grouped(number)),
            (None, _) => json!(null),
        };
        let cells = vec![
            json!(one.name),
            json!(state),
            number(entries),
            number(bad),
            json!(one.fetched_at),
            json!(one.from),
            json!(reason.map(|(reason, _)| reason)),
        ];
        let told = reason.map(|(_, told)| told).unwrap_or_default();
        rows.push_said(cells, vec![("reason", told.to_owned())]);
    }
    rows
}

fn cut_off(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "the list has more than 2,000,000 entries; the rest is not used",
        Lang::Ja => "リストの項目が 2,000,000 件を超えるため、残りは使用しません",
    }
}
