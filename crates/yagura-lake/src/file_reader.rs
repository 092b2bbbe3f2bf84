//! Reads Parquet files of the lake: the footer in one request of known length, then ranges.
//! Which rows are wanted is the caller's business; queries have a reader of their own.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::LakeError;
use crate::layout::table::TableLayout;
use crate::manifest::LakeFile;
use crate::storage::Root;

/// A Parquet file of the lake.
#[derive(Clone, Debug)]
pub(crate) struct FileReader {
    root: Root,
    path: String,
    bytes: u64,
    footer_bytes: u64,
}

/// Opens a file of the lake that lies at a path: its own, or where it is staged. A file with
/// today's columns is read into today's types.
pub(crate) async fn open(
    root: &Root,
    layout: &TableLayout,
    file: &LakeFile,
    at: &str,
) -> Result<ParquetRecordBatchStreamBuilder<FileReader>, LakeError> {
    open_as(root, layout, (file, at), &layout.schema).await
}

/// The same, into other types of the same columns.
pub(crate) async fn open_as(
    root: &Root,
    layout: &TableLayout,
    (file, at): (&LakeFile, &str),
    schema: &SchemaRef,
) -> Result<ParquetRecordBatchStreamBuilder<FileReader>, LakeError> {
    let reader = FileReader {
        root: root.clone(),
        path: at.to_owned(),
        bytes: file.bytes,
        footer_bytes: file.footer_bytes,
    };
    let mut options = ArrowReaderOptions::new();
    if file.schema == layout.fingerprint {
        options = options.with_schema(Arc::clone(schema));
    }
    ParquetRecordBatchStreamBuilder::new_with_options(reader, options)
        .await
        .map_err(|error| LakeError::encode(format!("open `{at}` of the lake"), error))
}

impl AsyncFileReader for FileReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        let read = async {
            let mut parts = self.get_byte_ranges(vec![range]).await?;
            parts.pop().ok_or_else(|| ParquetError::EOF("an empty answer".to_owned()))
        };
        read.boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        let read = async move {
            let parts = self.root.ranges(&self.path, &ranges).await;
            parts.map_err(|error| ParquetError::External(Box::new(error)))
        };
        read.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        let read = async move {
            let bytes = self.bytes;
            let hint = usize::try_from(self.footer_bytes).ok();
            let reader = ParquetMetaDataReader::new().with_prefetch_hint(hint);
            reader.load_and_finish(self, bytes).await.map(Arc::new)
        };
        read.boxed()
    }
}
