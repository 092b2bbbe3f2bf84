//! Sets that are bounded and still union: distinct records counted by their hashes, and names of
//! which the first are kept. What they are sets of is in `alert.rs`.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Names kept of one set: the first in the order of their letters.
const NAMES_MAX: usize = 32;
/// Distinct names counted exactly; beyond, their number is estimated (about 6 % off).
const NAMES_EXACT_MAX: usize = 256;

/// A stand-in for a record: the first eight bytes of SHA-256 over its source and its name.
pub fn event_hash(source: &str, id: &str) -> u64 {
    hash(&[source, id])
}

fn hash(parts: &[&str]) -> u64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Distinct things, by hashes that are spread evenly: the smallest ones are kept. Which those are
/// does not depend on the order in which things came, and how small the last of them is tells how
/// many there were (Bar-Yossef and others, *Counting distinct elements in a data stream*, 2002).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Distinct(Vec<u64>);

impl Distinct {
    /// Adds one; whether it was new, as far as that is known.
    pub fn insert(&mut self, hash: u64, bound: usize) -> bool {
        match self.0.binary_search(&hash) {
            Err(at) if at < bound => {
                self.0.insert(at, hash);
                self.0.truncate(bound);
                true
            }
            _ => false,
        }
    }

    /// Adds all of another.
    pub fn union(&mut self, other: &Self, bound: usize) {
        if other.0.iter().all(|hash| self.0.binary_search(hash).is_ok()) {
            return;
        }
        self.0.extend(&other.0);
        self.0.sort_unstable();
        self.0.dedup();
        self.0.truncate(bound);
    }

    /// How many there were, and whether that is exact.
    pub fn count(&self, bound: usize) -> (u64, bool) {
        let kept = self.0.len() as u64;
        match self.0.last() {
            Some(last) if self.0.len() >= bound => {
                let share = (u128::from(kept.saturating_sub(1)) << 64) / u128::from((*last).max(1));
                (u64::try_from(share).unwrap_or(u64::MAX).max(kept), false)
            }
            _ => (kept, true),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one is among those that are kept.
    pub fn contains(&self, hash: u64) -> bool {
        self.0.binary_search(&hash).is_ok()
    }

    /// Changes whenever the set does: it only grows, or its last hash becomes smaller.
    pub(super) fn mark(&self) -> (usize, Option<u64>) {
        (self.0.len(), self.0.last().copied())
    }
}

/// Distinct names: the first by their letters, and how many more there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Several {
    names: BTreeSet<Arc<str>>,
    /// Empty until names had to be left out.
    #[serde(default, skip_serializing_if = "Distinct::is_empty")]
    hashes: Distinct,
}

impl Several {
    /// The names that are kept.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// How many names are not kept; beyond a few hundred an estimate.
    pub fn more(&self) -> u64 {
        let kept = self.names.len() as u64;
        self.hashes.count(NAMES_EXACT_MAX).0.saturating_sub(kept)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether a name is among those kept.
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Changes whenever the set does.
    pub(super) fn mark(&self) -> (usize, Option<Arc<str>>, (usize, Option<u64>)) {
        (self.names.len(), self.names.last().cloned(), self.hashes.mark())
    }

    /// Adds a name.
    pub fn insert(&mut self, name: Arc<str>) {
        if self.names.contains(&name) {
            return;
        }
        if !self.hashes.is_empty() {
            self.hashes.insert(hash(&[&name]), NAMES_EXACT_MAX);
        }
        self.names.insert(name);
        self.bound();
    }

    /// Adds all of another.
    pub fn union(&mut self, other: Self) {
        if !self.hashes.is_empty() || !other.hashes.is_empty() {
            for set in [&self.names, &other.names] {
                for name in set {
                    self.hashes.insert(hash(&[name]), NAMES_EXACT_MAX);
                }
            }
            self.hashes.union(&other.hashes, NAMES_EXACT_MAX);
        }
        self.names.extend(other.names);
        self.bound();
    }

    fn bound(&mut self) {
        if self.names.len() <= NAMES_MAX {
            return;
        }
        if self.hashes.is_empty() {
            for name in &self.names {
                self.hashes.insert(hash(&[name]), NAMES_EXACT_MAX);
            }
        }
        while self.names.len() > NAMES_MAX {
            self.names.pop_last();
        }
    }
}

impl FromIterator<Arc<str>> for Several {
    fn from_iter<I: IntoIterator<Item = Arc<str>>>(names: I) -> Self {
        let mut several = Self::default();
        for name in names {
            several.insert(name);
        }
        several
    }
}
