//! Looking at the outbox: what waits, what was given up, what was delivered, and whether somebody
//! was told of what they had to be told of. Nothing is sent here.

use jiff::Timestamp;
use serde::Serialize;

use yagura_model::message::MessageKind;

use super::{Outbox, kind_of, uncount};
use crate::batch;
use crate::database::{Param, Row};
use crate::error::StoreError;

/// Messages of one answer at most.
const LIMIT_MAX: usize = 10_000;

/// A message that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadMessage {
    /// Its number.
    pub number: i64,
    /// Where it was to go.
    pub target: String,
    /// Which kind of message it is.
    pub kind: MessageKind,
    /// The finding that it is about.
    pub finding: Option<String>,
    /// How often it was tried.
    pub attempts: u64,
    /// When it was made.
    pub made: Timestamp,
    /// When it was given up.
    pub given_up: Option<Timestamp>,
    /// Why.
    pub detail: String,
}

/// An attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// Its number.
    pub number: i64,
    /// The message; none of a try.
    pub message: Option<i64>,
    /// Where it went.
    pub target: String,
    /// Which kind of message it was.
    pub kind: MessageKind,
    /// The finding that it was about; none of a message about many.
    pub finding: Option<String>,
    /// How many findings are on record as told by it.
    pub items: u64,
    /// When.
    pub at: Timestamp,
    /// Which attempt it was, from one.
    pub attempt: u64,
    /// `delivered`, `retry`, `refused` or `skipped`.
    pub outcome: String,
    /// The answer's status.
    pub status: Option<i64>,
    /// What the answer said.
    pub detail: String,
}

/// Which deliveries to read. What is not set does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// To this target.
    pub target: Option<String>,
    /// Of messages that told of this finding.
    pub finding: Option<String>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// At this time or later.
    pub since: Option<Timestamp>,
}

/// What one target was told of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToldOf {
    /// The target.
    pub target: String,
    /// What had happened.
    pub change: String,
    /// The message.
    pub message: i64,
    /// Which kind of message it is.
    pub kind: MessageKind,
    /// `waiting`, `delivered`, `dead` or `skipped`.
    pub state: String,
    /// When it is due, or was settled.
    pub at: Timestamp,
}

/// What waits for one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// The target.
    pub target: String,
    /// Messages that wait.
    pub waiting: u64,
    /// When the oldest of them was due.
    pub oldest: Option<Timestamp>,
    /// Messages that were given up.
    pub dead: u64,
    /// Messages that were delivered.
    pub delivered: u64,
    /// When the last of them was.
    pub last: Option<Timestamp>,
    /// The target asked to be left alone until then.
    pub held: Option<Timestamp>,
}

/// Whether somebody was told of the critical findings of a span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// Critical findings that came up, reappeared or grew critical.
    pub owed: u64,
    /// Those of which a message was delivered.
    pub told: u64,
    /// Those whose message still waits, and is not late.
    pub waiting: u64,
    /// When a message was last delivered, a try included.
    pub last: Option<Timestamp>,
}

impl Outbox {
    /// Messages that were given up, the newest first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn dead(
        &self,
        target: Option<&str>,
        limit: usize,
    ) -> Result<Vec<DeadMessage>, StoreError> {
        let mut session = self.database.read("list messages that were given up");
        let sql = "SELECT number, target, kind, finding, attempts, made_us, settled_us, \
                   coalesce(detail, '') FROM outbox_messages WHERE state = 'dead' \
                   AND ($1 = '' OR target = $1) ORDER BY settled_us DESC, number DESC LIMIT $2";
        let params = vec![target.unwrap_or_default().into(), limit_of(limit)];
        let rows = session.fetch(sql, params).await?;
        let mut dead = Vec::with_capacity(rows.len());
        for row in &rows {
            let read = || {
                Ok::<_, sqlx::Error>((
                    (row.int(0)?, row.text(1)?, row.text(2)?, row.opt_text(3)?),
                    (row.int(4)?, row.int(5)?, row.opt_int(6)?, row.text(7)?),
                ))
            };
            let ((number, target, kind, finding), (attempts, made_us, settled_us, detail)) =
                read().map_err(|error| session.fail(error))?;
            dead.push(DeadMessage {
                number,
                target,
                kind: kind_of(&session, &kind)?,
                finding,
                attempts: uncount(attempts),
                made: time(made_us),
                given_up: settled_us.map(time),
                detail,
            });
        }
        Ok(dead)
    }

    /// Tries messages again that were given up; answers how many. Without numbers, all of them.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn retry_dead(
        &self,
        numbers: Option<&[i64]>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let sql = "UPDATE outbox_messages SET state = 'waiting', attempts = 1, due_us = $1, \
                   settled_us = NULL, lease_until_us = 0 WHERE state = 'dead'";
        self.on_dead("try messages again", sql, vec![now.as_microsecond().into()], numbers).await
    }

    /// Forgets messages that were given up; answers how many. That they were never delivered stays
    /// on record. Without numbers, all of them.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn drop_dead(&self, numbers: Option<&[i64]>) -> Result<u64, StoreError> {
        let sql = "UPDATE outbox_messages SET state = 'dropped' WHERE state = 'dead'";
        self.on_dead("drop messages that were given up", sql, vec![], numbers).await
    }

    async fn on_dead(
        &self,
        attempt: &'static str,
        sql: &'static str,
        fixed: Vec<Param>,
        numbers: Option<&[i64]>,
    ) -> Result<u64, StoreError> {
        let mut session = self.database.write(attempt).await?;
        let mut changed = 0;
        match numbers {
            None => changed += session.execute(sql, fixed).await?,
            Some(numbers) => {
                for number in numbers {
                    let one = format!("{sql} AND number = ${}", fixed.len() + 1);
                    let params = fixed.iter().cloned().chain([Param::from(*number)]).collect();
                    changed += session.execute(one, params).await?;
                }
            }
        }
        session.commit().await?;
        Ok(changed)
    }

    /// Gives up messages for targets that are no more; answers how many.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn bury_unknown(
        &self,
        targets: &[String],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut session = self.database.read("find messages without a target");
        let sql = "SELECT DISTINCT target FROM outbox_messages WHERE state = 'waiting'";
        let waiting = session.fetch_as(sql, vec![], |row| row.text(0)).await?;
        let gone: Vec<Param> = waiting
            .into_iter()
            .filter(|target| !targets.contains(target))
            .map(Param::from)
            .collect();
        if gone.is_empty() {
            return Ok(0);
        }
        let mut session = self.database.write("give up messages without a target").await?;
        let mut buried = 0;
        for target in gone {
            let sql = "UPDATE outbox_messages SET state = 'dead', settled_us = $2, \
                       detail = 'there is no such target any more' \
                       WHERE target = $1 AND state = 'waiting' AND lease_until_us <= $2";
            buried += session.execute(sql, vec![target, now.as_microsecond().into()]).await?;
        }
        session.commit().await?;
        Ok(buried)
    }

    /// Attempts to deliver, the newest first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut session = self.database.read("list deliveries");
        let sql = "SELECT d.number, d.message, d.target, d.kind, m.finding, \
                   coalesce(m.items, 0), d.at_us, d.attempt, d.outcome, d.status, d.detail \
                   FROM outbox_deliveries d LEFT JOIN outbox_messages m ON m.number = d.message \
                   WHERE ($1 = '' OR d.target = $1) AND ($2 = '' OR d.outcome = $2) \
                   AND d.at_us >= $3 AND ($4 = '' OR d.message IN \
                   (SELECT i.message FROM outbox_items i WHERE i.finding = $4)) \
                   ORDER BY d.number DESC LIMIT $5";
        let params = vec![
            filter.target.as_deref().unwrap_or_default().into(),
            filter.outcome.as_deref().unwrap_or_default().into(),
            filter.since.map_or(i64::MIN, Timestamp::as_microsecond).into(),
            filter.finding.as_deref().unwrap_or_default().into(),
            limit_of(limit),
        ];
        let rows = session.fetch(sql, params).await?;
        let mut deliveries = Vec::with_capacity(rows.len());
        for row in &rows {
            let read = || {
                Ok::<_, sqlx::Error>((
                    (row.int(0)?, row.opt_int(1)?, row.text(2)?, row.text(3)?),
                    (row.opt_text(4)?, row.int(5)?, row.int(6)?, row.int(7)?),
                    (row.text(8)?, row.opt_int(9)?, row.text(10)?),
                ))
            };
            let (
                (number, message, target, kind),
                (finding, items, at_us, attempt),
                (outcome, status, detail),
            ) = read().map_err(|error| session.fail(error))?;
            deliveries.push(Delivery {
                number,
                message,
                target,
                kind: kind_of(&session, &kind)?,
                finding,
                items: uncount(items),
                at: time(at_us),
                attempt: uncount(attempt),
                outcome,
                status,
                detail,
            });
        }
        Ok(deliveries)
    }

    /// What each target was told of a finding, in order.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn told_of(&self, finding: &str, limit: usize) -> Result<Vec<ToldOf>, StoreError> {
        let mut session = self.database.read("find who was told of a finding");
        let sql = "SELECT i.target, i.change, m.number, m.kind, m.state, \
                   coalesce(m.settled_us, m.due_us) FROM outbox_items i \
                   JOIN outbox_messages m ON m.number = i.message \
                   WHERE i.finding = $1 ORDER BY i.entry, i.target LIMIT $2";
        let rows = session.fetch(sql, vec![finding.into(), limit_of(limit)]).await?;
        let mut told = Vec::with_capacity(rows.len());
        for row in &rows {
            let read = || {
                Ok::<_, sqlx::Error>((
                    (row.text(0)?, row.text(1)?, row.int(2)?),
                    (row.text(3)?, row.text(4)?, row.int(5)?),
                ))
            };
            let ((target, change, message), (kind, state, at_us)) =
                read().map_err(|error| session.fail(error))?;
            let kind = kind_of(&session, &kind)?;
            told.push(ToldOf { target, change, message, kind, state, at: time(at_us) });
        }
        Ok(told)
    }

    /// What waits and what was delivered, by target.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn by_target(&self) -> Result<Vec<Waiting>, StoreError> {
        let mut session = self.database.read("count messages");
        let count = |state: &str| {
            format!("CAST(sum(CASE WHEN m.state = '{state}' THEN 1 ELSE 0 END) AS BIGINT)")
        };
        let sql = format!(
            "SELECT m.target, {}, CAST(min(CASE WHEN m.state = 'waiting' THEN m.due_us END) \
             AS BIGINT), {}, {}, CAST(max(CASE WHEN m.state = 'delivered' THEN m.settled_us END) \
             AS BIGINT), (SELECT t.held_us FROM outbox_targets t WHERE t.target = m.target) \
             FROM outbox_messages m GROUP BY m.target ORDER BY m.target",
            count("waiting"),
            count("dead"),
            count("delivered"),
        );
        let read = |row: &Row| {
            Ok(Waiting {
                target: row.text(0)?,
                waiting: uncount(row.int(1)?),
                oldest: row.opt_int(2)?.map(time),
                dead: uncount(row.int(3)?),
                delivered: uncount(row.int(4)?),
                last: row.opt_int(5)?.map(time),
                held: row.opt_int(6)?.filter(|held| *held > 0).map(time),
            })
        };
        session.fetch_as(sql, vec![], read).await
    }

    /// Whether somebody was told of the critical findings that came up since a time. A message that
    /// is late by more than `late_us` microseconds no longer counts as waiting.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn proof(
        &self,
        since: Timestamp,
        now: Timestamp,
        late_us: i64,
    ) -> Result<Proof, StoreError> {
        let mut session = self.database.read("prove that somebody was told");
        let told = |conditions: &str| {
            format!(
                "EXISTS (SELECT 1 FROM outbox_items i JOIN outbox_messages m \
                 ON m.number = i.message WHERE i.finding = w.finding AND i.entry = w.entry \
                 AND {conditions})"
            )
        };
        let delivered = told("m.state = 'delivered'");
        let waiting = told("m.state = 'waiting' AND m.due_us > $2");
        let sql = format!(
            "SELECT CAST(count(*) AS BIGINT), \
             CAST(coalesce(sum(CASE WHEN {delivered} THEN 1 ELSE 0 END), 0) AS BIGINT), \
             CAST(coalesce(sum(CASE WHEN NOT {delivered} AND {waiting} THEN 1 ELSE 0 END), 0) \
             AS BIGINT) FROM outbox_owed w WHERE w.at_us >= $1"
        );
        let late = now.as_microsecond().saturating_sub(late_us);
        let params = vec![since.as_microsecond().into(), late.into()];
        let read = |row: &Row| Ok((row.int(0)?, row.int(1)?, row.int(2)?));
        let (owed, told, waiting) = session.fetch_one(sql, params, read).await?.unwrap_or_default();
        let sql = "SELECT CAST(max(at_us) AS BIGINT) FROM outbox_deliveries \
                   WHERE outcome = 'delivered'";
        let last = session.fetch_one(sql, vec![], |row| row.opt_int(0)).await?.flatten();
        Ok(Proof {
            owed: uncount(owed),
            told: uncount(told),
            waiting: uncount(waiting),
            last: last.map(time),
        })
    }

    /// Forgets what was settled before a time, at most so many messages; answers how many. Call it
    /// again while it forgets any.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn forget(&self, before: Timestamp, limit: usize) -> Result<u64, StoreError> {
        let mut session = self.database.write("forget old messages").await?;
        let sql = "SELECT number FROM outbox_messages WHERE state <> 'waiting' \
                   AND settled_us < $1 ORDER BY settled_us LIMIT $2";
        let params = vec![before.as_microsecond().into(), limit_of(limit)];
        let numbers = session.fetch_as(sql, params, |row| row.int(0)).await?;
        let all = || numbers.iter().map(|number| Param::from(*number)).collect::<Vec<_>>();
        for sql in [
            "DELETE FROM outbox_items WHERE message",
            "DELETE FROM outbox_deliveries WHERE message",
            "DELETE FROM outbox_messages WHERE number",
        ] {
            batch::execute_in(&mut session, sql, &[], all()).await?;
        }
        for sql in [
            "DELETE FROM outbox_owed WHERE at_us < $1",
            "DELETE FROM outbox_deliveries WHERE at_us < $1 AND message IS NULL",
            "DELETE FROM outbox_threads WHERE closed_us < $1",
        ] {
            session.execute(sql, vec![before.as_microsecond().into()]).await?;
        }
        session.commit().await?;
        Ok(numbers.len() as u64)
    }
}

fn limit_of(limit: usize) -> Param {
    i64::try_from(limit.min(LIMIT_MAX)).unwrap_or(i64::MAX).into()
}

/// A point in time from the database; one that cannot be is the epoch.
fn time(at_us: i64) -> Timestamp {
    Timestamp::from_microsecond(at_us).unwrap_or_default()
}
