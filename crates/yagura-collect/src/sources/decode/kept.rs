//! Records again from what the lake keeps of them: the record as it stood in the log, where it came
//! from, and, for logs whose lines need a header, the columns.
//! How rows are read from the lake is the lake's business.

use std::ops::ControlFlow;
use std::sync::Arc;

use yagura_content::format::{Header, RecordFormat, Source};
use yagura_model::event::EventBatch;
use yagura_model::object::LogObject;

use super::limits::Limits;
use super::message::Messages;
use super::output::Output;
use super::piece::Decoded;
use super::{Decoding, Envelopes, origin_of_key};

/// A row of the lake, as far as it makes a record.
#[derive(Clone, Debug, Default)]
pub struct KeptRow<'a> {
    /// The record as it stood in the log.
    pub raw: &'a str,
    /// Where it happened.
    pub account: Option<&'a str>,
    /// Where it happened.
    pub region: Option<&'a str>,
    /// When it happened, as RFC 3339.
    pub time: Option<&'a str>,
    /// Fields by the names that the log has for them; asked for where [`is_headed`].
    pub fields: Vec<(&'a str, String)>,
}

/// Whether the lines of a source say what they are only with the header of their object, which the
/// lake does not keep: then the columns tell the fields.
pub fn is_headed(source: &Source) -> bool {
    source.formats.iter().any(
        |format| matches!(format, RecordFormat::Delimited(format) if format.header != Header::None),
    )
}

/// The records of one object again, in the order of the rows, and how many could not be read.
///
/// Account and region are what the row says, since envelopes are not kept; so is the time where
/// the envelope told it. A record's ordinal is its place among these rows.
pub fn kept<'a>(
    source: &Source,
    location: &str,
    rows: impl IntoIterator<Item = KeptRow<'a>>,
) -> (Vec<EventBatch>, u64) {
    let key = key_of(location);
    let limits = Limits::default();
    let origin = Arc::new(origin_of_key(Some(source), location, key));
    let mut batches = Vec::new();
    let mut bad = 0;
    let mut sink = |decoded| {
        match decoded {
            Decoded::Batch(batch) => batches.push(batch),
            Decoded::Bad(_) => bad += 1,
        }
        ControlFlow::Continue(())
    };
    let mut out = Output::new(origin, &limits, &mut sink);
    let object = LogObject {
        location: location.to_owned(),
        key: key.to_owned(),
        version: None,
        etag: None,
        size_bytes: 0,
        modified: None,
    };
    let decoding = Decoding { object: &object, source, limits: &limits };
    let envelopes = Envelopes::of(source);
    let json = source
        .formats
        .iter()
        .any(|format| matches!(format, RecordFormat::Json | RecordFormat::Parquet));
    let headed = is_headed(source);
    let mut messages: Option<Messages<'_>> = None;
    for row in rows {
        let context = context_of(&row);
        let is_object = row.raw.starts_with('{');
        // The receiver never breaks, so that nothing ends early.
        let _ = if headed && !(json && is_object) {
            compose(&row, &context, &mut out)
        } else {
            let messages = messages
                .get_or_insert_with(|| Messages { json, text: decoding.text_reader(row.raw) });
            let time = row.time.map(str::to_owned);
            messages.read(row.raw, time, Some(&context), 0, &mut out, &envelopes)
        };
    }
    let _ = out.flush();
    (batches, bad)
}

/// A record out of its fields.
fn compose(
    row: &KeptRow<'_>,
    context: &Arc<[(String, String)]>,
    out: &mut Output<'_>,
) -> Result<(), super::output::Halt> {
    out.builder.set_context(Some(Arc::clone(context)));
    out.builder.set_timestamp(row.time.map(str::to_owned));
    out.builder.begin_record(row.raw);
    for (name, value) in &row.fields {
        out.builder.field(name, value);
    }
    out.builder.end_record();
    out.added()
}

/// What the envelope told and the row still knows.
fn context_of(row: &KeptRow<'_>) -> Arc<[(String, String)]> {
    let mut context = Vec::new();
    for (names, value) in
        [(["account", "owner"].as_slice(), row.account), (["region"].as_slice(), row.region)]
    {
        if let Some(value) = value {
            context.extend(names.iter().map(|name| ((*name).to_owned(), value.to_owned())));
        }
    }
    context.into()
}

/// The key of an object by its location.
fn key_of(location: &str) -> &str {
    match location.strip_prefix("s3://") {
        Some(rest) => rest.split_once('/').map_or("", |(_, key)| key),
        None => location.strip_prefix('/').unwrap_or(location),
    }
}

#[cfg(test)]
mod tests {
    use yagura_content::Content;

    use super::*;

    fn check(source: &str, rows: Vec<KeptRow<'_>>, field: &str, expected: &[&str]) {
        let source = Content::builtin().sources.get(source).unwrap();
        let (batches, bad) = kept(source, "s3://logs/AWSLogs/x", rows);
        assert_eq!(bad, 0);
        let values: Vec<String> = batches
            .iter()
            .flatten()
            .map(|record| record.root().get(field).unwrap().text().into_owned())
            .collect();
        assert_eq!(values, expected);
    }

    #[test]
    fn json_stands_as_it_was_and_knows_its_account() {
        let row = KeptRow {
            raw: r#"{"eventName":"StopLogging"}"#,
            account: Some("111122223333"),
            ..KeptRow::default()
        };
        check("cloudtrail", vec![row.clone()], "eventName", &["StopLogging"]);
        let source = Content::builtin().sources.get("cloudtrail").unwrap();
        let (batches, _) = kept(source, "/logs/a.json", [row]);
        let record = batches[0].record(0).unwrap();
        assert_eq!(record.key_field("account"), Some("111122223333"));
        assert_eq!(&*record.origin().object, "/logs/a.json");
    }

    #[test]
    fn lines_with_a_header_come_from_their_columns() {
        let fields = vec![("srcaddr", "192.0.2.1".to_owned()), ("dstport", "22".to_owned())];
        let row = KeptRow { raw: "22 192.0.2.1", fields, ..KeptRow::default() };
        check("vpc_flow", vec![row.clone(), row], "dstport", &["22", "22"]);
    }

    #[test]
    fn a_flow_that_was_parquet_is_json() {
        let row = KeptRow { raw: r#"{"srcaddr":"192.0.2.7"}"#, ..KeptRow::default() };
        check("vpc_flow", vec![row], "srcaddr", &["192.0.2.7"]);
    }

    #[test]
    fn what_cannot_be_read_is_counted() {
        let source = Content::builtin().sources.get("cloudtrail").unwrap();
        let broken = KeptRow { raw: "{", ..KeptRow::default() };
        let (batches, bad) = kept(source, "/a", [broken]);
        assert_eq!((batches.len(), bad), (0, 1));
    }
}
