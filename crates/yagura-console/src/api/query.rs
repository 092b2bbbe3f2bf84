//! SQL over logs and inventory: what there is to ask, what a question would cost, its answer.
//! Questions are answered by the lake, which the binary wires (`ports.rs`).

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use yagura_content::format::QueryValue;
use yagura_model::Lang;

use super::endpoint::{Endpoints, Nothing, Reader, Said};
use super::findings::moment;
use crate::fault::Fault;
use crate::ports::{AskFault, LogDesk, Question};
use crate::viewer::{Permission, Role};

/// Rows of an answer where nobody says how many.
const ROWS: u32 = 1_000;
/// Rows of an answer at most.
const ROWS_MAX: u32 = 10_000;

pub(super) fn register(all: Endpoints) -> Endpoints {
    let ask = |path, id, summary| Said {
        path,
        role: Role::Analyst,
        permission: Permission::Query,
        id,
        summary,
    };
    all.get(ask("/query/tables", "listTables", "The tables that can be asked"), tables)
        .post(ask("/query/estimate", "estimateQuery", "What a question would read"), estimate)
        .post(ask("/query", "query", "Answers a question in SQL, within your accounts"), query)
}

/// The value of a parameter: text, a whole number, a number.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum ParameterAsked {
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text; a time is text too, compare it with `CAST($since AS TIMESTAMP)`.
    Text(String),
}

fn value((name, value): (&String, &ParameterAsked)) -> (String, QueryValue) {
    let value = match value {
        ParameterAsked::Integer(number) => QueryValue::Integer(*number),
        ParameterAsked::Real(number) => QueryValue::Real(*number),
        ParameterAsked::Text(text) => QueryValue::Text(text.clone()),
    };
    (name.clone(), value)
}

/// A question.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueryAsked {
    /// One SQL statement that reads.
    pub(crate) sql: String,
    /// Only records of this time or later (RFC 3339).
    #[serde(default)]
    pub(crate) since: Option<String>,
    /// Only records before this time (RFC 3339).
    #[serde(default)]
    pub(crate) until: Option<String>,
    /// Values of `$name` in the SQL.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, ParameterAsked>,
    /// Rows at most, up to 10,000; 1,000 where nothing is said.
    #[serde(default)]
    pub(crate) rows: Option<u32>,
}

impl QueryAsked {
    fn question(&self, lang: Lang, rows: u32, rows_max: u32) -> Result<Question, Fault> {
        let rows = self.rows.unwrap_or(rows);
        if !(1..=rows_max).contains(&rows) {
            return Err(Fault::BadRequest(format!("`rows` is 1 to {rows_max}")));
        }
        Ok(Question {
            sql: self.sql.clone(),
            since: moment(self.since.as_deref())?,
            until: moment(self.until.as_deref())?,
            parameters: self.parameters.iter().map(value).collect(),
            rows_max: u64::from(rows),
            lang,
        })
    }
}

fn desk(reader: &Reader) -> Result<Arc<dyn LogDesk>, Fault> {
    let desk = reader.console.parts().desk.clone();
    desk.ok_or_else(|| Fault::Unavailable("there is no log lake here".to_owned()))
}

fn fault(fault: AskFault) -> Fault {
    let place = fault.at.map(|(line, column)| format!(" (line {line}, column {column})"));
    let hint = fault.hint.map(|hint| format!("; {hint}"));
    let text = [Some(fault.message), place, hint].into_iter().flatten().collect::<String>();
    match fault.askers {
        true => Fault::BadRequest(text),
        false => Fault::Unavailable(text),
    }
}

/// A column.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ColumnView {
    name: String,
    /// Its SQL type.
    #[serde(rename = "type")]
    type_name: String,
}

fn columns(all: Vec<(String, String)>) -> Vec<ColumnView> {
    all.into_iter().map(|(name, type_name)| ColumnView { name, type_name }).collect()
}

/// A table.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct TableView {
    name: String,
    /// Whether it holds logs; otherwise inventory and what was found.
    logs: bool,
    columns: Vec<ColumnView>,
    /// Rows, where that is known without reading.
    rows: Option<u64>,
}

/// Tables, logs first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct TablesView {
    items: Vec<TableView>,
}

async fn tables(reader: Reader, _asked: Nothing) -> Result<TablesView, Fault> {
    let tables = desk(&reader)?.tables().await.map_err(fault)?;
    // How many rows there are in all says something of everybody's accounts.
    let all = reader.viewer.scope == yagura_model::finding::Scope::All;
    let items = tables.into_iter().map(|one| TableView {
        name: one.name,
        logs: one.logs,
        columns: columns(one.columns),
        rows: one.rows.filter(|_| all),
    });
    Ok(TablesView { items: items.collect() })
}

/// What a question would read.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct EstimateView {
    files: u64,
    files_all: u64,
    /// Bytes of the columns that would be read, at most.
    bytes: u64,
    rows: u64,
    plan: String,
}

async fn estimate(reader: Reader, asked: QueryAsked) -> Result<EstimateView, Fault> {
    let question = asked.question(reader.viewer.lang, ROWS, ROWS_MAX)?;
    let found = desk(&reader)?.estimate(&question, &reader.viewer.scope).await.map_err(fault)?;
    Ok(EstimateView {
        files: found.files,
        files_all: found.files_all,
        bytes: found.bytes,
        rows: found.rows,
        plan: found.plan,
    })
}

/// An answer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct RowsView {
    pub(crate) columns: Vec<ColumnView>,
    /// Values in the order of the columns; times are RFC 3339 text.
    pub(crate) rows: Vec<Vec<Value>>,
    /// Whether there are more rows than were asked for.
    pub(crate) cut: bool,
    /// Bytes that were read.
    bytes_read: u64,
    elapsed_ms: u64,
}

async fn query(reader: Reader, asked: QueryAsked) -> Result<RowsView, Fault> {
    answered(&reader, &asked, ROWS, ROWS_MAX).await
}

/// Answers a question with limits of the caller's choice. Whoever goes away ends it.
pub(crate) async fn answered(
    reader: &Reader,
    asked: &QueryAsked,
    rows: u32,
    rows_max: u32,
) -> Result<RowsView, Fault> {
    let question = asked.question(reader.viewer.lang, rows, rows_max)?;
    let cancel = CancellationToken::new();
    let _end = cancel.clone().drop_guard();
    let table = desk(reader)?.ask(&question, &reader.viewer.scope, cancel).await.map_err(fault)?;
    Ok(RowsView {
        columns: columns(table.columns),
        rows: table.rows,
        cut: table.cut,
        bytes_read: table.bytes_read,
        elapsed_ms: table.elapsed_ms,
    })
}

/// What a question would read, for whoever decides whether to ask it.
pub(crate) async fn cost(reader: &Reader, asked: &QueryAsked) -> Result<EstimateView, Fault> {
    let direct = Reader::direct(reader.console.clone(), reader.viewer.clone());
    estimate(direct, asked.clone()).await
}
