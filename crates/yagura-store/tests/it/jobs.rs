//! Jobs: each is held by one worker at a time, none is lost, ticks become one job.
//! What a job does is not known here.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use yagura_store::Store;
use yagura_store::jobs::{Cancelled, Held, Job, Jobs, Lease, NewJob, RunOutcome, Tick, Worker};

use crate::bed::{Bed, at, beds};
use crate::processes::child;

const KIND: &str = "scan";

fn job(key: &str, due: Timestamp) -> NewJob<'_> {
    NewJob { kind: KIND, key, payload: "{}", due }
}

/// Takes a job for ten minutes.
async fn take(jobs: &Jobs, holder: &str, minute: i64) -> Option<Lease> {
    jobs.take(&[KIND], holder, at(minute), at(minute + 10)).await.unwrap()
}

async fn outcomes(jobs: &Jobs) -> Vec<(String, RunOutcome)> {
    let runs = jobs.runs(Some(KIND), 1_000).await.unwrap();
    runs.into_iter().map(|run| (run.holder, run.outcome)).collect()
}

async fn only(jobs: &Jobs) -> Job {
    let all = jobs.list(10).await.unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    all.into_iter().next().unwrap()
}

#[tokio::test]
async fn a_job_is_taken_once_it_is_due_and_by_one_worker() {
    for bed in beds().await {
        let jobs = bed.open().await.jobs();
        jobs.add(&job("a", at(5)), at(0)).await.unwrap();
        assert_eq!(take(&jobs, "w1", 4).await, None, "not due");
        let other = jobs.take(&["other"], "w1", at(6), at(9)).await.unwrap();
        assert_eq!(other, None, "not of this kind");
        assert_eq!(jobs.take(&[], "w1", at(6), at(9)).await.unwrap(), None);
        let lease = take(&jobs, "w1", 6).await.unwrap();
        assert_eq!((lease.key.as_str(), lease.attempt, lease.due), ("a", 1, at(5)));
        assert_eq!(take(&jobs, "w2", 7).await, None, "w1 has it");
        assert!(jobs.done(&lease, Some("well"), at(8)).await.unwrap());
        assert!(!jobs.done(&lease, Some("well"), at(8)).await.unwrap(), "it ended before");
        assert!(jobs.list(10).await.unwrap().is_empty());
        let runs = jobs.runs(None, 10).await.unwrap();
        assert_eq!(runs.len(), 1);
        assert_eq!((runs[0].started, runs[0].finished), (at(6), at(8)));
        assert_eq!((runs[0].result.as_str(), runs[0].outcome), ("well", RunOutcome::Done));
    }
}

#[tokio::test]
async fn a_silent_workers_job_goes_to_another_and_its_late_word_counts_nothing() {
    for bed in beds().await {
        let jobs = bed.open().await.jobs();
        jobs.add(&job("a", at(0)), at(0)).await.unwrap();
        let first = take(&jobs, "w1", 0).await.unwrap();
        assert_eq!(jobs.renew(&first, at(15)).await.unwrap(), Held::Kept);
        assert_eq!(take(&jobs, "w2", 14).await, None, "it was kept for longer");
        let second = take(&jobs, "w2", 15).await.unwrap();
        assert_eq!((second.id, second.attempt), (first.id, 2));
        assert_eq!(jobs.renew(&first, at(40)).await.unwrap(), Held::Lost);
        assert!(!jobs.done(&first, Some("late"), at(16)).await.unwrap());
        assert!(!jobs.failed(&first, "late", None, at(16)).await.unwrap());
        assert!(!jobs.hand_back(&first, at(16)).await.unwrap());
        assert_eq!(jobs.renew(&second, at(40)).await.unwrap(), Held::Kept);
        assert!(jobs.done(&second, Some("well"), at(17)).await.unwrap());
        let expected = [("w2".to_owned(), RunOutcome::Done), ("w1".to_owned(), RunOutcome::Lost)];
        assert_eq!(outcomes(&jobs).await, expected);
    }
}

#[tokio::test]
async fn a_key_waits_once_and_is_done_again_where_it_was_asked_for_while_it_ran() {
    for bed in beds().await {
        let jobs = bed.open().await.jobs();
        let id = jobs.add(&job("a", at(9)), at(0)).await.unwrap();
        assert_eq!(jobs.add(&job("a", at(3)), at(0)).await.unwrap(), id, "it is due earlier now");
        assert_eq!(jobs.add(&job("a", at(6)), at(0)).await.unwrap(), id);
        assert_eq!(only(&jobs).await.due, at(3));
        assert!(!jobs.ensure(&job("a", at(1)), at(0)).await.unwrap());
        assert_eq!(only(&jobs).await.due, at(3), "making sure changes nothing");
        let lease = take(&jobs, "w1", 4).await.unwrap();
        jobs.add(&job("a", at(7)), at(4)).await.unwrap();
        jobs.add(&job("a", at(5)), at(4)).await.unwrap();
        assert_eq!(take(&jobs, "w2", 6).await, None, "not at the same time");
        assert!(jobs.done(&lease, None, at(6)).await.unwrap());
        let lease = take(&jobs, "w2", 6).await.unwrap();
        assert_eq!((lease.due, lease.attempt), (at(5), 1));
        assert!(jobs.done(&lease, None, at(6)).await.unwrap());
        assert!(jobs.list(10).await.unwrap().is_empty());
        assert!(outcomes(&jobs).await.is_empty(), "without a result nothing is remembered");
        assert!(jobs.ensure(&job("a", at(1)), at(0)).await.unwrap());
    }
}

#[tokio::test]
async fn a_failed_job_waits_for_its_time_and_ends_where_there_is_none() {
    for bed in beds().await {
        let jobs = bed.open().await.jobs();
        jobs.add(&job("a", at(0)), at(0)).await.unwrap();
        let lease = take(&jobs, "w1", 0).await.unwrap();
        let long = "ü".repeat(10_000);
        assert!(jobs.failed(&lease, &long, Some(at(5)), at(1)).await.unwrap());
        let waiting = only(&jobs).await;
        assert_eq!((waiting.due, waiting.held, waiting.attempts), (at(5), None, 1));
        assert_eq!(waiting.last_error.unwrap().len(), 4_096, "an error is kept in part");
        assert_eq!(take(&jobs, "w1", 4).await, None);
        let lease = take(&jobs, "w1", 5).await.unwrap();
        assert_eq!(lease.attempt, 2);
        assert!(jobs.failed(&lease, "no\0", None, at(6)).await.unwrap());
        assert!(jobs.list(10).await.unwrap().is_empty());
        assert_eq!(jobs.runs(None, 1).await.unwrap()[0].result, "no\u{fffd}");
    }
}

#[tokio::test]
async fn what_is_handed_back_is_taken_at_once_and_counts_as_no_attempt() {
    for bed in beds().await {
        let jobs = bed.open().await.jobs();
        jobs.add(&job("a", at(0)), at(0)).await.unwrap();
        let lease = take(&jobs, "w1", 0).await.unwrap();
        assert!(jobs.hand_back(&lease, at(1)).await.unwrap());
        let lease = take(&jobs, "w2", 1).await.unwrap();
        assert_eq!((lease.attempt, lease.holder.as_str()), (1, "w2"));
    }
}

#[tokio::test]
async fn a_job_that_is_called_off_is_gone_or_its_worker_is_told() {
    for bed in beds().await {
        let jobs = bed.open().await.jobs();
        let id = jobs.add(&job("a", at(0)), at(0)).await.unwrap();
        assert_eq!(jobs.cancel(id, at(0)).await.unwrap(), Cancelled::Removed);
        assert_eq!(jobs.cancel(id, at(0)).await.unwrap(), Cancelled::Unknown);
        let id = jobs.add(&job("a", at(0)), at(0)).await.unwrap();
        let lease = take(&jobs, "w1", 0).await.unwrap();
        assert_eq!(jobs.cancel(id, at(1)).await.unwrap(), Cancelled::Asked);
        assert_eq!(jobs.renew(&lease, at(20)).await.unwrap(), Held::Cancelled);
        assert!(jobs.hand_back(&lease, at(2)).await.unwrap());
        assert!(jobs.list(10).await.unwrap().is_empty(), "it does not come again");
        // A worker that died before it heard of it.
        let id = jobs.add(&job("a", at(0)), at(0)).await.unwrap();
        take(&jobs, "w1", 0).await.unwrap();
        assert_eq!(jobs.cancel(id, at(1)).await.unwrap(), Cancelled::Asked);
        assert_eq!(take(&jobs, "w2", 11).await, None, "nobody begins it again");
        assert!(jobs.list(10).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_tick_becomes_one_job_however_many_processes_see_it() {
    for bed in beds().await {
        let jobs = bed.open().await.jobs();
        assert_eq!(jobs.last_tick("daily", at(0)).await.unwrap(), at(0));
        assert_eq!(jobs.last_tick("daily", at(9)).await.unwrap(), at(0), "it began before");
        let tick = async |minute: i64, now: i64| {
            jobs.add_tick("daily", at(minute), &job("daily", at(minute)), at(now)).await.unwrap()
        };
        assert_eq!(tick(5, 5).await, Tick::Made);
        assert_eq!(tick(5, 5).await, Tick::Known);
        let lease = take(&jobs, "w1", 6).await.unwrap();
        assert!(jobs.done(&lease, Some("well"), at(7)).await.unwrap());
        assert_eq!(tick(5, 8).await, Tick::Known, "also when the job is over");
        assert_eq!(tick(4, 8).await, Tick::Known, "time does not go back");
        assert_eq!(tick(10, 10).await, Tick::Made);
        assert_eq!(tick(15, 15).await, Tick::Joined, "the former one still waits");
        assert_eq!(jobs.last_tick("daily", at(99)).await.unwrap(), at(15));
        assert_eq!(only(&jobs).await.due, at(10));
    }
}

#[tokio::test]
async fn runs_are_remembered_up_to_a_bound_for_each_kind() {
    for bed in beds().await {
        let jobs = bed.open().await.jobs();
        let rare = NewJob { kind: "rare", key: "a", payload: "{}", due: at(0) };
        jobs.add(&rare, at(0)).await.unwrap();
        let lease = jobs.take(&["rare"], "w1", at(0), at(9)).await.unwrap().unwrap();
        jobs.done(&lease, Some("well"), at(0)).await.unwrap();
        for round in 0..205 {
            jobs.add(&job("a", at(round)), at(round)).await.unwrap();
            let lease = take(&jobs, "w1", round).await.unwrap();
            jobs.done(&lease, Some(&round.to_string()), at(round)).await.unwrap();
        }
        let runs = jobs.runs(Some(KIND), 1_000).await.unwrap();
        assert_eq!(runs.len(), 200);
        assert_eq!((runs[0].result.as_str(), runs[199].result.as_str()), ("204", "5"));
        assert_eq!(jobs.runs(Some("rare"), 9).await.unwrap().len(), 1);
        assert_eq!(jobs.runs(None, 1_000).await.unwrap().len(), 201);
    }
}

#[tokio::test]
async fn jobs_are_counted_by_kind_and_state_and_workers_are_known() {
    for bed in beds().await {
        let jobs = bed.open().await.jobs();
        jobs.add(&job("a", at(0)), at(0)).await.unwrap();
        jobs.add(&job("b", at(0)), at(0)).await.unwrap();
        jobs.add(&job("c", at(0)), at(0)).await.unwrap();
        take(&jobs, "w1", 0).await.unwrap();
        let counts = jobs.counts().await.unwrap();
        let seen: Vec<_> = counts.iter().map(|one| (one.running, one.count)).collect();
        assert_eq!(seen, [(false, 2), (true, 1)]);
        let worker = |holder: &str, seen: i64| Worker {
            holder: holder.to_owned(),
            started: at(0),
            seen: at(seen),
            status: "{}".to_owned(),
        };
        jobs.beat(&worker("w1", 1), at(-5)).await.unwrap();
        jobs.beat(&worker("w2", 8), at(-5)).await.unwrap();
        jobs.beat(&worker("w3", 9), at(5)).await.unwrap();
        let names = async || {
            let workers = jobs.workers().await.unwrap();
            workers.into_iter().map(|worker| worker.holder).collect::<Vec<_>>()
        };
        assert_eq!(names().await, ["w2", "w3"], "who was silent for long is forgotten");
        jobs.leave("w2").await.unwrap();
        assert_eq!(names().await, ["w3"]);
    }
}

/// One step of some worker, or of the world.
#[derive(Clone, Copy, Debug)]
enum Step {
    Add(usize),
    Take(usize),
    Renew(usize),
    Done(usize),
    Fail(usize),
    HandBack(usize),
    /// A worker is killed: it never says anything again under this name.
    Kill(usize),
    /// Minutes pass.
    Wait(i64),
}

const WORKERS: usize = 3;
const KEYS: [&str; 4] = ["a", "b", "c", "d"];
const LEASE_MINUTES: i64 = 4;

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..KEYS.len()).prop_map(Step::Add),
        5 => (0..WORKERS).prop_map(Step::Take),
        1 => (0..WORKERS).prop_map(Step::Renew),
        3 => (0..WORKERS).prop_map(Step::Done),
        1 => (0..WORKERS).prop_map(Step::Fail),
        1 => (0..WORKERS).prop_map(Step::HandBack),
        2 => (0..WORKERS).prop_map(Step::Kill),
        3 => (1_i64..4).prop_map(Step::Wait),
    ]
}

/// A lease in the hands of a worker that lives.
struct InHand {
    lease: Lease,
    /// Until when the worker believes that it holds it, in minutes.
    until: i64,
    /// How often the job had been asked for when the run began.
    begun_after: u32,
}

/// What a test knows of the world beside the database.
struct World {
    jobs: Jobs,
    minute: i64,
    /// How often each worker was killed; part of its name.
    lives: [u32; WORKERS],
    hands: [Vec<InHand>; WORKERS],
    /// How often each job was asked for, and up to which wish a whole run has begun and ended.
    asked: BTreeMap<String, u32>,
    answered: BTreeMap<String, u32>,
}

impl World {
    fn new(jobs: Jobs) -> Self {
        let (asked, answered) = Default::default();
        Self { jobs, minute: 0, lives: [0; WORKERS], hands: Default::default(), asked, answered }
    }

    async fn take(&mut self, worker: usize) -> Result<bool, TestCaseError> {
        let until = self.minute + LEASE_MINUTES;
        let name = format!("w{worker}-{}", self.lives[worker]);
        let taken = self.jobs.take(&[KIND], &name, at(self.minute), at(until)).await.unwrap();
        let Some(lease) = taken else { return Ok(false) };
        let running = self
            .hands
            .iter()
            .flatten()
            .find(|held| held.lease.key == lease.key && held.until > self.minute);
        prop_assert!(running.is_none(), "`{}` runs twice at once", lease.key);
        let begun_after = self.asked.get(&lease.key).copied().unwrap_or_default();
        self.hands[worker].push(InHand { lease, until, begun_after });
        Ok(true)
    }

    async fn end(&mut self, worker: usize, how: Step) -> Result<(), TestCaseError> {
        let Some(held) = self.hands[worker].pop() else { return Ok(()) };
        let (lease, now) = (&held.lease, at(self.minute));
        let counted = match how {
            Step::Done(_) => self.jobs.done(lease, Some("well"), now).await.unwrap(),
            Step::Fail(_) => self.jobs.failed(lease, "no", Some(now), now).await.unwrap(),
            _ => self.jobs.hand_back(lease, now).await.unwrap(),
        };
        prop_assert!(counted || held.until <= self.minute, "a lease was lost before its end");
        if counted && matches!(how, Step::Done(_)) {
            let answered = self.answered.entry(lease.key.clone()).or_default();
            *answered = held.begun_after.max(*answered);
        }
        Ok(())
    }

    async fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Wait(minutes) => self.minute += minutes,
            Step::Add(key) => {
                let due = at(self.minute);
                self.jobs.add(&job(KEYS[key], due), due).await.unwrap();
                *self.asked.entry(KEYS[key].to_owned()).or_default() += 1;
            }
            Step::Kill(worker) => {
                // Its leases stay in the database and run out there.
                self.lives[worker] += 1;
                self.hands[worker].clear();
            }
            Step::Take(worker) => drop(self.take(worker).await?),
            Step::Renew(worker) => {
                let until = self.minute + LEASE_MINUTES;
                for held in std::mem::take(&mut self.hands[worker]) {
                    if self.jobs.renew(&held.lease, at(until)).await.unwrap() == Held::Kept {
                        self.hands[worker].push(InHand { until, ..held });
                    }
                }
            }
            Step::Done(worker) | Step::Fail(worker) | Step::HandBack(worker) => {
                self.end(worker, step).await?;
            }
        }
        Ok(())
    }

    /// All are killed, leases run out, and a fresh worker does what is left.
    async fn rest(&mut self) -> Result<(), TestCaseError> {
        for worker in 0..WORKERS {
            self.step(Step::Kill(worker)).await?;
        }
        self.minute += LEASE_MINUTES;
        while self.take(0).await? {
            self.end(0, Step::Done(0)).await?;
        }
        let left = self.jobs.list(10).await.unwrap();
        prop_assert!(left.is_empty(), "{left:?}");
        prop_assert_eq!(&self.answered, &self.asked, "a wish was lost");
        Ok(())
    }
}

#[test]
fn killed_workers_lose_no_job_and_none_runs_twice_at_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    let number = std::cell::Cell::new(0);
    let case = |steps: Vec<Step>| {
        runtime.block_on(async {
            // A schema takes PostgreSQL a good while: every eighth case is enough there.
            let beds = match number.replace(number.get() + 1) % 8 {
                0 => beds().await,
                _ => vec![Bed::sqlite()],
            };
            for bed in beds {
                let store = bed.open().await;
                let mut world = World::new(store.jobs());
                for step in &steps {
                    world.step(*step).await?;
                }
                world.rest().await?;
                store.close().await;
            }
            Ok(())
        })
    };
    TestRunner::new(config).run(&proptest::collection::vec(a_step(), 1..60), case).unwrap();
}

/// What a child of the next test does: takes jobs and does them, as long as there are any.
pub(crate) async fn work(store: &Store, out: &mut impl std::io::Write) {
    let jobs = store.jobs();
    let name = std::process::id().to_string();
    // Real time would do; a count of its own keeps the test free of clocks. Leases never run out.
    while let Some(lease) = take(&jobs, &name, 0).await {
        writeln!(out, "begun {}", lease.key).unwrap();
        assert!(jobs.done(&lease, Some("well"), at(1)).await.unwrap());
        writeln!(out, "ended {}", lease.key).unwrap();
    }
}

#[tokio::test]
async fn processes_that_take_at_once_share_the_jobs_and_a_killed_one_loses_none() {
    const JOBS: usize = 120;
    for bed in beds().await {
        let jobs = bed.open().await.jobs();
        for n in 0..JOBS {
            jobs.add(&job(&format!("{n:03}"), at(0)), at(0)).await.unwrap();
        }
        let mut children: Vec<_> = (0..4).map(|_| child("jobs", &bed.location)).collect();
        // The first is killed after its third job, wherever it then is.
        let mut first = children.remove(0);
        let said = BufReader::new(first.stdout.take().unwrap()).lines();
        let ended = said.map_while(Result::ok).filter(|line| line.starts_with("ended"));
        ended.take(3).for_each(drop);
        first.kill().unwrap();
        first.wait().unwrap();
        let mut begun: Vec<String> = Vec::new();
        for child in children {
            let output = child.wait_with_output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "{text}");
            let lines = text.lines().filter_map(|line| line.strip_prefix("begun "));
            begun.extend(lines.map(str::to_owned));
        }
        let once: BTreeSet<&String> = begun.iter().collect();
        assert_eq!(once.len(), begun.len(), "a job was begun twice");
        // At most one job was in the hands of the killed one; its lease runs out.
        while let Some(lease) = take(&jobs, "rest", 10).await {
            assert_eq!(lease.attempt, 2);
            assert!(jobs.done(&lease, Some("well"), at(11)).await.unwrap());
        }
        let done = jobs.runs(Some(KIND), 1_000).await.unwrap();
        let keys: Vec<&String> =
            done.iter().filter(|run| run.outcome == RunOutcome::Done).map(|run| &run.key).collect();
        let each: BTreeSet<&&String> = keys.iter().collect();
        assert_eq!((keys.len(), each.len()), (JOBS, JOBS), "each was done once");
    }
}
