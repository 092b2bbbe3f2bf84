//! Answers as tables, JSON lines, CSV and Parquet, written while they come.
//! INVARIANT: what is written for a terminal holds no control character from outside.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::Value;
use yagura_model::escape_unsafe;

use super::answer::Answer;
use super::cells::{Widths, clean};
use super::error::QueryError;
use super::values::{json_value, text_value};

/// So many rows decide how wide the columns of a table are.
const MEASURED_ROWS: usize = 500;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerFormat {
    /// Aligned columns for a person.
    Table,
    /// One JSON object a line.
    Json,
    /// RFC 4180 with a header line.
    Csv,
    /// An Apache Parquet file, zstd.
    Parquet,
}

/// Where an answer is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The width of the terminal; cells are cut to fit. `None` cuts nothing.
    pub columns_max: Option<usize>,
    /// Whether a person looks at it directly. CSV then shows control characters as `\u{fffd}`;
    /// a file keeps them. Tables and JSON never hold any.
    pub terminal: bool,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows.
    pub rows: u64,
    /// Whether the row limit was reached and there was more.
    pub truncated: bool,
    /// Files of the lake opened.
    pub files_read: u64,
    /// Bytes of them read.
    pub bytes_read: u64,
}

impl Answer {
    /// Writes the whole answer.
    ///
    /// # Errors
    /// Whatever the question fails with, and [`QueryError::Write`]. Of a Parquet file nothing
    /// readable is left then; lines written stay.
    pub async fn write(
        mut self,
        format: AnswerFormat,
        layout: &Layout,
        to: &mut (dyn Write + Send),
    ) -> Result<Written, QueryError> {
        match format {
            AnswerFormat::Table => self.write_table(layout, to).await?,
            AnswerFormat::Json => self.write_json(to).await?,
            AnswerFormat::Csv => self.write_csv(layout, to).await?,
            AnswerFormat::Parquet => self.write_parquet(to).await?,
        }
        to.flush().map_err(QueryError::Write)?;
        let now = self.meter().now();
        Ok(Written {
            rows: self.rows(),
            truncated: self.truncated(),
            files_read: self.meter().opened().len() as u64,
            bytes_read: now.bytes_read,
        })
    }

    async fn write_table(
        &mut self,
        layout: &Layout,
        to: &mut (dyn Write + Send),
    ) -> Result<(), QueryError> {
        let schema = Arc::clone(&self.schema);
        let right = schema.fields().iter().map(|field| is_number(field.data_type())).collect();
        let names = schema.fields().iter().map(|field| clean(field.name()).into_owned()).collect();
        let mut rows: Vec<Vec<String>> = vec![names];
        let mut ended = false;
        while rows.len() <= MEASURED_ROWS {
            let Some(batch) = self.next_batch().await? else {
                ended = true;
                break;
            };
            rows.extend(cells(&batch));
        }
        let widths = Widths::of(&rows, right, layout.columns_max);
        let print = |rows: &[Vec<String>], to: &mut (dyn Write + Send)| {
            rows.iter().try_for_each(|row| writeln!(to, "{}", widths.line(row)))
        };
        print(&rows, to).map_err(QueryError::Write)?;
        drop(rows);
        while !ended {
            match self.next_batch().await? {
                Some(batch) => print(&cells(&batch), to).map_err(QueryError::Write)?,
                None => ended = true,
            }
        }
        Ok(())
    }

    async fn write_json(&mut self, to: &mut (dyn Write + Send)) -> Result<(), QueryError> {
        while let Some(batch) = self.next_batch().await? {
            let schema = batch.schema();
            for row in 0..batch.num_rows() {
                let object: serde_json::Map<String, Value> = schema
                    .fields()
                    .iter()
                    .zip(batch.columns())
                    .map(|(field, column)| (field.name().clone(), json_value(column, row)))
                    .collect();
                let line = Value::Object(object).to_string();
                writeln!(to, "{}", escape_unsafe(&line)).map_err(QueryError::Write)?;
            }
        }
        Ok(())
    }

    async fn write_csv(
        &mut self,
        layout: &Layout,
        to: &mut (dyn Write + Send),
    ) -> Result<(), QueryError> {
        let names: Vec<Option<String>> =
            self.schema.fields().iter().map(|field| Some(field.name().clone())).collect();
        csv_line(&names, layout, to).map_err(QueryError::Write)?;
        while let Some(batch) = self.next_batch().await? {
            for row in 0..batch.num_rows() {
                let fields: Vec<Option<String>> =
                    batch.columns().iter().map(|column| text_value(column, row)).collect();
                csv_line(&fields, layout, to).map_err(QueryError::Write)?;
            }
        }
        Ok(())
    }

    async fn write_parquet(&mut self, to: &mut (dyn Write + Send)) -> Result<(), QueryError> {
        let fail =
            |error: parquet::errors::ParquetError| QueryError::Write(std::io::Error::other(error));
        let schema = plain_schema(&self.schema);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("yagura ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let mut writer =
            ArrowWriter::try_new(to, Arc::clone(&schema), Some(properties)).map_err(fail)?;
        while let Some(batch) = self.next_batch().await? {
            let columns = schema.fields().iter().zip(batch.columns());
            let columns = columns.map(|(field, column)| plain_column(field, column)).collect();
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns)
                .map_err(|error| fail(error.into()))?;
            writer.write(&batch).map_err(fail)?;
        }
        writer.close().map_err(fail)?;
        Ok(())
    }
}

fn is_number(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, value) => is_number(value),
        kind => kind.is_numeric(),
    }
}

fn cells(batch: &RecordBatch) -> Vec<Vec<String>> {
    let cell = |column: &ArrayRef, row| {
        let text = text_value(column, row).unwrap_or_default();
        clean(&text).into_owned()
    };
    (0..batch.num_rows())
        .map(|row| batch.columns().iter().map(|column| cell(column, row)).collect())
        .collect()
}

/// One line of CSV. An empty text is quoted and null is not, so that they differ.
fn csv_line(
    fields: &[Option<String>],
    layout: &Layout,
    to: &mut (dyn Write + Send),
) -> std::io::Result<()> {
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            to.write_all(b",")?;
        }
        let Some(field) = field else { continue };
        let field = if layout.terminal { clean(field) } else { field.into() };
        if field.is_empty() || field.contains(['"', ',', '\n', '\r']) {
            write!(to, "\"{}\"", field.replace('"', "\"\""))?;
        } else {
            to.write_all(field.as_bytes())?;
        }
    }
    to.write_all(b"\r\n")
}

/// A schema that Parquet can hold: values of several types in one column become text.
fn plain_schema(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| match field.data_type() {
            DataType::Union(..) | DataType::Null => Field::new(field.name(), DataType::Utf8, true),
            _ => field.as_ref().clone(),
        })
        .collect();
    Arc::new(Schema::new(fields))
}

fn plain_column(field: &Field, column: &ArrayRef) -> ArrayRef {
    if field.data_type() == column.data_type() {
        return Arc::clone(column);
    }
    let texts: StringArray = (0..column.len()).map(|row| text_value(column, row)).collect();
    Arc::new(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(fields: &[Option<&str>], terminal: bool) -> String {
        let fields: Vec<_> = fields.iter().map(|field| field.map(str::to_owned)).collect();
        let mut bytes: Vec<u8> = Vec::new();
        csv_line(&fields, &Layout { columns_max: None, terminal }, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn csv_quotes_what_needs_it_and_tells_null_from_empty() {
        assert_eq!(line(&[Some("a"), None, Some("")], false), "a,,\"\"\r\n");
        assert_eq!(line(&[Some("a,\"b\"\nc")], false), "\"a,\"\"b\"\"\nc\"\r\n");
    }

    #[test]
    fn csv_for_a_terminal_holds_no_control_character() {
        assert_eq!(line(&[Some("a\u{1b}[2J\nb")], true), "a\u{fffd}[2J b\r\n");
        assert_eq!(line(&[Some("a\u{1b}b")], false), "a\u{1b}b\r\n");
    }
}
