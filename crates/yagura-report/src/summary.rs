//! What a person wants to know first: the worst problems, and what could not be read.
//! Computed once for every writer for people; nothing is worded or drawn here.

use std::collections::{BTreeMap, BTreeSet};

use yagura_model::{OTHER_ACCOUNTS, Severity, Unread, UnreadReason, Verdict};

use crate::catalog::ControlEntry;
use crate::scan_report::{ScanReport, Standing, worst_first};

/// The order and grouping that the terminal and the HTML report share.
pub(crate) struct Summary<'a> {
    /// Controls with open failures: worst severity first, then most resources.
    pub(crate) problems: Vec<Problem<'a>>,
    /// Controls with unknown verdicts, most first.
    pub(crate) doubts: Vec<Problem<'a>>,
    /// Failures with an exception in force.
    pub(crate) accepted: Vec<&'a Verdict>,
    /// What could not be read, named once each: most verdicts first.
    pub(crate) gaps: Vec<Gap<'a>>,
}

/// The verdicts of one control that share a standing.
pub(crate) struct Problem<'a> {
    /// The control's id.
    pub(crate) control: &'a str,
    /// What the catalog says about it.
    pub(crate) entry: Option<&'a ControlEntry>,
    /// The worst severity among the verdicts.
    pub(crate) severity: Severity,
    /// The verdicts, by account, region and key.
    pub(crate) verdicts: Vec<&'a Verdict>,
}

impl Problem<'_> {
    pub(crate) fn accounts(&self) -> u64 {
        let accounts: BTreeSet<_> = self.verdicts.iter().map(|verdict| &verdict.account).collect();
        accounts.len() as u64
    }
}

/// Something that could not be read, wherever it was missing.
pub(crate) struct Gap<'a> {
    /// Why.
    pub(crate) reason: UnreadReason,
    /// The call that did not answer (`s3:GetBucketEncryption`); may be empty.
    pub(crate) call: &'a str,
    /// The missing IAM action, where that is the reason; may be empty.
    pub(crate) action: &'a str,
    /// What AWS answered, of the first occurrence.
    pub(crate) detail: &'a str,
    /// In which accounts.
    pub(crate) accounts: BTreeSet<&'a str>,
    /// In which regions.
    pub(crate) regions: BTreeSet<&'a str>,
    /// How many unknown verdicts name it.
    pub(crate) verdicts: u64,
}

impl Gap<'_> {
    /// What to name: the action that is missing, else the call that failed, else what was said.
    pub(crate) fn subject(&self) -> &str {
        match (self.action, self.call) {
            ("", "") => self.detail,
            ("", call) => call,
            (action, _) => action,
        }
    }

    /// Whether no call is to blame: an expression of a control could not be evaluated.
    pub(crate) fn is_evaluation(&self) -> bool {
        self.reason == UnreadReason::Failed && self.call.is_empty() && self.action.is_empty()
    }
}

impl<'a> Summary<'a> {
    pub(crate) fn of(report: &ScanReport<'a>) -> Self {
        let mut failing = BTreeMap::new();
        let mut unknown = BTreeMap::new();
        let mut accepted = Vec::new();
        for verdict in report.verdicts {
            match Standing::of(verdict) {
                Standing::Fail => group(report, &mut failing, verdict),
                Standing::Unknown => group(report, &mut unknown, verdict),
                Standing::Accepted => accepted.push(verdict),
                Standing::Pass | Standing::NotApplicable => {}
            }
        }
        accepted.sort_by(|a, b| worst_first(a, b));
        let mut problems = sorted(failing);
        problems.sort_by(|a, b| {
            b.severity
                .cmp(&a.severity)
                .then_with(|| b.verdicts.len().cmp(&a.verdicts.len()))
                .then_with(|| a.control.cmp(b.control))
        });
        let mut doubts = sorted(unknown);
        doubts.sort_by(|a, b| {
            b.verdicts.len().cmp(&a.verdicts.len()).then_with(|| a.control.cmp(b.control))
        });
        Self { problems, doubts, accepted, gaps: gaps(report) }
    }
}

fn group<'a>(
    report: &ScanReport<'a>,
    into: &mut BTreeMap<&'a str, Problem<'a>>,
    verdict: &'a Verdict,
) {
    let control = verdict.control.as_str();
    let problem = into.entry(control).or_insert_with(|| Problem {
        control,
        entry: report.catalog.controls.get(control),
        severity: verdict.severity,
        verdicts: Vec::new(),
    });
    problem.severity = problem.severity.max(verdict.severity);
    problem.verdicts.push(verdict);
}

fn sorted<'a>(groups: BTreeMap<&'a str, Problem<'a>>) -> Vec<Problem<'a>> {
    let mut problems: Vec<_> = groups.into_values().collect();
    for problem in &mut problems {
        problem.verdicts.sort_by(|a, b| worst_first(a, b));
    }
    problems
}

/// Gathers the unread parts of the unknown verdicts and of the listings. What nobody asked for is
/// not a gap.
fn gaps<'a>(report: &ScanReport<'a>) -> Vec<Gap<'a>> {
    let mut by_cause: BTreeMap<(UnreadReason, &str, &str), Gap<'a>> = BTreeMap::new();
    let mut note = |unread: &'a Unread, account: &'a str, region: &'a str, verdicts: u64| {
        if unread.reason == UnreadReason::NotRequested {
            return;
        }
        // Denied calls are told apart by the action to grant; several calls may need the same.
        let call = match (unread.action.as_str(), unread.call.as_str()) {
            ("", "") => unread.detail.as_str(),
            ("", call) => call,
            _ => "",
        };
        let cause = (unread.reason, unread.action.as_str(), call);
        let gap = by_cause.entry(cause).or_insert_with(|| Gap {
            reason: unread.reason,
            call: &unread.call,
            action: &unread.action,
            detail: &unread.detail,
            accounts: BTreeSet::new(),
            regions: BTreeSet::new(),
            verdicts: 0,
        });
        gap.accounts.insert(account);
        gap.regions.insert(region);
        gap.verdicts += verdicts;
    };
    // Of accounts that could not be listed the verdicts say where it matters.
    for coverage in report.coverage.iter().filter(|one| one.account != OTHER_ACCOUNTS) {
        if let Some(unread) = coverage.state.unread() {
            note(unread, &coverage.account, &coverage.region, 0);
        }
    }
    for verdict in report.verdicts {
        if Standing::of(verdict) == Standing::Unknown {
            for (at, unread) in verdict.unread.iter().enumerate() {
                let cause = |u: &'a Unread| (u.reason, u.action.as_str(), u.call.as_str());
                let again = verdict.unread.iter().take(at).any(|u| cause(u) == cause(unread));
                note(unread, &verdict.account, &verdict.region, u64::from(!again));
            }
        }
    }
    let mut gaps: Vec<_> = by_cause.into_values().collect();
    gaps.sort_by(|a, b| {
        b.verdicts
            .cmp(&a.verdicts)
            .then_with(|| a.reason.cmp(&b.reason))
            .then_with(|| a.subject().cmp(b.subject()))
    });
    gaps
}
