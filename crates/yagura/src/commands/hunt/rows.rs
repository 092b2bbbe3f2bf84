//! Rows of the lake made records again and judged: read in pages by the query engine, stretch of
//! days by stretch, cut to the asked time and clues, and judged on all cores.
//! What a record is made of is `yagura-collect`'s knowledge of formats.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use yagura_collect::sources::Tap as _;
use yagura_collect::sources::decode::{KeptRow, is_headed, kept};
use yagura_content::Content;
use yagura_content::format::Source;
use yagura_judge::detections::Folder;
use yagura_lake::query::{Engine, ProgressNow, QueryError, QueryOptions};
use yagura_model::source::{ColumnKind, FieldStep, Table, TimeFormat};

use super::stretches::Stretch;
use crate::detection::tap::Judging;
use crate::output::Hinted;
use crate::progress::QueryBar;

/// The columns that every question has, in this order.
const COLUMNS: [&str; 5] = ["object", "raw", "account", "region", "time"];

/// A hunt over the lake.
pub(super) struct Hunt {
    pub(super) engine: Engine,
    pub(super) content: Arc<Content>,
    pub(super) judging: Arc<Judging>,
    /// Which rows of a source can match, as a condition; empty where all can.
    pub(super) conditions: BTreeMap<Arc<str>, String>,
    pub(super) memory_bytes: Option<u64>,
    pub(super) cancel: CancellationToken,
}

/// What is read of all stretches, for the bar.
struct Told<'b> {
    bar: &'b QueryBar,
    files_total: u64,
    /// Of questions that have ended.
    before: ProgressNow,
}

impl Told<'_> {
    fn show(&self, now: ProgressNow) {
        let sum = self.before.and(now);
        self.bar.show(ProgressNow { files_total: self.files_total, ..sum });
    }
}

/// A column that is a field of the log.
#[derive(Clone, Debug)]
struct Field {
    /// The name that the log has for it.
    name: String,
    /// How a time is written there.
    time: Option<TimeFormat>,
}

impl Hunt {
    /// Judges what the lake has of some stretches, one after the other; answers how many rows made
    /// no record.
    ///
    /// # Errors
    /// Where the lake cannot be read.
    pub(super) async fn run(&self, stretches: &[Stretch], bar: &QueryBar) -> anyhow::Result<u64> {
        let files_total = stretches.iter().map(|stretch| stretch.files).sum();
        let mut told = Told { bar, files_total, before: ProgressNow::default() };
        let mut bad = 0;
        for stretch in stretches {
            for source in &stretch.sources {
                if self.cancel.is_cancelled() {
                    return Ok(bad);
                }
                bad += self.source(source, stretch, &mut told).await?;
            }
            self.judging.with_folder(Folder::pass)?;
        }
        Ok(bad)
    }

    async fn source(
        &self,
        id: &str,
        stretch: &Stretch,
        told: &mut Told<'_>,
    ) -> anyhow::Result<u64> {
        let Some(source) = self.content.sources.get(id) else { return Ok(0) };
        let headed = is_headed(source);
        let fields = Arc::new(if headed { fields(source.table()) } else { Vec::new() });
        let condition = self.conditions.get(id).map_or("", String::as_str);
        let sql = question(id, &fields, source.table(), condition);
        let mut options = QueryOptions {
            since: Some(stretch.since),
            until: Some(stretch.until),
            ..QueryOptions::default()
        };
        if let Some(bytes) = self.memory_bytes {
            options.memory_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        }
        let mut answer = self.engine.run(&sql, &options).await.map_err(explained)?;
        let progress = answer.progress();
        let bad = Arc::new(AtomicU64::new(0));
        let mut judges = JoinSet::new();
        // One page for each core is judged while the next are read.
        let most = std::thread::available_parallelism().map_or(1, usize::from);
        while !self.cancel.is_cancelled() {
            let Some(page) = answer.next_rows().await.map_err(explained)? else { break };
            told.show(progress.now());
            if judges.len() >= most
                && let Some(ended) = judges.join_next().await
            {
                ended?;
            }
            let (judging, bad) = (Arc::clone(&self.judging), Arc::clone(&bad));
            let (source, fields) = (Arc::clone(source), Arc::clone(&fields));
            judges.spawn_blocking(move || {
                bad.fetch_add(judge(&judging, &source, &fields, &page), Ordering::Relaxed);
            });
        }
        while let Some(ended) = judges.join_next().await {
            ended?;
        }
        told.before = told.before.and(progress.now());
        Ok(bad.load(Ordering::Relaxed))
    }
}

/// The question for a source's records. The source's id is a name of content and no text of a log.
fn question(id: &str, fields: &[Field], table: &Table, condition: &str) -> String {
    let mut columns: Vec<String> = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    let kept = table.columns.iter().filter(|column| field(column).is_some());
    if !fields.is_empty() {
        columns.extend(kept.map(|column| format!("\"{}\"", column.name)));
    }
    let mut sql = format!("SELECT {} FROM \"{id}\"", columns.join(", "));
    if !condition.is_empty() {
        sql.push_str(&format!(" WHERE {condition}"));
    }
    sql
}

fn fields(table: &Table) -> Vec<Field> {
    table.columns.iter().filter_map(field).collect()
}

/// The field that a column was filled from: the first that it names.
fn field(column: &yagura_model::source::Column) -> Option<Field> {
    let time = match &column.kind {
        ColumnKind::Time(format) => Some(*format),
        ColumnKind::List(_) | ColumnKind::Struct(_) => return None,
        _ => None,
    };
    let from = column.from.iter().find(|path| !path.from_key && path.picks.is_empty())?;
    match from.steps.as_slice() {
        [FieldStep::Key(name)] => Some(Field { name: name.clone(), time }),
        _ => None,
    }
}

/// Makes the rows of a page records again and judges them; answers how many made none.
fn judge(judging: &Judging, source: &Source, fields: &[Field], page: &[Vec<Value>]) -> u64 {
    let mut objects: BTreeMap<&str, Vec<KeptRow<'_>>> = BTreeMap::new();
    for row in page {
        let text = |at: usize| row.get(at).and_then(Value::as_str);
        let object = text(0).unwrap_or_default();
        let values = fields.iter().zip(row.iter().skip(COLUMNS.len()));
        let kept = KeptRow {
            raw: text(1).unwrap_or_default(),
            account: text(2).filter(|account| *account != yagura_lake::ACCOUNT_UNKNOWN),
            region: text(3),
            time: text(4),
            fields: values.filter_map(|(field, value)| written(field, value)).collect(),
        };
        objects.entry(object).or_default().push(kept);
    }
    let mut bad = 0;
    for (object, rows) in objects {
        let (batches, unread) = kept(source, object, rows);
        bad += unread;
        for batch in batches {
            judging.batch(&source.id, &batch);
        }
    }
    bad
}

/// A value as the log writes it; none where there is none.
fn written<'f>(field: &'f Field, value: &Value) -> Option<(&'f str, String)> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let us = field.time.and_then(|_| TimeFormat::Rfc3339.micros(&text));
    let text = match (field.time, us) {
        (Some(TimeFormat::EpochSeconds), Some(us)) => us.div_euclid(1_000_000).to_string(),
        (Some(TimeFormat::EpochMillis), Some(us)) => us.div_euclid(1_000).to_string(),
        (Some(TimeFormat::EpochMicros), Some(us)) => us.to_string(),
        _ => text,
    };
    Some((&field.name, text))
}

fn explained(error: QueryError) -> anyhow::Error {
    let message = error.to_string();
    anyhow::Error::new(error).context(Hinted::new(
        format!("could not read the lake: {message}"),
        "`yagura lake status` says what is there",
    ))
}
