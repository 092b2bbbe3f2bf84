//! The balance of a feed: what was listed must equal what became of it.
//! The two sides are counted apart: listings count what they add, objects are counted by state.

use std::collections::BTreeMap;

use super::{Ledger, ObjectState, uncount};
use crate::database::Session;
use crate::encode::column_text;
use crate::error::StoreError;

/// How many objects were listed, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Objects that listings added; less than zero only in a damaged ledger.
    pub listed: i64,
    /// Their good records are in the lake.
    pub ingested: u64,
    /// Nothing of them is in the lake.
    pub quarantined: u64,
    /// Their content was already there.
    pub duplicate: u64,
    /// Still to be read.
    pub pending: u64,
    /// Rows in the lake that came of the ingested ones, when they were ingested.
    pub rows: u64,
    /// Records that the lake already had.
    pub repeats: u64,
    /// Pieces in quarantine.
    pub bad: u64,
    /// Bytes of all listed objects, as stored.
    pub size_bytes: u64,
}

impl Balance {
    /// Objects in any state.
    pub fn accounted(&self) -> u64 {
        self.ingested + self.quarantined + self.duplicate + self.pending
    }

    /// Whether listed = ingested + quarantined + duplicate + pending.
    pub fn closes(&self) -> bool {
        u64::try_from(self.listed) == Ok(self.accounted())
    }
}

impl std::ops::AddAssign for Balance {
    fn add_assign(&mut self, more: Self) {
        self.listed += more.listed;
        self.ingested += more.ingested;
        self.quarantined += more.quarantined;
        self.duplicate += more.duplicate;
        self.pending += more.pending;
        self.rows += more.rows;
        self.repeats += more.repeats;
        self.bad += more.bad;
        self.size_bytes += more.size_bytes;
    }
}

impl Ledger {
    /// The balance of every feed, by name.
    pub async fn balances(&self) -> Result<BTreeMap<String, Balance>, StoreError> {
        let mut session = self.database.write("balance the ledger").await?;
        // Within a transaction, so that no listing comes between the two sides.
        let balances = read(&mut session, None).await?;
        session.commit().await?;
        Ok(balances)
    }

    /// The balance of one feed, or of all together.
    pub async fn balance(&self, feed: Option<&str>) -> Result<Balance, StoreError> {
        let mut session = self.database.write("balance the ledger").await?;
        let balances = read(&mut session, feed).await?;
        session.commit().await?;
        let mut total = Balance::default();
        for balance in balances.into_values() {
            total += balance;
        }
        Ok(total)
    }
}

async fn read(
    session: &mut Session,
    feed: Option<&str>,
) -> Result<BTreeMap<String, Balance>, StoreError> {
    let which = if feed.is_some() { "WHERE f.name = $1" } else { "" };
    let params = || feed.map(|name| column_text(name).into()).into_iter().collect();
    let sql = format!(
        "SELECT f.name, CAST(coalesce(sum(l.added_count), 0) AS BIGINT) FROM feeds f \
         LEFT JOIN listings l ON l.feed_id = f.id {which} GROUP BY f.name"
    );
    let listed = session.fetch_as(sql, params(), |row| Ok((row.text(0)?, row.int(1)?))).await?;
    let mut balances: BTreeMap<String, Balance> = listed
        .into_iter()
        .map(|(name, listed)| (name, Balance { listed, ..Balance::default() }))
        .collect();
    let sql = format!(
        "SELECT f.name, o.state, CAST(count(*) AS BIGINT), CAST(sum(o.row_count) AS BIGINT), \
         CAST(sum(o.repeat_count) AS BIGINT), CAST(sum(o.bad_count) AS BIGINT), \
         CAST(sum(o.size_bytes) AS BIGINT) FROM log_objects o \
         JOIN feeds f ON f.id = o.feed_id {which} GROUP BY f.name, o.state"
    );
    let counted = session.fetch_as(sql, params(), |row| {
        let sums = [row.int(2)?, row.int(3)?, row.int(4)?, row.int(5)?, row.int(6)?];
        Ok((row.text(0)?, row.text(1)?, sums))
    });
    for (name, state, sums) in counted.await? {
        let state = ObjectState::of(&state)
            .ok_or_else(|| session.damaged(format!("a log object is `{state}`")))?;
        let [objects, rows, repeats, bad, size_bytes] = sums.map(uncount);
        let balance = balances.entry(name).or_default();
        *match state {
            ObjectState::Pending => &mut balance.pending,
            ObjectState::Ingested => &mut balance.ingested,
            ObjectState::Quarantined => &mut balance.quarantined,
            ObjectState::Duplicate => &mut balance.duplicate,
        } += objects;
        balance.rows += rows;
        balance.repeats += repeats;
        balance.bad += bad;
        balance.size_bytes += size_bytes;
    }
    Ok(balances)
}
