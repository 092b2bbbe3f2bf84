//! Alerts in the order in which they last changed: what whoever works after the detectors reads.
//! Lists for people are in `list.rs`.

use jiff::Timestamp;

use super::list::{COLUMNS, stored_of};
use super::{Alerts, StoredAlert};
use crate::error::StoreError;

/// A place among the alerts in the order in which they changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlertCursor {
    /// When the alert changed, in microseconds since 1970.
    pub changed_us: i64,
    /// The alert's number, which tells those of one moment apart.
    pub number: i64,
}

impl StoredAlert {
    /// Its place in the order of changes.
    pub fn cursor(&self) -> AlertCursor {
        AlertCursor { changed_us: self.changed.as_microsecond(), number: self.place.1 }
    }
}

impl AlertCursor {
    /// Before everything that changed at a time or later.
    pub fn before(time: Timestamp) -> Self {
        Self { changed_us: time.as_microsecond(), number: 0 }
    }
}

impl Alerts {
    /// Alerts that changed after a place, the earliest change first, at most `limit`; also those
    /// in shadow and those that are suppressed.
    ///
    /// Several processes keep alerts, each with its own clock and each in its own transaction: who
    /// reads on should begin some minutes before the last place.
    ///
    /// # Errors
    /// Where the database cannot be read or an alert in it is damaged.
    pub async fn changed_after(
        &self,
        after: AlertCursor,
        limit: usize,
    ) -> Result<Vec<StoredAlert>, StoreError> {
        let mut session = self.database.read("read what changed among the alerts");
        let sql = format!(
            "SELECT {COLUMNS} FROM alerts t WHERE t.changed_us >= $1 \
             AND (t.changed_us > $1 OR t.number > $2) ORDER BY t.changed_us, t.number LIMIT $3"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let params = vec![after.changed_us.into(), after.number.into(), limit.into()];
        let rows = session.fetch(sql, params).await?;
        rows.iter().map(|row| stored_of(&session, row)).collect()
    }
}
