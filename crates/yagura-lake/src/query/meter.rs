//! How far a question is, and giving it up: counters that readers keep and people watch.
//! Nothing is printed here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::AbortHandle;

/// What the readers of one question count.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    files_total: AtomicU64,
    bytes_total: AtomicU64,
    bytes_read: AtomicU64,
    requests: AtomicU64,
    rows_out: AtomicU64,
    files: Mutex<Files>,
}

#[derive(Debug, Default)]
struct Files {
    /// By path: bytes to read at most, readers open now.
    seen: HashMap<String, (u64, u32)>,
    /// In the order of their opening.
    opened: Vec<String>,
    done: u64,
    bytes_done: u64,
}

impl Meter {
    /// Notes what a scan is going to read.
    pub(crate) fn expect(&self, files: u64, bytes: u64) {
        self.files_total.fetch_add(files, Ordering::Relaxed);
        self.bytes_total.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn open(&self, file: &str, bytes: u64) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, open)) = files.seen.get_mut(file) {
            *open += 1;
            return;
        }
        files.seen.insert(file.to_owned(), (bytes, 1));
        files.opened.push(file.to_owned());
    }

    pub(crate) fn close(&self, file: &str) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((bytes, open)) = files.seen.get_mut(file) else { return };
        *open = open.saturating_sub(1);
        if *open == 0 {
            // A large file is read in pieces; the first piece to end counts it as done.
            let bytes = std::mem::take(bytes);
            if bytes > 0 {
                files.done += 1;
                files.bytes_done += bytes;
            }
        }
    }

    pub(crate) fn read(&self, bytes: u64) {
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn rows(&self, rows: u64) {
        self.rows_out.fetch_add(rows, Ordering::Relaxed);
    }

    /// The files opened so far, the newest first.
    pub(crate) fn opened(&self) -> Vec<String> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.opened.iter().rev().cloned().collect()
    }

    pub(crate) fn now(&self) -> ProgressNow {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        ProgressNow {
            files_done: files.done,
            files_total: self.files_total.load(Ordering::Relaxed),
            bytes_done: files.bytes_done,
            bytes_total: self.bytes_total.load(Ordering::Relaxed),
            bytes_read: self.bytes_read.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            rows_out: self.rows_out.load(Ordering::Relaxed),
        }
    }
}

/// How far a question is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgressNow {
    /// Files read to the end, or as far as they were needed.
    pub files_done: u64,
    /// Files that may have to be read.
    pub files_total: u64,
    /// Size of what the files done hold, counting row groups that had to be looked at. Compare it
    /// with `bytes_total`: columns that were not needed were not read.
    pub bytes_done: u64,
    /// Size of all row groups that have to be looked at.
    pub bytes_total: u64,
    /// Bytes really read, footers included.
    pub bytes_read: u64,
    /// Reads sent to the store.
    pub requests: u64,
    /// Rows answered.
    pub rows_out: u64,
}

/// A handle to watch a question with.
#[derive(Clone, Debug)]
pub struct Progress(pub(crate) Arc<Meter>);

impl Progress {
    /// How far it is now.
    pub fn now(&self) -> ProgressNow {
        self.0.now()
    }
}

/// A handle to give a question up with.
#[derive(Clone, Debug)]
pub struct Canceller {
    pub(crate) handle: AbortHandle,
    pub(crate) cancelled: Arc<AtomicBool>,
}

impl Canceller {
    /// Gives the question up: the answer ends with [`super::QueryError::Cancelled`].
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        self.handle.abort();
    }
}

impl ProgressNow {
    /// How far two questions are together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            files_done: self.files_done.saturating_add(other.files_done),
            files_total: self.files_total.saturating_add(other.files_total),
            bytes_done: self.bytes_done.saturating_add(other.bytes_done),
            bytes_total: self.bytes_total.saturating_add(other.bytes_total),
            bytes_read: self.bytes_read.saturating_add(other.bytes_read),
            requests: self.requests.saturating_add(other.requests),
            rows_out: self.rows_out.saturating_add(other.rows_out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_read_in_pieces_counts_once() {
        let meter = Meter::default();
        meter.expect(2, 30);
        meter.open("a", 10);
        meter.open("a", 10);
        meter.close("a");
        assert_eq!(meter.now().files_done, 0);
        meter.close("a");
        meter.open("a", 10);
        meter.close("a");
        let now = meter.now();
        assert_eq!((now.files_done, now.bytes_done, now.files_total), (1, 10, 2));
    }
}
