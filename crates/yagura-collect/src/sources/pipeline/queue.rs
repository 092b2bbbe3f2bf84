//! Work between the coordinator and the worker threads: objects that wait, and when to stop.
//! What a worker does with an object is in `worker.rs`.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use yagura_model::object::Minute;
use yagura_store::ledger::Claimed;

use crate::sources::course::Course;

/// One object to ingest.
#[derive(Clone, Debug)]
pub(super) struct Work {
    /// Position of its feed in the job.
    pub(super) feed: usize,
    pub(super) claimed: Claimed,
    /// How often this run has tried it before.
    pub(super) tries: u32,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    in_hand: usize,
    /// Those that wait and those in hand.
    course: Course,
    /// The earliest minute of what the ledger has not handed out yet; none where it is not known.
    unclaimed: Option<Minute>,
    /// Nothing more will come, except what workers give back.
    exhausted: bool,
    /// Workers are to finish what they have in hand and no more.
    stop: bool,
}

/// Objects that wait for a worker.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    /// Told whenever an object was taken or done with.
    pub(super) moved: Notify,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is half-changed when a thread dies: every change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many objects wait.
    pub(super) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    pub(super) fn push(&self, work: impl IntoIterator<Item = Work>) {
        let mut state = self.state();
        for work in work {
            state.course.add(work.claimed.object.told_minute());
            state.waiting.push_back(work);
        }
        drop(state);
        self.wake.notify_all();
    }

    /// What the ledger has not handed out yet is of this minute or later; none: of any.
    pub(super) fn unclaimed(&self, from: Option<Minute>) {
        self.state().unclaimed = from;
    }

    /// The earliest minute of which objects are still to be shown; none where it is not known.
    pub(super) fn earliest(&self) -> Option<Minute> {
        let state = self.state();
        Some(state.course.earliest()?.min(state.unclaimed?))
    }

    /// The next object; waits for one. `None` when the worker is to end.
    pub(super) fn take(&self) -> Option<Work> {
        let mut state = self.state();
        loop {
            if state.stop {
                return None;
            }
            if let Some(work) = state.waiting.pop_front() {
                state.in_hand += 1;
                drop(state);
                self.moved.notify_one();
                return Some(work);
            }
            if state.exhausted && state.in_hand == 0 {
                // The others may be waiting for what is not coming.
                self.wake.notify_all();
                return None;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A worker is done with an object, whose name tells this minute, or gives it back for another
    /// try.
    pub(super) fn done(&self, told: Option<Minute>, again: Option<Work>) {
        let mut state = self.state();
        state.in_hand = state.in_hand.saturating_sub(1);
        match again {
            Some(work) => state.waiting.push_back(work),
            None => state.course.remove(told),
        }
        drop(state);
        self.wake.notify_all();
        self.moved.notify_one();
    }

    pub(super) fn exhaust(&self) {
        self.state().exhausted = true;
        self.wake.notify_all();
    }

    /// Whether nothing waits and nothing will come.
    pub(super) fn is_over(&self) -> bool {
        let state = self.state();
        state.exhausted && state.waiting.is_empty()
    }

    pub(super) fn stop(&self) {
        self.state().stop = true;
        self.wake.notify_all();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.state().stop
    }

    /// Ready for another generation of workers.
    pub(super) fn restart(&self) {
        let mut state = self.state();
        state.stop = false;
        state.exhausted = false;
        state.in_hand = 0;
        state.unclaimed = None;
    }
}
