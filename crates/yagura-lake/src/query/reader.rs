//! Reading Parquet files for the engine: counted, named in errors, footers kept for the process.
//! Which files and row groups are read was decided in `scan.rs`.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::future::BoxFuture;
use futures::{FutureExt as _, TryFutureExt as _};
use object_store::ObjectStore;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::error::FileFault;
use super::meter::Meter;

/// How many bytes of a file's row groups a question looks at; attached to the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weight(pub(crate) u64);

/// Makes readers for one question.
#[derive(Debug)]
pub(crate) struct Readers {
    inner: CachedParquetFileReaderFactory,
    meter: Arc<Meter>,
}

impl Readers {
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        footers: Arc<FileMetadataCache>,
        meter: Arc<Meter>,
    ) -> Self {
        Self { inner: CachedParquetFileReaderFactory::new(store, footers), meter }
    }
}

impl ParquetFileReaderFactory for Readers {
    fn create_reader(
        &self,
        partition_index: usize,
        file: PartitionedFile,
        metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let name = file.object_meta.location.to_string();
        let weight = file.extension::<Weight>().map_or(file.object_meta.size, |weight| weight.0);
        let hint = file.metadata_size_hint.or(metadata_size_hint);
        let inner = self.inner.create_reader(partition_index, file, hint, metrics)?;
        self.meter.open(&name, weight);
        Ok(Box::new(Reader { inner, name, meter: Arc::clone(&self.meter) }))
    }
}

struct Reader {
    inner: Box<dyn AsyncFileReader + Send>,
    name: String,
    meter: Arc<Meter>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.meter.close(&self.name);
    }
}

/// The error with the file's name, in a shape that is found again at the other end.
fn named(file: &str, error: &ParquetError) -> ParquetError {
    let told = match error {
        ParquetError::External(inner) => inner.to_string(),
        other => other.to_string(),
    };
    // A failed read of the footer comes as text only, with the store's words at its end.
    let what = if told.contains("Object at location") && told.contains("not found") {
        "it is gone".to_owned()
    } else {
        let start = format!("for file {file}: ");
        told.split_once(&start).map_or(told.as_str(), |(_, what)| what).to_owned()
    };
    ParquetError::External(Box::new(FileFault { file: file.to_owned(), what }))
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        self.meter.read(range.end.saturating_sub(range.start));
        let name = self.name.clone();
        self.inner.get_bytes(range).map_err(move |error| named(&name, &error)).boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        self.meter.read(ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum());
        let name = self.name.clone();
        self.inner.get_byte_ranges(ranges).map_err(move |error| named(&name, &error)).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        let name = self.name.clone();
        self.inner.get_metadata(options).map_err(move |error| named(&name, &error)).boxed()
    }
}
