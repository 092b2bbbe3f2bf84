//! Work between the coordinator and the worker threads: objects that wait, and when to stop.
//! What a worker does with an object is in `worker.rs`.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use yagura_store::ledger::Claimed;

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
        self.state().waiting.extend(work);
        self.wake.notify_all();
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

    /// A worker is done with an object, or gives it back for another try.
    pub(super) fn done(&self, again: Option<Work>) {
        let mut state = self.state();
        state.in_hand = state.in_hand.saturating_sub(1);
        state.waiting.extend(again);
        drop(state);
        self.wake.notify_all();
        self.moved.notify_one();
    }

    pub(super) fn exhaust(&self) {
        self.state().exhausted = true;
        self.wake.notify_all();
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
    }
}
