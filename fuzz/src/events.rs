//! What the fuzz targets of log records do with their bytes.
//! Shared with the ordinary tests, which replay `fuzz/seeds` on stable.

use std::ops::ControlFlow;

use yagura_collect::sources::decode::{BadPiece, Decoded, Limits, decode};
use yagura_content::Content;
use yagura_model::event::{BatchBuilder, EventBatch};
use yagura_model::object::LogObject;

/// A JSON text.
///
/// INVARIANT: we take it if and only if `serde_json` does, which besides refuses numbers that do
/// not fit a double; and what we hand out again is the same value.
pub fn event_json(data: &[u8]) {
    let mut builder = BatchBuilder::default();
    let ours = builder.push_json(data);
    match serde_json::from_slice::<serde_json::Value>(data) {
        Ok(value) => {
            ours.unwrap_or_else(|fault| panic!("refused: {fault}"));
            let record = builder.last().unwrap_or_else(|| panic!("no record"));
            let again: serde_json::Value = serde_json::from_str(&record.root().json())
                .unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(again, value);
        }
        Err(error) if error.to_string().starts_with("number out of range") => {}
        Err(error) => assert!(ours.is_err(), "taken, though {error}"),
    }
}

/// A log object: the first byte chooses the source, the second how finely it is read.
///
/// INVARIANT: it ends without a panic; what it calls a record is an object; and a text gives the
/// same records and bad pieces however it is split.
pub fn log_object(data: &[u8]) {
    const SOURCES: [&str; 8] = [
        "cloudtrail",
        "vpc_flow",
        "s3_access",
        "syslog",
        "cloudfront",
        "postgresql",
        "rds_audit",
        "eks_audit",
    ];
    let [source, chunk, bytes @ ..] = data else { return };
    let source = SOURCES[usize::from(*source) % SOURCES.len()];
    let whole = read(source, bytes, &Limits::default());
    let limits = Limits { chunk_bytes: usize::from(*chunk) + 1, ..Limits::default() };
    let split = read(source, bytes, &limits);
    // Of damaged compression it is up to the decompressor how much it still gives.
    let compressed = bytes.starts_with(&[0x1f, 0x8b]) || bytes.starts_with(&[0x28, 0xb5]);
    if !compressed {
        assert_eq!(whole, split);
    }
}

fn read(source: &str, bytes: &[u8], limits: &Limits) -> (Vec<String>, Vec<BadPiece>) {
    let object = LogObject {
        location: "fuzz".to_owned(),
        key: "fuzz".to_owned(),
        version: None,
        etag: None,
        size_bytes: bytes.len() as u64,
        modified: None,
    };
    let source = &Content::builtin().sources[source];
    let (mut records, mut bad) = (Vec::new(), Vec::new());
    let mut keep = |batch: &EventBatch| {
        for record in batch {
            let value: serde_json::Value = serde_json::from_str(&record.root().json())
                .unwrap_or_else(|error| panic!("{error}"));
            assert!(value.is_object());
            records.push(record.raw().to_owned());
        }
    };
    decode(&object, source, Box::new(bytes), limits, &mut |decoded| {
        match decoded {
            Decoded::Batch(batch) => keep(&batch),
            Decoded::Bad(piece) => bad.push(piece),
        }
        ControlFlow::Continue(())
    })
    .unwrap_or_else(|error| panic!("{error}"));
    (records, bad)
}
