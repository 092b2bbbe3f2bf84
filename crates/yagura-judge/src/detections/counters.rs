//! What was done and what could not be: shown wherever alerts are shown.
//! Nothing is decided by these numbers.

use serde::{Deserialize, Serialize};

/// Counts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Records that were looked at.
    pub records: u64,
    /// Records of sources that no rule is about.
    pub unmapped: u64,
    /// Signals raised, weak ones included. A record that came twice counts twice.
    pub signals: u64,
    /// Signals that feed sequences only.
    pub weak: u64,
    /// Signals that the site's allow list took away.
    pub allowed: u64,
    /// Signals of alerts that the site suppresses; the alerts are kept and marked.
    pub suppressed: u64,
    /// Signals of records without a readable time, which correlations cannot place.
    pub timeless: u64,
    /// Signals that opened no alert because too many were open.
    pub left_out: u64,
    /// Records of correlations, and cells of behaviours, that came later than is waited for.
    pub late: u64,
    /// The same that were judged early because too many waited.
    pub hurried: u64,
    /// Groups of correlations dropped because there were too many.
    pub dropped_groups: u64,
    /// Signals of behaviours that their budgets kept back.
    pub over_budget: u64,
}

impl Counters {
    /// Adds another part's counts.
    pub(crate) fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.unmapped += other.unmapped;
        self.signals += other.signals;
        self.weak += other.weak;
        self.allowed += other.allowed;
        self.suppressed += other.suppressed;
        self.timeless += other.timeless;
        self.left_out += other.left_out;
        self.late += other.late;
        self.hurried += other.hurried;
        self.dropped_groups += other.dropped_groups;
        self.over_budget += other.over_budget;
    }
}
