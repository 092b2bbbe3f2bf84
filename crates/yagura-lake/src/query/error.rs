//! What can go wrong with a question: each error names the place, the attempt and the remedy.
//! Faults of the lake itself are `LakeError`s and come through.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use super::nearest::nearest;
use crate::error::LakeError;

/// Names told of those that there are.
const NAMES_MAX: usize = 60;

/// Why a question could not be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The text is not SQL.
    #[error("the SQL cannot be read at line {line}, column {column}: {what}")]
    Syntax {
        /// Counted from one.
        line: u64,
        /// Counted from one.
        column: u64,
        /// What the parser expected and found.
        what: String,
    },
    /// The SQL would change something.
    #[error("only questions are answered; `{0}` would change something")]
    NotAQuestion(String),
    /// There is no such table.
    #[error("{}", meant(format!("there is no table `{name}`"), near))]
    UnknownTable {
        /// As it was written.
        name: String,
        /// The most similar names.
        near: Vec<String>,
        /// All names.
        all: Vec<String>,
    },
    /// There is no such column.
    #[error("{}", meant(no_column(name, table), near))]
    UnknownColumn {
        /// As it was written.
        name: String,
        /// The tables that were looked at.
        table: Vec<String>,
        /// The most similar names.
        near: Vec<String>,
        /// All names that could stand there.
        all: Vec<String>,
    },
    /// The SQL can be read and means nothing here: wrong types, unknown functions.
    #[error("the SQL makes no sense here: {0}")]
    Meaning(String),
    /// A time was asked for that a table cannot answer, or that is no time.
    #[error("cannot read `{table}` as of `{time}`: {what}")]
    AsOf {
        /// The table.
        table: String,
        /// The time as written.
        time: String,
        /// Why not.
        what: String,
    },
    /// The question needs more memory than it may use, and spilling did not help.
    #[error("the question needs more than the {} of memory it may use", bytes(*limit_bytes))]
    Memory {
        /// The limit.
        limit_bytes: u64,
        /// What the engine said: who holds how much.
        what: String,
    },
    /// The folder for spilled data is full, or has reached its limit.
    #[error("the question needs more room to spill than there is: {0}")]
    Spill(String),
    /// A file of the lake is damaged or gone.
    #[error("cannot read `{file}` of the lake: {what}")]
    File {
        /// The path under the root of the store.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// The inventory could not be read.
    #[error("cannot read the table `{table}`: {what}")]
    Rows {
        /// The table.
        table: String,
        /// What its keeper said.
        what: String,
        /// What its keeper advises.
        remedy: Option<String>,
    },
    /// The one who asked gave up.
    #[error("the question was cancelled")]
    Cancelled,
    /// The answer could not be written.
    #[error("cannot write the answer")]
    Write(#[source] std::io::Error),
    /// The lake itself.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// Anything else that the engine said.
    #[error("cannot answer: {0}")]
    Engine(String),
}

/// Where in the SQL a fault is. Both are counted from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

fn meant(said: String, near: &[String]) -> String {
    match near {
        [] => said,
        [one] => format!("{said}; did you mean `{one}`?"),
        some => format!("{said}; did you mean one of `{}`?", some.join("`, `")),
    }
}

fn no_column(name: &str, tables: &[String]) -> String {
    match tables {
        [] => format!("there is no column `{name}`"),
        some => format!("there is no column `{name}` in `{}`", some.join("`, `")),
    }
}

/// A size for people: `256.0 MB`.
pub(crate) fn bytes(count: u64) -> String {
    let mut size = count as f64;
    for unit in ["B", "kB", "MB", "GB", "TB"] {
        if size < 1000.0 {
            return if unit == "B" { format!("{count} B") } else { format!("{size:.1} {unit}") };
        }
        size /= 1000.0;
    }
    format!("{size:.1} PB")
}

impl QueryError {
    /// What a person can do about it, where something is known.
    pub fn remedy(&self) -> Option<String> {
        let list = |all: &[String]| {
            let names: Vec<&str> = all.iter().take(NAMES_MAX).map(String::as_str).collect();
            let names = names.join(", ");
            match all.len().saturating_sub(NAMES_MAX) {
                0 => format!("there are: {names}"),
                more => format!("there are: {names} and {more} more"),
            }
        };
        Some(match self {
            Self::UnknownTable { all, .. } if !all.is_empty() => list(all),
            Self::UnknownColumn { all, .. } if !all.is_empty() => list(all),
            Self::NotAQuestion(_) => "ask with SELECT or WITH; the lake is written by ingestion \
                 and compaction only"
                .into(),
            Self::AsOf { .. } => {
                "write a time as '2026-11-01' or '2026-11-01T08:00:00Z'; inventory has a past, \
                 logs are asked by their time column"
                    .into()
            }
            Self::Memory { .. } => {
                "narrow the question by time, account or columns, add LIMIT, or allow more memory"
                    .into()
            }
            Self::Spill(_) => {
                "narrow the question, make room in the folder for spilled data, or name another"
                    .into()
            }
            Self::File { .. } => "restore the file from a copy; until then, leave its day or \
                 account out of the question"
                .into(),
            Self::Rows { remedy, .. } => return remedy.clone(),
            _ => return None,
        })
    }

    /// Where in the SQL the fault is, where that is known.
    pub fn pointer(&self) -> Option<Pointer> {
        match self {
            Self::Syntax { line, column, .. } => Some(Pointer { line: *line, column: *column }),
            _ => None,
        }
    }
}

/// Marks an error of a [`yagura_model::RowSource`] on its way through the engine.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct RowsFault {
    pub(crate) table: String,
    pub(crate) message: String,
    pub(crate) remedy: Option<String>,
}

/// Marks an error of a file on its way through the engine.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot read `{file}`: {what}")]
pub(crate) struct FileFault {
    pub(crate) file: String,
    pub(crate) what: String,
}

/// Finds a marked error in a chain of causes.
fn cause<'e, E: std::error::Error + 'static>(
    error: &'e (dyn std::error::Error + 'static),
) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        // Boxes and arcs hide what they hold from `downcast_ref`.
        if let Some(DataFusionError::External(inner)) = error.downcast_ref::<DataFusionError>()
            && let Some(found) = cause::<E>(inner.as_ref())
        {
            return Some(found);
        }
        if let Some(DataFusionError::Shared(inner)) = error.downcast_ref::<DataFusionError>()
            && let Some(found) = cause::<E>(inner.as_ref())
        {
            return Some(found);
        }
        if let Some(DataFusionError::ParquetError(inner)) = error.downcast_ref::<DataFusionError>()
            && let Some(found) = cause::<E>(inner.as_ref())
        {
            return Some(found);
        }
        if let Some(DataFusionError::ArrowError(inner, _)) = error.downcast_ref::<DataFusionError>()
            && let Some(found) = cause::<E>(inner.as_ref())
        {
            return Some(found);
        }
        if let Some(arrow::error::ArrowError::ExternalError(inner)) =
            error.downcast_ref::<arrow::error::ArrowError>()
            && let Some(found) = cause::<E>(inner.as_ref())
        {
            return Some(found);
        }
        if let Some(parquet::errors::ParquetError::External(inner)) =
            error.downcast_ref::<parquet::errors::ParquetError>()
            && let Some(found) = cause::<E>(inner.as_ref())
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// Puts what the engine said into our words.
pub(crate) fn of_engine(error: &DataFusionError, limit_bytes: u64) -> QueryError {
    if let Some(fault) = cause::<FileFault>(error) {
        return QueryError::File { file: fault.file.clone(), what: fault.what.clone() };
    }
    if let Some(fault) = cause::<RowsFault>(error) {
        let RowsFault { table, message, remedy } = fault;
        return QueryError::Rows {
            table: table.clone(),
            what: message.clone(),
            remedy: remedy.clone(),
        };
    }
    match error.find_root() {
        DataFusionError::ResourcesExhausted(what) => {
            if what.contains("disk") || what.contains("temporary file") {
                QueryError::Spill(what.clone())
            } else {
                QueryError::Memory { limit_bytes, what: what.clone() }
            }
        }
        DataFusionError::SQL(parser, _) => of_parser(&parser.to_string()),
        DataFusionError::SchemaError(fault, _) => of_schema(fault),
        DataFusionError::IoError(io) if io.kind() == std::io::ErrorKind::StorageFull => {
            QueryError::Spill(io.to_string())
        }
        DataFusionError::Plan(what) => QueryError::Meaning(first_line(what)),
        DataFusionError::NotImplemented(what) => QueryError::Meaning(first_line(what)),
        DataFusionError::Execution(what) => QueryError::Engine(first_line(what)),
        other => QueryError::Engine(first_line(&other.strip_backtrace())),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
}

/// `sql parser error: Expected: an expression, found: FROM at Line: 1, Column: 8`
fn of_parser(text: &str) -> QueryError {
    let text = text.trim_start_matches("sql parser error: ");
    let (what, place) = text.split_once(" at Line: ").unwrap_or((text, ""));
    let mut numbers = place.split(", Column: ").map(|number| {
        let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(1)
    });
    let (line, column) = (numbers.next().unwrap_or(1), numbers.next().unwrap_or(1));
    QueryError::Syntax { line, column, what: first_line(what) }
}

fn of_schema(fault: &SchemaError) -> QueryError {
    match fault {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let all: Vec<String> = valid_fields.iter().map(|one| one.name.clone()).collect();
            let mut table: Vec<String> = valid_fields
                .iter()
                .filter_map(|one| one.relation.as_ref().map(|one| one.table().to_owned()))
                .collect();
            table.sort_unstable();
            table.dedup();
            let name = field.name.clone();
            QueryError::UnknownColumn { near: nearest(&name, &all), name, table, all }
        }
        other => QueryError::Meaning(first_line(&other.to_string())),
    }
}
