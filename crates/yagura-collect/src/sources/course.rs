//! How far reading has come: from when on records still come, as far as the names of objects tell.
//! What is made of it is the tap's.

use std::collections::BTreeMap;

use yagura_model::object::Minute;

/// The objects that are still to be read to their end, by the minute that their names tell.
#[derive(Debug, Default)]
pub(super) struct Course(BTreeMap<Option<Minute>, u64>);

impl Course {
    pub(super) fn add(&mut self, told: Option<Minute>) {
        *self.0.entry(told).or_default() += 1;
    }

    /// One of them was read to its end, or never will be.
    pub(super) fn remove(&mut self, told: Option<Minute>) {
        if let Some(count) = self.0.get_mut(&told) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&told);
            }
        }
    }

    /// The earliest minute; none where one of them tells none, or there are none.
    pub(super) fn earliest(&self) -> Option<Minute> {
        // What tells none is before all others.
        *self.0.first_key_value()?.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_counts_and_what_tells_none_hides_it() {
        let mut course = Course::default();
        assert_eq!(course.earliest(), None);
        for told in [Some(3), Some(2), Some(2), None] {
            course.add(told);
        }
        assert_eq!(course.earliest(), None);
        course.remove(None);
        assert_eq!(course.earliest(), Some(2));
        course.remove(Some(2));
        assert_eq!(course.earliest(), Some(2));
        course.remove(Some(2));
        course.remove(Some(2));
        assert_eq!(course.earliest(), Some(3));
    }
}
