//! How a question may be answered: limits, and the span of time it is about.
//! Defaults are for a person at a terminal.

use std::collections::BTreeSet;
use std::path::PathBuf;

use datafusion::scalar::ScalarValue;
use jiff::Timestamp;

/// Limits and span of one question.
#[derive(Clone, Debug)]
pub struct QueryOptions {
    /// Memory that sorting, grouping and joining may hold before they spill to disk, in bytes.
    pub memory_bytes: usize,
    /// Where to spill; `None` is the system's folder for temporary files.
    pub spill_folder: Option<PathBuf>,
    /// The most bytes to spill.
    pub spill_bytes_max: u64,
    /// The most rows to answer; reaching it is told. `None` is no limit.
    pub row_limit: Option<u64>,
    /// Inventory as of when; `None` is now. A table that is asked as of a time of its own keeps
    /// that.
    pub as_of: Option<Timestamp>,
    /// Log records from this time on.
    pub since: Option<Timestamp>,
    /// Log records before this time.
    pub until: Option<Timestamp>,
    /// Only logs of these accounts; `None` is all. Files hold one account each: those of others are
    /// left out before anything is planned, so that no error can tell a value of theirs. Logs that
    /// name no account are nobody's. It does not bound the inventory: hand in rows that are.
    pub accounts: Option<BTreeSet<String>>,
    /// Cores to use; `None` is all.
    pub threads: Option<usize>,
    /// Values for `$name` in the SQL, by name.
    pub parameters: Vec<(String, Parameter)>,
}

/// A value for a parameter. It never becomes part of the SQL text.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    /// Text, whole.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// A point in time.
    Time(Timestamp),
}

impl From<&Parameter> for ScalarValue {
    fn from(parameter: &Parameter) -> Self {
        match parameter {
            Parameter::Text(text) => Self::Utf8View(Some(text.clone())),
            Parameter::Integer(number) => Self::Int64(Some(*number)),
            Parameter::Real(number) => Self::Float64(Some(*number)),
            Parameter::Time(at) => {
                Self::TimestampMicrosecond(Some(at.as_microsecond()), Some("UTC".into()))
            }
        }
    }
}

impl Default for QueryOptions {
    /// 1 GB of memory, 100 GB to spill, no row limit, all cores, all times.
    fn default() -> Self {
        Self {
            memory_bytes: 1 << 30,
            spill_folder: None,
            spill_bytes_max: 100 << 30,
            row_limit: None,
            as_of: None,
            since: None,
            until: None,
            accounts: None,
            threads: None,
            parameters: Vec::new(),
        }
    }
}

impl QueryOptions {
    /// Cores to use, at least one.
    pub(crate) fn threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.unwrap_or_else(all).max(1)
    }
}
