//! Why a scan cannot begin. What fails while it runs is data (unread parts, coverage, notices),
//! not an error.

use yagura_model::Unread;

/// Why a scan cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// AWS does not say who the caller is: no credentials, expired ones, no network.
    #[error("the caller's identity cannot be read: {}", unread.detail)]
    Identity {
        /// The call and the reason.
        unread: Box<Unread>,
    },
    /// `--accounts` names an account that the organization does not have.
    #[error(
        "no account is called `{wanted}`{}",
        if *alone {
            ": only the caller's own account is visible".to_owned()
        } else {
            format!(" among the {known} active accounts of the organization")
        }
    )]
    NoSuchAccount {
        /// What was asked for.
        wanted: String,
        /// How many accounts there are.
        known: usize,
        /// Whether only the caller's own account is visible.
        alone: bool,
    },
    /// `--regions` names a region that no account has enabled.
    #[error("region `{wanted}` is not enabled in any account (enabled: {})", enabled.join(", "))]
    NoSuchRegion {
        /// What was asked for.
        wanted: String,
        /// The regions that are enabled somewhere.
        enabled: Vec<String>,
    },
}
