//! The batch: text, nodes and records of up to a few megabytes of one object.
//! How a batch comes to be lives in `builder`; reading values in `value`.

use std::sync::Arc;

use super::node::Node;
use super::value::Value;

/// Where a batch came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Location of the log object: `s3://bucket/key` or a file's path.
    pub object: Arc<str>,
    /// What the object's key tells: named parts of the source's key pattern (`account`,
    /// `region`, …). Ask [`Record::key_field`], which also knows what an envelope tells.
    pub key_fields: Vec<(String, String)>,
}

/// Records of one object: their text and one parsed index over it.
#[derive(Clone, Debug, Default)]
pub struct EventBatch {
    pub(crate) text: String,
    pub(crate) nodes: Vec<Node>,
    pub(crate) records: Vec<RecordEntry>,
    pub(crate) origin: Arc<Origin>,
    /// What envelopes tell of the records inside them; a record names its context by index + 1.
    pub(crate) contexts: Vec<Arc<[(String, String)]>>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordEntry {
    pub(crate) node: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Zero: no context of its own.
    pub(crate) context: u32,
    /// Where the time stands that its envelope tells; empty: it tells none.
    pub(crate) stamp: (u32, u32),
    pub(crate) ordinal: u64,
}

impl EventBatch {
    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The record at `index`, counted from zero within this batch.
    pub fn record(&self, index: usize) -> Option<Record<'_>> {
        self.records.get(index).map(|entry| Record { batch: self, entry })
    }

    /// The records in their order.
    pub fn iter(&self) -> Records<'_> {
        Records { batch: self, entries: self.records.iter() }
    }

    /// Keeps the records that are wanted; their text stays.
    pub fn retain(&mut self, mut wanted: impl FnMut(Record<'_>) -> bool) {
        let mut records = std::mem::take(&mut self.records);
        records.retain(|entry| wanted(Record { batch: &*self, entry }));
        self.records = records;
    }

    /// Bytes of memory this batch holds, text and index together.
    pub fn bytes_len(&self) -> usize {
        self.text.capacity()
            + self.nodes.capacity() * size_of::<Node>()
            + self.records.capacity() * size_of::<RecordEntry>()
    }

    /// Bytes of text: the records as they were read.
    pub fn text_len(&self) -> usize {
        self.text.len()
    }

    /// The text that all records and their values lie in.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text alone, without a copy, for whoever has read what it wanted of the index.
    pub fn into_text(self) -> String {
        self.text
    }

    /// Where the batch came from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The same, to be shared with further batches.
    pub fn shared_origin(&self) -> Arc<Origin> {
        Arc::clone(&self.origin)
    }

    pub(crate) fn slice(&self, start: u32, end: u32) -> &str {
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }
}

impl<'a> IntoIterator for &'a EventBatch {
    type Item = Record<'a>;
    type IntoIter = Records<'a>;

    fn into_iter(self) -> Records<'a> {
        self.iter()
    }
}

/// The records of a batch in their order.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    batch: &'a EventBatch,
    entries: std::slice::Iter<'a, RecordEntry>,
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let entry = self.entries.next()?;
        Some(Record { batch: self.batch, entry })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl ExactSizeIterator for Records<'_> {}

/// One record of a log.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    batch: &'a EventBatch,
    entry: &'a RecordEntry,
}

impl<'a> Record<'a> {
    /// The record as it stands in the log: byte for byte, without the envelope around it.
    pub fn raw(&self) -> &'a str {
        self.batch.slice(self.entry.start, self.entry.end)
    }

    /// The record's value: an object, as far as sources are well-behaved.
    pub fn root(&self) -> Value<'a> {
        Value::new(self.batch, self.entry.node)
    }

    /// The record's place in its object, from zero. Bad records count too: places of good
    /// records do not move when a bad one is mended.
    pub fn ordinal(&self) -> u64 {
        self.entry.ordinal
    }

    /// What the envelope or the object's key tells of this record: `@account` is
    /// `key_field("account")`.
    pub fn key_field(&self, name: &str) -> Option<&'a str> {
        let (start, end) = self.entry.stamp;
        if start < end && name == "timestamp" {
            return Some(self.batch.slice(start, end));
        }
        let context = (self.entry.context as usize)
            .checked_sub(1)
            .and_then(|index| self.batch.contexts.get(index))
            .and_then(|fields| find(fields, name));
        context.or_else(|| find(&self.batch.origin.key_fields, name))
    }

    /// Where the record's batch came from.
    pub fn origin(&self) -> &'a Origin {
        &self.batch.origin
    }
}

fn find<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}
