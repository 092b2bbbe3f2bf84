//! A look at the beginning of an object: its first record, or its first lines, without knowing
//! its source. Which source that is, is decided in `recognize`.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::Arc;

use yagura_model::event::{EventBatch, Origin};

use super::envelope::Envelopes;
use super::inflate::{Compression, Inflater, Stored};
use super::json::JsonReader;
use super::limits::Limits;
use super::message::Messages;
use super::output::Output;
use super::piece::Decoded;
use super::text::{self, TextReader};
use super::window::Window;
use super::{lake_csv, looks_like_json, spare};

/// Text that is looked at first, and mostly suffices: inflating more of each object than it takes
/// to know it was an eighth of the time of reading it.
const CHUNK_BYTES: usize = 16 << 10;

/// Lines that are looked at for a header.
const LINES: usize = 8;

/// What an object begins with.
#[derive(Debug, Default)]
pub(crate) struct Sniffed {
    /// Its first record, if it is JSON or wrapped in JSON; a message that is text is a record
    /// without members.
    pub(crate) record: Option<EventBatch>,
    /// Its first lines, if it is text, or those of its first message.
    pub(crate) lines: Vec<String>,
}

impl Drop for Sniffed {
    /// The object is read next, into the memory of its first record.
    fn drop(&mut self) {
        self.record.take().into_iter().for_each(spare::give_back);
    }
}

/// Looks at an object whose first bytes are `head`; `envelopes` are those of all sources.
pub(crate) fn sniff(head: &[u8], envelopes: &Envelopes<'_>, origin: Arc<Origin>) -> Sniffed {
    let compression = Compression::of(head);
    let limits = Limits { batch_bytes: 1, chunk_bytes: CHUNK_BYTES, ..Limits::default() };
    let stored = Stored::new(Box::new(Cursor::new(head)));
    let inflater = Inflater::new(stored, compression, true, &limits);
    let mut window = Window::stream(inflater, &limits);
    let most = head.len().max(64 << 10);
    let text = loop {
        match window.more() {
            Err(_) => return Sniffed::default(),
            Ok(more) => {
                let text = String::from_utf8_lossy(window.bytes());
                let text = text.trim_start_matches('\u{feff}').trim_start();
                let told = looks_like_json(text) || text.lines().nth(LINES).is_some();
                if told || !more || window.bytes().len() >= most {
                    break text.to_owned();
                }
            }
        }
    };
    let lines: Vec<String> = text.lines().take(LINES).map(str::to_owned).collect();
    let first = lines.first().map(String::as_str).unwrap_or_default();
    let export = text::export_time(first).is_some();
    let rows = lake_csv::is_header(first);
    if !export && !rows && !looks_like_json(&text) {
        return Sniffed { record: None, lines };
    }
    let mut record = None;
    let mut sink = |decoded| match decoded {
        Decoded::Batch(batch) => {
            record.get_or_insert(batch);
            ControlFlow::Break(())
        }
        Decoded::Bad(_) => ControlFlow::Continue(()),
    };
    let mut out = Output::new(origin, &limits, &mut sink);
    let mut messages = Messages { json: true, text: Some(TextReader::Whole) };
    // However it ends: what was found is found.
    let _ = if export {
        text::run_export(&mut window, &mut out, &mut messages, envelopes)
    } else if rows {
        lake_csv::run(&mut window, &mut out, &mut messages, envelopes)
    } else {
        JsonReader::new(envelopes.clone(), Vec::new(), messages).run(&mut window, &mut out)
    };
    let lines = match record.as_ref().and_then(|batch: &EventBatch| batch.record(0)) {
        Some(record) if record.root().entries().next().is_none() => {
            record.raw().lines().take(LINES).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    Sniffed { record, lines }
}
