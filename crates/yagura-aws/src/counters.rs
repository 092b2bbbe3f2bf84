//! How much was asked, for progress and reports: plain counts that only grow.
//! Nothing is decided by them.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of one client, shared by all who use it.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    calls: AtomicU64,
    attempts: AtomicU64,
    throttles: AtomicU64,
    bytes: AtomicU64,
}

/// What was asked so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls asked for: one per page, whatever the number of attempts.
    pub calls: u64,
    /// Requests sent, retries included.
    pub requests: u64,
    /// Requests beyond the first of their call.
    pub retries: u64,
    /// Answers that refused by rate.
    pub throttles: u64,
    /// Bytes of answers' bodies.
    pub bytes: u64,
}

impl Counters {
    pub(crate) fn attempt(&self, first: bool) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        if first {
            self.calls.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn throttle(&self) {
        self.throttles.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn answer(&self, size_bytes: usize) {
        self.bytes.fetch_add(u64::try_from(size_bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Counts {
        let calls = self.calls.load(Ordering::Relaxed);
        let requests = self.attempts.load(Ordering::Relaxed);
        Counts {
            calls,
            requests,
            retries: requests.saturating_sub(calls),
            throttles: self.throttles.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}
