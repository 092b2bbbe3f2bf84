//! Side tables: one call that answers for many resources, its rows found by key.
//! What the rows say is evaluated like any other block, in `mapping`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use yagura_content::expression::{Env, Outcome, Root};
use yagura_model::{Resource, Truth, UnreadReason};

use crate::caller::Failure;
use crate::inventory::bindings::of_resource;
use crate::inventory::mapping::{Origin, Statement, kind_of};
use crate::inventory::part::{Begun, Found, Part};
use crate::inventory::plan::TypeIndex;
use crate::inventory::shared::memo_key;
use crate::inventory::type_plan::LookupPlan;

/// How often a report that is being made is asked for.
const UNTIL_TRIES_MAX: u32 = 30;
/// How long between two such questions. The credential report takes seconds.
const UNTIL_PAUSE: Duration = Duration::from_secs(2);

/// The rows of one answer by key.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// Each a list, in the order of the answer.
    rows: HashMap<String, Value>,
    /// The answer said that there is none.
    emptied: bool,
}

/// The table of one batch lookup, for the things of one page.
pub(crate) struct Batch {
    /// Which of the type's lookups.
    pub(crate) lookup: usize,
    /// By the id of a thing, which chunk's table answers for it.
    by_id: HashMap<String, Arc<Result<Table, Failure>>>,
}

impl Table {
    /// What the row of a resource says.
    pub(crate) fn state<'a>(
        &'a self,
        plan: &'a LookupPlan<'_>,
        env: Env<'a>,
        origin: Origin<'_>,
    ) -> Statement {
        let key = match key_of(plan.lookup.matching.program().eval(&env)) {
            Ok(key) => key,
            Err(problem) => return plan.block.all_unread(&plan.ask.failed(problem), origin),
        };
        let Some(rows) = key.and_then(|key| self.rows.get(&key)) else {
            if plan.lookup.required && !self.emptied {
                let failure = plan.ask.failed("the answer has no row for this resource");
                return plan.block.all_unread(&failure, origin);
            }
            return plan.block.state(&env, true, origin);
        };
        let env = env.bind(Root::Rows, rows);
        let env = match rows.get(0) {
            Some(row) => env.bind(Root::Row, row),
            None => env,
        };
        plan.block.state(&env, false, origin)
    }
}

impl Part<'_> {
    /// The tables that a thing's lookups are answered from, in the order of the file.
    pub(crate) async fn tables<'a>(
        &'a self,
        found: &Found<'_>,
        resource: &Resource,
        batches: &[Batch],
    ) -> Vec<(&'a LookupPlan<'a>, Arc<Result<Table, Failure>>)> {
        let plans = &self.engine.plan.at(found.index).lookups;
        let mut tables = Vec::with_capacity(plans.len());
        for plan in plans {
            let table = match batches.iter().find(|batch| batch.lookup == plan.position) {
                Some(batch) => self.batch_table(plan, batch, found, resource),
                None => self.table(found.index, plan, found.parent).await,
            };
            tables.push((plan, table));
        }
        tables
    }

    fn batch_table(
        &self,
        plan: &LookupPlan<'_>,
        batch: &Batch,
        found: &Found<'_>,
        resource: &Resource,
    ) -> Arc<Result<Table, Failure>> {
        match self.batch_id(plan, found, resource) {
            Ok(Some(id)) => batch.by_id.get(&id).cloned(),
            Ok(None) => None,
            Err(problem) => Some(Arc::new(Err(plan.ask.failed(problem)))),
        }
        // A thing without id has no row anywhere.
        .unwrap_or_else(|| Arc::new(Ok(Table::default())))
    }

    /// A table read once per part (and per parent, where its input names one).
    async fn table(
        &self,
        index: TypeIndex,
        plan: &LookupPlan<'_>,
        parent: Option<&Resource>,
    ) -> Arc<Result<Table, Failure>> {
        let input = match plan.ask.input(&self.setting.env(parent)) {
            Ok(input) => input,
            Err(failure) => return Arc::new(Err(failure)),
        };
        let place = self.place_of(parent);
        let key = memo_key(&place, &plan.ask.name, &input);
        let make = async {
            // The answer itself is shared with other types that ask the same.
            let ask = async {
                self.make_ready(plan, parent).await?;
                self.engine.call(&place, &plan.ask.name, &input).await
            };
            let answer = self.answers.get(key.clone(), ask).await;
            self.rows(plan, &answer, parent)
        };
        self.tables.get(format!("{index:?}/{}/{key}", plan.position), make).await
    }

    /// Calls what must come before (a report is made before it can be read) until it says done.
    async fn make_ready(
        &self,
        plan: &LookupPlan<'_>,
        parent: Option<&Resource>,
    ) -> Result<(), Failure> {
        let (Some(ask), Some(before)) = (&plan.before, &plan.lookup.before) else { return Ok(()) };
        let input = ask.input(&self.setting.env(parent))?;
        let place = self.place_of(parent);
        for attempt in 0..UNTIL_TRIES_MAX {
            if attempt > 0 {
                self.engine.pause(UNTIL_PAUSE, &ask.name).await?;
            }
            let output = self.engine.call(&place, &ask.name, &input).await?;
            let env = self.setting.env(parent).bind(Root::Output, &output);
            match before.until.program().truth(&env) {
                (Truth::True, _) => return Ok(()),
                (Truth::False, _) => {}
                (Truth::Unknown, decided) => {
                    let problem = decided.problems.first().cloned();
                    return Err(ask.failed(problem.unwrap_or_default()));
                }
            }
        }
        Err(Failure::local(UnreadReason::TimedOut, &ask.text, "it was never done"))
    }

    /// The rows of an answer by key.
    fn rows(
        &self,
        plan: &LookupPlan<'_>,
        answer: &Result<Value, Failure>,
        parent: Option<&Resource>,
    ) -> Result<Table, Failure> {
        let none = json!({});
        let (output, emptied) = match answer {
            Ok(output) => (output, false),
            Err(failure) if plan.ask.is_absent(failure) => (&none, true),
            Err(failure) => return Err(failure.clone()),
        };
        let env = self.setting.env(parent).bind(Root::Output, output);
        let rows = match plan.lookup.each.program().eval(&env) {
            Outcome::Value(Value::Array(rows)) => rows,
            Outcome::Absent => Vec::new(),
            Outcome::Value(other) => {
                let problem = format!("`each` gives no list but {}", kind_of(&other));
                return Err(plan.ask.failed(problem));
            }
            Outcome::Unknown(decided) => return Err(plan.ask.failed(decided.problems.join("; "))),
        };
        let mut table = Table { emptied, ..Table::default() };
        for row in rows {
            let env = self.setting.env(parent).bind(Root::Output, output).bind(Root::Row, &row);
            let key = key_of(plan.lookup.key.program().eval(&env));
            drop(env);
            if let Some(key) = key.map_err(|problem| plan.ask.failed(problem))? {
                let rows = table.rows.entry(key).or_insert_with(|| json!([]));
                if let Value::Array(rows) = rows {
                    rows.push(row);
                }
            }
        }
        Ok(table)
    }

    /// Asks every batch lookup of a type about the things of one page, in chunks.
    pub(crate) async fn batches(&self, index: TypeIndex, begun: &[Begun<'_>]) -> Vec<Batch> {
        let plans = self.engine.plan.at(index).lookups.iter();
        let batched = plans.filter(|plan| plan.lookup.batch.is_some());
        join_all(batched.map(|plan| self.batch(plan, begun))).await
    }

    async fn batch(&self, plan: &LookupPlan<'_>, begun: &[Begun<'_>]) -> Batch {
        let mut ids: Vec<String> = begun
            .iter()
            .filter_map(|one| self.batch_id(plan, &one.found, &one.resource).ok().flatten())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let size = plan.lookup.batch.as_ref().map_or(1, |batch| batch.size).max(1);
        let parent = begun.first().and_then(|one| one.found.parent);
        let chunks = join_all(ids.chunks(size).map(|chunk| async move {
            let table = Arc::new(self.chunk(plan, chunk, parent).await);
            chunk.iter().map(|id| (id.clone(), Arc::clone(&table))).collect::<Vec<_>>()
        }))
        .await;
        Batch { lookup: plan.position, by_id: chunks.into_iter().flatten().collect() }
    }

    async fn chunk(
        &self,
        plan: &LookupPlan<'_>,
        ids: &[String],
        parent: Option<&Resource>,
    ) -> Result<Table, Failure> {
        let list = json!(ids);
        let input = {
            let env = self.setting.env(parent).bind(Root::Ids, &list);
            plan.ask.filled(plan.lookup.batch.as_ref().map(|batch| &batch.input), &env)?
        };
        let place = self.place_of(parent);
        let answer = self.engine.call(&place, &plan.ask.name, &input).await;
        self.rows(plan, &answer, parent)
    }

    /// The id by which a batch lookup asks for a thing.
    fn batch_id(
        &self,
        plan: &LookupPlan<'_>,
        found: &Found<'_>,
        resource: &Resource,
    ) -> Result<Option<String>, String> {
        let Some(batch) = &plan.lookup.batch else { return Ok(None) };
        let env = of_resource(self.setting.env(found.parent), &found.item, resource);
        key_of(batch.ids.program().eval(&env))
    }
}

/// A key as text; numbers and truth values count as their text.
fn key_of(outcome: Outcome) -> Result<Option<String>, String> {
    match outcome {
        Outcome::Absent => Ok(None),
        Outcome::Value(Value::String(text)) => Ok(Some(text)),
        Outcome::Value(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(value.to_string())),
        Outcome::Value(other) => Err(format!("a key is not a text but {}", kind_of(&other))),
        Outcome::Unknown(decided) => Err(decided
            .problems
            .first()
            .cloned()
            .unwrap_or_else(|| "a key depends on something unread".to_owned())),
    }
}
