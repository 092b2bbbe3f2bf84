//! Alerts: what judging logs raised, kept by identity, and what detectors remember between runs.
//! How signals become alerts and how two of one identity are joined is the model's; who is told is
//! decided elsewhere.

mod changed;
mod keep;
mod list;
mod state;

use yagura_model::Severity;
use yagura_model::alert::Alert;

use crate::Store;
use crate::database::{Database, Row, Session};
use crate::encode::unpack;
use crate::error::StoreError;

pub use changed::AlertCursor;
pub use keep::Kept;
pub(crate) use list::range_of;
pub use list::{AlertFilter, AlertPage, StoredAlert};
pub use state::DetectorState;

/// The alerts of a store. Clones share its connections.
///
/// Every method is one transaction, or several of which each may be repeated without harm.
#[derive(Clone)]
pub struct Alerts {
    database: Database,
}

impl Store {
    /// The alerts in this store.
    pub fn alerts(&self) -> Alerts {
        Alerts { database: self.database.clone() }
    }
}

/// The number that stands for a severity: they are compared in SQL.
fn severity_number(severity: Severity) -> i64 {
    let place = Severity::ALL.iter().position(|one| *one == severity);
    place.and_then(|place| i64::try_from(place).ok()).unwrap_or_default()
}

/// The 16 bytes of an alert's identity; none where the text is no such identity.
fn id_bytes(id: &str) -> Option<Vec<u8>> {
    hex::decode(id).ok().filter(|bytes| bytes.len() == 16)
}

/// Reads a stored document.
fn document_of(session: &Session, row: &Row, column: usize) -> Result<Alert, StoreError> {
    let packed = row.blob(column).map_err(|error| session.fail(error))?;
    let json = unpack(&packed).map_err(|detail| session.damaged(detail))?;
    serde_json::from_slice(&json).map_err(|error| session.damaged(format!("an alert: {error}")))
}
