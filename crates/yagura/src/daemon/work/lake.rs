//! Keeping the lake and the database small: merging files, deleting what is kept no longer.
//! How that is done without a reader noticing is the lake's; how long things are kept, content's,
//! the command line's and `crate::retention`'s.

use yagura_lake::{CompactOptions, Lake};
use yagura_report::grouped;

use super::{Done, said};
use crate::commands::lake::expire;
use crate::daemon::Daemon;
use crate::lake_place::{self, Place, Use};
use crate::{output, retention};

/// The lake, where there is one: a daemon that reads no logs has none.
async fn lake(daemon: &Daemon) -> anyhow::Result<Option<Lake>> {
    let options = &daemon.options;
    if let Place::Folder(folder) = Place::of(&daemon.context, &options.lake)?
        && !folder.is_dir()
    {
        return Ok(None);
    }
    let content = daemon.content().await?;
    let (context, lake, aws) = (&daemon.context, &options.lake, &options.aws);
    Ok(Some(lake_place::open(context, &content, lake, aws, Use::READ).await?))
}

/// Merges small files.
pub(super) async fn compact(daemon: &Daemon) -> anyhow::Result<Done> {
    let Some(lake) = lake(daemon).await? else {
        return Ok(said("there is no log lake yet", "ログレイクはまだありません"));
    };
    let done = lake.compact(&CompactOptions::new(daemon.context.now())).await?;
    let (before, after) = (grouped(done.files_before), grouped(done.files_after));
    let (from, to) = (output::size(done.bytes_before), output::size(done.bytes_after));
    let swept = grouped(done.files_swept);
    Ok(said(
        format!("{before} files ({from}) became {after} ({to}); {swept} old files were deleted"),
        format!(
            "{before} ファイル（{from}）を {after} ファイル（{to}）にまとめ、\
             古い {swept} ファイルを削除しました"
        ),
    ))
}

/// Deletes what is kept no longer: of the lake by its rules, then of the database.
pub(super) async fn retention(daemon: &Daemon) -> anyhow::Result<Done> {
    let now = daemon.context.now();
    let mut rows = 0;
    if let Some(lake) = lake(daemon).await? {
        let content = daemon.content().await?;
        let rules = expire::rules(&content, &daemon.options.retention);
        let expired = lake.expire(&rules, now).await?;
        rows = expired.deletions.iter().map(|deletion| deletion.rows).sum();
    }
    let gone = retention::prune(&daemon.store, &daemon.options.keep, now).await?;
    // Also where nobody signs in any more.
    daemon.options.console.sign_in.forget(&daemon.store, now).await?;
    let (rows, findings) = (grouped(rows), grouped(gone.findings));
    let (deliveries, versions) = (grouped(gone.deliveries), grouped(gone.versions));
    let scans = grouped(gone.scans);
    Ok(said(
        format!(
            "deleted {rows} log records, {findings} resolved findings, {deliveries} deliveries, \
             {versions} versions, the details of {scans} scans"
        ),
        format!(
            "ログ {rows} 件、解決済みの検出結果 {findings} 件、配信の記録 {deliveries} 件、\
             リソースの旧バージョン {versions} 件、スキャン {scans} 回分の詳細を削除しました"
        ),
    ))
}
