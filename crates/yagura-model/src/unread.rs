//! What could not be read, and why. Denied is never clean: it is unknown.

use serde::{Deserialize, Serialize};

use crate::path::Path;

/// A part of a resource, or of a listing, that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unread {
    /// Which part; the empty path is all of it.
    pub path: Path,
    /// Whether some of it was read: a list of which only the first pages came. `exists` over it
    /// is then true or unknown, `all` false or unknown, `size` unknown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Why.
    pub reason: UnreadReason,
    /// The call that did not answer, as `service:Operation` (`s3:GetBucketEncryption`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub call: String,
    /// The IAM action that is missing, where that is the reason (`s3:GetEncryptionConfiguration`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// What AWS answered, shortened and free of control characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Unread {
    /// A part that is unread for a reason that no call of AWS stands behind.
    pub const fn of(path: Path, reason: UnreadReason) -> Self {
        Self {
            path,
            partial: false,
            reason,
            call: String::new(),
            action: String::new(),
            detail: String::new(),
        }
    }
}

/// Why something could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnreadReason {
    /// The caller may not make the call.
    Denied,
    /// A service control policy (or another organization policy) forbids the call.
    DeniedByOrganization,
    /// AWS refused by rate, after all retries.
    Throttled,
    /// The region, partition or account does not offer the service or operation.
    Unsupported,
    /// No answer within the deadline.
    TimedOut,
    /// Any other error: broken answers, server errors, network.
    Failed,
    /// The scan did not ask: no enabled control needs it, or it was told to leave it out
    /// (`--regions`, `--accounts`). Not a defect of the scan.
    NotRequested,
    /// The scan was interrupted before it asked.
    Interrupted,
}

impl UnreadReason {
    /// Whether a scan with such a part is *partly blind* (exit code 3): something that should
    /// have answered did not. What AWS does not offer and what nobody asked for is not blindness.
    pub fn is_blind(self) -> bool {
        !matches!(self, Self::Unsupported | Self::NotRequested)
    }

    /// The word used in files and outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::DeniedByOrganization => "denied_by_organization",
            Self::Throttled => "throttled",
            Self::Unsupported => "unsupported",
            Self::TimedOut => "timed_out",
            Self::Failed => "failed",
            Self::NotRequested => "not_requested",
            Self::Interrupted => "interrupted",
        }
    }
}
