//! The log of commits in the store: reading it up to its end, and putting the next one.
//! What commits mean is in `state.rs`.

use std::sync::Arc;

use crate::LakeError;
use crate::layout::partition::{CHECKPOINTS, COMMITS};
use crate::manifest::commit::{Commit, CommitId, CommittedObject};
use crate::manifest::encode;
use crate::manifest::state::State;
use crate::storage::{PutIfAbsent, Root};

/// After so many commits a checkpoint is written …
const CHECKPOINT_EVERY: u64 = 16;
/// … and one more for so many files, since a checkpoint costs as much as it holds.
const CHECKPOINT_FILES: u64 = 1000;
/// Checkpoints that are kept: a reader may be reading the one before the newest.
const CHECKPOINTS_KEPT: usize = 2;
/// Commits that are read together, so that memory stays bounded over a long history.
const COMMITS_AT_ONCE: usize = 256;

/// What trying to commit came to.
#[derive(Debug)]
pub(crate) enum Tried {
    /// It is the next commit now.
    Done,
    /// Another commit has that number.
    Taken,
}

/// The log of commits of one lake.
#[derive(Clone, Debug)]
pub(crate) struct ManifestLog {
    root: Root,
}

impl ManifestLog {
    pub(crate) fn new(root: Root) -> Self {
        Self { root }
    }

    /// The newest state, from a known one on, or from the newest checkpoint where none is known;
    /// also the commits between.
    pub(crate) async fn newest(
        &self,
        known: Option<Arc<State>>,
    ) -> Result<(Arc<State>, Vec<Commit>), LakeError> {
        let mut state = match known {
            // Nearly always nothing has happened since, and one request tells so; a listing
            // grows with the history.
            Some(state) => {
                let next = commit_path(state.commit.saturating_add(1));
                if self.root.get(&next).await?.is_none() {
                    return Ok((state, Vec::new()));
                }
                state
            }
            None => Arc::new(self.checkpoint().await?),
        };
        let mut applied = Vec::new();
        loop {
            let commits = self.after(state.commit).await?;
            if commits.is_empty() {
                return Ok((state, applied));
            }
            let sum = Arc::make_mut(&mut state);
            commits.iter().for_each(|commit| sum.apply(commit));
            applied.extend(commits);
        }
    }

    /// The commits that follow one, without a gap; at most [`COMMITS_AT_ONCE`].
    async fn after(&self, commit: CommitId) -> Result<Vec<Commit>, LakeError> {
        let listed = self.root.list(COMMITS, Some(&commit_path(commit))).await?;
        let mut paths: Vec<String> = Vec::new();
        for (path, _) in listed {
            // A listing may show a commit before it shows the one before (not on S3, which is
            // consistent): what is behind the gap is read the next time.
            let next = commit.saturating_add(paths.len() as u64).saturating_add(1);
            if path == commit_path(next) && paths.len() < COMMITS_AT_ONCE {
                paths.push(path);
            }
        }
        let bytes = self.root.get_all(paths.clone()).await?;
        let read = |(path, bytes): (&String, &bytes::Bytes)| encode::read_commit(path, bytes);
        paths.iter().zip(&bytes).map(read).collect()
    }

    /// The newest checkpoint that can be read; the empty lake where there is none.
    async fn checkpoint(&self) -> Result<State, LakeError> {
        let mut listed = self.root.list(CHECKPOINTS, None).await?;
        while let Some((path, _)) = listed.pop() {
            // Another writer may have removed it since the listing: then the one before it is
            // gone too, and a newer one is there; commits are never removed, so even the empty
            // lake is a right beginning.
            let Some(bytes) = self.root.get(&path).await? else { continue };
            match encode::read_checkpoint(&path, &bytes) {
                Ok(state) => return Ok(state),
                Err(error @ LakeError::NewerFormat { .. }) => return Err(error),
                Err(error) => {
                    tracing::warn!(path, %error, "a damaged checkpoint of the lake is passed over");
                }
            }
        }
        Ok(State::default())
    }

    /// Puts a commit under its number, unless the number is taken.
    pub(crate) async fn put(&self, commit: &Commit) -> Result<Tried, LakeError> {
        let path = commit_path(commit.id);
        let bytes = encode::commit_bytes(commit)?;
        match self.root.put_if_absent(&path, bytes.into()).await {
            Ok(PutIfAbsent::Done) => {
                self.root.sync(&path).await?;
                Ok(Tried::Done)
            }
            // A put whose answer was lost may be ours all the same.
            Ok(PutIfAbsent::Present) if self.is_mine(commit, &path).await? => Ok(Tried::Done),
            Ok(PutIfAbsent::Present) => Ok(Tried::Taken),
            Err(error) => match self.is_mine(commit, &path).await {
                Ok(true) => Ok(Tried::Done),
                _ => Err(error),
            },
        }
    }

    /// Whether the commit of that number is this very commit. Writers have names that are used
    /// for one commit only.
    async fn is_mine(&self, commit: &Commit, path: &str) -> Result<bool, LakeError> {
        let Some(bytes) = self.root.get(path).await? else { return Ok(false) };
        Ok(encode::read_commit(path, &bytes)?.writer == commit.writer)
    }

    /// Writes a checkpoint where one is due, and removes those that are too old.
    pub(crate) async fn checkpoint_if_due(&self, state: &State) -> Result<(), LakeError> {
        let every = CHECKPOINT_EVERY.saturating_add(state.files.len() as u64 / CHECKPOINT_FILES);
        if state.commit.checked_rem(every) != Some(0) {
            return Ok(());
        }
        let path = checkpoint_path(state.commit);
        self.root.put(&path, encode::checkpoint_bytes(state)?.into()).await?;
        let mut listed = self.root.list(CHECKPOINTS, None).await?;
        listed.truncate(listed.len().saturating_sub(CHECKPOINTS_KEPT));
        self.root.delete(listed.into_iter().map(|(path, _)| path).collect()).await
    }

    /// The log objects of all commits after one.
    pub(crate) async fn objects_since(
        &self,
        commit: CommitId,
    ) -> Result<Vec<CommittedObject>, LakeError> {
        let mut found = Vec::new();
        let mut last = commit;
        loop {
            let commits = self.after(last).await?;
            let Some(newest) = commits.last() else { return Ok(found) };
            last = newest.id;
            for commit in commits {
                let id = commit.id;
                let objects = commit.objects.into_iter();
                found.extend(objects.map(|receipt| CommittedObject { commit: id, receipt }));
            }
        }
    }
}

fn commit_path(commit: CommitId) -> String {
    format!("{COMMITS}/{commit:020}.json.zst")
}

fn checkpoint_path(commit: CommitId) -> String {
    format!("{CHECKPOINTS}/{commit:020}.json.zst")
}
