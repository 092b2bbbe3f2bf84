//! A scan on schedule: what `yagura scan` does, without a report: the result is in the store and
//! in the findings.
//! The stages are wired in `crate::river`.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use yagura_collect::{Plan, Wanted};
use yagura_content::format::Control;
use yagura_model::{Lang, Prose};
use yagura_report::grouped;
use yagura_respond::findings::Fold;

use super::Done;
use crate::commands::scan::is_blind;
use crate::daemon::kind::JobKind;
use crate::daemon::metrics::names;
use crate::daemon::{Daemon, count, ticking};
use crate::findings;
use crate::progress::Bar;
use crate::reach;
use crate::river::{self, Judgement, Judging, Seen};

/// Inventories, judges, folds.
pub(super) async fn run(daemon: &Daemon, cancel: &CancellationToken) -> anyhow::Result<Done> {
    let scanned = scan(daemon, cancel).await;
    let outcome = match &scanned {
        Err(_) if cancel.is_cancelled() => "interrupted",
        Err(_) => "failed",
        Ok(scanned) if scanned.interrupted => "interrupted",
        Ok(scanned) if scanned.blind => "partly_blind",
        Ok(_) => "complete",
    };
    daemon.metrics.add(names::SCANS, &[outcome], 1.0);
    let scanned = scanned?;
    ticking::ask(daemon, JobKind::Route).await?;
    match scanned.interrupted {
        true => Ok(Done::Stopped),
        false => Ok(Done::Well(Some(scanned.line))),
    }
}

struct Scanned {
    interrupted: bool,
    blind: bool,
    line: Prose,
}

async fn scan(daemon: &Daemon, cancel: &CancellationToken) -> anyhow::Result<Scanned> {
    let (context, store) = (&daemon.context, &daemon.store);
    let content = daemon.content().await?;
    let controls: Vec<&Arc<Control>> = daemon.options.controls.of(&content)?;
    let wanted: Vec<&Control> = controls.iter().map(AsRef::as_ref).collect();
    let plan = Plan::new(&content, &Wanted::Controls(&wanted));
    let client = reach::client(&daemon.options.aws, cancel.clone()).await?;
    let started = context.now();
    let ground = reach::ground(&client, &plan, &daemon.options.reach, started).await?;
    let start = river::start(&ground, &controls, false);
    let bar = Bar::new(context.lang, true);
    let read = river::read(&client, &plan, &ground, &start, store, &bar).await?;
    river::finish(store, &read, context.now()).await?;
    let judging = Judging {
        content: &content,
        controls: &controls,
        now: started,
        accounts: river::accounts_known(&ground.organization),
        all: false,
        into: Some(read.scan),
    };
    let judgement = river::judge(store, Seen::Scan(read.scan), judging).await?;
    let fold = Fold::new(Arc::clone(&content));
    let folded = fold.fold_scan(store, read.scan, context.now()).await?;
    let counts = client.counts();
    tell(daemon, &judgement, counts.calls, counts.throttles);
    let (resources, calls) = (grouped(judgement.resources), grouped(counts.calls));
    let (scan, told) = (read.scan, |lang| findings::summary(&folded, lang));
    Ok(Scanned {
        interrupted: read.outcome.interrupted,
        blind: read.outcome.blind > 0 || is_blind(&judgement),
        line: Prose {
            en: format!("scan {scan}: {resources} resources, {calls} calls; {}", told(Lang::En)),
            ja: format!(
                "スキャン {scan}: リソース {resources} 件、呼び出し {calls} 回。{}",
                told(Lang::Ja)
            ),
        },
    })
}

fn tell(daemon: &Daemon, judgement: &Judgement, calls: u64, throttles: u64) {
    let metrics = &daemon.metrics;
    metrics.add(names::SCANNED_RESOURCES, &[], count(judgement.resources));
    metrics.add(names::AWS_CALLS, &[], count(calls));
    metrics.add(names::AWS_THROTTLES, &[], count(throttles));
    let counts = &judgement.tally.counts;
    let verdicts = [
        ("pass", counts.pass),
        ("fail", counts.fail),
        ("excepted", counts.excepted),
        ("unknown", counts.unknown),
        ("not_applicable", counts.not_applicable),
    ];
    for (status, number) in verdicts {
        metrics.set(names::VERDICTS, &[status], count(number));
    }
}
