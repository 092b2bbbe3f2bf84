//! What decoding hands out: batches of records, and the pieces that are not records with the
//! reason why.
//! What is done with them (rows, quarantine file, balance) is the pipeline's business.

use yagura_model::Lang;
use yagura_model::event::EventBatch;

/// Something that was found in an object.
#[derive(Debug)]
pub enum Decoded {
    /// Good records.
    Batch(EventBatch),
    /// A piece that is not a record.
    Bad(BadPiece),
}

/// A piece of an object that is not a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPiece {
    /// Why it is none.
    pub reason: BadReason,
    /// Where it begins: in the object as stored where [`BadReason::is_of_storage`], else in its
    /// text, that is after decompression.
    pub offset: u64,
    /// How many bytes it has. At least: when the rest of an object is left unread, only what was
    /// read counts.
    pub length: u64,
    /// Its bytes, or their beginning ([`BadPiece::BYTES_MAX`]).
    pub bytes: Vec<u8>,
    /// How many records were lost with it, where that can be told.
    pub records_lost: Option<u64>,
}

impl BadPiece {
    /// How many bytes of a piece are kept for the quarantine.
    pub const BYTES_MAX: usize = 64 * 1024;
}

/// Why a piece of an object is not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BadReason {
    /// The compressed data ends before its end.
    TruncatedCompression,
    /// The compressed data contradicts itself: a broken block, a wrong checksum.
    CorruptCompression,
    /// What follows the first member of a gzip file in CloudTrail's own key layout: CloudTrail
    /// writes one member, and its digest vouches for no more.
    UnsignedTail,
    /// Bytes after the compressed data that are not compressed data.
    TrailingBytes,
    /// Compressed in a way that is not read (bzip2, xz, snappy frames, zip, …).
    UnsupportedCompression,
    /// The data grows by more than the allowed ratio: a decompression bomb.
    RatioExceeded,
    /// The data grows beyond the allowed size.
    SizeExceeded,
    /// A record that is longer than allowed.
    RecordTooLarge,
    /// Not UTF-8.
    InvalidUtf8,
    /// Not JSON.
    MalformedJson,
    /// The object ends inside a record or before the end of its list.
    TruncatedRecord,
    /// JSON, and not an object: no record of a log.
    NotARecord,
    /// An envelope that does not hold what it should.
    MalformedEnvelope,
    /// A line that does not have the fields of its source.
    MalformedLine,
    /// A line before any line that says what the fields are.
    MissingHeader,
    /// Not a syslog message.
    MalformedSyslog,
    /// Not a Parquet file, or a damaged one.
    MalformedParquet,
}

impl BadReason {
    /// Every reason.
    pub const ALL: [Self; 17] = [
        Self::TruncatedCompression,
        Self::CorruptCompression,
        Self::UnsignedTail,
        Self::TrailingBytes,
        Self::UnsupportedCompression,
        Self::RatioExceeded,
        Self::SizeExceeded,
        Self::RecordTooLarge,
        Self::InvalidUtf8,
        Self::MalformedJson,
        Self::TruncatedRecord,
        Self::NotARecord,
        Self::MalformedEnvelope,
        Self::MalformedLine,
        Self::MissingHeader,
        Self::MalformedSyslog,
        Self::MalformedParquet,
    ];

    /// A name that stays: for files, tables and filters.
    pub fn id(self) -> &'static str {
        match self {
            Self::TruncatedCompression => "truncated_compression",
            Self::CorruptCompression => "corrupt_compression",
            Self::UnsignedTail => "unsigned_tail",
            Self::TrailingBytes => "trailing_bytes",
            Self::UnsupportedCompression => "unsupported_compression",
            Self::RatioExceeded => "ratio_exceeded",
            Self::SizeExceeded => "size_exceeded",
            Self::RecordTooLarge => "record_too_large",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::MalformedJson => "malformed_json",
            Self::TruncatedRecord => "truncated_record",
            Self::NotARecord => "not_a_record",
            Self::MalformedEnvelope => "malformed_envelope",
            Self::MalformedLine => "malformed_line",
            Self::MissingHeader => "missing_header",
            Self::MalformedSyslog => "malformed_syslog",
            Self::MalformedParquet => "malformed_parquet",
        }
    }

    /// The reason in words.
    pub fn words(self, lang: Lang) -> &'static str {
        let (en, ja) = match self {
            Self::TruncatedCompression => {
                ("the compressed data ends too early", "圧縮データが途中で切れています")
            }
            Self::CorruptCompression => {
                ("the compressed data is damaged", "圧縮データが壊れています")
            }
            Self::UnsignedTail => (
                "data after the first gzip member, which no digest vouches for",
                "最初の gzip メンバーの後ろに、ダイジェストで保証されないデータがあります",
            ),
            Self::TrailingBytes => (
                "bytes after the end of the compressed data",
                "圧縮データの後ろに余分なバイトがあります",
            ),
            Self::UnsupportedCompression => {
                ("compressed in a way that is not supported", "対応していない圧縮形式です")
            }
            Self::RatioExceeded => (
                "the data grows beyond the allowed ratio when decompressed",
                "展開後の大きさが許容する圧縮比を超えています",
            ),
            Self::SizeExceeded => (
                "the data grows beyond the allowed size when decompressed",
                "展開後の大きさが上限を超えています",
            ),
            Self::RecordTooLarge => {
                ("the record is longer than allowed", "レコードが長さの上限を超えています")
            }
            Self::InvalidUtf8 => ("not valid UTF-8", "UTF-8 として正しくありません"),
            Self::MalformedJson => ("not valid JSON", "JSON として正しくありません"),
            Self::TruncatedRecord => {
                ("the data ends inside a record", "レコードの途中でデータが終わっています")
            }
            Self::NotARecord => {
                ("JSON, but not an object", "JSON ですが、オブジェクトではありません")
            }
            Self::MalformedEnvelope => {
                ("the envelope does not hold a record", "外側の形式の中にレコードがありません")
            }
            Self::MalformedLine => {
                ("the line lacks fields of its source", "行に必要なフィールドがありません")
            }
            Self::MissingHeader => (
                "no line before it says what the fields are",
                "フィールド名を示す行が前にありません",
            ),
            Self::MalformedSyslog => ("not a syslog message", "syslog のメッセージではありません"),
            Self::MalformedParquet => {
                ("not a readable Parquet file", "Parquet ファイルとして読めません")
            }
        };
        match lang {
            Lang::En => en,
            Lang::Ja => ja,
        }
    }

    /// Whether offsets count bytes of the object as stored instead of its text.
    pub fn is_of_storage(self) -> bool {
        matches!(
            self,
            Self::TruncatedCompression
                | Self::CorruptCompression
                | Self::UnsignedTail
                | Self::TrailingBytes
                | Self::UnsupportedCompression
                | Self::RatioExceeded
                | Self::SizeExceeded
                | Self::MalformedParquet
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_words_tell_the_reasons_apart() {
        for lang in [Lang::En, Lang::Ja] {
            let words: std::collections::BTreeSet<_> =
                BadReason::ALL.iter().map(|reason| reason.words(lang)).collect();
            assert_eq!(words.len(), BadReason::ALL.len());
        }
        let ids: std::collections::BTreeSet<_> = BadReason::ALL.iter().map(|r| r.id()).collect();
        assert_eq!(ids.len(), BadReason::ALL.len());
    }
}
