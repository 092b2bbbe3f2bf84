//! `yagura jobs`: what the daemon's processes are doing, have done, are to do now or not at all.
//! Doing it is the daemon's.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;
use yagura_model::Lang;
use yagura_store::jobs::{Cancelled, JobId, NewJob};

use crate::commands::serve::{RUN_OUTCOMES, first_line, took};
use crate::context::Context;
use crate::daemon::kind::JobKind;
use crate::daemon::status::SILENT;
use crate::exit::Exit;
use crate::options::RowOptions;
use crate::output::Hinted;
use crate::rows::Rows;

#[derive(Args)]
pub(crate) struct JobsArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    List(ListArgs),
    Runs(RunsArgs),
    Run(RunArgs),
    Cancel(CancelArgs),
}

#[derive(Args)]
struct ListArgs {
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
struct RunsArgs {
    #[arg(value_name = "JOB")]
    job: Option<JobKind>,
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
struct RunArgs {
    #[arg(value_name = "JOB")]
    job: JobKind,
}

#[derive(Args)]
struct CancelArgs {
    #[arg(value_name = "ID")]
    id: i64,
}

pub(crate) async fn run(context: &Context, args: &JobsArgs) -> anyhow::Result<Exit> {
    match &args.what {
        What::List(args) => list(context, args).await,
        What::Runs(args) => runs(context, args).await,
        What::Run(args) => begin(context, args).await,
        What::Cancel(args) => cancel(context, args).await,
    }
}

/// Jobs that wait or run.
async fn list(context: &Context, args: &ListArgs) -> anyhow::Result<Exit> {
    let store = context.store().await?;
    let jobs = store.jobs().list(args.limit).await?;
    let columns = [
        ("id", "ID"),
        ("job", "ジョブ"),
        ("key", "対象"),
        ("state", "状態"),
        ("due", "予定"),
        ("since", "開始"),
        ("process", "プロセス"),
        ("attempts", "試行回数"),
        ("last_error", "最後のエラー"),
    ];
    let mut rows = Rows::new(context.lang, &columns)
        .worded_in("state", "console_settings.jobs.")
        .told("last_error");
    for job in jobs {
        let state = match (&job.held, job.cancelled) {
            (Some(_), true) => "stopping",
            (Some(_), false) => "running",
            (None, _) => "waiting",
        };
        rows.push(vec![
            json!(job.id.0),
            json!(job.kind),
            json!(job.key),
            json!(state),
            json!(job.due),
            json!(job.started),
            json!(job.held.map(|(holder, _)| holder)),
            json!(job.attempts),
            json!(job.last_error),
        ]);
    }
    if rows.is_empty() {
        context.remark_in("no job waits or runs", "待機中・実行中のジョブはありません");
    }
    rows.write(args.rows.format)?;
    store.close().await;
    Ok(Exit::Done)
}

/// Runs that ended, the newest first.
async fn runs(context: &Context, args: &RunsArgs) -> anyhow::Result<Exit> {
    let store = context.store().await?;
    let kind = args.job.map(JobKind::as_str);
    let runs = store.jobs().runs(kind, args.limit).await?;
    let columns = [
        ("id", "ID"),
        ("job", "ジョブ"),
        ("key", "対象"),
        ("started", "開始"),
        ("took", "所要時間"),
        ("outcome", "結果"),
        ("attempt", "試行"),
        ("process", "プロセス"),
        ("result", "詳細"),
    ];
    let lang = context.lang;
    let mut rows = Rows::new(lang, &columns).worded_in("outcome", RUN_OUTCOMES);
    for run in &runs {
        let cells = vec![
            json!(run.job.0),
            json!(run.kind),
            json!(run.key),
            json!(run.started),
            json!(took(run, Lang::En)),
            json!(run.outcome.as_str()),
            json!(run.attempt),
            json!(run.holder),
            json!(first_line(run, Lang::En)),
        ];
        rows.push_said(cells, vec![("took", took(run, lang)), ("result", first_line(run, lang))]);
    }
    if rows.is_empty() {
        context.remark_in("no job has run yet", "実行されたジョブはまだありません");
    }
    rows.write(args.rows.format)?;
    store.close().await;
    Ok(Exit::Done)
}

/// Asks for a job now.
async fn begin(context: &Context, args: &RunArgs) -> anyhow::Result<Exit> {
    let word = args.job.as_str();
    anyhow::ensure!(
        args.job.is_scheduled(),
        Hinted::new(
            format!("`{word}` is done by itself whenever there is something to do"),
            "`yagura jobs run --help` lists those that can be asked for",
        )
    );
    let store = context.store().await?;
    let (jobs, now) = (store.jobs(), context.now());
    // The key of the default schedule: what it has waiting is this run.
    let job = NewJob { kind: word, key: word, payload: "{}", due: now };
    let id = jobs.add(&job, now).await?;
    context.remark_in(
        &format!("job {id} ({word}) is asked for; `yagura jobs list` shows it"),
        &format!("ジョブ {id}（{word}）を登録しました。`yagura jobs list` で確認できます"),
    );
    if !somebody_serves(&jobs.workers().await?, now) {
        context.remark_in(
            "no `yagura serve` was heard of in the last minute: the job waits for one",
            "直近 1 分間に応答した `yagura serve` がありません。起動するまでジョブは待機します",
        );
    }
    store.close().await;
    Ok(Exit::Done)
}

fn somebody_serves(workers: &[yagura_store::jobs::Worker], now: Timestamp) -> bool {
    workers.iter().any(|worker| now.duration_since(worker.seen) < SILENT)
}

/// Calls a job off.
async fn cancel(context: &Context, args: &CancelArgs) -> anyhow::Result<Exit> {
    let store = context.store().await?;
    let id = args.id;
    let exit = match store.jobs().cancel(JobId(id), context.now()).await? {
        Cancelled::Removed => {
            context.remark_in(
                &format!("job {id} waited and is called off"),
                &format!("待機中のジョブ {id} を取り消しました"),
            );
            Exit::Done
        }
        Cancelled::Asked => {
            context.remark_in(
                &format!("job {id} runs; its process is asked to stop it and does so soon"),
                &format!("実行中のジョブ {id} に停止を要求しました。まもなく停止します"),
            );
            Exit::Done
        }
        Cancelled::Unknown => {
            return Err(anyhow::Error::new(Hinted::new(
                format!("there is no job {id}"),
                "`yagura jobs list` lists those that wait or run",
            )));
        }
    };
    store.close().await;
    Ok(exit)
}
