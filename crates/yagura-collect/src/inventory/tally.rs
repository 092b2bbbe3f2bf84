//! The count of a listing: what was found, what failed, and what that makes of its coverage.
//! What is listed, and how, is decided elsewhere.

use std::collections::HashSet;

use yagura_model::{CoverageState, Path, Unread, UnreadReason};

use crate::caller::Failure;

/// How the listing of one type in one account and region goes.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Keys of the resources found so far.
    keys: HashSet<String>,
    /// Whether anything was answered at all.
    answered: bool,
    /// The first failure.
    failure: Option<Unread>,
}

impl Tally {
    /// Counts a resource; false if it was found before.
    pub(crate) fn is_new(&mut self, key: &str) -> bool {
        !self.keys.contains(key) && self.keys.insert(key.to_owned())
    }

    /// A page came, even an empty one.
    pub(crate) fn answered(&mut self) {
        self.answered = true;
    }

    /// A part of the listing failed.
    pub(crate) fn failed(&mut self, failure: &Failure, action: &str) {
        self.miss(failure.at(Path::default(), action));
    }

    /// A part of the listing is missing. The first reason is kept, unless a later one weighs
    /// more: what AWS does not offer somewhere must not hide what was denied elsewhere.
    pub(crate) fn miss(&mut self, unread: Unread) {
        let first = self.failure.as_ref().map(|first| weight(first.reason));
        if first.is_none_or(|first| first < weight(unread.reason)) {
            self.failure = Some(unread);
        }
    }

    /// How many resources were found.
    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.keys.len()).unwrap_or(u64::MAX)
    }

    /// What the listing amounts to.
    pub(crate) fn state(self) -> CoverageState {
        match self.failure {
            None => CoverageState::Complete,
            Some(unread) if self.answered => {
                CoverageState::Partial(Unread { partial: true, ..unread })
            }
            Some(unread) => CoverageState::Unread(unread),
        }
    }
}

/// How much a reason says about what is missing.
fn weight(reason: UnreadReason) -> u8 {
    match reason {
        UnreadReason::Unsupported | UnreadReason::NotRequested => 0,
        UnreadReason::Interrupted => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(reason: UnreadReason) -> Failure {
        Failure::local(reason, "s3:ListBuckets", "")
    }

    #[test]
    fn an_empty_answer_is_complete() {
        let mut tally = Tally::default();
        tally.answered();
        assert_eq!(tally.state(), CoverageState::Complete);
    }

    #[test]
    fn a_failure_after_a_page_is_partial_and_without_one_unread() {
        let mut tally = Tally::default();
        tally.failed(&failure(UnreadReason::Denied), "s3:ListAllMyBuckets");
        let CoverageState::Unread(unread) = tally.state() else { panic!() };
        assert_eq!(unread.action, "s3:ListAllMyBuckets");

        let mut tally = Tally::default();
        tally.answered();
        tally.failed(&failure(UnreadReason::Throttled), "s3:ListAllMyBuckets");
        let CoverageState::Partial(unread) = tally.state() else { panic!() };
        assert!(unread.partial);
        assert_eq!(unread.action, "");
    }

    #[test]
    fn a_key_counts_once() {
        let mut tally = Tally::default();
        assert!(tally.is_new("a"));
        assert!(!tally.is_new("a"));
        assert_eq!(tally.count(), 1);
    }

    #[test]
    fn a_weaker_reason_does_not_hide_a_denial_nor_a_denial_an_earlier_one() {
        let check = |first, second, kept| {
            let mut tally = Tally::default();
            tally.failed(&failure(first), "");
            tally.failed(&failure(second), "");
            assert_eq!(tally.state().unread().unwrap().reason, kept);
        };
        use UnreadReason::{Denied, Interrupted, Throttled, Unsupported};
        check(Unsupported, Denied, Denied);
        check(Unsupported, Interrupted, Interrupted);
        check(Denied, Unsupported, Denied);
        check(Interrupted, Denied, Denied);
        check(Denied, Interrupted, Denied);
        check(Throttled, Denied, Throttled);
    }
}
