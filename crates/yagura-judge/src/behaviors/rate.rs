//! How long somebody has been known, how active they are, and how often something new comes up:
//! what tells whether one more new thing is worth a word.
//! Which values are known is `values.rs`.

use serde::{Deserialize, Serialize};

/// A rate of novelty with decay, in buckets of activity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Rate {
    /// When the first bucket began, in microseconds.
    pub(super) since_us: i64,
    /// When the last one began.
    pub(super) last_us: i64,
    /// Buckets with activity, ever.
    pub(super) buckets: u32,
    /// The same, with decay.
    active: f64,
    /// Those with something new, with decay.
    news: f64,
}

impl Rate {
    pub(super) fn new(start_us: i64) -> Self {
        Self { since_us: start_us, last_us: start_us, buckets: 0, active: 0.0, news: 0.0 }
    }

    /// Whether enough is known by the time that a bucket begins.
    pub(super) fn is_mature(&self, start_us: i64, learning_us: i64, support: u32) -> bool {
        self.buckets >= support && start_us.saturating_sub(self.since_us) >= learning_us
    }

    /// How unlikely it is that a bucket has something new, in bits. A half is added to what was
    /// new (Krichevsky and Trofimov's estimate), so that never is not taken for impossible.
    pub(super) fn bits(&self) -> f64 {
        ((self.active + 1.0) / (self.news + 0.5)).log2()
    }

    /// Takes in a bucket.
    pub(super) fn take(&mut self, start_us: i64, half_life_us: i64, is_news: bool) {
        let passed = start_us.saturating_sub(self.last_us).max(0);
        let kept = kept(passed, half_life_us);
        self.active = self.active * kept + 1.0;
        self.news = self.news * kept + if is_news { 1.0 } else { 0.0 };
        self.buckets = self.buckets.saturating_add(1);
        self.since_us = self.since_us.min(start_us);
        self.last_us = self.last_us.max(start_us);
    }

    /// For how many days it has been known at a time.
    pub(super) fn days(&self, at_us: i64) -> i64 {
        at_us.saturating_sub(self.since_us).max(0) / 86_400_000_000
    }
}

/// What is left of something after a time.
#[expect(clippy::cast_precision_loss, reason = "a share of a time; 53 bits are plenty")]
pub(super) fn kept(passed_us: i64, half_life_us: i64) -> f64 {
    (-(passed_us as f64) / (half_life_us.max(1) as f64)).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn rate(hours: i64, news: impl Fn(i64) -> bool) -> Rate {
        let mut rate = Rate::new(0);
        for hour in 0..hours {
            rate.take(hour * HOUR, 720 * HOUR, news(hour));
        }
        rate
    }

    #[test]
    fn something_new_is_the_more_unlikely_the_less_of_it_there_was() {
        let (steady, lively) = (rate(200, |hour| hour == 0), rate(200, |hour| hour % 2 == 0));
        assert!(steady.bits() > 6.0, "{}", steady.bits());
        assert!(lively.bits() < 1.2, "{}", lively.bits());
    }

    #[test]
    fn somebody_is_known_after_time_and_activity_together() {
        let known = rate(20, |_| false);
        assert!(known.is_mature(200 * HOUR, 168 * HOUR, 20));
        assert!(!known.is_mature(20 * HOUR, 168 * HOUR, 20));
        assert!(!known.is_mature(200 * HOUR, 168 * HOUR, 21));
    }

    #[test]
    fn old_news_count_less() {
        let mut rate = rate(100, |_| true);
        let before = rate.bits();
        for hour in 0..100 {
            rate.take((7_200 + hour) * HOUR, 720 * HOUR, false);
        }
        assert!(rate.bits() > before + 4.0, "{before} {}", rate.bits());
    }
}
