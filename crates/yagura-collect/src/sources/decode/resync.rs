//! After damage in JSON text: how far the bad piece goes, and where the next record begins.
//! That something is damaged is found out in `json`.

use yagura_model::event::{JsonFault, JsonFaultKind};

use super::output::{Halt, Output};
use super::piece::{BadPiece, BadReason};
use super::tolerant::{Scan, Tolerant};
use super::window::Window;

/// How far beyond the fault the end of a damaged record is searched by its brackets.
const BRACKETS_BYTES_MAX: usize = 1 << 20;

/// What stays in the window while the next record is searched: more than the beginning of a
/// record has in front of its first name.
const KEPT_BYTES: usize = 4096;

/// How far before a fault a string that lacks its closing quote may have swallowed the beginning
/// of the next record: it ended at the first quote there.
const SWALLOWED_BYTES: usize = 256;

/// How many first names of records are remembered.
const NAMES_MAX: usize = 8;

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// By itself: one value after the other, mostly a line each.
    Top,
    /// In a list.
    List,
}

/// What records begin with: the names of their first members.
pub(super) struct Signatures {
    /// Those seen in this object, with their quotes.
    learned: Vec<Vec<u8>>,
    /// Those that the source says its records have, with their quotes.
    told: Vec<Vec<u8>>,
    vain: Vain,
}

/// Up to where in a text nothing begins that each name, a line or an element of a list would
/// tell: what was searched in vain is not searched again.
#[derive(Default)]
pub(super) struct Vain {
    names: Vec<u64>,
    line: u64,
    element: u64,
}

impl Signatures {
    pub(super) fn new(names: Vec<String>) -> Self {
        let told = names.into_iter().map(|name| format!("\"{name}\"").into_bytes()).collect();
        Self { learned: Vec::new(), told, vain: Vain::default() }
    }

    /// A text inside the text begins; answers what is to be given back at its end.
    pub(super) fn begin_text(&mut self) -> Vain {
        std::mem::take(&mut self.vain)
    }

    pub(super) fn end_text(&mut self, outer: Vain) {
        self.vain = outer;
        // Names may have been learned inside, in place of those that were told.
        self.vain.names.clear();
    }

    /// Remembers what a good record begins with.
    pub(super) fn learn(&mut self, name: &str) {
        let known = |own: &Vec<u8>| {
            own.len() == name.len() + 2 && own.get(1..own.len() - 1) == Some(name.as_bytes())
        };
        if !self.learned.iter().any(known) && self.learned.len() < NAMES_MAX {
            self.learned.push(format!("\"{name}\"").into_bytes());
            self.vain.names.clear();
        }
    }

    /// Whether `text` begins as a record that was seen.
    pub(super) fn begins(&self, text: &[u8]) -> bool {
        let Some(rest) = text.strip_prefix(b"{") else { return false };
        let rest = rest.trim_ascii_start();
        self.learned.iter().any(|name| rest.starts_with(name))
    }

    /// Where the next record begins at or after `from`, as far as can be told. The text begins
    /// at `offset` of the object.
    fn find(&mut self, text: &[u8], offset: u64, from: usize, place: Place) -> Option<usize> {
        let names = match self.learned.is_empty() {
            true => &self.told,
            false => &self.learned,
        };
        self.vain.names.resize(names.len(), 0);
        let named = names.iter().zip(&mut self.vain.names).filter_map(|(name, vain)| {
            search(text, offset, from, vain, &|from| find_named(text, from, name))
        });
        let named = named.min();
        let other = if place == Place::List && names.is_empty() {
            let find = |from| find_next_of_list(text, from);
            search(text, offset, from, &mut self.vain.element, &find)
        } else {
            search(text, offset, from, &mut self.vain.line, &|from| find_line(text, from))
        };
        [named, other].into_iter().flatten().min()
    }
}

/// Searches from `from`, but not again where there is nothing.
fn search(
    text: &[u8],
    offset: u64,
    from: usize,
    vain: &mut u64,
    find: &dyn Fn(usize) -> Option<usize>,
) -> Option<usize> {
    let known = usize::try_from(vain.saturating_sub(offset)).unwrap_or(usize::MAX);
    if known > text.len() {
        return None;
    }
    let found = find(from.max(known));
    // What begins near the end of the text may not be seen yet.
    let searched = found.unwrap_or_else(|| text.len().saturating_sub(KEPT_BYTES)).max(known);
    *vain = offset + searched as u64;
    found
}

/// An opening brace whose first name is `name`, unless it is a member's value or the first of a
/// list: such are parts of records.
fn find_named(text: &[u8], from: usize, name: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(text.get(from..)?, name).find_map(|found| {
        let before = text.get(..from + found)?.trim_ascii_end();
        let brace = before.strip_suffix(b"{")?;
        let outside = brace.trim_ascii_end().last();
        let begins = brace.len() >= from && !matches!(outside, Some(b':' | b'['));
        begins.then_some(brace.len())
    })
}

/// A line that begins with an opening bracket.
fn find_line(text: &[u8], from: usize) -> Option<usize> {
    let begin = from.saturating_sub(1);
    memchr::memchr_iter(b'\n', text.get(begin..)?)
        .map(|found| begin + found + 1)
        .find(|line| matches!(text.get(*line), Some(b'{' | b'[')))
}

/// `},{` where nothing is known of what records begin with.
fn find_next_of_list(text: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'{', text.get(from..)?).map(|found| from + found).find(|brace| {
        let before = text.get(..*brace).unwrap_or_default().trim_ascii_end();
        let before = before.strip_suffix(b",").map(<[u8]>::trim_ascii_end);
        before.is_some_and(|before| before.ends_with(b"}"))
    })
}

/// A damaged value at the window's beginning.
pub(super) struct Damage {
    reason: BadReason,
    /// The piece ends after this many bytes; else with the next record that is found at or
    /// after `from`.
    end: Option<usize>,
    from: usize,
    /// A value that is longer than the window may be: skipped by its brackets.
    too_large: bool,
}

impl Damage {
    /// Looks how far a damaged value goes by its brackets.
    pub(super) fn of(
        window: &mut Window<'_>,
        reason: BadReason,
        fault: &JsonFault,
        place: Place,
        patience: &mut usize,
    ) -> Result<Self, Halt> {
        let incomplete = fault.kind == JsonFaultKind::Incomplete;
        // Before the fault all is right, so nothing begins there; but a string that lacks its
        // closing quote may have swallowed the beginning of the next record.
        let from = if incomplete { 1 } else { fault.offset.saturating_sub(SWALLOWED_BYTES).max(1) };
        let mut damage = Self { reason, end: None, from, too_large: false };
        let object = matches!(window.bytes().first(), Some(b'{' | b'['));
        if incomplete || *patience == 0 || !(object || place == Place::List) {
            return Ok(damage);
        }
        let reach = fault.offset.saturating_add(BRACKETS_BYTES_MAX);
        let broken = loop {
            let text = window.bytes();
            match Tolerant::new().feed(text.get(..reach.min(text.len())).unwrap_or_default()) {
                Scan::End(end) => {
                    if follows(window, end, place)? {
                        damage.end = Some(end);
                        return Ok(damage);
                    }
                    break end;
                }
                Scan::Broken(at) => break at,
                Scan::More => {
                    if text.len() >= reach || !window.more()? {
                        break reach;
                    }
                }
            }
        };
        *patience = patience.saturating_sub(broken.saturating_sub(fault.offset));
        Ok(damage)
    }

    /// A value that goes on beyond what a record may have.
    pub(super) fn too_large(_window: &Window<'_>, _patience: &mut usize) -> Self {
        Self { reason: BadReason::RecordTooLarge, end: None, from: 0, too_large: true }
    }

    /// Hands out the bad piece and leaves the window at what follows it.
    pub(super) fn skip(
        self,
        window: &mut Window<'_>,
        out: &mut Output<'_>,
        signatures: &mut Signatures,
        place: Place,
    ) -> Result<(), Halt> {
        let mut piece = BadPiece {
            reason: self.reason,
            offset: window.offset(),
            length: 0,
            bytes: Vec::new(),
            records_lost: None,
        };
        let mut from = self.from;
        if let Some(end) = self.end {
            take(&mut piece, window, end);
            piece.records_lost = Some(1);
            return out.bad_piece(piece);
        }
        if self.too_large {
            let mut scanner = Tolerant::new();
            loop {
                match scanner.feed(window.bytes()) {
                    Scan::End(end) => {
                        take(&mut piece, window, end);
                        piece.records_lost = Some(1);
                        return out.bad_piece(piece);
                    }
                    Scan::Broken(at) => {
                        from = at;
                        break;
                    }
                    Scan::More => {
                        take(&mut piece, window, window.bytes().len());
                        if !window.more()? {
                            return out.bad_piece(piece);
                        }
                    }
                }
            }
        }
        loop {
            if let Some(at) = signatures.find(window.bytes(), window.offset(), from, place) {
                take(&mut piece, window, at);
                return out.bad_piece(piece);
            }
            let length = window.bytes().len();
            let dropped = if window.ended() { length } else { length.saturating_sub(KEPT_BYTES) };
            take(&mut piece, window, dropped);
            from = from.saturating_sub(dropped);
            if !window.more()? && dropped == length {
                return out.bad_piece(piece);
            }
        }
    }
}

/// Whether after `end` stands what may follow a value there.
fn follows(window: &mut Window<'_>, end: usize, place: Place) -> Result<bool, Halt> {
    if place == Place::Top {
        return Ok(true);
    }
    loop {
        let rest = window.bytes().get(end..).unwrap_or_default();
        let next = rest.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
        match next {
            Some(byte) => return Ok(matches!(byte, b',' | b']')),
            None if !window.more()? => return Ok(false),
            None => {}
        }
    }
}

fn take(piece: &mut BadPiece, window: &mut Window<'_>, length: usize) {
    let bytes = window.bytes();
    let room = BadPiece::BYTES_MAX.saturating_sub(piece.bytes.len()).min(length);
    piece.bytes.extend_from_slice(bytes.get(..room).unwrap_or_default());
    piece.length += length as u64;
    window.consume(length);
}
