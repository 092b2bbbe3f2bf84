//! Where decoded records and bad pieces go: the batch in the making, and the receiver.
//! Which text is a record is found out elsewhere.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use yagura_model::event::{BatchBuilder, JsonFault, JsonFaultKind, Origin};

use super::limits::{DecodeSummary, Limits};
use super::piece::{BadPiece, BadReason, Decoded};
use super::spare;

/// Why decoding ends before the end of the text.
pub(super) enum Halt {
    /// The receiver wants no more.
    Stopped,
    /// The object cannot be read.
    Read(io::Error),
    /// The copy of a Parquet object cannot be written.
    Spool(io::Error),
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

pub(super) struct Output<'a> {
    pub(super) builder: BatchBuilder,
    pub(super) limits: &'a Limits,
    summary: DecodeSummary,
    /// Where the last bad piece of the text ended.
    bad_end: Option<u64>,
    /// Where the envelope stands whose inside is read: bad pieces in it are told to be there.
    nested_at: Option<u64>,
    sink: &'a mut dyn FnMut(Decoded) -> ControlFlow<()>,
}

impl<'a> Output<'a> {
    pub(super) fn new(
        origin: Arc<Origin>,
        limits: &'a Limits,
        sink: &'a mut dyn FnMut(Decoded) -> ControlFlow<()>,
    ) -> Self {
        let mut builder = BatchBuilder::new(origin);
        builder.reuse(spare::take());
        Self {
            builder,
            limits,
            summary: DecodeSummary::default(),
            bad_end: None,
            nested_at: None,
            sink,
        }
    }

    /// A record is whole in the builder: counts it, and hands the batch out when it is full.
    pub(super) fn added(&mut self) -> Result<(), Halt> {
        if self.builder.bytes_used() < self.limits.batch_bytes {
            return Ok(());
        }
        self.flush()?;
        self.builder.reuse(spare::take());
        Ok(())
    }

    /// Hands out the batch as far as it goes.
    pub(super) fn flush(&mut self) -> Result<(), Halt> {
        if self.builder.batch().is_empty() {
            return Ok(());
        }
        let batch = self.builder.finish();
        self.summary.records += batch.len() as u64;
        self.send(Decoded::Batch(batch))
    }

    /// Hands out a bad piece that stood in a record's place.
    pub(super) fn bad(&mut self, reason: BadReason, offset: u64, bytes: &[u8]) -> Result<(), Halt> {
        let kept = bytes.get(..BadPiece::BYTES_MAX).unwrap_or(bytes).to_vec();
        let length = bytes.len() as u64;
        self.bad_piece(BadPiece { reason, offset, length, bytes: kept, records_lost: Some(1) })
    }

    /// Hands out a bad piece; records before it may still be in the batch in the making.
    pub(super) fn bad_piece(&mut self, mut piece: BadPiece) -> Result<(), Halt> {
        if piece.records_lost == Some(1) {
            self.builder.skip_ordinal();
        }
        if !piece.reason.is_of_storage() {
            self.bad_end = Some(piece.offset + piece.length);
            piece.offset = self.nested_at.unwrap_or(piece.offset);
        }
        self.summary.bad_pieces += 1;
        self.send(Decoded::Bad(piece))
    }

    pub(super) fn ready_batch(
        &mut self,
        batch: yagura_model::event::EventBatch,
    ) -> Result<(), Halt> {
        self.summary.records += batch.len() as u64;
        self.send(Decoded::Batch(batch))
    }

    /// The text of an envelope at `offset` is read from here on; answers what to end it with.
    pub(super) fn begin_nested(&mut self, offset: u64) -> Option<u64> {
        let outer = self.nested_at;
        self.nested_at = outer.or(Some(offset));
        outer
    }

    pub(super) fn end_nested(&mut self, outer: Option<u64>) {
        self.nested_at = outer;
    }

    /// Whether the last bad piece went on to `offset` of the text.
    pub(super) fn is_told_up_to(&self, offset: u64) -> bool {
        self.bad_end == Some(offset)
    }

    pub(super) fn summary(&self) -> DecodeSummary {
        self.summary
    }

    fn send(&mut self, decoded: Decoded) -> Result<(), Halt> {
        match (self.sink)(decoded) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => {
                self.summary.stopped = true;
                Err(Halt::Stopped)
            }
        }
    }
}

/// The reason to tell for a text that is not JSON.
pub(super) fn reason_of(fault: &JsonFault) -> BadReason {
    match fault.kind {
        JsonFaultKind::Incomplete => BadReason::TruncatedRecord,
        JsonFaultKind::InvalidUtf8 => BadReason::InvalidUtf8,
        JsonFaultKind::TooManyValues | JsonFaultKind::BatchFull => BadReason::RecordTooLarge,
        JsonFaultKind::Unexpected
        | JsonFaultKind::TrailingText
        | JsonFaultKind::ControlCharacter
        | JsonFaultKind::InvalidEscape
        | JsonFaultKind::TooDeep => BadReason::MalformedJson,
    }
}
