//! What jobs do, by kind: each is one of the functions that the commands have too.
//! When and how often is in `ticking.rs` and `lanes.rs`.

mod aws;
mod backup;
mod intelligence;
mod lake;
mod scan;
mod tell;

use std::sync::Arc;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use yagura_model::Prose;
use yagura_store::jobs::Lease;

use super::kind::JobKind;
use super::{Daemon, watch};

/// How a job came to its end, where it did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// It is done; one line for people, or nothing where nothing was to be done.
    Well(Option<Prose>),
    /// It was told to stop before it was done.
    Stopped,
}

/// Does a job.
///
/// # Errors
/// Where it could not be done; it may be tried again as a whole.
pub(super) async fn run(
    daemon: &Arc<Daemon>,
    lease: &Lease,
    cancel: &CancellationToken,
) -> anyhow::Result<Done> {
    let kind = JobKind::of(&lease.kind).with_context(|| format!("`{}` is no job", lease.kind))?;
    match kind {
        JobKind::Scan => scan::run(daemon, cancel).await,
        JobKind::Intelligence => until(cancel, intelligence::run(daemon)).await,
        JobKind::Compact => until(cancel, lake::compact(daemon)).await,
        JobKind::Retention => until(cancel, lake::retention(daemon)).await,
        JobKind::Import => aws::import(daemon, cancel).await,
        JobKind::Push => aws::push(daemon, cancel).await,
        JobKind::Spend => aws::spend(daemon, cancel).await,
        JobKind::Backup => backup::run(daemon).await,
        JobKind::Ingest => {
            let known = watch::shared_groups(&daemon.settings.watchers).contains(&lease.key);
            if known {
                watch::group(daemon, &lease.key, cancel).await;
                return Ok(Done::Stopped);
            }
            Ok(said(
                "no place of this group is watched any more",
                "このグループの監視対象はなくなりました",
            ))
        }
        JobKind::Fold => tell::fold(daemon).await,
        JobKind::Route => tell::route(daemon).await,
        JobKind::Deliver => tell::deliver(daemon, lease, cancel).await,
    }
}

/// Done, with a line for people.
fn said(en: impl Into<String>, ja: impl Into<String>) -> Done {
    Done::Well(Some(Prose { en: en.into(), ja: ja.into() }))
}

/// Work that may be dropped at any point, since it leaves nothing half-done behind.
async fn until(
    cancel: &CancellationToken,
    work: impl Future<Output = anyhow::Result<Done>>,
) -> anyhow::Result<Done> {
    tokio::select! {
        () = cancel.cancelled() => Ok(Done::Stopped),
        done = work => done,
    }
}
