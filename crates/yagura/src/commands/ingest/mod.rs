//! `yagura ingest`: logs from folders, buckets, queues, log groups and listeners into the lake,
//! each record exactly once, judged on its way.
//! How objects become rows is in `yagura-collect` and `yagura-lake`.

pub(crate) mod feeds;
pub(crate) mod place;
pub(super) mod summary;

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use yagura_collect::sources::{IngestError, IngestLimits, Job, Outcome, Tap, ingest};
use yagura_content::Content;
use yagura_respond::findings::Folded;
use yagura_store::ledger::Balance;

use crate::context::Context;
use crate::detection::choice::DetectionChoice;
use crate::detection::keep::{Keeping, Raised};
use crate::exit::Exit;
use crate::lake_place::{self, Use};
use crate::options::{AwsOptions, LakeChoice, RowOptions};
use crate::output::Hinted;
use crate::progress::IngestBar;
use crate::{findings, moment, river};
use place::Place;

/// How long one who follows waits before everything is listed again.
const ROUND_EVERY: Duration = Duration::from_secs(15);
/// The same, where somebody else announces what is new.
const ANNOUNCED_EVERY: Duration = Duration::from_secs(1);

#[derive(Args)]
pub(crate) struct IngestArgs {
    #[arg(value_name = "SOURCE")]
    source: String,
    #[arg(value_name = "PLACE", required = true, value_parser = Place::parse)]
    place: Vec<Place>,
    #[arg(long, conflicts_with = "follow")]
    once: bool,
    #[arg(long)]
    follow: bool,
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    regions: Vec<String>,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    #[arg(long)]
    behind_tls: bool,
    #[arg(long, conflicts_with_all = ["rules", "no_builtin", "detections"])]
    no_detect: bool,
    #[command(flatten)]
    choice: DetectionChoice,
    #[command(flatten)]
    lake: LakeChoice,
    #[command(flatten)]
    aws: AwsOptions,
    #[command(flatten)]
    rows: RowOptions,
}

pub(crate) async fn run(context: &Context, args: &IngestArgs) -> anyhow::Result<Exit> {
    let content = Arc::new(context.content()?);
    let source = source_of(&content, &args.source)?;
    let listens = args.place.iter().any(Place::listens);
    let follow = args.follow || listens;
    let cancel = river::cancel_on_interrupt({
        let lang = context.lang;
        move || summary::say_interrupted(lang)
    });
    let workers = workers(args.workers);
    let how = Use { workers, begin: true };
    let lake = lake_place::open(context, &content, &args.lake, &args.aws, how).await?;
    let store = context.store().await?;
    let from = moment::read_some(args.from.as_deref(), context.now())?;
    let asked = feeds::Asked {
        source,
        from,
        regions: &args.regions,
        behind_tls: args.behind_tls,
        aws: &args.aws,
    };
    let (feeds, listeners) = feeds::open(context, &args.place, &asked, &cancel).await?;
    let announced = listens || feeds.iter().any(|feed| feed.announces());
    let every = if announced { ANNOUNCED_EVERY } else { ROUND_EVERY };
    let bar = Arc::new(IngestBar::new(context.lang, context.global.quiet));
    let keeping = match args.no_detect {
        true => None,
        false => {
            let alerts = store.alerts();
            let begun = Keeping::begin(context, &content, &args.choice, alerts, clock()).await?;
            Some(Arc::new(begun))
        }
    };
    let tap: Arc<dyn Tap> = match &keeping {
        Some(keeping) => keeping.clone(),
        None => Arc::new(()),
    };
    let job = Job {
        feeds,
        content: Arc::clone(&content),
        lake,
        ledger: store.ledger(),
        tap,
        limits: IngestLimits { workers, ..IngestLimits::default() },
        clock: clock(),
        progress: Arc::new({
            let bar = Arc::clone(&bar);
            move |progress| bar.show(progress)
        }),
        cancel: cancel.clone(),
        locks: Some(context.data_folder()?),
    };
    // What is a repeat is settled when a commit is made; the ledger has it, so what this command
    // brought is what the ledger has more than before.
    let mut before = Balance::default();
    for feed in &job.feeds {
        before += job.ledger.balance(Some(feed.name())).await?;
    }
    let mut total = summary::Total::since(before);
    let mut told = Raised::default();
    let mut folded = Folded::default();
    loop {
        let outcome = one_round(&job, &bar).await?;
        if let Some(keeping) = &keeping {
            keeping.settle().await?;
            // Who follows logs comes by every second, mostly for nothing.
            let raised = keeping.raised();
            if raised != told || !follow {
                folded += findings::fold_alerts(&content, &store, context.now()).await?;
                told = raised;
            }
        }
        let interrupted = outcome.interrupted;
        total.add(outcome);
        if !follow || interrupted || pause(&cancel, every).await {
            break;
        }
    }
    listeners.close().await;
    store.close().await;
    let raised = keeping.map(|keeping| keeping.raised());
    total.write(context, args.rows.format, raised.as_ref())?;
    findings::say(context, &folded);
    Ok(total.exit(follow))
}

/// One pass over all feeds.
async fn one_round(job: &Job, bar: &IngestBar) -> anyhow::Result<Outcome> {
    let outcome = ingest(job.clone()).await;
    bar.done();
    outcome.map_err(explained)
}

/// Waits for the next round; whether it was interrupted.
async fn pause(cancel: &CancellationToken, every: Duration) -> bool {
    tokio::select! {
        () = cancel.cancelled() => true,
        () = tokio::time::sleep(every) => false,
    }
}

/// The source that was asked for; none where each object is to be recognized.
pub(crate) fn source_of(content: &Content, text: &str) -> anyhow::Result<Option<String>> {
    if text == "auto" {
        return Ok(None);
    }
    let known: Vec<&str> = content.sources.keys().map(String::as_str).collect();
    ensure!(
        content.sources.contains_key(text),
        Hinted::new(
            format!("there is no log source `{text}`"),
            format!("known are auto, {}", known.join(", ")),
        )
    );
    Ok(Some(text.to_owned()))
}

pub(crate) fn workers(asked: Option<u16>) -> usize {
    let all = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    asked.map_or_else(all, usize::from)
}

/// An error of ingestion with its remedy.
pub(crate) fn explained(error: IngestError) -> anyhow::Error {
    let message = error.to_string();
    match error.remedy() {
        Some(hint) => anyhow::Error::new(error).context(Hinted::new(message, hint)),
        None => anyhow::Error::new(error),
    }
}

/// The clock, for whoever works on while the command runs.
pub(crate) fn clock() -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
    Arc::new(|| {
        #[expect(clippy::disallowed_methods, reason = "the binary is where time comes from")]
        Timestamp::now()
    })
}
