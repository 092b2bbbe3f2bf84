//! What readers are given: the files of one commit, which stay readable while they read.
//! How a query prunes with it is `query/`.

use std::ops::RangeInclusive;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::manifest::{CommitId, Deletion, Hold, LakeFile, State};

/// The lake as of one commit.
#[derive(Clone, Debug)]
pub struct Snapshot {
    state: Arc<State>,
}

impl Snapshot {
    pub(crate) fn new(state: Arc<State>) -> Self {
        Self { state }
    }

    /// The commit; 0 for the empty lake.
    pub fn commit(&self) -> CommitId {
        self.state.commit
    }

    /// When the newest commit was made.
    pub fn time(&self) -> Timestamp {
        self.state.time
    }

    /// All files, sorted by path: by source, day and account.
    pub fn files(&self) -> impl Iterator<Item = &Arc<LakeFile>> {
        self.state.files.values()
    }

    /// The files of a source, sorted by day and account.
    pub fn files_of(&self, source: &str) -> impl Iterator<Item = &Arc<LakeFile>> {
        self.below(format!("source={source}/"))
    }

    /// The files of a source on some days.
    pub fn files_on(
        &self,
        source: &str,
        days: &RangeInclusive<Date>,
    ) -> impl Iterator<Item = &Arc<LakeFile>> {
        let from = format!("source={source}/day={}", days.start());
        let (last, folder) = (*days.end(), format!("source={source}/"));
        self.state
            .files
            .range(from..)
            .take_while(move |(path, file)| path.starts_with(&folder) && file.day <= last)
            .map(|(_, file)| file)
    }

    fn below(&self, folder: String) -> impl Iterator<Item = &Arc<LakeFile>> {
        self.state
            .files
            .range(folder.clone()..)
            .take_while(move |(path, _)| path.starts_with(&folder))
            .map(|(_, file)| file)
    }

    /// Legal holds in force.
    pub fn holds(&self) -> &[Hold] {
        &self.state.holds
    }

    /// What retention has deleted, the oldest first.
    pub fn deletions(&self) -> &[Deletion] {
        &self.state.deletions
    }

    /// Files of pieces that could not be read as records: path under the root, source, number of
    /// pieces, size in bytes.
    pub fn quarantine(&self) -> impl Iterator<Item = (&str, &str, u64, u64)> {
        let files = self.state.quarantine.iter();
        files.map(|file| (file.path.as_str(), file.source.as_str(), file.pieces, file.bytes))
    }
}
