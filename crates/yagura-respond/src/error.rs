//! Why acting failed. What a channel or an automation rule makes of one finding is data, not an
//! error.

use yagura_store::StoreError;

/// Why acting failed.
#[derive(Debug, thiserror::Error)]
pub enum RespondError {
    /// The database could not be read or written; what was folded before stands.
    #[error("the findings could not be brought up to date")]
    Findings(#[source] StoreError),
    /// The history could not be read, or the outbox not be written; what was routed stands.
    #[error("the routes could not be followed")]
    Route(#[source] StoreError),
    /// The outbox could not be read or written. A message that was sent and could not be noted is
    /// sent again.
    #[error("the messages could not be delivered")]
    Deliver(#[source] StoreError),
    /// Nothing can be sent over HTTP from this machine.
    #[error("no connection can be prepared: {0}")]
    Http(String),
}
