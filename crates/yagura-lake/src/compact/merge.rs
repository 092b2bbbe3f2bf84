//! Files of one partition become one file: rows in slabs by time, alike rows together in each.
//! Which files, and what becomes of the result, is decided in the module above.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{DataType, Schema};
use futures::TryStreamExt;

use crate::LakeError;
use crate::file_reader::open_as;
use crate::form::{FORM, TextPool};
use crate::lake::Lake;
use crate::layout::encoding::{Effort, ROW_GROUP_ROWS};
use crate::layout::partition::partition_path;
use crate::layout::table::{LIKENESS, SHARED_TEXTS, TableLayout};
use crate::manifest::LakeFile;
use crate::rows::buffer::ranks_of;
use crate::seen::{text_at, times};
use crate::write::{FileEncoder, StagedFile, Staging, Upload};

/// Rows that are put together at a time.
const CHUNK_ROWS: usize = 4096;
/// Rows that are sorted at a time. Half a row group needs half the memory, and alike rows stand
/// together nearly as well.
pub(super) const SLAB_ROWS: usize = ROW_GROUP_ROWS / 2;
/// Rows that are decoded at a time.
const INPUT_ROWS: usize = 16 * 1024;

/// A row group that is to be read.
struct Source {
    file: Arc<LakeFile>,
    group: usize,
    time_min_us: i64,
}

/// A row that was read and not written.
#[derive(Clone, Copy)]
struct Waiting {
    time_us: i64,
    batch: u32,
    row: u32,
    /// Numbers of its texts in the columns of [`LIKENESS`].
    like: [i32; LIKENESS.len()],
}

/// Rows between reading and writing.
#[derive(Default)]
struct Pool {
    batches: HashMap<u32, RecordBatch>,
    next_batch: u32,
    /// Sorted by time.
    rows: Vec<Waiting>,
    texts: [TextPool; LIKENESS.len()],
}

/// Merges files into one staged file.
pub(crate) async fn merge(
    lake: &Lake,
    staging: &Staging,
    layout: &TableLayout,
    files: &[Arc<LakeFile>],
) -> Result<StagedFile, LakeError> {
    let Some(first) = files.first() else {
        return Err(LakeError::Request("no file to merge".to_owned()));
    };
    let name = staging.file_name();
    let mut upload = staging.upload(&name).await?;
    match stream(lake, layout, files, &mut upload).await {
        Ok(facts) => {
            let staged = upload.finish().await?;
            let folder = partition_path(&first.source, first.day, &first.account);
            let path = format!("{folder}/{name}");
            let file = facts.file(layout, path, first.day, &first.account);
            Ok(StagedFile { staged, shown: false, file })
        }
        Err(error) => {
            upload.abort().await;
            Err(error)
        }
    }
}

/// The types in which rows are merged: offsets instead of views, which take a quarter of the
/// memory where most values are null, and forms once for all their rows.
pub(super) fn merged_schema(layout: &TableLayout) -> Schema {
    let fields = layout.schema.fields().iter().map(|field| {
        let kind = match field.name() == FORM {
            true => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            false => plain(field.data_type()),
        };
        field.as_ref().clone().with_data_type(kind)
    });
    Schema::new(fields.collect::<Vec<_>>())
}

fn plain(kind: &DataType) -> DataType {
    match kind {
        DataType::Utf8View => DataType::Utf8,
        DataType::List(item) => {
            DataType::List(Arc::new(item.as_ref().clone().with_data_type(plain(item.data_type()))))
        }
        DataType::Struct(members) => DataType::Struct(
            members
                .iter()
                .map(|member| member.as_ref().clone().with_data_type(plain(member.data_type())))
                .collect(),
        ),
        other => other.clone(),
    }
}

async fn stream(
    lake: &Lake,
    layout: &TableLayout,
    files: &[Arc<LakeFile>],
    upload: &mut Upload,
) -> Result<crate::write::FileFacts, LakeError> {
    let rows: u64 = files.iter().map(|file| file.rows).sum();
    let mut sources: Vec<Source> = files.iter().flat_map(sources).collect();
    // The earliest is taken from the end.
    sources.sort_by_key(|source| std::cmp::Reverse(source.time_min_us));
    let schema = Arc::new(merged_schema(layout));
    let mut pool = Pool::default();
    let mut encoder: Option<FileEncoder<'_>> = None;
    loop {
        let frontier = sources.last().map_or(i64::MAX, |source| source.time_min_us);
        let ready = pool.rows_before(frontier);
        if ready < SLAB_ROWS
            && let Some(source) = sources.pop()
        {
            pool.read(lake, layout, &schema, &source).await?;
            continue;
        }
        if ready == 0 {
            break;
        }
        let slab = pool.take(ready.min(SLAB_ROWS));
        let encoder = match &mut encoder {
            Some(encoder) => encoder,
            none => {
                let rows = usize::try_from(rows).unwrap_or(usize::MAX);
                let step = slab.len().div_ceil(Effort::Thorough.sample_rows()).max(1);
                let sample: Vec<Waiting> = slab.iter().step_by(step).copied().collect();
                let sample = pool.gather(&sample, layout)?;
                none.insert(FileEncoder::new(layout, &sample, rows, Effort::Thorough)?)
            }
        };
        for chunk in slab.chunks(CHUNK_ROWS) {
            encoder.write(&pool.gather(chunk, layout)?)?;
            upload.add(encoder.fetch()).await?;
        }
        pool.forget_written();
    }
    let Some(encoder) = encoder else {
        return Err(LakeError::Request("no row to merge".to_owned()));
    };
    let (rest, facts) = encoder.finish()?;
    upload.add(rest).await?;
    match facts.rows == rows {
        true => Ok(facts),
        false => {
            let what = format!("its files hold {} rows instead of {rows}", facts.rows);
            let partition = files.first().map(|file| file.path.clone()).unwrap_or_default();
            Err(LakeError::manifest(partition, what))
        }
    }
}

fn sources(file: &Arc<LakeFile>) -> impl Iterator<Item = Source> + '_ {
    file.row_groups.iter().enumerate().map(|(group, facts)| Source {
        file: Arc::clone(file),
        group,
        time_min_us: facts.time_min_us,
    })
}

impl Pool {
    /// How many rows are earlier than everything that is still to be read.
    fn rows_before(&self, frontier: i64) -> usize {
        match frontier {
            i64::MAX => self.rows.len(),
            _ => self.rows.partition_point(|row| row.time_us < frontier),
        }
    }

    async fn read(
        &mut self,
        lake: &Lake,
        layout: &TableLayout,
        schema: &Arc<Schema>,
        source: &Source,
    ) -> Result<(), LakeError> {
        let path = &source.file.path;
        let fail = |error| LakeError::encode(format!("read rows of `{path}`"), error);
        let reader = open_as(lake.root(), layout, (&source.file, path), schema).await?;
        let reader = reader.with_row_groups(vec![source.group]).with_batch_size(INPUT_ROWS);
        let mut reader = std::pin::pin!(reader.build().map_err(fail)?);
        while let Some(batch) = reader.try_next().await.map_err(fail)? {
            self.add(batch);
        }
        self.rows.sort_unstable_by_key(|row| (row.time_us, row.batch, row.row));
        Ok(())
    }

    fn add(&mut self, batch: RecordBatch) {
        let number = self.next_batch;
        self.next_batch += 1;
        let columns = LIKENESS.map(|at| SHARED_TEXTS.get(at).copied().unwrap_or_default());
        let columns = columns.map(|name| batch.column_by_name(name));
        for (row, time_us) in times(&batch).into_iter().enumerate() {
            let mut like = [-1; LIKENESS.len()];
            for ((like, pool), column) in like.iter_mut().zip(&mut self.texts).zip(columns) {
                let column = column.filter(|column| column.is_valid(row));
                *like = column
                    .and_then(|column| text_at(column, row))
                    .map_or(-1, |text| pool.number(text));
            }
            let row = u32::try_from(row).unwrap_or(u32::MAX);
            self.rows.push(Waiting { time_us, batch: number, row, like });
        }
        self.batches.insert(number, batch);
    }

    /// Takes so many of the earliest rows out, in the order in which a row group has them.
    fn take(&mut self, count: usize) -> Vec<Waiting> {
        let ranks = self.texts.each_ref().map(TextPool::ranks);
        let mut rows: Vec<Waiting> = self.rows.drain(..count.min(self.rows.len())).collect();
        rows.sort_unstable_by_key(|row| {
            (ranks_of(row.like, &ranks), row.time_us, row.batch, row.row)
        });
        rows
    }

    fn gather(&self, rows: &[Waiting], layout: &TableLayout) -> Result<RecordBatch, LakeError> {
        let fail = |error| LakeError::encode(format!("merge `{}`", layout.table.source), error);
        let mut places: HashMap<u32, usize> = HashMap::new();
        let mut batches: Vec<&RecordBatch> = Vec::new();
        let mut indices = Vec::with_capacity(rows.len());
        for row in rows {
            let place = *places.entry(row.batch).or_insert_with(|| {
                batches.extend(self.batches.get(&row.batch));
                batches.len().saturating_sub(1)
            });
            indices.push((place, row.row as usize));
        }
        interleave_record_batch(&batches, &indices).map_err(fail)
    }

    /// Drops batches of which no row waits any more.
    fn forget_written(&mut self) {
        let waiting: std::collections::HashSet<u32> =
            self.rows.iter().map(|row| row.batch).collect();
        self.batches.retain(|number, _| waiting.contains(number));
        if self.rows.is_empty() {
            self.texts.iter_mut().for_each(TextPool::clear);
        }
    }
}
