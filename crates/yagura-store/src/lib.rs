//! Yagura's own database: scans, resources with their history, coverage, verdicts, the ledger and
//! alerts, on `SQLite` or PostgreSQL. The only crate with SQL text for it; it judges nothing and
//! reads no clock.
//!
//! ```no_run
//! # async fn example(resources: &[yagura_model::Resource], now: jiff::Timestamp)
//! # -> Result<(), yagura_store::StoreError> {
//! use yagura_store::{Location, ScanOutcome, ScanStart, Store};
//!
//! let store = Store::open(&Location::in_folder("data".as_ref())).await?;
//! let scan = store
//!     .begin_scan(&ScanStart {
//!         started: now,
//!         accounts: vec![],
//!         regions: vec![],
//!         controls: vec![],
//!         full: true,
//!     })
//!     .await?;
//! store.put_resources(scan, resources).await?;
//! store.finish_scan(scan, ScanOutcome::Complete, now).await?;
//! # Ok(()) }
//! ```

pub mod alerts;
pub mod backup;
mod batch;
mod changes;
mod coverage;
mod database;
mod document;
mod encode;
mod ending;
mod error;
pub mod findings;
mod history;
pub mod imports;
mod intern;
pub mod jobs;
pub mod ledger;
mod list;
mod location;
mod mask;
mod merge;
mod migration;
pub mod outbox;
pub mod people;
mod prune;
pub mod repeats;
mod resources;
mod rows;
mod scan;
pub mod scores;
pub mod secrets;
mod snapshot;
pub mod spend;
mod verdicts;
pub mod views;

pub use changes::Change;
pub use error::{SnapshotFault, StoreError};
pub use history::{History, Version};
pub use location::{DATABASE_FILE, Location, Options};
pub use prune::{Pruned, Retention};
pub use resources::{
    Judged, KnownResource, Life, MATCHES_MAX, NEIGHBORS_MAX, Neighbor, Neighbors, RESOURCES_MAX,
    ResourceFilter, ResourceList, ResourceQuery, ResourceRow, Stored,
};
pub use scan::{Account, Finished, Scan, ScanId, ScanOutcome, ScanStart, ScanState};
pub use snapshot::{Imported, SnapshotOf};
pub use verdicts::{
    Comparison, ControlDay, CurrentScan, VerdictChange, VerdictCount, VerdictFilter, VerdictPage,
    VerdictPlace,
};

use std::sync::Arc;

use database::Database;

/// An open database. Clones share its connections.
///
/// Several processes may have the same one open. One writes at a time, a batch per transaction;
/// the others wait, at most [`Options::wait`]. Readers never wait.
#[derive(Clone)]
pub struct Store {
    database: Database,
    /// What questions about findings read before.
    kept: Arc<findings::Kept>,
}

impl Store {
    /// Opens a database; makes it where it is missing and brings its schema up to date.
    pub async fn open(at: &Location) -> Result<Self, StoreError> {
        Self::open_with(at, &Options::default()).await
    }

    /// Opens a database in a way of the caller's choice.
    pub async fn open_with(at: &Location, options: &Options) -> Result<Self, StoreError> {
        let database = Database::connect(at, options).await?;
        migration::run(&database).await?;
        Ok(Self { database, kept: Arc::default() })
    }

    /// Closes all connections; on `SQLite` this folds the write-ahead log into the file.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// Where the database is, without a password.
    pub fn place(&self) -> &str {
        self.database.place()
    }
}
