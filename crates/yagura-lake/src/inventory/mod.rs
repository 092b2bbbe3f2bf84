//! The tables of a `RowSource` in SQL: simple conditions go to the source, rows come as batches.
//! Who keeps the rows is not known here.

use std::fmt;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, StringViewArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::datasource::TableType;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use jiff::Timestamp;
use yagura_model::{
    RowColumn, RowError, RowFilter, RowKind, RowRequest, RowSource, RowTable, RowValue,
};

use crate::lookup;
use crate::query::RowsFault;

/// A table that a [`RowSource`] keeps, as of now or as of a time.
#[derive(Debug)]
pub(crate) struct InventoryTable {
    table: RowTable,
    source: Arc<dyn RowSource>,
    as_of: Option<Timestamp>,
    schema: SchemaRef,
}

impl InventoryTable {
    pub(crate) fn new(
        table: RowTable,
        source: Arc<dyn RowSource>,
        as_of: Option<Timestamp>,
    ) -> Self {
        let schema = Arc::new(Schema::new(table.columns.iter().map(field).collect::<Vec<_>>()));
        Self { table, source, as_of, schema }
    }

    /// What the source may be told of the filters: it reads less, the engine still judges.
    fn told(&self, filters: &[Expr]) -> Vec<RowFilter> {
        lookup::conditions(filters)
            .into_iter()
            .filter_map(|condition| {
                let [name] = condition.path.as_slice() else { return None };
                let column = self.table.columns.iter().find(|column| column.name == *name)?;
                (column.filter && matches!(column.kind, RowKind::Text)).then(|| RowFilter {
                    column: name.clone(),
                    values: condition.values.into_iter().collect(),
                })
            })
            .collect()
    }
}

/// The type of a column as the engine sees it.
pub(crate) fn field(column: &RowColumn) -> Field {
    let kind = match column.kind {
        RowKind::Text | RowKind::Json => DataType::Utf8View,
        RowKind::Integer => DataType::Int64,
        RowKind::Boolean => DataType::Boolean,
        RowKind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    };
    Field::new(&column.name, kind, true)
}

#[async_trait]
impl TableProvider for InventoryTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|filter| {
                if self.told(std::slice::from_ref(*filter)).is_empty() {
                    TableProviderFilterPushDown::Unsupported
                } else {
                    TableProviderFilterPushDown::Inexact
                }
            })
            .collect())
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns: Vec<usize> =
            projection.cloned().unwrap_or_else(|| (0..self.table.columns.len()).collect());
        let schema = Arc::new(self.schema.project(&columns)?);
        let filters = self.told(filters);
        // With conditions left to the engine, the first rows need not be those that match.
        let request = RowRequest {
            table: self.table.name.clone(),
            columns,
            limit: limit.filter(|_| filters.is_empty()),
            filters,
            as_of: self.as_of,
        };
        let stream = Arc::new(Rows {
            source: Arc::clone(&self.source),
            request,
            schema: Arc::clone(&schema),
        });
        let plan =
            StreamingTableExec::try_new(schema, vec![stream], None, Vec::new(), false, limit)?;
        Ok(Arc::new(plan))
    }
}

/// The rows of one request as a stream of batches.
struct Rows {
    source: Arc<dyn RowSource>,
    request: RowRequest,
    schema: SchemaRef,
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("request", &self.request).finish_non_exhaustive()
    }
}

impl PartitionStream for Rows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let cursor = self.source.read(self.request.clone());
        let schema = Arc::clone(&self.schema);
        let table = self.request.table.clone();
        let batches = futures::stream::try_unfold(
            (cursor, schema, table),
            |(mut cursor, schema, table)| async move {
                let page = cursor.next().await.map_err(|error| failed(&table, error))?;
                let Some(rows) = page else { return Ok(None) };
                let batch = batch(&schema, &rows)?;
                Ok(Some((batch, (cursor, schema, table))))
            },
        );
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))
    }
}

fn failed(table: &str, error: RowError) -> DataFusionError {
    let RowError { message, remedy } = error;
    DataFusionError::External(Box::new(RowsFault { table: table.to_owned(), message, remedy }))
}

/// Rows as a batch. A value of another kind than its column's is an error of the source.
fn batch(schema: &SchemaRef, rows: &[Vec<RowValue>]) -> Result<RecordBatch> {
    let columns = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(at, field)| column(field, rows.iter().map(move |row| row.get(at))))
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

fn column<'r>(
    field: &Field,
    values: impl Iterator<Item = Option<&'r RowValue>>,
) -> Result<ArrayRef> {
    Ok(match field.data_type() {
        DataType::Utf8View => {
            let texts = taken(field, values, |value| match value {
                RowValue::Text(text) => Some(text.as_str()),
                _ => None,
            })?;
            Arc::new(StringViewArray::from_iter(texts))
        }
        DataType::Int64 => Arc::new(Int64Array::from(taken(field, values, |value| match value {
            RowValue::Integer(number) => Some(*number),
            _ => None,
        })?)),
        DataType::Boolean => {
            Arc::new(BooleanArray::from(taken(field, values, |value| match value {
                RowValue::Boolean(truth) => Some(*truth),
                _ => None,
            })?))
        }
        _ => {
            let times = taken(field, values, |value| match value {
                RowValue::Time(time) => Some(time.as_microsecond()),
                _ => None,
            })?;
            Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"))
        }
    })
}

/// The values of one kind; null stays null, any other kind is an error.
fn taken<'r, T>(
    field: &Field,
    values: impl Iterator<Item = Option<&'r RowValue>>,
    take: impl Fn(&'r RowValue) -> Option<T>,
) -> Result<Vec<Option<T>>> {
    values
        .map(|value| match value {
            None | Some(RowValue::Null) => Ok(None),
            Some(value) => take(value).map(Some).ok_or_else(|| {
                exec_datafusion_err!("the column `{}` cannot hold {value:?}", field.name())
            }),
        })
        .collect()
}
