//! Claims: who works on which pending object, and until when.
//! A claim only spreads the work: what is ingested is decided by the lake's commits, so that two
//! workers on one object waste time and nothing else.

use jiff::Timestamp;
use yagura_model::object::LogObject;

use super::listing::time;
use super::{Ledger, ObjectId, uncount};
use crate::batch;
use crate::database::{Param, Row, Session};
use crate::encode::column_text;
use crate::error::StoreError;

/// What a worker asks for.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    /// The worker's name, another one for each run.
    pub worker: &'a str,
    /// The feed.
    pub feed: &'a str,
    /// Only objects after this position: a worker that asks again does not walk over what it
    /// already holds. Start at the first, and once more at the end.
    pub after: Position,
    /// The most objects to hand out.
    pub limit: usize,
    /// Now.
    pub now: Timestamp,
    /// When others may take the objects over.
    pub until: Timestamp,
}

/// Where an object stands among the pending ones of its feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// As [`Claimed::day`]: days go first.
    pub day: u32,
    /// Its number.
    pub id: ObjectId,
}

/// A pending object, handed to one worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Its number.
    pub id: ObjectId,
    /// The day of which its name tells; zero where an earlier version noted it.
    pub day: u32,
    /// The object.
    pub object: LogObject,
    /// How often it was tried and failed before.
    pub attempts: u64,
    /// SHA-256 of contents that the same place had before, and the objects that they came from.
    pub earlier: Vec<(ObjectId, Vec<u8>)>,
}

impl Claimed {
    /// Where it stood among the pending ones.
    pub fn position(&self) -> Position {
        Position { day: self.day, id: self.id }
    }
}

/// Why an object could not be ingested this time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its number.
    pub id: ObjectId,
    /// One of [`reason`](super::reason).
    pub reason: &'static str,
    /// What was attempted and what came back.
    pub detail: String,
}

/// The columns of an object, as [`object_of`] reads them.
pub(super) const OBJECT: &str =
    "t.location, t.key_bytes, t.key, t.version, t.etag, t.size_bytes, t.modified_us";

/// Reads [`OBJECT`] from seven columns in a row.
pub(super) fn object_of(
    session: &Session,
    row: &Row,
    first: usize,
) -> Result<LogObject, StoreError> {
    let read = || {
        Ok::<_, sqlx::Error>((
            (row.text(first)?, row.int(first + 1)?, row.opt_text(first + 2)?),
            (row.text(first + 3)?, row.opt_text(first + 4)?),
            (row.int(first + 5)?, row.opt_int(first + 6)?),
        ))
    };
    let ((location, key_bytes, own_key), (version, etag), (size, modified_us)) =
        read().map_err(|error| session.fail(error))?;
    let start = location.len().saturating_sub(usize::try_from(key_bytes).unwrap_or(usize::MAX));
    let key = own_key.or_else(|| location.get(start..).map(str::to_owned));
    Ok(LogObject {
        key: key.ok_or_else(|| session.damaged("a key is longer than its location"))?,
        location,
        version: Some(version).filter(|version| !version.is_empty()),
        etag,
        size_bytes: uncount(size),
        modified: modified_us.map(|us| time(session, us)).transpose()?,
    })
}

impl Ledger {
    /// Whether objects of a feed are pending, whoever holds them. Takes no writer's turn.
    pub async fn has_pending(&self, feed: &str) -> Result<bool, StoreError> {
        self.pending_after(feed, Position::default()).await
    }

    async fn pending_after(&self, feed: &str, after: Position) -> Result<bool, StoreError> {
        let mut session = self.database.read("look for pending log objects");
        let sql = "SELECT id FROM log_objects WHERE state = 'pending' \
                   AND feed_id = (SELECT id FROM feeds WHERE name = $1) \
                   AND (day, id) > ($2, $3) LIMIT 1";
        let params = vec![column_text(feed).into(), i64::from(after.day).into(), after.id.0.into()];
        Ok(session.fetch_one(sql, params, |row| row.int(0)).await?.is_some())
    }

    /// Hands out pending objects of a feed that nobody holds: day by day, so that whoever looks
    /// at them meets events in about their order, and those of a day in the order of their
    /// listing, so that those of one account come together.
    ///
    /// Of several contents of one place only the oldest is handed out, so that a worker can tell
    /// whether a newer one is the same.
    pub async fn claim(&self, claim: &Claim<'_>) -> Result<Vec<Claimed>, StoreError> {
        // Who follows asks several times a second, and mostly there is nothing: that takes no
        // writer's turn.
        if !self.pending_after(claim.feed, claim.after).await? {
            return Ok(vec![]);
        }
        let (day, id) = (i64::from(claim.after.day), claim.after.id.0);
        let mut session = self.database.write("claim log objects").await?;
        let sql = format!(
            "SELECT t.id, t.attempts, t.place, t.day, {OBJECT} FROM log_objects t \
             WHERE t.state = 'pending' AND t.feed_id = (SELECT id FROM feeds WHERE name = $1) \
             AND (t.day, t.id) > ($2, $3) \
             AND (t.claimed_by IS NULL OR t.available_us <= $4) \
             AND NOT EXISTS (SELECT 1 FROM log_objects o WHERE o.place = t.place \
             AND o.state = 'pending' AND o.id < t.id) ORDER BY t.day, t.id LIMIT $5"
        );
        let params = vec![
            column_text(claim.feed).into(),
            day.into(),
            id.into(),
            claim.now.as_microsecond().into(),
            i64::try_from(claim.limit).unwrap_or(i64::MAX).into(),
        ];
        let rows = session.fetch(sql, params).await?;
        let mut claimed = Vec::with_capacity(rows.len());
        let mut places = Vec::with_capacity(rows.len());
        for row in &rows {
            let read =
                || Ok::<_, sqlx::Error>((row.int(0)?, row.int(1)?, row.blob(2)?, row.int(3)?));
            let (id, attempts, place, day) = read().map_err(|error| session.fail(error))?;
            let (object, attempts) = (object_of(&session, row, 4)?, uncount(attempts));
            let (id, day) = (ObjectId(id), u32::try_from(day).unwrap_or(u32::MAX));
            claimed.push(Claimed { id, day, object, attempts, earlier: vec![] });
            places.push(place);
        }
        if claimed.is_empty() {
            return Ok(claimed);
        }
        earlier_contents(&mut session, &mut claimed, &places).await?;
        let ids = claimed.iter().map(|claimed| Param::from(claimed.id.0)).collect();
        let fixed = [column_text(claim.worker).into(), claim.until.as_microsecond().into()];
        let sql = "UPDATE log_objects SET claimed_by = $1, available_us = $2 WHERE id";
        batch::execute_in(&mut session, sql, &fixed, ids).await?;
        session.commit().await?;
        Ok(claimed)
    }

    /// Extends all leases of a worker; answers how many objects it works on. Those that it failed
    /// at are not among them.
    pub async fn renew(&self, worker: &str, until: Timestamp) -> Result<u64, StoreError> {
        let mut session = self.database.write("renew claims of log objects").await?;
        let sql = "UPDATE log_objects SET available_us = $2 \
                   WHERE claimed_by = $1 AND state = 'pending'";
        let params = vec![column_text(worker).into(), until.as_microsecond().into()];
        let held = session.execute(sql, params).await?;
        session.commit().await?;
        Ok(held)
    }

    /// Gives back all that a worker holds; answers how many objects.
    pub async fn release(&self, worker: &str) -> Result<u64, StoreError> {
        let mut session = self.database.write("release claims of log objects").await?;
        let sql = "UPDATE log_objects SET claimed_by = NULL WHERE claimed_by IN ($1, $2)";
        let params = vec![column_text(worker).into(), column_text(&put_off(worker)).into()];
        let held = session.execute(sql, params).await?;
        session.commit().await?;
        Ok(held)
    }

    /// Notes why objects could not be ingested. They stay pending, and are put off until a time,
    /// or until their worker releases what it holds: others may then try.
    pub async fn note_failures(
        &self,
        failures: &[Failure],
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let mut session = self.database.write("note why log objects failed").await?;
        let rows = failures
            .iter()
            .map(|failure| {
                let detail = column_text(&failure.detail);
                let until_us = until.as_microsecond();
                vec![failure.id.0.into(), failure.reason.into(), detail.into(), until_us.into()]
            })
            .collect();
        let sql = "UPDATE log_objects SET attempts = attempts + 1, reason = v.column2, \
                   detail = v.column3, available_us = v.column4, \
                   claimed_by = rtrim(coalesce(claimed_by, ''), '!') || '!'";
        let which = "WHERE id = v.column1 AND state = 'pending'";
        batch::update(&mut session, sql, rows, which).await?;
        session.commit().await
    }

    /// Makes quarantined objects pending again (after a source was added, say), those with one of
    /// the given reasons; answers how many.
    pub async fn reopen(&self, feed: &str, reasons: &[&str]) -> Result<u64, StoreError> {
        let mut session = self.database.write("reopen quarantined log objects").await?;
        let mut reopened = 0;
        for reason in reasons {
            let sql = "UPDATE log_objects SET state = 'pending', reason = NULL, detail = NULL, \
                       attempts = 0, settled_us = NULL, commit_number = NULL, bad_count = 0 \
                       WHERE state = 'quarantined' AND reason = $2 \
                       AND feed_id = (SELECT id FROM feeds WHERE name = $1)";
            let params = vec![column_text(feed).into(), column_text(reason).into()];
            reopened += session.execute(sql, params).await?;
        }
        session.commit().await?;
        Ok(reopened)
    }
}

/// Who holds an object that its worker failed at, as `note_failures` writes it.
fn put_off(worker: &str) -> String {
    format!("{worker}!")
}

/// What was read at the same places before.
async fn earlier_contents(
    session: &mut Session,
    claimed: &mut [Claimed],
    places: &[Vec<u8>],
) -> Result<(), StoreError> {
    let values = places.iter().cloned().map(Param::from).collect();
    let find = "SELECT place, id, content FROM log_objects WHERE content IS NOT NULL \
                AND state = 'ingested' AND place";
    let rows = batch::select_in(session, find, &[], values, "ORDER BY id").await?;
    for row in &rows {
        let read = || Ok::<_, sqlx::Error>((row.blob(0)?, row.int(1)?, row.blob(2)?));
        let (place, id, content) = read().map_err(|error| session.fail(error))?;
        for (claimed, _) in claimed.iter_mut().zip(places).filter(|(_, at)| **at == place) {
            claimed.earlier.push((ObjectId(id), content.clone()));
        }
    }
    Ok(())
}
