//! One transaction that changes findings: rows, history, columns and terms together or not at all.
//! What is changed is decided by the callers (`observe.rs`, `act.rs`, `forget.rs`).

use std::collections::BTreeSet;

use jiff::Timestamp;
use yagura_model::finding::{Actor, Change, Finding, Observation};

use super::Findings;
use super::chunks::Chunks;
use super::column::{Column, plain_values};
use super::names::{self, CODED, Codes};
use super::rows::{Reach, id_bytes};
use super::terms::{Term, TermEdits, terms_of};
use crate::batch;
use crate::database::{Param, Session};
use crate::encode::{column_text, digest, pack};
use crate::error::StoreError;

/// Names the counter of findings' numbers.
const NUMBERS: &str = "findings";

/// A change of one finding's life, with who made it.
pub(super) type Told = (Actor, Change);

/// A transaction on findings. Dropped without [`Work::commit`] it leaves no trace.
pub(super) struct Work {
    pub(super) session: Session,
    pub(super) reach: Reach,
    pub(super) chunks: Chunks,
    pub(super) terms: TermEdits,
    puts: Vec<Put>,
    at_us: i64,
}

/// A finding that is to be written.
struct Put {
    number: i64,
    /// What it had before; none where it is new.
    before: Option<Vec<Term>>,
    after: Vec<Term>,
    finding: Finding,
    told: Vec<Told>,
}

impl Findings {
    /// Begins a transaction.
    pub(super) async fn work(
        &self,
        attempt: &'static str,
        at: Timestamp,
    ) -> Result<Work, StoreError> {
        let mut session = self.database.write(attempt).await?;
        let reach = Reach::of(&mut session, &self.scope).await?;
        let (chunks, terms) = (Chunks::default(), TermEdits::default());
        let at_us = at.as_microsecond();
        Ok(Work { session, reach, chunks, terms, puts: Vec::new(), at_us })
    }
}

impl Work {
    pub(super) fn at_us(&self) -> i64 {
        self.at_us
    }

    /// The first of some new numbers of findings.
    pub(super) async fn numbers(&mut self, count: usize) -> Result<i64, StoreError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let sql = "INSERT INTO finding_numbers (name, value) VALUES ($1, $2) \
                   ON CONFLICT (name) DO UPDATE SET value = finding_numbers.value + excluded.value \
                   RETURNING value";
        let params = vec![NUMBERS.into(), count.into()];
        let next = self.session.fetch_one(sql, params, |row| row.int(0)).await?;
        next.map(|next| next - count)
            .ok_or_else(|| self.session.damaged("findings have no next number"))
    }

    /// Notes a new finding.
    pub(super) fn add(&mut self, number: i64, finding: Finding, told: Vec<Told>) {
        let after = terms_of(&finding);
        self.puts.push(Put { number, before: None, after, finding, told });
    }

    /// Notes that a finding is now another.
    pub(super) fn replace(
        &mut self,
        number: i64,
        before: &Finding,
        finding: Finding,
        told: Vec<Told>,
    ) {
        let (before, after) = if same_terms(before, &finding) {
            (Some(Vec::new()), Vec::new())
        } else {
            (Some(terms_of(before)), terms_of(&finding))
        };
        self.puts.push(Put { number, before, after, finding, told });
    }

    /// Writes everything and makes it lasting.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        let puts = std::mem::take(&mut self.puts);
        if !puts.is_empty() {
            self.write(puts).await?;
        }
        let terms = std::mem::take(&mut self.terms);
        terms.write(&mut self.session).await?;
        self.chunks.write(&mut self.session).await?;
        self.session.commit().await
    }

    async fn write(&mut self, puts: Vec<Put>) -> Result<(), StoreError> {
        let codes = self.codes(&puts).await?;
        let numbers = puts.iter().map(|put| put.number);
        self.chunks.load(&mut self.session, &Column::ALL, numbers).await?;
        let (mut new, mut changed, mut history) = (Vec::new(), Vec::new(), Vec::new());
        for put in puts {
            self.fill(&codes, &put);
            let none = Vec::new();
            self.terms.note(put.number, put.before.as_ref().unwrap_or(&none), &put.after);
            let (head, lines) = self.params(&codes, &put)?;
            history.extend(lines);
            if put.before.is_some() { changed.push(head) } else { new.push(head) }
        }
        let insert = "INSERT INTO findings \
                      (number, account_code, digest, document, id, key, sub_key)";
        batch::insert(&mut self.session, insert, new, "").await?;
        let update = "UPDATE findings SET account_code = v.column2, digest = v.column3, \
                      document = v.column4";
        let after = "WHERE findings.number = v.column1";
        batch::update(&mut self.session, update, changed, after).await?;
        let insert = "INSERT INTO finding_history \
                      (finding, account_code, at_us, actor_kind, actor, change)";
        batch::insert(&mut self.session, insert, history, "").await?;
        Ok(())
    }

    /// The codes of every name that the columns of these findings hold.
    async fn codes(&mut self, puts: &[Put]) -> Result<Codes, StoreError> {
        let mut wanted = BTreeSet::new();
        for put in puts {
            for column in CODED {
                let name = name_in(&put.finding, column);
                if !wanted.contains(&(column, name.to_owned())) {
                    wanted.insert((column, name.to_owned()));
                }
            }
        }
        names::give(&mut self.session, wanted).await
    }

    /// Sets every column of a finding.
    fn fill(&mut self, codes: &Codes, put: &Put) {
        for (column, value) in plain_values(&put.finding) {
            self.chunks.set(column, put.number, value);
        }
        for column in CODED {
            let code = codes.get(column, name_in(&put.finding, column)).unwrap_or_default();
            self.chunks.set(column, put.number, code);
        }
    }

    /// The values of a finding's row (the last three only of a new one) and of its history.
    fn params(
        &self,
        codes: &Codes,
        put: &Put,
    ) -> Result<(Vec<Param>, Vec<Vec<Param>>), StoreError> {
        let finding = &put.finding;
        let damaged = |error: serde_json::Error| self.session.damaged(error.to_string());
        let id = id_bytes(&finding.id)
            .ok_or_else(|| self.session.damaged("a finding has an identity of another form"))?;
        let account = codes.get(Column::Account, &finding.observation.account).unwrap_or_default();
        let document = serde_json::to_vec(finding).map_err(damaged)?;
        let mut head: Vec<Param> = vec![
            put.number.into(),
            account.into(),
            digest_of(&finding.observation).into(),
            pack(&document).into(),
        ];
        if put.before.is_none() {
            let seen = &finding.observation;
            head.extend([id.clone().into(), column_text(&seen.key).into()]);
            head.push(column_text(&seen.sub_key).into());
        }
        let line = |(actor, change): &Told| {
            let change = serde_json::to_string(change).map_err(damaged)?;
            Ok(vec![
                id.clone().into(),
                account.into(),
                self.at_us.into(),
                actor.kind().into(),
                column_text(actor.name()).into(),
                column_text(&change).into(),
            ])
        };
        Ok((head, put.told.iter().map(line).collect::<Result<_, StoreError>>()?))
    }
}

/// The name that a column holds by its code.
fn name_in(finding: &Finding, column: Column) -> &str {
    let seen = &finding.observation;
    match column {
        Column::Account => &seen.account,
        Column::Region => &seen.region,
        Column::Content => &seen.content,
        Column::ResourceType => seen.resource_type.as_deref().unwrap_or_default(),
        Column::Cause => &seen.cause,
        Column::Assignee => finding.assignee.as_deref().unwrap_or_default(),
        _ => "",
    }
}

/// Whether two states of a finding are found by the same terms, without cutting their texts.
fn same_terms(a: &Finding, b: &Finding) -> bool {
    let (seen, other) = (&a.observation, &b.observation);
    seen.title == other.title
        && seen.account == other.account
        && seen.region == other.region
        && seen.resource_name == other.resource_name
        && seen.resource_type == other.resource_type
        && seen.marks == other.marks
        && a.labels == b.labels
        && a.commented == b.commented
        && a.tickets == b.tickets
}

/// What tells two observations apart, but for their times and numbers.
pub(super) fn digest_of(seen: &Observation) -> Vec<u8> {
    let timeless = Timeless {
        title: &seen.title,
        severity: seen.severity,
        place: (&seen.account, &seen.region),
        path: &seen.path,
        resource: (&seen.resource_type, &seen.resource_name),
        cause: &seen.cause,
        rank: &seen.rank,
        marks: &seen.marks,
        suppression: &seen.suppression,
        evidence: &seen.evidence,
    };
    // Plain data: writing it as JSON cannot fail.
    digest(&serde_json::to_vec(&timeless).unwrap_or_default())
}

#[derive(serde::Serialize)]
struct Timeless<'a> {
    title: &'a yagura_model::Prose,
    severity: yagura_model::Severity,
    place: (&'a str, &'a str),
    path: &'a Option<String>,
    resource: (&'a Option<String>, &'a Option<String>),
    cause: &'a str,
    rank: &'a yagura_model::finding::Rank,
    marks: &'a [(yagura_model::finding::MarkKind, String)],
    suppression: &'a Option<yagura_model::finding::FindingSuppression>,
    evidence: &'a serde_json::Value,
}
