//! Verdicts, alerts and imports become findings: one for each what and where.
//! Where findings are kept is the store's business, who is told of them `crate::routes`'.
//!
//! Folding is idempotent and streams: the same scan, the same alerts, in whole, in parts or once
//! more after being killed, leave the same findings behind.

pub(crate) mod accounts;
mod alerts;
mod cause;
pub(crate) mod expression;
pub mod imports;
mod keeper;
mod observation;
pub mod rank;
mod rules;
mod scan;
pub mod spend;
mod subject;
mod traits;

use std::collections::BTreeMap;
use std::sync::Arc;

use yagura_content::Content;
use yagura_model::finding::{FindingState, NoticedAs};

/// Folds what stages saw into findings, as the site's content and rules say.
#[derive(Clone, Debug)]
pub struct Fold {
    pub(crate) content: Arc<Content>,
}

/// What folding did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// Findings that were not there before.
    pub opened: u64,
    /// Findings that were over, or accepted until a date that has come, and are here again.
    pub reopened: u64,
    /// Findings that are worse than before.
    pub raised: u64,
    /// Findings that were open and still are, also those that are worse now.
    pub still_open: u64,
    /// Findings that were seen and are accepted until a date.
    pub suppressed: u64,
    /// Findings that are over.
    pub resolved: u64,
    /// Suppressions whose date has come.
    pub suppressions_ended: u64,
    /// Automation rules whose condition had no result for some finding, and why.
    pub problems: BTreeMap<String, String>,
}

impl Fold {
    /// With the content whose controls and detections are folded, and the site's rules.
    pub fn new(content: Arc<Content>) -> Self {
        Self { content }
    }
}

impl Folded {
    /// Whether no finding was seen and none is over.
    pub fn is_empty(&self) -> bool {
        self.opened + self.reopened + self.still_open + self.suppressed + self.resolved == 0
    }

    fn count(&mut self, what: NoticedAs, before: Option<FindingState>, accepted: bool) {
        match what {
            _ if accepted => self.suppressed += 1,
            NoticedAs::Opened => self.opened += 1,
            NoticedAs::Reopened => self.reopened += 1,
            NoticedAs::Raised => {
                self.raised += 1;
                self.still_open += 1;
            }
            NoticedAs::Seen => match before {
                Some(FindingState::Suppressed) => self.suppressed += 1,
                Some(FindingState::Resolved) | None => {}
                Some(FindingState::New | FindingState::Acknowledged | FindingState::InProgress) => {
                    self.still_open += 1;
                }
            },
        }
    }
}

impl std::ops::AddAssign for Folded {
    fn add_assign(&mut self, more: Self) {
        self.opened += more.opened;
        self.reopened += more.reopened;
        self.raised += more.raised;
        self.still_open += more.still_open;
        self.suppressed += more.suppressed;
        self.resolved += more.resolved;
        self.suppressions_ended += more.suppressions_ended;
        self.problems.extend(more.problems);
    }
}
