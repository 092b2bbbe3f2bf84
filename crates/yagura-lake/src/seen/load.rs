//! Names of rows read out of a committed or staged file: only the columns that make them.
//! Which names are kept in memory is decided in the module above.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use futures::TryStreamExt;
use parquet::arrow::ProjectionMask;

use crate::LakeError;
use crate::file_reader::open;
use crate::layout::table::{IdentityPart, TableLayout};
use crate::manifest::LakeFile;
use crate::rows::buffer::{DAY_US, HOUR_US, NameHash};
use crate::storage::Root;

/// The names of a file's rows in a span of time; rows without a name are left out.
pub(crate) async fn names_in<B: BuildHasher>(
    root: &Root,
    layout: &TableLayout,
    file: &LakeFile,
    (start_us, end_us): (i64, i64),
    hasher: &B,
) -> Result<Vec<u64>, LakeError> {
    let groups: Vec<usize> = file
        .row_groups
        .iter()
        .enumerate()
        .filter(|(_, group)| group.time_min_us < end_us && group.time_max_us >= start_us)
        .map(|(at, _)| at)
        .collect();
    if groups.is_empty() || layout.identity.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = name_columns(layout);
    let fail = |error| LakeError::encode(format!("read names from `{}`", file.path), error);
    let builder = open(root, layout, file, &file.path).await?;
    let schema = Arc::clone(builder.schema());
    let roots = wanted.iter().filter_map(|name| schema.index_of(name).ok());
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let stream = builder.with_projection(mask).with_row_groups(groups).build().map_err(fail)?;
    let mut found = Vec::new();
    let mut batches = std::pin::pin!(stream);
    while let Some(batch) = batches.try_next().await.map_err(fail)? {
        let names = names(layout, &batch, hasher);
        for (name, time_us) in names.into_iter().zip(times(&batch)) {
            if let Some(name) = name
                && (start_us..end_us).contains(&time_us)
            {
                found.push(name);
            }
        }
    }
    Ok(found)
}

/// The columns that make a name, `time` first.
fn name_columns(layout: &TableLayout) -> Vec<&str> {
    let mut columns = vec!["time"];
    for part in &layout.identity {
        if let IdentityPart::Column(at) = part
            && let Some(field) = layout.schema.fields().get(*at)
            && !columns.contains(&field.name().as_str())
        {
            columns.push(field.name());
        }
    }
    columns
}

/// The times of rows, microseconds since 1970.
pub(crate) fn times(batch: &RecordBatch) -> Vec<i64> {
    let times = batch
        .column_by_name("time")
        .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    times.map(|times| times.values().to_vec()).unwrap_or_default()
}

/// The hour of the day of a time.
pub(crate) fn hour_of(time_us: i64) -> u32 {
    u32::try_from(time_us.rem_euclid(DAY_US) / HOUR_US).unwrap_or_default()
}

/// The names of all rows of a batch, as they were hashed when the rows came in.
pub(crate) fn names<B: BuildHasher>(
    layout: &TableLayout,
    batch: &RecordBatch,
    hasher: &B,
) -> Vec<Option<u64>> {
    let columns: Vec<_> = layout
        .identity
        .iter()
        .filter_map(|part| match part {
            IdentityPart::Column(at) => layout.schema.fields().get(*at),
            IdentityPart::Partition => None,
        })
        .map(|field| (field.data_type(), batch.column_by_name(field.name())))
        .collect();
    let name = |row: usize| {
        let mut hash = NameHash::new(hasher);
        for (data_type, column) in &columns {
            let column = column.filter(|column| column.is_valid(row));
            match data_type {
                DataType::Utf8View => hash.text(column.and_then(|column| text_at(column, row))),
                _ => hash.number(column.and_then(|column| number(column, row))),
            }
        }
        hash.finish()
    };
    (0..batch.num_rows()).map(name).collect()
}

/// The text in a row, viewed or not; an empty one where it is null.
pub(crate) fn text_at(column: &ArrayRef, row: usize) -> Option<&str> {
    let plain = || column.as_string_opt::<i32>().map(|texts| texts.value(row));
    column.as_string_view_opt().map(|texts| texts.value(row)).or_else(plain)
}

fn number(column: &ArrayRef, row: usize) -> Option<i64> {
    let time =
        || column.as_primitive_opt::<TimestampMicrosecondType>().map(|times| times.value(row));
    column.as_primitive_opt::<Int64Type>().map(|numbers| numbers.value(row)).or_else(time)
}
