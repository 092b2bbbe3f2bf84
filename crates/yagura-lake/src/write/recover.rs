//! What writers leave behind that died before their commit: found when a lake is opened, and
//! removed. A living writer's files are never touched.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::sync::Arc;

use jiff::Timestamp;
use object_store::ObjectMeta;

use crate::layout::partition::STAGING;
use crate::manifest::{Commit, CommitKind, ManifestLog, Tried};
use crate::storage::Root;
use crate::write::commit::ATTEMPTS_MAX;
use crate::write::staging::{INTENT, LOCK, writer_name};
use crate::{LakeError, LakeOptions};

/// What is known of a writer from its folder.
#[derive(Debug, Default)]
struct Leftover {
    paths: Vec<String>,
    newest: Option<Timestamp>,
}

/// Removes what dead writers left.
///
/// A writer in a local folder is dead when its lock is free. Elsewhere it is dead when nothing
/// was heard of it for long; since that may be wrong (a laptop that slept), a commit declares it
/// dead first, and its own commit, which must take the next number, then finds that out.
pub(crate) async fn recover(
    root: &Root,
    log: &ManifestLog,
    options: &LakeOptions,
) -> Result<(), LakeError> {
    let mut dead = Vec::new();
    let mut silent = Vec::new();
    let mut leftovers = leftovers(root).await?;
    for (writer, leftover) in &leftovers {
        match lock_is_free(root, writer).await? {
            Some(true) => dead.push(writer.clone()),
            Some(false) => {}
            None if is_silent(leftover, options) => silent.push(writer.clone()),
            None => {}
        }
    }
    if !silent.is_empty() {
        fence(log, &silent, options.now).await?;
        dead.extend(silent);
    }
    for writer in dead {
        if let Some(leftover) = leftovers.remove(&writer) {
            remove(root, log, &writer, leftover).await?;
        }
    }
    Ok(())
}

async fn leftovers(root: &Root) -> Result<BTreeMap<String, Leftover>, LakeError> {
    let mut found: BTreeMap<String, Leftover> = BTreeMap::new();
    for (path, meta) in root.list(STAGING, None).await? {
        let below = path.strip_prefix(STAGING).and_then(|rest| rest.strip_prefix('/'));
        let Some((writer, _)) = below.and_then(|below| below.split_once('/')) else { continue };
        let leftover = found.entry(writer.to_owned()).or_default();
        leftover.newest = leftover.newest.max(modified(&meta));
        leftover.paths.push(path);
    }
    Ok(found)
}

fn modified(meta: &ObjectMeta) -> Option<Timestamp> {
    Timestamp::from_microsecond(meta.last_modified.timestamp_micros()).ok()
}

/// Whether the writer's lock is free; none where writers have no locks.
async fn lock_is_free(root: &Root, writer: &str) -> Result<Option<bool>, LakeError> {
    let path = format!("{STAGING}/{writer}/{LOCK}");
    let Some(local) = root.local(&path) else { return Ok(None) };
    let tried = tokio::task::spawn_blocking(move || match File::open(&local) {
        // The lock goes with the file handle, at the end of this block. A new writer's that is
        // taken for dead in between finds its file gone, and begins anew.
        Ok(file) => match file.try_lock() {
            Ok(()) => std::fs::remove_file(&local).map(|()| true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        },
        // The lock is a writer's first file. Where it is gone and others are there, the writer was
        // found dead before, and whoever did may have died while removing them.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    });
    let fail = |source| LakeError::Folder { path: path.clone(), source: Arc::new(source) };
    let tried = tried.await.map_err(|error| fail(std::io::Error::other(error)))?;
    tried.map(Some).map_err(fail)
}

fn is_silent(leftover: &Leftover, options: &LakeOptions) -> bool {
    // A clock that went backwards makes a writer look young, never dead.
    let heard = leftover.newest.unwrap_or(Timestamp::UNIX_EPOCH);
    options.now.duration_since(heard) > options.dead_after
}

async fn fence(log: &ManifestLog, writers: &[String], now: Timestamp) -> Result<(), LakeError> {
    let (mut known, writer) = (None, writer_name());
    for _ in 0..ATTEMPTS_MAX {
        let (state, _) = log.newest(known).await?;
        let commit = Commit {
            id: state.commit.saturating_add(1),
            kind: CommitKind::Fence,
            time: now.max(state.time),
            writer: writer.clone(),
            fenced: writers.to_vec(),
            ..Commit::default()
        };
        match log.put(&commit).await? {
            Tried::Done => return Ok(()),
            Tried::Taken => known = Some(state),
        }
    }
    Err(LakeError::Contended { attempts: ATTEMPTS_MAX })
}

/// Removes a dead writer's files: all that is staged, and what it had shown and not committed.
async fn remove(
    root: &Root,
    log: &ManifestLog,
    writer: &str,
    leftover: Leftover,
) -> Result<(), LakeError> {
    let intent = format!("{STAGING}/{writer}/{INTENT}");
    if let Some(note) = root.get(&intent).await? {
        // Read after the writer was found dead: what it has committed is in this state.
        let (state, _) = log.newest(None).await?;
        let note = String::from_utf8_lossy(&note).into_owned();
        let pieces: Vec<&str> = state.quarantine.iter().map(|file| file.path.as_str()).collect();
        let is_kept = |path: &&str| state.files.contains_key(*path) || pieces.contains(path);
        let buried = |path: &&str| state.buried.iter().any(|buried| buried.path == **path);
        let orphans = note.lines().filter(|path| !is_kept(path) && !buried(path));
        let orphans: Vec<String> = orphans.map(str::to_owned).collect();
        tracing::warn!(writer, orphans = orphans.len(), "removing what a dead writer left");
        root.delete(orphans).await?;
    }
    // The note goes last: while it is there, removal can be taken up again.
    let (note, files): (Vec<_>, Vec<_>) =
        leftover.paths.into_iter().partition(|path| *path == intent);
    root.delete(files).await?;
    root.delete(note).await?;
    if let Some(local) = root.local(&format!("{STAGING}/{writer}")) {
        // With what the store left half-written and does not list. A folder more or less harms
        // nobody.
        let _ = std::fs::remove_dir_all(local);
    }
    Ok(())
}
