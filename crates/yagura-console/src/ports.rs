//! What the console asks of others and the binary wires: the lake's SQL, the table of IAM
//! actions, and who would be told of a finding.
//! Traits and plain data only: so the console builds without DataFusion and without AWS.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use yagura_content::format::QueryValue;
use yagura_model::Lang;
use yagura_model::finding::{Expected, Finding, HistoryEntry, Scope};

/// A question to logs and inventory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Question {
    /// The SQL: one statement that reads.
    pub sql: String,
    /// Only records of this time or later.
    pub since: Option<Timestamp>,
    /// Only records before this time.
    pub until: Option<Timestamp>,
    /// Values of `$name` in the SQL: those of a saved query, as it reads them.
    pub parameters: Vec<(String, QueryValue)>,
    /// Rows at most.
    pub rows_max: u64,
    /// The language of [`Estimate::plan`].
    pub lang: Lang,
}

/// What a question would read, known before it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Files that would be opened.
    pub files: u64,
    /// Of so many.
    pub files_all: u64,
    /// Bytes of the columns that would be read, at most.
    pub bytes: u64,
    /// Rows in these files.
    pub rows: u64,
    /// The plan in words.
    pub plan: String,
}

/// An answer, whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Names and SQL types of the columns.
    pub columns: Vec<(String, String)>,
    /// The rows; times as RFC 3339 text.
    pub rows: Vec<Vec<Value>>,
    /// Whether there were more rows than asked for.
    pub cut: bool,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

/// A table that can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableShape {
    /// Its name in SQL.
    pub name: String,
    /// Whether it holds logs; otherwise inventory and what was found.
    pub logs: bool,
    /// Names and SQL types of its columns.
    pub columns: Vec<(String, String)>,
    /// Rows, where that is known without reading.
    pub rows: Option<u64>,
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct AskFault {
    /// What was wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Line and column of the SQL, from 1.
    pub at: Option<(u64, u64)>,
    /// Whether the asker can mend it; otherwise the lake is at fault.
    pub askers: bool,
}

/// The lake and the inventory, as SQL.
#[async_trait]
pub trait LogDesk: Send + Sync {
    /// The tables, logs first.
    ///
    /// # Errors
    /// Where the lake cannot be opened.
    async fn tables(&self) -> Result<Vec<TableShape>, AskFault>;

    /// What a question would cost.
    ///
    /// # Errors
    /// Where it cannot be planned.
    async fn estimate(&self, question: &Question, scope: &Scope) -> Result<Estimate, AskFault>;

    /// Answers a question, within the accounts of whoever asks.
    ///
    /// # Errors
    /// Where it cannot be planned or read, or was cancelled.
    async fn ask(
        &self,
        question: &Question,
        scope: &Scope,
        cancel: CancellationToken,
    ) -> Result<Table, AskFault>;
}

/// Says who would be told of a finding, as routing itself decides it.
#[async_trait]
pub trait RouteGuide: Send + Sync {
    /// What the routes make of a finding with this history. Nothing is written.
    ///
    /// # Errors
    /// Why it cannot be said, in one line.
    async fn expect(&self, finding: Finding, history: &[HistoryEntry]) -> Result<Expected, String>;
}

/// An IAM action, as questions about access need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionForm {
    /// `s3:GetObject`.
    pub name: String,
    /// `Read`, `List`, `Write`, `Tagging`, `Permissions management`.
    pub access_level: String,
    /// The ARN forms of the resources that it works on; empty where it works on none.
    pub resources: Vec<String>,
}

/// The table of IAM actions.
pub trait ActionBook: Send + Sync {
    /// An action by its name, in any case.
    fn action(&self, name: &str) -> Option<ActionForm>;

    /// Names that begin so, at most so many.
    fn beginning(&self, start: &str, max: usize) -> Vec<String>;
}
