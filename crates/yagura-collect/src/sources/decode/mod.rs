//! Decoding: from the bytes of a log object, however compressed, wrapped and damaged, to batches
//! of records and to bad pieces with their reasons.
//! Where the bytes come from, and what becomes of records and pieces, is not known here.

mod bare_quotes;
mod delimited;
mod envelope;
mod inflate;
mod json;
mod kept;
mod lake_csv;
mod lake_row;
mod limits;
mod message;
mod one_piece;
mod output;
mod parquet;
mod patterned;
mod piece;
mod resync;
pub(super) mod sniff;
mod spare;
mod syslog;
mod text;
mod tolerant;
mod window;

use std::io::{self, Cursor, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

use yagura_content::format::{Integrity, RecordFormat, Source};
use yagura_model::event::Origin;
use yagura_model::object::LogObject;

pub use super::recognize::recognize;
pub use kept::{KeptRow, is_headed, kept};
pub use limits::{DecodeError, DecodeSummary, Limits};
pub use piece::{BadPiece, BadReason, Decoded};
pub use spare::{give_back, give_bytes};

use delimited::DelimitedReader;
pub(super) use envelope::Envelopes;
use inflate::{Compression, Inflater, Stored};
use json::JsonReader;
use message::Messages;
use output::{Halt, Output};
use patterned::PatternedReader;
use text::TextReader;
use window::Window;

/// Bytes of an object's beginning that [`recognize`] should be given: enough for the largest
/// record that AWS writes.
pub const HEAD_BYTES: usize = 256 << 10;

/// Memory for the beginning of an object, which [`recognize`] is given: [`HEAD_BYTES`] at most.
pub fn room_for_head(object: &LogObject) -> Vec<u8> {
    let bytes = usize::try_from(object.size_bytes).unwrap_or(usize::MAX).min(HEAD_BYTES);
    spare::room_for(bytes + 1)
}

/// Bytes of text that tell how records are written.
const BEGIN_BYTES: usize = 4096;

/// Reads an object of any size with bounded memory and hands out what is in it: batches of good
/// records, and bad pieces with reason and place. Bad data never ends it before the end of the
/// object; the receiver may, by breaking.
///
/// Order is kept among records and among bad pieces. A record's `ordinal` is its place in the
/// object, bad ones counted as far as they can be told apart.
///
/// # Errors
/// When the object itself cannot be read, or its temporary copy not be written (Parquet): then
/// the object must be tried again, and what was handed out so far forgotten.
pub fn decode(
    object: &LogObject,
    source: &Source,
    input: Box<dyn Read + '_>,
    limits: &Limits,
    sink: &mut dyn FnMut(Decoded) -> ControlFlow<()>,
) -> Result<DecodeSummary, DecodeError> {
    let mut origin = origin_of_key(Some(source), &object.location, &object.key);
    if let Some(modified) = object.modified {
        origin.key_fields.push(("modified".to_owned(), modified.to_string()));
    }
    let mut out = Output::new(Arc::new(origin), limits, sink);
    let mut stored_bytes = 0;
    let mut inflated_bytes = 0;
    let outcome = Decoding { object, source, limits }
        .run(input, &mut out, &mut stored_bytes, &mut inflated_bytes)
        .and_then(|()| out.flush());
    let location = || object.location.clone();
    match outcome {
        Ok(()) | Err(Halt::Stopped) => {
            Ok(DecodeSummary { stored_bytes, inflated_bytes, ..out.summary() })
        }
        Err(Halt::Read(source)) => {
            Err(DecodeError::Read { location: location(), offset: stored_bytes, source })
        }
        Err(Halt::Spool(source)) => Err(DecodeError::Spool { location: location(), source }),
    }
}

/// What an object's key tells by the patterns of its source.
pub(super) fn origin_of_key(source: Option<&Source>, location: &str, key: &str) -> Origin {
    let patterns = source.map(|source| source.keys.0.as_slice()).unwrap_or_default();
    let matching = patterns
        .iter()
        .filter_map(|pattern| pattern.matches(key).map(|fields| (pattern.weight(), fields)));
    let best = matching.max_by_key(|(weight, _)| *weight);
    let key_fields = best.map(|(_, fields)| fields).unwrap_or_default();
    Origin { object: location.into(), key_fields }
}

/// Whether text is JSON by its first letters. A line of text may begin with a bracket, too; but
/// only JSON goes on with a quote or another bracket, or has nothing in it.
fn looks_like_json(text: &str) -> bool {
    text.starts_with(['{', '[']) && {
        let next = text.get(1..).unwrap_or_default().trim_start().chars().next();
        matches!(next, None | Some('"' | '{' | '[' | ']' | '}'))
    }
}

struct Decoding<'d> {
    object: &'d LogObject,
    source: &'d Source,
    limits: &'d Limits,
}

impl<'d> Decoding<'d> {
    fn run(
        &self,
        mut input: Box<dyn Read + '_>,
        out: &mut Output<'_>,
        stored_bytes: &mut u64,
        inflated_bytes: &mut u64,
    ) -> Result<(), Halt> {
        let small = one_piece::STORED_BYTES_MAX as u64;
        // One more than there should be, so that the end is seen without asking for more memory.
        let room = self.object.size_bytes.min(small) + 1;
        let mut head = spare::room_for(usize::try_from(room).unwrap_or_default());
        let read = (&mut input).take(small + 1).read_to_end(&mut head);
        *stored_bytes = head.len() as u64;
        read?;
        let whole = head.len() as u64 <= small;
        if parquet::is_parquet(&head) {
            let rest: Box<dyn Read + '_> = if whole { Box::new(io::empty()) } else { input };
            return parquet::read(head, rest, out, stored_bytes);
        }
        let compression = Compression::of(&head);
        if whole
            && compression == Compression::Gzip
            && let Some(text) = one_piece::inflate(&head, self.limits.inflated_bytes_max)
        {
            *inflated_bytes = text.len() as u64;
            spare::give_bytes(head);
            let mut window = Window::whole(text);
            let outcome = self.records(&mut window, out);
            spare::give_bytes(window.into_text());
            return outcome;
        }
        let first_member_only = compression == Compression::Gzip && self.is_of_trail();
        let stored = Stored::new(Box::new(Cursor::new(head).chain(input)));
        let inflater = Inflater::new(stored, compression, first_member_only, self.limits);
        let mut window = Window::stream(inflater, self.limits);
        let outcome = self.records(&mut window, out);
        *stored_bytes = window.stored_bytes().unwrap_or_default();
        *inflated_bytes = window.text_bytes();
        outcome?;
        match window.take_bad() {
            Some(piece) => out.bad_piece(piece),
            None => Ok(()),
        }
    }

    /// Whether the object lies where CloudTrail itself writes: its files have one gzip member,
    /// and its digests vouch for no more (CloudTrail user guide, "Custom implementations of log
    /// file integrity validation", November 2026).
    fn is_of_trail(&self) -> bool {
        self.source.integrity == Some(Integrity::CloudtrailDigest)
            && self.source.keys.0.iter().any(|key| key.matches(&self.object.key).is_some())
    }

    fn records(&self, window: &mut Window<'_>, out: &mut Output<'_>) -> Result<(), Halt> {
        window.at_least(BEGIN_BYTES)?;
        let envelopes = Envelopes::of(self.source);
        let head = window.bytes().get(..BEGIN_BYTES).unwrap_or(window.bytes());
        let head = String::from_utf8_lossy(head).into_owned();
        let text = head.trim_start_matches('\u{feff}').trim_start();
        let (first_line, _) = text.split_once('\n').unwrap_or((text, ""));
        let json = self.source.formats.iter().any(|format| matches!(format, RecordFormat::Json));
        let mut messages = Messages { json, text: self.text_reader(text) };
        let export = envelopes.cloud_watch_export && text::export_time(first_line).is_some();
        if export {
            return text::run_export(window, out, &mut messages, &envelopes);
        }
        if envelopes.lake && lake_csv::is_header(first_line.trim_end()) {
            return lake_csv::run(window, out, &mut messages, &envelopes);
        }
        let is_json = looks_like_json(text) && self.takes_json();
        match &mut messages.text {
            Some(reader) if !is_json => reader.run(window, out),
            _ => {
                let names = self.first_names(&envelopes);
                JsonReader::new(envelopes, names, messages).run(window, out)
            }
        }
    }

    /// Whether JSON may stand in an object of this source: as records or around them.
    fn takes_json(&self) -> bool {
        !self.source.envelopes.is_empty()
            || self.source.formats.iter().any(|format| matches!(format, RecordFormat::Json))
    }

    /// The reader of this source's text: of several, the one that the text looks like.
    fn text_reader(&self, text: &str) -> Option<TextReader<'d>> {
        let line = text.split('\n').next().unwrap_or_default();
        let formats = &self.source.formats;
        let fits = |format: &&RecordFormat| match format {
            RecordFormat::Lines(pattern) => pattern.matches(line.trim_end_matches('\r')),
            RecordFormat::Syslog => line.starts_with('<'),
            _ => false,
        };
        let is_text =
            |format: &&RecordFormat| !matches!(format, RecordFormat::Json | RecordFormat::Parquet);
        let format = formats.iter().find(fits).or_else(|| formats.iter().find(is_text))?;
        Some(match format {
            RecordFormat::Delimited(format) => {
                let marks = self.source.content.iter().flat_map(|mark| &mark.header.0);
                let marks = marks.map(String::as_str).collect();
                TextReader::Delimited(Box::new(DelimitedReader::new(format, marks)))
            }
            RecordFormat::Lines(pattern) => TextReader::Patterned(PatternedReader::new(pattern)),
            RecordFormat::Syslog => TextReader::Syslog,
            RecordFormat::Json | RecordFormat::Parquet => return None,
        })
    }

    /// Names that records and envelopes may begin with: where reading goes on after damage.
    fn first_names(&self, envelopes: &Envelopes<'_>) -> Vec<String> {
        use yagura_model::source::FieldStep;
        let paths = self.source.content.iter().flat_map(|mark| &mark.members.0);
        let members = paths.filter_map(|path| match path.steps.first() {
            Some(FieldStep::Key(name)) if !path.from_key => Some(name.clone()),
            _ => None,
        });
        let mut names: Vec<String> = members.chain(envelopes.names().map(str::to_owned)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

#[cfg(test)]
mod tests;
