//! Which findings a question means: read from columns and terms, chunk by chunk.
//! What is made of them is in `list.rs` and `count.rs`.
//!
//! Bigrams can only say which findings *may* have a word of three letters or more. Up to
//! [`COMPARED_MAX`] of them are therefore compared letter by letter; where there are more, pages
//! are compared and totals are upper bounds.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use yagura_model::finding::Finding;

use super::Findings;
use super::column::{
    self, Column, GONE, bounds, chunk_of, decode_into, key_number, number_of, severity_number,
    slot_of, state_number,
};
use super::condition::Condition;
use super::kept::{self, Chunk, Data, Kept};
use super::names;
use super::question::{Assignee, COMPARED_MAX, FindingFilter, Span};
use super::rows::{self, Reach};
use super::terms::{Members, Term, gram_term, label_term, mark_term, term_bytes};
use super::text::Question;
use crate::batch;
use crate::database::{Param, Session};
use crate::encode::column_text;
use crate::error::StoreError;

/// Chunks read at once: this bounds memory, and a statement's answer.
const WINDOW_CHUNKS: usize = 64;
/// Terms looked up in one statement.
const TERMS: usize = 8;
/// Candidates of a window among which letters are compared rather than more pairs looked up: that
/// many documents are read in less time than one more round of terms.
const FEW: usize = 160;
/// Candidates of a window of which no more terms are looked up where those before said little: a
/// common phrase stays common.
const MANY: usize = 16_384;

/// A question, ready to be asked. INVARIANT: its conditions hold the scope's.
pub(super) struct Plan {
    pub(super) reach: Reach,
    conditions: Vec<(Column, Condition)>,
    /// How many conditions at the beginning are the scope's: they are never set aside.
    held: usize,
    /// Of each list one mark or label must be there.
    marks: Vec<Vec<Term>>,
    /// All of these letters and pairs must be there, the rarer ones first.
    grams: Vec<Term>,
    question: Question,
    keys: Vec<String>,
    /// Whether the conditions and terms may let pass what the question does not mean.
    loose: bool,
    /// The only ones that it can be, once they were compared.
    only: Option<BTreeMap<i64, Members>>,
    kept: Arc<Kept>,
}

/// The matching findings of one chunk.
pub(super) struct Matched<'a> {
    chunk: i64,
    pub(super) members: &'a Members,
    columns: &'a Values,
}

impl Matched<'_> {
    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.members.count()).unwrap_or(u64::MAX)
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = i64> + '_ {
        self.members.slots().map(|slot| self.number(slot))
    }

    pub(super) fn number(&self, slot: usize) -> i64 {
        number_of(self.chunk, slot)
    }

    /// A column's values, by slot.
    pub(super) fn values(&self, column: Column) -> &[i64] {
        self.columns.held(column).map_or(&[], |held| held.values.as_slice())
    }
}

/// The value of a slot.
pub(super) fn value(values: &[i64], slot: usize) -> i64 {
    values.get(slot).copied().unwrap_or_default()
}

/// Columns of one chunk, read when they are looked at. Their memory is used again for the next.
struct Values {
    columns: Vec<Held>,
    /// How many findings the chunk has room for as yet.
    slots: usize,
}

struct Held {
    column: Column,
    data: Data,
    /// A value for each slot; empty until it is read.
    values: Vec<i64>,
}

impl Values {
    fn new(columns: &[Column]) -> Self {
        let held =
            |column: &Column| Held { column: *column, data: Data::default(), values: Vec::new() };
        Self { columns: columns.iter().map(held).collect(), slots: 0 }
    }

    /// Goes on to a chunk, whose columns come in the order of these.
    fn turn_to(&mut self, chunk: Vec<Data>) -> Result<(), Column> {
        for (held, data) in self.columns.iter_mut().zip(chunk) {
            held.data = data;
            held.values.clear();
        }
        self.slots = 0;
        self.slots = self.read(Column::State)?.len();
        Ok(())
    }

    /// A column's values. What is broken is told by name.
    fn read(&mut self, column: Column) -> Result<&[i64], Column> {
        let found = self.columns.iter_mut().find(|held| held.column == column);
        let Some(held) = found else { return Ok(&[]) };
        if held.values.is_empty() {
            // A column that came later is not there in chunks that were full before: all are 0.
            if !held.data.is_empty() {
                decode_into(&held.data, &mut held.values).ok_or(column)?;
            }
            let slots = self.slots.max(held.values.len());
            held.values.resize(slots, 0);
        }
        Ok(&held.values)
    }

    /// Reads all columns that were not looked at yet.
    fn read_all(&mut self) -> Result<(), Column> {
        let columns: Vec<Column> = self.columns.iter().map(|held| held.column).collect();
        columns.into_iter().try_for_each(|column| self.read(column).map(drop))
    }

    fn held(&self, column: Column) -> Option<&Held> {
        self.columns.iter().find(|held| held.column == column)
    }

    /// The least and the greatest that a column's values can be, without reading them.
    fn bounds(&self, column: Column) -> Option<(i64, i64)> {
        self.held(column).and_then(|held| bounds(&held.data, self.slots))
    }
}

impl Plan {
    /// Makes a question ready: names become codes, words become terms.
    pub(super) async fn of(
        session: &mut Session,
        findings: &Findings,
        filter: &FindingFilter,
    ) -> Result<Self, StoreError> {
        let reach = Reach::of(session, &findings.scope).await?;
        let mut conditions = Vec::new();
        if let Reach::Codes(codes) = &reach {
            conditions.push((Column::Account, Condition::one_of(codes.clone())));
        }
        let held = conditions.len();
        conditions.extend(plain_conditions(filter));
        let named = [
            (Column::Account, &filter.accounts),
            (Column::Region, &filter.regions),
            (Column::Content, &filter.contents),
            (Column::ResourceType, &filter.resource_types),
            (Column::Cause, &filter.causes),
        ];
        for (column, names) in named.into_iter().filter(|(_, names)| !names.is_empty()) {
            conditions
                .push((column, Condition::one_of(names::asked(session, column, names).await?)));
        }
        match &filter.assignee {
            None => {}
            Some(Assignee::Nobody) => {
                conditions.push((Column::Assignee, Condition::one_of(vec![0])));
            }
            Some(Assignee::Name(name)) => {
                let codes =
                    names::asked(session, Column::Assignee, std::slice::from_ref(name)).await?;
                conditions.push((Column::Assignee, Condition::one_of(codes)));
            }
        }
        let question = filter.text.as_deref().map(Question::of).unwrap_or_default();
        let keys: Vec<String> = filter.keys.iter().map(|key| column_text(key)).collect();
        let loose = question.needs_text() || !keys.is_empty();
        let grams = question.grams().into_iter().map(gram_term).collect();
        let marks = marks_of(filter);
        let kept = findings.kept.clone();
        let mut plan =
            Self { reach, conditions, held, marks, grams, question, keys, loose, only: None, kept };
        plan.compare(session).await?;
        Ok(plan)
    }

    /// Whether what passes the conditions is exactly what is meant.
    pub(super) fn is_exact(&self) -> bool {
        !self.loose
    }

    /// Sets conditions on some columns aside, and hands them over: what is scanned then is as if
    /// they had not been asked for. Candidates that were compared already stay as they are.
    pub(super) fn set_aside(&mut self, columns: &[Column]) -> Vec<(Column, Condition)> {
        if self.only.is_some() || !self.is_exact() {
            return Vec::new();
        }
        let asked = self.conditions.split_off(self.held.min(self.conditions.len()));
        let (aside, kept) = asked.into_iter().partition(|(column, _)| columns.contains(column));
        self.conditions.extend::<Vec<_>>(kept);
        aside
    }

    /// Whether a finding that passed the conditions is meant.
    pub(super) fn means(&self, finding: &Finding) -> bool {
        let key = || self.keys.contains(&column_text(&finding.observation.key));
        (self.keys.is_empty() || key()) && self.question.matches(finding)
    }

    /// Compares the candidates letter by letter, where they are not too many.
    async fn compare(&mut self, session: &mut Session) -> Result<(), StoreError> {
        if !self.loose {
            return Ok(());
        }
        let mut numbers = Vec::new();
        self.scan(session, &[], &mut |matched| {
            let room = COMPARED_MAX + 1 - numbers.len();
            numbers.extend(matched.numbers().take(room));
            numbers.len() <= COMPARED_MAX
        })
        .await?;
        if numbers.len() > COMPARED_MAX {
            return Ok(());
        }
        let documents = rows::documents(session, &self.reach, &numbers).await?;
        let mut only: BTreeMap<i64, Members> = BTreeMap::new();
        for (number, _) in documents.iter().filter(|(_, finding)| self.means(finding)) {
            let members = only.entry(chunk_of(*number)).or_insert_with(Members::none);
            members.set(slot_of(*number), true);
        }
        self.only = Some(only);
        self.loose = false;
        Ok(())
    }

    /// Goes through all chunks and hands out what matches, with some columns. Ends early where
    /// it is told to.
    pub(super) async fn scan(
        &self,
        session: &mut Session,
        wanted: &[Column],
        each: &mut (dyn FnMut(&Matched<'_>) -> bool + Send),
    ) -> Result<(), StoreError> {
        if self.conditions.iter().any(|(_, condition)| condition.is_impossible()) {
            return Ok(());
        }
        let mut columns: Vec<Column> = wanted.to_vec();
        columns.extend(self.conditions.iter().map(|(column, _)| *column));
        columns.push(Column::State);
        columns.sort_unstable();
        columns.dedup();
        let mut values = Values::new(&columns);
        for window in kept::chunks(session).await?.chunks(WINDOW_CHUNKS) {
            let candidates = self.candidates(session, window).await?;
            let mut window = window.to_vec();
            if let Some(candidates) = &candidates {
                window.retain(|chunk| candidates.contains_key(&chunk.number));
            }
            for (chunk, data) in self.kept.read(session, &columns, &window).await? {
                let damaged = |column: Column| {
                    let number = column.number();
                    session.damaged(format!("column {number} of chunk {chunk} of findings"))
                };
                let candidates = candidates.as_ref().and_then(|some| some.get(&chunk));
                let members = self.members(&mut values, data, candidates).map_err(damaged)?;
                let matched = Matched { chunk, members: &members, columns: &values };
                if !members.is_empty() && !each(&matched) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// What has the terms, in a window of chunks; none where no term is asked for.
    async fn candidates(
        &self,
        session: &mut Session,
        window: &[Chunk],
    ) -> Result<Option<BTreeMap<i64, Members>>, StoreError> {
        let window: Vec<i64> = window.iter().map(|chunk| chunk.number).collect();
        if let Some(only) = &self.only {
            let some = window.iter().filter_map(|chunk| Some((*chunk, only.get(chunk)?.clone())));
            return Ok(Some(some.collect()));
        }
        let mut candidates: Option<BTreeMap<i64, Members>> = None;
        let marks: Vec<Term> = self.marks.iter().flatten().copied().collect();
        let lists = self.marks.iter().map(Vec::as_slice);
        let found = read_terms(session, &marks, &window).await?;
        narrow(&mut candidates, &found, lists);
        let mut before = usize::MAX / 10;
        for grams in self.grams.chunks(TERMS) {
            let chunks: Vec<i64> = match &candidates {
                None => window.clone(),
                Some(some) => some.keys().copied().collect(),
            };
            let left = candidates.as_ref().map(|some| some.values().map(Members::count).sum());
            let enough = left
                .is_some_and(|left: usize| left <= FEW || left > MANY && left * 10 > before * 9);
            // What is loose is compared letter by letter anyhow.
            if chunks.is_empty() || self.loose && enough {
                break;
            }
            before = left.unwrap_or(usize::MAX / 10);
            let found = read_terms(session, grams, &chunks).await?;
            narrow(&mut candidates, &found, grams.iter().map(std::slice::from_ref));
        }
        Ok(candidates)
    }

    /// The findings of a chunk that pass all conditions, of the candidates where there are some.
    /// Where any pass, all columns are read.
    fn members(
        &self,
        values: &mut Values,
        chunk: Vec<Data>,
        candidates: Option<&Members>,
    ) -> Result<Members, Column> {
        values.turn_to(chunk)?;
        let mut members = Members::which(values.read(Column::State)?, |state| state != GONE);
        if let Some(candidates) = candidates {
            members.intersect(candidates);
        }
        for (column, condition) in &self.conditions {
            let bounds = values.bounds(*column);
            if members.is_empty() || bounds.is_some_and(|bounds| !condition.may_pass(bounds)) {
                return Ok(Members::none());
            }
            members.intersect(&condition.members(values.read(*column)?));
        }
        if !members.is_empty() {
            values.read_all()?;
        }
        Ok(members)
    }
}

/// The conditions that need no names.
fn plain_conditions(filter: &FindingFilter) -> Vec<(Column, Condition)> {
    let mut conditions = Vec::new();
    let mut one_of = |column, values: Vec<i64>| {
        if !values.is_empty() {
            conditions.push((column, Condition::one_of(values)));
        }
    };
    let severities = filter.severities.iter().map(|one| severity_number(*one));
    let kinds = filter.kinds.iter().map(|one| column::kind_number(*one));
    one_of(Column::State, filter.states.iter().map(|one| state_number(*one)).collect());
    one_of(Column::Severity, severities.collect());
    one_of(Column::Kind, kinds.collect());
    one_of(Column::Key, filter.keys.iter().map(|key| key_number(&column_text(key))).collect());
    if let Some(rank) = filter.rank_min {
        conditions.push((Column::Rank, Condition::Within(i64::from(rank), i64::MAX)));
    }
    let spans = [
        (Column::FirstSeen, filter.first_seen, i64::MIN),
        (Column::LastSeen, filter.last_seen, i64::MIN),
        // There 0 is no date.
        (Column::SuppressedUntil, filter.suppressed_until, 1),
        (Column::Due, filter.due, 1),
    ];
    let asked = spans.into_iter().filter(|(_, span, _)| *span != Span::default());
    conditions.extend(asked.map(|(column, span, least)| {
        let since = span.since.map_or(least, |at| at.as_microsecond().max(least));
        let until = span.until.map_or(i64::MAX, |at| at.as_microsecond().saturating_sub(1));
        (column, Condition::Within(since, until))
    }));
    conditions
}

fn marks_of(filter: &FindingFilter) -> Vec<Vec<Term>> {
    let mut marks = BTreeMap::new();
    for (kind, value) in &filter.marks {
        marks.entry(*kind).or_insert_with(Vec::new).push(mark_term(*kind, value));
    }
    let labels = filter.labels.iter().map(|label| vec![label_term(label)]);
    marks.into_values().chain(labels).collect()
}

type Found = HashMap<i64, HashMap<Vec<u8>, Members>>;

/// Leaves those candidates that have one term of each list.
fn narrow<'a>(
    candidates: &mut Option<BTreeMap<i64, Members>>,
    found: &Found,
    lists: impl Iterator<Item = &'a [Term]>,
) {
    for list in lists {
        let terms: Vec<Vec<u8>> = list.iter().map(|term| term_bytes(*term)).collect();
        let mut having = BTreeMap::new();
        for (chunk, members) in found {
            let mut any = Members::none();
            let there = terms.iter().filter_map(|term| members.get(term));
            there.for_each(|members| any.unite(members));
            match candidates.as_ref().map(|some| some.get(chunk)) {
                None => {}
                Some(Some(before)) => any.intersect(before),
                Some(None) => continue,
            }
            if !any.is_empty() {
                having.insert(*chunk, any);
            }
        }
        *candidates = Some(having);
    }
}

/// The members of terms in some chunks of a window.
async fn read_terms(
    session: &mut Session,
    terms: &[Term],
    chunks: &[i64],
) -> Result<Found, StoreError> {
    let mut found = Found::new();
    for some in terms.chunks(TERMS) {
        // Always as many, so that the database reuses what it prepared.
        let fill = chunks.iter().chain(chunks.last().into_iter().cycle()).copied();
        let mut params: Vec<Param> = fill.take(WINDOW_CHUNKS).map(Param::from).collect();
        let fill = some.iter().chain(some.last().into_iter().cycle()).copied();
        let count = if some.len() == 1 { 1 } else { TERMS };
        params.extend(fill.take(count).map(|term| Param::from(term_bytes(term))));
        let sql = "SELECT chunk, term, members FROM finding_terms WHERE chunk";
        let sql = batch::in_list(sql, 0, WINDOW_CHUNKS, "AND term");
        let sql = batch::in_list(&sql, WINDOW_CHUNKS, count, "");
        for row in session.fetch(sql, params).await? {
            let read = || Ok::<_, sqlx::Error>((row.int(0)?, row.blob(1)?, row.blob(2)?));
            let (chunk, term, members) = read().map_err(|error| session.fail(error))?;
            let members = Members::decode(&members)
                .ok_or_else(|| session.damaged(format!("a term of chunk {chunk} of findings")))?;
            found.entry(chunk).or_default().insert(term, members);
        }
    }
    Ok(found)
}
