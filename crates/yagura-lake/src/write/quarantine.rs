//! Pieces of log objects that are no records: kept with object, place and reason, in Parquet
//! files beside the tables, committed together with the rows of the same objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, BinaryArray, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::LakeError;
use crate::layout::partition::QUARANTINE;
use crate::manifest::QuarantineFile;

/// What a piece costs in memory beside its bytes.
const PIECE_BYTES: usize = 96;

/// A piece of a log object that could not become rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Why, as a word that can be searched for: `truncated_gzip`, `no_time`.
    pub reason: String,
    /// Where it begins in the unpacked object, in bytes; of a refused record its number.
    pub offset: u64,
    /// The bytes themselves.
    pub bytes: Vec<u8>,
}

/// Pieces that wait to be written, by source.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    by_source: BTreeMap<String, Vec<(Arc<str>, Piece)>>,
    bytes: usize,
}

/// A staged file of pieces.
#[derive(Clone, Debug)]
pub(crate) struct StagedPieces {
    pub(crate) staged: String,
    pub(crate) shown: bool,
    pub(crate) file: QuarantineFile,
}

impl Pieces {
    pub(crate) fn add(&mut self, source: &str, object: &Arc<str>, piece: Piece) {
        self.bytes += piece.bytes.len() + PIECE_BYTES;
        let own = self.by_source.entry(source.to_owned()).or_default();
        own.push((Arc::clone(object), piece));
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes all pieces of another over.
    pub(crate) fn append(&mut self, other: &mut Self) {
        self.bytes += other.bytes;
        for (source, mut pieces) in std::mem::take(other).by_source {
            self.by_source.entry(source).or_default().append(&mut pieces);
        }
    }

    /// Every source with the bytes of its file and the number of pieces in it.
    pub(crate) fn encode(&mut self) -> Result<Vec<(String, u64, Vec<u8>)>, LakeError> {
        let mut files = Vec::new();
        for (source, pieces) in std::mem::take(self).by_source {
            let schema = Schema::new(vec![
                Field::new("object", DataType::Utf8, false),
                Field::new("offset", DataType::Int64, false),
                Field::new("reason", DataType::Utf8, false),
                Field::new("bytes", DataType::Binary, false),
            ]);
            let offset = |(_, piece): &(_, Piece)| i64::try_from(piece.offset).unwrap_or(i64::MAX);
            let objects = pieces.iter().map(|(object, _)| Some(object.as_ref()));
            let reasons = pieces.iter().map(|(_, piece)| Some(piece.reason.as_str()));
            let bytes = pieces.iter().map(|(_, piece)| Some(piece.bytes.as_slice()));
            let rows = RecordBatch::try_new(
                Arc::new(schema),
                vec![
                    Arc::new(objects.collect::<StringArray>()),
                    Arc::new(pieces.iter().map(offset).collect::<Int64Array>()),
                    Arc::new(reasons.collect::<StringArray>()),
                    Arc::new(bytes.collect::<BinaryArray>()),
                ],
            );
            let rows = rows.map_err(encode_error)?;
            files.push((source, rows.num_rows() as u64, parquet_bytes(&rows)?));
        }
        Ok(files)
    }
}

/// The final path of a file of pieces.
pub(crate) fn quarantine_path(source: &str, name: &str) -> String {
    format!("{QUARANTINE}/source={source}/{name}")
}

/// A file of pieces without those of some objects; none where nothing is left.
pub(crate) fn pieces_without(
    bytes: Bytes,
    dropped: &dyn Fn(&str) -> bool,
) -> Result<Option<(u64, Vec<u8>)>, LakeError> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(encode_error)?;
    let reader = reader.with_batch_size(usize::MAX >> 1).build().map_err(encode_error)?;
    let mut kept = Vec::new();
    for rows in reader {
        let rows = rows.map_err(encode_error)?;
        let objects = rows.column_by_name("object").and_then(|it| it.as_string_opt::<i32>());
        let keep: BooleanArray = match objects {
            Some(objects) => objects.iter().map(|it| Some(!it.is_some_and(dropped))).collect(),
            None => vec![true; rows.num_rows()].into(),
        };
        kept.push(filter_record_batch(&rows, &keep).map_err(encode_error)?);
    }
    let Some(first) = kept.first() else { return Ok(None) };
    let rows = arrow::compute::concat_batches(&first.schema(), &kept).map_err(encode_error)?;
    match rows.num_rows() {
        0 => Ok(None),
        pieces => Ok(Some((pieces as u64, parquet_bytes(&rows)?))),
    }
}

fn parquet_bytes(rows: &RecordBatch) -> Result<Vec<u8>, LakeError> {
    let zstd = Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default());
    let properties = WriterProperties::builder().set_compression(zstd).build();
    let mut bytes = Vec::new();
    let mut writer =
        ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties)).map_err(encode_error)?;
    writer.write(rows).map_err(encode_error)?;
    writer.close().map_err(encode_error)?;
    Ok(bytes)
}

fn encode_error(error: impl Into<parquet::errors::ParquetError>) -> LakeError {
    LakeError::encode("encode pieces for quarantine", error)
}
