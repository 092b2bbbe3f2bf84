//! Waiting longer after each failure in a row.
//! What is tried again is whoever waits's.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// A pause that doubles up to a bound.
#[derive(Clone, Debug)]
pub(crate) struct Pause {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Pause {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, failures: 0 }
    }

    /// All is well again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// How long to wait after one failure more.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = after(self.failures, self.first, self.longest);
        self.failures = self.failures.saturating_add(1);
        pause
    }

    /// Waits, unless it is cancelled before.
    pub(crate) async fn wait(&mut self, cancel: &CancellationToken) {
        let pause = self.next();
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// The pause after so many failures before this one.
pub(crate) fn after(failures: u32, first: Duration, longest: Duration) -> Duration {
    first.saturating_mul(1_u32 << failures.min(20)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_up_to_its_bound_and_begins_anew() {
        let mut pause = Pause::new(Duration::from_secs(2), Duration::from_secs(9));
        let seconds: Vec<u64> = (0..4).map(|_| pause.next().as_secs()).collect();
        assert_eq!(seconds, [2, 4, 8, 9]);
        pause.reset();
        assert_eq!(pause.next().as_secs(), 2);
        let longest = Duration::from_secs(60);
        assert_eq!(after(u32::MAX, Duration::from_secs(1), longest), longest);
    }
}
