//! Export to the layout of Security Lake's custom sources: one class of OCSF for each source,
//! `ext/SOURCE/region=R/accountId=A/eventDay=YYYYMMDD/`, sorted by time, zstd.
//! Source: Amazon Security Lake User Guide, "Collecting data from custom sources", seen 2026-11.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use jiff::civil::Date;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::LakeError;
use crate::ocsf::OcsfView;
use crate::query::{Engine, QueryError, QueryOptions};

/// Rows of a row group: with a kilobyte a row far below the bound of 256 MB.
const ROW_GROUP_ROWS: usize = 100_000;
/// Bytes of a page before compression; the bound is 1 MB.
const PAGE_BYTES: usize = 1024 * 1024 - 1;
/// Rows of one file; a partition with more gets several.
const FILE_ROWS: usize = 500_000;

/// What to export.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// The view; its class is the class of the custom source.
    pub view: OcsfView,
    /// The name of the custom source: `[A-Za-z0-9_-]`, at most 20 characters.
    pub name: String,
    /// The region of records that name none.
    pub region: String,
    /// The account of records that name none.
    pub account: String,
    /// The days to export, first and last.
    pub days: (Date, Date),
    /// A name for this run that no other run has: it becomes part of file names, so that a second
    /// run of the same name overwrites the first.
    pub run: String,
}

/// What was exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Files written.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// Writes the records of a view, day by day, so that memory is bounded by a day's partition file.
///
/// # Errors
/// [`QueryError`] where the lake cannot be read or a file cannot be written. Files written before
/// stay; the same run again overwrites them.
pub async fn security_lake(
    engine: &Engine,
    to: Arc<dyn ObjectStore>,
    prefix: &Path,
    request: &ExportRequest,
    options: &QueryOptions,
) -> Result<Exported, QueryError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if request.name.is_empty() || request.name.len() > 20 || !request.name.chars().all(plain) {
        let what = format!("`{}` cannot be the name of a custom source", request.name);
        return Err(LakeError::Request(what).into());
    }
    let mut exported = Exported::default();
    let (mut day, last) = request.days;
    while day <= last {
        let mut writer = DayWriter { to: &to, prefix, request, day, open: BTreeMap::new() };
        let sql = sql_of_day(&request.view, day);
        let mut answer = engine.run(&sql, options).await?;
        while let Some(batch) = answer.next_batch().await? {
            writer.add(&batch, &mut exported).await?;
        }
        writer.finish(&mut exported).await?;
        match day.tomorrow() {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    Ok(exported)
}

/// The rows of a day, each partition's together and in the order of time.
fn sql_of_day(view: &OcsfView, day: Date) -> String {
    let next = day.tomorrow().unwrap_or(day);
    format!(
        "SELECT * FROM {} v WHERE \"time\" >= TIMESTAMP '{day}T00:00:00Z' AND \"time\" < \
         TIMESTAMP '{next}T00:00:00Z' ORDER BY v.cloud['region'], v.cloud['account']['uid'], \
         \"time\"",
        view.name,
    )
}

/// Rows of one partition that are not written yet.
struct Partition {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    rows: usize,
    files: u64,
}

struct DayWriter<'a> {
    to: &'a Arc<dyn ObjectStore>,
    prefix: &'a Path,
    request: &'a ExportRequest,
    day: Date,
    open: BTreeMap<(String, String), Partition>,
}

impl DayWriter<'_> {
    /// Adds rows; partitions that ended are written.
    async fn add(
        &mut self,
        batch: &RecordBatch,
        exported: &mut Exported,
    ) -> Result<(), QueryError> {
        let mut start = 0;
        while start < batch.num_rows() {
            let key = self.partition_of(batch, start);
            let mut end = start + 1;
            while end < batch.num_rows() && self.partition_of(batch, end) == key {
                end += 1;
            }
            // Rows are sorted by partition: whatever else is open has ended.
            let ended: Vec<_> = self.open.keys().filter(|open| **open != key).cloned().collect();
            for ended in ended {
                self.write(&ended, exported).await?;
                self.open.remove(&ended);
            }
            let piece = batch.slice(start, end - start);
            let partition = self.open.entry(key.clone()).or_insert_with(|| Partition {
                schema: batch.schema(),
                batches: Vec::new(),
                rows: 0,
                files: 0,
            });
            partition.rows += piece.num_rows();
            partition.batches.push(piece);
            if partition.rows >= FILE_ROWS {
                self.write(&key, exported).await?;
            }
            start = end;
        }
        Ok(())
    }

    async fn finish(&mut self, exported: &mut Exported) -> Result<(), QueryError> {
        let open: Vec<_> = self.open.keys().cloned().collect();
        for key in open {
            self.write(&key, exported).await?;
        }
        Ok(())
    }

    /// Region and account of a row; those of the request where it names none.
    fn partition_of(&self, batch: &RecordBatch, row: usize) -> (String, String) {
        let text = |path: &[&str]| {
            let (first, rest) = path.split_first()?;
            let mut column = Arc::clone(batch.column_by_name(first)?);
            for name in rest {
                column = Arc::clone(column.as_struct_opt()?.column_by_name(name)?);
            }
            let text = crate::query::text_value(&column, row)?;
            // Only what cannot leave its folder becomes part of a path.
            let safe = |c: char| c.is_ascii_alphanumeric() || c == '-';
            (!column.is_null(row) && !text.is_empty() && text.chars().all(safe)).then_some(text)
        };
        let region = text(&["cloud", "region"]).unwrap_or_else(|| self.request.region.clone());
        let account = text(&["cloud", "account", "uid"]);
        (region, account.unwrap_or_else(|| self.request.account.clone()))
    }

    async fn write(
        &mut self,
        key: &(String, String),
        exported: &mut Exported,
    ) -> Result<(), QueryError> {
        let Some(partition) = self.open.get_mut(key).filter(|one| one.rows > 0) else {
            return Ok(());
        };
        let batches = std::mem::take(&mut partition.batches);
        let schema = Arc::clone(&partition.schema);
        let rows = std::mem::take(&mut partition.rows);
        let number = partition.files;
        partition.files += 1;
        let bytes = tokio::task::spawn_blocking(move || encode(&schema, &batches))
            .await
            .map_err(|error| QueryError::Write(std::io::Error::other(error)))?
            .map_err(|error| QueryError::Write(std::io::Error::other(error)))?;
        let (region, account) = key;
        let day = self.day.strftime("%Y%m%d");
        let ExportRequest { name, run, .. } = self.request;
        let relative = format!(
            "ext/{name}/region={region}/accountId={account}/eventDay={day}/\
             {run}-{number:04}.parquet"
        );
        let path = Path::from_iter(
            self.prefix
                .parts()
                .map(|part| part.as_ref().to_owned())
                .chain(relative.split('/').map(str::to_owned)),
        );
        exported.files += 1;
        exported.rows += rows as u64;
        exported.bytes += bytes.len() as u64;
        self.to
            .put(&path, PutPayload::from(bytes))
            .await
            .map_err(|error| LakeError::write(relative, error))?;
        Ok(())
    }
}

fn encode(
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_created_by(concat!("yagura ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, Arc::clone(schema), Some(properties))?;
    writer.write(&concat_batches(schema, batches)?)?;
    writer.close()?;
    Ok(bytes)
}
