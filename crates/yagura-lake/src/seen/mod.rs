//! Which records the lake has already: hashes of their names per partition and hour.
//! Reading names out of committed files is `load.rs`; what is done with repeats is `write/`.
//!
//! A name is hashed to 64 bits with `SipHash` under a key that every process draws anew. Two
//! different records of the same account and hour meet with a chance of n/2^64 for n records in
//! that hour: of a million million records in hours of a million, 0.05 are expected to be lost.
//! Because of the key nobody can make two records meet on purpose.

mod load;

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;

pub(crate) use load::{hour_of, names, names_in, text_at, times};

use crate::LakeError;
use crate::layout::partition::partition_path;
use crate::layout::table::TableLayout;
use crate::manifest::{CommitId, LakeFile, State};
use crate::rows::buffer::{HOUR_US, day_start_us};
use crate::storage::Root;

/// Bytes that one hash costs in a set, at its usual fill.
pub(crate) const NAME_BYTES: usize = 16;

/// An hour of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Hour {
    pub(crate) source: Arc<str>,
    pub(crate) day: Date,
    pub(crate) account: Arc<str>,
    pub(crate) hour: u32,
}

impl Hour {
    /// The first microsecond of the hour and of the next.
    pub(crate) fn span_us(&self) -> (i64, i64) {
        let start = day_start_us(self.day).saturating_add(i64::from(self.hour) * HOUR_US);
        (start, start.saturating_add(HOUR_US))
    }

    /// The files of the hour's partition that overlap the hour and hold rows of later commits
    /// than one.
    pub(crate) fn files_after(&self, state: &State, commit: CommitId) -> Vec<Arc<LakeFile>> {
        let folder = partition_path(&self.source, self.day, &self.account);
        let (start, end) = self.span_us();
        let from = format!("{folder}/");
        let within =
            state.files.range(from.clone()..).take_while(|(path, _)| path.starts_with(&from));
        within
            .map(|(_, file)| file)
            .filter(|file| file.commit > commit && file.overlaps(start, end))
            .cloned()
            .collect()
    }
}

/// Hashes of names. They are well mixed already.
pub(crate) type Names = HashSet<u64, BuildHasherDefault<AsItIs>>;
/// Hashes of names, with something for each.
pub(crate) type NameMap<T> = HashMap<u64, T, BuildHasherDefault<AsItIs>>;

/// Takes a `u64` as its own hash.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// Names of committed rows, hour by hour, the least used forgotten first.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Hashes names; the same for all tables and workers of this process.
    pub(crate) hasher: RandomState,
    names_max: usize,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    hours: HashMap<Hour, KnownHour>,
    names: usize,
    clock: u64,
}

#[derive(Debug)]
struct KnownHour {
    names: Arc<Names>,
    /// All rows up to this commit are in.
    commit: CommitId,
    used: u64,
}

impl Seen {
    pub(crate) fn new(memory_bytes: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            names_max: memory_bytes / NAME_BYTES,
            known: Mutex::default(),
        }
    }

    /// The names of an hour as of a state or later. Reads files; call it from a worker's thread.
    pub(crate) fn hour(
        &self,
        root: &Root,
        runtime: &tokio::runtime::Handle,
        layout: &TableLayout,
        state: &State,
        hour: &Hour,
    ) -> Result<Arc<Names>, LakeError> {
        let (names, commit) = self.lock().get(hour);
        if commit >= state.commit && commit > 0 {
            return Ok(names);
        }
        let mut names = names;
        let files = hour.files_after(state, commit);
        if !files.is_empty() {
            let own = Arc::make_mut(&mut names);
            let (start, end) = hour.span_us();
            for file in files {
                let found = names_in(root, layout, &file, (start, end), &self.hasher);
                own.extend(runtime.block_on(found)?);
            }
        }
        self.lock().put(hour, &names, state.commit, self.names_max);
        Ok(names)
    }

    /// Adds what a commit brought, for hours that are known up to the commit before.
    pub(crate) fn add(&self, commit: CommitId, added: HashMap<Hour, Names>) {
        let mut known = self.lock();
        let mut more = 0;
        for (hour, names) in added {
            if let Some(own) = known.hours.get_mut(&hour)
                && own.commit.saturating_add(1) == commit
            {
                let before = own.names.len();
                Arc::make_mut(&mut own.names).extend(names);
                own.commit = commit;
                more += own.names.len() - before;
            }
        }
        known.names += more;
        known.shrink(self.names_max);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        // A set that a panicking thread left behind is whole: it is replaced in one step.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn get(&mut self, hour: &Hour) -> (Arc<Names>, CommitId) {
        self.clock += 1;
        let clock = self.clock;
        self.hours.get_mut(hour).map_or_else(Default::default, |known| {
            known.used = clock;
            (Arc::clone(&known.names), known.commit)
        })
    }

    fn put(&mut self, hour: &Hour, names: &Arc<Names>, commit: CommitId, names_max: usize) {
        self.clock += 1;
        let own = KnownHour { names: Arc::clone(names), commit, used: self.clock };
        self.names += names.len();
        if let Some(before) = self.hours.insert(hour.clone(), own) {
            self.names -= before.names.len();
        }
        self.shrink(names_max);
    }

    /// Forgets hours until the names fit; a tenth more, so that it is not done for each hour.
    fn shrink(&mut self, names_max: usize) {
        if self.names <= names_max {
            return;
        }
        let mut by_use: Vec<_> =
            self.hours.iter().map(|(hour, known)| (known.used, hour.clone())).collect();
        by_use.sort_by_key(|(used, _)| *used);
        for (_, hour) in by_use {
            if self.names <= names_max - names_max / 10 {
                return;
            }
            if let Some(known) = self.hours.remove(&hour) {
                self.names -= known.names.len();
            }
        }
    }
}
