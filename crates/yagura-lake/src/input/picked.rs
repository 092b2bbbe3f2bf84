//! Some columns of a foreign Parquet file, row by row as text: tables with hundreds of columns of
//! which a few matter (cost and usage reports).
//! What the texts mean is the caller's; whole rows as records are read in `mod`.

use std::fs::File;
use std::ops::Range;

use arrow::array::{Array as _, ArrayRef};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::ROWS_AT_ONCE;

/// Why some columns of a file could not be read to the end.
#[derive(Debug, thiserror::Error)]
pub enum PickFault<E> {
    /// The file is no Parquet file, or a damaged one.
    #[error("not a readable Parquet file after {rows} rows: {what}")]
    Malformed {
        /// Rows that were handed out before.
        rows: u64,
        /// What the reader says.
        what: String,
    },
    /// Who chose the columns, or took a row, refused.
    #[error(transparent)]
    Refused(E),
}

/// The chosen columns of one row.
#[derive(Debug)]
pub struct PickedRow<'t> {
    texts: &'t str,
    ends: &'t [Range<usize>],
}

impl PickedRow<'_> {
    /// The text of the column that was chosen in this place; nothing where it is null or was not
    /// chosen. Floating numbers are written shortest, times as ISO 8601 in UTC.
    pub fn text(&self, at: usize) -> &str {
        self.ends.get(at).and_then(|range| self.texts.get(range.clone())).unwrap_or_default()
    }
}

/// Reads columns of a Parquet file: `choose` is told the names of all and says which it wants in
/// which place, by position, and `take` is handed each row with its number, from one.
///
/// # Errors
/// When the file is damaged, or `choose` or `take` refuses; rows before have been handed out.
pub fn read_picked<E>(
    file: File,
    choose: impl FnOnce(&[&str]) -> Result<Vec<Option<usize>>, E>,
    mut take: impl FnMut(u64, &PickedRow<'_>) -> Result<(), E>,
) -> Result<u64, PickFault<E>> {
    let malformed = |rows: u64, error: String| PickFault::<E>::Malformed { rows, what: error };
    let metadata = super::metadata(&file).map_err(|error| malformed(0, error.to_string()))?;
    let names: Vec<&str> =
        metadata.schema().fields().iter().map(|field| field.name().as_str()).collect();
    let chosen = choose(&names).map_err(PickFault::Refused)?;
    let name = |at: &Option<usize>| at.and_then(|at| names.get(at)).copied().map(str::to_owned);
    let wanted: Vec<Option<String>> = chosen.iter().map(name).collect();
    let mask = ProjectionMask::roots(metadata.parquet_schema(), chosen.into_iter().flatten());
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
        .with_projection(mask)
        .with_batch_size(ROWS_AT_ONCE)
        .build()
        .map_err(|error| malformed(0, error.to_string()))?;
    let mut rows = 0;
    for batch in reader {
        let batch = batch.map_err(|error| malformed(rows, error.to_string()))?;
        let columns =
            columns(&batch, &wanted).map_err(|error| malformed(rows, error.to_string()))?;
        rows = hand_out(&columns, batch.num_rows(), rows, &mut take)?;
    }
    Ok(rows)
}

/// The columns in their places, as something that can be printed.
fn columns(
    batch: &RecordBatch,
    wanted: &[Option<String>],
) -> Result<Vec<Option<ArrayRef>>, ArrowError> {
    let one = |name: &String| {
        let column = batch
            .column_by_name(name)
            .ok_or_else(|| ArrowError::SchemaError(format!("`{name}` is not there")))?;
        match column.data_type() {
            // Some writers do not say that their bytes are text.
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
                let strict = CastOptions { safe: false, ..CastOptions::default() };
                cast_with_options(column, &DataType::Utf8, &strict)
            }
            _ => Ok(ArrayRef::clone(column)),
        }
    };
    wanted.iter().map(|name| name.as_ref().map(one).transpose()).collect()
}

/// Hands the rows of a batch out; gives how many there were now.
fn hand_out<E>(
    columns: &[Option<ArrayRef>],
    count: usize,
    mut rows: u64,
    take: &mut impl FnMut(u64, &PickedRow<'_>) -> Result<(), E>,
) -> Result<u64, PickFault<E>> {
    let options = FormatOptions::default();
    let malformed =
        |error: ArrowError, rows| PickFault::Malformed { rows, what: error.to_string() };
    let mut printed = Vec::with_capacity(columns.len());
    for column in columns {
        let formatter = column.as_ref().map(|column| ArrayFormatter::try_new(column, &options));
        printed.push(formatter.transpose().map_err(|error| malformed(error, rows))?);
    }
    let (mut texts, mut ends) = (String::new(), Vec::with_capacity(columns.len()));
    for row in 0..count {
        texts.clear();
        ends.clear();
        for (column, formatter) in columns.iter().zip(&printed) {
            let begin = texts.len();
            if let (Some(column), Some(formatter)) = (column, formatter)
                && column.is_valid(row)
            {
                let value = formatter.value(row);
                value.write(&mut texts).map_err(|error| malformed(error, rows))?;
            }
            ends.push(begin..texts.len());
        }
        rows += 1;
        take(rows, &PickedRow { texts: &texts, ends: &ends }).map_err(PickFault::Refused)?;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};
    use std::sync::Arc;

    use arrow::array::{
        BinaryArray, Date32Array, Decimal128Array, Float64Array, StringArray,
        TimestampMillisecondArray,
    };
    use parquet::arrow::ArrowWriter;

    use super::*;

    fn file(columns: Vec<(&str, ArrayRef)>) -> File {
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, column)| (name, column, true)),
        )
        .unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        written(&bytes)
    }

    fn written(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    fn rows(file: File, wanted: &[&str]) -> Result<Vec<Vec<String>>, PickFault<String>> {
        let choose = |names: &[&str]| -> Result<Vec<Option<usize>>, String> {
            Ok(wanted.iter().map(|name| names.iter().position(|one| one == name)).collect())
        };
        let mut rows = Vec::new();
        let count = read_picked(file, choose, |number, row| {
            rows.push((0..wanted.len()).map(|at| row.text(at).to_owned()).collect());
            if number == rows.len() as u64 { Ok(()) } else { Err("a number".to_owned()) }
        })?;
        assert_eq!(count, rows.len() as u64);
        Ok(rows)
    }

    #[test]
    fn values_of_every_kind_that_a_bill_has_are_text_in_the_places_asked_for() {
        let decimal = Decimal128Array::from(vec![Some(12_345), None]);
        let start = TimestampMillisecondArray::from(vec![Some(1_793_491_200_000), None]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("cost", Arc::new(Float64Array::from(vec![Some(4.2e-7), Some(-1.5)]))),
            ("other", Arc::new(StringArray::from(vec!["x", "y"]))),
            ("day", Arc::new(Date32Array::from(vec![20_000, 20_001]))),
            ("start", Arc::new(start.with_timezone("UTC"))),
            ("exact", Arc::new(decimal.with_precision_and_scale(20, 4).unwrap())),
            ("bytes", Arc::new(BinaryArray::from(vec![&b"text"[..], &b""[..]]))),
        ];
        let wanted = ["start", "cost", "none", "day", "exact", "bytes"];
        let expected = vec![
            vec!["2026-11-01T00:00:00Z", "4.2e-7", "", "2024-10-04", "1.2345", "text"],
            vec!["", "-1.5", "", "2024-10-05", "", ""],
        ];
        assert_eq!(rows(file(columns), &wanted).unwrap(), expected);
    }

    #[test]
    fn damage_and_refusals_are_told_with_what_went_before() {
        let numbers = Float64Array::from((0..5_000).map(f64::from).collect::<Vec<_>>());
        let whole = || file(vec![("n", Arc::new(numbers.clone()) as ArrayRef)]);
        let refuse = |_: &[&str]| Err::<Vec<Option<usize>>, _>("no such column");
        let refused = read_picked(whole(), refuse, |_, _| Ok(()));
        assert!(matches!(refused, Err(PickFault::Refused("no such column"))));
        let stop = |number: u64, _: &PickedRow<'_>| if number < 3 { Ok(()) } else { Err(number) };
        let stopped = read_picked(whole(), |_| Ok(vec![Some(0)]), stop);
        assert!(matches!(stopped, Err(PickFault::Refused(3))));
        for bytes in [&b""[..], b"PAR1", b"a,b\n1,2\n", b"PAR1 and no more PAR1"] {
            let read = rows(written(bytes), &["n"]);
            assert!(matches!(read, Err(PickFault::Malformed { rows: 0, .. })), "{bytes:?}");
        }
        let bad = BinaryArray::from(vec![&[0xff_u8, 0xfe][..]]);
        let read = rows(file(vec![("n", Arc::new(bad))]), &["n"]);
        assert!(matches!(read, Err(PickFault::Malformed { .. })), "bytes that are no text");
    }
}
