//! What a scan could not read of a resource, and what it saw in those places nevertheless
//! (the first pages of a list, say). Laid over a version, it gives what that scan saw.
//! When a mask is made and kept is decided in `merge.rs`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use yagura_model::{Path, Unread};

use crate::document::{Document, Keys, covers};

/// The unread entries of one sighting and the places they hide.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mask {
    /// As the scan stated them.
    pub(crate) unread: Vec<Unread>,
    /// Disjoint paths of keys.
    pub(crate) points: Vec<Point>,
}

/// One hidden place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Point {
    /// Where.
    pub(crate) keys: Keys,
    /// How many leading steps of the path the scan did see.
    pub(crate) kept: usize,
    /// What the scan saw there, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    pub(crate) value: Option<Value>,
}

/// Keeps `null` apart from absent.
mod present {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;

    pub(super) fn serialize<S: Serializer>(
        value: &Option<Value>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        value.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Value>, D::Error> {
        Value::deserialize(from).map(Some)
    }
}

impl Mask {
    /// The mask for what a scan stated about what it saw.
    pub(crate) fn of(unread: Vec<Unread>, seen: &Document) -> Self {
        let keys = disjoint(unread.iter().flat_map(|entry| seen.keys_of(&entry.path)));
        let points = keys
            .into_iter()
            .map(|keys| Point {
                kept: seen.depth(&keys).min(keys.len().saturating_sub(1)),
                value: seen.get(&keys).cloned(),
                keys,
            })
            .collect();
        Self { unread, points }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.unread.is_empty()
    }

    /// The hidden paths.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Keys> {
        self.points.iter().map(|point| &point.keys)
    }

    /// Turns a version into what the scan saw.
    pub(crate) fn lay_over(self, document: &mut Document) -> Vec<Unread> {
        for point in &self.points {
            document.remove(&point.keys);
        }
        for point in &self.points {
            document.prune(&point.keys, point.kept);
        }
        for Point { keys, kept, value } in self.points {
            let kept = keys.get(..kept).unwrap_or_default();
            if kept.len() > 1 && document.get(kept).is_none() {
                document.set(kept, Value::Object(Map::new()));
            }
            if let Some(value) = value {
                document.set(&keys, value);
            }
        }
        self.unread
    }

    /// What was seen at a hidden path.
    pub(crate) fn value_at(&self, keys: &Keys) -> Option<&Value> {
        self.points.iter().find(|point| point.keys == *keys)?.value.as_ref()
    }
}

/// Drops the paths that another one covers.
pub(crate) fn disjoint(paths: impl IntoIterator<Item = Keys>) -> Vec<Keys> {
    let mut paths: Vec<Keys> = paths.into_iter().collect();
    paths.sort_unstable();
    paths.dedup();
    let mut kept: Vec<Keys> = Vec::new();
    for path in paths {
        // Sorted, an ancestor comes before what it covers.
        if !kept.last().is_some_and(|last| covers(last, &path)) {
            kept.push(path);
        }
    }
    kept
}

/// Whether an unread entry hides something at or below, or above, a path of keys.
pub(crate) fn hides(entry: &Unread, keys: &Keys) -> bool {
    entry.path.touches(&Path::of_keys(keys.iter().map(String::as_str)))
}
