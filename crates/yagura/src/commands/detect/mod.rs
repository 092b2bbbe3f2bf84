//! `yagura detect`: detections straight over log files, folders, buckets or standard input; no
//! lake and no store.
//! The same over the lake is `yagura hunt`; while logs are ingested, `yagura ingest` does it.

use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use yagura_aws::Declared;
use yagura_collect::sources::feeds::bucket::BucketFeed;
use yagura_collect::sources::feeds::folder::Folder;
use yagura_collect::sources::feeds::{Feed, bucket, stdin};
use yagura_collect::sources::{ReadError, ReadLimits, ReadOutcome, Reading, read};
use yagura_judge::detections::DetectOptions;
use yagura_model::{Lang, Prose};

use super::ingest::feeds::explained;
use super::ingest::place::Place;
use super::ingest::source_of;
use super::ingest::summary::reason_words;
use crate::context::Context;
use crate::detection::choice::DetectionChoice;
use crate::detection::tap::{Judging, SpanOfTime};
use crate::detection::told::{AlertOptions, Found, blind_of};
use crate::exit::Exit;
use crate::options::{AwsOptions, Span};
use crate::output::{self, Hinted};
use crate::progress::IngestBar;
use crate::{moment, reach, river};

/// Objects that are named one by one; the rest is counted.
const NAMED_MAX: usize = 10;

#[derive(Args)]
pub(crate) struct DetectArgs {
    #[arg(value_name = "PATH", required = true, value_parser = Place::parse)]
    place: Vec<Place>,
    #[arg(long, value_name = "ID", default_value = "auto")]
    source: String,
    #[command(flatten)]
    choice: DetectionChoice,
    #[command(flatten)]
    span: Span,
    #[arg(long)]
    no_group: bool,
    #[command(flatten)]
    told: AlertOptions,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    #[command(flatten)]
    aws: AwsOptions,
}

pub(crate) async fn run(context: &Context, args: &DetectArgs) -> anyhow::Result<Exit> {
    let content = Arc::new(context.content()?);
    let source = source_of(&content, &args.source)?;
    let now = context.now();
    let since = moment::read_some(args.span.since.as_deref(), now)?;
    let until = moment::read_some(args.span.until.as_deref(), now)?;
    let lang = context.lang;
    let cancel = river::cancel_on_interrupt(move || say_interrupted(lang));
    let options = DetectOptions { grouped: !args.no_group, ..DetectOptions::at(now) };
    let chosen = args.choice.compile(context, &content, options)?;
    let judging = Judging::begin(chosen.detector.clone(), None)?;
    let judging = Arc::new(judging.within(SpanOfTime::of(since, until, &content)));
    // Standard input is copied before it is read; the copy goes when the command ends.
    let spool = tempfile::tempdir()?;
    let feeds = feeds(args, source.as_ref(), spool.path(), &cancel).await?;
    let bar = Arc::new(IngestBar::new(lang, context.global.quiet));
    let reading = Reading {
        feeds,
        content: Arc::clone(&content),
        tap: judging.clone(),
        limits: ReadLimits {
            workers: args.workers.map_or(0, usize::from),
            ..ReadLimits::default()
        },
        progress: Arc::new({
            let bar = Arc::clone(&bar);
            move |progress| bar.show(progress)
        }),
        cancel,
    };
    let outcome = read(reading).await.map_err(of_reading)?;
    bar.done();
    let judged = judging.finish()?;
    let mut blind = blind(&outcome);
    let unjudged = blind_of(&judged.counters);
    let is_blind = outcome.is_blind() || !unjudged.is_empty();
    blind.extend(unjudged);
    let failing = args.told.fails(&judged.alerts);
    let records = Some(judged.counters.records);
    let found = Found { alerts: judged.alerts, records, blind, more: false };
    if args.told.format != yagura_report::AlertFormat::Table {
        say_blind(context, &found.blind);
    }
    args.told.write(context, &content, &chosen.rules, found)?;
    Ok(Exit::of_scan(outcome.interrupted, failing, is_blind))
}

async fn feeds(
    args: &DetectArgs,
    source: Option<&String>,
    spool: &std::path::Path,
    cancel: &CancellationToken,
) -> anyhow::Result<Vec<Arc<dyn Feed>>> {
    let mut feeds: Vec<Arc<dyn Feed>> = Vec::new();
    let mut aws = None;
    for place in &args.place {
        let source = source.cloned();
        match place {
            Place::Path(path) => {
                feeds.push(Arc::new(Folder::new(path, source).map_err(explained)?));
            }
            Place::Stdin => {
                let input = std::io::stdin().lock();
                feeds.push(Arc::new(stdin::spool(input, spool, source).map_err(explained)?));
            }
            Place::Bucket { bucket, prefix } => {
                if aws.is_none() {
                    let reached = reach::aws(&args.aws).await?;
                    let home = reach::home(&reached).await?;
                    aws = Some((reached, home));
                }
                let Some((aws, home)) = &aws else { continue };
                let declared: Declared = bucket::CALLS.iter().copied().collect();
                let client = aws.read(declared).with_cancel(cancel.clone());
                let opened = client.bucket(home, bucket, false)?;
                let handle = Handle::current();
                feeds.push(Arc::new(BucketFeed::new(opened, prefix, source, handle)));
            }
            _ => bail!(Hinted::new(
                "only what lies somewhere can be read without a lake",
                "name files, folders, s3://bucket/prefix or -; `yagura ingest` takes the rest and \
                 judges it too",
            )),
        }
    }
    Ok(feeds)
}

fn of_reading(error: ReadError) -> anyhow::Error {
    let message = error.to_string();
    match error {
        ReadError::FeedTwice(_) => {
            anyhow::Error::new(error).context(Hinted::new(message, "name each place once"))
        }
        error => anyhow::Error::new(error),
    }
}

/// What could not be read, by name.
fn blind(outcome: &ReadOutcome) -> Vec<Prose> {
    let mut blind = Vec::new();
    let same = |text: String| Prose { en: text.clone(), ja: text };
    let quarantined = outcome.quarantines.iter().map(|one| {
        let words = |lang| match one.pieces {
            0 => reason_words(&one.reason, lang),
            _ => partly(lang),
        };
        let told = |lang| format!("{}: {} ({})", one.location, words(lang), one.reason);
        Prose { en: told(Lang::En), ja: told(Lang::Ja) }
    });
    let unread = outcome.unread.iter().chain(&outcome.unlisted);
    let unread = unread.map(|one| same(format!("{}: {}", one.location, one.detail)));
    blind.extend(quarantined.chain(unread).take(NAMED_MAX));
    let unread = outcome.unread_count + outcome.unlisted.len() as u64;
    let all = unread + outcome.quarantines.len() as u64;
    let left = all.saturating_sub(blind.len() as u64);
    if left > 0 {
        blind.push(Prose { en: format!("and {left} more"), ja: format!("ほか {left} 件") });
    }
    blind
}

fn partly(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "part of it could not be read",
        Lang::Ja => "一部を読み取れなかった",
    }
}

/// Formats for programs have no place for it: it goes to stderr.
pub(super) fn say_blind(context: &Context, blind: &[Prose]) {
    for one in blind {
        let text = one.get(context.lang);
        let (en, ja) = (format!("not seen: {text}"), format!("読み取れません: {text}"));
        context.remark_in(&en, &ja);
    }
}

pub(in crate::commands) fn say_interrupted(lang: Lang) {
    output::say(match lang {
        Lang::En => "interrupted: telling what was found so far (once more to stop at once)",
        Lang::Ja => "中断します。ここまでの結果を表示します（もう一度押すとすぐに終了）",
    });
}
