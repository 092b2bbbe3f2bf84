//! An answer on its way: batches as they come, with a limit, counters and a way to give it up.
//! How it is written is in `write.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt as _;
use futures::stream::{AbortHandle, Abortable};

use super::damage;
use super::error::{QueryError, of_engine};
use super::meter::{Canceller, Meter, Progress};
use super::scan::Reading;
use super::values::json_value;

/// A column of an answer or of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnInfo {
    /// Its name.
    pub name: String,
    /// What it holds, in words of SQL: `text`, `integer`, `time`, `struct(…)`, `list(…)`.
    pub kind: String,
}

/// An answer on its way. Dropping it gives the question up.
pub struct Answer {
    pub(crate) schema: SchemaRef,
    stream: Abortable<SendableRecordBatchStream>,
    canceller: Canceller,
    reading: Arc<Reading>,
    memory_bytes: usize,
    /// Rows that may still be answered.
    left: Option<u64>,
    truncated: bool,
    rows: u64,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl Answer {
    /// `row_limit` must also be part of the plan, with one row more, so that it is known whether
    /// there were more.
    pub(crate) fn new(
        stream: SendableRecordBatchStream,
        reading: Arc<Reading>,
        memory_bytes: usize,
        row_limit: Option<u64>,
    ) -> Self {
        let schema = stream.schema();
        let (handle, registration) = AbortHandle::new_pair();
        let canceller = Canceller { handle, cancelled: Arc::new(AtomicBool::new(false)) };
        let stream = Abortable::new(stream, registration);
        let (truncated, rows) = (false, 0);
        Self { schema, stream, canceller, reading, memory_bytes, left: row_limit, truncated, rows }
    }

    /// The columns, in order.
    pub fn columns(&self) -> Vec<ColumnInfo> {
        self.schema
            .fields()
            .iter()
            .map(|field| ColumnInfo {
                name: field.name().clone(),
                kind: kind_in_words(field.data_type()),
            })
            .collect()
    }

    /// A handle to watch it with.
    pub fn progress(&self) -> Progress {
        Progress(Arc::clone(&self.reading.meter))
    }

    /// A handle to give it up with.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Whether the row limit was reached and there was more. Known at the end.
    pub fn truncated(&self) -> bool {
        self.truncated
    }

    /// Rows answered so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The next rows as JSON values, one list of values a row; `None` at the end.
    ///
    /// # Errors
    /// Whatever the question fails with while it is answered.
    pub async fn next_rows(&mut self) -> Result<Option<Vec<Vec<serde_json::Value>>>, QueryError> {
        let Some(batch) = self.next_batch().await? else { return Ok(None) };
        let row = |at| batch.columns().iter().map(|column| json_value(column, at)).collect();
        Ok(Some((0..batch.num_rows()).map(row).collect()))
    }

    /// The next batch; `None` at the end.
    pub(crate) async fn next_batch(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        loop {
            let next = self.stream.next().await;
            // An aborted stream ends like a finished one; the flag tells them apart.
            if self.canceller.cancelled.load(Ordering::SeqCst) {
                return Err(QueryError::Cancelled);
            }
            let batch = match next {
                None => return Ok(None),
                Some(Ok(batch)) => batch,
                Some(Err(error)) => return Err(self.failed(error).await),
            };
            let batch = self.limited(batch);
            if batch.num_rows() == 0 {
                continue;
            }
            self.rows += batch.num_rows() as u64;
            self.meter().rows(batch.num_rows() as u64);
            return Ok(Some(batch));
        }
    }

    fn limited(&mut self, batch: RecordBatch) -> RecordBatch {
        let Some(left) = &mut self.left else { return batch };
        let rows = batch.num_rows() as u64;
        if rows <= *left {
            *left -= rows;
            return batch;
        }
        self.truncated = true;
        let kept = usize::try_from(*left).unwrap_or(usize::MAX).min(batch.num_rows());
        *left = 0;
        batch.slice(0, kept)
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.reading.meter
    }

    /// Puts an error into words; where bytes did not make sense, looks for the damaged file.
    /// Alone with the answer: a stream cannot be looked at by two threads at once.
    async fn failed(&mut self, error: DataFusionError) -> QueryError {
        let suspicious = matches!(
            error.find_root(),
            DataFusionError::ParquetError(_)
                | DataFusionError::ArrowError(..)
                | DataFusionError::External(_)
        );
        let told = of_engine(&error, self.memory_bytes as u64);
        if suspicious && matches!(told, QueryError::Engine(_)) {
            let opened = self.meter().opened();
            if let Some(found) = damage::find(&self.reading.store, opened).await {
                return found;
            }
        }
        told
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.canceller.handle.abort();
    }
}

/// A type in words of SQL.
pub(crate) fn kind_in_words(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        kind if kind.is_integer() => "integer".to_owned(),
        kind if kind.is_floating() => "real".to_owned(),
        DataType::Timestamp(..) => "time".to_owned(),
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::List(item) | DataType::LargeList(item) => {
            format!("list({})", kind_in_words(item.data_type()))
        }
        DataType::Struct(fields) => {
            let members: Vec<String> = fields
                .iter()
                .map(|field| format!("{} {}", field.name(), kind_in_words(field.data_type())))
                .collect();
            format!("struct({})", members.join(", "))
        }
        DataType::Dictionary(_, value) => kind_in_words(value),
        DataType::Decimal128(..) | DataType::Decimal256(..) => "decimal".to_owned(),
        DataType::Interval(_) | DataType::Duration(_) => "interval".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "bytes".to_owned(),
        DataType::Null => "null".to_owned(),
        DataType::Union(..) => "json".to_owned(),
        other => other.to_string().to_lowercase(),
    }
}
