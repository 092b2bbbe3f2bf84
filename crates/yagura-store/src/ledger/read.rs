//! Reading the ledger back, object by object, and the verdicts on their integrity.
//! The same rows for SQL come through the store's row source.

use jiff::Timestamp;
use yagura_model::object::LogObject;

use super::claim::{OBJECT, object_of};
use super::listing::time;
use super::{Ledger, ObjectId, ObjectState, uncount};
use crate::database::{Param, Row, Session};
use crate::encode::{column_text, digest};
use crate::error::StoreError;

/// Which objects to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// Of this feed alone.
    pub feed: Option<String>,
    /// In this state alone.
    pub state: Option<ObjectState>,
    /// With greater numbers alone: where the last page ended.
    pub after: Option<ObjectId>,
}

/// An object, as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub id: ObjectId,
    /// The feed that listed it.
    pub feed: String,
    /// The object.
    pub object: LogObject,
    /// Where it stands.
    pub state: ObjectState,
    /// The source that it was read as.
    pub source: Option<String>,
    /// Who works on it.
    pub claimed_by: Option<String>,
    /// How often it was tried and failed.
    pub attempts: u64,
    /// Records that became rows.
    pub rows: u64,
    /// Records that the lake already had.
    pub repeats: u64,
    /// Pieces in quarantine.
    pub bad: u64,
    /// The lake's commit.
    pub commit: Option<u64>,
    /// Whose content it has.
    pub duplicate_of: Option<ObjectId>,
    /// Why it is quarantined or still pending: one of [`reason`](super::reason).
    pub reason: Option<String>,
    /// What was attempted and what came back.
    pub detail: Option<String>,
    /// The verdict on its integrity.
    pub integrity: Option<String>,
    /// When it was first listed.
    pub listed: Timestamp,
    /// When it was settled.
    pub settled: Option<Timestamp>,
}

/// A verdict on the integrity of what lies at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The place: [`LogObject::location`].
    pub location: String,
    /// The verdict's word (`verified`, `hash_mismatch`, …).
    pub word: String,
}

const COLUMNS: &str = "t.id, f.name, t.state, t.source, t.claimed_by, t.attempts, t.row_count, \
                       t.repeat_count, t.bad_count, t.commit_number, t.duplicate_of, t.reason, \
                       t.detail, t.integrity, t.listed_us, t.settled_us";

impl Ledger {
    /// Objects in the order of their listing, at most `limit`.
    pub async fn entries(
        &self,
        filter: &EntryFilter,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut session = self.database.read("list log objects");
        let mut sql = format!(
            "SELECT {COLUMNS}, {OBJECT} FROM log_objects t JOIN feeds f ON f.id = t.feed_id \
             WHERE t.id > $1"
        );
        let mut params: Vec<Param> = vec![filter.after.map_or(0, |id| id.0).into()];
        if let Some(feed) = &filter.feed {
            params.push(column_text(feed).into());
            sql.push_str(&format!(" AND f.name = ${}", params.len()));
        }
        if let Some(state) = filter.state {
            params.push(state.as_str().into());
            sql.push_str(&format!(" AND t.state = ${}", params.len()));
        }
        params.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
        sql.push_str(&format!(" ORDER BY t.id LIMIT ${}", params.len()));
        let rows = session.fetch(sql, params).await?;
        rows.iter().map(|row| entry_of(&session, row)).collect()
    }

    /// Everything known of one place, oldest first.
    pub async fn at_place(&self, location: &str) -> Result<Vec<Entry>, StoreError> {
        let mut session = self.database.read("look up a log object");
        let sql = format!(
            "SELECT {COLUMNS}, {OBJECT} FROM log_objects t JOIN feeds f ON f.id = t.feed_id \
             WHERE t.place = $1 ORDER BY t.id LIMIT 10000"
        );
        let rows = session.fetch(sql, vec![digest(location.as_bytes()).into()]).await?;
        rows.iter().map(|row| entry_of(&session, row)).collect()
    }

    /// Keeps verdicts on integrity with the newest object of each place; answers how many of the
    /// places are known. Places that were never listed are left out.
    pub async fn set_integrity(
        &self,
        verdicts: &[Verdict],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut known = 0;
        for page in verdicts.chunks(1_000) {
            let mut session = self.database.write("keep verdicts on integrity").await?;
            for verdict in page {
                let sql = "UPDATE log_objects SET integrity = $2, integrity_us = $3 WHERE id = \
                           (SELECT max(id) FROM log_objects WHERE place = $1)";
                let params = vec![
                    digest(verdict.location.as_bytes()).into(),
                    column_text(&verdict.word).into(),
                    now.as_microsecond().into(),
                ];
                known += session.execute(sql, params).await?;
            }
            session.commit().await?;
        }
        Ok(known)
    }
}

fn entry_of(session: &Session, row: &Row) -> Result<Entry, StoreError> {
    let object = object_of(session, row, 16)?;
    let read = || {
        let words = (row.text(2)?, row.int(14)?, row.opt_int(15)?);
        let entry = Entry {
            id: ObjectId(row.int(0)?),
            feed: row.text(1)?,
            object,
            state: ObjectState::Pending,
            source: row.opt_text(3)?,
            claimed_by: row.opt_text(4)?,
            attempts: uncount(row.int(5)?),
            rows: uncount(row.int(6)?),
            repeats: uncount(row.int(7)?),
            bad: uncount(row.int(8)?),
            commit: row.opt_int(9)?.map(uncount),
            duplicate_of: row.opt_int(10)?.map(ObjectId),
            reason: row.opt_text(11)?,
            detail: row.opt_text(12)?,
            integrity: row.opt_text(13)?,
            listed: Timestamp::UNIX_EPOCH,
            settled: None,
        };
        Ok::<_, sqlx::Error>((entry, words))
    };
    let (mut entry, (state, listed_us, settled_us)) =
        read().map_err(|error| session.fail(error))?;
    entry.state = ObjectState::of(&state)
        .ok_or_else(|| session.damaged(format!("log object {}: unknown state", entry.id)))?;
    entry.listed = time(session, listed_us)?;
    entry.settled = settled_us.map(|us| time(session, us)).transpose()?;
    Ok(entry)
}
