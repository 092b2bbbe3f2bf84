//! The members of a record that rules ask for by their first name: found for all rules in the one
//! walk over the record. Most rules ask for members that most records lack, and each would look
//! at all members in vain.
//! What rules make of them is in `record.rs`.

use sigma::FieldPath;
use yagura_model::event::{PathTrie, TrieStep, Value};

use crate::witness::Slots;

/// Where the walk leaves what a path of a rule begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    /// The member that the path's first segment names.
    first: usize,
    /// The member that is called as the whole path is, dots and all: log formats that flatten
    /// their fields have such.
    whole: Option<usize>,
}

impl Root {
    /// Where a path of a rule begins; none of the path that names nothing.
    pub(crate) fn add(path: &FieldPath, trie: &mut PathTrie) -> Option<Self> {
        let mut member = |name| trie.add_once([TrieStep::Member(name)]);
        let first = member(path.segment(0)?);
        let whole = path.segment(1).map(|_| member(path.rest(0)));
        Some(Self { first, whole })
    }

    /// The value that a path begins with, and how many of its segments led there.
    pub(crate) fn find<'a>(
        self,
        slots: Slots<'_, 'a>,
        path: &FieldPath,
    ) -> Option<(Value<'a>, usize)> {
        let at = |slot: usize| slots.get(slot).copied().flatten();
        match at(self.first) {
            Some(value) => Some((value, 1)),
            None => Some((at(self.whole?)?, path.segments().len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use yagura_model::event::BatchBuilder;

    use super::*;
    use crate::witness::walk;

    #[test]
    fn a_path_begins_with_its_first_member_or_with_one_called_as_all_of_it() {
        let mut trie = PathTrie::default();
        let path = FieldPath::new("x.y");
        let root = Root::add(&path, &mut trie).unwrap();
        assert_eq!(Root::add(&FieldPath::new("x.y"), &mut trie), Some(root));
        let mut builder = BatchBuilder::new(Arc::default());
        for text in [r#"{"x":1,"x.y":2,"x":3}"#, r#"{"x.y":4}"#, r#"{"y":5}"#, "[6]"] {
            builder.push_json(text.as_bytes()).unwrap();
        }
        let batch = builder.finish();
        let mut slots = Vec::new();
        let mut check = |at: usize, expected: Option<(Option<i64>, usize)>| {
            walk(&trie, batch.record(at).unwrap(), &mut slots);
            let found = root.find(&slots, &path);
            assert_eq!(found.map(|(value, depth)| (value.as_i64(), depth)), expected, "{at}");
        };
        check(0, Some((Some(1), 1)));
        check(1, Some((Some(4), 2)));
        check(2, None);
        check(3, None);
    }
}
