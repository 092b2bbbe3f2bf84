//! What principals used, as the lake's CloudTrail shows it: calls that are alike, counted by the
//! engine, and what the lake has of an account at all.
//! What follows for anybody's permissions is worked out in `yagura-analyze`.

mod evidence;
mod row;

use std::collections::{BTreeSet, VecDeque};

use jiff::Timestamp;
use yagura_model::usage::{CIRCUMSTANCES, UsedCall};

use crate::query::{Answer, Engine, Parameter, QueryError, QueryOptions};

pub use evidence::evidence;

/// The table that is asked.
const TABLE: &str = "cloudtrail";

/// Records that tell of a call of an API, once: a network-activity event tells of the same call
/// from the endpoint's side.
const CALLS: &str = "(event_type IS NULL OR event_type = 'AwsApiCall') \
                     AND (event_category IS NULL \
                     OR event_category NOT IN ('Insight', 'NetworkActivity'))";

/// In place of a column that does not matter. It is constant, and not grouped by.
const NOTHING: &str = "CAST(NULL AS VARCHAR)";

/// Whose calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsageOf {
    /// Of everybody.
    Everybody,
    /// Of a role's sessions, or of a user and its federated sessions, by ARN.
    Principal(String),
    /// Of the sessions of a role whose path is not known, by account and name.
    Sessions {
        /// The partition of its ARN.
        partition: String,
        /// The account.
        account: String,
        /// The role's name.
        role: String,
    },
}

/// A question about use.
#[derive(Clone, Debug)]
pub struct UsageQuestion {
    /// Whose.
    pub of: UsageOf,
    /// Calls from this time on.
    pub since: Timestamp,
    /// Calls before this time.
    pub until: Timestamp,
    /// The parameters that tell calls apart, in lower case; none: resources do not matter either.
    pub parameters: Option<BTreeSet<String>>,
    /// Further columns that tell calls apart, of [`CIRCUMSTANCES`]; others are not asked.
    pub columns: Vec<&'static str>,
    /// Memory for grouping, in bytes; none for the engine's own bound.
    pub memory_bytes: Option<usize>,
}

/// Calls on their way.
#[derive(Debug)]
pub struct Usage<'e> {
    engine: &'e Engine,
    question: UsageQuestion,
    /// Conditions that are still to be asked, one after the other: each is found by its own blocks.
    conditions: VecDeque<String>,
    answer: Option<Answer>,
    columns: Vec<&'static str>,
}

impl Engine {
    /// Begins to answer a question about use.
    pub fn usage(&self, question: UsageQuestion) -> Usage<'_> {
        let conditions = match &question.of {
            UsageOf::Everybody => vec!["true"],
            UsageOf::Principal(arn) if arn.contains(":user/") => {
                vec!["actor = $principal", "role_arn = $principal AND actor <> $principal"]
            }
            UsageOf::Principal(arn) if arn.contains(":role/") => vec!["role_arn = $principal"],
            UsageOf::Principal(_) => vec!["actor = $principal"],
            UsageOf::Sessions { .. } => vec!["starts_with(actor, $principal)"],
        };
        let conditions = conditions.into_iter().map(str::to_owned).collect();
        let known = question.columns.iter().filter(|name| CIRCUMSTANCES.contains(name));
        let columns = known.copied().collect();
        Usage { engine: self, question, conditions, answer: None, columns }
    }
}

impl Usage<'_> {
    /// The next calls; none at the end.
    ///
    /// # Errors
    /// Where the lake cannot be read.
    pub async fn next(&mut self) -> Result<Option<Vec<UsedCall>>, QueryError> {
        loop {
            if let Some(answer) = &mut self.answer {
                if let Some(rows) = answer.next_rows().await? {
                    let calls = rows.iter().map(|cells| row::call(cells, &self.columns));
                    return Ok(Some(calls.collect()));
                }
                self.answer = None;
            }
            let Some(condition) = self.conditions.pop_front() else { return Ok(None) };
            let sql = self.sql(&condition);
            self.answer = Some(self.engine.run(&sql, &self.options()).await?);
        }
    }

    /// The columns come from this file and from [`CIRCUMSTANCES`]; what people typed is bound as a
    /// parameter.
    fn sql(&self, condition: &str) -> String {
        let mut groups: Vec<String> = row::GROUPS.iter().map(|text| (*text).to_owned()).collect();
        match &self.question.parameters {
            Some(_) => groups.extend(row::TOLD.iter().map(|text| (*text).to_owned())),
            None => {
                groups.extend((1..=row::TOLD.len()).map(|at| format!("{NOTHING} AS none_{at}")));
            }
        }
        groups.extend(self.columns.iter().map(|name| row::column(name)));
        let constant = |at: &usize| groups.get(at - 1).is_some_and(|it| it.starts_with(NOTHING));
        let by = (1..=groups.len()).filter(|at| !constant(at));
        let by: Vec<String> = by.map(|at| at.to_string()).collect();
        format!(
            "SELECT {}, {} FROM {TABLE} WHERE {CALLS} AND {condition} GROUP BY {}",
            groups.join(", "),
            row::COUNTS,
            by.join(", "),
        )
    }

    fn options(&self) -> QueryOptions {
        let text = |name: &str, text: String| (name.to_owned(), Parameter::Text(text));
        let mut parameters = Vec::new();
        match &self.question.of {
            UsageOf::Everybody => {}
            UsageOf::Principal(arn) => parameters.push(text("principal", arn.clone())),
            UsageOf::Sessions { partition, account, role } => {
                let start = format!("arn:{partition}:sts::{account}:assumed-role/{role}/");
                parameters.push(text("principal", start));
            }
        }
        if let Some(names) = &self.question.parameters {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            parameters.push(text("names", names.join(" ")));
        }
        let mut options = QueryOptions {
            since: Some(self.question.since),
            until: Some(self.question.until),
            parameters,
            ..QueryOptions::default()
        };
        if let Some(bytes) = self.question.memory_bytes {
            options.memory_bytes = bytes;
        }
        options
    }
}
