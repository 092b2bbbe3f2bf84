//! Settling: noting what became of objects, after a commit and from the lake's own record.
//! Nothing here decides; a commit of the lake has already happened when it is noted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use yagura_model::object::LogObject;

use super::listing::{add_counts, begin, feed_id};
use super::{Ledger, ListingKind, ObjectId, ObjectState, count, identity_bytes, reason};
use crate::batch;
use crate::database::{Param, Session};
use crate::encode::column_text;
use crate::error::StoreError;

/// The feed of objects that only the lake's own record names (the ledger was lost).
const RECOVERED: &str = "lake";
/// Objects noted in one transaction.
const PAGE: usize = 1_000;

/// What became of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Its good records are in the lake.
    Ingested {
        /// The lake's commit.
        commit: u64,
        /// Records that became rows.
        rows: u64,
        /// Records that the lake already had.
        repeats: u64,
        /// Pieces that went to quarantine.
        bad: u64,
    },
    /// Nothing of it is in the lake, and trying again would not help.
    Quarantined {
        /// One of [`reason`](super::reason).
        reason: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// Its content is that of another object of the same place.
    Duplicate {
        /// The other object.
        of: ObjectId,
    },
}

/// One object and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Its number.
    pub id: ObjectId,
    /// The source that it was read as.
    pub source: Option<String>,
    /// SHA-256 of its stored bytes, where all were read.
    pub content: Option<Vec<u8>>,
    /// What became of it.
    pub settled: Settled,
}

/// An object in the lake's own record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The object.
    pub object: LogObject,
    /// The source that it was read as.
    pub source: String,
    /// The commit that made its rows visible.
    pub commit: u64,
    /// Records that became rows.
    pub rows: u64,
    /// Records that the lake already had.
    pub repeats: u64,
    /// Pieces that went to quarantine.
    pub bad: u64,
    /// SHA-256 of its stored bytes, where the record has it.
    pub content: Option<Vec<u8>>,
}

/// What comparing with the lake's record changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Objects that were committed though the ledger had them as pending.
    pub settled: u64,
    /// Objects that the ledger had never heard of.
    pub recovered: u64,
}

impl Settled {
    fn of_counts(commit: u64, rows: u64, repeats: u64, bad: u64) -> (ObjectState, [u64; 4]) {
        // An object without a good record is in quarantine, though the commit tells of it.
        let all_bad = rows == 0 && repeats == 0 && bad > 0;
        let state = if all_bad { ObjectState::Quarantined } else { ObjectState::Ingested };
        (state, [commit, rows, repeats, bad])
    }
}

/// What changes in a row.
struct Change {
    state: ObjectState,
    source: Option<String>,
    counts: [u64; 4],
    duplicate_of: Option<i64>,
    content: Option<Vec<u8>>,
    reason: Option<String>,
    detail: Option<String>,
}

impl Change {
    fn of(settlement: &Settlement) -> Self {
        let mut change = Self {
            state: ObjectState::Duplicate,
            source: settlement.source.clone(),
            counts: [0; 4],
            duplicate_of: None,
            content: settlement.content.clone(),
            reason: None,
            detail: None,
        };
        match &settlement.settled {
            Settled::Ingested { commit, rows, repeats, bad } => {
                change.count(*commit, *rows, *repeats, *bad);
            }
            Settled::Quarantined { reason, detail } => {
                change.state = ObjectState::Quarantined;
                change.reason = Some((*reason).to_owned());
                change.detail = Some(detail.clone());
            }
            Settled::Duplicate { of } => change.duplicate_of = Some(of.0),
        }
        change
    }

    fn of_committed(committed: &Committed) -> Self {
        let mut change = Self {
            state: ObjectState::Ingested,
            source: Some(committed.source.clone()),
            counts: [0; 4],
            duplicate_of: None,
            content: committed.content.clone(),
            reason: None,
            detail: None,
        };
        change.count(committed.commit, committed.rows, committed.repeats, committed.bad);
        change
    }

    fn count(&mut self, commit: u64, rows: u64, repeats: u64, bad: u64) {
        (self.state, self.counts) = Settled::of_counts(commit, rows, repeats, bad);
        if self.state == ObjectState::Quarantined {
            self.reason = Some(reason::ALL_BAD.to_owned());
        }
    }

    fn columns(self, now: Timestamp) -> Vec<Param> {
        let [commit, rows, repeats, bad] = self.counts;
        vec![
            self.state.as_str().into(),
            self.source.as_deref().map(column_text).into(),
            count(rows).into(),
            count(repeats).into(),
            count(bad).into(),
            (commit > 0).then(|| count(commit)).into(),
            self.duplicate_of.into(),
            self.content.into(),
            self.reason.as_deref().map(column_text).into(),
            self.detail.as_deref().map(column_text).into(),
            now.as_microsecond().into(),
        ]
    }
}

const SETTLE: &str = "UPDATE log_objects SET state = $1, source = $2, row_count = $3, \
                      repeat_count = $4, bad_count = $5, commit_number = $6, \
                      duplicate_of = $7, content = coalesce($8, content), reason = $9, \
                      detail = $10, settled_us = $11, claimed_by = NULL \
                      WHERE id = $12 AND state = 'pending'";

impl Ledger {
    /// Notes what became of objects; answers how many were still pending. What was already
    /// settled stays as it is, so that noting the same twice changes nothing.
    pub async fn settle(
        &self,
        settlements: &[Settlement],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut changed = 0;
        for page in settlements.chunks(PAGE) {
            let mut session = self.database.write("settle log objects").await?;
            for settlement in page {
                let mut params = Change::of(settlement).columns(now);
                params.push(settlement.id.0.into());
                changed += session.execute(SETTLE, params).await?;
            }
            session.commit().await?;
        }
        Ok(changed)
    }

    /// Keeps SHA-256 of the stored bytes of objects that are about to be committed. The lake's own
    /// record does not have it, and a process may be killed between the commit and the ledger.
    pub async fn note_contents(&self, contents: &[(ObjectId, Vec<u8>)]) -> Result<(), StoreError> {
        let mut session = self.database.write("keep digests of log objects").await?;
        let rows = contents
            .iter()
            .map(|(id, content)| vec![id.0.into(), content.clone().into()])
            .collect();
        let sql = "UPDATE log_objects SET content = v.column2";
        let which = "WHERE id = v.column1 AND state = 'pending'";
        batch::update(&mut session, sql, rows, which).await?;
        session.commit().await
    }

    /// Up to which commit of a lake everything is noted; zero at first.
    pub async fn reconciled_commit(&self, lake: &str) -> Result<u64, StoreError> {
        let mut session = self.database.read("look up the newest commit noted");
        let sql = "SELECT commit_number FROM lakes WHERE name = $1";
        let found =
            session.fetch_one(sql, vec![column_text(lake).into()], |row| row.int(0)).await?;
        Ok(super::uncount(found.unwrap_or(0)))
    }

    /// Notes what a lake's commits say, up to one of them. A process killed between its commit
    /// and the ledger is made good here; objects unknown to the ledger are added to it.
    ///
    /// Only this moves [`reconciled_commit`](Self::reconciled_commit): another process may have
    /// died before it noted an earlier commit than ours.
    pub async fn reconcile(
        &self,
        lake: &str,
        committed: &[Committed],
        up_to: u64,
        now: Timestamp,
    ) -> Result<Reconciled, StoreError> {
        let mut done = Reconciled::default();
        for page in committed.chunks(PAGE) {
            let mut session = self.database.write("reconcile with the lake").await?;
            reconcile_page(&mut session, page, now, &mut done).await?;
            session.commit().await?;
        }
        let mut session = self.database.write("reconcile with the lake").await?;
        let sql = "INSERT INTO lakes (name, commit_number) VALUES ($1, $2) ON CONFLICT (name) \
                   DO UPDATE SET commit_number = excluded.commit_number \
                   WHERE lakes.commit_number < excluded.commit_number";
        session.execute(sql, vec![column_text(lake).into(), count(up_to).into()]).await?;
        session.commit().await?;
        Ok(done)
    }
}

async fn reconcile_page(
    session: &mut Session,
    page: &[Committed],
    now: Timestamp,
    done: &mut Reconciled,
) -> Result<(), StoreError> {
    let identities: Vec<Vec<u8>> =
        page.iter().map(|committed| identity_bytes(&committed.object.identity())).collect();
    let find = "SELECT identity, id, state FROM log_objects WHERE identity";
    let values = identities.iter().cloned().map(Param::from).collect();
    let rows = batch::select_in(session, find, &[], values, "ORDER BY id DESC").await?;
    // The oldest row of an identity is the one that is read; later ones are its duplicates.
    let mut known: BTreeMap<Vec<u8>, (i64, bool)> = BTreeMap::new();
    for row in &rows {
        let read = || Ok::<_, sqlx::Error>((row.blob(0)?, row.int(1)?, row.text(2)?));
        let (identity, id, state) = read().map_err(|error| session.fail(error))?;
        known.insert(identity, (id, state == ObjectState::Pending.as_str()));
    }
    let mut unknown: BTreeMap<&[u8], &Committed> = BTreeMap::new();
    for (committed, identity) in page.iter().zip(&identities) {
        match known.get(identity) {
            Some((id, true)) => {
                let mut params = Change::of_committed(committed).columns(now);
                params.push((*id).into());
                done.settled += session.execute(SETTLE, params).await?;
            }
            Some((_, false)) => {}
            None => {
                unknown.insert(identity, committed);
            }
        }
    }
    recover(session, &unknown, now, done).await
}

/// Adds objects that only the lake knows.
async fn recover(
    session: &mut Session,
    unknown: &BTreeMap<&[u8], &Committed>,
    now: Timestamp,
    done: &mut Reconciled,
) -> Result<(), StoreError> {
    if unknown.is_empty() {
        return Ok(());
    }
    let feed = feed_id(session, RECOVERED).await?;
    let listing = begin(session, feed, ListingKind::Recovered, now).await?;
    let rows = unknown
        .iter()
        .map(|(identity, committed)| {
            let mut row = super::listing::place_columns(&committed.object, identity, feed);
            row.extend(Change::of_committed(committed).columns(now));
            row.extend([0_i64.into(), 0_i64.into(), now.as_microsecond().into()]);
            row
        })
        .collect();
    let insert = "INSERT INTO log_objects (identity, version, place, feed_id, location, \
                  key_bytes, key, etag, size_bytes, modified_us, day, state, source, row_count, \
                  repeat_count, bad_count, commit_number, duplicate_of, content, reason, \
                  detail, settled_us, available_us, attempts, listed_us)";
    batch::insert(session, insert, rows, "").await?;
    let added = i64::try_from(unknown.len()).unwrap_or(i64::MAX);
    add_counts(session, listing, unknown.len(), added).await?;
    let sql = "UPDATE listings SET finished_us = started_us WHERE id = $1";
    session.execute(sql, vec![listing.0.into()]).await?;
    done.recovered += unknown.len() as u64;
    Ok(())
}
