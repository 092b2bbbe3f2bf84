//! When a message is tried again, and when it is given up. Pure.

use jiff::{SignedDuration, Timestamp};

/// The first pause, which doubles with each attempt.
const FIRST_S: u64 = 10;
/// The longest pause.
const LONGEST_S: u64 = 3_600;
/// Attempts before a message is given up: with these pauses, about sixteen hours.
const ATTEMPTS_MAX: u64 = 24;

/// When an attempt that failed is followed by the next; none where it was the last. Pauses vary by
/// a quarter either way, so that messages that failed together do not come back together; what
/// decides is the message's number and the attempt, so that tests and reruns agree.
pub(super) fn next(
    number: i64,
    attempt: u64,
    at: Timestamp,
    wait: Option<SignedDuration>,
) -> Option<Timestamp> {
    if attempt >= ATTEMPTS_MAX {
        return None;
    }
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX).min(20);
    let pause_s = FIRST_S.saturating_mul(1_u64 << doublings).min(LONGEST_S);
    let pause_ms = pause_s * 750 + scattered(number, attempt) % (pause_s * 500);
    let pause = SignedDuration::from_millis(i64::try_from(pause_ms).unwrap_or(i64::MAX));
    // A target that says how long it is to be left alone knows better.
    let pause = wait.unwrap_or(pause);
    at.checked_add(pause).ok()
}

/// A number without any pattern (SplitMix64's finalizer).
fn scattered(number: i64, attempt: u64) -> u64 {
    let mut z = number.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(attempt);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause_s(number: i64, attempt: u64) -> Option<f64> {
        let at = Timestamp::UNIX_EPOCH;
        next(number, attempt, at, None).map(|then| then.duration_since(at).as_secs_f64())
    }

    #[test]
    fn pauses_double_up_to_an_hour_and_end() {
        for (attempt, expected) in [(1, 10.0), (2, 20.0), (5, 160.0), (9, 2_560.0), (20, 3_600.0)] {
            let pause = pause_s(7, attempt).unwrap();
            assert!((expected * 0.75..=expected * 1.25).contains(&pause), "{attempt} {pause}");
        }
        assert_eq!(pause_s(7, ATTEMPTS_MAX), None);
    }

    #[test]
    fn messages_that_failed_together_do_not_come_back_together() {
        let pauses: Vec<f64> = (0..100).filter_map(|number| pause_s(number, 6)).collect();
        let (least, most) =
            pauses.iter().fold((f64::MAX, 0.0_f64), |(a, b), p| (a.min(*p), b.max(*p)));
        assert!(most - least > 100.0, "{least} {most}");
    }

    #[test]
    fn a_target_that_asks_to_be_left_alone_is() {
        let at = Timestamp::UNIX_EPOCH;
        let wait = SignedDuration::from_secs(600);
        assert_eq!(next(1, 1, at, Some(wait)), at.checked_add(wait).ok());
        let short = SignedDuration::from_secs(1);
        assert_eq!(next(1, 9, at, Some(short)), at.checked_add(short).ok());
    }
}
