//! Rows that must not be committed because somebody else's are first: staged files are written
//! anew without them. Why they must not is found in `commit.rs` and `worker.rs`.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use futures::TryStreamExt;

use crate::LakeError;
use crate::file_reader::open;
use crate::lake::Lake;
use crate::layout::encoding::Effort;
use crate::layout::partition::partition_path;
use crate::layout::table::TableLayout;
use crate::seen::{Hour, Names, hour_of, names, times};
use crate::write::{FileEncoder, StagedFile, Staging};

/// Which rows to leave out.
#[derive(Debug, Default)]
pub(crate) struct Drops {
    /// Rows of these names.
    pub(crate) names: HashMap<Hour, Names>,
    /// All rows of the objects at these locations.
    pub(crate) objects: HashSet<String>,
}

/// How many rows of which object were left out for their name.
pub(crate) type Dropped = HashMap<String, u64>;

impl Drops {
    /// Whether a file may hold such rows.
    fn concerns(&self, staged: &StagedFile) -> bool {
        let file = &staged.file;
        let in_hour = |hour: &Hour| {
            let (start, end) = hour.span_us();
            hour.source == file.source
                && hour.day == file.day
                && hour.account == file.account
                && file.overlaps(start, end)
        };
        !self.objects.is_empty() || self.names.keys().any(in_hour)
    }
}

/// Writes the files that hold such rows anew without them; a file of which nothing is left is
/// left out. The old files stay, so that a failure changes nothing. The second answer counts rows
/// dropped by name.
pub(crate) async fn rewrite(
    lake: &Lake,
    staging: &Staging,
    layout: &TableLayout,
    files: Vec<StagedFile>,
    drops: &Drops,
) -> Result<(Vec<StagedFile>, Dropped), LakeError> {
    let mut kept = Vec::with_capacity(files.len());
    let mut dropped = Dropped::new();
    for staged in files {
        if *staged.file.source != *layout.table.source || !drops.concerns(&staged) {
            kept.push(staged);
            continue;
        }
        let (left_out, new) = without(lake, staging, layout, &staged, drops, &mut dropped).await?;
        match left_out {
            0 => kept.push(staged),
            _ => kept.extend(new),
        }
    }
    Ok((kept, dropped))
}

/// A file without some rows: how many were left out, and the new file if rows are left.
async fn without(
    lake: &Lake,
    staging: &Staging,
    layout: &TableLayout,
    staged: &StagedFile,
    drops: &Drops,
    dropped: &mut Dropped,
) -> Result<(u64, Option<StagedFile>), LakeError> {
    let file = &staged.file;
    let at = if staged.shown { &file.path } else { &staged.staged };
    let fail = |error| LakeError::encode(format!("read rows of `{at}`"), error);
    let reader = open(lake.root(), layout, file, at).await?.build().map_err(fail)?;
    let mut reader = std::pin::pin!(reader);
    let mut encoder: Option<FileEncoder<'_>> = None;
    let mut left_out = 0;
    while let Some(rows) = reader.try_next().await.map_err(fail)? {
        let keep = keep(layout, staged, &rows, drops, &lake.seen().hasher, dropped);
        let kept = filter_record_batch(&rows, &keep)
            .map_err(|error| LakeError::encode(format!("filter rows of `{at}`"), error))?;
        left_out += (rows.num_rows() - kept.num_rows()) as u64;
        if kept.num_rows() == 0 {
            continue;
        }
        let encoder = match &mut encoder {
            Some(encoder) => encoder,
            none => {
                let count = usize::try_from(file.rows).unwrap_or(usize::MAX);
                none.insert(FileEncoder::new(layout, &kept, count, Effort::Quick)?)
            }
        };
        encoder.write(&kept)?;
    }
    let Some(encoder) = encoder.filter(|_| left_out > 0) else { return Ok((left_out, None)) };
    let (bytes, facts) = encoder.finish()?;
    let name = staging.file_name();
    let path = format!("{}/{name}", partition_path(&file.source, file.day, &file.account));
    let new = facts.file(layout, path, file.day, &file.account);
    let at = staging.put(&name, bytes).await?;
    Ok((left_out, Some(StagedFile { staged: at, shown: false, file: new })))
}

fn keep<B: BuildHasher>(
    layout: &TableLayout,
    staged: &StagedFile,
    rows: &RecordBatch,
    drops: &Drops,
    hasher: &B,
    dropped: &mut Dropped,
) -> BooleanArray {
    let names = names(layout, rows, hasher);
    let objects = rows.column_by_name("object").and_then(|column| column.as_string_view_opt());
    let mut hour = Hour {
        source: Arc::clone(&staged.file.source),
        day: staged.file.day,
        account: Arc::clone(&staged.file.account),
        hour: 0,
    };
    let keep = names.into_iter().zip(times(rows)).enumerate().map(|(row, (name, time_us))| {
        let object = objects.map_or("", |objects| objects.value(row));
        if drops.objects.contains(object) {
            return Some(false);
        }
        hour.hour = hour_of(time_us);
        let known = drops.names.get(&hour);
        let late = name.is_some_and(|name| known.is_some_and(|known| known.contains(&name)));
        if late {
            *dropped.entry(object.to_owned()).or_default() += 1;
        }
        Some(!late)
    });
    keep.collect()
}
