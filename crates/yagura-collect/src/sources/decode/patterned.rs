//! Lines cut by a regular expression with named groups; a line that does not match goes on with
//! the record before it.
//! The expressions stand in the source files.

use yagura_content::format::LinePattern;

use super::output::{Halt, Output};
use super::piece::BadReason;

pub(super) struct PatternedReader<'s> {
    pattern: &'s LinePattern,
    /// The record in the making and where it begins.
    pending: Option<(String, u64)>,
}

impl<'s> PatternedReader<'s> {
    pub(super) fn new(pattern: &'s LinePattern) -> Self {
        Self { pattern, pending: None }
    }

    pub(super) fn line(
        &mut self,
        line: &str,
        offset: u64,
        out: &mut Output<'_>,
    ) -> Result<(), Halt> {
        if self.pattern.matches(line) {
            self.end(out)?;
            self.pending = Some((line.to_owned(), offset));
            return Ok(());
        }
        match &mut self.pending {
            Some((record, _)) if record.len() + line.len() < out.limits.record_bytes_max => {
                record.push('\n');
                record.push_str(line);
                Ok(())
            }
            Some(_) => {
                self.end(out)?;
                out.bad(BadReason::RecordTooLarge, offset, line.as_bytes())
            }
            None if line.is_empty() => Ok(()),
            None => out.bad(BadReason::MalformedLine, offset, line.as_bytes()),
        }
    }

    /// Ends the record in the making.
    pub(super) fn end(&mut self, out: &mut Output<'_>) -> Result<(), Halt> {
        let Some((record, offset)) = self.pending.take() else { return Ok(()) };
        let raw = record.trim_end_matches('\n');
        // What goes on after the first line may keep the expression from matching the whole.
        let first = raw.split_once('\n').map_or(raw, |(first, _)| first);
        let Some(fields) = self.pattern.fields(raw).or_else(|| self.pattern.fields(first)) else {
            return out.bad(BadReason::MalformedLine, offset, raw.as_bytes());
        };
        out.builder.begin_record(raw);
        for (name, value) in fields {
            out.builder.field(name, value);
        }
        out.builder.end_record();
        out.added()
    }
}
