//! Parquet files that services write (VPC flow logs, CloudFront, Security Lake), read into event
//! batches: each row becomes a JSON object with the file's own column names. Wide tables of which
//! little matters (bills) are read by column, in `picked`.
//! Our own files are not read here (`query` does), and nothing is typed: that is `rows`' work.

mod picked;

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use arrow::json::WriterBuilder;
use arrow::json::writer::LineDelimited;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::reader::ChunkReader;
use yagura_model::event::{BatchBuilder, EventBatch, Origin};

pub use picked::{PickFault, PickedRow, read_picked};

/// Rows that are decoded at once: bounds the memory for wide rows.
const ROWS_AT_ONCE: usize = 1024;

/// A Parquet file: its index stands at its end, so it must be at hand whole.
#[derive(Debug)]
pub enum ParquetInput {
    /// In memory.
    Memory(Bytes),
    /// In a file, of which parts are read as they are needed.
    File(File),
}

/// Why a Parquet file could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ParquetFault {
    /// The bytes are not a Parquet file, or a damaged one, or one with parts that are not known.
    #[error("not a readable Parquet file after {rows} rows: {what}")]
    Malformed {
        /// Rows that were handed out before.
        rows: u64,
        /// What the reader says.
        what: String,
    },
    /// The file could not be read.
    #[error("reading the copy of a Parquet file")]
    Read(#[source] io::Error),
}

/// Reads the rows of a Parquet file and hands them out in batches, with about `batch_bytes` of
/// text and index each. Answers how many rows there were; fewer if the receiver broke off.
///
/// A column that is null is an absent member. Timestamps are RFC 3339, binary is hexadecimal.
///
/// # Errors
/// When the file is damaged or cannot be read; the rows before have been handed out.
pub fn read_rows(
    input: ParquetInput,
    origin: Arc<Origin>,
    batch_bytes: usize,
    sink: &mut dyn FnMut(EventBatch) -> ControlFlow<()>,
) -> Result<u64, ParquetFault> {
    let reader = match input {
        ParquetInput::Memory(bytes) => open(bytes)?,
        ParquetInput::File(file) => open(file)?,
    };
    let mut builder = BatchBuilder::new(origin);
    let mut rows = 0;
    let mut json = Vec::new();
    for batch in reader {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => {
                // The rows before the damage are good.
                let _ = sink(builder.finish());
                return Err(ParquetFault::Malformed { rows, what: error.to_string() });
            }
        };
        write_rows(&batch, &mut json)
            .map_err(|error| ParquetFault::Malformed { rows, what: error.to_string() })?;
        for line in json.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            builder
                .push_json(line)
                .map_err(|error| ParquetFault::Malformed { rows, what: error.to_string() })?;
            rows += 1;
            if builder.bytes_used() >= batch_bytes && sink(builder.finish()).is_break() {
                return Ok(rows);
            }
        }
    }
    if !builder.batch().is_empty() {
        let _ = sink(builder.finish());
    }
    Ok(rows)
}

fn open<R: ChunkReader + 'static>(input: R) -> Result<ParquetRecordBatchReader, ParquetFault> {
    let fault = |error: ParquetError| match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => ParquetFault::Read(*error),
            Err(error) => ParquetFault::Malformed { rows: 0, what: error.to_string() },
        },
        error => ParquetFault::Malformed { rows: 0, what: error.to_string() },
    };
    let metadata = metadata(&input).map_err(fault)?;
    ParquetRecordBatchReaderBuilder::new_with_metadata(input, metadata)
        .with_batch_size(ROWS_AT_ONCE)
        .build()
        .map_err(fault)
}

/// What the file says of itself, with time zones that can be printed.
fn metadata<R: ChunkReader>(input: &R) -> Result<ArrowReaderMetadata, ParquetError> {
    let found = ArrowReaderMetadata::load(input, ArrowReaderOptions::new())?;
    let options = ArrowReaderOptions::new().with_schema(Arc::new(in_utc(found.schema())));
    ArrowReaderMetadata::try_new(Arc::clone(found.metadata()), options)
}

/// The schema with every time zone written as an offset: names of zones, `UTC` among them, would
/// need a zone database to be printed, and Parquet keeps such times in UTC anyway.
fn in_utc(schema: &Schema) -> Schema {
    let fields: Vec<Field> = schema.fields().iter().map(|field| field_in_utc(field)).collect();
    Schema::new_with_metadata(fields, schema.metadata().clone())
}

// The depth of the recursion is that of the file's schema, which the reader has walked before.
fn field_in_utc(field: &Field) -> Field {
    let inner = |field: &Arc<Field>| Arc::new(field_in_utc(field));
    let kind = match field.data_type() {
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("+00:00".into())),
        DataType::List(item) => DataType::List(inner(item)),
        DataType::LargeList(item) => DataType::LargeList(inner(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(inner(item), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries), *sorted),
        other => other.clone(),
    };
    field.clone().with_data_type(kind)
}

/// Writes the rows as lines of JSON.
fn write_rows(batch: &RecordBatch, json: &mut Vec<u8>) -> Result<(), arrow::error::ArrowError> {
    json.clear();
    let mut writer = WriterBuilder::new().build::<_, LineDelimited>(&mut *json);
    writer.write(batch)?;
    writer.finish()
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int32Array, Int64Array, StringArray, TimestampMillisecondArray};
    use parquet::arrow::ArrowWriter;

    use super::*;

    fn file(rows: i64) -> Vec<u8> {
        let numbers: Vec<i64> = (0..rows).collect();
        let addresses: Vec<Option<String>> =
            numbers.iter().map(|n| (n % 3 != 0).then(|| format!("10.0.0.{}", n % 250))).collect();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("version", Arc::new(Int32Array::from(vec![2; numbers.len()]))),
            ("srcaddr", Arc::new(StringArray::from(addresses))),
            ("bytes", Arc::new(Int64Array::from(numbers.clone()))),
            ("start", Arc::new(TimestampMillisecondArray::from(numbers).with_timezone("UTC"))),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, column)| (name, column, true)),
        )
        .unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        bytes
    }

    fn read(
        input: ParquetInput,
        batch_bytes: usize,
    ) -> (Vec<EventBatch>, Result<u64, ParquetFault>) {
        let mut batches = Vec::new();
        let outcome = read_rows(input, Arc::default(), batch_bytes, &mut |batch| {
            batches.push(batch);
            ControlFlow::Continue(())
        });
        (batches, outcome)
    }

    #[test]
    fn each_row_becomes_an_object_without_its_nulls() {
        let (batches, outcome) = read(ParquetInput::Memory(file(4).into()), 1 << 20);
        assert_eq!(outcome.unwrap(), 4);
        let rows: Vec<&str> = batches.iter().flatten().map(|record| record.raw()).collect();
        assert_eq!(rows[0], r#"{"version":2,"bytes":0,"start":"1970-01-01T00:00:00Z"}"#);
        assert_eq!(
            rows[1],
            r#"{"version":2,"srcaddr":"10.0.0.1","bytes":1,"start":"1970-01-01T00:00:00.001Z"}"#
        );
    }

    #[test]
    fn many_rows_come_in_bounded_batches_from_a_file_too() {
        let mut copy = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut copy, &file(5000)).unwrap();
        let (batches, outcome) = read(ParquetInput::File(copy), 64 << 10);
        assert_eq!(outcome.unwrap(), 5000);
        assert!(batches.len() > 5);
        assert!(batches.iter().all(|batch| batch.bytes_len() < 512 << 10));
        let ordinals: Vec<u64> = batches.iter().flatten().map(|record| record.ordinal()).collect();
        assert_eq!(ordinals, (0..5000).collect::<Vec<u64>>());
    }

    #[test]
    fn a_receiver_that_breaks_gets_no_more() {
        let mut calls = 0;
        let input = ParquetInput::Memory(file(5000).into());
        let outcome = read_rows(input, Arc::default(), 16 << 10, &mut |_| {
            calls += 1;
            ControlFlow::Break(())
        });
        assert!(outcome.unwrap() < 5000);
        assert_eq!(calls, 1);
    }

    #[test]
    fn damaged_files_are_told_and_do_not_panic() {
        let whole = file(200);
        for cut in [0, 3, 4, 8, whole.len() / 2, whole.len() - 1] {
            let input = ParquetInput::Memory(Bytes::copy_from_slice(&whole[..cut]));
            let (_, outcome) = read(input, 1 << 20);
            assert!(matches!(outcome, Err(ParquetFault::Malformed { .. })), "{cut}");
        }
    }
}
