//! Stage 1, read the world: the accounts and regions of an organization, and every resource in
//! them, as the content's resource files describe.
//! Nothing is judged here, nothing is stored, and nothing at AWS is changed.

mod caller;
pub mod cases;
mod client;
pub mod costs;
mod error;
pub mod imports;
pub mod intelligence;
mod inventory;
mod last_accessed;
mod notice;
mod organization;
pub mod permissions;
mod regions;
pub mod sources;
pub mod trail;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use yagura_aws::ReadClient;

pub use error::CollectError;
pub use inventory::plan::{CallsEstimate, Plan, Wanted};
pub use inventory::{Event, Ground, Outcome, Progress};
pub use last_accessed::{LastAccessed, last_accessed};
pub use notice::{Notice, NoticeKind};
pub use organization::{Account, Extent, Organization, home_region};
pub use regions::Regions;

use caller::Caller;

/// Reads which accounts there are: those of the organization, or the caller's own alone.
///
/// # Errors
/// When AWS does not say who the caller is. An organization that cannot be read is a notice.
pub async fn organization(
    client: &ReadClient,
    extent: Extent,
) -> Result<Organization, CollectError> {
    organization::read(&caller(client), extent).await
}

/// Reads which regions each account has enabled; `wanted` cuts them down (empty: all).
///
/// # Errors
/// When a wanted region is enabled in no account.
pub async fn regions(
    client: &ReadClient,
    organization: &Organization,
    wanted: &[String],
) -> Result<Regions, CollectError> {
    regions::read(&caller(client), organization, wanted, client.region()).await
}

/// Reads every resource that the plan asks for, and sends it to the sink as soon as it is whole.
///
/// The sink must be received from while this runs: it is bounded, and that bounds the memory. If
/// the receiver is dropped the scan is interrupted. Once `cancel` is cancelled nothing more is
/// asked; what was read is sent, with the rest unread as *interrupted*.
pub async fn inventory(
    client: &ReadClient,
    plan: &Plan<'_>,
    ground: &Ground<'_>,
    sink: mpsc::Sender<Event>,
    cancel: CancellationToken,
) -> Outcome {
    inventory::run(caller(client), plan, ground, sink, cancel).await
}

fn caller(client: &ReadClient) -> Arc<dyn Caller> {
    Arc::new(client::Client(client.clone()))
}
