//! How the columns of a file are encoded: compression, dictionaries, statistics, bloom filters,
//! pages and row groups. Which columns there are is in `table.rs`.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use crate::form::{FORM, RAW};
use crate::layout::table::TableLayout;
use crate::seen::text_at;

/// Rows of a row group: small enough that a lookup reads little, large enough that the filters
/// of 100 million rows are 763 blocks.
pub(crate) const ROW_GROUP_ROWS: usize = 128 * 1024;
/// Rows between entries of the page index.
const PAGE_ROWS: usize = 20_000;
/// Bytes of different forms of records in a row group, before they are written out one by one.
const FORMS_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of a page before compression.
const PAGE_BYTES: usize = 1024 * 1024;
/// Of a hundred lookups for a value that is not there, one reads a row group for nothing.
const BLOOM_FALSE_POSITIVES: f64 = 0.01;
/// Bits of a filter for a value at that rate (BloomFilter.md of apache/parquet-format), rounded.
const BLOOM_BITS_PER_VALUE: u64 = 10;
/// Texts as short as this that never come again are names drawn by lot: a higher level of
/// compression only finds likenesses in them that cost more than they save.
const DRAWN_BYTES_MAX: usize = 40;
const DRAWN_LEVEL: i32 = 1;
/// Of a sample's bytes, so many percent are texts that occur in it once: the column would fill a
/// dictionary and gain nothing. Fewer are taken for values that come again further on.
const ONCE_PERCENT: usize = 85;
/// Characters of a value that statistics keep; longer ones are cut, and readers know it.
const STATISTICS_BYTES: usize = 64;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// While logs come in.
    Quick,
    /// While small files are made large ones, once for ever.
    Thorough,
}

impl Effort {
    fn zstd(self) -> Compression {
        let level = match self {
            Self::Quick => 1,
            Self::Thorough => 9,
        };
        zstd(level)
    }

    /// So many rows decide whether a column repeats itself.
    pub(crate) fn sample_rows(self) -> usize {
        match self {
            Self::Quick => 1024,
            Self::Thorough => 8192,
        }
    }
}

fn zstd(level: i32) -> Compression {
    Compression::ZSTD(ZstdLevel::try_new(level).unwrap_or_default())
}

/// The properties for a file of which `sample` has rows from everywhere.
pub(crate) fn properties(
    layout: &TableLayout,
    sample: &RecordBatch,
    rows: usize,
    effort: Effort,
) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_compression(effort.zstd())
        .set_created_by(concat!("yagura ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_column_index_truncate_length(Some(STATISTICS_BYTES))
        .set_statistics_truncate_length(Some(STATISTICS_BYTES))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_column_dictionary_enabled(ColumnPath::from("time"), false)
        // Not sorted, differences are as wide as the times, and their bits compress to nothing.
        .set_column_encoding(ColumnPath::from("time"), Encoding::PLAIN)
        .set_column_statistics_enabled(ColumnPath::from("time"), EnabledStatistics::Page);
    for (field, column) in layout.schema.fields().iter().zip(sample.columns()) {
        builder = leaf(builder, vec![field.name().clone()], column, effort);
    }
    builder = plain_text(builder, ColumnPath::from(RAW));
    builder = builder
        .set_column_dictionary_enabled(ColumnPath::from(FORM), true)
        .set_column_dictionary_page_size_limit(ColumnPath::from(FORM), FORMS_BYTES)
        .set_column_statistics_enabled(ColumnPath::from(FORM), EnabledStatistics::None);
    let distinct_max = filter_values(u64::try_from(rows.min(ROW_GROUP_ROWS)).unwrap_or(u64::MAX));
    for lookup in layout.lookups.iter() {
        let path = || ColumnPath::new(lookup.split('.').map(str::to_owned).collect());
        builder = builder
            .set_column_bloom_filter_enabled(path(), true)
            .set_column_bloom_filter_fpp(path(), BLOOM_FALSE_POSITIVES)
            .set_column_bloom_filter_max_ndv(path(), distinct_max)
            .set_column_statistics_enabled(path(), EnabledStatistics::Page);
    }
    builder.build()
}

/// For how many values the filter of a row group is laid out. Filters are powers of two long;
/// where the next one would be half empty, the one below is full enough.
fn filter_values(rows: u64) -> u64 {
    let bits = rows.saturating_mul(BLOOM_BITS_PER_VALUE).max(256);
    let above = bits.checked_next_power_of_two().unwrap_or(bits);
    let bits = if above > bits.saturating_mul(7) / 5 { above / 2 } else { above };
    (bits / BLOOM_BITS_PER_VALUE).max(1)
}

/// Text that does not repeat: no dictionary, lengths apart from letters, no statistics.
fn plain_text(builder: WriterPropertiesBuilder, path: ColumnPath) -> WriterPropertiesBuilder {
    builder
        .set_column_dictionary_enabled(path.clone(), false)
        .set_column_encoding(path.clone(), Encoding::DELTA_LENGTH_BYTE_ARRAY)
        .set_column_statistics_enabled(path, EnabledStatistics::None)
}

/// Looks at the values of a column, and of what is inside it, and turns dictionaries and
/// compression off where they would only cost.
fn leaf(
    builder: WriterPropertiesBuilder,
    path: Vec<String>,
    column: &ArrayRef,
    effort: Effort,
) -> WriterPropertiesBuilder {
    match column.data_type() {
        DataType::Struct(fields) => {
            let members = column.as_struct();
            fields.iter().zip(members.columns()).fold(builder, |builder, (field, member)| {
                let path = path.iter().cloned().chain([field.name().clone()]).collect();
                leaf(builder, path, member, effort)
            })
        }
        DataType::List(_) => {
            let inner = ["list", "element"].map(str::to_owned);
            let path = path.into_iter().chain(inner).collect();
            leaf(builder, path, column.as_list::<i32>().values(), effort)
        }
        // Making a compressor ready costs more than it would save of next to nothing, and most
        // columns of most files are empty.
        _ if effort == Effort::Quick && column.null_count() == column.len() => {
            builder.set_column_compression(ColumnPath::new(path), Compression::UNCOMPRESSED)
        }
        DataType::Utf8 | DataType::Utf8View => {
            // Bounds of long and various texts cost comparisons and exclude next to nothing.
            let at = ColumnPath::new(path);
            match repetition(column) {
                Repetition::Drawn => {
                    plain_text(builder, at.clone()).set_column_compression(at, zstd(DRAWN_LEVEL))
                }
                Repetition::Little => plain_text(builder, at),
                Repetition::Much => {
                    builder.set_column_statistics_enabled(at, EnabledStatistics::None)
                }
            }
        }
        _ => builder,
    }
}

/// How much a column repeats itself.
enum Repetition {
    Much,
    Little,
    /// Short texts, each another.
    Drawn,
}

fn repetition(column: &ArrayRef) -> Repetition {
    let mut counts: HashMap<&str, u32> = HashMap::new();
    let (mut count, mut bytes) = (0, 0);
    for row in (0..column.len()).filter(|row| column.is_valid(*row)) {
        let Some(text) = text_at(column, row) else { continue };
        *counts.entry(text).or_default() += 1;
        count += 1;
        bytes += text.len();
    }
    let once = counts.iter().filter(|(_, count)| **count == 1).map(|(text, _)| text.len());
    // By bytes: a few long texts that never come again weigh more than many short ones that do.
    if count < 16 || once.sum::<usize>() * 100 <= bytes * ONCE_PERCENT {
        return Repetition::Much;
    }
    match bytes / count <= DRAWN_BYTES_MAX {
        true => Repetition::Drawn,
        false => Repetition::Little,
    }
}
