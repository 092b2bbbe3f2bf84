//! The record of what was done: added to, read, and forgotten from its old end; never changed.
//! What is worth a line is the console's and the command line's.

use jiff::Timestamp;

use super::{People, time};
use crate::database::{Param, Row, Session};
use crate::encode::column_text;
use crate::error::StoreError;

/// Characters of one member at most; a path may be as long as somebody likes.
const CHARACTERS_MAX: usize = 500;

/// A line to be added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewAudit {
    /// Who; empty for somebody unknown.
    pub who: String,
    /// By what they are known: `session`, `token`, `command_line`, `open`, `none`.
    pub means: String,
    /// What was tried: `POST /findings`, `people add`, `sign_in`.
    pub action: String,
    /// On what.
    pub target: String,
    /// How it ended: `done`, `refused`, `failed`.
    pub outcome: String,
    /// From where.
    pub address: String,
}

/// A line of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Grows with each line; never given again.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Who; empty for somebody unknown.
    pub who: String,
    /// By what they were known.
    pub means: String,
    /// What was tried.
    pub action: String,
    /// On what.
    pub target: String,
    /// How it ended.
    pub outcome: String,
    /// From where.
    pub address: String,
}

/// Which lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this name alone.
    pub who: Option<String>,
    /// Whose action begins so.
    pub action: Option<String>,
    /// That ended so.
    pub outcome: Option<String>,
    /// Of this time or later.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Only lines before this number: the next page.
    pub before: Option<i64>,
}

impl People {
    /// Adds a line.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn record(&self, line: &NewAudit, now: Timestamp) -> Result<(), StoreError> {
        let mut session = self.database.write("record an action").await?;
        let sql = "INSERT INTO audit (at_us, who, means, action, target, outcome, address) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let params = vec![
            now.as_microsecond().into(),
            cut(&line.who).into(),
            cut(&line.means).into(),
            cut(&line.action).into(),
            cut(&line.target).into(),
            cut(&line.outcome).into(),
            cut(&line.address).into(),
        ];
        session.execute(sql, params).await?;
        session.commit().await
    }

    /// Lines of the record, the newest first; at most `limit`.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        limit: usize,
    ) -> Result<Vec<Audit>, StoreError> {
        let mut session = self.database.read("read the record of actions");
        let (mut conditions, mut params) = (String::new(), Vec::<Param>::new());
        let mut add = |condition: &str, value: Param| {
            params.push(value);
            conditions.push_str(if conditions.is_empty() { " WHERE " } else { " AND " });
            conditions.push_str(&condition.replace('?', &format!("${}", params.len())));
        };
        if let Some(who) = &filter.who {
            add("who = ?", column_text(who).into());
        }
        if let Some(action) = &filter.action {
            let action = column_text(action);
            let length = i64::try_from(action.chars().count()).unwrap_or(i64::MAX);
            add(&format!("substr(action, 1, {length}) = ?"), action.into());
        }
        if let Some(outcome) = &filter.outcome {
            add("outcome = ?", column_text(outcome).into());
        }
        if let Some(since) = filter.since {
            add("at_us >= ?", since.as_microsecond().into());
        }
        if let Some(until) = filter.until {
            add("at_us < ?", until.as_microsecond().into());
        }
        if let Some(before) = filter.before {
            add("number < ?", before.into());
        }
        params.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
        let sql = format!(
            "SELECT number, at_us, who, means, action, target, outcome, address FROM audit\
             {conditions} ORDER BY number DESC LIMIT ${}",
            params.len()
        );
        let rows = session.fetch(sql, params).await?;
        rows.iter().map(|row| line_of(&session, row)).collect()
    }
}

fn cut(text: &str) -> String {
    column_text(text).chars().take(CHARACTERS_MAX).collect()
}

fn line_of(session: &Session, row: &Row) -> Result<Audit, StoreError> {
    let read = || {
        Ok::<_, sqlx::Error>((
            (row.int(0)?, row.int(1)?, row.text(2)?, row.text(3)?),
            (row.text(4)?, row.text(5)?, row.text(6)?, row.text(7)?),
        ))
    };
    let ((number, at, who, means), (action, target, outcome, address)) =
        read().map_err(|error| session.fail(error))?;
    let at = time(session, at)?;
    Ok(Audit { number, at, who, means, action, target, outcome, address })
}
