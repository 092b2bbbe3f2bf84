//! Settling: what came of an attempt to deliver, and the record of it.
//! When to try again is decided by whoever delivers.

use jiff::Timestamp;

use yagura_model::message::MessageKind;

use super::Outbox;
use super::take::Thread;
use crate::database::Session;
use crate::encode::column_text;
use crate::error::StoreError;

/// Characters of an answer that are kept.
const DETAIL_CHARS_MAX: usize = 1_000;

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target has it.
    Delivered,
    /// There is nothing to tell this target: what it never heard of is over.
    Skipped,
    /// It is tried again then.
    Retry(Timestamp),
    /// It is given up.
    Dead,
}

/// What came of an attempt, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The message.
    pub number: i64,
    /// Who took it.
    pub holder: String,
    /// When it was answered.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: Outcome,
    /// The answer's status, where it has one.
    pub status: Option<i64>,
    /// What the answer said, or why there is none.
    pub detail: String,
    /// What is open at the target now, where that changed.
    pub thread: Option<Thread>,
    /// The target asked to be left alone until then.
    pub held: Option<Timestamp>,
}

/// An attempt without a message in the outbox: a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The target.
    pub target: String,
    /// When.
    pub at: Timestamp,
    /// Whether the target has it.
    pub delivered: bool,
    /// The answer's status, where it has one.
    pub status: Option<i64>,
    /// What the answer said.
    pub detail: String,
}

impl Outbox {
    /// Notes what came of an attempt; answers whether it was still ours. Where the lease had ended
    /// and another process took the message, only the record of the attempt is kept: that it was
    /// sent is true, and what becomes of the message is the other's.
    ///
    /// # Errors
    /// Where the database cannot be written; the lease then ends, and the message is sent again.
    pub async fn settle(&self, settlement: &Settlement) -> Result<bool, StoreError> {
        let mut session = self.database.write("note what came of a message").await?;
        let ours = settle(&mut session, settlement).await?;
        session.commit().await?;
        Ok(ours)
    }

    /// Records a try.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn record(&self, told: &Told) -> Result<(), StoreError> {
        let mut session = self.database.write("record a test message").await?;
        let outcome = if told.delivered { "delivered" } else { "refused" };
        let sql = "INSERT INTO outbox_deliveries \
                   (message, target, kind, at_us, attempt, outcome, status, detail) \
                   VALUES (NULL, $1, $2, $3, 1, $4, $5, $6)";
        let params = vec![
            told.target.as_str().into(),
            MessageKind::Sample.as_str().into(),
            told.at.as_microsecond().into(),
            outcome.into(),
            told.status.into(),
            short(&told.detail).into(),
        ];
        session.execute(sql, params).await?;
        session.commit().await
    }
}

async fn settle(session: &mut Session, settlement: &Settlement) -> Result<bool, StoreError> {
    let at_us = settlement.at.as_microsecond();
    let (state, due_us, word) = match &settlement.outcome {
        Outcome::Delivered => ("delivered", None, "delivered"),
        Outcome::Skipped => ("skipped", None, "skipped"),
        Outcome::Retry(due) => ("waiting", Some(due.as_microsecond()), "retry"),
        Outcome::Dead => ("dead", None, "refused"),
    };
    let sql = "INSERT INTO outbox_deliveries \
               (message, target, kind, at_us, attempt, outcome, status, detail) \
               SELECT number, target, kind, $2, attempts, $3, $4, $5 \
               FROM outbox_messages WHERE number = $1";
    let params = vec![
        settlement.number.into(),
        at_us.into(),
        word.into(),
        settlement.status.into(),
        short(&settlement.detail).into(),
    ];
    session.execute(sql, params).await?;
    let settled_us = due_us.is_none().then_some(at_us);
    let sql = "UPDATE outbox_messages SET state = $3, due_us = coalesce($4, due_us), \
               settled_us = $5, detail = $6, holder = NULL, lease_until_us = 0 \
               WHERE number = $1 AND state = 'waiting' AND holder = $2";
    let params = vec![
        settlement.number.into(),
        column_text(&settlement.holder).into(),
        state.into(),
        due_us.into(),
        settled_us.into(),
        short(&settlement.detail).into(),
    ];
    let ours = session.execute(sql, params).await? > 0;
    keep_thread(session, settlement, at_us).await?;
    if let Some(held) = settlement.held {
        let sql = "INSERT INTO outbox_targets (target, next_us, held_us) \
                   SELECT target, 0, $2 FROM outbox_messages WHERE number = $1 \
                   ON CONFLICT (target) DO UPDATE SET held_us = CASE \
                   WHEN excluded.held_us > outbox_targets.held_us THEN excluded.held_us \
                   ELSE outbox_targets.held_us END";
        session.execute(sql, vec![settlement.number.into(), held.as_microsecond().into()]).await?;
    }
    Ok(ours)
}

/// Keeps what is open at a target, even where another process has the message by now: a ticket that
/// was opened must be found again.
async fn keep_thread(
    session: &mut Session,
    settlement: &Settlement,
    at_us: i64,
) -> Result<(), StoreError> {
    let Some(thread) = &settlement.thread else { return Ok(()) };
    let sql = "INSERT INTO outbox_threads (target, finding, key, url, opened_us, closed_us) \
               SELECT target, finding, $2, $3, $4, $5 FROM outbox_messages \
               WHERE number = $1 AND finding IS NOT NULL \
               ON CONFLICT (target, finding) DO UPDATE SET key = excluded.key, \
               url = excluded.url, closed_us = excluded.closed_us";
    let closed_us = thread.closed.then_some(at_us);
    let params = vec![
        settlement.number.into(),
        column_text(&thread.key).into(),
        column_text(&thread.url).into(),
        at_us.into(),
        closed_us.into(),
    ];
    session.execute(sql, params).await?;
    Ok(())
}

fn short(text: &str) -> String {
    column_text(text).chars().take(DETAIL_CHARS_MAX).collect()
}
