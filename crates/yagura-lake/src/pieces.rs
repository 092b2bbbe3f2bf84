//! Reads back what is in quarantine: pieces of log objects that are no records.
//! How they are written is `write/quarantine.rs`; they are no table that can be asked.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::LakeError;
use crate::lake::Lake;

/// A piece in quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPiece {
    /// The id of the source that the object was taken for.
    pub source: String,
    /// The object's location.
    pub object: String,
    /// Where it begins in the unpacked object, in bytes; of a refused record its number.
    pub offset: u64,
    /// Why, as a word that can be searched for.
    pub reason: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Lake {
    /// Pieces in quarantine that `wanted` takes (by reason), at most `limit`, and whether there
    /// are more.
    ///
    /// # Errors
    /// [`LakeError::Read`] where a file of pieces cannot be read; [`LakeError::Encode`] where it
    /// is damaged.
    pub async fn pieces(
        &self,
        limit: usize,
        wanted: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<(Vec<KeptPiece>, bool), LakeError> {
        let snapshot = self.snapshot().await?;
        let mut pieces = Vec::new();
        for (path, source, _, _) in snapshot.quarantine() {
            // A file that retention took since is no error.
            let Some(bytes) = self.root().get(path).await? else { continue };
            let attempt = || format!("read `{path}` of the quarantine");
            let fail = |error| LakeError::encode(attempt(), error);
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(fail)?;
            for rows in reader.build().map_err(fail)? {
                let rows = rows.map_err(|error| LakeError::encode(attempt(), error))?;
                let column = |name: &str| rows.column_by_name(name);
                let text = |name: &str| column(name).and_then(|it| it.as_string_opt::<i32>());
                let offsets = column("offset").and_then(|it| it.as_primitive_opt::<Int64Type>());
                let contents = column("bytes").and_then(|it| it.as_binary_opt::<i32>());
                let (Some(objects), Some(reasons), Some(offsets), Some(contents)) =
                    (text("object"), text("reason"), offsets, contents)
                else {
                    return Err(LakeError::manifest(path, "it is no file of pieces"));
                };
                for row in (0..objects.len()).filter(|row| wanted(reasons.value(*row))) {
                    if pieces.len() == limit {
                        return Ok((pieces, true));
                    }
                    pieces.push(KeptPiece {
                        source: source.to_owned(),
                        object: objects.value(row).to_owned(),
                        offset: u64::try_from(offsets.value(row)).unwrap_or_default(),
                        reason: reasons.value(row).to_owned(),
                        bytes: contents.value(row).to_vec(),
                    });
                }
            }
        }
        Ok((pieces, false))
    }
}
