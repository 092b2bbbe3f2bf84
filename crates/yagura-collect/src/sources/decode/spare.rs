//! The memory of what a thread is done with, for the next of the same thread: fresh memory costs
//! more than what is written into it. What was in it is no business of this.

use std::cell::Cell;

use yagura_model::event::EventBatch;

/// A batch that grew larger than this is not kept: one huge record must not hold memory for good.
const BATCH_BYTES_MAX: usize = 32 << 20;

/// The same of bytes: CloudTrail's own objects stay below it.
const BYTES_MAX: usize = 8 << 20;

/// Of each object there are its beginning, all of it, and its text.
const BYTES_KEPT: usize = 3;

thread_local! {
    static BATCH: Cell<Option<EventBatch>> = const { Cell::new(None) };
    static BYTES: Cell<Vec<Vec<u8>>> = const { Cell::new(Vec::new()) };
}

/// Gives a batch back that was handed out: the next one will be in its memory.
pub fn give_back(batch: EventBatch) {
    if batch.bytes_len() <= BATCH_BYTES_MAX {
        BATCH.set(Some(batch));
    }
}

/// What was given back; without memory where nothing was.
pub(super) fn take() -> EventBatch {
    BATCH.take().unwrap_or_default()
}

/// Gives bytes back that nobody needs any more.
pub fn give_bytes(bytes: Vec<u8>) {
    let mut kept = BYTES.take();
    if bytes.capacity() <= BYTES_MAX && kept.len() < BYTES_KEPT {
        kept.push(bytes);
    }
    BYTES.set(kept);
}

/// Room for so many bytes, empty: of what was given back the smallest that suffices, else the
/// largest.
pub(super) fn room_for(count: usize) -> Vec<u8> {
    let mut bytes = take_for(count);
    bytes.clear();
    bytes.reserve(count);
    bytes
}

/// So many bytes to be written over: whatever was in them is left there, zeros where they are new.
pub(super) fn to_write_over(count: usize) -> Vec<u8> {
    let mut bytes = take_for(count);
    bytes.resize(count, 0);
    bytes
}

fn take_for(count: usize) -> Vec<u8> {
    let mut kept = BYTES.take();
    let fits = |bytes: &Vec<u8>| bytes.capacity() >= count;
    let order = |bytes: &Vec<u8>| (!fits(bytes), bytes.capacity().abs_diff(count));
    let best = kept.iter().enumerate().min_by_key(|(_, bytes)| order(bytes)).map(|(at, _)| at);
    let bytes = best.map(|at| kept.swap_remove(at)).unwrap_or_default();
    BYTES.set(kept);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_best_is_used_again() {
        for capacity in [100, 10_000, 1_000] {
            give_bytes(Vec::with_capacity(capacity));
        }
        give_bytes(Vec::with_capacity(500));
        assert!((1_000..10_000).contains(&room_for(600).capacity()), "a fourth is not kept");
        assert!(room_for(20_000).capacity() >= 20_000, "the largest grows");
        let bytes = to_write_over(50);
        assert_eq!((bytes.len(), bytes.capacity() >= 100), (50, true));
        give_bytes(Vec::with_capacity(BYTES_MAX + 1));
        assert_eq!(room_for(0).capacity(), 0, "too large to be kept");
    }
}
