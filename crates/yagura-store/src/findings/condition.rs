//! Conditions on the values of a column, and which findings of a chunk meet them.
//! Where they come from is in `matching.rs`.

use super::terms::Members;

/// Values below this are looked up in a table of bits: places in lists, and codes of names.
const TABLE_MAX: usize = 1 << 16;

/// What a value must be.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// This alone.
    Only(i64),
    /// One of these: a bit for each value.
    Table(Vec<u64>),
    /// One of these, ascending.
    Listed(Vec<i64>),
    /// From the first to the last, both included.
    Within(i64, i64),
}

impl Condition {
    /// One of some values, in whatever order.
    pub(super) fn one_of(mut values: Vec<i64>) -> Self {
        values.sort_unstable();
        values.dedup();
        if let [only] = values.as_slice() {
            return Self::Only(*only);
        }
        let place = |value: &i64| usize::try_from(*value).ok().filter(|place| *place < TABLE_MAX);
        let places: Option<Vec<usize>> = values.iter().map(place).collect();
        let Some(places) = places.filter(|places| !places.is_empty()) else {
            return Self::Listed(values);
        };
        let mut table = vec![0; places.last().map_or(0, |last| last / 64 + 1)];
        for place in places {
            if let Some(word) = table.get_mut(place / 64) {
                *word |= 1 << (place % 64);
            }
        }
        Self::Table(table)
    }

    /// Whether no value can pass.
    pub(super) fn is_impossible(&self) -> bool {
        matches!(self, Self::Listed(values) if values.is_empty())
    }

    /// Whether a value between two others, both included, can pass.
    pub(super) fn may_pass(&self, (least, most): (i64, i64)) -> bool {
        match self {
            Self::Only(only) => (least..=most).contains(only),
            Self::Table(table) => {
                let places = i64::try_from(table.len() * 64).unwrap_or(i64::MAX);
                let (first, last) = (least.max(0), most.min(places - 1));
                // Of many values some may; of few each is looked up.
                last.saturating_sub(first) > 64 || (first..=last).any(|value| is_in(table, value))
            }
            Self::Listed(listed) => listed.iter().any(|one| (least..=most).contains(one)),
            Self::Within(first, last) => *first <= most && *last >= least,
        }
    }

    /// The slots whose values pass.
    pub(super) fn members(&self, values: &[i64]) -> Members {
        match self {
            Self::Only(only) => Members::which(values, |value| value == *only),
            Self::Table(table) => match table.as_slice() {
                // Without a branch that goes now this way and now that.
                [word] => Members::which(values, |value| {
                    u8::try_from(value).is_ok_and(|bit| bit < 64)
                        & ((word >> (value & 63)) & 1 == 1)
                }),
                _ => Members::which(values, |value| is_in(table, value)),
            },
            Self::Listed(listed) => {
                Members::which(values, |value| listed.binary_search(&value).is_ok())
            }
            Self::Within(first, last) => {
                Members::which(values, |value| (value >= *first) & (value <= *last))
            }
        }
    }
}

fn is_in(table: &[u64], value: i64) -> bool {
    let word = usize::try_from(value >> 6).ok().and_then(|place| table.get(place));
    word.is_some_and(|word| (word >> (value & 63)) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_pass_that_are_among_the_values() {
        let values: Vec<i64> =
            vec![0, 1, 63, 64, 65, 127, 128, -1, -64, 65_535, 65_536, i64::MAX, i64::MIN];
        for asked in [
            vec![],
            vec![0],
            vec![-1],
            vec![63, 0],
            vec![1, 64],
            vec![127, 0, 127],
            vec![65_535, 65],
            vec![65_536, 1],
            vec![-64, i64::MAX],
        ] {
            let expected: Vec<usize> =
                (0..values.len()).filter(|slot| asked.contains(&values[*slot])).collect();
            let test = Condition::one_of(asked.clone());
            let passed: Vec<usize> = test.members(&values).slots().collect();
            assert_eq!(passed, expected, "{asked:?}");
            assert_eq!(test.is_impossible(), asked.is_empty());
            for one in &values {
                let passes = asked.contains(one);
                assert!(test.may_pass((*one, *one)) >= passes, "{asked:?}: {one}");
                assert!(test.may_pass((i64::MIN, *one)) >= passes, "{asked:?}: up to {one}");
            }
        }
        let within = Condition::Within(1, 64).members(&values);
        assert_eq!(within.slots().collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn what_lies_elsewhere_cannot_pass() {
        for (test, bounds) in [
            (Condition::one_of(vec![3]), (4, 9)),
            (Condition::one_of(vec![3, 10]), (4, 9)),
            (Condition::one_of(vec![3, 10]), (-9, -1)),
            (Condition::one_of(vec![3, 100_000]), (4, 9)),
            (Condition::one_of(vec![]), (i64::MIN, i64::MAX)),
            (Condition::Within(10, i64::MAX), (i64::MIN, 9)),
            (Condition::Within(i64::MIN, 3), (4, 9)),
        ] {
            assert!(!test.may_pass(bounds), "{test:?} {bounds:?}");
        }
    }
}
