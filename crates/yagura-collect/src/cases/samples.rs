//! The samples of log sources, run through the real recognition, decoding and rows: files in,
//! rows out.
//! Cases of resource files are in `mod.rs`; how rows are stored is the lake's business.

use std::io::Cursor;
use std::ops::ControlFlow;

use jiff::Timestamp;
use serde_json::{Map, Value};
use yagura_content::Content;
use yagura_content::format::{Sample, Source};
use yagura_model::object::LogObject;

use crate::sources::decode::{Decoded, Limits, decode, recognize};

/// When every sample was last changed: nothing in a sample may depend on when it runs.
const MODIFIED_S: i64 = 1_795_262_400;
/// Bytes of a sample that recognition sees.
const HEAD_BYTES: usize = 64 * 1024;
/// Differences that are told of one sample; the rest is counted.
const PROBLEMS_MAX: usize = 10;

/// How a sample went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleResult {
    /// The source's id.
    pub source: String,
    /// The sample's file.
    pub sample: String,
    /// What is not as expected; empty if the sample passed.
    pub problems: Vec<String>,
}

/// What an object gives.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// As JSON, in the order of the records.
    pub(crate) rows: Vec<Map<String, Value>>,
    /// The records, whole.
    pub(crate) raws: Vec<String>,
    /// The names of those that have one.
    pub(crate) names: Vec<String>,
    /// Pieces that are no records, and records without a time.
    pub(crate) bad: Vec<String>,
}

/// Runs every sample of every source.
pub fn run(content: &Content) -> Vec<SampleResult> {
    let samples = content
        .sources
        .values()
        .flat_map(|source| source.samples.iter().map(move |sample| (source, sample)));
    samples
        .map(|(source, sample)| SampleResult {
            source: source.id.clone(),
            sample: sample.file.value.clone(),
            problems: problems_of(content, source, sample),
        })
        .collect()
}

fn problems_of(content: &Content, source: &Source, sample: &Sample) -> Vec<String> {
    let Some(text) = content.sample(source, &sample.file) else {
        return vec!["the file is not there".to_owned()];
    };
    let mut problems = unrecognized(content, source, sample, text.as_bytes());
    let read = read(source, &sample.key, text.as_bytes());
    problems.extend(read.bad.iter().cloned());
    let mut names = read.names.clone();
    names.sort();
    names.dedup();
    if names.len() < read.names.len() {
        problems.push("two records have the same name, so one would be dropped".to_owned());
    }
    match content.sample(source, &sample.expected_file()) {
        Some(expected) => problems.extend(differences(expected, &read.rows)),
        None => {
            problems.push(format!("no rows are expected yet; it gives:\n{}", lines(&read.rows)));
        }
    }
    let more = problems.len().saturating_sub(PROBLEMS_MAX);
    problems.truncate(PROBLEMS_MAX);
    if more > 0 {
        problems.push(format!("and {more} more"));
    }
    problems
}

/// Whether the source is recognized by the sample's key, and by its content alone.
fn unrecognized(content: &Content, source: &Source, sample: &Sample, bytes: &[u8]) -> Vec<String> {
    let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
    let check = |what: &str, key: &str| {
        let found = recognize(&content.sources, key, head).map(|found| found.id.as_str());
        (found != Some(source.id.as_str())).then(|| match found {
            Some(other) => format!("by its {what} it is recognized as `{other}`"),
            None => format!("by its {what} it is not recognized"),
        })
    };
    let by_key = check("key and content", &sample.key);
    let by_content = sample.by_content.then(|| check("content alone", "upload/file")).flatten();
    by_key.into_iter().chain(by_content).collect()
}

/// Reads an object as ingestion does.
pub(crate) fn read(source: &Source, key: &str, bytes: &[u8]) -> Read {
    let object = LogObject {
        location: format!("sample:{key}"),
        key: key.to_owned(),
        version: None,
        etag: None,
        size_bytes: bytes.len() as u64,
        modified: Timestamp::from_second(MODIFIED_S).ok(),
    };
    let mut read = Read::default();
    let table = source.table();
    let input = Box::new(Cursor::new(bytes));
    let outcome = decode(&object, source, input, &Limits::default(), &mut |decoded| {
        match decoded {
            Decoded::Batch(batch) => {
                for record in &batch {
                    match table.row(record) {
                        Some(row) => read.rows.push(row.json(table)),
                        None => read.bad.push(format!("no time is in `{}`", short(record.raw()))),
                    }
                    read.raws.push(record.raw().to_owned());
                    read.names.extend(table.name_of(record));
                }
            }
            Decoded::Bad(piece) => read.bad.push(format!(
                "{:?} at byte {}: `{}`",
                piece.reason,
                piece.offset,
                short(&String::from_utf8_lossy(&piece.bytes))
            )),
        }
        ControlFlow::Continue(())
    });
    if let Err(error) = outcome {
        read.bad.push(error.to_string());
    }
    read
}

fn short(text: &str) -> String {
    text.chars().take(120).collect()
}

/// Rows as a file of expected rows has them.
pub(crate) fn lines(rows: &[Map<String, Value>]) -> String {
    rows.iter().map(|row| format!("{}\n", Value::Object(row.clone()))).collect()
}

/// Whether two texts are the same JSON, written with other blanks or escapes: a record that was
/// printed for people gives the same rows.
fn same_json(one: &Value, other: &Value) -> bool {
    let parse = |value: &Value| {
        let text = value.as_str().filter(|text| text.starts_with(['{', '[']))?;
        serde_json::from_str::<Value>(text).ok()
    };
    parse(one).is_some_and(|one| parse(other) == Some(one))
}

/// What differs between a file of expected rows and the rows.
pub(crate) fn differences(expected: &str, rows: &[Map<String, Value>]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut wanted = Vec::new();
    for (number, line) in expected.lines().enumerate() {
        match serde_json::from_str::<Map<String, Value>>(line) {
            Ok(row) => wanted.push(row),
            Err(error) => {
                problems.push(format!("line {} of the expected rows: {error}", number + 1));
            }
        }
    }
    if wanted.len() != rows.len() {
        problems.push(format!("{} rows, expected {}", rows.len(), wanted.len()));
    }
    for (number, (wanted, row)) in wanted.iter().zip(rows).enumerate() {
        let absent = Value::Null;
        let names = wanted.keys().chain(row.keys().filter(|name| !wanted.contains_key(*name)));
        for name in names {
            let (is, expected) =
                (row.get(name).unwrap_or(&absent), wanted.get(name).unwrap_or(&absent));
            if is != expected && !same_json(is, expected) {
                problems.push(format!("row {}: `{name}` is {is}, expected {expected}", number + 1));
            }
        }
    }
    problems
}
