//! How fast we may ask: one adaptive bucket per account, region and service, one ceiling for all.
//! What is asked again after a refusal is decided in `retry`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// Where AWS counts our calls: account, region, service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LaneKey {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) service: String,
}

/// The rate a lane starts with, in calls per second. AWS's documented rates of control planes
/// lie between 1 and 100, those of S3 in the thousands. The rates are the customer's own and are
/// shared with the customer's workloads, so a lane feels its way up instead of starting at full
/// speed.
const RATE_START: f64 = 50.0;
/// Never slower than one call in two seconds: the deadline decides, not the bucket.
const RATE_MIN: f64 = 0.5;
/// No lane is asked faster than this even after long recovery.
const RATE_MAX: f64 = 2000.0;
/// More calls per second than anybody can make.
const UNPACED: f64 = 1e9;
/// How much of a second's calls may leave at once.
const BURST_SECONDS: f64 = 0.5;
/// Growth per second of use before the first refusal.
const GROWTH_PER_SECOND: f64 = 2.0;
/// Growth per second after it: a halved lane is back in about seven seconds.
const RECOVERY_PER_SECOND: f64 = 1.1;
/// Refusals of calls that left before the last halving say nothing new.
const HALVE_AT_MOST_EVERY: Duration = Duration::from_millis(500);

/// How many lanes are kept before idle ones are dropped. A thousand accounts in twenty regions
/// have millions over a scan, and only few at a time.
const LANES_KEPT: usize = 16_384;
/// A lane that nobody has used for so long is as good as new.
const IDLE_AFTER: Duration = Duration::from_secs(60);

/// Everything that slows calls down.
#[derive(Debug)]
pub(crate) struct Limits {
    lanes: Mutex<Lanes>,
    ceiling: Option<Lane>,
    paced: bool,
    permits: Arc<Semaphore>,
}

impl Limits {
    /// `ceiling` in calls per second over everything; `concurrency` in calls under way. Unpaced
    /// lanes hold nothing back: a recording or a test server has no customers to share with.
    pub(crate) fn new(ceiling: Option<f64>, concurrency: usize, paced: bool) -> Self {
        Self {
            lanes: Mutex::new(Lanes { by_key: HashMap::new(), sweep_at: LANES_KEPT }),
            ceiling: ceiling.map(Lane::steady),
            paced,
            permits: Arc::new(Semaphore::new(concurrency)),
        }
    }

    /// The lane of a call; made when it is first asked for.
    pub(crate) fn lane(&self, key: LaneKey) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(if self.paced { Lane::adaptive() } else { Lane::steady(UNPACED) });
        if let Some(lane) = lanes.by_key.get(&key) {
            return Arc::clone(lane);
        }
        lanes.sweep(Instant::now());
        Arc::clone(lanes.by_key.entry(key).or_insert_with(new))
    }

    /// Waits until one call may leave. Dropping the future gives the turn to the next.
    pub(crate) async fn admit(&self, lane: &Lane) -> Option<OwnedSemaphorePermit> {
        lane.pass().await;
        if let Some(ceiling) = &self.ceiling {
            ceiling.pass().await;
        }
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }
}

/// The lanes in use, and some that were.
#[derive(Debug)]
struct Lanes {
    by_key: HashMap<LaneKey, Arc<Lane>>,
    /// At this many the idle ones are looked for; grows with those that are in use.
    sweep_at: usize,
}

impl Lanes {
    /// Drops lanes that nobody waits for and that have been idle for a while.
    fn sweep(&mut self, now: Instant) {
        if self.by_key.len() < self.sweep_at {
            return;
        }
        self.by_key.retain(|_, lane| Arc::strong_count(lane) > 1 || !lane.is_idle(now));
        self.sweep_at = LANES_KEPT.max(self.by_key.len() * 2);
    }
}

/// One bucket. Callers pass one after another in the order they came.
#[derive(Debug)]
pub(crate) struct Lane {
    turn: Turn<()>,
    state: Mutex<State>,
    adaptive: bool,
}

#[derive(Debug)]
struct State {
    /// Calls per second.
    rate: f64,
    /// What may leave at once; never above the burst.
    tokens: f64,
    /// When `tokens` and `rate` were last brought up to date.
    updated: Option<Instant>,
    /// When the rate was last halved.
    halved: Option<Instant>,
}

impl Lane {
    fn adaptive() -> Self {
        Self::with(RATE_START, true)
    }

    fn steady(rate: f64) -> Self {
        Self::with(rate, false)
    }

    fn with(rate: f64, adaptive: bool) -> Self {
        let state = State { rate, tokens: burst(rate), updated: None, halved: None };
        Self { turn: Turn::new(()), state: Mutex::new(state), adaptive }
    }

    /// Waits for this lane's next slot.
    async fn pass(&self) {
        // Only the first in line sleeps, so that a changed rate reaches everyone behind it.
        let _turn = self.turn.lock().await;
        while let Some(wait) = self.take(Instant::now()) {
            sleep_until(Instant::now() + wait).await;
        }
    }

    fn is_idle(&self, now: Instant) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.updated.is_none_or(|updated| now - updated > IDLE_AFTER)
    }

    /// Takes a token, or says how long until there is one.
    fn take(&self, now: Instant) -> Option<Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.advance(now, self.adaptive);
        if state.tokens >= 1.0 {
            state.tokens -= 1.0;
            return None;
        }
        let wait = (1.0 - state.tokens) / state.rate;
        // A millisecond at least: a shorter sleep may round to nothing and spin.
        Some(Duration::from_secs_f64(wait.clamp(0.001, 3600.0)))
    }

    /// AWS refused by rate a call that had left at `sent`.
    pub(crate) fn refused(&self, sent: Instant, now: Instant) {
        if !self.adaptive {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.advance(now, true);
        let known =
            state.halved.is_some_and(|halved| sent <= halved || now - halved < HALVE_AT_MOST_EVERY);
        if known {
            return;
        }
        state.rate = (state.rate / 2.0).max(RATE_MIN);
        state.tokens = 0.0;
        state.halved = Some(now);
    }

    /// The current rate in calls per second.
    #[cfg(test)]
    fn rate(&self, now: Instant) -> f64 {
        let mut state = self.state.lock().unwrap();
        state.advance(now, self.adaptive);
        state.rate
    }
}

impl State {
    fn advance(&mut self, now: Instant, adaptive: bool) {
        let passed = self.updated.map_or(0.0, |then| (now - then).as_secs_f64());
        self.updated = Some(now);
        if adaptive {
            let growth = match self.halved {
                Some(_) => RECOVERY_PER_SECOND.powf(passed),
                // An idle hour proves nothing.
                None => GROWTH_PER_SECOND.powf(passed.min(1.0)),
            };
            self.rate = (self.rate * growth).min(RATE_MAX);
        }
        self.tokens = (self.tokens + passed * self.rate).min(burst(self.rate));
    }
}

/// What may leave at once at this rate: at least one call.
fn burst(rate: f64) -> f64 {
    (rate * BURST_SECONDS).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(service: &str) -> LaneKey {
        LaneKey { account: "1".into(), region: "r".into(), service: service.into() }
    }

    #[tokio::test(start_paused = true)]
    async fn the_ceiling_holds_over_all_lanes() {
        let limits = Limits::new(Some(10.0), 100, true);
        let start = Instant::now();
        for n in 0..105 {
            let lane = limits.lane(key(&format!("s{}", n % 7)));
            drop(limits.admit(&lane).await.unwrap());
        }
        // Five leave at once, a hundred follow at ten a second.
        let took = start.elapsed().as_secs_f64();
        assert!((9.5..10.6).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lane_that_is_never_refused_grows_fast_but_not_while_idle() {
        let lane = Lane::adaptive();
        let start = Instant::now();
        for _ in 0..1_000 {
            lane.pass().await;
        }
        let took = start.elapsed().as_secs_f64();
        assert!((2.0..6.0).contains(&took), "{took}");
        let idle = Lane::adaptive();
        idle.pass().await;
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(idle.rate(Instant::now()), RATE_START * GROWTH_PER_SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn idle_lanes_are_dropped_and_busy_ones_stay() {
        let limits = Limits::new(None, 1, true);
        let held = limits.lane(key("held"));
        for n in 1..LANES_KEPT {
            limits.lane(key(&n.to_string())).pass().await;
        }
        tokio::time::advance(IDLE_AFTER * 2).await;
        assert_eq!(limits.lanes.lock().unwrap().by_key.len(), LANES_KEPT);
        limits.lane(key("recent")).pass().await;
        assert_eq!(limits.lanes.lock().unwrap().by_key.len(), 2);
        assert!(Arc::ptr_eq(&held, &limits.lane(key("held"))));
    }

    #[tokio::test(start_paused = true)]
    async fn unpaced_lanes_hold_nothing_back_but_the_ceiling_does() {
        let took = async |ceiling| {
            let limits = Limits::new(ceiling, 1, false);
            let start = Instant::now();
            for _ in 0..1_000 {
                drop(limits.admit(&limits.lane(key("a"))).await.unwrap());
            }
            start.elapsed()
        };
        assert_eq!(took(None).await, Duration::ZERO);
        assert!(took(Some(100.0)).await > Duration::from_secs(9));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_halves_one_lane_and_no_other() {
        let limits = Limits::new(None, 100, true);
        let (a, b) = (limits.lane(key("a")), limits.lane(key("b")));
        let now = Instant::now();
        a.refused(now, now);
        assert_eq!(a.rate(now), RATE_START / 2.0);
        assert_eq!(b.rate(now), RATE_START);
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_of_one_burst_halve_once() {
        let lane = Lane::adaptive();
        let sent = Instant::now();
        for _ in 0..20 {
            lane.refused(sent, Instant::now());
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        lane.refused(sent, Instant::now());
        assert!(lane.rate(Instant::now()) > RATE_START / 2.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_halved_lane_recovers_and_never_stops() {
        let lane = Lane::adaptive();
        for _ in 0..50 {
            let now = Instant::now();
            lane.refused(now, now);
            tokio::time::advance(HALVE_AT_MOST_EVERY).await;
        }
        assert!(lane.rate(Instant::now()) >= RATE_MIN);
        tokio::time::advance(Duration::from_secs(120)).await;
        assert!(lane.rate(Instant::now()) > RATE_START);
        assert!(lane.rate(Instant::now()) <= RATE_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn concurrency_is_bounded_and_a_dropped_wait_frees_its_place() {
        let limits = Limits::new(None, 1, true);
        let lane = limits.lane(key("a"));
        let first = limits.admit(&lane).await;
        let second = tokio::time::timeout(Duration::from_secs(5), limits.admit(&lane)).await;
        assert!(second.is_err(), "two under way");
        drop(first);
        let third = tokio::time::timeout(Duration::from_secs(5), limits.admit(&lane)).await;
        assert!(third.is_ok());
    }
}
