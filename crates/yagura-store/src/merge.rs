//! One sighting against the newest version: is it the same, does it fill gaps, is it a change?
//! Pure: reading and writing rows is done in `resources/put.rs`.
//!
//! The rules (contract of the store):
//! * Unread is never a change. Paths unread in the sighting, and paths never read in the version
//!   (its *gaps*), do not count when the two are compared.
//! * A version's document carries the last known value of what a later scan could not read.
//! * Reading a gap for the first time amends the version; it makes no new one.
//! * What is *known* at a time hides what was tried and failed (denied is never clean) until it
//!   is read again; what a scan had no reason to ask for keeps its last known value.

use yagura_model::{Unread, UnreadReason};

use crate::document::{self, Document, Keys, narrower, path_of};
use crate::mask::{Mask, Point, disjoint, hides};

/// The newest version of a resource, as stored.
pub(crate) struct Newest {
    pub(crate) document: Document,
    pub(crate) gaps: Vec<Keys>,
    pub(crate) known: Mask,
}

/// What a sighting means for the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing new.
    Same,
    /// The same state, of which more is known now: the version's document is replaced.
    Amended,
    /// Another state.
    Changed {
        /// Nothing but `runtime` differs.
        runtime_only: bool,
    },
}

/// A sighting, merged.
pub(crate) struct Merged {
    pub(crate) effect: Effect,
    /// What was seen, with last known values where it was unread.
    pub(crate) document: Document,
    pub(crate) gaps: Vec<Keys>,
    /// What this scan could not read.
    pub(crate) mask: Mask,
    /// What is unknown from now on.
    pub(crate) known: Mask,
}

/// Merges what a scan saw into the newest version, if there is a living one.
pub(crate) fn merge(newest: Option<&Newest>, seen: &Document, unread: Vec<Unread>) -> Merged {
    let mask = Mask::of(unread, seen);
    let mut document = seen.without(mask.keys());
    let Some(newest) = newest else {
        let gaps = mask.keys().cloned().collect();
        let effect = Effect::Changed { runtime_only: false };
        return Merged { effect, document, gaps, known: mask.clone(), mask };
    };
    for keys in mask.keys() {
        if let Some(value) = newest.document.get(keys) {
            document.set(keys, value.clone());
        }
    }
    let gaps = disjoint(
        mask.keys().flat_map(|a| newest.gaps.iter().filter_map(move |b| narrower(a, b))).cloned(),
    );
    let effect = compare(newest, &document, &mask, &gaps);
    let known = known_after(newest, &mask, &gaps);
    Merged { effect, document, gaps, mask, known }
}

fn compare(newest: &Newest, document: &Document, mask: &Mask, gaps: &[Keys]) -> Effect {
    let ignored: Vec<&Keys> = mask.keys().chain(&newest.gaps).collect();
    let before = newest.document.without(ignored.iter().copied());
    let after = document.without(ignored.iter().copied());
    if before.head == after.head && document::same(&before.body, &after.body) {
        return if gaps == newest.gaps { Effect::Same } else { Effect::Amended };
    }
    let runtime = [vec!["runtime".to_owned()]];
    let runtime_only = before.head == after.head
        && document::same(&before.without(&runtime).body, &after.without(&runtime).body);
    Effect::Changed { runtime_only }
}

/// What is unknown after a sighting: what it tried and could not read; of what it did not ask
/// for, what was already unknown before.
fn known_after(newest: &Newest, mask: &Mask, gaps: &[Keys]) -> Mask {
    let mut unread: Vec<Unread> = Vec::new();
    let mut points: Vec<Point> = Vec::new();
    let tried = |entry: &&Unread| entry.reason != UnreadReason::NotRequested;
    for entry in mask.unread.iter().filter(tried) {
        unread.push(entry.clone());
        for point in mask.points.iter().filter(|point| hides(entry, &point.keys)) {
            points.push(Point { kept: 0, ..point.clone() });
        }
    }
    for entry in mask.unread.iter().filter(|entry| !tried(entry)) {
        for keys in mask.keys().filter(|keys| hides(entry, keys)) {
            for before in newest.known.unread.iter().filter(tried) {
                for old in newest.known.keys().filter(|old| hides(before, old)) {
                    let Some(both) = narrower(keys, old) else { continue };
                    let value = newest.known.value_at(both).cloned();
                    // A path into a list stays as precise as it was said.
                    let path = if both == old { before.path.clone() } else { path_of(both) };
                    unread.push(Unread { path, ..before.clone() });
                    points.push(Point { keys: both.clone(), kept: 0, value });
                }
            }
            for gap in gaps.iter().filter_map(|gap| narrower(gap, keys)) {
                unread.push(Unread { path: path_of(gap), ..entry.clone() });
                points.push(Point { keys: gap.clone(), kept: 0, value: None });
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    unread.retain(|entry| seen.insert((entry.path.clone(), entry.reason)));
    let keep = disjoint(points.iter().map(|point| point.keys.clone()));
    let points = keep
        .into_iter()
        .filter_map(|keys| points.iter().find(|point| point.keys == keys).cloned())
        .collect();
    Mask { unread, points }
}
