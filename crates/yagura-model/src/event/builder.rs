//! Putting a batch together: JSON records as they stand, records of text logs field by field.
//! Where records begin and end in an object is the decoder's business.

use std::ops::Range;
use std::sync::Arc;

use super::batch::{EventBatch, Origin, Record, RecordEntry};
use super::fault::{JsonFault, JsonFaultKind};
use super::index::index;
use super::node::{Kind, Node};
use super::scan::skip_space;
use super::value::Value;

/// How many member names are remembered to be shared by the records of a batch.
const NAMES_MAX: usize = 1024;

/// Collects records into an [`EventBatch`].
#[derive(Debug, Default)]
pub struct BatchBuilder {
    batch: EventBatch,
    /// Where the member names of text logs lie in the batch's text, in the order of a record.
    names: Vec<(u32, u32)>,
    /// Which of `names` the next field is likely to have.
    name_next: usize,
    /// Arrays and objects of the composed record that are not closed yet.
    open: Vec<usize>,
    /// Context of the records to come: index + 1, or zero.
    context: u32,
    /// When the next record was logged, as its envelope says.
    timestamp: Option<String>,
    ordinal: u64,
    /// The composed record in the making: start and end of its raw text, its first node.
    composed: Option<(u32, u32, u32)>,
    /// What the indexer keeps of open arrays and objects; its memory serves record after record.
    unclosed: Vec<(usize, bool)>,
}

impl BatchBuilder {
    /// An empty batch of an object.
    pub fn new(origin: Arc<Origin>) -> Self {
        Self { batch: EventBatch { origin, ..EventBatch::default() }, ..Self::default() }
    }

    /// Puts what comes into the memory of a batch that nobody needs any more: fresh memory costs
    /// more than what is written into it. Nothing changes where records are in the builder.
    pub fn reuse(&mut self, spare: EventBatch) {
        let untouched = self.batch.text.is_empty() && self.batch.nodes.is_empty();
        if !untouched || self.batch.text.capacity() >= spare.text.capacity() {
            return;
        }
        let EventBatch { mut text, mut nodes, mut records, .. } = spare;
        text.clear();
        nodes.clear();
        records.clear();
        (self.batch.text, self.batch.nodes, self.batch.records) = (text, nodes, records);
    }

    /// Adds one JSON record; white space around it is not kept.
    ///
    /// # Errors
    /// When it is not exactly one JSON value; the batch is as before.
    pub fn push_json(&mut self, record: &[u8]) -> Result<(), JsonFault> {
        let taken = self.push_json_prefix(record, true)?;
        let rest = skip_space(record, taken);
        if rest < record.len() {
            self.discard_last();
            return Err(JsonFault { offset: rest, kind: JsonFaultKind::TrailingText });
        }
        Ok(())
    }

    /// Adds the JSON value at the beginning of `text` as a record and answers how many bytes it
    /// took, white space before it included. `last` says that nothing follows `text`.
    ///
    /// # Errors
    /// When there is no valid value, with [`JsonFaultKind::Incomplete`] when more text might
    /// complete it; the batch is as before.
    pub fn push_json_prefix(&mut self, text: &[u8], last: bool) -> Result<usize, JsonFault> {
        let space = skip_space(text, 0);
        let fault = |offset, kind| JsonFault { offset: space + offset, kind };
        let base = self.text_end().ok_or_else(|| fault(0, JsonFaultKind::BatchFull))?;
        let node = self.node_end().ok_or_else(|| fault(0, JsonFaultKind::BatchFull))?;
        let value = text.get(space..).unwrap_or_default();
        let raw = index(value, base, &mut self.batch.nodes, &mut self.unclosed)
            .map_err(|error| fault(error.offset, error.kind))?;
        let end = space + raw.len();
        let open_ended = matches!(value.first(), Some(b'-' | b'0'..=b'9'));
        if open_ended && end == text.len() && !last {
            self.batch.nodes.truncate(node as usize);
            return Err(fault(raw.len(), JsonFaultKind::Incomplete));
        }
        self.batch.text.push_str(raw);
        // `index` has checked that base + length fits.
        self.end_entry(node, base, base.saturating_add(raw.len() as u32));
        Ok(end)
    }

    /// Replaces the last record by a value inside it: what an envelope holds. It gets the context
    /// that is set now. Nothing changes when `inner` answers nothing.
    pub fn narrow_last(&mut self, inner: impl FnOnce(Value<'_>) -> Option<Value<'_>>) -> bool {
        let Some(last) = self.last() else { return false };
        let Some(value) = inner(last.root()) else { return false };
        let (node, start, end) = value.place();
        if let Some(entry) = self.batch.records.last_mut() {
            (entry.node, entry.start, entry.end) = (node, start, end);
            entry.context = self.context;
        }
        true
    }

    /// Takes the last record out again, as if it had not been added.
    pub fn discard_last(&mut self) {
        if let Some(entry) = self.batch.records.pop() {
            self.batch.nodes.truncate(entry.node as usize);
            self.batch.text.truncate(entry.start as usize);
            self.names.retain(|&(_, end)| end <= entry.start);
            self.ordinal = self.ordinal.saturating_sub(1);
        }
    }

    /// The record that was added last.
    pub fn last(&self) -> Option<Record<'_>> {
        self.batch.record(self.batch.len().checked_sub(1)?)
    }

    /// Begins a record of a text log; `raw` is the record as it stands there.
    pub fn begin_record(&mut self, raw: &str) {
        self.abandon_record();
        let (Some(start), Some(node)) = (self.text_end(), self.node_end()) else { return };
        let Some(end) = u32::try_from(raw.len()).ok().and_then(|len| start.checked_add(len)) else {
            return;
        };
        self.batch.text.push_str(raw);
        self.composed = Some((start, end, node));
        self.name_next = 0;
        self.open_container(Kind::Object, start, end);
    }

    /// Adds a member of the record or the innermost object: the part `place` of its raw text.
    pub fn field_at(&mut self, name: &str, place: Range<usize>) {
        let Some((start, end, _)) = self.composed else { return };
        let at = |offset: usize| {
            let offset = u32::try_from(offset).unwrap_or(u32::MAX);
            start.saturating_add(offset).min(end)
        };
        self.name(name);
        self.composed_node(Kind::String, (at(place.start), at(place.end)));
    }

    /// Adds a member of the record or the innermost object: a string that does not stand in the
    /// raw text as it is (quotes doubled, escapes, …).
    pub fn field(&mut self, name: &str, value: &str) {
        self.name(name);
        self.item(value);
    }

    /// Adds a member without a value: the log's mark for it stood there.
    pub fn null_field(&mut self, name: &str) {
        self.name(name);
        self.composed_node(Kind::Null, (0, 0));
    }

    /// Begins an object as a member of the record or the innermost object.
    pub fn begin_object(&mut self, name: &str) {
        self.name(name);
        self.open_container(Kind::Object, 0, 0);
    }

    /// Begins an array as a member of the record or the innermost object.
    pub fn begin_array(&mut self, name: &str) {
        self.name(name);
        self.open_container(Kind::Array, 0, 0);
    }

    /// Adds a string to the innermost array.
    pub fn item(&mut self, value: &str) {
        let place = self.append(value);
        self.composed_node(Kind::String, place);
    }

    /// Ends the innermost object or array that was begun.
    pub fn end_container(&mut self) {
        // The record itself stays open until it ends.
        if self.open.len() > 1 {
            self.close();
        }
    }

    /// Ends the record of a text log.
    pub fn end_record(&mut self) {
        while !self.open.is_empty() {
            self.close();
        }
        if let Some((start, end, node)) = self.composed.take() {
            self.end_entry(node, start, end);
        }
    }

    /// Drops the record that was begun and not ended.
    pub fn abandon_record(&mut self) {
        self.open.clear();
        if let Some((start, _, node)) = self.composed.take() {
            self.batch.nodes.truncate(node as usize);
            self.batch.text.truncate(start as usize);
            // Names that were written after the record's text are gone with it.
            self.names.retain(|&(_, end)| end <= start);
        }
    }

    /// What the envelope tells of the records to come; they answer it as
    /// [`Record::key_field`].
    pub fn set_context(&mut self, fields: Option<Arc<[(String, String)]>>) {
        self.context = match fields {
            None => 0,
            Some(fields) => {
                if self.batch.contexts.last() != Some(&fields) {
                    self.batch.contexts.push(fields);
                }
                u32::try_from(self.batch.contexts.len()).unwrap_or(0)
            }
        };
    }

    /// When the next record was logged, as its envelope writes it; the record answers it as
    /// `key_field("timestamp")`.
    pub fn set_timestamp(&mut self, timestamp: Option<String>) {
        self.timestamp = timestamp;
    }

    /// Counts a record that is not in the batch because it is bad.
    pub fn skip_ordinal(&mut self) {
        self.ordinal += 1;
    }

    /// The batch as it is now.
    pub fn batch(&self) -> &EventBatch {
        &self.batch
    }

    /// Bytes of text and index that are in use.
    pub fn bytes_used(&self) -> usize {
        self.batch.text.len() + self.batch.nodes.len() * size_of::<Node>()
    }

    /// Hands the batch out and begins the next of the same object; context and count go on.
    pub fn finish(&mut self) -> EventBatch {
        self.abandon_record();
        self.names.clear();
        let context = (self.context as usize)
            .checked_sub(1)
            .and_then(|index| self.batch.contexts.get(index).cloned());
        let origin = Arc::clone(&self.batch.origin);
        let next = EventBatch { origin, ..EventBatch::default() };
        let batch = std::mem::replace(&mut self.batch, next);
        self.set_context(context);
        batch
    }

    /// Empties the batch and keeps its memory: for a builder that only looks things up.
    pub fn clear(&mut self) {
        self.abandon_record();
        self.names.clear();
        self.batch.text.clear();
        self.batch.nodes.clear();
        self.batch.records.clear();
        self.batch.contexts.clear();
        self.context = 0;
        self.timestamp = None;
    }

    fn text_end(&self) -> Option<u32> {
        u32::try_from(self.batch.text.len()).ok()
    }

    fn node_end(&self) -> Option<u32> {
        u32::try_from(self.batch.nodes.len()).ok()
    }

    fn end_entry(&mut self, node: u32, start: u32, end: u32) {
        let stamp = match self.timestamp.take() {
            None => (0, 0),
            Some(timestamp) => self.append(&timestamp),
        };
        let (context, ordinal) = (self.context, self.ordinal);
        self.ordinal += 1;
        self.batch.records.push(RecordEntry { node, start, end, context, stamp, ordinal });
    }

    fn composed_node(&mut self, kind: Kind, (start, end): (u32, u32)) {
        let Some(at) = self.node_end().filter(|_| self.composed.is_some()) else { return };
        let mut node = Node::new(kind, start, end, at.saturating_add(1));
        node.composed = true;
        self.batch.nodes.push(node);
    }

    fn open_container(&mut self, kind: Kind, start: u32, end: u32) {
        if self.composed.is_some() {
            self.open.push(self.batch.nodes.len());
            self.composed_node(kind, (start, end));
        }
    }

    fn close(&mut self) {
        let next = self.node_end().unwrap_or(u32::MAX);
        if let Some(node) = self.open.pop().and_then(|at| self.batch.nodes.get_mut(at)) {
            node.next = next;
        }
    }

    /// Adds the name of a member. Records of a text log have the same names in the same order,
    /// so a batch holds each name once and mostly finds it at once.
    fn name(&mut self, name: &str) {
        let same = |&(start, end): &(u32, u32)| self.batch.slice(start, end) == name;
        let likely = self.names.get(self.name_next).filter(|place| same(place));
        let known = match likely {
            Some(_) => Some(self.name_next),
            None => self.names.iter().position(same),
        };
        let at = known.unwrap_or_else(|| {
            let place = self.append(name);
            self.names.push(place);
            self.names.len() - 1
        });
        let place = self.names.get(at).copied().unwrap_or_default();
        // Sources with ever new names (syslog's structured data) must not make this list long.
        if self.names.len() > NAMES_MAX {
            self.names.clear();
        }
        self.name_next = at + 1;
        self.composed_node(Kind::String, place);
    }

    fn append(&mut self, text: &str) -> (u32, u32) {
        let start = self.text_end().unwrap_or(u32::MAX);
        self.batch.text.push_str(text);
        (start, self.text_end().unwrap_or(u32::MAX))
    }
}
