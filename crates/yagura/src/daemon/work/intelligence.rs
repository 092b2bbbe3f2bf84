//! Threat lists on schedule: what `yagura intelligence refresh` does.
//! Whoever judges logs notices the new copies by itself (`watch/renewed.rs`).

use anyhow::bail;
use yagura_collect::intelligence::RefreshState;

use super::{Done, said};
use crate::commands::intelligence::refresh::{Refreshing, refreshed};
use crate::daemon::Daemon;

/// Fetches the lists that are due.
pub(super) async fn run(daemon: &Daemon) -> anyhow::Result<Done> {
    let content = daemon.content().await?;
    let asked =
        Refreshing { names: &[], force: false, timeout_seconds: 120, aws: &daemon.options.aws };
    let done = refreshed(&daemon.context, &content, &asked).await?;
    let mut failed = Vec::new();
    let mut replaced = 0;
    for one in &done {
        match &one.state {
            RefreshState::Failed { reason } => failed.push(format!("`{}`: {reason}", one.name)),
            RefreshState::Replaced { .. } => replaced += 1,
            RefreshState::Fresh | RefreshState::Unchanged => {}
        }
    }
    if !failed.is_empty() {
        bail!(
            "{} of {} lists could not be fetched: {}",
            failed.len(),
            done.len(),
            failed.join("; ")
        );
    }
    let all = done.len();
    Ok(said(
        format!("{all} lists looked at, {replaced} replaced"),
        format!("{all} 個のリストを確認し、{replaced} 個を更新しました"),
    ))
}
