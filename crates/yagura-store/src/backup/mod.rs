//! A whole database as portable rows: taken as one consistent picture while others write, and put
//! into an empty place in one transaction, on `SQLite` or PostgreSQL whichever it came from.
//! The file around the rows, and everything that is not in the database, is the binary's.

mod dump;
mod load;
mod rows;

use serde::{Deserialize, Serialize};

pub use load::Loading;

/// What a picture of a database has: enough to know that all of it arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// The schema's number.
    pub schema: i64,
    /// Every table with how many rows it has.
    pub tables: Vec<TableRows>,
    /// Where numbering goes on, by table: numbers of deleted rows are not given again.
    pub sequences: Vec<Sequence>,
}

/// A table and its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRows {
    /// The table.
    pub name: String,
    /// How many rows.
    pub rows: u64,
}

/// The last number that a table gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// The table.
    pub table: String,
    /// The number.
    pub last: i64,
}

/// A column of a table: what our schema knows no others of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Int,
    Text,
    Blob,
}

/// A name and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    name: String,
    kind: Kind,
}

impl Kind {
    fn of(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "integer" | "bigint" => Some(Self::Int),
            "text" => Some(Self::Text),
            "blob" | "bytea" => Some(Self::Blob),
            _ => None,
        }
    }
}

/// The columns of a table, as the database itself tells them.
async fn columns(
    session: &mut crate::database::Session,
    table: &str,
) -> Result<Vec<Column>, crate::StoreError> {
    let sql = if session.is_sqlite() {
        "SELECT name, type FROM pragma_table_info($1) ORDER BY cid"
    } else {
        "SELECT column_name::text, data_type::text FROM information_schema.columns \
         WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position"
    };
    let read = |row: &crate::database::Row| Ok((row.text(0)?, row.text(1)?));
    let found = session.fetch_as(sql, vec![table.into()], read).await?;
    let column = |(name, kind): (String, String)| {
        let known = Kind::of(&kind).ok_or_else(|| {
            session.damaged(format!("column `{name}` of `{table}` is of the kind `{kind}`"))
        })?;
        Ok(Column { name, kind: known })
    };
    found.into_iter().map(column).collect()
}
