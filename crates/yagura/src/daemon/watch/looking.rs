//! While logs flow in: keeping what they raise within seconds, long before the lake commits.
//! What is raised is judge's; what becomes of alerts, respond's.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Flow;
use crate::detection::keep::Keeping;

/// How often somebody looks whether anything was judged.
const TICK: Duration = Duration::from_millis(500);
/// Looking at open windows costs in proportion to what is remembered: at most this part of the
/// time is spent on it, and never more often than every so long.
const LOOK_PART: u32 = 10;
const LOOK_EVERY_MIN: Duration = Duration::from_secs(2);
/// After so long without a batch, what is old is judged for good and forgotten.
const QUIET: Duration = Duration::from_secs(10);
/// The same where it never gets quiet, unless much is waiting: late parts of a backlog would not
/// be correlated any more.
const SETTLE_EVERY: Duration = Duration::from_secs(600);
/// Objects that are no backlog.
const BACKLOG: u64 = 100;

/// Looks until it is cancelled.
///
/// # Errors
/// Where what was raised could not be kept; ingestion must end then and begin again.
pub(super) async fn look_on(
    keeping: &Keeping,
    flow: &Flow,
    cancel: &CancellationToken,
) -> anyhow::Result<()> {
    let start = Instant::now();
    let (mut told, mut looked_at, mut moved) = (keeping.batches(), keeping.batches(), start);
    let (mut look_due, mut settled) = (start, start);
    let mut settled_at = None;
    loop {
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            () = tokio::time::sleep(TICK) => {}
        }
        let batches = keeping.batches();
        if batches != told {
            told = batches;
            moved = Instant::now();
            keeping.tell().await?;
        }
        if batches != looked_at && Instant::now() >= look_due {
            looked_at = batches;
            let began = Instant::now();
            keeping.look().await?;
            let rest = began.elapsed().saturating_mul(LOOK_PART).max(LOOK_EVERY_MIN);
            look_due = Instant::now() + rest;
        }
        let quiet = moved.elapsed() >= QUIET;
        let busy =
            settled.elapsed() >= SETTLE_EVERY && flow.backlog.load(Ordering::Relaxed) < BACKLOG;
        if settled_at != Some(batches) && (quiet || busy) {
            keeping.settle().await?;
            (settled, settled_at) = (Instant::now(), Some(batches));
        }
    }
}
