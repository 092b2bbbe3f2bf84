//! Why acting failed. What a channel or an automation rule makes of one finding is data, not an
//! error.

use yagura_store::StoreError;

/// Why acting failed.
#[derive(Debug, thiserror::Error)]
pub enum RespondError {
    /// The database could not be read or written; what was folded before stands.
    #[error("the findings could not be brought up to date")]
    Findings(#[source] StoreError),
}
