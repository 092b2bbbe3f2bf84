//! Files of findings, plain or compressed: OCSF, ASFF, SARIF, Prowler's CSV, and Yagura's own JSON
//! lines. JSON may be one object, a list, objects one after another, or a list inside an object;
//! what each record is shows in the record. Bad records are told with their place and counted;
//! they never stop the good ones.
//! How JSON is cut into records in bounded memory is known in `sources/decode`.

use std::fmt;
use std::io::{self, Cursor, Read};
use std::ops::ControlFlow;

use serde_json::Value;
use yagura_content::Content;
use yagura_model::imported::Imported;
use yagura_model::object::LogObject;

use super::told::{BadFinding, list, text};
use super::{asff, ocsf, prowler, sarif, yagura_lines};
use crate::sources::decode::{DecodeError, Decoded, Limits, decode};

/// The source whose wrappers findings come in: EventBridge, a list inside an object.
const WRAPPED_AS: &str = "guardduty";
/// Bytes of one record: a whole SARIF log is one.
const RECORD_BYTES_MAX: usize = 64 << 20;
/// Bytes of a file after decompression.
const FILE_BYTES_MAX: u64 = 16 << 30;
/// Bytes that are looked at to tell text from JSON.
const HEAD_BYTES: u64 = 64 << 10;
/// Bad records that are told one by one; beyond, they are counted.
const BAD_TOLD_MAX: usize = 100;

/// How findings are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileFormat {
    /// Open Cybersecurity Schema Framework.
    Ocsf,
    /// AWS Security Finding Format.
    Asff,
    /// SARIF 2.1.0.
    Sarif,
    /// Prowler's CSV.
    ProwlerCsv,
    /// Yagura's own JSON lines.
    Yagura,
}

impl fmt::Display for FileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ocsf => "OCSF",
            Self::Asff => "ASFF",
            Self::Sarif => "SARIF",
            Self::ProwlerCsv => "Prowler CSV",
            Self::Yagura => "Yagura",
        })
    }
}

/// What a file came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileRead {
    /// The formats that were found in it.
    pub formats: Vec<FileFormat>,
    /// Findings that were handed out.
    pub findings: u64,
    /// Records that are no findings, and pieces that are no records.
    pub bad: u64,
    /// The first of them, with their place: a record's number from 1, or a byte of the text.
    pub bad_told: Vec<(String, BadFinding)>,
    /// Whether the receiver wanted no more.
    pub stopped: bool,
}

impl FileRead {
    fn bad(&mut self, place: String, why: BadFinding) {
        self.bad += 1;
        if self.bad_told.len() < BAD_TOLD_MAX {
            self.bad_told.push((place, why));
        }
    }

    fn is_of(&mut self, format: FileFormat) {
        if !self.formats.contains(&format) {
            self.formats.push(format);
        }
    }
}

/// Why a file could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The bytes could not be read.
    #[error("reading `{location}`")]
    Read {
        /// The file.
        location: String,
        /// Why not.
        source: io::Error,
    },
    /// The bytes could not be decoded.
    #[error("reading the findings of `{location}`")]
    Decode {
        /// The file.
        location: String,
        /// Why not.
        source: DecodeError,
    },
    /// The columns of a CSV are none of Prowler's.
    #[error("`{location}` is neither JSON nor a CSV of Prowler")]
    NoFindings {
        /// The file.
        location: String,
    },
}

/// Reads a file of findings and hands out each as soon as it is read. `read_us` is the time of
/// reading in microseconds since 1970, for formats that may tell no time.
///
/// # Errors
/// When the file cannot be read, or is neither JSON nor a CSV of Prowler. Bad records are no
/// errors.
pub fn read_file(
    mut input: Box<dyn Read + '_>,
    location: &str,
    read_us: i64,
    sink: &mut dyn FnMut(Imported) -> ControlFlow<()>,
) -> Result<FileRead, FileError> {
    let failed = |source| FileError::Read { location: location.to_owned(), source };
    let mut head = Vec::new();
    (&mut input).take(HEAD_BYTES).read_to_end(&mut head).map_err(failed)?;
    let begin = begin_of(&head);
    let whole: Box<dyn Read + '_> = Box::new(Cursor::new(head).chain(input));
    if prowler::is_header(&begin) {
        let mut read = FileRead::default();
        read.is_of(FileFormat::ProwlerCsv);
        let rows = prowler::read(inflated(whole, &begin), sink, &mut |place, why| {
            read.bad(place, why);
        });
        let (findings, stopped) = rows.map_err(failed)?;
        return Ok(FileRead { findings, stopped, ..read });
    }
    let text = begin.trim_start_matches('\u{feff}').trim_start();
    if !text.is_empty() && !text.starts_with(['{', '[']) {
        return Err(FileError::NoFindings { location: location.to_owned() });
    }
    read_json(whole, location, read_us, sink)
}

/// The beginning of the text, compressed or not.
fn begin_of(head: &[u8]) -> String {
    let mut plain = Vec::new();
    let limit = HEAD_BYTES;
    // What cannot be inflated is told where it is read.
    let _ = match head {
        [0x1f, 0x8b, ..] => {
            flate2::read::MultiGzDecoder::new(head).take(limit).read_to_end(&mut plain)
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            zstd::Decoder::new(head).and_then(|decoder| decoder.take(limit).read_to_end(&mut plain))
        }
        _ => {
            plain.extend_from_slice(head);
            Ok(plain.len())
        }
    };
    String::from_utf8_lossy(&plain).into_owned()
}

/// A text file's bytes, inflated where they are compressed, and no more than may be.
fn inflated<'r>(mut whole: Box<dyn Read + 'r>, begin: &str) -> Box<dyn Read + 'r> {
    let mut magic = Vec::new();
    // An error shows again at the next read.
    let _ = (&mut whole).take(4).read_to_end(&mut magic);
    let is_gzip = magic.starts_with(&[0x1f, 0x8b]) && !begin.is_empty();
    let whole = Cursor::new(magic).chain(whole);
    if is_gzip {
        return Box::new(flate2::read::MultiGzDecoder::new(whole).take(FILE_BYTES_MAX));
    }
    Box::new(whole.take(FILE_BYTES_MAX))
}

fn read_json(
    input: Box<dyn Read + '_>,
    location: &str,
    read_us: i64,
    sink: &mut dyn FnMut(Imported) -> ControlFlow<()>,
) -> Result<FileRead, FileError> {
    let sources = &Content::builtin().sources;
    let Some(source) = sources.get(WRAPPED_AS) else {
        return Err(FileError::NoFindings { location: location.to_owned() });
    };
    let object = LogObject {
        location: location.to_owned(),
        key: String::new(),
        version: None,
        etag: None,
        size_bytes: 0,
        modified: None,
    };
    let limits = Limits {
        record_bytes_max: RECORD_BYTES_MAX,
        inflated_bytes_max: FILE_BYTES_MAX,
        ..Limits::default()
    };
    let mut read = FileRead::default();
    let summary = decode(&object, source, input, &limits, &mut |decoded| match decoded {
        Decoded::Bad(piece) => {
            let why = piece.reason.id().to_owned();
            read.bad(format!("byte {}", piece.offset), BadFinding::Damaged(why));
            ControlFlow::Continue(())
        }
        Decoded::Batch(batch) => {
            for record in &batch {
                let place = format!("{}", record.ordinal() + 1);
                let record: Result<Value, _> = serde_json::from_str(&record.root().json());
                match record {
                    Ok(record) => take(&record, &place, read_us, &mut read, sink)?,
                    Err(error) => read.bad(place, BadFinding::Damaged(error.to_string())),
                }
            }
            ControlFlow::Continue(())
        }
    });
    let summary =
        summary.map_err(|source| FileError::Decode { location: location.to_owned(), source })?;
    Ok(FileRead { stopped: summary.stopped, ..read })
}

/// One record, by what it shows itself to be.
fn take(
    record: &Value,
    place: &str,
    read_us: i64,
    read: &mut FileRead,
    sink: &mut dyn FnMut(Imported) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut one = |format, finding: Result<Imported, BadFinding>, place: String| {
        read.is_of(format);
        match finding {
            Ok(finding) => {
                read.findings += 1;
                sink(finding)
            }
            Err(why) => {
                read.bad(place, why);
                ControlFlow::Continue(())
            }
        }
    };
    if record.get("class_uid").is_some() {
        return one(FileFormat::Ocsf, ocsf::map(record), place.to_owned());
    }
    if record.get("ProductArn").is_some() {
        return one(FileFormat::Asff, asff::map(record), place.to_owned());
    }
    if text(record, "/format") == Some(yagura_lines::FORMAT) {
        return one(FileFormat::Yagura, yagura_lines::map(record), place.to_owned());
    }
    // An event of EventBridge holds a list of findings.
    if let Some(findings) = record.get("findings").and_then(Value::as_array) {
        for finding in findings {
            one(FileFormat::Asff, asff::map(finding), place.to_owned())?;
        }
        return ControlFlow::Continue(());
    }
    let is_sarif = text(record, "/version").is_some_and(|version| version.starts_with("2.1"));
    if !is_sarif || record.get("runs").is_none() {
        let shown = record.as_object().and_then(|members| members.keys().next());
        let shown = super::told::cut(shown.map_or("", String::as_str), 40);
        read.bad(place.to_owned(), BadFinding::Unknown(shown));
        return ControlFlow::Continue(());
    }
    for (at, run) in list(record, "/runs").enumerate() {
        match sarif::Run::of(run, read_us) {
            Err(why) => drop(one(FileFormat::Sarif, Err(why), format!("run {}", at + 1))),
            Ok(shared) => {
                for (nth, result) in list(run, "/results").enumerate() {
                    let place = format!("run {}, result {}", at + 1, nth + 1);
                    one(FileFormat::Sarif, shared.map(result), place)?;
                }
            }
        }
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
