//! Taking: messages whose time has come, handed to one process until its lease ends, no faster than
//! their targets take them. How they are sent is not known here.

use jiff::Timestamp;
use serde_json::Value;
use yagura_model::Severity;
use yagura_model::message::MessageKind;

use super::storm::Tally;
use super::{Outbox, kind_of, severity_of, tally_of, uncount};
use crate::database::{Row, Session};
use crate::encode::{column_text, unpack};
use crate::error::StoreError;

/// Documents read for one message.
const DOCUMENTS_READ_MAX: i64 = 200;

/// How often a target takes a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetRate {
    /// The target.
    pub target: String,
    /// So many messages.
    pub messages: u32,
    /// In so many microseconds.
    pub per_us: i64,
}

/// A message, handed to one process.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// Its number.
    pub number: i64,
    /// Where it goes.
    pub target: String,
    /// The route that led there; of several the first.
    pub route: String,
    /// Which kind of message it is.
    pub kind: MessageKind,
    /// The finding that it is about; none of a message about many.
    pub finding: Option<String>,
    /// Which attempt this is, from one.
    pub attempt: u64,
    /// When it was made.
    pub made: Timestamp,
    /// What it tells.
    pub items: Vec<Item>,
    /// How many findings of which kinds, of a message about many.
    pub tally: Option<Tally>,
    /// What is open at the target about this finding.
    pub thread: Option<Thread>,
}

/// What a message tells of one finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The finding.
    pub finding: String,
    /// The entry of its history.
    pub entry: i64,
    /// What happened.
    pub change: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is told, as it was posted.
    pub document: Value,
}

/// What is open at a target about a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// How the target names it.
    pub key: String,
    /// Where a person sees it; empty where unknown.
    pub url: String,
    /// Whether it was closed.
    pub closed: bool,
}

impl Outbox {
    /// Hands out messages that are due, at most `limit` of each target and no more than its rate
    /// allows now. Of several about one finding only the oldest is handed out, so that nobody hears
    /// of an end before the beginning.
    ///
    /// # Errors
    /// Where the database cannot be read or written.
    pub async fn take(
        &self,
        holder: &str,
        targets: &[TargetRate],
        limit: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Taken>, StoreError> {
        if !self.has_due(targets, now).await? {
            return Ok(Vec::new());
        }
        let mut session = self.database.write("take messages from the outbox").await?;
        let mut taken = Vec::new();
        for rate in targets {
            take_of(&mut session, rate, limit, now, (holder, until), &mut taken).await?;
        }
        for message in &mut taken {
            read_whole(&mut session, message).await?;
        }
        session.commit().await?;
        Ok(taken)
    }

    /// Gives back what a holder took and did not settle: for whoever knows that it has ended. Its
    /// leases are long, since a target may take its time.
    ///
    /// # Errors
    /// Where the database cannot be read or written.
    pub async fn release(&self, holder: &str) -> Result<u64, StoreError> {
        let mut session = self.database.write("release messages of the outbox").await?;
        let sql = "UPDATE outbox_messages SET lease_until_us = 0 \
                   WHERE holder = $1 AND state = 'waiting' AND lease_until_us > 0";
        let released = session.execute(sql, vec![column_text(holder).into()]).await?;
        session.commit().await?;
        Ok(released)
    }

    /// Whether anything is due; asked without keeping writers out.
    async fn has_due(&self, targets: &[TargetRate], now: Timestamp) -> Result<bool, StoreError> {
        let mut session = self.database.read("look for messages that are due");
        for rate in targets {
            let sql = "SELECT 1 FROM outbox_messages WHERE target = $1 AND state = 'waiting' \
                       AND due_us <= $2 AND lease_until_us <= $2 LIMIT 1";
            let params = vec![rate.target.as_str().into(), now.as_microsecond().into()];
            if !session.fetch(sql, params).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// How many messages a target takes now, and when its bucket would be full again after so many.
///
/// The generic cell rate algorithm: `next_us` is when the bucket would be full again; a message
/// fits while that is at most one bucket ahead of now.
fn fitting(rate: &TargetRate, next_us: i64, now_us: i64, limit: u32) -> (u32, i64) {
    let per_us = rate.per_us.max(1);
    let step_us = (per_us / i64::from(rate.messages.max(1))).max(1);
    let ahead_us = next_us.max(now_us).saturating_sub(now_us);
    let room = per_us.saturating_sub(ahead_us).max(0) / step_us;
    (u32::try_from(room).unwrap_or(u32::MAX).min(limit), step_us)
}

async fn take_of(
    session: &mut Session,
    rate: &TargetRate,
    limit: u32,
    now: Timestamp,
    (holder, until): (&str, Timestamp),
    taken: &mut Vec<Taken>,
) -> Result<(), StoreError> {
    let now_us = now.as_microsecond();
    let target = rate.target.as_str();
    let sql = "SELECT next_us, held_us FROM outbox_targets WHERE target = $1";
    let read = |row: &Row| Ok((row.int(0)?, row.int(1)?));
    let known = session.fetch_one(sql, vec![target.into()], read).await?;
    let (next_us, held_us) = known.unwrap_or((0, 0));
    if held_us > now_us {
        return Ok(());
    }
    let (room, step_us) = fitting(rate, next_us, now_us, limit);
    if room == 0 {
        return Ok(());
    }
    let sql = "SELECT m.number, m.route, m.kind, m.finding, m.attempts, m.made_us, m.tally, \
               m.storm FROM outbox_messages m WHERE m.target = $1 AND m.state = 'waiting' \
               AND m.due_us <= $2 AND m.lease_until_us <= $2 \
               AND NOT EXISTS (SELECT 1 FROM outbox_messages o WHERE o.target = m.target \
               AND o.state = 'waiting' AND o.finding = m.finding AND o.number < m.number) \
               ORDER BY m.due_us, m.number LIMIT $3";
    let params = vec![target.into(), now_us.into(), i64::from(room).into()];
    let rows = session.fetch(sql, params).await?;
    if rows.is_empty() {
        return Ok(());
    }
    for row in &rows {
        let message = message_of(session, row, target).await?;
        let sql = "UPDATE outbox_messages SET attempts = attempts + 1, holder = $2, \
                   lease_until_us = $3 WHERE number = $1";
        let params =
            vec![message.number.into(), column_text(holder).into(), until.as_microsecond().into()];
        session.execute(sql, params).await?;
        taken.push(message);
    }
    let used = step_us.saturating_mul(i64::try_from(rows.len()).unwrap_or(i64::MAX));
    let next_us = next_us.max(now_us).saturating_add(used);
    let sql = "INSERT INTO outbox_targets (target, next_us, held_us) VALUES ($1, $2, 0) \
               ON CONFLICT (target) DO UPDATE SET next_us = excluded.next_us";
    session.execute(sql, vec![target.into(), next_us.into()]).await?;
    Ok(())
}

async fn message_of(session: &mut Session, row: &Row, target: &str) -> Result<Taken, StoreError> {
    let read = || {
        Ok::<_, sqlx::Error>((
            (row.int(0)?, row.text(1)?, row.text(2)?, row.opt_text(3)?),
            (row.int(4)?, row.int(5)?, row.opt_int(7)?),
        ))
    };
    let ((number, route, kind, finding), (attempts, made_us, storm)) =
        read().map_err(|error| session.fail(error))?;
    let mut tally = tally_of(session, row, 6)?;
    if let Some(storm) = storm {
        let sql = "SELECT tally FROM outbox_messages WHERE number = $1";
        let rows = session.fetch(sql, vec![storm.into()]).await?;
        tally = match rows.first() {
            Some(row) => tally_of(session, row, 0)?,
            None => None,
        };
    }
    let made = Timestamp::from_microsecond(made_us);
    Ok(Taken {
        number,
        target: target.to_owned(),
        route,
        kind: kind_of(session, &kind)?,
        finding,
        attempt: uncount(attempts) + 1,
        made: made.map_err(|error| session.damaged(error.to_string()))?,
        items: Vec::new(),
        tally,
        thread: None,
    })
}

/// Reads what a message tells, and what is open about it.
async fn read_whole(session: &mut Session, message: &mut Taken) -> Result<(), StoreError> {
    let sql = "SELECT finding, entry, change, severity, document FROM outbox_items \
               WHERE message = $1 AND document IS NOT NULL \
               ORDER BY severity DESC, entry LIMIT $2";
    let params = vec![message.number.into(), DOCUMENTS_READ_MAX.into()];
    for row in session.fetch(sql, params).await? {
        let read = || {
            Ok::<_, sqlx::Error>((
                (row.text(0)?, row.int(1)?, row.text(2)?),
                (row.int(3)?, row.blob(4)?),
            ))
        };
        let ((finding, entry, change), (severity, document)) =
            read().map_err(|error| session.fail(error))?;
        let json = unpack(&document).map_err(|detail| session.damaged(detail))?;
        let document = serde_json::from_slice(&json)
            .map_err(|error| session.damaged(format!("what a message tells: {error}")))?;
        let severity = severity_of(severity);
        message.items.push(Item { finding, entry, change, severity, document });
    }
    if let Some(finding) = &message.finding {
        let sql = "SELECT key, url, closed_us FROM outbox_threads \
                   WHERE target = $1 AND finding = $2";
        let params = vec![message.target.as_str().into(), finding.as_str().into()];
        let read = |row: &Row| {
            Ok(Thread { key: row.text(0)?, url: row.text(1)?, closed: row.opt_int(2)?.is_some() })
        };
        message.thread = session.fetch_one(sql, params, read).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_as_many_as_its_rate_and_fills_again() {
        let rate = TargetRate { target: "t".into(), messages: 4, per_us: 1_000 };
        let fits = |next_us, now_us| fitting(&rate, next_us, now_us, 100).0;
        assert_eq!(fits(0, 10_000), 4);
        assert_eq!(fits(10_000 + 1_000, 10_000), 0);
        assert_eq!(fits(10_000 + 1_000, 10_250), 1);
        assert_eq!(fits(10_000 + 1_000, 11_000), 4);
        assert_eq!(fitting(&rate, 0, 10_000, 2).0, 2);
    }
}
