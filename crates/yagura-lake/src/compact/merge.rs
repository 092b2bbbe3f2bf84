//! Sorted files of one partition become one sorted file, row by row as they stream.
//! Which files, and what becomes of the result, is decided in the module above.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::pin::Pin;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use futures::TryStreamExt;
use parquet::arrow::async_reader::ParquetRecordBatchStream;

use crate::LakeError;
use crate::file_reader::{FileReader, open};
use crate::lake::Lake;
use crate::layout::encoding::Effort;
use crate::layout::partition::partition_path;
use crate::layout::table::TableLayout;
use crate::manifest::LakeFile;
use crate::seen::times;
use crate::write::{FileEncoder, StagedFile, Staging};

/// Rows of an input that are decoded at a time.
const INPUT_ROWS: usize = 1024;
/// Rows that are put together at a time.
const CHUNK_ROWS: usize = 4096;

/// A file that is being read.
struct Input {
    stream: Pin<Box<ParquetRecordBatchStream<FileReader>>>,
    path: String,
    /// The place of its batch among the chunk's batches.
    batch: usize,
    times: Vec<i64>,
    row: usize,
}

impl Input {
    /// The time of its next row.
    fn time(&self) -> Option<i64> {
        self.times.get(self.row).copied()
    }

    /// Reads the next rows; none at the end.
    async fn read(&mut self) -> Result<Option<RecordBatch>, LakeError> {
        let attempt = || format!("read rows of `{}`", self.path);
        let fail = |error| LakeError::encode(attempt(), error);
        while let Some(batch) = self.stream.try_next().await.map_err(fail)? {
            if batch.num_rows() > 0 {
                self.times = times(&batch);
                self.row = 0;
                return Ok(Some(batch));
            }
        }
        self.times.clear();
        self.row = 0;
        Ok(None)
    }
}

/// Rows that are chosen and not written yet.
#[derive(Default)]
struct Chunk {
    batches: Vec<RecordBatch>,
    rows: Vec<(usize, usize)>,
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

async fn stream(
    lake: &Lake,
    layout: &TableLayout,
    files: &[Arc<LakeFile>],
    upload: &mut crate::write::Upload,
) -> Result<crate::write::FileFacts, LakeError> {
    let rows: u64 = files.iter().map(|file| file.rows).sum();
    let mut inputs = Vec::with_capacity(files.len());
    let mut chunk = Chunk::default();
    let mut next = BinaryHeap::new();
    for file in files {
        let reader = open(lake.root(), layout, file, &file.path).await?;
        let fail = |error| LakeError::encode(format!("read rows of `{}`", file.path), error);
        let stream = reader.with_batch_size(INPUT_ROWS).build().map_err(fail)?;
        let mut input = Input {
            stream: Box::pin(stream),
            path: file.path.clone(),
            batch: 0,
            times: Vec::new(),
            row: 0,
        };
        advance(&mut input, &mut chunk, &mut next, inputs.len()).await?;
        inputs.push(input);
    }
    let mut encoder: Option<FileEncoder<'_>> = None;
    while let Some(Reverse((_, at))) = next.pop() {
        let Some(input) = inputs.get_mut(at) else { continue };
        // All rows of this input up to the next input's first are in order already.
        let until = next.peek().map_or(i64::MAX, |Reverse((time_us, _))| *time_us);
        while input.time().is_some_and(|time_us| time_us <= until) && chunk.rows.len() < CHUNK_ROWS
        {
            chunk.rows.push((input.batch, input.row));
            input.row += 1;
        }
        match input.time() {
            Some(time_us) => next.push(Reverse((time_us, at))),
            None => advance(input, &mut chunk, &mut next, at).await?,
        }
        if chunk.rows.len() >= CHUNK_ROWS || next.is_empty() {
            write(layout, &mut chunk, &mut inputs, rows, &mut encoder)?;
            if let Some(encoder) = &mut encoder {
                upload.add(encoder.fetch()).await?;
            }
        }
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

/// Reads an input's next rows and puts it back in the queue.
async fn advance(
    input: &mut Input,
    chunk: &mut Chunk,
    next: &mut BinaryHeap<Reverse<(i64, usize)>>,
    at: usize,
) -> Result<(), LakeError> {
    if let Some(batch) = input.read().await? {
        input.batch = chunk.batches.len();
        chunk.batches.push(batch);
        next.extend(input.time().map(|time_us| Reverse((time_us, at))));
    }
    Ok(())
}

/// Writes the chunk; batches of which rows are left go into the next.
fn write<'l>(
    layout: &'l TableLayout,
    chunk: &mut Chunk,
    inputs: &mut [Input],
    rows: u64,
    encoder: &mut Option<FileEncoder<'l>>,
) -> Result<(), LakeError> {
    let fail = |error| LakeError::encode(format!("merge `{}`", layout.table.source), error);
    let batches: Vec<&RecordBatch> = chunk.batches.iter().collect();
    if chunk.rows.is_empty() {
        return Ok(());
    }
    let merged = interleave_record_batch(&batches, &chunk.rows).map_err(fail)?;
    let encoder = match encoder {
        Some(encoder) => encoder,
        none => {
            let rows = usize::try_from(rows).unwrap_or(usize::MAX);
            none.insert(FileEncoder::new(layout, &merged, rows, Effort::Thorough)?)
        }
    };
    encoder.write(&merged)?;
    chunk.rows.clear();
    let mut kept = Vec::new();
    for input in inputs.iter_mut().filter(|input| input.time().is_some()) {
        if let Some(batch) = chunk.batches.get(input.batch) {
            kept.push(batch.clone());
            input.batch = kept.len() - 1;
        }
    }
    chunk.batches = kept;
    Ok(())
}
