//! An explanation in words, English and Japanese. What is read was found in `mod.rs`.

use yagura_model::Lang;

use super::{Explained, LeftOut, LeftOutBy, TableRead};
use crate::query::bytes;

/// A record is put together from nearly all columns; so many are named.
const COLUMNS_NAMED: usize = 12;
/// Dollars for a thousand reads of S3 Standard in us-east-1.
/// Source: Amazon S3 pricing, "Requests & data retrievals", seen 2026-11.
const DOLLARS_PER_1000_READS: f64 = 0.0004;
/// Dollars for a terabyte scanned by Athena in us-east-1, at least 10 MB a query.
/// Source: Amazon Athena pricing, "SQL queries", seen 2026-11.
const ATHENA_DOLLARS_PER_TB: f64 = 5.0;
const ATHENA_BYTES_MIN: u64 = 10_000_000;

impl Explained {
    /// The explanation for a person, several lines. Names in it come from the lake's own tables.
    pub fn text(&self, lang: Lang) -> String {
        let mut lines = Vec::new();
        for table in &self.tables {
            lines.push(match lang {
                Lang::En => read_en(table),
                Lang::Ja => read_ja(table),
            });
            for left in &table.left_out {
                lines.push(format!(
                    "  {}",
                    match lang {
                        Lang::En => left_en(left),
                        Lang::Ja => left_ja(left),
                    }
                ));
            }
            if table.files_read > 0 && !table.columns.is_empty() {
                let named = table.columns.iter().take(COLUMNS_NAMED);
                let columns = named.map(String::as_str).collect::<Vec<_>>().join(", ");
                let more = table.columns.len().saturating_sub(COLUMNS_NAMED);
                lines.push(match (lang, more) {
                    (Lang::En, 0) => format!("  columns: {columns}"),
                    (Lang::Ja, 0) => format!("  列: {columns}"),
                    (Lang::En, _) => format!("  columns: {columns} and {more} more"),
                    (Lang::Ja, _) => format!("  列: {columns} ほか {more} 列"),
                });
            }
        }
        lines.push(match lang {
            Lang::En => self.sum_en(),
            Lang::Ja => self.sum_ja(),
        });
        let mut text = lines.join("\n");
        text.push('\n');
        text
    }

    fn costs(&self) -> (String, String) {
        let s3 = self.requests() as f64 / 1000.0 * DOLLARS_PER_1000_READS;
        let athena = self.bytes_read().max(ATHENA_BYTES_MIN) as f64 / 1e12 * ATHENA_DOLLARS_PER_TB;
        (dollars(s3), dollars(athena))
    }

    fn sum_en(&self) -> String {
        if self.files_read() == 0 {
            return "no log file has to be read".to_owned();
        }
        let (s3, athena) = self.costs();
        format!(
            "in all at most {} and {}; were the lake on S3, about {} requests for {s3} (Athena \
             would charge {athena} for the same bytes)",
            counted(self.files_read(), "file", "files"),
            bytes(self.bytes_read()),
            self.requests(),
        )
    }

    fn sum_ja(&self) -> String {
        if self.files_read() == 0 {
            return "ログファイルを読む必要はありません".to_owned();
        }
        let (s3, athena) = self.costs();
        format!(
            "合計で最大 {} ファイル、{}。レイクが S3 にある場合、リクエストは約 {} 回、料金は {s3} \
             です（同じ量を Athena で読むと {athena}）",
            self.files_read(),
            bytes(self.bytes_read()),
            self.requests(),
        )
    }
}

fn dollars(cost: f64) -> String {
    if cost < 0.01 { "< 0.01 USD".to_owned() } else { format!("{cost:.2} USD") }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn read_en(table: &TableRead) -> String {
    let name = &table.table;
    if table.from_manifest {
        return format!("{name}: answered from the manifest, no file is opened");
    }
    if table.files_read == 0 {
        let files = counted(table.files_total, "file", "files");
        return format!("{name}: none of {files} can hold a matching record");
    }
    let about = if table.estimated { "about " } else { "" };
    format!(
        "{name}: {} of {}, {about}{} of {}, {}",
        table.files_read,
        counted(table.files_total, "file", "files"),
        bytes(table.bytes_read),
        bytes(table.bytes_total),
        counted(table.rows, "record", "records"),
    )
}

fn read_ja(table: &TableRead) -> String {
    let name = &table.table;
    if table.from_manifest {
        return format!("{name}: マニフェストだけで答えられるため、ファイルは開きません");
    }
    if table.files_read == 0 {
        let files = table.files_total;
        return format!("{name}: {files} ファイルのいずれにも該当するレコードはありません");
    }
    let about = if table.estimated { "約 " } else { "" };
    format!(
        "{name}: {} ファイル中 {} ファイル、{} 中 {about}{}、{} レコード",
        table.files_total,
        table.files_read,
        bytes(table.bytes_total),
        bytes(table.bytes_read),
        table.rows,
    )
}

fn left_en(left: &LeftOut) -> String {
    let size = bytes(left.bytes);
    let files = || counted(left.count, "file", "files");
    let groups = || counted(left.count, "row group", "row groups");
    match &left.by {
        LeftOutBy::Partition => {
            format!("left out by partition (day, account): {}, {size}", files())
        }
        LeftOutBy::FileTime => format!("left out by the times of files: {}, {size}", files()),
        LeftOutBy::GroupTime => {
            format!("left out by the times of row groups: {}, {size}", groups())
        }
        LeftOutBy::Lookup { columns, blocks } => format!(
            "left out by bloom filters of {}: {}, {size} ({} of 32 B asked)",
            columns.join(", "),
            groups(),
            counted(*blocks, "block", "blocks"),
        ),
    }
}

fn left_ja(left: &LeftOut) -> String {
    let (count, size) = (left.count, bytes(left.bytes));
    match &left.by {
        LeftOutBy::Partition => {
            format!("パーティション（日、アカウント）で除外: {count} ファイル、{size}")
        }
        LeftOutBy::FileTime => format!("ファイルの時刻範囲で除外: {count} ファイル、{size}"),
        LeftOutBy::GroupTime => {
            format!("行グループの時刻範囲で除外: {count} 行グループ、{size}")
        }
        LeftOutBy::Lookup { columns, blocks } => format!(
            "{} のブルームフィルターで除外: {count} 行グループ、{size}（32 B のブロックを {blocks} 個参照）",
            columns.join("、"),
        ),
    }
}
