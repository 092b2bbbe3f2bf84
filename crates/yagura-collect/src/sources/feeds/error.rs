//! What can go wrong with a feed: each error names the place and the attempt.
//! What follows from it (another try, quarantine) is decided in `pipeline`.

use std::sync::Arc;
use yagura_model::with_causes;

/// Why a feed could not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FeedError {
    /// The object is not there, or not any more.
    #[error("`{location}` is not there")]
    Gone {
        /// The object.
        location: String,
    },
    /// The object has other content than the listing said.
    #[error("`{location}` has changed since it was listed")]
    Changed {
        /// The object.
        location: String,
    },
    /// Access was refused.
    #[error("cannot {attempt} `{location}`: access is denied")]
    Denied {
        /// What was attempted (`open`, `list`).
        attempt: &'static str,
        /// The object or feed.
        location: String,
        /// What was said, with the missing permission where it is known.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// Anything else: a network or disk error, throttling.
    #[error("cannot {attempt} `{location}`")]
    Failed {
        /// What was attempted (`open`, `list`, `read`).
        attempt: &'static str,
        /// The object or feed.
        location: String,
        /// What was said.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The feed itself was described wrongly.
    #[error("`{text}` cannot be a feed: {reason}")]
    Request {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl FeedError {
    /// An answer of the file system.
    pub fn of_io(attempt: &'static str, location: &str, error: std::io::Error) -> Self {
        let location = location.to_owned();
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::Gone { location },
            std::io::ErrorKind::PermissionDenied => {
                Self::Denied { attempt, location, source: Arc::new(error) }
            }
            _ => Self::Failed { attempt, location, source: Arc::new(error) },
        }
    }

    /// Wraps it for a reader; [`FeedError::within`] finds it again.
    pub fn into_io(self) -> std::io::Error {
        std::io::Error::other(self)
    }

    /// The feed's error that a reader's error carries.
    pub fn within(error: &std::io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// What it says with all its causes, for the ledger and for people.
    pub fn chain(&self) -> String {
        with_causes(self)
    }
}
