//! Storms: when more messages come for a target than a person can read, they are counted instead.
//! Pure: what is kept of it between messages is handed in and out.
//!
//! The first message beyond the limit begins a storm. While it lasts everything is counted into a
//! tally; two messages tell of it, one at once and one at the end of the span. A span in which more
//! came than the limit is followed by one twice as long, up to a day, so that a storm of any length
//! makes few messages; a calm span ends the storm.

use serde::{Deserialize, Serialize};
use yagura_model::{Prose, Severity};

/// The longest span of a storm.
const SPAN_US_MAX: i64 = 86_400_000_000;
/// Causes that a tally keeps apart.
const CAUSES_MAX: usize = 64;
/// Characters of a cause that are kept.
const CAUSE_CHARS_MAX: usize = 300;

/// How many messages a target takes before they are counted instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StormLimit {
    /// So many.
    pub messages: u64,
    /// In so many microseconds.
    pub span_us: i64,
}

/// How many findings of which kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// All of them.
    pub total: u64,
    /// By severity, from informational to critical.
    pub severities: [u64; 5],
    /// Causes with their numbers. Where there were more causes than are kept apart, the rare ones
    /// may be missing and numbers may be too high by at most `total` / 64 (the space-saving
    /// algorithm of Metwally, Agrawal and El Abbadi, 2005).
    pub causes: Vec<Cause>,
    /// Until when messages are held back, in microseconds since 1970.
    #[serde(default)]
    pub until_us: Option<i64>,
    /// The limit that was passed: messages, and microseconds.
    #[serde(default)]
    pub limit: Option<(u64, i64)>,
}

/// A cause and how many findings it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// What tells causes apart.
    pub id: String,
    /// What a person reads.
    pub title: Prose,
    /// How many.
    pub count: u64,
}

impl Tally {
    /// Counts one.
    pub(super) fn add(&mut self, severity: Severity, cause: &str, title: &Prose) {
        self.total += 1;
        let place = Severity::ALL.iter().position(|one| *one == severity);
        if let Some(count) = place.and_then(|place| self.severities.get_mut(place)) {
            *count += 1;
        }
        let cause: String = cause.chars().take(CAUSE_CHARS_MAX).collect();
        if let Some(known) = self.causes.iter_mut().find(|known| known.id == cause) {
            known.count += 1;
            return;
        }
        let short = |text: &str| text.chars().take(CAUSE_CHARS_MAX).collect::<String>();
        let title = Prose { en: short(&title.en), ja: short(&title.ja) };
        if self.causes.len() < CAUSES_MAX {
            self.causes.push(Cause { id: cause, title, count: 1 });
            return;
        }
        // The rarest makes room, and its number is taken over.
        if let Some(rarest) = self.causes.iter_mut().min_by_key(|known| known.count) {
            *rarest = Cause { id: cause, title, count: rarest.count + 1 };
        }
    }

    /// The causes, the most frequent first.
    pub fn top_causes(&self, limit: usize) -> Vec<&Cause> {
        let mut causes: Vec<&Cause> = self.causes.iter().collect();
        causes.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.id.cmp(&b.id)));
        causes.truncate(limit);
        causes
    }
}

/// What is known of the messages that came for a target lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lane {
    /// When the span began, in microseconds since 1970.
    pub(super) began_us: i64,
    /// How long it is, in microseconds.
    pub(super) span_us: i64,
    /// How many came in it.
    pub(super) came: u64,
    /// The message that will sum up what is held back, if anything is.
    pub(super) storm: Option<i64>,
}

/// What is done with one more message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// It is told.
    Told,
    /// A storm begins with it, or goes on in a new span: it is counted into a new tally, which is
    /// told at the end of the span.
    Begins {
        /// Whether that single messages are held back is news.
        news: bool,
    },
    /// It is counted.
    Counted(i64),
}

impl Lane {
    /// One more message comes.
    pub(super) fn pass(&mut self, limit: StormLimit, now_us: i64) -> Passage {
        let limit_span = limit.span_us.max(1);
        let end = self.began_us.saturating_add(self.span_us);
        let mut goes_on = false;
        // A clock that went back begins anew as well.
        if self.span_us <= 0 || now_us >= end || now_us < self.began_us {
            goes_on = self.storm.is_some()
                && self.came > limit.messages
                && now_us >= end
                && now_us < end.saturating_add(self.span_us);
            let longer = self.span_us.saturating_mul(2).min(SPAN_US_MAX).max(limit_span);
            let span_us = if goes_on { longer } else { limit_span };
            *self = Self { began_us: now_us, span_us, came: 0, storm: None };
        }
        self.came += 1;
        match self.storm {
            Some(storm) => Passage::Counted(storm),
            None if goes_on => Passage::Begins { news: false },
            None if self.came > limit.messages => Passage::Begins { news: true },
            None => Passage::Told,
        }
    }

    /// When the span ends, in microseconds since 1970.
    pub(super) fn ends_us(&self) -> i64 {
        self.began_us.saturating_add(self.span_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: StormLimit = StormLimit { messages: 3, span_us: 100 };

    /// Lets messages come and answers how many were told and how many storms and spans began.
    fn come(lane: &mut Lane, times: impl IntoIterator<Item = i64>) -> (u64, u64, u64) {
        let (mut told, mut news, mut spans) = (0, 0, 0);
        for now in times {
            match lane.pass(LIMIT, now) {
                Passage::Told => told += 1,
                Passage::Begins { news: is_news } => {
                    lane.storm = Some(1);
                    if is_news { news += 1 } else { spans += 1 }
                }
                Passage::Counted(_) => {}
            }
        }
        (told, news, spans)
    }

    #[test]
    fn what_a_person_can_read_is_told_one_by_one() {
        assert_eq!(come(&mut Lane::default(), [1, 50, 99, 101, 150, 300]), (6, 0, 0));
    }

    #[test]
    fn beyond_the_limit_a_storm_begins_once() {
        assert_eq!(come(&mut Lane::default(), (0..50).map(|n| 1_000 + n)), (3, 1, 0));
    }

    #[test]
    fn a_storm_that_goes_on_makes_ever_fewer_messages() {
        let (told, news, spans) = come(&mut Lane::default(), (0..100_000).map(|n| 1 + n));
        assert_eq!((told, news), (3, 1));
        assert!(spans <= 12, "{spans}");
    }

    #[test]
    fn a_calm_span_ends_a_storm() {
        let mut lane = Lane::default();
        come(&mut lane, (0..50).map(|n| 1_000 + n));
        assert_eq!(come(&mut lane, [1_200, 1_201, 1_450]), (3, 0, 0));
    }

    #[test]
    fn a_clock_that_goes_back_begins_anew() {
        let mut lane = Lane::default();
        come(&mut lane, (0..50).map(|n| 1_000_000 + n));
        assert_eq!(come(&mut lane, [1, 2]), (2, 0, 0));
    }

    #[test]
    fn the_most_frequent_causes_are_found_among_any_number() {
        let mut tally = Tally::default();
        for n in 0..20_000_u32 {
            let cause = if n % 2 == 0 { "often".to_owned() } else { format!("rare-{n}") };
            tally.add(Severity::High, &cause, &Prose::default());
        }
        assert_eq!((tally.total, tally.severities), (20_000, [0, 0, 0, 20_000, 0]));
        assert_eq!(tally.causes.len(), CAUSES_MAX);
        let top = tally.top_causes(1);
        assert_eq!((top[0].id.as_str(), top[0].count), ("often", 10_000));
    }
}
