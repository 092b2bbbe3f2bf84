//! The reader that every object goes through: it counts, takes a digest, and ends on cancel.
//! What the bytes mean is the decoder's business.

use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

/// What was read so far; shared, because a decoder takes the reader and keeps it.
#[derive(Clone, Default)]
pub(in crate::sources) struct Seen {
    digest: Arc<Mutex<Sha256>>,
    ended: Arc<Mutex<bool>>,
}

impl Seen {
    /// SHA-256 of all bytes; nothing where the end was not reached.
    pub(super) fn digest(&self) -> Option<Vec<u8>> {
        let ended = *self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = self.digest.lock().unwrap_or_else(PoisonError::into_inner);
        ended.then(|| digest.clone().finalize().to_vec())
    }
}

/// Reads an object.
pub(in crate::sources) struct ObjectReader<'a> {
    inner: Box<dyn Read + Send + 'a>,
    /// Takes the digest; none where nobody asks for it.
    seen: Option<Seen>,
    total: &'a AtomicU64,
    cancel: &'a CancellationToken,
}

/// The error of a reader that was told to end.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(in crate::sources) struct Interrupted;

impl<'a> ObjectReader<'a> {
    pub(in crate::sources) fn new(
        inner: Box<dyn Read + Send + 'a>,
        seen: Option<Seen>,
        total: &'a AtomicU64,
        cancel: &'a CancellationToken,
    ) -> Self {
        Self { inner, seen, total, cancel }
    }
}

impl Read for ObjectReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(std::io::Error::other(Interrupted));
        }
        let read = self.inner.read(buffer)?;
        if let Some(seen) = &self.seen {
            if read == 0 && !buffer.is_empty() {
                *seen.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
            }
            let bytes = buffer.get(..read).unwrap_or_default();
            seen.digest.lock().unwrap_or_else(PoisonError::into_inner).update(bytes);
        }
        self.total.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
