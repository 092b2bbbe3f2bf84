//! Log files that digests list, read and hashed many at once within a bound on memory.
//! Which files those are is noted in `group`.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream;
use tokio::sync::Semaphore;
use yagura_analyze::trail::{Reason, Verdict};

use super::{Archive, ObjectKind, ObjectVerdict, ReadFault, Session, Whole, inflate};

/// Memory is shared out in pieces of this size.
const PIECE_BYTES: usize = 64 << 10;
/// What is kept free for a file whose size nobody told. Larger ones wait for the whole room.
const PIECES_AT_FIRST: u32 = 64;
/// CloudTrail's files are some megabytes at most.
const STORED_BYTES_MAX: usize = 512 << 20;

/// The pieces in so many bytes.
pub(super) fn permits(bytes: usize) -> usize {
    (bytes / PIECE_BYTES).clamp(1, Semaphore::MAX_PERMITS)
}

/// A log file to look at.
pub(super) struct Job {
    pub(super) location: String,
    /// Where it is in the archive; none where it is not in it.
    pub(super) key: Option<String>,
    /// The hash that the digest lists, in lower-case hex.
    pub(super) sha256: String,
    /// The digest.
    pub(super) digest: String,
    /// What follows from a digest that is not proven, whatever the hash.
    pub(super) unproven: Option<(Verdict, Reason)>,
}

/// Looks at all of them.
pub(super) async fn run(session: &mut Session, jobs: &mut Vec<Job>) {
    let archive = session.archive.clone();
    let memory = session.memory.clone();
    let room = u32::try_from(permits(session.options.memory_bytes_max)).unwrap_or(u32::MAX);
    let mut verdicts = stream::iter(std::mem::take(jobs))
        .map(|job| look(archive.clone(), memory.clone(), room, job))
        .buffer_unordered(session.options.concurrency.max(1));
    while let Some((verdict, read_bytes)) = verdicts.next().await {
        session.summary.read_bytes += read_bytes;
        session.tell(verdict).await;
    }
}

async fn look(
    archive: Arc<dyn Archive>,
    memory: Arc<Semaphore>,
    room: u32,
    job: Job,
) -> (ObjectVerdict, u64) {
    let (mut read_bytes, mut detail) = (0, String::new());
    let found = match &job.key {
        None => Err((Verdict::Pending, Reason::Elsewhere)),
        Some(key) => match read(&*archive, &memory, room, key).await {
            Ok(Some((whole, permit))) => {
                read_bytes = u64::try_from(whole.body.len()).unwrap_or(u64::MAX);
                let hash = tokio::task::spawn_blocking(move || {
                    let hash = inflate::hash(&whole.body, &mut std::io::sink());
                    drop((whole, permit));
                    hash
                });
                match hash.await {
                    Ok(Ok(hash)) => Ok(hash),
                    Ok(Err(reason)) => Err((Verdict::HashMismatch, reason)),
                    Err(_) => Err((Verdict::Pending, Reason::Unread)),
                }
            }
            Ok(None) => Err((Verdict::Missing, Reason::NotThere)),
            Err(fault) if fault.too_large => Err((Verdict::HashMismatch, Reason::TooLarge)),
            Err(fault) => {
                detail = fault.detail;
                Err((Verdict::Pending, Reason::Unread))
            }
        },
    };
    let (verdict, reason) = match (found, job.unproven) {
        (Ok(hash), _) if hash != job.sha256 => (Verdict::HashMismatch, Reason::HashWrong),
        (Ok(_), None) => (Verdict::Verified, Reason::ListedHash),
        (Ok(_), Some(unproven)) => unproven,
        (Err(other), _) => other,
    };
    let verdict = ObjectVerdict {
        location: job.location,
        kind: ObjectKind::Log,
        verdict,
        reason,
        detail,
        digest: Some(job.digest),
    };
    (verdict, read_bytes)
}

/// Reads a file with room kept free for it: a usual one with little, a large one alone.
async fn read(
    archive: &dyn Archive,
    memory: &Arc<Semaphore>,
    room: u32,
    key: &str,
) -> Result<Option<(Whole, tokio::sync::OwnedSemaphorePermit)>, ReadFault> {
    let closed = |_| ReadFault {
        reason: yagura_model::UnreadReason::Interrupted,
        detail: String::new(),
        too_large: false,
    };
    let first = PIECES_AT_FIRST.min(room);
    let small = usize::try_from(first).unwrap_or(1) * PIECE_BYTES;
    let permit = Arc::clone(memory).acquire_many_owned(first).await.map_err(closed)?;
    match archive.read(key, small).await {
        Err(fault) if fault.too_large => drop(permit),
        other => return other.map(|whole| whole.map(|whole| (whole, permit))),
    }
    let permit = Arc::clone(memory).acquire_many_owned(room).await.map_err(closed)?;
    let whole = archive.read(key, STORED_BYTES_MAX).await?;
    Ok(whole.map(|whole| (whole, permit)))
}
