//! Which time the digests of a folder cover: what the absence of a log file from them means.
//! Only proven digests count.

use jiff::{SignedDuration, Timestamp};

use super::{Reason, Verdict};

/// By this long after its minute a file's digest hour has begun at the latest: the names tell
/// when delivery began, large files and retries take a while.
const AFTER: SignedDuration = SignedDuration::from_mins(60);
/// A digest comes within two hours of the end of its hour, usually within minutes; after this
/// long it is overdue.
const OVERDUE: SignedDuration = SignedDuration::from_hours(6);

/// Stretches of time that proven digests cover.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Disjoint, in no order.
    spans: Vec<(Timestamp, Timestamp)>,
    /// Hours whose digests wait for their proof, or could not be read.
    doubtful: Vec<(Timestamp, Timestamp)>,
    /// The end of the newest digest, proven or not.
    newest: Option<Timestamp>,
    oldest: Option<Timestamp>,
}

impl Coverage {
    /// A digest was seen.
    pub fn see(&mut self, start: Timestamp, end: Timestamp) {
        self.newest = Some(self.newest.map_or(end, |newest| newest.max(end)));
        self.oldest = Some(self.oldest.map_or(start, |oldest| oldest.min(start)));
    }

    /// A digest was proven.
    pub fn add(&mut self, mut start: Timestamp, mut end: Timestamp) {
        self.spans.retain(|(from, to)| {
            let touches = *from <= end && start <= *to;
            if touches {
                start = start.min(*from);
                end = end.max(*to);
            }
            !touches
        });
        self.spans.push((start, end));
    }

    /// A digest waits for its proof, or could not be read.
    pub fn doubt(&mut self, start: Timestamp, end: Timestamp) {
        self.doubtful.push((start, end));
    }

    /// Takes over what another chain of the same folder covers.
    pub fn join(&mut self, other: &Self) {
        for (start, end) in &other.spans {
            self.add(*start, *end);
        }
        self.doubtful.extend(&other.doubtful);
        if let (Some(oldest), Some(newest)) = (other.oldest, other.newest) {
            self.see(oldest, newest);
        }
    }

    /// The stretches, oldest first.
    pub fn spans(&self) -> Vec<(Timestamp, Timestamp)> {
        let mut spans = self.spans.clone();
        spans.sort_unstable();
        spans
    }

    /// The end of the newest digest.
    pub fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    /// What it means that no digest lists a log file of this minute.
    pub fn unlisted(&self, delivered: Timestamp, now: Timestamp) -> (Verdict, Reason) {
        let to = around(delivered, AFTER);
        if self.spans.iter().any(|(start, end)| *start <= delivered && *end >= to) {
            return (Verdict::Unlisted, Reason::NotListed);
        }
        let in_doubt = |(start, end): &(Timestamp, Timestamp)| *start < to && *end > delivered;
        if self.doubtful.iter().any(in_doubt) {
            return (Verdict::Pending, Reason::DigestPending);
        }
        let awaited = self.newest.is_none_or(|newest| newest < to);
        match awaited {
            true if around(to, OVERDUE) < now => (Verdict::Pending, Reason::DigestOverdue),
            true => (Verdict::Pending, Reason::DigestNotYet),
            false => (Verdict::ChainBroken, Reason::NotCovered),
        }
    }
}

fn around(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-21T{text}:00Z").parse().unwrap()
    }

    #[test]
    fn a_file_that_no_digest_of_its_time_lists_is_unlisted_once_its_hour_is_over() {
        let mut coverage = Coverage::default();
        for (start, end) in [("11:00", "12:00"), ("10:00", "11:00"), ("05:00", "06:00")] {
            coverage.see(at(start), at(end));
            coverage.add(at(start), at(end));
        }
        assert_eq!(coverage.spans(), [(at("05:00"), at("06:00")), (at("10:00"), at("12:00"))]);
        let check = |minute: &str, now: &str, verdict, reason| {
            assert_eq!(coverage.unlisted(at(minute), at(now)), (verdict, reason), "{minute}");
        };
        check("10:30", "12:30", Verdict::Unlisted, Reason::NotListed);
        check("11:00", "12:30", Verdict::Unlisted, Reason::NotListed);
        check("11:30", "12:30", Verdict::Pending, Reason::DigestNotYet);
        check("11:30", "20:30", Verdict::Pending, Reason::DigestOverdue);
        check("08:00", "20:30", Verdict::ChainBroken, Reason::NotCovered);
        check("03:00", "20:30", Verdict::ChainBroken, Reason::NotCovered);
        check("05:30", "20:30", Verdict::ChainBroken, Reason::NotCovered);
    }

    #[test]
    fn a_digest_in_doubt_leaves_its_hour_open() {
        let mut coverage = Coverage::default();
        coverage.add(at("09:00"), at("10:00"));
        coverage.see(at("09:00"), at("11:00"));
        coverage.doubt(at("10:00"), at("11:00"));
        let found = coverage.unlisted(at("09:30"), at("12:00"));
        assert_eq!(found, (Verdict::Pending, Reason::DigestPending));
    }

    #[test]
    fn without_digests_nothing_is_said_but_that_they_are_awaited() {
        let coverage = Coverage::default();
        let found = coverage.unlisted(at("10:00"), at("10:30"));
        assert_eq!(found, (Verdict::Pending, Reason::DigestNotYet));
    }
}
