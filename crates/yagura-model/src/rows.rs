//! Rows that another part keeps and SQL may ask for: tables, columns, requests, values.
//! Who keeps them (the store) and who asks (the lake) never see one another; nothing is read here.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use jiff::Timestamp;

/// A table of a [`RowSource`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowTable {
    /// The name in SQL (`resources`, `aws_s3_bucket`). A promise.
    pub name: String,
    /// The columns, in order. A promise as well.
    pub columns: Vec<RowColumn>,
    /// Whether it can be read as of a time; where it cannot, asking for one is an error.
    pub as_of: bool,
}

/// A column of a [`RowTable`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowColumn {
    /// The name in SQL.
    pub name: String,
    /// What its values are.
    pub kind: RowKind,
    /// Whether the source reads less when a request fixes this column's values. All other
    /// conditions are judged by who asked.
    pub filter: bool,
}

/// What the values of a column are. Every column may hold null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// Text.
    Text,
    /// A JSON document as text.
    Json,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// A point in time, in microseconds.
    Time,
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowValue {
    /// Absent or unknown.
    Null,
    /// A value of a [`RowKind::Text`] or [`RowKind::Json`] column.
    Text(String),
    /// A value of a [`RowKind::Integer`] column.
    Integer(i64),
    /// A value of a [`RowKind::Boolean`] column.
    Boolean(bool),
    /// A value of a [`RowKind::Time`] column.
    Time(Timestamp),
}

/// What is asked of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowRequest {
    /// The table's name.
    pub table: String,
    /// The columns wanted, as positions in [`RowTable::columns`]; rows hold exactly these, in this
    /// order. Columns that are not wanted need not be computed.
    pub columns: Vec<usize>,
    /// Conditions that all must hold. A source may answer more rows than match, never fewer.
    pub filters: Vec<RowFilter>,
    /// As of when; `None` is now.
    pub as_of: Option<Timestamp>,
    /// The source may stop after so many rows.
    pub limit: Option<usize>,
}

/// A condition: the column holds one of the values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFilter {
    /// The column's name.
    pub column: String,
    /// The values, as text; never empty.
    pub values: Vec<String>,
}

/// Why rows could not be read: the message of the one who keeps them, and a remedy if known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// What was attempted and what went wrong.
    pub message: String,
    /// What a person can do about it.
    pub remedy: Option<String>,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RowError {}

/// A future of one of the two traits below.
pub type RowFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, RowError>> + Send + 'a>>;

/// Somebody who keeps rows. The store implements it, the lake queries it, the binary hands one to
/// the other, so that one SQL joins inventory and logs.
pub trait RowSource: fmt::Debug + Send + Sync {
    /// The tables there are.
    fn tables(&self) -> RowFuture<'_, Vec<RowTable>>;

    /// Begins to read a table; nothing is read before the first [`RowCursor::next`].
    fn read(&self, request: RowRequest) -> Box<dyn RowCursor>;
}

/// Rows on their way, page by page, so that memory stays bounded.
pub trait RowCursor: Send {
    /// The next rows, each with as many values as the request has columns; `None` at the end. An
    /// empty page is not the end.
    fn next(&mut self) -> RowFuture<'_, Option<Vec<Vec<RowValue>>>>;
}
