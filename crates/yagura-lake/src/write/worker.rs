//! A worker: takes the records of one log object after the other, keeps rows until its share of
//! memory is full, and stages files. One per thread; it computes and blocks.
//! What is committed together is gathered in `ingestion.rs`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use yagura_model::LogObject;
use yagura_model::event::EventBatch;
use yagura_model::source::Table;

use crate::LakeError;
use crate::layout::encoding::{Effort, ROW_GROUP_ROWS};
use crate::layout::partition::partition_path;
use crate::layout::table::LIKENESS;
use crate::manifest::{ObjectReceipt, QuarantineFile};
use crate::rows::buffer::{Newcomer, Place, RefusedRecord, RowBuffer, ranks_of};
use crate::rows::refused::RefusedReason;
use crate::seen::{Hour, Names};
use crate::write::StagedFile;
use crate::write::encode::FileEncoder;
use crate::write::ingestion::{LateName, Shared};
use crate::write::object::ObjectInMaking;
use crate::write::quarantine::{Piece, Pieces, StagedPieces, quarantine_path};
use crate::write::resolve::{Drops, rewrite};

/// A record may be so much ahead of now: clocks differ, and some logs are dated by their end.
const AHEAD_US: i64 = 24 * 3_600_000_000;
/// Rows that are put in order and encoded at a time.
const CHUNK_ROWS: usize = 4096;
/// Hours whose committed names a worker keeps at hand.
const HOURS_AT_HAND: usize = 8;
/// Bytes of pieces that a worker keeps before it stages them.
const PIECES_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What became of the records of one batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Records that are rows now. Some may still turn out to be repeats of what another worker
    /// finishes first; the object's receipt tells.
    pub rows: u64,
    /// Records that the lake or the object had already.
    pub repeats: u64,
    /// Records that went to quarantine.
    pub refused: Vec<Refused>,
}

/// A record that went to quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its place in its object, from zero.
    pub ordinal: u64,
    /// Why.
    pub reason: RefusedReason,
}

/// A worker of an [`Ingestion`](crate::Ingestion).
///
/// It must be closed before the ingestion is committed, and used outside of async tasks: it
/// waits for the store.
#[derive(Debug)]
pub struct Worker {
    shared: Arc<Shared>,
    tables: HashMap<String, TableRows>,
    object: Option<ObjectInMaking>,
    /// Pieces of finished objects.
    pieces: Pieces,
    closed: bool,
}

/// Rows of one table.
#[derive(Debug)]
struct TableRows {
    buffer: RowBuffer,
    /// So many of the rows in order belong to finished objects.
    finished: usize,
    at_hand: Vec<((u32, u32), Arc<Names>)>,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            tables: HashMap::new(),
            object: None,
            pieces: Pieces::default(),
            closed: false,
        }
    }

    /// Begins an object. One that was begun and not finished is abandoned.
    pub fn begin_object(&mut self, object: &LogObject, source: &str) {
        self.abandon_object();
        self.object = Some(ObjectInMaking::new(object, source));
    }

    /// Adds the records of a batch. Those that have no plausible time go to quarantine.
    /// `now` bounds how far ahead a record may be.
    ///
    /// # Errors
    /// [`LakeError::Request`] without a begun object or for a table that the lake does not know;
    /// [`LakeError::Read`] or [`LakeError::Write`] where the store fails: abandon the object then.
    pub fn append(
        &mut self,
        table: &Table,
        batch: &EventBatch,
        now: jiff::Timestamp,
    ) -> Result<Appended, LakeError> {
        let shared = Arc::clone(&self.shared);
        let layout = shared.lake.layout(&table.source)?;
        let object = self.object.as_mut().ok_or_else(no_object)?;
        if object.source != table.source {
            let what =
                format!("the object was begun as `{}`, not `{}`", object.source, table.source);
            return Err(LakeError::Request(what));
        }
        let rows = self.tables.entry(table.source.clone()).or_insert_with(|| TableRows {
            buffer: RowBuffer::new(layout, shared.lake.seen().hasher.clone()),
            finished: 0,
            at_hand: Vec::new(),
        });
        let before = rows.buffer.order.len();
        let mut repeats = 0;
        let TableRows { buffer, at_hand, .. } = rows;
        let latest_us = now.as_microsecond().saturating_add(AHEAD_US);
        let put_aside = buffer.append(batch, latest_us, &mut |buffer, newcomer| {
            let Some(name) = newcomer.name else { return Ok(true) };
            let is_new = !committed(&shared, buffer, at_hand, newcomer)?.contains(&name)
                && object.add_name(newcomer, name);
            repeats += u64::from(!is_new);
            Ok(is_new)
        })?;
        let added = (buffer.order.len() - before) as u64;
        object.rows += added;
        object.repeats += repeats;
        let mut refused = Vec::with_capacity(put_aside.len());
        for RefusedRecord { ordinal, reason, raw } in put_aside {
            let reason_name = reason.name().to_owned();
            object.quarantine(Piece { reason: reason_name, offset: ordinal, bytes: raw });
            refused.push(Refused { ordinal, reason });
        }
        self.relieve()?;
        Ok(Appended { rows: added, repeats, refused })
    }

    /// Puts a piece of the object aside that is no record.
    ///
    /// # Errors
    /// [`LakeError::Request`] without a begun object; [`LakeError::Write`] where the store fails.
    pub fn quarantine(&mut self, piece: Piece) -> Result<(), LakeError> {
        self.object.as_mut().ok_or_else(no_object)?.quarantine(piece);
        self.relieve()
    }

    /// Ends the object: from here on its rows are part of what will be committed.
    ///
    /// # Errors
    /// [`LakeError::Request`] without a begun object; [`LakeError::Write`] where the store fails:
    /// the object is then abandoned.
    pub fn finish_object(&mut self) -> Result<ObjectReceipt, LakeError> {
        let mut object = self.object.take().ok_or_else(no_object)?;
        let shared = Arc::clone(&self.shared);
        if let Some(rows) = self.tables.get_mut(&object.source) {
            let late = shared.claim(&object, &rows.buffer);
            // From here on others have dropped repeats of this object: without it, what is
            // committed would lack them.
            rows.drop_late(&shared, &mut object, &late).inspect_err(|error| shared.fail(error))?;
            rows.finished = rows.buffer.order.len();
        }
        let receipt = object.receipt();
        self.pieces.append(&mut object.pieces);
        shared.finish(object, receipt.clone());
        self.relieve()?;
        Ok(receipt)
    }

    /// Forgets the object: nothing of it will be committed.
    pub fn abandon_object(&mut self) {
        // What it staged lies in the writer's folder and goes with that.
        let Some(object) = self.object.take() else { return };
        if let Some(rows) = self.tables.get_mut(&object.source) {
            rows.buffer.order.truncate(rows.finished);
        }
    }

    /// Stages what is left. An object that was not finished is abandoned.
    ///
    /// # Errors
    /// [`LakeError::Write`] where the store fails; the ingestion cannot be committed then.
    pub fn close(mut self) -> Result<(), LakeError> {
        self.abandon_object();
        self.flush_rows()?;
        self.flush_pieces()?;
        self.closed = true;
        Ok(())
    }

    /// Stages files where memory is full: between two objects early, so that files hold whole
    /// objects; within one only when it must be.
    fn relieve(&mut self) -> Result<(), LakeError> {
        let bytes: usize = self.tables.values().map(|rows| rows.buffer.bytes()).sum();
        let share = self.shared.share_bytes;
        if bytes >= share || (self.object.is_none() && bytes >= share / 4 * 3) {
            self.flush_rows()?;
        }
        let pieces = self.object.as_ref().map_or(0, |object| object.pieces.bytes());
        if self.pieces.bytes() + pieces >= PIECES_BYTES_MAX.min(share) {
            self.flush_pieces()?;
        }
        Ok(())
    }

    fn flush_rows(&mut self) -> Result<(), LakeError> {
        for rows in self.tables.values_mut() {
            let object = self.object.as_mut();
            rows.flush(&self.shared, object).inspect_err(|error| self.shared.fail(error))?;
        }
        Ok(())
    }

    fn flush_pieces(&mut self) -> Result<(), LakeError> {
        let finished = stage_pieces(&self.shared, &mut self.pieces)
            .inspect_err(|error| self.shared.fail(error))?;
        self.shared.made().piece_files.extend(finished);
        if let Some(object) = &mut self.object {
            let own = stage_pieces(&self.shared, &mut object.pieces)?;
            object.piece_files.extend(own);
        }
        Ok(())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.abandon_object();
        let waits = self.tables.values().any(|rows| rows.finished > 0) || self.pieces.bytes() > 0;
        if !self.closed && waits {
            self.shared.fail(&LakeError::Worker);
        }
        self.shared.leave();
    }
}

impl TableRows {
    /// Takes rows out that another object brought first, also out of files staged already.
    fn drop_late(
        &mut self,
        shared: &Shared,
        object: &mut ObjectInMaking,
        late: &[LateName],
    ) -> Result<(), LakeError> {
        if late.is_empty() {
            return Ok(());
        }
        let taken = self.buffer.taken();
        let waiting: HashSet<u64> =
            late.iter().map(|late| late.row).filter(|row| *row >= taken).collect();
        let mut at = 0;
        let finished = self.finished;
        self.buffer.order.retain(|place| {
            at += 1;
            at <= finished || !waiting.contains(&(taken + u64::from(place.row)))
        });
        let mut drops = Drops::default();
        for late in late.iter().filter(|late| late.row < taken) {
            drops.names.entry(late.hour.clone()).or_default().insert(late.name);
        }
        if !drops.names.is_empty() {
            let layout = Arc::clone(&self.buffer.layout);
            let files = std::mem::take(&mut object.files);
            let kept = rewrite(&shared.lake, &shared.staging, &layout, files, &drops);
            object.files = shared.runtime.block_on(kept)?.0;
        }
        object.rows = object.rows.saturating_sub(late.len() as u64);
        object.repeats += late.len() as u64;
        Ok(())
    }

    /// Stages all rows: those of finished objects together, those of the object in the making
    /// by themselves, so that it can still be abandoned.
    fn flush(
        &mut self,
        shared: &Shared,
        object: Option<&mut ObjectInMaking>,
    ) -> Result<(), LakeError> {
        let likeness = self.buffer.likeness();
        let mut finished = std::mem::take(&mut self.buffer.order);
        let making = finished.split_off(self.finished.min(finished.len()));
        self.finished = 0;
        let source = self.buffer.layout.table.source.clone();
        let attempt = || format!("gather rows of `{source}`");
        let rows = self.buffer.take().map_err(|error| LakeError::encode(attempt(), error))?;
        let files = self.stage(shared, (&rows, &likeness), finished)?;
        shared.made().add_files(files);
        if let Some(object) = object.filter(|object| object.source == source) {
            object.files.extend(self.stage(shared, (&rows, &likeness), making)?);
        }
        Ok(())
    }

    /// Stages a file for each partition of the rows.
    fn stage(
        &self,
        shared: &Shared,
        (rows, likeness): (&RecordBatch, &[Vec<u32>; LIKENESS.len()]),
        mut order: Vec<Place>,
    ) -> Result<Vec<StagedFile>, LakeError> {
        order.sort_unstable_by_key(|place| (place.partition, place.time_us, place.row));
        let layout = &self.buffer.layout;
        let mut files = Vec::new();
        for own in order.chunk_by_mut(|a, b| a.partition == b.partition) {
            for group in own.chunks_mut(ROW_GROUP_ROWS) {
                put_together(group, likeness);
            }
            let number = own.first().map_or(0, |place| place.partition);
            let Some(partition) = self.buffer.partition(number) else { continue };
            let ordered = |places: &[Place]| {
                in_order(rows, places).map_err(|error| {
                    LakeError::encode(format!("sort rows of `{}`", layout.table.source), error)
                })
            };
            // Alike rows stand together: only rows from everywhere tell what repeats itself.
            let step = own.len().div_ceil(Effort::Quick.sample_rows()).max(1);
            let sample = ordered(&own.iter().step_by(step).copied().collect::<Vec<_>>())?;
            let mut encoder = FileEncoder::new(layout, &sample, own.len(), Effort::Quick)?;
            for places in own.chunks(CHUNK_ROWS) {
                encoder.write(&ordered(places)?)?;
            }
            let (bytes, facts) = encoder.finish()?;
            let name = shared.staging.file_name();
            let staged = shared.runtime.block_on(shared.staging.put(&name, bytes))?;
            let source = &layout.table.source;
            let folder = partition_path(source, partition.day, &partition.account);
            let path = format!("{folder}/{name}");
            let file = facts.file(layout, path, partition.day, &partition.account);
            files.push(StagedFile { staged, shown: false, file });
        }
        Ok(files)
    }
}

/// Puts rows together that are alike, each kind in the order of time.
fn put_together(places: &mut [Place], likeness: &[Vec<u32>; LIKENESS.len()]) {
    places.sort_unstable_by_key(|place| (ranks_of(place.like, likeness), place.time_us, place.row));
}

/// Rows in their order, without a copy where they stand so already.
fn in_order(rows: &RecordBatch, places: &[Place]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let first = places.first().map_or(0, |place| place.row);
    let stand = places.iter().zip(first..).all(|(place, row)| place.row == row);
    if stand {
        return Ok(rows.slice(first as usize, places.len()));
    }
    take_record_batch(rows, &places.iter().map(|place| place.row).collect::<UInt32Array>())
}

/// The names of committed rows in a newcomer's hour.
fn committed(
    shared: &Shared,
    buffer: &RowBuffer,
    at_hand: &mut Vec<((u32, u32), Arc<Names>)>,
    newcomer: Newcomer,
) -> Result<Arc<Names>, LakeError> {
    let key = (newcomer.partition, newcomer.hour);
    if let Some((_, names)) = at_hand.iter().find(|(own, _)| *own == key) {
        return Ok(Arc::clone(names));
    }
    let Some(hour) = hour(buffer, key) else { return Ok(Arc::default()) };
    let Shared { lake, runtime, base, .. } = shared;
    let names = lake.seen().hour(lake.root(), runtime, &buffer.layout, base, &hour)?;
    if at_hand.len() >= HOURS_AT_HAND {
        at_hand.remove(0);
    }
    at_hand.push((key, Arc::clone(&names)));
    Ok(names)
}

/// An hour of a partition of the buffer.
pub(crate) fn hour(buffer: &RowBuffer, (partition, hour): (u32, u32)) -> Option<Hour> {
    let partition = buffer.partition(partition)?;
    let source = buffer.layout.table.source.as_str().into();
    Some(Hour { source, day: partition.day, account: Arc::clone(&partition.account), hour })
}

fn stage_pieces(shared: &Shared, pieces: &mut Pieces) -> Result<Vec<StagedPieces>, LakeError> {
    let mut staged = Vec::new();
    for (source, count, bytes) in pieces.encode()? {
        let name = shared.staging.file_name();
        let path = quarantine_path(&source, &name);
        let file = QuarantineFile { path, source, pieces: count, bytes: bytes.len() as u64 };
        let at = shared.runtime.block_on(shared.staging.put(&name, bytes))?;
        staged.push(StagedPieces { staged: at, shown: false, file });
    }
    Ok(staged)
}

fn no_object() -> LakeError {
    LakeError::Request("no log object was begun".to_owned())
}
