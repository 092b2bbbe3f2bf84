//! Verdicts of a scan: storing, reading, counting, and comparing two scans.
//! How a verdict comes about is judge's.
//!
//! Fails and unknowns are kept whole, one small row each; what they say (evidence, unread,
//! exception) is interned, so that the same failure in the next scan costs no more than its row.
//! Passes and not-applicables are kept as runs of resource numbers, about two bytes each.

mod compare;
mod look;
mod put;
mod read;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use yagura_model::{Exception, Severity, Unread, VerdictStatus};

pub use compare::{Comparison, VerdictChange};
pub use look::{ControlDay, CurrentScan, VerdictPage, VerdictPlace};
pub(crate) use read::counts;

/// Which verdicts to read. An empty list means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerdictFilter {
    /// Statuses; without pass and not-applicable, reading is much quicker.
    pub statuses: Vec<VerdictStatus>,
    /// Ids of controls.
    pub controls: Vec<String>,
    /// Accounts, twelve digits each.
    pub accounts: Vec<String>,
    /// One resource only.
    pub key: Option<String>,
}

impl VerdictFilter {
    /// Fails and unknowns.
    pub fn open() -> Self {
        Self { statuses: vec![VerdictStatus::Fail, VerdictStatus::Unknown], ..Self::default() }
    }

    fn wants(&self, statuses: [VerdictStatus; 2]) -> bool {
        self.statuses.is_empty() || statuses.iter().any(|status| self.statuses.contains(status))
    }

    fn matches(&self, status: VerdictStatus, account: &str) -> bool {
        (self.statuses.is_empty() || self.statuses.contains(&status))
            && (self.accounts.is_empty() || self.accounts.iter().any(|id| id == account))
    }
}

/// How many verdicts of one kind a scan gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerdictCount {
    /// The control's id.
    pub control: String,
    /// Twelve digits.
    pub account: String,
    /// Pass, fail, not applicable or unknown.
    pub status: VerdictStatus,
    /// The control's severity in that scan.
    pub severity: Severity,
    /// How many.
    pub count: u64,
}

/// What a fail or an unknown says, as it is interned.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Detail {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<(String, Value)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unread: Vec<Unread>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exception: Option<Exception>,
}

const OPEN: [VerdictStatus; 2] = [VerdictStatus::Fail, VerdictStatus::Unknown];
const QUIET: [VerdictStatus; 2] = [VerdictStatus::Pass, VerdictStatus::NotApplicable];
