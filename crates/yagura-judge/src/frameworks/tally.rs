//! Verdicts counted by control and account while they stream by, in memory that does not grow
//! with the number of resources. What the counts mean for a requirement is in `score.rs`.

use std::collections::BTreeMap;

use yagura_model::{
    FailingExample, RequirementScore, UnknownCause, UnreadReason, Verdict, VerdictCounts,
    VerdictStatus,
};

/// Different causes of unknown verdicts that are kept apart for one control; calls and actions
/// are few, so that reaching this means something is off, and the rest is then counted together.
const CAUSES_MAX: usize = 200;

/// What the verdicts of a scan add up to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    controls: BTreeMap<String, ControlTally>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ControlTally {
    pub(crate) accounts: BTreeMap<String, VerdictCounts>,
    /// The worst failures, worst first.
    pub(crate) failing: Vec<FailingExample>,
    /// Reason, call and action, and how many verdicts name them.
    pub(crate) causes: BTreeMap<(UnreadReason, String, String), u64>,
}

impl Tally {
    /// A tally for the controls that are judged. Those that find nothing to speak about must be
    /// named too: they ran, which is not the same as having been left out.
    pub fn new<'c>(judged: impl IntoIterator<Item = &'c str>) -> Self {
        let controls =
            judged.into_iter().map(|id| (id.to_owned(), ControlTally::default())).collect();
        Self { controls }
    }

    /// Counts one verdict.
    pub fn add(&mut self, verdict: &Verdict) {
        let control = match self.controls.get_mut(&verdict.control) {
            Some(control) => control,
            None => self.controls.entry(verdict.control.clone()).or_default(),
        };
        if !control.accounts.contains_key(&verdict.account) {
            control.accounts.insert(verdict.account.clone(), VerdictCounts::default());
        }
        let Some(counts) = control.accounts.get_mut(&verdict.account) else { return };
        match verdict.status {
            VerdictStatus::Pass => counts.pass += 1,
            VerdictStatus::NotApplicable => counts.not_applicable += 1,
            VerdictStatus::Fail if verdict.exception.is_some() => counts.excepted += 1,
            VerdictStatus::Fail => {
                counts.fail += 1;
                control.keep_example(verdict);
            }
            VerdictStatus::Unknown => {
                counts.unknown += 1;
                control.note_causes(verdict);
            }
        }
    }

    pub(crate) fn control(&self, id: &str) -> Option<&ControlTally> {
        self.controls.get(id)
    }
}

impl ControlTally {
    /// INVARIANT: the result does not depend on the order in which verdicts come.
    fn keep_example(&mut self, verdict: &Verdict) {
        let full = self.failing.len() >= RequirementScore::EXAMPLES_MAX;
        if full && self.failing.last().is_some_and(|last| !is_worse(verdict, last)) {
            return;
        }
        let at = self.failing.partition_point(|other| !is_worse(verdict, other));
        self.failing.insert(
            at,
            FailingExample {
                control: verdict.control.clone(),
                severity: verdict.severity,
                key: verdict.key.clone(),
                name: verdict.name.clone(),
                account: verdict.account.clone(),
                region: verdict.region.clone(),
            },
        );
        self.failing.truncate(RequirementScore::EXAMPLES_MAX);
    }

    fn note_causes(&mut self, verdict: &Verdict) {
        let mut named = Vec::new();
        for unread in &verdict.unread {
            let mut cause = (unread.reason, unread.call.clone(), unread.action.clone());
            if !self.causes.contains_key(&cause) && self.causes.len() >= CAUSES_MAX {
                cause = (unread.reason, String::new(), String::new());
            }
            if !named.contains(&cause) {
                *self.causes.entry(cause.clone()).or_default() += 1;
                named.push(cause);
            }
        }
    }

    pub(crate) fn unknown_causes(&self) -> impl Iterator<Item = UnknownCause> + '_ {
        self.causes.iter().map(|((reason, call, action), verdicts)| UnknownCause::Unread {
            reason: *reason,
            call: call.clone(),
            action: action.clone(),
            verdicts: *verdicts,
        })
    }
}

/// By severity, then by key, so that the same scan always shows the same examples.
fn is_worse(verdict: &Verdict, other: &FailingExample) -> bool {
    (std::cmp::Reverse(verdict.severity), verdict.key.as_str(), verdict.account.as_str())
        < (std::cmp::Reverse(other.severity), other.key.as_str(), other.account.as_str())
}
