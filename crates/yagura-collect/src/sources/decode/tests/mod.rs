//! Tests of decoding through its only door, over the built-in sources.
//! Tests of single steps stand beside them.

mod compression;
mod damage;
mod envelopes;
mod real_trail;
mod recognition;
mod splits;
mod text_logs;

use std::io::{self, Read, Write as _};
use std::ops::ControlFlow;

use yagura_content::Content;
use yagura_content::format::Source;
use yagura_model::event::EventBatch;
use yagura_model::object::LogObject;

use super::{BadPiece, BadReason, DecodeSummary, Decoded, Limits, decode};

/// A key as CloudTrail itself writes it.
const TRAIL_KEY: &str = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/21/\
                         111122223333_CloudTrail_us-east-1_20261121T0515Z_abc.json.gz";

/// A key that says nothing.
const ANY_KEY: &str = "exports/part-1";

fn source(id: &str) -> &'static Source {
    &Content::builtin().sources[id]
}

fn object(key: &str) -> LogObject {
    LogObject {
        location: format!("s3://logs/{key}"),
        key: key.to_owned(),
        version: None,
        etag: None,
        size_bytes: 0,
        modified: None,
    }
}

/// What came of an object.
#[derive(Debug, Default)]
struct Run {
    batches: Vec<EventBatch>,
    bad: Vec<BadPiece>,
    summary: DecodeSummary,
}

impl Run {
    fn raws(&self) -> Vec<&str> {
        self.batches.iter().flatten().map(|record| record.raw()).collect()
    }

    fn json(&self) -> Vec<serde_json::Value> {
        let records = self.batches.iter().flatten();
        records.map(|record| serde_json::from_str(&record.root().json()).unwrap()).collect()
    }

    /// The `eventID`s of the records.
    fn ids(&self) -> Vec<String> {
        let records = self.batches.iter().flatten();
        records.map(|record| record.root().get("eventID").unwrap().text().into_owned()).collect()
    }

    fn reasons(&self) -> Vec<BadReason> {
        self.bad.iter().map(|piece| piece.reason).collect()
    }
}

fn run_with(id: &str, key: &str, input: impl Read, limits: &Limits) -> Run {
    let mut run = Run::default();
    let summary = decode(&object(key), source(id), Box::new(input), limits, &mut |decoded| {
        match decoded {
            Decoded::Batch(batch) => run.batches.push(batch),
            Decoded::Bad(piece) => run.bad.push(piece),
        }
        ControlFlow::Continue(())
    });
    run.summary = summary.unwrap();
    let records: usize = run.batches.iter().map(EventBatch::len).sum();
    assert_eq!(run.summary.records, records as u64);
    assert_eq!(run.summary.bad_pieces, run.bad.len() as u64);
    run
}

fn run(id: &str, key: &str, bytes: &[u8]) -> Run {
    run_with(id, key, bytes, &Limits::default())
}

fn trail(bytes: &[u8]) -> Run {
    run("cloudtrail", ANY_KEY, bytes)
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// A CloudTrail record with an id of its own.
fn record(id: usize) -> String {
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","userName":"mika"}},"eventTime":"2026-11-21T05:01:12Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"us-east-1","requestParameters":{{"key":"a/\"b\"/{{c}}"}},"resources":[{{"ARN":"arn:aws:s3:::x"}},{{"ARN":"y"}}],"eventID":"e-{id}"}}"#
    )
}

fn records(ids: impl IntoIterator<Item = usize>) -> String {
    let records: Vec<String> = ids.into_iter().map(record).collect();
    format!("{{\"Records\":[{}]}}", records.join(","))
}

/// A reader that makes up its text as it is read.
struct Generated<F: FnMut(u64) -> Vec<u8>> {
    piece: Vec<u8>,
    number: u64,
    make: F,
}

impl<F: FnMut(u64) -> Vec<u8>> Generated<F> {
    fn new(make: F) -> Self {
        Self { piece: Vec::new(), number: 0, make }
    }
}

impl<F: FnMut(u64) -> Vec<u8>> Read for Generated<F> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            self.piece = (self.make)(self.number);
            self.number += 1;
        }
        let length = to.len().min(self.piece.len());
        to[..length].copy_from_slice(&self.piece[..length]);
        self.piece.drain(..length);
        Ok(length)
    }
}
