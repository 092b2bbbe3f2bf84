//! Lists of threat intelligence: their bytes become indicators, and what cannot be used is told
//! with its place and reason. Pure: nothing is fetched here, and nothing is matched.
//!
//! A bad entry never spoils the good ones. A document that ends in the middle is refused whole,
//! so that half a download never takes the place of a list.

mod aws_ranges;
pub mod canonical;
mod csv_rows;
mod entry;
mod plain;
mod stix1;
mod stix2;
mod stix_pattern;
mod vendor;

use yagura_model::indicator::{CsvLayout, Indicators, ListFormat, Validity};

pub use aws_ranges::{AwsRange, AwsRanges, read_aws_ranges};
pub use entry::EntryFault;
pub use stix_pattern::indicators_of_pattern;

/// Entries of one list.
pub const ENTRIES_MAX: usize = 2_000_000;
/// Bytes of one list.
pub const LIST_BYTES_MAX: usize = 512 << 20;
/// Bad entries that are kept with their text; all are counted.
pub const BAD_KEPT_MAX: usize = 100;
/// Characters kept of a bad entry.
const BAD_CHARS_MAX: usize = 100;

/// How a list is to be read.
#[derive(Clone, Debug, Default)]
pub struct ListOptions {
    /// How it is written.
    pub format: ListFormat,
    /// Of CSV: how rows are laid out.
    pub csv: CsvLayout,
    /// Whether a domain stands for itself alone; else also for the names below it.
    pub exact_domains: bool,
}

/// Where something stands in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryPlace {
    /// The line, from 1.
    Line(u64),
    /// The object of a bundle, from 1.
    Object(u64),
}

/// An entry that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadEntry {
    /// Where it stands.
    pub place: EntryPlace,
    /// Its text, cut; control characters are replaced.
    pub text: String,
    /// Why it is not used.
    pub fault: EntryFault,
}

/// What was read of a list.
#[derive(Clone, Debug, Default)]
pub struct ListRead {
    /// The entries.
    pub entries: Indicators,
    /// The first entries that are not used.
    pub bad: Vec<BadEntry>,
    /// How many are not used.
    pub bad_total: u64,
    /// Entries that the list itself calls revoked.
    pub revoked_total: u64,
    /// Whether the list has more entries than are taken of one.
    pub cut: bool,
}

/// Why nothing of a list is used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListFault {
    /// More bytes than a list may have.
    #[error("the list is larger than {} MiB", LIST_BYTES_MAX >> 20)]
    Large,
    /// Not a document of its format, or one that ends in the middle.
    #[error("it is no {format} (line {line}, column {column}: {what})")]
    Form {
        /// What it should be: `JSON`, `XML`, `CSV`.
        format: &'static str,
        /// The line, from 1; 0 where it is not known.
        line: u64,
        /// The column, from 1; 0 where it is not known.
        column: u64,
        /// What is wrong.
        what: String,
    },
    /// A column of the layout that the header does not have.
    #[error("the header has no column `{0}`")]
    Column(String),
    /// A document in which nothing was found that the format has: probably another format.
    #[error("nothing in it looks like {format}")]
    Foreign {
        /// What it should be.
        format: &'static str,
    },
}

/// Reads a list.
///
/// # Errors
/// What is not a document of the format at all, or larger than a list may be.
pub fn read_list(bytes: &[u8], options: &ListOptions) -> Result<ListRead, ListFault> {
    if bytes.len() > LIST_BYTES_MAX {
        return Err(ListFault::Large);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reading = Reading { read: ListRead::default(), whole: !options.exact_domains };
    match options.format {
        ListFormat::Plain => plain::read(bytes, &mut reading),
        ListFormat::Csv => csv_rows::read(bytes, &options.csv, &mut reading)?,
        ListFormat::Stix => match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'<') => stix1::read(bytes, &mut reading)?,
            _ => stix2::read(bytes, &mut reading)?,
        },
        ListFormat::OtxCsv => vendor::otx(bytes, &mut reading)?,
        ListFormat::AlienVault => vendor::alien_vault(bytes, &mut reading),
        ListFormat::ProofPoint => vendor::proof_point(bytes, &mut reading)?,
        ListFormat::FireEye => vendor::fire_eye(bytes, &mut reading)?,
    }
    Ok(reading.read)
}

/// A list while it is read.
pub(crate) struct Reading {
    pub(crate) read: ListRead,
    /// Whether a domain stands for the names below it too.
    pub(crate) whole: bool,
}

impl Reading {
    /// Whether no more entries are taken. Noted as cut when something is left.
    pub(crate) fn is_full(&mut self) -> bool {
        let full = self.read.entries.len() >= ENTRIES_MAX;
        self.read.cut |= full;
        full
    }

    /// Adds what a text means, or notes why it is not used.
    pub(crate) fn add(&mut self, place: EntryPlace, text: &str) {
        self.add_valid(place, text, Validity::default());
    }

    pub(crate) fn add_valid(&mut self, place: EntryPlace, text: &str, validity: Validity) {
        if let Err(fault) = entry::add(&mut self.read.entries, text, self.whole, validity) {
            self.bad(place, text, fault);
        }
    }

    /// Notes an entry that is not used.
    pub(crate) fn bad(&mut self, place: EntryPlace, text: &str, fault: EntryFault) {
        self.read.bad_total += 1;
        if self.read.bad.len() < BAD_KEPT_MAX {
            let text = text.chars().take(BAD_CHARS_MAX);
            let text = text.map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
            self.read.bad.push(BadEntry { place, text, fault });
        }
    }
}

#[cfg(test)]
mod tests;
