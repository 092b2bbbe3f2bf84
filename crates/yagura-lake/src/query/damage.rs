//! Finding the damaged file behind an error about bytes: the engine does not name it.
//! Files whose footer or reads fail are named by `reader.rs` already.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::error::QueryError;

/// How many files are looked through, the newest opened first.
const FILES_MAX: usize = 64;

/// The first of the files that cannot be read to its end.
pub(crate) async fn find(store: &Arc<dyn ObjectStore>, files: Vec<String>) -> Option<QueryError> {
    for file in files.into_iter().take(FILES_MAX) {
        let path = Path::parse(&file).ok()?;
        let what = match store.get(&path).await {
            Err(error) => Some(error.to_string()),
            Ok(answer) => match answer.bytes().await {
                Err(error) => Some(error.to_string()),
                Ok(bytes) => tokio::task::spawn_blocking(move || fault(bytes)).await.ok()?,
            },
        };
        if let Some(what) = what {
            return Some(QueryError::File { file, what });
        }
    }
    None
}

fn fault(bytes: bytes::Bytes) -> Option<String> {
    let made = ParquetRecordBatchReaderBuilder::try_new(bytes);
    let reader = match made.and_then(ParquetRecordBatchReaderBuilder::build) {
        Ok(reader) => reader,
        Err(error) => return Some(error.to_string()),
    };
    for batch in reader {
        if let Err(error) = batch {
            return Some(error.to_string());
        }
    }
    None
}
