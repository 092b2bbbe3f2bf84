//! `yagura alerts`: what judging logs raised and the store keeps; one alert as a story.
//! Raising them is `yagura ingest` and `yagura hunt --keep`.

use anyhow::{bail, ensure};
use clap::{Args, Subcommand};
use yagura_model::Severity;
use yagura_report::alert_line;
use yagura_store::alerts::{AlertFilter, StoredAlert};

use crate::context::Context;
use crate::detection::told::{AlertOptions, Found, entries};
use crate::exit::Exit;
use crate::moment;
use crate::options::{RowFormat, RowOptions, Span};
use crate::output::{self, Hinted, printable};

/// Digits of an identity that name an alert at least.
const PREFIX_MIN: usize = 4;
/// Alerts that a mistaken name lists.
const NAMED_MAX: usize = 5;
/// Alerts that are listed at most where programs read them.
const LISTED_MAX: usize = 100_000;

#[derive(Args)]
pub(crate) struct AlertsArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    List(ListArgs),
    Show(ShowArgs),
}

#[derive(Args)]
struct ListArgs {
    #[command(flatten)]
    span: Span,
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    #[arg(long, value_name = "NAME")]
    entity: Option<String>,
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    told: AlertOptions,
}

#[derive(Args)]
struct ShowArgs {
    id: String,
    #[command(flatten)]
    rows: RowOptions,
}

pub(crate) async fn run(context: &Context, args: &AlertsArgs) -> anyhow::Result<Exit> {
    match &args.what {
        What::List(args) => list(context, args).await,
        What::Show(args) => show(context, args).await,
    }
}

async fn list(context: &Context, args: &ListArgs) -> anyhow::Result<Exit> {
    let now = context.now();
    let content = context.content()?;
    let filter = AlertFilter {
        since: moment::read_some(args.span.since.as_deref(), now)?,
        until: moment::read_some(args.span.until.as_deref(), now)?,
        severity: args.told.min_level,
        content: args.rule.clone(),
        entity: args.entity.clone(),
        account: args.account.clone(),
        told_at: (!args.all).then_some(now),
        ..AlertFilter::default()
    };
    let for_eyes = matches!(
        args.told.format,
        yagura_report::AlertFormat::Table | yagura_report::AlertFormat::Timeline
    );
    // A table shows so many rows of each finding; findings are made of newer and older alerts.
    let limit = if for_eyes { args.told.limit.max(1).saturating_mul(100) } else { LISTED_MAX };
    let store = context.store().await?;
    let page = store.alerts().list(&filter, limit).await?;
    store.close().await;
    let alerts: Vec<_> = page.alerts.into_iter().map(|stored| stored.alert).collect();
    let failing = args.told.fails(&alerts);
    if page.more && !for_eyes {
        context.remark_in(
            &format!("only the newest {limit} alerts: narrow it down with --since or --until"),
            &format!("新しい {limit} 件のみです。--since や --until で絞り込めます"),
        );
    }
    let found = Found { alerts, records: None, blind: Vec::new(), more: page.more };
    args.told.write(context, &content, &[], found)?;
    Ok(Exit::of_scan(false, failing, false))
}

async fn show(context: &Context, args: &ShowArgs) -> anyhow::Result<Exit> {
    ensure!(
        args.id.len() >= PREFIX_MIN && args.id.bytes().all(|c| c.is_ascii_hexdigit()),
        Hinted::new(
            format!("`{}` is no alert id", args.id),
            "write the first digits of an id, which `yagura alerts list --format jsonl` has",
        )
    );
    let content = context.content()?;
    let store = context.store().await?;
    let found = store.alerts().find(&args.id, NAMED_MAX + 1).await?;
    store.close().await;
    let one = match found.as_slice() {
        [one] => one,
        [] => bail!(Hinted::new(
            format!("there is no alert `{}`", args.id),
            "`yagura alerts list --format jsonl` has the ids",
        )),
        several => bail!(Hinted::new(
            format!("`{}` names several alerts", args.id),
            format!("write more of it: {}", some_ids(several)),
        )),
    };
    let alerts = [one.alert.clone()];
    let entries = entries(&content, &[], &alerts);
    let entry = entries.get(&*one.alert.content);
    match args.rows.format {
        RowFormat::Json => {
            output::data(|out| alert_line(&one.alert, entry, context.lang, out))?;
        }
        RowFormat::Table | RowFormat::Plain => {
            let terminal = context.terminal(0, true);
            let text = yagura_report::story(&one.alert, entry, context.lang, &terminal);
            output::line(text.trim_end())?;
        }
    }
    Ok(Exit::Done)
}

fn some_ids(alerts: &[StoredAlert]) -> String {
    let ids = alerts.iter().take(NAMED_MAX).map(|one| printable(&one.alert.id));
    let mut text = ids.collect::<Vec<_>>().join(", ");
    if alerts.len() > NAMED_MAX {
        text.push_str(", …");
    }
    text
}

/// The number of alerts of each severity in words, the worst first; empty where there are none.
pub(crate) fn tally(counts: &[u64; 5], lang: yagura_model::Lang) -> String {
    let words = yagura_report::words(lang);
    let named = Severity::ALL.iter().zip(counts).rev().filter(|(_, count)| **count > 0);
    let parts: Vec<String> = named
        .map(|(severity, count)| {
            let word = words.get(match severity {
                Severity::Critical => "report.severity.critical",
                Severity::High => "report.severity.high",
                Severity::Medium => "report.severity.medium",
                Severity::Low => "report.severity.low",
                Severity::Informational => "report.severity.informational",
            });
            format!("{word} {}", yagura_report::grouped(*count))
        })
        .collect();
    parts.join(words.get("report.and_list"))
}
