//! Text logs: lines out of the window, and which reader takes them.
//! What a line means lives in `delimited`, `patterned`, `syslog` and `lake_csv`.

use super::delimited::DelimitedReader;
use super::envelope::Envelopes;
use super::message::Messages;
use super::output::{Halt, Output};
use super::patterned::PatternedReader;
use super::piece::{BadPiece, BadReason};
use super::syslog;
use super::window::Window;

/// How a source's text is read.
pub(super) enum TextReader<'s> {
    Delimited(Box<DelimitedReader<'s>>),
    Patterned(PatternedReader<'s>),
    Syslog,
    /// Each line is a record without members: for a first look.
    Whole,
}

impl TextReader<'_> {
    /// Reads the window to its end.
    pub(super) fn run(
        &mut self,
        window: &mut Window<'_>,
        out: &mut Output<'_>,
    ) -> Result<(), Halt> {
        if matches!(self, Self::Syslog) {
            syslog::run(window, out)?;
        } else {
            while let Some(line) = next_line(window, out, &|line| self.unfinished(line))? {
                self.line(&line.text, line.offset, out)?;
            }
        }
        self.end(out)
    }

    /// Reads one message of an envelope: one record.
    pub(super) fn message(
        &mut self,
        message: &str,
        offset: u64,
        out: &mut Output<'_>,
    ) -> Result<(), Halt> {
        let message = message.trim_end_matches(['\n', '\r']);
        match self {
            Self::Patterned(reader) => {
                for line in message.split('\n') {
                    reader.line(line, offset, out)?;
                }
                reader.end(out)
            }
            _ => self.line(message, offset, out),
        }
    }

    fn line(&mut self, line: &str, offset: u64, out: &mut Output<'_>) -> Result<(), Halt> {
        if line.is_empty() && !matches!(self, Self::Patterned(_)) {
            return Ok(());
        }
        match self {
            Self::Delimited(reader) => reader.line(line, offset, out),
            Self::Patterned(reader) => reader.line(line, offset, out),
            Self::Syslog => syslog::message(line, offset, out),
            Self::Whole => {
                out.builder.begin_record(line);
                out.builder.end_record();
                out.added()
            }
        }
    }

    fn end(&mut self, out: &mut Output<'_>) -> Result<(), Halt> {
        match self {
            Self::Patterned(reader) => reader.end(out),
            _ => Ok(()),
        }
    }

    /// Whether a record goes on after this line's end.
    fn unfinished(&self, line: &[u8]) -> bool {
        matches!(self, Self::Delimited(reader) if reader.unfinished(line))
    }
}

/// A line of the text without its end.
pub(super) struct Line {
    pub(super) text: String,
    pub(super) offset: u64,
}

/// Takes the next line; lines that are too long, not UTF-8 or cut off are handed out as bad.
pub(super) fn next_line(
    window: &mut Window<'_>,
    out: &mut Output<'_>,
    unfinished: &dyn Fn(&[u8]) -> bool,
) -> Result<Option<Line>, Halt> {
    let mut searched = 0;
    loop {
        let bytes = window.bytes();
        let found = bytes
            .get(searched..)
            .and_then(|rest| memchr::memchr(b'\n', rest))
            .map(|place| searched + place);
        let end = match found {
            // The end of the text ends every line.
            Some(end) if unfinished(bytes.get(..end).unwrap_or_default()) => {
                searched = end + 1;
                if searched <= out.limits.record_bytes_max {
                    continue;
                }
                searched
            }
            Some(end) => end,
            None if bytes.len() > out.limits.record_bytes_max => {
                too_long(window, out)?;
                searched = 0;
                continue;
            }
            None => {
                searched = bytes.len();
                if window.more()? {
                    continue;
                }
                if window.bytes().is_empty() {
                    return Ok(None);
                }
                searched
            }
        };
        let (bytes, offset) = (window.bytes(), window.offset());
        let cut_off = found.is_none() && window.broke_off();
        let line = bytes.get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let taken = match std::str::from_utf8(line) {
            _ if cut_off => Err(BadReason::TruncatedRecord),
            _ if line.len() > out.limits.record_bytes_max => Err(BadReason::RecordTooLarge),
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(BadReason::InvalidUtf8),
        };
        let outcome = match taken {
            Ok(text) => Some(Line { text, offset }),
            Err(reason) => {
                out.bad(reason, offset, line)?;
                None
            }
        };
        window.consume(end + 1);
        if outcome.is_some() {
            return Ok(outcome);
        }
        searched = 0;
    }
}

/// Skips a line that is longer than a record may be.
fn too_long(window: &mut Window<'_>, out: &mut Output<'_>) -> Result<(), Halt> {
    let mut piece = BadPiece {
        reason: BadReason::RecordTooLarge,
        offset: window.offset(),
        length: 0,
        bytes: Vec::new(),
        records_lost: Some(1),
    };
    loop {
        let bytes = window.bytes();
        let end = memchr::memchr(b'\n', bytes);
        let taken = end.unwrap_or(bytes.len());
        let room = BadPiece::BYTES_MAX.saturating_sub(piece.bytes.len()).min(taken);
        piece.bytes.extend_from_slice(bytes.get(..room).unwrap_or_default());
        piece.length += taken as u64;
        window.consume(taken + usize::from(end.is_some()));
        if end.is_some() || !window.more()? {
            return out.bad_piece(piece);
        }
    }
}

/// Reads the lines of a CloudWatch Logs export task: a time, a blank, a message. Lines without a
/// time go on with the message before them.
pub(super) fn run_export(
    window: &mut Window<'_>,
    out: &mut Output<'_>,
    messages: &mut Messages<'_>,
    envelopes: &Envelopes<'_>,
) -> Result<(), Halt> {
    let mut pending: Option<(String, String, u64)> = None;
    loop {
        let line = next_line(window, out, &|_| false)?;
        let dated = line.as_ref().and_then(|line| {
            let (time, message) = export_time(&line.text)?;
            Some((time.to_owned(), message.to_owned(), line.offset))
        });
        match (&line, &dated, &mut pending) {
            (Some(line), None, Some((_, message, _))) => {
                message.push('\n');
                message.push_str(&line.text);
                if message.len() <= out.limits.record_bytes_max {
                    continue;
                }
            }
            (Some(line), None, None) => {
                out.bad(BadReason::MalformedEnvelope, line.offset, line.text.as_bytes())?;
                continue;
            }
            _ => {}
        }
        if let Some((time, message, offset)) = pending.take() {
            let message = message.trim_end_matches('\n');
            messages.read(message, Some(time), None, offset, out, envelopes)?;
        }
        if line.is_none() {
            return Ok(());
        }
        pending = dated;
    }
}

/// Splits a line of an export task: `2026-11-21T05:01:12.000Z message`.
pub(super) fn export_time(line: &str) -> Option<(&str, &str)> {
    let (time, message) = line.split_once(' ')?;
    let shape = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        19 => byte == b'.',
        23 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    };
    (time.len() == 24 && time.bytes().enumerate().all(shape)).then_some((time, message))
}
