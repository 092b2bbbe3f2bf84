//! The memory of a batch that its receiver is done with, for the next batch of the same thread.
//! What is in a batch is no business of this.

use std::cell::Cell;

use yagura_model::event::EventBatch;

/// A batch that grew larger than this is not kept: one huge record must not hold memory for good.
const BYTES_MAX: usize = 32 << 20;

thread_local! {
    static SPARE: Cell<Option<EventBatch>> = const { Cell::new(None) };
}

/// Gives a batch back that was handed out: the next one will be in its memory.
pub fn give_back(batch: EventBatch) {
    if batch.bytes_len() <= BYTES_MAX {
        SPARE.set(Some(batch));
    }
}

/// What was given back; without memory where nothing was.
pub(super) fn take() -> EventBatch {
    SPARE.take().unwrap_or_default()
}
