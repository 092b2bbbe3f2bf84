//! Whether somebody is notified: what the delivery records prove about critical findings, as the
//! checklist's item `response.notified` asks. Requirements are scored in `yagura-judge`.

use jiff::{SignedDuration, Timestamp};
use yagura_content::Content;
use yagura_store::Store;
use yagura_store::outbox::Proof;

use crate::error::RespondError;

/// How far back deliveries prove that somebody is notified.
const DAYS: i64 = 90;
/// A message that waits longer than this after it was due has not reached anybody in time.
const LATE_US: i64 = 3_600_000_000;

/// What the records prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notified {
    /// Every critical finding of the last 90 days reached a target; or there was none, and a
    /// message (a try suffices) was delivered in that time.
    Proven(Proof),
    /// Some did not.
    Failing(Proof),
    /// Nothing is routed or delivered: nothing is proven.
    Unproven,
}

/// Reads what the records prove at a time.
///
/// # Errors
/// Where the database cannot be read.
pub async fn notified(
    store: &Store,
    content: &Content,
    now: Timestamp,
) -> Result<Notified, RespondError> {
    if content.site.routes.routes.is_empty() {
        return Ok(Notified::Unproven);
    }
    let since = now.checked_sub(SignedDuration::from_hours(24 * DAYS)).unwrap_or(Timestamp::MIN);
    let proof = store.outbox().proof(since, now, LATE_US).await.map_err(RespondError::Route)?;
    Ok(if proof.owed > proof.told + proof.waiting {
        Notified::Failing(proof)
    } else if proof.told > 0 || (proof.owed == 0 && proof.last.is_some_and(|last| last >= since)) {
        Notified::Proven(proof)
    } else {
        Notified::Unproven
    })
}
