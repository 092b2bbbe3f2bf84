//! Leaving out files and row groups by what the manifest knows: partition values and times.
//! Bloom filters are asked in `lookup/`.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, BooleanArray, Date32Array, StringViewArray, TimestampMicrosecondArray,
    UInt64Array,
};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DataFusionError, Result, ScalarValue};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use jiff::civil::Date;

use crate::ACCOUNT_UNKNOWN;
use crate::manifest::LakeFile;

/// A day as Arrow counts it.
pub(crate) fn days(day: Date) -> i32 {
    let epoch = Date::constant(1970, 1, 1);
    day.since(epoch).map_or(0, |span| span.get_days())
}

/// The account of a file's rows; none where they name none.
pub(crate) fn account(file: &LakeFile) -> Option<&str> {
    (&*file.account != ACCOUNT_UNKNOWN).then_some(&*file.account)
}

/// One line of what the manifest knows: of a file, or of a row group.
pub(crate) struct Known<'f> {
    pub(crate) file: &'f LakeFile,
    pub(crate) rows: u64,
    pub(crate) time_us: (i64, i64),
}

/// Which of the lines may hold rows that match. What the predicate cannot decide is kept.
pub(crate) fn by_statistics(
    predicate: &Arc<dyn PhysicalExpr>,
    schema: &SchemaRef,
    known: &[Known<'_>],
) -> Result<Vec<bool>> {
    let pruning = PruningPredicateBuilder::new()
        .with_file_schema(Arc::clone(schema))
        .try_build(Arc::clone(predicate))?;
    if pruning.always_true() || known.is_empty() {
        return Ok(vec![true; known.len()]);
    }
    pruning.prune(&Statistics(known))
}

struct Statistics<'k>(&'k [Known<'k>]);

impl Statistics<'_> {
    fn values(&self, column: &Column, time: impl Fn(&Known<'_>) -> i64) -> Option<ArrayRef> {
        Some(match column.name.as_str() {
            "time" => Arc::new(
                TimestampMicrosecondArray::from_iter_values(self.0.iter().map(time))
                    .with_timezone("UTC"),
            ),
            "day" => Arc::new(Date32Array::from_iter_values(
                self.0.iter().map(|known| days(known.file.day)),
            )),
            "account" => Arc::new(
                self.0.iter().map(|known| account(known.file)).collect::<StringViewArray>(),
            ),
            "source" => Arc::new(StringViewArray::from_iter_values(
                self.0.iter().map(|known| &*known.file.source),
            )),
            _ => return None,
        })
    }
}

impl PruningStatistics for Statistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, |known| known.time_us.0)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, |known| known.time_us.1)
    }

    fn num_containers(&self) -> usize {
        self.0.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let nulls = |known: &Known<'_>| match column.name.as_str() {
            "account" if account(known.file).is_none() => known.rows,
            _ => 0,
        };
        matches!(column.name.as_str(), "time" | "day" | "account" | "source").then(|| {
            let counts = UInt64Array::from_iter_values(self.0.iter().map(nulls));
            Arc::new(counts) as ArrayRef
        })
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        let rows = UInt64Array::from_iter_values(self.0.iter().map(|known| known.rows));
        Some(Arc::new(rows))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

/// Which files match filters over partition columns, exactly. `schema` holds the partition
/// columns only.
pub(crate) fn by_partition(
    predicate: &Arc<dyn PhysicalExpr>,
    schema: &SchemaRef,
    files: &[Arc<LakeFile>],
) -> Result<Vec<bool>> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let columns = schema
        .fields()
        .iter()
        .map(|field| {
            Ok(match field.name().as_str() {
                "account" => {
                    Arc::new(files.iter().map(|file| account(file)).collect::<StringViewArray>())
                        as ArrayRef
                }
                "source" => Arc::new(StringViewArray::from_iter_values(
                    files.iter().map(|file| &*file.source),
                )),
                "day" => {
                    Arc::new(Date32Array::from_iter_values(files.iter().map(|file| days(file.day))))
                }
                other => {
                    return Err(DataFusionError::Internal(format!("no partition column {other}")));
                }
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let batch = RecordBatch::try_new(Arc::clone(schema), columns)?;
    let matches = predicate.evaluate(&batch)?.into_array(files.len())?;
    let matches = datafusion::common::cast::as_boolean_array(&matches)?;
    Ok((0..files.len()).map(|at| matches.is_valid(at) && matches.value(at)).collect())
}
