//! A generation: workers fill one commit of the lake until it is full, old enough, or nothing is
//! left to read. The commit itself is in `commit.rs`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use yagura_lake::Ingestion;
use yagura_model::object::Minute;
use yagura_store::ledger::{Claim, Position};

use super::IngestError;
use super::commit::commit;
use super::listing::Listings;
use super::outcome::Outcome;
use super::queue::Work;
use super::worker::{self, Shop};

/// How often somebody is told how far it is.
const TICK: Duration = Duration::from_millis(200);
/// Objects that a worker may have waiting; another process may be glad of the rest.
const WAITING: usize = 8;

/// The side of the coordinator that asks the ledger for work.
pub(super) struct Claims {
    pub(super) worker: String,
    /// For each feed: the last position handed out since the last commit.
    pub(super) after: Vec<Position>,
    /// For each feed: the day from which on more may be handed out; zero where it is not known.
    rest: Vec<u32>,
    /// Whether positions began at the first object after everything was listed.
    whole: bool,
    pub(super) renewed: Instant,
    /// How many objects were listed when positions were last forgotten.
    listed: u64,
}

impl Claims {
    pub(super) fn new(worker: String, feeds: usize) -> Self {
        let after = vec![Position::default(); feeds];
        Self {
            worker,
            after,
            rest: vec![0; feeds],
            whole: false,
            renewed: Instant::now(),
            listed: 0,
        }
    }

    /// From the first object on again: a commit may have made others ready.
    pub(super) fn rewind(&mut self) {
        self.after.fill(Position::default());
        self.rest.fill(0);
    }

    /// Puts more work into the queue; answers how much. What was listed meanwhile may be of an
    /// earlier day than what is read now; `over` says that all was listed before.
    pub(super) async fn fill(
        &mut self,
        shop: &Shop,
        limit: usize,
        over: bool,
    ) -> Result<usize, IngestError> {
        if over && !self.whole {
            self.whole = true;
            self.rewind();
        }
        let listed = shop.counters.objects_to_read.load(Ordering::Relaxed);
        let filled = self.fill_on(shop, limit).await?;
        if filled > 0 || listed == self.listed {
            return Ok(filled);
        }
        self.listed = listed;
        self.rewind();
        self.fill_on(shop, limit).await
    }

    async fn fill_on(&mut self, shop: &Shop, limit: usize) -> Result<usize, IngestError> {
        let mut filled = 0;
        let now = (shop.job.clock)();
        let until = now.saturating_add(shop.job.limits.lease).unwrap_or(now);
        let places = self.after.iter_mut().zip(&mut self.rest);
        for (at, (feed, (after, rest))) in shop.job.feeds.iter().zip(places).enumerate() {
            let claim =
                Claim { worker: &self.worker, feed: feed.name(), after: *after, limit, now, until };
            let claimed = shop.job.ledger.claim(&claim).await.map_err(IngestError::Ledger)?;
            if let Some(last) = claimed.last() {
                *after = last.position();
            }
            *rest = if claimed.len() < limit { u32::MAX } else { after.day };
            filled += claimed.len();
            shop.queue.push(claimed.into_iter().map(|claimed| Work {
                feed: at,
                claimed,
                tries: 0,
            }));
        }
        Ok(filled)
    }

    /// The earliest minute of what was not handed out yet, where that is known: all is listed,
    /// and all names tell theirs.
    fn unclaimed(&self, shop: &Shop) -> Option<Minute> {
        let untold = shop.untold.load(Ordering::Relaxed);
        let day = self.rest.iter().min().filter(|_| self.whole && !untold)?;
        Some(Minute::from(*day) * 10_000)
    }

    async fn renew(&mut self, shop: &Shop) -> Result<(), IngestError> {
        let third = shop.job.limits.lease.unsigned_abs() / 3;
        if self.renewed.elapsed() < third {
            return Ok(());
        }
        self.renewed = Instant::now();
        // What was put off, or held by a worker that died, may be ready again.
        self.rewind();
        let now = (shop.job.clock)();
        let until = now.saturating_add(shop.job.limits.lease).unwrap_or(now);
        shop.job.ledger.renew(&self.worker, until).await.map_err(IngestError::Ledger)?;
        Ok(())
    }
}

/// Waits until there is work or there will be none any more; answers whether there is.
pub(super) async fn begin(
    shop: &Shop,
    claims: &mut Claims,
    listings: &mut Listings,
    workers: usize,
) -> Result<bool, IngestError> {
    let mut tick = interval(TICK);
    loop {
        listings.check()?;
        let listed = listings.are_over();
        if shop.job.cancel.is_cancelled() {
            return Ok(false);
        }
        if listings.are_settled(shop) {
            let room = workers * WAITING;
            if shop.queue.waiting() * 2 <= room {
                claims.fill(shop, room, listed).await?;
            }
            if shop.queue.waiting() > 0 {
                return Ok(true);
            }
            if listed {
                return Ok(false);
            }
        }
        tokio::select! {
            () = listings.changed() => {}
            () = shop.job.cancel.cancelled() => {}
            _ = tick.tick() => (shop.job.progress)(&shop.counters.progress()),
        }
        claims.renew(shop).await?;
    }
}

/// One generation: an ingestion of the lake, filled and committed.
pub(super) async fn run(
    shop: &Arc<Shop>,
    claims: &mut Claims,
    listings: &mut Listings,
    workers: usize,
    outcome: &mut Outcome,
) -> Result<(), IngestError> {
    let ingestion = shop.job.lake.begin().await.map_err(IngestError::Lake)?;
    let filled = fill(shop, &ingestion, claims, listings, workers).await;
    if filled.is_err() {
        // The error that stopped us tells more than one of cleaning up.
        let _ = ingestion.abandon().await;
        return filled;
    }
    commit(shop, ingestion, outcome).await
}

/// Runs workers on an ingestion until it is to be committed. The queue has work already.
async fn fill(
    shop: &Arc<Shop>,
    ingestion: &Ingestion,
    claims: &mut Claims,
    listings: &mut Listings,
    workers: usize,
) -> Result<(), IngestError> {
    shop.queue.restart();
    let mut threads = JoinSet::new();
    for _ in 0..workers {
        let worker = ingestion.worker().map_err(IngestError::Lake)?;
        let shop = Arc::clone(shop);
        threads.spawn_blocking(move || worker::run(&shop, worker));
    }
    let started = Instant::now();
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut result = Ok(());
    while !threads.is_empty() {
        tokio::select! {
            ended = threads.join_next() => {
                if let Some(Err(_)) = ended {
                    // A worker panicked: what it held is not committed.
                    result = Err(IngestError::Worker);
                    shop.queue.stop();
                }
                continue;
            }
            () = shop.queue.moved.notified() => {}
            () = listings.changed() => {}
            _ = tick.tick() => (shop.job.progress)(&shop.counters.progress()),
            () = shop.job.cancel.cancelled(), if !shop.queue.is_stopped() => shop.queue.stop(),
        }
        if shop.queue.is_stopped() {
            continue;
        }
        let stepped = step(shop, ingestion, claims, listings, workers, started).await;
        if let Err(error) = stepped {
            result = Err(error);
            shop.queue.stop();
        }
    }
    result
}

/// Looks whether the generation is over, and else sees to it that workers have work.
async fn step(
    shop: &Shop,
    ingestion: &Ingestion,
    claims: &mut Claims,
    listings: &mut Listings,
    workers: usize,
    started: Instant,
) -> Result<(), IngestError> {
    listings.check()?;
    claims.renew(shop).await?;
    let old = started.elapsed() >= shop.job.limits.commit_every && shop.done().objects() > 0;
    if old || ingestion.is_full() {
        shop.queue.stop();
        return Ok(());
    }
    let room = workers * WAITING;
    if shop.queue.waiting() * 2 > room {
        return Ok(());
    }
    // Before claiming: what a listing adds afterwards is seen by the next step.
    let listed = listings.are_over();
    let filled = claims.fill(shop, room, listed).await?;
    shop.queue.unclaimed(claims.unclaimed(shop));
    if filled == 0 && listed {
        shop.queue.exhaust();
    }
    Ok(())
}
