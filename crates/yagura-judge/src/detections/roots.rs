//! The top-level members of a record that rules ask for, found in one pass: most rules ask for
//! members that most records lack, and each would look at all members in vain.
//! What rules make of them is in `record.rs`.

use yagura_model::event::{Kind, Record, Value};

/// Lists of names that a name's length and ends choose from.
const BUCKETS: usize = 256;

/// Names of members, by number.
#[derive(Clone, Debug)]
pub(crate) struct RootNames {
    names: Vec<Box<str>>,
    buckets: Vec<Vec<u16>>,
}

impl Default for RootNames {
    fn default() -> Self {
        Self { names: Vec::new(), buckets: vec![Vec::new(); BUCKETS] }
    }
}

/// What a record has of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roots<'a> {
    values: Vec<Option<Value<'a>>>,
    /// Whether some member's name has a dot in it: a path may be such a name.
    dotted: bool,
}

impl RootNames {
    /// The number of a name, the same for the same name; none beyond what numbers can tell.
    pub(crate) fn add(&mut self, name: &str) -> Option<u16> {
        if let Some(known) = self.find(name) {
            return Some(known);
        }
        let number = u16::try_from(self.names.len()).ok()?;
        self.names.push(name.into());
        self.buckets.get_mut(bucket(name))?.push(number);
        Some(number)
    }

    fn find(&self, name: &str) -> Option<u16> {
        let among = self.buckets.get(bucket(name))?;
        let is =
            |number: &&u16| self.names.get(usize::from(**number)).is_some_and(|n| **n == *name);
        among.iter().find(is).copied()
    }
}

impl<'a> Roots<'a> {
    /// Reads a record, forgetting the one before.
    pub(crate) fn read(&mut self, names: &RootNames, record: Record<'a>) {
        self.values.clear();
        self.values.resize(names.names.len(), None);
        self.dotted = false;
        let root = record.root();
        if root.kind() != Kind::Object {
            return;
        }
        for (name, value) in root.entries() {
            self.dotted |= name.contains('.');
            let slot = names.find(&name).and_then(|at| self.values.get_mut(usize::from(at)));
            if let Some(slot) = slot {
                // Of members with the same name the first counts.
                slot.get_or_insert(value);
            }
        }
    }

    /// The member of this number, if the record has it.
    pub(crate) fn get(&self, number: u16) -> Option<Value<'a>> {
        self.values.get(usize::from(number)).copied().flatten()
    }

    /// Whether a path may be the name of a member as a whole.
    pub(crate) fn has_dotted(&self) -> bool {
        self.dotted
    }
}

fn bucket(name: &str) -> usize {
    let bytes = name.as_bytes();
    let at = |place: usize| usize::from(bytes.get(place).copied().unwrap_or_default());
    let (first, middle) = (at(0), at(bytes.len() / 2));
    let last = at(bytes.len().saturating_sub(1));
    (bytes.len() * 31 + first * 7 + middle * 13 + last) % BUCKETS
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use yagura_model::event::BatchBuilder;

    use super::*;

    #[test]
    fn members_are_found_once_and_the_first_counts() {
        let mut names = RootNames::default();
        let (a, b) = (names.add("eventName").unwrap(), names.add("errorCode").unwrap());
        assert_eq!(names.add("eventName"), Some(a));
        let mut builder = BatchBuilder::new(Arc::default());
        for text in [r#"{"eventName":1,"x.y":2,"eventName":3}"#, r#"{"errorCode":4}"#, "[5]"] {
            builder.push_json(text.as_bytes()).unwrap();
        }
        let batch = builder.finish();
        let mut roots = Roots::default();
        let mut check = |at: usize, expected: (Option<i64>, Option<i64>, bool)| {
            roots.read(&names, batch.record(at).unwrap());
            let of = |number| roots.get(number).and_then(|value| value.as_i64());
            assert_eq!((of(a), of(b), roots.has_dotted()), expected, "{at}");
        };
        check(0, (Some(1), None, true));
        check(1, (None, Some(4), false));
        check(2, (None, None, false));
    }
}
