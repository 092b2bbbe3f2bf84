//! Reading the SQL of a question: one statement that changes nothing, and the tables it names,
//! each as of now or as of a time. What the tables hold is known in `session.rs`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Statement as Sql, TableAlias, TableFactor,
    TableVersion, VisitMut, VisitorMut,
};

use super::dialect::LakeDialect;
use super::error::{QueryError, of_engine};

/// A question, read.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) statement: Statement,
    /// Times that tables are asked for, as written, each once.
    pub(crate) times: Vec<String>,
    /// Whether it asks for tables and columns (`SHOW`, `DESCRIBE`) rather than rows.
    pub(crate) about_tables: bool,
}

/// Nesting beyond this is refused by the parser.
const DEPTH_MAX: usize = 50;

/// Reads one statement that changes nothing.
pub(crate) fn read(sql: &str) -> Result<Question, QueryError> {
    let fail = |error| of_engine(&error, 0);
    let mut parser = DFParserBuilder::new(sql)
        .with_dialect(&LakeDialect)
        .with_recursion_limit(DEPTH_MAX)
        .build()
        .map_err(fail)?;
    let mut statements = parser.parse_statements().map_err(fail)?;
    let (Some(mut statement), None) = (statements.pop_front(), statements.pop_front()) else {
        let what = "exactly one statement is expected".to_owned();
        return Err(QueryError::Syntax { line: 1, column: 1, what });
    };
    let about_tables = permitted(&statement)?;
    let mut versions = Versions::default();
    if let Some(sql) = body(&mut statement) {
        let _ = sql.visit(&mut versions);
    }
    Ok(Question { statement, times: versions.times, about_tables })
}

/// Puts the name of each table as of a time in the place of the table and its time. `moments` are
/// the times in microseconds, by their text.
pub(crate) fn settle(statement: &mut Statement, moments: &BTreeMap<String, i64>) {
    if let Some(sql) = body(statement) {
        let _ = sql.visit(&mut Settle { moments });
    }
}

/// The name under which a table as of a time is known to the engine.
pub(crate) fn name_as_of(table: &str, micros: i64) -> String {
    format!("{table}@{micros}")
}

/// The table and the time of such a name.
pub(crate) fn split_as_of(name: &str) -> (&str, Option<i64>) {
    match name.rsplit_once('@') {
        Some((table, micros)) => match micros.parse() {
            Ok(micros) => (table, Some(micros)),
            Err(_) => (name, None),
        },
        None => (name, None),
    }
}

fn body(statement: &mut Statement) -> Option<&mut Sql> {
    match statement {
        Statement::Statement(sql) => Some(sql),
        Statement::Explain(explain) => body(&mut explain.statement),
        _ => None,
    }
}

/// Whether a statement asks for tables rather than rows; an error where it would change something.
fn permitted(statement: &Statement) -> Result<bool, QueryError> {
    let refuse = |word: String| {
        let first = word.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        Err(QueryError::NotAQuestion(first))
    };
    match statement {
        Statement::Explain(explain) => permitted(&explain.statement),
        Statement::Statement(sql) => match sql.as_ref() {
            Sql::Query(query) => {
                // `SELECT … INTO t` and `WITH x AS (INSERT …)` are queries to the parser.
                let text = query.body.to_string();
                let first = text.split_whitespace().next().unwrap_or_default();
                if matches!(first, "INSERT" | "UPDATE" | "DELETE" | "MERGE") {
                    return refuse(text);
                }
                Ok(false)
            }
            Sql::ShowTables { .. } | Sql::ShowColumns { .. } | Sql::ExplainTable { .. } => Ok(true),
            Sql::Explain { statement, .. } => permitted(&Statement::Statement(statement.clone())),
            other => refuse(other.to_string()),
        },
        other => refuse(other.to_string()),
    }
}

/// Collects the times that tables are asked for.
#[derive(Default)]
struct Versions {
    times: Vec<String>,
}

impl VisitorMut for Versions {
    type Break = ();

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { version: Some(version), .. } = table
            && let Some(time) = time_of(version)
        {
            let text = time.to_string();
            if !self.times.contains(&text) {
                self.times.push(text);
            }
        }
        ControlFlow::Continue(())
    }
}

fn time_of(version: &TableVersion) -> Option<&Expr> {
    match version {
        TableVersion::ForSystemTimeAsOf(time) | TableVersion::TimestampAsOf(time) => Some(time),
        _ => None,
    }
}

struct Settle<'a> {
    moments: &'a BTreeMap<String, i64>,
}

impl VisitorMut for Settle<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<()> {
        let TableFactor::Table { name, alias, version, .. } = table else {
            return ControlFlow::Continue(());
        };
        let micros =
            version.as_ref().and_then(time_of).and_then(|time| self.moments.get(&time.to_string()));
        let Some(micros) = micros else { return ControlFlow::Continue(()) };
        let Some(last) = name.0.last().and_then(ObjectNamePart::as_ident).cloned() else {
            return ControlFlow::Continue(());
        };
        let plain = if last.quote_style.is_some() { last.value } else { last.value.to_lowercase() };
        if alias.is_none() {
            *alias = Some(TableAlias {
                explicit: true,
                name: Ident::with_quote('"', plain.clone()),
                columns: Vec::new(),
                at: None,
            });
        }
        let quoted = Ident::with_quote('"', name_as_of(&plain, *micros));
        *name = ObjectName::from(vec![quoted]);
        *version = None;
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(sql: &str) -> String {
        let mut question = read(sql).unwrap();
        let moments = question.times.iter().map(|time| (time.clone(), 5)).collect();
        settle(&mut question.statement, &moments);
        question.statement.to_string()
    }

    #[test]
    fn a_table_as_of_a_time_gets_a_name_of_its_own() {
        for (sql, expected) in [
            (
                "SELECT * FROM resources FOR SYSTEM_TIME AS OF '2026-11-01'",
                r#"SELECT * FROM "resources@5" AS "resources""#,
            ),
            (
                "SELECT r.key FROM Resources FOR SYSTEM_TIME AS OF '2026-11-01' r",
                r#"SELECT r.key FROM "resources@5" r"#,
            ),
            (
                "SELECT 1 WHERE EXISTS (SELECT 1 FROM verdicts TIMESTAMP AS OF ago('7d') AS v)",
                r#"SELECT 1 WHERE EXISTS (SELECT 1 FROM "verdicts@5" AS v)"#,
            ),
            ("SELECT * FROM resources", "SELECT * FROM resources"),
        ] {
            assert_eq!(settled(sql), expected);
        }
    }

    #[test]
    fn names_as_of_a_time_are_taken_apart_again() {
        assert_eq!(split_as_of(&name_as_of("aws_s3_bucket", -7)), ("aws_s3_bucket", Some(-7)));
        assert_eq!(split_as_of("resources"), ("resources", None));
        assert_eq!(split_as_of("me@home"), ("me@home", None));
    }

    #[test]
    fn what_would_change_something_is_refused() {
        for sql in [
            "DELETE FROM cloudtrail",
            "INSERT INTO cloudtrail VALUES (1)",
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            "COPY (SELECT 1) TO '/tmp/x.csv'",
            "DROP TABLE cloudtrail",
            "SET datafusion.execution.batch_size = 1",
            "CREATE VIEW v AS SELECT 1",
            "EXPLAIN DELETE FROM cloudtrail",
            "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
        ] {
            let error = read(sql).unwrap_err();
            assert!(
                matches!(error, QueryError::NotAQuestion(_) | QueryError::Syntax { .. }),
                "{sql}: {error}"
            );
        }
    }

    #[test]
    fn a_broken_statement_points_at_the_place() {
        let error = read("SELECT 1\nFROM t WHERE x = = 2").unwrap_err();
        assert_eq!(error.pointer().map(|pointer| pointer.line), Some(2), "{error}");
        assert!(read("SELECT 1; SELECT 2").is_err());
        assert!(read("").is_err());
    }
}
