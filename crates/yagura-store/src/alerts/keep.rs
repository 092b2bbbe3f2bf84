//! Keeping alerts: a new one is added, one of a known identity is joined with what is there.
//! INVARIANT: keeping the same alert again changes nothing, so that a run that was killed may be
//! repeated.

use std::collections::BTreeMap;

use jiff::Timestamp;
use yagura_model::alert::{Alert, EntityKind};

use super::{Alerts, document_of, id_bytes, severity_number};
use crate::batch;
use crate::database::{Param, Session};
use crate::encode::{column_text, pack};
use crate::error::StoreError;

/// Alerts kept in one transaction.
const PAGE: usize = 256;

/// What keeping alerts changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Identities of alerts that were not there before.
    pub new: Vec<String>,
    /// How many alerts were there and have grown.
    pub grown: u64,
    /// How many alerts were there just so.
    pub same: u64,
}

impl std::ops::AddAssign for Kept {
    fn add_assign(&mut self, more: Self) {
        self.new.extend(more.new);
        self.grown += more.grown;
        self.same += more.same;
    }
}

impl Alerts {
    /// Keeps alerts. One whose identity is known is joined with what is kept of it; title, path
    /// and tags become the new ones. Several processes may do this at once.
    ///
    /// # Errors
    /// Where the database cannot be written. What was kept before that stays, and may be kept
    /// again.
    pub async fn keep(&self, alerts: &[Alert], now: Timestamp) -> Result<Kept, StoreError> {
        let mut kept = Kept::default();
        for page in alerts.chunks(PAGE) {
            // Two of one identity in one page would each be taken for the first.
            let mut joined: BTreeMap<Vec<u8>, Alert> = BTreeMap::new();
            let mut session = self.database.write("keep alerts").await?;
            for alert in page {
                let id = id_bytes(&alert.id)
                    .ok_or_else(|| session.damaged("an alert has an identity of another form"))?;
                if let Some(known) = joined.get_mut(&id) {
                    known.merge(alert.clone());
                } else {
                    joined.insert(id, alert.clone());
                }
            }
            kept += keep_page(&mut session, joined, now).await?;
            session.commit().await?;
        }
        Ok(kept)
    }
}

async fn keep_page(
    session: &mut Session,
    alerts: BTreeMap<Vec<u8>, Alert>,
    now: Timestamp,
) -> Result<Kept, StoreError> {
    let find = "SELECT id, number, document FROM alerts WHERE id";
    let ids = alerts.keys().cloned().map(Param::from).collect();
    let mut known = BTreeMap::new();
    for row in batch::select_in(session, find, &[], ids, "").await? {
        let read = || Ok::<_, sqlx::Error>((row.blob(0)?, row.int(1)?));
        let (id, number) = read().map_err(|error| session.fail(error))?;
        known.insert(id, (number, document_of(session, &row, 2)?));
    }
    let mut kept = Kept::default();
    let mut marks = Vec::new();
    for (id, alert) in alerts {
        match known.remove(&id) {
            None => {
                let number = insert(session, id, &alert, now).await?;
                marks.extend(marks_of(number, &alert));
                kept.new.push(alert.id);
            }
            Some((number, stored)) => {
                let mut joined = alert;
                joined.merge(stored.clone());
                if joined == stored {
                    kept.same += 1;
                    continue;
                }
                update(session, number, &joined, now).await?;
                marks.extend(marks_of(number, &joined));
                kept.grown += 1;
            }
        }
    }
    let insert = "INSERT INTO alert_marks (kind, value, alert)";
    batch::insert(session, insert, marks, "ON CONFLICT (kind, value, alert) DO NOTHING").await?;
    Ok(kept)
}

/// The columns that change, in their order from `severity` on.
fn columns(session: &Session, alert: &Alert, now: Timestamp) -> Result<Vec<Param>, StoreError> {
    let json = serde_json::to_vec(alert).map_err(|error| session.damaged(error.to_string()))?;
    let suppression = alert.suppressed.as_ref();
    Ok(vec![
        severity_number(alert.severity).into(),
        alert.first_us.into(),
        alert.last_us.into(),
        i64::try_from(alert.count().0).unwrap_or(i64::MAX).into(),
        suppression.map(|by| by.expires.as_microsecond()).into(),
        suppression.map(|by| column_text(&by.owner)).into(),
        suppression.map(|by| column_text(&by.reason)).into(),
        alert.shadow.into(),
        now.as_microsecond().into(),
        pack(&json).into(),
    ])
}

async fn insert(
    session: &mut Session,
    id: Vec<u8>,
    alert: &Alert,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let mut params = columns(session, alert, now)?;
    params.extend([
        id.into(),
        alert.kind.as_str().into(),
        column_text(&alert.content).into(),
        alert.entity.kind.as_str().into(),
        column_text(&alert.entity.id).into(),
    ]);
    let sql = "INSERT INTO alerts (severity, first_us, last_us, event_count, \
               suppressed_until_us, suppressed_by, suppressed_reason, shadow, changed_us, \
               document, id, kind, content, entity_kind, entity, raised_us) VALUES \
               ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $9) \
               RETURNING number";
    let number = session.fetch_one(sql, params, |row| row.int(0)).await?;
    number.ok_or_else(|| session.damaged("an alert got no number"))
}

async fn update(
    session: &mut Session,
    number: i64,
    alert: &Alert,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut params = columns(session, alert, now)?;
    params.push(number.into());
    let sql = "UPDATE alerts SET severity = $1, first_us = $2, last_us = $3, event_count = $4, \
               suppressed_until_us = $5, suppressed_by = $6, suppressed_reason = $7, \
               shadow = $8, changed_us = $9, document = $10 WHERE number = $11";
    session.execute(sql, params).await?;
    Ok(())
}

/// By what an alert is found: its entity, and everything that its records name.
fn marks_of(number: i64, alert: &Alert) -> Vec<Vec<Param>> {
    let sets = [
        (EntityKind::Account, &alert.accounts),
        (EntityKind::Actor, &alert.actors),
        (EntityKind::Address, &alert.addresses),
        (EntityKind::Resource, &alert.resources),
    ];
    let named = sets.iter().flat_map(|(kind, set)| set.names().map(|name| (*kind, name)));
    let mut marks: Vec<(EntityKind, &str)> = named.collect();
    marks.push((alert.entity.kind, &alert.entity.id));
    marks.sort_unstable();
    marks.dedup();
    let row = |(kind, value): (EntityKind, &str)| {
        vec![kind.as_str().into(), column_text(value).into(), number.into()]
    };
    marks.into_iter().filter(|(_, value)| !value.is_empty()).map(row).collect()
}
