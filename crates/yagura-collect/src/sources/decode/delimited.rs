//! Lines of fields: blanks, tabs or commas between them, quotes, brackets, headers.
//! How a quoted field is found whose text has bare quotes lives in `bare_quotes`.

use std::borrow::Cow;
use std::ops::Range;

use yagura_content::format::{Delimited, Header, Quotes};

use super::bare_quotes::{self, Shape};
use super::output::{Halt, Output};
use super::piece::BadReason;

/// Reads the lines of one object.
pub(super) struct DelimitedReader<'s> {
    format: &'s Delimited,
    /// Names by which a header line is known, beside the columns.
    marks: Vec<&'s str>,
    columns: Vec<Cow<'s, str>>,
    /// What the lines of this object look like; known after the first.
    shape: Option<Shape>,
    fields: Vec<Field>,
}

/// A field of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Where its text stands, without quotes or brackets.
    pub(super) place: Range<usize>,
    pub(super) quoted: bool,
}

impl<'s> DelimitedReader<'s> {
    pub(super) fn new(format: &'s Delimited, marks: Vec<&'s str>) -> Self {
        let columns = format.columns.iter().map(|name| Cow::Borrowed(&**name)).collect();
        Self { format, marks, columns, shape: None, fields: Vec::new() }
    }

    /// Whether the record goes on after this line's end: in a quoted field.
    pub(super) fn unfinished(&self, line: &[u8]) -> bool {
        self.format.quotes == Quotes::Doubled && memchr::memchr_iter(b'"', line).count() % 2 == 1
    }

    pub(super) fn line(
        &mut self,
        line: &str,
        offset: u64,
        out: &mut Output<'_>,
    ) -> Result<(), Halt> {
        if self.format.header == Header::FieldsDirective && line.starts_with('#') {
            self.directive(line);
            return Ok(());
        }
        if !self.split(line) {
            return out.bad(BadReason::MalformedLine, offset, line.as_bytes());
        }
        if self.format.header == Header::FirstLine && self.is_header(line) {
            self.columns =
                self.fields.iter().map(|field| Cow::Owned(self.text(line, field).into())).collect();
            self.shape = None;
            return Ok(());
        }
        if self.columns.is_empty() {
            return out.bad(BadReason::MissingHeader, offset, line.as_bytes());
        }
        if self.fields.len() < self.format.columns_min.min(self.columns.len()).max(1) {
            return out.bad(BadReason::MalformedLine, offset, line.as_bytes());
        }
        out.builder.begin_record(line);
        for (name, field) in self.columns.iter().zip(&self.fields) {
            let raw = line.get(field.place.clone()).unwrap_or_default();
            if !field.quoted && self.format.null.iter().any(|null| null == raw) {
                out.builder.null_field(name);
                continue;
            }
            match self.text(line, field) {
                // A quoted mark for nothing is nothing too: S3 and load balancers quote theirs.
                text if self.format.null.iter().any(|null| *null == text) => {
                    out.builder.null_field(name);
                }
                Cow::Borrowed(_) => out.builder.field_at(name, field.place.clone()),
                Cow::Owned(text) => out.builder.field(name, &text),
            }
        }
        out.builder.end_record();
        out.added()
    }

    /// A field's text with doubled or escaped quotes resolved.
    fn text<'l>(&self, line: &'l str, field: &Field) -> Cow<'l, str> {
        let text = line.get(field.place.clone()).unwrap_or_default();
        match self.format.quotes {
            Quotes::Doubled if field.quoted && text.contains("\"\"") => {
                Cow::Owned(text.replace("\"\"", "\""))
            }
            Quotes::SingleBackslash if field.quoted && text.contains('\\') => {
                Cow::Owned(unescaped(text))
            }
            _ => Cow::Borrowed(text),
        }
    }

    /// `#Fields: date time …`
    fn directive(&mut self, line: &str) {
        if let Some(names) = line.strip_prefix("#Fields:") {
            self.columns =
                names.split_whitespace().map(|name| Cow::Owned(name.to_owned())).collect();
            self.shape = None;
        }
    }

    /// Whether the line's fields are names: most of them are known. The members of a
    /// concatenated gzip file begin with one each, so any line may be.
    fn is_header(&self, line: &str) -> bool {
        let known = |field: &Field| {
            let text = line.get(field.place.clone()).unwrap_or_default();
            !text.is_empty()
                && (self.format.columns.iter().any(|name| name == text)
                    || self.marks.contains(&text)
                    || self.columns.iter().any(|name| name == text))
        };
        let looks_like_name = |field: &Field| {
            line.get(field.place.clone()).is_some_and(|text| {
                text.starts_with(|c: char| c.is_ascii_alphabetic()) && !text.contains([':', '/'])
            })
        };
        // Records are told by their first field, mostly a number, a time or an address.
        if !self.fields.first().is_some_and(looks_like_name) {
            return false;
        }
        let count = self.fields.iter().filter(|field| known(field)).count();
        count * 2 >= self.fields.len() && self.fields.iter().all(looks_like_name)
    }

    /// Cuts a line into `self.fields`; false if it cannot be.
    fn split(&mut self, line: &str) -> bool {
        self.fields.clear();
        let separator = self.format.separator.byte();
        match self.format.quotes {
            Quotes::None if !self.format.brackets => {
                let mut begin = 0;
                for end in memchr::memchr_iter(separator, line.as_bytes()).chain([line.len()]) {
                    self.fields.push(Field { place: begin..end, quoted: false });
                    begin = end + 1;
                }
                true
            }
            Quotes::None | Quotes::Bare => {
                let quotes = self.format.quotes == Quotes::Bare;
                let known = (self.format.columns_min, self.columns.len());
                let cutter =
                    bare_quotes::Cutter { separator, quotes, brackets: self.format.brackets };
                match cutter.cut(line.as_bytes(), &mut self.shape, known) {
                    Some(fields) => self.fields = fields,
                    None => return false,
                }
                true
            }
            Quotes::Doubled => cut_doubled(line.as_bytes(), separator, &mut self.fields),
            Quotes::SingleBackslash => cut_single(line.as_bytes(), separator, &mut self.fields),
        }
    }
}

/// Cuts a line whose quoted fields double the quotes within (RFC 4180).
pub(super) fn cut_doubled(line: &[u8], separator: u8, fields: &mut Vec<Field>) -> bool {
    let mut at = 0;
    loop {
        let quoted = line.get(at) == Some(&b'"');
        let end = if quoted {
            let mut end = at + 1;
            loop {
                match line.get(end..).and_then(|rest| memchr::memchr(b'"', rest)) {
                    None => return false,
                    Some(found) if line.get(end + found + 1) == Some(&b'"') => end += found + 2,
                    Some(found) => break end + found,
                }
            }
        } else {
            let rest = line.get(at..).unwrap_or_default();
            at + memchr::memchr(separator, rest).unwrap_or(rest.len())
        };
        let after = end + usize::from(quoted);
        fields.push(Field { place: at + usize::from(quoted)..end, quoted });
        match line.get(after) {
            None => return true,
            Some(byte) if *byte == separator => at = after + 1,
            Some(_) => return false,
        }
    }
}

/// Cuts a line whose quoted fields stand in `'…'` with `\` before quotes within.
fn cut_single(line: &[u8], separator: u8, fields: &mut Vec<Field>) -> bool {
    let mut at = 0;
    loop {
        let quoted = line.get(at) == Some(&b'\'');
        let mut end = at + usize::from(quoted);
        while let Some(&byte) = line.get(end) {
            match byte {
                b'\\' if quoted => end += 1,
                b'\'' if quoted => break,
                byte if !quoted && byte == separator => break,
                _ => {}
            }
            end += 1;
        }
        if quoted && line.get(end) != Some(&b'\'') {
            return false;
        }
        let end = end.min(line.len());
        fields.push(Field { place: at + usize::from(quoted)..end, quoted });
        let after = end + usize::from(quoted);
        match line.get(after) {
            None => return true,
            Some(byte) if *byte == separator => at = after + 1,
            Some(_) => return false,
        }
    }
}

/// Resolves `\'`, `\\`, `\n`, `\r`, `\t`; other letters stand for themselves.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (c, false) => plain.push(c),
            (_, true) => match chars.next() {
                Some('n') => plain.push('\n'),
                Some('r') => plain.push('\r'),
                Some('t') => plain.push('\t'),
                Some(other) => plain.push(other),
                None => {}
            },
        }
    }
    plain
}
