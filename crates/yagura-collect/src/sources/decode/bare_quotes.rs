//! Cutting of lines whose quoted fields may have bare quotes within, as S3 and load balancers
//! write what a client sent: a user agent `a" "b` must not become two fields.
//! The rule: the lines of an object have the same number of quoted fields, and as few are taken
//! as that needs.

use std::collections::HashSet;

use super::delimited::Field;

/// More quotes in one line than this are not disentangled.
const QUOTES_MAX: usize = 512;

/// What the lines of an object look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    fields: usize,
    quoted: usize,
}

/// How lines are written.
#[derive(Clone, Copy)]
pub(super) struct Cutter {
    pub(super) separator: u8,
    pub(super) quotes: bool,
    pub(super) brackets: bool,
}

impl Cutter {
    /// Cuts a line into fields; `known` are the least number of fields and the number of their
    /// names.
    pub(super) fn cut(
        self,
        line: &[u8],
        shape: &mut Option<Shape>,
        known: (usize, usize),
    ) -> Option<Vec<Field>> {
        let straight = self.straight(line);
        let found = straight.as_ref().map(|fields| Shape {
            fields: fields.len(),
            quoted: fields.iter().filter(|field| field.quoted).count(),
        });
        match (&found, &*shape) {
            (Some(found), Some(shape)) if found.quoted == shape.quoted => return straight,
            // Nothing is known yet: a line without a doubt tells what lines look like.
            (Some(found), None) if found.fields >= known.0 => {
                *shape = Some(*found);
                return straight;
            }
            // Fewer quoted fields than before: those before had one too many.
            (Some(found), Some(old)) if found.quoted < old.quoted && found.fields >= known.0 => {
                *shape = Some(*found);
                return straight;
            }
            _ => {}
        }
        if !self.quotes || memchr::memchr_iter(b'"', line).count() > QUOTES_MAX {
            return straight;
        }
        let mut wanted: Vec<(usize, Option<usize>)> = Vec::new();
        if let Some(shape) = shape {
            wanted.push((shape.fields, Some(shape.quoted)));
        } else {
            let (least, most) = (known.0.max(1), known.1.max(known.0));
            wanted.extend((least..=most).rev().map(|count| (count, None)));
        }
        let entangled = wanted.into_iter().find_map(|(count, quoted)| {
            let mut search = Search { cutter: self, line, failed: HashSet::new() };
            let mut fields = Vec::new();
            search.from(0, count, quoted, &mut fields).then_some(fields)
        });
        entangled.or(straight)
    }

    /// Cuts without looking ahead: a quoted field ends at the first quote, and no quote stands
    /// anywhere else. Nothing if that does not fit the line.
    fn straight(self, line: &[u8]) -> Option<Vec<Field>> {
        let mut fields = Vec::with_capacity(32);
        let mut at = 0;
        loop {
            let (field, after) = match line.get(at) {
                Some(b'"') if self.quotes => {
                    let end = at + 1 + memchr::memchr(b'"', line.get(at + 1..)?)?;
                    (Field { place: at + 1..end, quoted: true }, end + 1)
                }
                _ => self.unquoted(line, at)?,
            };
            fields.push(field);
            match line.get(after) {
                None => return Some(fields),
                Some(byte) if *byte == self.separator => at = after + 1,
                Some(_) => return None,
            }
        }
    }

    /// A field without quotes: up to the separator, or in brackets. Answers where it ends, too.
    fn unquoted(self, line: &[u8], at: usize) -> Option<(Field, usize)> {
        let rest = line.get(at..)?;
        if self.brackets && rest.first() == Some(&b'[') {
            let end = at + memchr::memchr(b']', rest)?;
            return Some((Field { place: at + 1..end, quoted: false }, end + 1));
        }
        let length = memchr::memchr(self.separator, rest).unwrap_or(rest.len());
        let text = rest.get(..length)?;
        let quote = self.quotes && memchr::memchr(b'"', text).is_some();
        (!quote).then_some((Field { place: at..at + length, quoted: false }, at + length))
    }
}

struct Search<'l> {
    cutter: Cutter,
    line: &'l [u8],
    /// From where how many fields, how many of them quoted, were tried in vain.
    failed: HashSet<(usize, usize, Option<usize>)>,
}

impl Search<'_> {
    /// Cuts the rest of the line from `at` into exactly `count` fields, `quoted` of them quoted.
    /// Quoted fields are taken as short as possible, the first first.
    fn from(
        &mut self,
        at: usize,
        count: usize,
        quoted: Option<usize>,
        fields: &mut Vec<Field>,
    ) -> bool {
        if count == 0 || self.failed.contains(&(at, count, quoted)) {
            return false;
        }
        let line = self.line;
        if line.get(at) == Some(&b'"') {
            let left = match quoted {
                Some(0) => return false,
                other => other.map(|number| number - 1),
            };
            let mut begin = at + 1;
            while let Some(end) = line
                .get(begin..)
                .and_then(|rest| memchr::memchr(b'"', rest))
                .map(|found| begin + found)
            {
                begin = end + 1;
                fields.push(Field { place: at + 1..end, quoted: true });
                if self.after(end + 1, count - 1, left, fields) {
                    return true;
                }
                fields.pop();
            }
        } else if let Some((field, after)) = self.cutter.unquoted(line, at) {
            fields.push(field);
            if self.after(after, count - 1, quoted, fields) {
                return true;
            }
            fields.pop();
        }
        self.failed.insert((at, count, quoted));
        false
    }

    fn after(
        &mut self,
        at: usize,
        left: usize,
        quoted: Option<usize>,
        fields: &mut Vec<Field>,
    ) -> bool {
        match self.line.get(at) {
            None => left == 0 && quoted.is_none_or(|number| number == 0),
            Some(byte) if *byte == self.cutter.separator => self.from(at + 1, left, quoted, fields),
            Some(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUTTER: Cutter = Cutter { separator: b' ', quotes: true, brackets: true };

    fn texts(line: &str, shape: &mut Option<Shape>, known: (usize, usize)) -> Option<Vec<String>> {
        let fields = CUTTER.cut(line.as_bytes(), shape, known)?;
        Some(fields.into_iter().map(|field| line.get(field.place).unwrap().to_owned()).collect())
    }

    fn check(lines: &[&str], known: (usize, usize), expected: &[&str]) {
        let mut shape = None;
        let mut last = None;
        for line in lines {
            last = texts(line, &mut shape, known);
        }
        assert_eq!(last.unwrap(), expected);
    }

    #[test]
    fn quotes_and_brackets_hold_blanks() {
        check(&["a [1 2] \"b c\" -"], (1, 4), &["a", "1 2", "b c", "-"]);
        check(&["\"\" x"], (1, 2), &["", "x"]);
    }

    #[test]
    fn a_bare_quote_within_stays_within() {
        check(&["a \"x \"y\" z\" b"], (3, 3), &["a", "x \"y\" z", "b"]);
        check(&["a \"say \"hi\"\" b"], (3, 3), &["a", "say \"hi\"", "b"]);
    }

    #[test]
    fn a_user_agent_that_looks_like_two_fields_stays_one() {
        let usual = "1 \"GET\" 200 \"-\" \"curl\" v -";
        let forged = "1 \"GET\" 200 \"-\" \"a\" \"b\" v -";
        check(&[usual, forged], (5, 7), &["1", "GET", "200", "-", "a\" \"b", "v", "-"]);
        // The object may begin with it.
        check(&[forged, usual, forged], (5, 7), &["1", "GET", "200", "-", "a\" \"b", "v", "-"]);
    }

    #[test]
    fn a_new_column_at_the_end_is_no_reason_to_join_fields() {
        check(&["1 \"a\" \"b\" 2", "1 \"a\" \"b\" 2 3"], (3, 4), &["1", "a", "b", "2", "3"]);
    }

    #[test]
    fn a_line_that_fits_nothing_is_refused() {
        let mut shape = None;
        assert_eq!(texts("a \"b", &mut shape, (2, 2)), None);
        assert_eq!(texts("a [b", &mut shape, (2, 2)), None);
        assert_eq!(texts("a \"b\"c", &mut shape, (2, 2)), None);
    }
}
