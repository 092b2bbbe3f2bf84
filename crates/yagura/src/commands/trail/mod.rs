//! `yagura trail`: proves CloudTrail's files untampered, and keeps the verdicts beside the objects.
//! What proves what is decided in `yagura-analyze`; files and keys are read by `yagura-collect`.

mod words;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use yagura_aws::{Declared, ReadClient};
use yagura_collect::trail::{
    Archive, BucketArchive, CALLS, FolderArchive, KeySource, ObjectKind, ObjectVerdict, Options,
    Selection, Summary, read_keys, verify,
};
use yagura_model::Lang;
use yagura_store::Store;
use yagura_store::ledger;

use crate::context::Context;
use crate::exit::Exit;
use crate::lake_place::bucket_and_prefix;
use crate::options::{AwsOptions, Reach, RowFormat, RowOptions};
use crate::output::{self, Hinted, printable};
use crate::{moment, reach, river};
use words::{reason_words, verdict_en, verdict_ja};

#[derive(Args)]
pub(crate) struct TrailArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Verify(VerifyArgs),
    Keys(KeysArgs),
}

#[derive(Args)]
struct VerifyArgs {
    place: String,
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    trail: Vec<String>,
    #[command(flatten)]
    reach: Reach,
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    aws: AwsOptions,
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
struct KeysArgs {
    #[arg(long, value_name = "TIME", default_value = "-90d")]
    from: String,
    #[arg(long, value_name = "TIME", default_value = "now")]
    to: String,
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    regions: Vec<String>,
    #[command(flatten)]
    aws: AwsOptions,
}

/// What waits between checking and writing.
const WAITING: usize = 256;
/// Verdicts that go to the ledger together.
const BATCH: usize = 500;
/// Gaps of a chain that are named; the rest is counted.
const GAPS_SHOWN: usize = 10;

pub(crate) async fn run(context: &Context, args: &TrailArgs) -> anyhow::Result<Exit> {
    match &args.what {
        What::Verify(args) => run_verify(context, args).await,
        What::Keys(args) => keys(context, args).await,
    }
}

async fn run_verify(context: &Context, args: &VerifyArgs) -> anyhow::Result<Exit> {
    let cancel = river::cancel_on_interrupt({
        let lang = context.lang;
        move || {
            output::say(match lang {
                Lang::En => "interrupted: what was checked so far is shown and kept",
                Lang::Ja => "中断します。ここまでの検証結果は表示し、保存します",
            });
        }
    });
    let now = context.now();
    let selection = Selection {
        since: moment::read_some(args.from.as_deref(), now)?,
        until: moment::read_some(args.to.as_deref(), now)?,
        accounts: args.reach.accounts.clone(),
        regions: args.reach.regions.clone(),
        trails: args.trail.clone(),
    };
    let (archive, client) = archive(args, &cancel).await?;
    let keys = key_source(context, args, client, &cancel).await?;
    let store = context.store().await?;
    let (sink, verdicts) = mpsc::channel(WAITING);
    let options = Options::at(now);
    let checking = verify(archive, keys, &selection, &options, sink, cancel.clone());
    let (summary, kept) = tokio::join!(checking, async {
        let kept = keep(context, args, &store, verdicts).await;
        if kept.is_err() {
            cancel.cancel();
        }
        kept
    });
    store.close().await;
    kept?;
    write_summary(context, args.rows.format, &summary)?;
    Ok(exit(&summary))
}

/// 1 where something is not as CloudTrail delivered it, 3 where something could not be checked.
fn exit(summary: &Summary) -> Exit {
    let waiting = |counts: &std::collections::BTreeMap<_, u64>| {
        counts.get(&yagura_collect::trail::Verdict::Pending).is_some_and(|count| *count > 0)
    };
    let nothing = summary.logs.is_empty() && summary.digests.is_empty();
    let blind =
        !summary.blind.is_empty() || waiting(&summary.logs) || waiting(&summary.digests) || nothing;
    Exit::of_scan(summary.interrupted, summary.is_alarming(), blind)
}

/// The place to verify, and the client that reads it where it is a bucket.
async fn archive(
    args: &VerifyArgs,
    cancel: &tokio_util::sync::CancellationToken,
) -> anyhow::Result<(Arc<dyn Archive>, Option<(ReadClient, String)>)> {
    let Some((bucket, prefix)) = bucket_and_prefix(&args.place) else {
        let folder = FolderArchive::open(args.place.as_ref()).with_context(|| {
            Hinted::new(
                format!("could not open `{}`", args.place),
                "name a folder that holds AWSLogs/, or s3://bucket/prefix",
            )
        })?;
        return Ok((Arc::new(folder), None));
    };
    let (client, account) = client(args, cancel).await?;
    let target = yagura_aws::Target::new(&account, client.region());
    let bucket = client
        .bucket(&target, &bucket, false)
        .with_context(|| format!("`{}` cannot be read", args.place))?;
    Ok((Arc::new(BucketArchive::new(bucket, &prefix)), Some((client, account))))
}

async fn client(
    args: &VerifyArgs,
    cancel: &tokio_util::sync::CancellationToken,
) -> anyhow::Result<(ReadClient, String)> {
    let aws = reach::aws(&args.aws).await?;
    let home = reach::home(&aws).await?;
    let client = aws.read(Declared::from_iter(CALLS)).with_cancel(cancel.clone());
    Ok((client, home.account))
}

/// Keys from the file, else from AWS where it can be reached; without both, digests stay pending.
async fn key_source(
    context: &Context,
    args: &VerifyArgs,
    of_bucket: Option<(ReadClient, String)>,
    cancel: &tokio_util::sync::CancellationToken,
) -> anyhow::Result<KeySource> {
    if let Some(file) = &args.keys {
        let (keys, faults) = read_keys(file)?;
        for fault in faults {
            let fault = context.told(fault);
            context.remark(&match context.lang {
                Lang::En => format!("warning: a public key is not used: {fault}"),
                Lang::Ja => format!("警告: 使用しない公開鍵があります: {fault}"),
            });
        }
        return Ok(KeySource { keys, api: None });
    }
    let api = match of_bucket {
        Some(api) => Some(api),
        None => match client(args, cancel).await {
            Ok(api) => Some(api),
            Err(error) => {
                let error = context.told(error);
                context.remark(&match context.lang {
                    Lang::En => format!(
                        "warning: AWS cannot be asked for public keys ({error}); \
                         name a file with --keys"
                    ),
                    Lang::Ja => format!(
                        "警告: AWS から公開鍵を取得できません（{error}）。--keys でファイルを指定してください"
                    ),
                });
                None
            }
        },
    };
    Ok(KeySource { api, ..KeySource::default() })
}

/// Writes verdicts as they come and keeps them in the ledger.
async fn keep(
    context: &Context,
    args: &VerifyArgs,
    store: &Store,
    mut verdicts: mpsc::Receiver<ObjectVerdict>,
) -> anyhow::Result<()> {
    let ledger = store.ledger();
    let mut waiting = Vec::with_capacity(BATCH);
    while let Some(verdict) = verdicts.recv().await {
        if args.all || verdict.verdict != yagura_collect::trail::Verdict::Verified {
            write_verdict(context, args.rows.format, &verdict)?;
        }
        if verdict.kind == ObjectKind::Log {
            let word = verdict.verdict.as_str().to_owned();
            waiting.push(ledger::Verdict { location: verdict.location, word });
        }
        if waiting.len() >= BATCH {
            ledger.set_integrity(&waiting, context.now()).await?;
            waiting.clear();
        }
    }
    ledger.set_integrity(&waiting, context.now()).await?;
    Ok(())
}

fn write_verdict(
    context: &Context,
    format: RowFormat,
    verdict: &ObjectVerdict,
) -> anyhow::Result<()> {
    let ObjectVerdict { location, kind, verdict: word, reason, detail, digest } = verdict;
    let kind_word = match kind {
        ObjectKind::Log => "log",
        ObjectKind::Digest => "digest",
    };
    if format == RowFormat::Json {
        return output::line(
            &json!({
                "kind": "object", "location": location, "object": kind_word,
                "verdict": word.as_str(), "reason": reason.as_str(), "detail": detail,
                "digest": digest,
            })
            .to_string(),
        );
    }
    let mut text = match context.lang {
        Lang::En => format!("{word:<13} {location}\n{:14}{}", "", reason_words(*reason, Lang::En)),
        Lang::Ja => format!(
            "{}  {location}\n    {}",
            verdict_ja(word.as_str()),
            reason_words(*reason, Lang::Ja)
        ),
    };
    if !detail.is_empty() {
        text.push_str(&format!(": {detail}"));
    }
    output::line(&printable(&text))
}

fn write_summary(context: &Context, format: RowFormat, summary: &Summary) -> anyhow::Result<()> {
    if format == RowFormat::Json {
        return output::line(&summary_json(summary).to_string());
    }
    let lang = context.lang;
    output::data(|out| -> std::io::Result<()> {
        let chains = summary.chains.len();
        match lang {
            Lang::En => writeln!(out, "{chains} chains of digests")?,
            Lang::Ja => writeln!(out, "ダイジェストの連鎖: {chains} 本")?,
        }
        for chain in &summary.chains {
            let time = |time: &Option<jiff::Timestamp>| {
                time.map_or_else(|| "—".to_owned(), |time| time.to_string())
            };
            let (from, to) = (time(&chain.from), time(&chain.to));
            let name = format!("{} {} {}", chain.account, chain.region, chain.trail);
            writeln!(out, "  {}: {} … {}, {}", printable(&name), from, to, chain.digests)?;
            for gap in chain.gaps.iter().take(GAPS_SHOWN) {
                let words = reason_words(gap.reason, lang);
                writeln!(out, "    {} → {}: {words}", time(&gap.from), gap.to)?;
            }
            let left = chain.gaps.len().saturating_sub(GAPS_SHOWN);
            if left > 0 {
                writeln!(out, "    … {left}")?;
            }
        }
        for (heading, counts) in [
            (pick(lang, "digest files", "ダイジェストファイル"), &summary.digests),
            (pick(lang, "log files", "ログファイル"), &summary.logs),
        ] {
            let parts: Vec<String> = counts
                .iter()
                .map(|(verdict, count)| match lang {
                    Lang::En => format!("{count} {}", verdict_en(verdict.as_str())),
                    Lang::Ja => format!("{} {count}", verdict_ja(verdict.as_str())),
                })
                .collect();
            let none = pick(lang, "none", "なし").to_owned();
            let parts = if parts.is_empty() { none } else { parts.join(pick(lang, ", ", "、")) };
            writeln!(out, "{heading}: {parts}")?;
        }
        for blind in &summary.blind {
            let unknown = pick(lang, "unknown", "不明");
            let told = |text: &str| yagura_report::error_in(lang, text).into_owned();
            let text = format!("{unknown}: {}: {}", told(&blind.what), told(&blind.detail));
            writeln!(out, "{}", printable(&text))?;
        }
        Ok(())
    })
}

fn summary_json(summary: &Summary) -> Value {
    let counts = |counts: &std::collections::BTreeMap<yagura_collect::trail::Verdict, u64>| {
        counts
            .iter()
            .map(|(verdict, count)| (verdict.as_str().to_owned(), json!(count)))
            .collect::<serde_json::Map<_, _>>()
    };
    let chains: Vec<Value> = summary
        .chains
        .iter()
        .map(|chain| {
            let gaps: Vec<Value> = chain
                .gaps
                .iter()
                .map(|gap| json!({"reason": gap.reason.as_str(), "from": gap.from, "to": gap.to}))
                .collect();
            json!({
                "account": chain.account, "region": chain.region, "trail": chain.trail,
                "home_region": chain.home_region, "backfill": chain.backfill,
                "digests": chain.digests, "from": chain.from, "to": chain.to, "gaps": gaps,
            })
        })
        .collect();
    let blind: Vec<Value> =
        summary.blind.iter().map(|one| json!({"what": one.what, "detail": one.detail})).collect();
    json!({
        "kind": "summary", "logs": counts(&summary.logs), "digests": counts(&summary.digests),
        "chains": chains, "blind": blind, "read_bytes": summary.read_bytes,
        "interrupted": summary.interrupted,
    })
}

fn pick(lang: Lang, en: &'static str, ja: &'static str) -> &'static str {
    match lang {
        Lang::En => en,
        Lang::Ja => ja,
    }
}

/// Prints public keys as `aws cloudtrail list-public-keys` does.
async fn keys(context: &Context, args: &KeysArgs) -> anyhow::Result<Exit> {
    let now = context.now();
    let (from, to) = (moment::read(&args.from, now)?, moment::read(&args.to, now)?);
    let aws = reach::aws(&args.aws).await?;
    let home = reach::home(&aws).await?;
    let client = aws.read(Declared::none());
    let regions =
        if args.regions.is_empty() { vec![home.region.clone()] } else { args.regions.clone() };
    for region in regions {
        let target = yagura_aws::Target::new(&home.account, &region);
        let input = json!({"StartTime": from.to_string(), "EndTime": to.to_string()});
        let answer = client
            .call_all(&target, "cloudtrail", "ListPublicKeys", &input)
            .await
            .with_context(|| format!("could not read the public keys of `{region}`"))?;
        output::line(&answer.to_string())?;
    }
    Ok(Exit::Done)
}
