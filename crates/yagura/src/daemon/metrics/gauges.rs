//! What is asked when somebody reads the metrics: the database's counts, and how watched places
//! are. Asked at most every few seconds, however many ask.
//! Counters of this process are counted where things happen.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;
use yagura_model::finding::Scope;
use yagura_store::findings::{FindingFilter, GroupBy};

use super::{names, process};
use crate::daemon::{Daemon, count, logged};
use crate::spending;

/// How old an answer of the database may be.
const AGE_MAX: Duration = Duration::from_secs(10);
/// A worker that was silent for longer is not counted.
const SILENT: SignedDuration = SignedDuration::from_secs(60);

/// How old the counts of findings may be: there may be a million.
const FINDINGS_AGE_MAX: Duration = Duration::from_secs(60);

/// When the database was asked last, and when for findings.
#[derive(Debug, Default)]
pub(crate) struct Asked(tokio::sync::Mutex<(Option<Instant>, Option<Instant>)>);

/// Brings all gauges up to date.
pub(crate) async fn refresh(daemon: &Arc<Daemon>) {
    let metrics = &daemon.metrics;
    metrics.set(names::BUILD, &[env!("CARGO_PKG_VERSION")], 1.0);
    metrics.set(names::READY, &[], f64::from(u8::from(daemon.health.is_ready())));
    metrics.set(
        names::STARTED,
        &[],
        seconds(daemon.started.duration_since(jiff::Timestamp::UNIX_EPOCH)),
    );
    process::measure(metrics);
    watched(daemon);
    // Who comes while another asks waits for that answer.
    let mut asked = daemon.asked.0.lock().await;
    if asked.0.is_some_and(|at| at.elapsed() < AGE_MAX) {
        return;
    }
    let whole = asked.1.is_none_or(|at| at.elapsed() >= FINDINGS_AGE_MAX);
    if let Err(error) = stored(daemon, whole).await {
        metrics.add(names::SCRAPE_ERRORS, &[], 1.0);
        tracing::warn!(code = "metrics_not_asked", error = %logged(&error),
            "the database could not be asked for metrics");
    }
    let now = Some(Instant::now());
    *asked = (now, if whole { now } else { asked.1 });
}

fn watched(daemon: &Daemon) {
    let metrics = &daemon.metrics;
    let now = (daemon.clock)();
    // What another process reads by now is told there.
    for name in [names::WATCH_LOOKS, names::WATCH_FAILURES, names::WATCH_LAG] {
        metrics.clear(name);
    }
    for (_, flow) in daemon.flows() {
        for (place, seen) in flow.places() {
            let place = [place.as_str()];
            let load =
                |counter: &std::sync::atomic::AtomicU64| count(counter.load(Ordering::Relaxed));
            metrics.set(names::WATCH_LOOKS, &place, load(&seen.looks));
            metrics.set(names::WATCH_FAILURES, &place, load(&seen.failures));
            let whole_us = seen.whole_us.load(Ordering::Relaxed);
            let since = match whole_us {
                0 => daemon.started,
                us => jiff::Timestamp::from_microsecond(us).unwrap_or(daemon.started),
            };
            metrics.set(names::WATCH_LAG, &place, seconds(now.duration_since(since)));
        }
    }
}

async fn stored(daemon: &Daemon, whole: bool) -> anyhow::Result<()> {
    let metrics = &daemon.metrics;
    let counts = daemon.jobs.counts().await?;
    metrics.clear(names::JOBS);
    for one in counts {
        let state = if one.running { "running" } else { "waiting" };
        metrics.set(names::JOBS, &[&one.kind, state], count(one.count));
    }
    let now = (daemon.clock)();
    let workers = daemon.jobs.workers().await?;
    let alive = workers.iter().filter(|worker| now.duration_since(worker.seen) < SILENT).count();
    metrics.set(names::WORKERS, &[], count(alive as u64));
    let targets = daemon.store.outbox().by_target().await?;
    let waiting = targets.iter().map(|target| target.waiting).sum();
    metrics.set(names::OUTBOX_WAITING, &[], count(waiting));
    metrics.set(names::OUTBOX_DEAD, &[], count(targets.iter().map(|target| target.dead).sum()));
    if whole {
        findings(daemon).await?;
        spend(daemon).await?;
    }
    Ok(())
}

/// What was spent, where the bill is read.
async fn spend(daemon: &Daemon) -> anyhow::Result<()> {
    let gauges = spending::gauges(&daemon.store, (daemon.clock)()).await?;
    for name in [spending::MONTH, spending::DAY, spending::FORECAST, spending::BUDGET] {
        daemon.metrics.clear(name);
    }
    for gauge in gauges {
        let labels: Vec<&str> = gauge.labels.iter().map(String::as_str).collect();
        daemon.metrics.set(gauge.name, &labels, gauge.value);
    }
    Ok(())
}

/// Findings by severity and state.
async fn findings(daemon: &Daemon) -> anyhow::Result<()> {
    let findings = daemon.store.findings(Scope::All);
    daemon.metrics.clear(names::FINDINGS);
    let all = FindingFilter::default();
    for (severity, states) in findings.count_by_severity(&all, GroupBy::State).await? {
        for state in states.counts {
            let labels = [severity.as_str(), state.value.as_str()];
            daemon.metrics.set(names::FINDINGS, &labels, count(state.count));
        }
    }
    Ok(())
}

fn seconds(span: SignedDuration) -> f64 {
    span.as_secs_f64().max(0.0)
}
