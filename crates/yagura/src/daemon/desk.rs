//! What the console asks of the lake and of the table of IAM actions: the binary's side of its
//! ports.
//! How SQL is answered is `yagura-lake`'s, what a page makes of it the console's.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use yagura_aws::Actions;
use yagura_aws::api::AccessLevel;
use yagura_console::{
    ActionBook, ActionForm, AskFault, Estimate, LogDesk, Question, Table, TableShape,
};
use yagura_content::Content;
use yagura_content::format::QueryValue;
use yagura_lake::query::{Engine, Parameter, QueryError, QueryOptions, TableKind};
use yagura_model::finding::Scope;
use yagura_store::Store;

use crate::context::Context;
use crate::lake_place::{self, Use};
use crate::options::{AwsOptions, LakeChoice};
use crate::tables;

/// Memory that one question may hold before it spills, where nobody says how much, in bytes.
const MEMORY_BYTES: usize = 512 << 20;
/// What one question may spill, in bytes.
const SPILL_BYTES_MAX: u64 = 10 << 30;
/// What one answer may hold, in bytes of text: a page shows no more.
const ANSWER_BYTES_MAX: usize = 32 << 20;

/// The content in force.
pub(crate) type ContentNow = Arc<dyn Fn() -> Arc<Content> + Send + Sync>;

/// Answers the console's questions to logs and inventory.
pub(crate) struct Desk {
    context: Context,
    store: Store,
    lake: LakeChoice,
    aws: AwsOptions,
    content: ContentNow,
    opened: Mutex<Option<Opened>>,
}

/// A lake with the tables of one content.
struct Opened {
    content: Arc<Content>,
    engine: Engine,
}

impl Desk {
    /// A desk; the lake is opened at the first question.
    pub(crate) fn new(
        context: Context,
        store: Store,
        lake: LakeChoice,
        aws: AwsOptions,
        content: ContentNow,
    ) -> Self {
        Self { context, store, lake, aws, content, opened: Mutex::new(None) }
    }

    /// The engine over the lake and the whole inventory, and the content it was made for.
    async fn engine(&self) -> Result<(Engine, Arc<Content>), AskFault> {
        let content = (self.content)();
        let mut opened = self.opened.lock().await;
        if let Some(opened) = opened.as_ref()
            && Arc::ptr_eq(&opened.content, &content)
        {
            return Ok((opened.engine.clone(), content));
        }
        let lake =
            lake_place::open(&self.context, &content, &self.lake, &self.aws, Use::READ).await;
        let lake = lake.map_err(|error| AskFault {
            message: super::logged(&error),
            hint: None,
            at: None,
            askers: false,
        })?;
        let rows = self.store.rows(types(&content));
        let engine = Engine::new(lake, Some(rows)).with_ocsf(crate::ocsf::views(&content));
        *opened = Some(Opened { content: Arc::clone(&content), engine: engine.clone() });
        Ok((engine, content))
    }

    /// The engine that sees what a scope admits, and how it may answer a question.
    async fn prepared(
        &self,
        question: &Question,
        scope: &Scope,
    ) -> Result<(Engine, QueryOptions), AskFault> {
        let (engine, content) = self.engine().await?;
        let (engine, accounts) = match scope {
            Scope::All => (engine, None),
            Scope::Accounts(accounts) => {
                let rows = self.store.rows_within(types(&content), scope);
                (engine.over(rows), Some(accounts.clone()))
            }
        };
        let memory = self.lake.memory.and_then(|bytes| usize::try_from(bytes).ok());
        let options = QueryOptions {
            memory_bytes: memory.unwrap_or(MEMORY_BYTES),
            spill_bytes_max: SPILL_BYTES_MAX,
            row_limit: Some(question.rows_max),
            since: question.since,
            until: question.until,
            accounts,
            parameters: question.parameters.iter().map(parameter).collect(),
            ..QueryOptions::default()
        };
        Ok((engine, options))
    }
}

fn types(content: &Content) -> Vec<String> {
    content.resources.keys().cloned().collect()
}

fn parameter((name, value): &(String, QueryValue)) -> (String, Parameter) {
    let value = match value {
        QueryValue::Text(text) => Parameter::Text(text.clone()),
        QueryValue::Integer(number) => Parameter::Integer(*number),
        QueryValue::Real(number) => Parameter::Real(*number),
        QueryValue::Time(time) => Parameter::Time(*time),
    };
    (name.clone(), value)
}

/// Why a question has no answer, for whoever asked it.
fn told(error: &QueryError) -> AskFault {
    let askers = matches!(
        error,
        QueryError::Syntax { .. }
            | QueryError::NotAQuestion(_)
            | QueryError::UnknownTable { .. }
            | QueryError::UnknownColumn { .. }
            | QueryError::Meaning(_)
            | QueryError::AsOf { .. }
            | QueryError::Memory { .. }
            | QueryError::Spill(_)
            | QueryError::Engine(_)
            | QueryError::Cancelled
    );
    AskFault {
        message: error.to_string(),
        hint: error.remedy(),
        at: error.pointer().map(|pointer| (pointer.line, pointer.column)),
        askers,
    }
}

/// About how many bytes a value is as text.
fn size_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size_of).sum(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| name.len() + size_of(value)).sum()
        }
        _ => 8,
    }
}

/// The rows of an answer, as many as one answer may hold.
async fn collected(
    engine: &Engine,
    question: &Question,
    options: &QueryOptions,
) -> Result<Table, QueryError> {
    let began = std::time::Instant::now();
    let mut answer = engine.run(&question.sql, options).await?;
    let columns = answer.columns().into_iter().map(|column| (column.name, column.kind)).collect();
    let progress = answer.progress();
    let mut rows = Vec::new();
    let (mut bytes, mut full) = (0_usize, false);
    'read: while let Some(page) = answer.next_rows().await? {
        for row in page {
            bytes = bytes.saturating_add(row.iter().map(size_of).sum());
            if bytes > ANSWER_BYTES_MAX && !rows.is_empty() {
                full = true;
                break 'read;
            }
            rows.push(row);
        }
    }
    let elapsed = began.elapsed().as_millis();
    Ok(Table {
        columns,
        rows,
        cut: full || answer.truncated(),
        bytes_read: progress.now().bytes_read,
        elapsed_ms: u64::try_from(elapsed).unwrap_or(u64::MAX),
    })
}

#[async_trait]
impl LogDesk for Desk {
    async fn tables(&self) -> Result<Vec<TableShape>, AskFault> {
        let (engine, _) = self.engine().await?;
        let infos = engine.tables().await.map_err(|error| told(&error))?;
        Ok(infos
            .into_iter()
            .map(|info| TableShape {
                name: info.name,
                logs: info.kind != TableKind::Inventory,
                columns: info
                    .columns
                    .into_iter()
                    .map(|column| (column.name, column.kind))
                    .collect(),
                rows: None,
            })
            .collect())
    }

    async fn estimate(&self, question: &Question, scope: &Scope) -> Result<Estimate, AskFault> {
        let (engine, options) = self.prepared(question, scope).await?;
        let explained = engine.explain(&question.sql, &options).await;
        let explained = explained.map_err(|error| told(&error))?;
        Ok(Estimate {
            files: explained.files_read(),
            files_all: explained.tables.iter().map(|table| table.files_total).sum(),
            bytes: explained.bytes_read(),
            rows: explained.tables.iter().map(|table| table.rows).sum(),
            plan: explained.text(question.lang),
        })
    }

    async fn ask(
        &self,
        question: &Question,
        scope: &Scope,
        cancel: CancellationToken,
    ) -> Result<Table, AskFault> {
        let (engine, options) = self.prepared(question, scope).await?;
        // Dropping the answer gives the question up.
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(told(&QueryError::Cancelled)),
            answered = collected(&engine, question, &options) => {
                answered.map_err(|error| told(&error))
            }
        }
    }
}

/// The built-in table of IAM actions, as the console asks it.
pub(crate) struct Book(Actions);

impl Book {
    /// Opens the table.
    ///
    /// # Errors
    /// Where it is damaged.
    pub(crate) fn open() -> anyhow::Result<Self> {
        Ok(Self(tables::actions()?))
    }
}

impl ActionBook for Book {
    fn action(&self, name: &str) -> Option<ActionForm> {
        let action = self.0.action(name)?;
        let level = match action.access_level {
            AccessLevel::List => "List",
            AccessLevel::Read => "Read",
            AccessLevel::Tagging => "Tagging",
            AccessLevel::Write => "Write",
            AccessLevel::Permissions => "Permissions management",
        };
        let arns = action.resource_types.iter().filter_map(|one| one.arn.as_deref());
        Some(ActionForm {
            name: action.name.to_string(),
            access_level: level.to_owned(),
            resources: arns.map(str::to_owned).collect(),
        })
    }

    fn beginning(&self, start: &str, max: usize) -> Vec<String> {
        let start = start.to_ascii_lowercase();
        let names = self.0.all().map(|action| &*action.name);
        let begin = |name: &&str| {
            name.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(&start))
        };
        names.filter(begin).take(max).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_found_in_any_case_and_by_its_beginning() {
        let book = Book::open().unwrap();
        let form = book.action("S3:getobject").unwrap();
        assert_eq!((form.name.as_str(), form.access_level.as_str()), ("s3:GetObject", "Read"));
        assert!(form.resources.iter().any(|arn| arn.contains(":s3:::")), "{form:?}");
        assert_eq!(book.action("s3:NoSuchThing"), None);
        let found = book.beginning("IAM:createu", 3);
        assert!(found.contains(&"iam:CreateUser".to_owned()) && found.len() <= 3, "{found:?}");
    }

    #[test]
    fn a_fault_says_whose_it_is_and_where() {
        let what = "expected an expression".to_owned();
        let fault = told(&QueryError::Syntax { line: 2, column: 7, what });
        assert!(fault.askers && fault.at == Some((2, 7)), "{fault:?}");
        let file = QueryError::File { file: "a.parquet".to_owned(), what: "is gone".to_owned() };
        let fault = told(&file);
        assert!(!fault.askers && fault.hint.is_some(), "{fault:?}");
    }

    #[test]
    fn the_weight_of_an_answer_counts_what_is_nested() {
        assert_eq!(size_of(&serde_json::json!({"ab": ["cde", null]})), 2 + 3 + 8);
    }
}
