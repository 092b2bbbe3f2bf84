//! Work between the listing and the worker threads: objects to decode, and batches to look at that
//! another worker has decoded.
//! What a worker does with them is in `worker.rs`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use yagura_content::format::Source;
use yagura_model::event::EventBatch;
use yagura_model::object::{LogObject, Minute};

use super::super::course::Course;

/// One object to read.
#[derive(Clone, Debug)]
pub(super) struct Task {
    /// Position of its feed.
    pub(super) feed: usize,
    pub(super) object: LogObject,
    /// How often it was tried before.
    pub(super) tries: u32,
}

/// What a worker is to do next.
pub(super) enum Turn {
    Object(Task),
    Batch(Arc<Source>, EventBatch),
}

#[derive(Default)]
struct State {
    /// By the time of their names, then as they were listed.
    objects: BTreeMap<(Minute, u64), Task>,
    /// How many objects ever waited.
    pushed: u64,
    /// Those that wait and those that are decoded.
    course: Course,
    batches: VecDeque<(Arc<Source>, EventBatch)>,
    /// Batches that a worker looks at for another.
    looking: usize,
    /// Workers that wait for something to do.
    idle: usize,
    /// Workers that decode an object: batches may come of it, or the object again.
    decoding: usize,
    /// Nothing more will be listed.
    listed: bool,
    stop: bool,
}

/// What waits for a worker.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    /// Told whenever an object was taken.
    pub(super) moved: Notify,
}

impl State {
    fn add(&mut self, minute: Minute, task: Task) {
        self.objects.insert((minute, self.pushed), task);
        self.pushed += 1;
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is half-changed when a thread dies: every change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many objects wait.
    pub(super) fn waiting(&self) -> usize {
        self.state().objects.len()
    }

    pub(super) fn push(&self, tasks: impl IntoIterator<Item = Task>) {
        let mut state = self.state();
        for task in tasks {
            state.course.add(task.object.told_minute());
            state.add(task.object.minute(), task);
        }
        drop(state);
        self.wake.notify_all();
    }

    pub(super) fn listed(&self) {
        self.state().listed = true;
        self.wake.notify_all();
    }

    pub(super) fn stop(&self) {
        self.state().stop = true;
        self.wake.notify_all();
        self.moved.notify_waiters();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.state().stop
    }

    /// The next thing to do; waits for one. `None` when the worker is to end. Batches go first:
    /// they hold memory.
    pub(super) fn take(&self) -> Option<Turn> {
        let mut state = self.state();
        loop {
            if state.stop {
                return None;
            }
            if let Some((source, batch)) = state.batches.pop_front() {
                state.looking += 1;
                return Some(Turn::Batch(source, batch));
            }
            if let Some((_, task)) = state.objects.pop_first() {
                state.decoding += 1;
                drop(state);
                self.moved.notify_one();
                return Some(Turn::Object(task));
            }
            if state.listed && state.decoding == 0 {
                // The others may be waiting for what is not coming.
                self.wake.notify_all();
                return None;
            }
            state.idle += 1;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Hands a batch to a worker that has nothing to do; gives it back where all are busy.
    pub(super) fn offer(&self, source: &Arc<Source>, batch: EventBatch) -> Option<EventBatch> {
        let mut state = self.state();
        if state.stop || state.batches.len() >= state.idle {
            return Some(batch);
        }
        state.batches.push_back((Arc::clone(source), batch));
        drop(state);
        self.wake.notify_one();
        None
    }

    /// A worker has looked at a batch that it took.
    pub(super) fn looked(&self) {
        let mut state = self.state();
        state.looking = state.looking.saturating_sub(1);
    }

    /// A worker is done with an object, whose name tells this minute, or gives it back for another
    /// try.
    pub(super) fn done(&self, told: Option<Minute>, again: Option<Task>) {
        let mut state = self.state();
        state.decoding = state.decoding.saturating_sub(1);
        match again {
            // After all others: what failed may need time.
            Some(task) => state.add(Minute::MAX, task),
            None => state.course.remove(told),
        }
        drop(state);
        self.wake.notify_all();
    }

    /// The earliest minute of which objects are still to be shown; none where it is not known.
    pub(super) fn earliest(&self) -> Option<Minute> {
        let state = self.state();
        let shown = state.batches.is_empty() && state.looking == 0;
        if state.listed && shown { state.course.earliest() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use yagura_content::Content;
    use yagura_model::event::BatchBuilder;

    use super::*;

    fn batch(text: &str) -> EventBatch {
        let mut builder = BatchBuilder::default();
        builder.push_json(text.as_bytes()).unwrap();
        builder.finish()
    }

    fn task() -> Task {
        let object = LogObject {
            location: "/a".into(),
            key: "a".into(),
            version: None,
            etag: None,
            size_bytes: 1,
            modified: None,
        };
        Task { feed: 0, object, tries: 0 }
    }

    #[test]
    fn a_batch_goes_to_a_worker_that_has_nothing_to_do_and_else_stays() {
        let source = Content::builtin().sources.get("cloudtrail").unwrap();
        let queue = Queue::default();
        queue.push([task()]);
        assert!(matches!(queue.take(), Some(Turn::Object(_))));
        assert!(queue.offer(source, batch("{}")).is_some(), "nobody is there to take it");
        std::thread::scope(|scope| {
            let other = scope.spawn(|| queue.take());
            while queue.state().idle == 0 {
                std::thread::yield_now();
            }
            assert!(queue.offer(source, batch("{\"a\":1}")).is_none());
            let taken = other.join().unwrap();
            assert!(matches!(taken, Some(Turn::Batch(_, batch)) if batch.text() == "{\"a\":1}"));
        });
    }

    #[test]
    fn of_what_waits_the_earliest_is_read_first() {
        let queue = Queue::default();
        let named = |name: &str| {
            let mut task = task();
            task.object.key = format!("AWSLogs/{name}.json.gz");
            task
        };
        let names = ["a_20261121T0010Z", "b", "b_20261121T0005Z", "a_20261121T0005Z"];
        queue.push(names.map(named));
        queue.listed();
        let mut earliest = Vec::new();
        let read = std::iter::from_fn(|| match queue.take() {
            Some(Turn::Object(task)) => {
                earliest.push(queue.earliest());
                queue.done(
                    task.object.told_minute(),
                    (task.tries == 0 && task.object.key.contains("b_"))
                        .then(|| Task { tries: 1, ..task.clone() }),
                );
                Some(task.object.key)
            }
            _ => None,
        });
        let read: Vec<String> = read.collect();
        let expected = [names[2], names[3], names[0], names[1], names[2]];
        assert_eq!(read, expected.map(|name| format!("AWSLogs/{name}.json.gz")));
        // Whatever `b` is of may still come, and then again what failed.
        let last = Some(202_611_210_005);
        assert_eq!(earliest, [None, None, None, None, last]);
    }

    #[test]
    fn workers_end_when_all_is_listed_and_nothing_is_decoded() {
        let queue = Queue::default();
        queue.push([task()]);
        queue.listed();
        let Some(Turn::Object(again)) = queue.take() else { panic!("an object waits") };
        queue.done(None, Some(again));
        assert!(matches!(queue.take(), Some(Turn::Object(_))), "given back for another try");
        queue.done(None, None);
        assert!(queue.take().is_none());
    }
}
