//! The commit: staged files get their names, then one manifest is put if absent.
//! Where another writer was quicker, what it committed first is taken out of this one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use yagura_model::LogObject;

use crate::LakeError;
use crate::manifest::{Commit, CommitId, CommitKind, ObjectReceipt, ObjectState, State, Tried};
use crate::seen::{Hour, Names, names_in};
use crate::write::ingestion::{Made, Shared};
use crate::write::quarantine::{StagedPieces, pieces_without, quarantine_path};
use crate::write::resolve::{Drops, rewrite};

/// Every failed attempt means that another writer got through.
pub(crate) const ATTEMPTS_MAX: u32 = 64;

/// What a commit came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// The commit; none where there was nothing to commit.
    pub commit: Option<CommitId>,
    /// What became of the objects, with their final counts.
    pub objects: Vec<ObjectReceipt>,
    /// Objects that another writer committed first; nothing of them is in this commit.
    pub taken: Vec<LogObject>,
    /// Files added.
    pub files: u64,
    /// Rows added.
    pub rows: u64,
    /// Bytes of the files added.
    pub bytes: u64,
}

/// Commits what was made.
pub(crate) async fn commit(
    shared: &Shared,
    made: &mut Made,
    now: Timestamp,
) -> Result<Committed, LakeError> {
    let mut taken = Vec::new();
    let mut state = Arc::clone(&shared.base);
    for _ in 0..ATTEMPTS_MAX {
        let since = state.commit;
        let (newest, others) = shared.lake.log().newest(Some(state)).await?;
        state = newest;
        // An earlier attempt whose answer was lost, and that seemed to have failed.
        if let Some(own) = others.iter().find(|commit| commit.writer == shared.staging.writer) {
            return Ok(settle(shared, made, state, own, taken).await);
        }
        if state.fenced.contains(&shared.staging.writer) {
            return Err(LakeError::TakenForDead);
        }
        give_way(shared, made, &others, (&state, since), &mut taken).await?;
        if made.receipts.is_empty() && made.files.is_empty() {
            shared.lake.root().delete(std::mem::take(&mut made.obsolete)).await?;
            shared.staging.clear().await?;
            return Ok(Committed { taken, ..Committed::default() });
        }
        show(shared, made).await?;
        let commit = compose(shared, made, &state, now);
        match shared.lake.log().put(&commit).await? {
            Tried::Done => {
                Arc::make_mut(&mut state).apply(&commit);
                return Ok(settle(shared, made, state, &commit, taken).await);
            }
            Tried::Taken => {}
        }
    }
    Err(LakeError::Contended { attempts: ATTEMPTS_MAX })
}

fn compose(shared: &Shared, made: &Made, state: &State, now: Timestamp) -> Commit {
    let id = state.commit.saturating_add(1);
    let added = made.files.iter().map(|staged| {
        let mut file = staged.file.clone();
        file.commit = id;
        Arc::new(file)
    });
    Commit {
        id,
        kind: CommitKind::Ingestion,
        time: now.max(state.time),
        writer: shared.staging.writer.clone(),
        added: added.collect(),
        objects: made.receipts.clone(),
        quarantine: made.piece_files.iter().map(|pieces| pieces.file.clone()).collect(),
        ..Commit::default()
    }
}

/// Gives the staged files their final names.
async fn show(shared: &Shared, made: &mut Made) -> Result<(), LakeError> {
    let files = made.files.iter().map(|file| (file.shown, &file.staged, &file.file.path));
    let pieces = made.piece_files.iter().map(|file| (file.shown, &file.staged, &file.file.path));
    let all: Vec<_> = files.chain(pieces).collect();
    if all.iter().all(|(shown, ..)| *shown) {
        return Ok(());
    }
    let paths = all.iter().map(|(_, _, path)| path.as_str());
    let paths: Vec<&str> = paths.chain(made.obsolete.iter().map(String::as_str)).collect();
    shared.staging.note(&paths).await?;
    let moves = all
        .iter()
        .filter(|(shown, ..)| !shown)
        .map(|(_, from, to)| ((*from).clone(), (*to).clone()))
        .collect();
    shared.staging.show(moves).await?;
    made.files.iter_mut().for_each(|file| file.shown = true);
    made.piece_files.iter_mut().for_each(|file| file.shown = true);
    Ok(())
}

/// After the commit: what this process knows of the lake moves on. Nothing here can undo it.
async fn settle(
    shared: &Shared,
    made: &mut Made,
    state: Arc<State>,
    commit: &Commit,
    taken: Vec<LogObject>,
) -> Committed {
    shared.lake.seen().add(commit.id, std::mem::take(&mut made.names));
    let cleared = match shared.lake.root().delete(std::mem::take(&mut made.obsolete)).await {
        Ok(()) => shared.staging.clear().await,
        error => error,
    };
    if let Err(error) = cleared {
        tracing::warn!(%error, "staged files of a finished commit could not be removed");
    }
    shared.lake.moved_on(state).await;
    Committed {
        commit: Some(commit.id),
        objects: commit.objects.clone(),
        taken,
        files: commit.added.len() as u64,
        rows: commit.added.iter().map(|file| file.rows).sum(),
        bytes: commit.added.iter().map(|file| file.bytes).sum(),
    }
}

/// Takes out what others have committed since: whole objects, and single records by their names.
async fn give_way(
    shared: &Shared,
    made: &mut Made,
    others: &[Commit],
    (state, since): (&State, CommitId),
    taken: &mut Vec<LogObject>,
) -> Result<(), LakeError> {
    if others.is_empty() {
        return Ok(());
    }
    let theirs: HashSet<String> = others
        .iter()
        .flat_map(|commit| &commit.objects)
        .map(|receipt| receipt.object.identity())
        .collect();
    let is_theirs = |receipt: &&ObjectReceipt| theirs.contains(&receipt.object.identity());
    let objects: HashSet<String> = made
        .receipts
        .iter()
        .filter(is_theirs)
        .map(|receipt| receipt.object.location.clone())
        .collect();
    let drops = Drops { names: met(shared, made, state, since).await?, objects };
    if drops.names.is_empty() && drops.objects.is_empty() {
        return Ok(());
    }
    let sources: HashSet<Arc<str>> =
        made.files.iter().map(|staged| Arc::clone(&staged.file.source)).collect();
    let (mut files, mut dropped) = (made.files.clone(), HashMap::new());
    for source in sources {
        let layout = shared.lake.layout(&source)?;
        let (kept, late) = rewrite(&shared.lake, &shared.staging, &layout, files, &drops).await?;
        files = kept;
        dropped.extend(late);
    }
    let pieces = drop_pieces(shared, made, &drops).await?;
    // Nothing fails from here on: what was made changes in one step.
    made.replace(files, pieces);
    let gone = |receipt: &ObjectReceipt| drops.objects.contains(&receipt.object.location);
    taken.extend(made.receipts.extract_if(.., |it| gone(it)).map(|receipt| receipt.object));
    for receipt in &mut made.receipts {
        let late = dropped.get(&receipt.object.location).copied().unwrap_or_default();
        receipt.rows = receipt.rows.saturating_sub(late);
        receipt.repeats += late;
        if receipt.state == ObjectState::Rejected && receipt.rows + receipt.repeats > 0 {
            receipt.state = ObjectState::Partial;
        }
    }
    Ok(())
}

/// The names that others have committed since and that are here too. Sought in the files as they
/// are now: a file of a commit in between may have been compacted away.
async fn met(
    shared: &Shared,
    made: &Made,
    state: &State,
    since: CommitId,
) -> Result<HashMap<Hour, Names>, LakeError> {
    let mut met: HashMap<Hour, Names> = HashMap::new();
    for (hour, own) in &made.names {
        for file in hour.files_after(state, since) {
            let layout = shared.lake.layout(&file.source)?;
            let hasher = &shared.lake.seen().hasher;
            let root = shared.lake.root();
            for name in names_in(root, &layout, &file, hour.span_us(), hasher).await? {
                if own.contains(&name) {
                    met.entry(hour.clone()).or_default().insert(name);
                }
            }
        }
    }
    Ok(met)
}

/// The files of pieces without those of objects that others have committed.
async fn drop_pieces(
    shared: &Shared,
    made: &Made,
    drops: &Drops,
) -> Result<Vec<StagedPieces>, LakeError> {
    let mut kept = Vec::new();
    for pieces in &made.piece_files {
        let at = if pieces.shown { &pieces.file.path } else { &pieces.staged };
        let left = match drops.objects.is_empty() {
            true => None,
            false => {
                let bytes = shared.lake.root().get(at).await?;
                let bytes = bytes.ok_or_else(|| LakeError::manifest(at, "it is missing"))?;
                pieces_without(bytes, &|object| drops.objects.contains(object))?
            }
        };
        match left {
            None if drops.objects.is_empty() => kept.push(pieces.clone()),
            None => {}
            Some((count, _)) if count == pieces.file.pieces => kept.push(pieces.clone()),
            Some((count, bytes)) => {
                let name = shared.staging.file_name();
                let mut file = pieces.file.clone();
                file.path = quarantine_path(&file.source, &name);
                (file.pieces, file.bytes) = (count, bytes.len() as u64);
                let staged = shared.staging.put(&name, bytes).await?;
                kept.push(StagedPieces { staged, shown: false, file });
            }
        }
    }
    Ok(kept)
}
