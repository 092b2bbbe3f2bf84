//! When a call is asked again, and after how long: full jitter, a quota, a limit of attempts.
//! Which answers are worth asking again is decided in `error`; the pace of lanes is in `limits`.
//!
//! Source: AWS SDKs and Tools Reference Guide, "Retry behavior" (standard mode); AWS Architecture
//! Blog, "Exponential Backoff And Jitter". Both seen 2026-11.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Attempts when the service stumbles, the first included.
const ATTEMPTS_TRANSIENT_MAX: u32 = 4;
/// Attempts when AWS refuses by rate: patience is cheap, a hole in the inventory is not.
const ATTEMPTS_THROTTLED_MAX: u32 = 12;
/// The first pause is at most this long; it doubles with each attempt.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// A refusal by rate starts higher.
const PAUSE_FIRST_THROTTLED: Duration = Duration::from_millis(500);
/// No pause is longer.
const PAUSE_MAX: Duration = Duration::from_secs(20);
/// What AWS may ask us to wait at most.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// What the quota starts with, and its ceiling.
const QUOTA: u32 = 500;
const COST_TRANSIENT: u32 = 5;
const COST_TIMEOUT: u32 = 10;

/// Why a call is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// The service stumbled or the connection broke.
    Transient,
    /// No answer within the time of one attempt.
    Timeout,
    /// Refused by rate.
    Throttled,
}

/// Decides about further attempts for all calls of one client.
#[derive(Debug)]
pub(crate) struct Retries {
    random: Mutex<fastrand::Rng>,
    quota: Mutex<u32>,
}

impl Retries {
    /// `seed` makes the pauses repeatable; without it they are random.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        let random = seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self { random: Mutex::new(random), quota: Mutex::new(QUOTA) }
    }

    /// How long to wait before the next attempt after `attempts` failed ones; `None` when it is
    /// enough. `retry_after` is what the answer asked for.
    ///
    /// The quota keeps a service that is down from being asked four times by everyone: each retry
    /// costs, each success pays one back. Refusals by rate cost nothing; their lane slows down.
    pub(crate) fn pause(
        &self,
        again: Again,
        attempts: u32,
        retry_after: Option<Duration>,
    ) -> Option<Duration> {
        let (attempts_max, first) = match again {
            Again::Throttled => (ATTEMPTS_THROTTLED_MAX, PAUSE_FIRST_THROTTLED),
            Again::Transient | Again::Timeout => (ATTEMPTS_TRANSIENT_MAX, PAUSE_FIRST),
        };
        if attempts >= attempts_max || !self.pay(again) {
            return None;
        }
        let ceiling = first
            .saturating_mul(1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX))
            .min(PAUSE_MAX);
        let share = self.random.lock().unwrap_or_else(PoisonError::into_inner).f64();
        let asked = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
        Some(asked + ceiling.mul_f64(share))
    }

    fn pay(&self, again: Again) -> bool {
        let cost = match again {
            Again::Transient => COST_TRANSIENT,
            Again::Timeout => COST_TIMEOUT,
            Again::Throttled => return true,
        };
        let mut quota = self.quota.lock().unwrap_or_else(PoisonError::into_inner);
        match quota.checked_sub(cost) {
            Some(left) => {
                *quota = left;
                true
            }
            None => false,
        }
    }

    /// A call was answered.
    pub(crate) fn answered(&self, attempts: u32) {
        let paid_back = if attempts > 1 { COST_TRANSIENT } else { 1 };
        let mut quota = self.quota.lock().unwrap_or_else(PoisonError::into_inner);
        *quota = quota.saturating_add(paid_back).min(QUOTA);
    }
}

/// What the answer's headers ask us to wait: `x-amz-retry-after` in milliseconds or `Retry-After`
/// in seconds. A date in `Retry-After` is left alone: AWS does not send one.
pub(crate) fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    number("x-amz-retry-after")
        .map(Duration::from_millis)
        .or_else(|| number("retry-after").map(Duration::from_secs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_jittered_and_bounded() {
        let retries = Retries::new(Some(7));
        let mut seen = std::collections::BTreeSet::new();
        for attempts in 1..ATTEMPTS_THROTTLED_MAX {
            let pause = retries.pause(Again::Throttled, attempts, None).unwrap();
            assert!(pause <= PAUSE_MAX, "{pause:?}");
            seen.insert(pause);
        }
        assert_eq!(seen.len(), 11, "every pause is its own");
        assert_eq!(retries.pause(Again::Throttled, ATTEMPTS_THROTTLED_MAX, None), None);
    }

    #[test]
    fn attempts_end() {
        let retries = Retries::new(Some(1));
        assert!(retries.pause(Again::Transient, 3, None).is_some());
        assert!(retries.pause(Again::Transient, 4, None).is_none());
        assert!(retries.pause(Again::Throttled, u32::MAX, None).is_none());
    }

    #[test]
    fn what_aws_asks_to_wait_is_added_but_not_without_limit() {
        let retries = Retries::new(Some(1));
        let pause = retries.pause(Again::Throttled, 1, Some(Duration::from_secs(9999))).unwrap();
        assert!(pause >= RETRY_AFTER_MAX && pause <= RETRY_AFTER_MAX + PAUSE_MAX);
    }

    #[test]
    fn a_dead_service_uses_up_the_quota_and_successes_refill_it() {
        let retries = Retries::new(Some(1));
        let paid = (0..1000).filter(|_| retries.pause(Again::Transient, 1, None).is_some());
        assert_eq!(paid.count(), 100);
        assert!(retries.pause(Again::Throttled, 1, None).is_some(), "throttling costs nothing");
        for _ in 0..5 {
            retries.answered(1);
        }
        assert!(retries.pause(Again::Transient, 1, None).is_some());
    }

    #[test]
    fn retry_after_is_read_in_both_spellings() {
        let check = |name: &'static str, value: &str, millis: Option<u64>| {
            let mut headers = http::HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(retry_after(&headers), millis.map(Duration::from_millis), "{name} {value}");
        };
        check("retry-after", "3", Some(3000));
        check("x-amz-retry-after", "250", Some(250));
        check("retry-after", "soon", None);
    }
}
