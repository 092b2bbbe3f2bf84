//! Which findings a question means: read from columns and terms, chunk by chunk.
//! What is made of them is in `list.rs` and `count.rs`.
//!
//! Bigrams can only say which findings *may* have a word of three letters or more. Up to
//! [`COMPARED_MAX`] of them are therefore compared letter by letter; where there are more, pages
//! are compared and totals are upper bounds.

use std::collections::{BTreeMap, HashMap};

use yagura_model::finding::Finding;

use super::chunks::{kinds, read_column};
use super::column::{
    self, CHUNK, Column, GONE, chunk_of, key_number, number_of, severity_number, slot_of,
    state_number,
};
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
const WINDOW: i64 = 64;
const WINDOW_CHUNKS: usize = 64;
/// Terms looked up in one statement.
const TERMS: usize = 8;
/// Candidates of a window among which letters are compared rather than more pairs looked up.
const FEW: usize = 64;
/// Candidates of a window of which no more terms are looked up where those before said little: a
/// common phrase stays common.
const MANY: usize = 16_384;

/// What a value must be.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// One of these, ascending.
    OneOf(Vec<i64>),
    /// From the first to the last, both included.
    Within(i64, i64),
}

impl Test {
    pub(super) fn holds(&self, value: i64) -> bool {
        match self {
            Self::OneOf(values) => match values.as_slice() {
                [only] => *only == value,
                _ => values.binary_search(&value).is_ok(),
            },
            Self::Within(first, last) => (*first..=*last).contains(&value),
        }
    }
}

/// A question, ready to be asked. INVARIANT: its tests hold the scope's.
pub(super) struct Plan {
    pub(super) reach: Reach,
    tests: Vec<(Column, Test)>,
    /// How many tests at the beginning are the scope's: they are never set aside.
    held: usize,
    /// Of each list one mark or label must be there.
    marks: Vec<Vec<Term>>,
    /// All of these letters and pairs must be there, the rarer ones first.
    grams: Vec<Term>,
    question: Question,
    keys: Vec<String>,
    /// Whether the tests and terms may let pass what the question does not mean.
    loose: bool,
    /// The only ones that it can be, once they were compared.
    only: Option<BTreeMap<i64, Members>>,
}

/// The matching findings of one chunk.
pub(super) struct Matched<'a> {
    chunk: i64,
    pub(super) slots: &'a [usize],
    columns: &'a HashMap<Column, Vec<i64>>,
}

impl Matched<'_> {
    pub(super) fn number(&self, slot: usize) -> i64 {
        number_of(self.chunk, slot)
    }

    /// A column's values, by slot.
    pub(super) fn values(&self, column: Column) -> Values<'_> {
        Values(self.columns.get(&column).map_or(&[], Vec::as_slice))
    }
}

/// The values of one column of a chunk.
#[derive(Clone, Copy)]
pub(super) struct Values<'a>(&'a [i64]);

impl Values<'_> {
    pub(super) fn at(self, slot: usize) -> i64 {
        self.0.get(slot).copied().unwrap_or_default()
    }
}

impl Plan {
    /// Makes a question ready: names become codes, words become terms.
    pub(super) async fn of(
        session: &mut Session,
        scope: &yagura_model::finding::Scope,
        filter: &FindingFilter,
    ) -> Result<Self, StoreError> {
        let reach = Reach::of(session, scope).await?;
        let mut tests = Vec::new();
        if let Reach::Codes(codes) = &reach {
            tests.push((Column::Account, Test::OneOf(codes.clone())));
        }
        let held = tests.len();
        tests.extend(plain_tests(filter));
        let named = [
            (Column::Account, &filter.accounts),
            (Column::Region, &filter.regions),
            (Column::Content, &filter.contents),
            (Column::ResourceType, &filter.resource_types),
            (Column::Cause, &filter.causes),
        ];
        for (column, names) in named.into_iter().filter(|(_, names)| !names.is_empty()) {
            tests.push((column, Test::OneOf(names::asked(session, column, names).await?)));
        }
        match &filter.assignee {
            None => {}
            Some(Assignee::Nobody) => tests.push((Column::Assignee, Test::OneOf(vec![0]))),
            Some(Assignee::Name(name)) => {
                let codes =
                    names::asked(session, Column::Assignee, std::slice::from_ref(name)).await?;
                tests.push((Column::Assignee, Test::OneOf(codes)));
            }
        }
        let question = filter.text.as_deref().map(Question::of).unwrap_or_default();
        let keys: Vec<String> = filter.keys.iter().map(|key| column_text(key)).collect();
        let loose = question.needs_text() || !keys.is_empty();
        let grams = question.grams().into_iter().map(gram_term).collect();
        let marks = marks_of(filter);
        let mut plan = Self { reach, tests, held, marks, grams, question, keys, loose, only: None };
        plan.compare(session).await?;
        Ok(plan)
    }

    /// Whether what passes the tests is exactly what is meant.
    pub(super) fn is_exact(&self) -> bool {
        !self.loose
    }

    /// Sets conditions on some columns aside, and hands them over: what is scanned then is as if
    /// they had not been asked for. Candidates that were compared already stay as they are.
    pub(super) fn set_aside(&mut self, columns: &[Column]) -> Vec<(Column, Test)> {
        if self.only.is_some() || !self.is_exact() {
            return Vec::new();
        }
        let asked = self.tests.split_off(self.held.min(self.tests.len()));
        let (aside, kept) = asked.into_iter().partition(|(column, _)| columns.contains(column));
        self.tests.extend::<Vec<_>>(kept);
        aside
    }

    /// Whether a finding that passed the tests is meant.
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
            numbers.extend(matched.slots.iter().take(room).map(|slot| matched.number(*slot)));
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
        let impossible = |test: &Test| matches!(test, Test::OneOf(values) if values.is_empty());
        if self.tests.iter().any(|(_, test)| impossible(test)) {
            return Ok(());
        }
        let mut columns: Vec<Column> = wanted.to_vec();
        columns.extend(self.tests.iter().map(|(column, _)| *column));
        columns.push(Column::State);
        columns.sort_unstable();
        columns.dedup();
        let ends = "SELECT CAST(coalesce(min(chunk), 0) AS BIGINT), \
                    CAST(coalesce(max(chunk), -1) AS BIGINT) FROM finding_columns WHERE kind = 1";
        let ends = session.fetch_one(ends, vec![], |row| Ok((row.int(0)?, row.int(1)?))).await?;
        let (mut first, last) = ends.unwrap_or((0, -1));
        while first <= last {
            let end = first.saturating_add(WINDOW);
            let candidates = self.candidates(session, first, end).await?;
            if candidates.as_ref().is_none_or(|some| !some.is_empty()) {
                let chunks = read(session, &columns, first, end).await?;
                for (chunk, columns) in &chunks {
                    let slots = self.slots(columns, *chunk, candidates.as_ref());
                    let matched = Matched { chunk: *chunk, slots: &slots, columns };
                    if !slots.is_empty() && !each(&matched) {
                        return Ok(());
                    }
                }
            }
            first = end;
        }
        Ok(())
    }

    /// What has the terms, in a window of chunks; none where no term is asked for.
    async fn candidates(
        &self,
        session: &mut Session,
        first: i64,
        end: i64,
    ) -> Result<Option<BTreeMap<i64, Members>>, StoreError> {
        if let Some(only) = &self.only {
            let some = only.range(first..end).map(|(chunk, members)| (*chunk, members.clone()));
            return Ok(Some(some.collect()));
        }
        let mut candidates: Option<BTreeMap<i64, Members>> = None;
        let marks: Vec<Term> = self.marks.iter().flatten().copied().collect();
        let lists = self.marks.iter().map(Vec::as_slice);
        let found = read_terms(session, &marks, &(first..end).collect::<Vec<_>>()).await?;
        narrow(&mut candidates, &found, lists);
        let mut before = usize::MAX / 10;
        for grams in self.grams.chunks(TERMS) {
            let chunks: Vec<i64> = match &candidates {
                None => (first..end).collect(),
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

    /// The slots of a chunk that pass all tests.
    fn slots(
        &self,
        columns: &HashMap<Column, Vec<i64>>,
        chunk: i64,
        candidates: Option<&BTreeMap<i64, Members>>,
    ) -> Vec<usize> {
        let Some(states) = columns.get(&Column::State) else { return Vec::new() };
        let there = |slot: &usize| states.get(*slot).is_some_and(|state| *state != GONE);
        let mut slots: Vec<usize> = match candidates {
            None => (0..states.len()).filter(there).collect(),
            Some(candidates) => match candidates.get(&chunk) {
                None => return Vec::new(),
                Some(members) => members.slots().filter(there).collect(),
            },
        };
        for (column, test) in &self.tests {
            let values = columns.get(column).map_or(&[][..], Vec::as_slice);
            slots.retain(|slot| test.holds(values.get(*slot).copied().unwrap_or_default()));
        }
        slots
    }
}

/// The tests that need no names.
fn plain_tests(filter: &FindingFilter) -> Vec<(Column, Test)> {
    let mut tests = Vec::new();
    let mut one_of = |column, mut values: Vec<i64>| {
        values.sort_unstable();
        values.dedup();
        if !values.is_empty() {
            tests.push((column, Test::OneOf(values)));
        }
    };
    let severities = filter.severities.iter().map(|one| severity_number(*one));
    let kinds = filter.kinds.iter().map(|one| column::kind_number(*one));
    one_of(Column::State, filter.states.iter().map(|one| state_number(*one)).collect());
    one_of(Column::Severity, severities.collect());
    one_of(Column::Kind, kinds.collect());
    one_of(Column::Key, filter.keys.iter().map(|key| key_number(&column_text(key))).collect());
    if let Some(rank) = filter.rank_min {
        tests.push((Column::Rank, Test::Within(i64::from(rank), i64::MAX)));
    }
    let spans = [
        (Column::FirstSeen, filter.first_seen, i64::MIN),
        (Column::LastSeen, filter.last_seen, i64::MIN),
        // There 0 is no date.
        (Column::SuppressedUntil, filter.suppressed_until, 1),
        (Column::Due, filter.due, 1),
    ];
    let asked = spans.into_iter().filter(|(_, span, _)| *span != Span::default());
    tests.extend(asked.map(|(column, span, least)| {
        let since = span.since.map_or(least, |at| at.as_microsecond().max(least));
        let until = span.until.map_or(i64::MAX, |at| at.as_microsecond().saturating_sub(1));
        (column, Test::Within(since, until))
    }));
    tests
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

/// Columns of the chunks of a window.
async fn read(
    session: &mut Session,
    columns: &[Column],
    first: i64,
    end: i64,
) -> Result<BTreeMap<i64, HashMap<Column, Vec<i64>>>, StoreError> {
    let sql = format!(
        "SELECT kind, chunk, data FROM finding_columns \
         WHERE kind IN {} AND chunk >= $1 AND chunk < $2",
        kinds(columns)
    );
    let mut chunks: BTreeMap<i64, HashMap<Column, Vec<i64>>> = BTreeMap::new();
    for row in session.fetch(sql, vec![first.into(), end.into()]).await? {
        let (column, chunk, values) = read_column(session, &row)?;
        debug_assert!(values.len() <= CHUNK, "a chunk has its size");
        chunks.entry(chunk).or_default().insert(column, values);
    }
    Ok(chunks)
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
