//! `yagura serve`: the daemon, and a look at how its processes are.
//! What the daemon does is in `crate::daemon`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use yagura_lake::RetentionRule;
use yagura_model::{Lang, Prose};
use yagura_store::Store;
use yagura_store::jobs::{Run, RunOutcome, Worker};

use crate::choice::ControlChoice;
use crate::commands::ingest::clock;
use crate::commands::lake::expire;
use crate::console::ConsoleArgs;
use crate::context::Context;
use crate::daemon::settings::Settings;
use crate::daemon::status::{SILENT, Status};
use crate::daemon::{self, Ended, Options};
use crate::detection::choice::DetectionChoice;
use crate::exit::Exit;
use crate::options::{AwsOptions, LakeChoice, Reach, RowFormat, RowOptions};
use crate::output::{self, Hinted};
use crate::retention::Keep;
use crate::rows::Rows;

/// Where the words for the outcomes of runs are.
pub(super) const RUN_OUTCOMES: &str = "console_settings.jobs.outcomes.";

/// Runs that are looked through for the last one of each schedule.
const RUNS_LOOKED_AT: usize = 2_000;

#[derive(Args)]
pub(crate) struct ServeArgs {
    #[arg(long)]
    status: bool,
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    #[arg(long, value_name = "[SOURCE=]PLACE")]
    watch: Vec<String>,
    #[arg(long, value_name = "NAME", value_parser = node_name)]
    node: Option<String>,
    #[arg(long, value_name = "N", default_value_t = 2,
        value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    #[arg(long, value_name = "SECONDS", default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(2..=3600))]
    lease: u64,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    #[arg(long)]
    behind_tls: bool,
    #[arg(long, value_name = "RULES", value_delimiter = ',', value_parser = expire::rule)]
    retention: Vec<RetentionRule>,
    #[arg(long, value_name = "DIR")]
    backup_dir: Option<PathBuf>,
    #[arg(long, value_name = "PATH|URL")]
    spend_report: Vec<String>,
    #[command(flatten)]
    console: ConsoleArgs,
    #[command(flatten)]
    keep: Keep,
    #[command(flatten)]
    controls: ControlChoice,
    #[command(flatten)]
    choice: DetectionChoice,
    #[command(flatten)]
    lake: LakeChoice,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    aws: AwsOptions,
    #[command(flatten)]
    rows: RowOptions,
}

fn node_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match !text.is_empty() && text.len() <= 64 && text.chars().all(fits) {
        true => Ok(text.to_owned()),
        false => Err("letters, digits, `-`, `_` and `.`, at most 64".to_owned()),
    }
}

pub(crate) async fn run(context: &Context, args: &ServeArgs) -> anyhow::Result<Exit> {
    if args.status {
        return status(context, args.rows.format).await;
    }
    let settings = Settings::read(&context.global, &args.watch, context.now())?;
    let options = Options {
        listen: args.listen,
        console: args.console.options(settings.oidc.clone())?,
        node: args.node.clone().unwrap_or_else(own_name),
        slots: usize::from(args.jobs),
        lease: Duration::from_secs(args.lease),
        workers: args.workers,
        behind_tls: args.behind_tls,
        controls: args.controls.clone(),
        choice: args.choice.clone(),
        lake: args.lake.clone(),
        aws: args.aws.clone(),
        reach: args.reach.clone(),
        retention: args.retention.clone(),
        keep: args.keep,
        backup_dir: args.backup_dir.clone(),
        spend_reports: args.spend_report.clone(),
    };
    match daemon::serve(context, options, settings, clock()).await? {
        Ended::Whole => Ok(Exit::Done),
        // What hangs must not keep the process: its leases were handed back.
        Ended::Overdue => {
            #[expect(clippy::exit, reason = "a thread that hangs would keep the process for ever")]
            std::process::exit(i32::from(Exit::Done.code()));
        }
    }
}

/// The name of this machine, as far as it has one.
fn own_name() -> String {
    let named = std::env::var("HOSTNAME").ok();
    let kept = || std::fs::read_to_string("/etc/hostname").ok();
    let name = named.or_else(kept).unwrap_or_default();
    node_name(name.trim()).unwrap_or_else(|_| "yagura".to_owned())
}

/// Processes with what they read, then schedules with how they went last.
async fn status(context: &Context, format: RowFormat) -> anyhow::Result<Exit> {
    let store = context.store().await?;
    let (workers, now) = (store.jobs().workers().await?, context.now());
    let alive: Vec<Worker> =
        workers.into_iter().filter(|one| now.duration_since(one.seen) < SILENT).collect();
    if alive.is_empty() {
        return Err(anyhow::Error::new(Hinted::new(
            format!("no `yagura serve` was heard of in the last minute in `{}`", store.place()),
            "start one with `yagura serve`; --data-dir or --database name its database",
        )));
    }
    let read: Vec<(&Worker, Status)> =
        alive.iter().map(|worker| (worker, Status::read(&worker.status))).collect();
    let tables = [
        processes(&read, now, context.lang),
        places(&read, now, context.lang),
        schedules(&read, &store, now, context.lang).await?,
    ];
    let mut first = true;
    for table in tables.iter().filter(|table| !table.is_empty()) {
        if !first && format == RowFormat::Table {
            output::line("")?;
        }
        first = false;
        table.write(format)?;
    }
    store.close().await;
    Ok(Exit::Done)
}

fn processes(read: &[(&Worker, Status)], now: Timestamp, lang: Lang) -> Rows {
    let columns = [
        ("process", "プロセス"),
        ("version", "バージョン"),
        ("listens_on", "待ち受け"),
        ("since", "起動"),
        ("heard_of", "最終応答"),
        ("reads", "担当グループ"),
    ];
    let mut rows = Rows::new(lang, &columns);
    for (worker, status) in read {
        let groups: Vec<&str> = status.groups.iter().map(|group| group.name.as_str()).collect();
        let cells = vec![
            json!(worker.holder),
            json!(status.version),
            json!(status.listen),
            json!(worker.started),
            json!(worker.seen),
            json!(groups.join(", ")),
        ];
        rows.push_said(cells, vec![("heard_of", ago(worker.seen, now, lang))]);
    }
    rows
}

fn places(read: &[(&Worker, Status)], now: Timestamp, lang: Lang) -> Rows {
    let columns = [
        ("group", "グループ"),
        ("place", "監視対象"),
        ("listed", "一覧取得"),
        ("backlog", "未処理"),
        ("records", "レコード数"),
        ("process", "プロセス"),
        ("trouble", "問題"),
    ];
    let mut rows = Rows::new(lang, &columns);
    for (worker, status) in read {
        for group in &status.groups {
            for place in &group.places {
                let cells = vec![
                    json!(group.name),
                    json!(place.place),
                    json!(place.listed),
                    json!(group.backlog),
                    json!(group.records),
                    json!(worker.holder),
                    json!(place.failure),
                ];
                let listed = place.listed.map(|listed| ago(listed, now, lang));
                rows.push_said(cells, vec![("listed", listed.unwrap_or_default())]);
            }
        }
    }
    rows
}

async fn schedules(
    read: &[(&Worker, Status)],
    store: &Store,
    now: Timestamp,
    lang: Lang,
) -> anyhow::Result<Rows> {
    let runs = store.jobs().runs(None, RUNS_LOOKED_AT).await?;
    let columns = [
        ("schedule", "スケジュール"),
        ("job", "ジョブ"),
        ("cron", "実行時刻"),
        ("timezone", "タイムゾーン"),
        ("next", "次回"),
        ("last_run", "前回"),
        ("outcome", "結果"),
        ("took", "所要時間"),
        ("result", "詳細"),
    ];
    let mut rows = Rows::new(lang, &columns).worded_in("outcome", RUN_OUTCOMES);
    let mut seen = std::collections::BTreeSet::new();
    for schedule in read.iter().flat_map(|(_, status)| &status.schedules) {
        if !seen.insert(&schedule.name) {
            continue;
        }
        let last = runs.iter().find(|run| run.kind == schedule.job && run.key == schedule.name);
        let took = |lang| last.map(|run| took(run, lang));
        let result = |lang| last.map(|run| first_line(run, lang));
        let cells = vec![
            json!(schedule.name),
            json!(schedule.job),
            json!(schedule.cron),
            json!(schedule.timezone),
            json!(schedule.next.filter(|next| *next > now)),
            json!(last.map(|run| run.finished)),
            json!(last.map(|run| run.outcome.as_str())),
            json!(took(Lang::En)),
            json!(result(Lang::En)),
        ];
        let (took, result) = (took(lang).unwrap_or_default(), result(lang).unwrap_or_default());
        rows.push_said(cells, vec![("took", took), ("result", result)]);
    }
    Ok(rows)
}

/// How long a run took: `12s`, `3m 5s`; `12 秒`, `3 分 5 秒`.
pub(super) fn took(run: &Run, lang: Lang) -> String {
    let seconds = run.finished.duration_since(run.started).as_secs().max(0);
    let (hours, minutes) = (seconds / 3_600, seconds % 3_600 / 60);
    let rest = seconds % 60;
    match (seconds, lang) {
        (..=59, Lang::En) => format!("{seconds}s"),
        (..=59, Lang::Ja) => format!("{seconds} 秒"),
        (..=3_599, Lang::En) => format!("{minutes}m {rest}s"),
        (..=3_599, Lang::Ja) => format!("{minutes} 分 {rest} 秒"),
        (_, Lang::En) => format!("{hours}h {minutes}m"),
        (_, Lang::Ja) => format!("{hours} 時間 {minutes} 分"),
    }
}

/// The beginning of a result in the reader's language, fit for a cell.
pub(super) fn first_line(run: &Run, lang: Lang) -> String {
    const SHOWN_MAX: usize = 120;
    let text = match run.outcome {
        // Kept in both languages; an error as it was told.
        RunOutcome::Done => match serde_json::from_str::<Prose>(&run.result) {
            Ok(line) => line.get(lang).to_owned(),
            Err(_) => run.result.clone(),
        },
        RunOutcome::Failed => run.result.clone(),
        RunOutcome::Cancelled | RunOutcome::HandedBack | RunOutcome::Lost => String::new(),
    };
    let line = text.lines().next().unwrap_or_default();
    let mut shown: String = line.chars().take(SHOWN_MAX).collect();
    if shown.len() < line.len() {
        shown.push('…');
    }
    shown
}

/// How long ago: `12 s ago`.
fn ago(then: Timestamp, now: Timestamp, lang: Lang) -> String {
    let seconds = now.duration_since(then).as_secs().max(0);
    match lang {
        Lang::En => format!("{seconds} s ago"),
        Lang::Ja => format!("{seconds} 秒前"),
    }
}

#[cfg(test)]
mod tests {
    use yagura_store::jobs::JobId;

    use super::*;

    fn run(seconds: i64, result: &str) -> Run {
        let started: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        Run {
            job: JobId(1),
            kind: "scan".to_owned(),
            key: "scan".to_owned(),
            holder: "h".to_owned(),
            due: started,
            started,
            finished: Timestamp::from_second(started.as_second() + seconds).unwrap(),
            attempt: 1,
            outcome: RunOutcome::Done,
            result: result.to_owned(),
        }
    }

    #[test]
    fn a_run_is_told_shortly() {
        for (seconds, text) in [(0, "0s"), (59, "59s"), (185, "3m 5s"), (7_260, "2h 1m")] {
            assert_eq!(took(&run(seconds, ""), Lang::En), text);
        }
        for (seconds, text) in [(0, "0 秒"), (185, "3 分 5 秒"), (7_260, "2 時間 1 分")] {
            assert_eq!(took(&run(seconds, ""), Lang::Ja), text);
        }
        let line = r#"{"en": "one\ntwo", "ja": "一"}"#;
        assert_eq!(first_line(&run(0, line), Lang::En), "one");
        assert_eq!(first_line(&run(0, line), Lang::Ja), "一");
        let long = "あ".repeat(200);
        assert_eq!(first_line(&run(0, &long), Lang::En).chars().count(), 121);
    }

    #[test]
    fn a_node_has_a_name_that_is_fit_for_a_file() {
        assert!(node_name("web-1.example").is_ok());
        for name in ["", "a b", "a/b", &"x".repeat(65)] {
            assert!(node_name(name).is_err(), "{name}");
        }
    }
}
