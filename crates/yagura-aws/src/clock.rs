//! What time it is for AWS: our clock plus what AWS's answers taught us about it.
//! Pauses and deadlines use the async timer, not this.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// Offsets below this are AWS's own tolerance and the network's delay: not learned.
const SKEW_MIN_MS: i64 = 30_000;

/// A clock that learns.
#[derive(Debug)]
pub(crate) struct Clock {
    source: SharedTimeSource,
    skew_ms: AtomicI64,
}

impl Clock {
    pub(crate) fn new(source: SharedTimeSource) -> Self {
        Self { source, skew_ms: AtomicI64::new(0) }
    }

    /// The time as AWS sees it.
    pub(crate) fn now(&self) -> SystemTime {
        let now = self.source.now();
        let skew_ms = self.skew_ms.load(Ordering::Relaxed);
        let skew = Duration::from_millis(skew_ms.unsigned_abs());
        let shifted = if skew_ms < 0 { now.checked_sub(skew) } else { now.checked_add(skew) };
        shifted.unwrap_or(now)
    }

    /// Learns from the `Date` header of an answer that complained about our time. True when what
    /// was learned differs enough from what we believed for another attempt to make sense.
    pub(crate) fn learn(&self, headers: &http::HeaderMap) -> bool {
        let Some(theirs) = headers
            .get(http::header::DATE)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| DateTime::from_str(text, Format::HttpDate).ok())
            .and_then(|date| date.to_millis().ok())
        else {
            return false;
        };
        let Some(ours) = self
            .source
            .now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|passed| i64::try_from(passed.as_millis()).ok())
        else {
            return false;
        };
        let skew_ms = theirs.saturating_sub(ours);
        let believed = self.skew_ms.swap(skew_ms, Ordering::Relaxed);
        let changed = skew_ms.abs_diff(believed) >= SKEW_MIN_MS.unsigned_abs();
        if changed {
            tracing::warn!(code = "aws_clock_skew", skew_ms, "clock differs from AWS's");
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_async::time::StaticTimeSource;

    use super::*;

    fn clock() -> Clock {
        Clock::new(StaticTimeSource::from_secs(1_000_000_000).into())
    }

    fn date(text: &str) -> http::HeaderMap {
        let mut headers = http::HeaderMap::new();
        headers.insert(http::header::DATE, text.parse().unwrap());
        headers
    }

    #[test]
    fn a_slow_clock_is_set_forward_once() {
        let clock = clock();
        let headers = date("Sun, 09 Sep 2001 02:46:40 GMT");
        assert!(clock.learn(&headers));
        assert_eq!(clock.now(), UNIX_EPOCH + Duration::from_secs(1_000_003_600));
        assert!(!clock.learn(&headers), "nothing new");
    }

    #[test]
    fn a_fast_clock_is_set_back() {
        let clock = clock();
        assert!(clock.learn(&date("Sun, 09 Sep 2001 00:46:40 GMT")));
        assert_eq!(clock.now(), UNIX_EPOCH + Duration::from_secs(999_996_400));
    }

    #[test]
    fn a_missing_or_broken_date_teaches_nothing() {
        assert!(!clock().learn(&http::HeaderMap::new()));
        assert!(!clock().learn(&date("yesterday")));
    }
}
