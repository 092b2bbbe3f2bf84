//! Whether a fact is acceptable: the outcome of one control on one resource.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::severity::Severity;
use crate::unread::Unread;

/// The outcome of one control on one resource (or on a listing that could not be read).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The control's id (`s3.bucket_public_access_blocked`).
    pub control: String,
    /// Pass, fail, not applicable or unknown.
    pub status: VerdictStatus,
    /// The control's severity, after the site's overrides.
    pub severity: Severity,
    /// The resource's key. For a listing that could not be read: `account/region/type`.
    pub key: String,
    /// The resource's type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Twelve digits.
    pub account: String,
    /// A region's name or `global`.
    pub region: String,
    /// What a person calls the resource; empty for a listing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The values that decided, by path, small enough to show (`properties.Status` → `Suspended`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<(String, Value)>,
    /// What was unread and so made the verdict unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
    /// The exception in force, where the site has accepted this failure until a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<Exception>,
}

/// What a control says about a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictStatus {
    /// As it should be.
    Pass,
    /// Not as it should be.
    Fail,
    /// The control does not speak about this resource.
    NotApplicable,
    /// It cannot be said; the verdict names what was unread.
    Unknown,
}

impl VerdictStatus {
    /// The word used in files and outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotApplicable => "not_applicable",
            Self::Unknown => "unknown",
        }
    }
}

/// An accepted failure. Its expiry has been compared with the scan's time by judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Who answers for it.
    pub owner: String,
    /// Why it is accepted.
    pub reason: String,
    /// Until when.
    pub expires: Timestamp,
}
