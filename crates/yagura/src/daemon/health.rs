//! Whether the process lives and takes work.
//! Who asks over HTTP is answered in `web.rs`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// A process whose heart is silent for so long hangs: longer than the database may be waited for.
const SILENT_MAX: Duration = Duration::from_secs(180);

/// What the parts say of themselves.
#[derive(Debug)]
pub(crate) struct Health {
    began: Instant,
    /// Milliseconds from the beginning to the last beat of the scheduler.
    beat_ms: AtomicU64,
    serving: AtomicBool,
    /// Whether the database answered last time.
    stored: AtomicBool,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            beat_ms: AtomicU64::new(0),
            serving: AtomicBool::new(false),
            stored: AtomicBool::new(true),
        }
    }
}

impl Health {
    /// Everything has begun.
    pub(super) fn begin(&self) {
        self.serving.store(true, Ordering::Release);
    }

    /// It stops: no new work, please.
    pub(super) fn stop(&self) {
        self.serving.store(false, Ordering::Release);
    }

    /// The scheduler went round, and the database answered it or did not.
    pub(super) fn beat(&self, stored: bool) {
        let now_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.beat_ms.store(now_ms, Ordering::Release);
        self.stored.store(stored, Ordering::Release);
    }

    /// Whether the process goes on at all.
    pub(crate) fn is_alive(&self) -> bool {
        let beat = Duration::from_millis(self.beat_ms.load(Ordering::Acquire));
        self.began.elapsed().saturating_sub(beat) < SILENT_MAX
    }

    /// Whether it takes work and can do it.
    pub(crate) fn is_ready(&self) -> bool {
        let serving = self.serving.load(Ordering::Acquire);
        serving && self.stored.load(Ordering::Acquire) && self.is_alive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_ready_while_it_serves_and_the_database_answers_and_alive_while_it_beats() {
        let health = Health::default();
        assert!((health.is_alive(), health.is_ready()) == (true, false), "it has not begun");
        health.begin();
        assert!(health.is_ready());
        health.beat(false);
        assert!((health.is_alive(), health.is_ready()) == (true, false));
        tokio::time::advance(SILENT_MAX).await;
        assert!(!health.is_alive());
        health.beat(true);
        assert!(health.is_ready());
        health.stop();
        assert!((health.is_alive(), health.is_ready()) == (true, false));
    }
}
