//! One Parquet file in the making, and what the manifest must know of it.
//! Where the bytes go is `staging.rs`.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use jiff::civil::Date;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use crate::LakeError;
use crate::layout::encoding::{Effort, ROW_GROUP_ROWS, properties};
use crate::layout::table::TableLayout;
use crate::manifest::{Bloom, LakeFile, RegionHours, RowGroup};
use crate::seen::{hour_of, text_at, times};

/// Parquet's magic word and the length of the footer, at the end of a file.
const TAIL_BYTES: u64 = 8;

/// Bytes written so far that nobody has fetched yet.
#[derive(Clone, Debug, Default)]
struct Sink {
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Sink {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What the manifest must know of a finished file.
#[derive(Clone, Debug)]
pub(crate) struct FileFacts {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    footer_bytes: u64,
    row_groups: Vec<RowGroup>,
    regions: Vec<RegionHours>,
}

impl FileFacts {
    /// The manifest's entry for the file.
    pub(crate) fn file(
        self,
        layout: &TableLayout,
        path: String,
        day: Date,
        account: &Arc<str>,
    ) -> LakeFile {
        let first = self.row_groups.iter().map(|group| group.time_min_us).min();
        let last = self.row_groups.iter().map(|group| group.time_max_us).max();
        LakeFile {
            path,
            source: layout.table.source.as_str().into(),
            day,
            account: Arc::clone(account),
            rows: self.rows,
            bytes: self.bytes,
            footer_bytes: self.footer_bytes,
            time_min_us: first.unwrap_or_default(),
            time_max_us: last.unwrap_or_default(),
            lookups: Arc::clone(&layout.lookups),
            row_groups: self.row_groups,
            regions: self.regions,
            schema: Arc::clone(&layout.fingerprint),
            commit: 0,
            compacted: false,
        }
    }
}

/// A Parquet file in the making. Rows of a row group may come in any order.
pub(crate) struct FileEncoder<'l> {
    layout: &'l TableLayout,
    writer: ArrowWriter<Sink>,
    sink: Sink,
    /// Bytes that were fetched already.
    fetched: u64,
    rows: usize,
    spans: Vec<(i64, i64)>,
    regions: Vec<RegionHours>,
}

impl<'l> FileEncoder<'l> {
    /// Begins a file of about so many rows; `sample` has some from everywhere.
    pub(crate) fn new(
        layout: &'l TableLayout,
        sample: &RecordBatch,
        rows: usize,
        effort: Effort,
    ) -> Result<Self, LakeError> {
        let sink = Sink::default();
        // Arrow's own copy of the schema would only repeat what Parquet says, and name types that
        // other engines do not know.
        let options = ArrowWriterOptions::new()
            .with_properties(properties(layout, sample, rows, effort))
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(sink.clone(), sample.schema(), options)
            .map_err(|error| encode_error(layout, error))?;
        Ok(Self {
            layout,
            writer,
            sink,
            fetched: 0,
            rows: 0,
            spans: Vec::new(),
            regions: Vec::new(),
        })
    }

    /// Adds rows.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<(), LakeError> {
        let times = times(rows);
        let regions = rows.column_by_name("region");
        let mut last = usize::MAX;
        for (row, time_us) in times.into_iter().enumerate() {
            match self.spans.last_mut() {
                Some((min, max)) if !self.rows.is_multiple_of(ROW_GROUP_ROWS) => {
                    (*min, *max) = (time_us.min(*min), time_us.max(*max));
                }
                _ => self.spans.push((time_us, time_us)),
            }
            self.rows += 1;
            let name = regions.and_then(|regions| text_at(regions, row)).unwrap_or_default();
            let known = self.regions.get(last).is_some_and(|at| *at.region == *name);
            if !known {
                last = self.region(name);
            }
            if let Some(region) = self.regions.get_mut(last) {
                region.hours |= 1_u32.checked_shl(hour_of(time_us)).unwrap_or_default();
            }
        }
        self.writer.write(rows).map_err(|error| encode_error(self.layout, error))
    }

    fn region(&mut self, name: &str) -> usize {
        let known = self.regions.iter().position(|at| *at.region == *name);
        known.unwrap_or_else(|| {
            self.regions.push(RegionHours { region: name.into(), hours: 0 });
            self.regions.len() - 1
        })
    }

    /// The bytes that are ready to be sent away.
    pub(crate) fn fetch(&mut self) -> Vec<u8> {
        let bytes = self.sink.take();
        self.fetched += bytes.len() as u64;
        bytes
    }

    /// Ends the file: the rest of its bytes, and its facts.
    pub(crate) fn finish(mut self) -> Result<(Vec<u8>, FileFacts), LakeError> {
        let metadata = self.writer.finish().map_err(|error| encode_error(self.layout, error))?;
        let rest = self.fetch();
        let row_groups = row_groups(self.layout, &metadata, &self.spans);
        let facts = FileFacts {
            rows: self.rows as u64,
            bytes: self.fetched,
            footer_bytes: self.fetched.saturating_sub(footer_start(&metadata, &rest, self.fetched)),
            row_groups,
            regions: self.regions,
        };
        Ok((rest, facts))
    }
}

fn encode_error(layout: &TableLayout, error: parquet::errors::ParquetError) -> LakeError {
    LakeError::encode(format!("encode rows of `{}`", layout.table.source), error)
}

/// Where what a reader needs first begins: the page index, or else the footer.
fn footer_start(metadata: &ParquetMetaData, rest: &[u8], bytes: u64) -> u64 {
    let chunks = metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
    let page_index = chunks
        .filter_map(|chunk| {
            chunk.column_index_offset().into_iter().chain(chunk.offset_index_offset()).min()
        })
        .min()
        .and_then(|offset| u64::try_from(offset).ok());
    let tail = rest.len().checked_sub(8).and_then(|at| rest.get(at..at + 4));
    let length = tail.and_then(|tail| <[u8; 4]>::try_from(tail).ok()).map_or(0, u32::from_le_bytes);
    let footer = bytes.saturating_sub(u64::from(length) + TAIL_BYTES);
    page_index.map_or(footer, |page_index| page_index.min(footer))
}

fn row_groups(
    layout: &TableLayout,
    metadata: &ParquetMetaData,
    spans: &[(i64, i64)],
) -> Vec<RowGroup> {
    let group = |(group, span): (&RowGroupMetaData, &(i64, i64))| {
        let bloom = |lookup: &String| {
            let chunk =
                group.columns().iter().find(|chunk| chunk.column_path().string() == *lookup)?;
            place(chunk.bloom_filter_offset()?, chunk.bloom_filter_length()?)
        };
        RowGroup {
            rows: u64::try_from(group.num_rows()).unwrap_or_default(),
            bytes: u64::try_from(group.compressed_size()).unwrap_or_default(),
            time_min_us: span.0,
            time_max_us: span.1,
            blooms: layout.lookups.iter().map(bloom).collect(),
        }
    };
    metadata.row_groups().iter().zip(spans).map(group).collect()
}

/// Where the blocks of a filter are. Its header has no fixed length, but it is shorter than the
/// blocks are: their length is the largest power of two that fits.
fn place(offset: i64, length: i32) -> Option<Bloom> {
    let (offset, length) = (u64::try_from(offset).ok()?, u32::try_from(length).ok()?);
    let bitset = 1_u32.checked_shl(length.checked_ilog2()?)?;
    let blocks = bitset / u32::try_from(Bloom::BLOCK_BYTES).ok()?;
    (blocks > 0).then(|| Bloom { offset: offset + u64::from(length - bitset), blocks })
}
