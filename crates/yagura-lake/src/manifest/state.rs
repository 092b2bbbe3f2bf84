//! The sum of commits: what the lake holds as of one of them.
//! Where commits come from is `log.rs`; what readers are given is `snapshot.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::manifest::LakeFile;
use crate::manifest::commit::{Commit, CommitId, Deletion, Hold, QuarantineFile};

/// A file that is part of the lake no more but may still be there for readers of older commits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Buried {
    pub(crate) path: String,
    /// When it was removed from the manifest.
    pub(crate) since: Timestamp,
}

/// What the lake holds as of a commit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) commit: CommitId,
    /// The time of that commit.
    pub(crate) time: Timestamp,
    /// The files by path.
    pub(crate) files: BTreeMap<String, Arc<LakeFile>>,
    pub(crate) buried: Vec<Buried>,
    pub(crate) quarantine: Vec<QuarantineFile>,
    pub(crate) deletions: Vec<Deletion>,
    pub(crate) holds: Vec<Hold>,
    pub(crate) fenced: BTreeSet<String>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            commit: 0,
            time: Timestamp::UNIX_EPOCH,
            files: BTreeMap::new(),
            buried: Vec::new(),
            quarantine: Vec::new(),
            deletions: Vec::new(),
            holds: Vec::new(),
            fenced: BTreeSet::new(),
        }
    }
}

impl State {
    /// Adds the commit that follows.
    pub(crate) fn apply(&mut self, commit: &Commit) {
        self.commit = commit.id;
        self.time = self.time.max(commit.time);
        for removal in &commit.removed {
            // A path that the lake does not hold was buried before and is now forgotten: the
            // file itself is gone.
            if self.files.remove(&removal.path).is_some() {
                self.buried.push(Buried { path: removal.path.clone(), since: commit.time });
            } else {
                self.buried.retain(|buried| buried.path != removal.path);
                self.quarantine.retain(|file| file.path != removal.path);
            }
        }
        for file in &commit.added {
            self.files.insert(file.path.clone(), Arc::clone(file));
        }
        self.quarantine.extend(commit.quarantine.iter().cloned());
        self.deletions.extend(commit.deletions.iter().cloned());
        self.holds.retain(|hold| !commit.holds_lifted.contains(&hold.name));
        self.holds.extend(commit.holds_placed.iter().cloned());
        self.fenced.extend(commit.fenced.iter().cloned());
    }
}
