//! The outbox: what is to be told to whom, what became of each attempt, and the proof that somebody
//! was told. What is told, and how it travels, is decided in `yagura-respond`.
//!
//! Delivery is at least once. What a change of a finding leads to is written in the transaction
//! that moves the cursor over the history of findings ([`Outbox::post`]), once per target, finding
//! and entry. A message is then taken under a lease ([`Outbox::take`]), sent, and settled
//! ([`Outbox::settle`]); who dies in between leaves a lease that ends.

mod list;
mod post;
mod settle;
mod storm;
mod take;

use yagura_model::Severity;
use yagura_model::message::MessageKind;

use crate::Store;
use crate::database::{Database, Row, Session};
use crate::encode::unpack;
use crate::error::StoreError;

pub use list::{DeadMessage, Delivery, DeliveryFilter, Proof, ToldOf, Waiting};
pub use post::{Batch, Owed, Page, Post, Posted};
pub use settle::{Outcome, Settlement, Told};
pub use storm::{StormLimit, Tally};
pub use take::{Item, Taken, TargetRate, Thread};

/// The outbox of a store. Clones share its connections.
#[derive(Clone)]
pub struct Outbox {
    database: Database,
}

impl Store {
    /// The outbox in this store.
    pub fn outbox(&self) -> Outbox {
        Outbox { database: self.database.clone() }
    }
}

/// The cursor that routes move over the history of findings.
const CURSOR: &str = "routes";

impl Outbox {
    /// Up to which entry of the history of findings everything was routed.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn cursor(&self) -> Result<i64, StoreError> {
        let mut session = self.database.read("find where routing stands");
        cursor(&mut session).await
    }
}

async fn cursor(session: &mut Session) -> Result<i64, StoreError> {
    let sql = "SELECT number FROM outbox_cursors WHERE name = $1";
    Ok(session.fetch_one(sql, vec![CURSOR.into()], |row| row.int(0)).await?.unwrap_or(0))
}

/// The number that stands for a severity: they are compared in SQL.
fn severity_number(severity: Severity) -> i64 {
    let place = Severity::ALL.iter().position(|one| *one == severity);
    place.and_then(|place| i64::try_from(place).ok()).unwrap_or_default()
}

fn severity_of(number: i64) -> Severity {
    let place = usize::try_from(number).unwrap_or_default();
    Severity::ALL.get(place).copied().unwrap_or(Severity::Informational)
}

fn kind_of(session: &Session, word: &str) -> Result<MessageKind, StoreError> {
    MessageKind::of(word).ok_or_else(|| session.damaged("a message is of an unknown kind"))
}

/// A number from the database that is never negative.
fn uncount(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// Reads a stored tally.
fn tally_of(session: &Session, row: &Row, column: usize) -> Result<Option<Tally>, StoreError> {
    let packed = row.opt_blob(column).map_err(|error| session.fail(error))?;
    let Some(packed) = packed else { return Ok(None) };
    let json = unpack(&packed).map_err(|detail| session.damaged(detail))?;
    let tally = serde_json::from_slice(&json);
    tally.map(Some).map_err(|error| session.damaged(format!("a tally: {error}")))
}
