//! What a report is made from: one scan's verdicts, scores and gaps, and for whom it is written.
//! How it looks is decided by the writers beside it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use yagura_model::{
    Coverage, FrameworkScore, Lang, Severity, Verdict, VerdictCounts, VerdictStatus, finding_id,
};

use crate::catalog::Catalog;
use crate::clean::clean;
use crate::compare::Comparison;

/// One scan, ready to be written in any format.
pub struct ScanReport<'a> {
    /// When, where and how much was read.
    pub scan: ScanMeta,
    /// Titles, reasons, fixes and requirements.
    pub catalog: &'a Catalog,
    /// The scores to show, the checklist among them, in the order they are shown.
    pub scores: &'a [FrameworkScore],
    /// Counts over all verdicts of the scan, also over those that are not in `verdicts`.
    pub tally: Tally,
    /// Failures (accepted ones too) and unknowns, in any order; passes and *not applicable* only
    /// where the reader asked for all.
    pub verdicts: &'a [Verdict],
    /// Which listings were complete.
    pub coverage: &'a [Coverage],
    /// What changed since a former scan, where the reader asked for it.
    pub comparison: Option<&'a Comparison>,
    /// For whom the report is written. HTML holds both languages and opens in this one.
    pub lang: Lang,
}

/// When, where and how much a scan read.
#[derive(Clone, Debug)]
pub struct ScanMeta {
    /// The scan's id in the store; empty where it was not stored.
    pub id: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// Whether it ended before everything was read (interrupted or failed).
    pub partial: bool,
    /// Whether the data is the recorded sample organization and not the reader's own.
    pub demo: bool,
    /// The accounts that were scanned.
    pub accounts: Vec<AccountMeta>,
    /// The regions that were scanned.
    pub regions: Vec<String>,
    /// How many resources were read.
    pub resources: u64,
    /// How many calls to AWS were made; 0 where the resources came from a file or the store.
    pub calls: u64,
    /// The version of Yagura that writes the report.
    pub version: String,
}

/// One account, as the organization names it.
#[derive(Clone, Debug, Default)]
pub struct AccountMeta {
    /// Twelve digits.
    pub id: String,
    /// Its name in the organization; empty where it is not known.
    pub name: String,
    /// Its organizational unit, as a path (`Root/Workloads/Production`); empty where unknown.
    pub ou: String,
}

impl ScanMeta {
    /// An account's name for a reader: cleaned, and the id where it has no name.
    pub(crate) fn account_name<'a>(&'a self, id: &'a str) -> Cow<'a, str> {
        let name = self.accounts.iter().find(|account| account.id == id);
        match name.map(|account| account.name.as_str()) {
            None | Some("") => clean(id),
            Some(name) => clean(name),
        }
    }

    /// How long the scan took, in seconds.
    pub(crate) fn seconds(&self) -> i64 {
        self.finished.as_second().saturating_sub(self.started.as_second()).max(0)
    }
}

/// How a verdict stands, with accepted failures apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Standing {
    /// Not as it should be.
    Fail,
    /// It cannot be said.
    Unknown,
    /// Not as it should be, with an exception in force.
    Accepted,
    /// As it should be.
    Pass,
    /// The control does not speak about the resource.
    NotApplicable,
}

impl Standing {
    pub(crate) const ALL: [Self; 5] =
        [Self::Fail, Self::Unknown, Self::Accepted, Self::Pass, Self::NotApplicable];

    pub(crate) fn of(verdict: &Verdict) -> Self {
        match verdict.status {
            VerdictStatus::Fail if verdict.exception.is_some() => Self::Accepted,
            VerdictStatus::Fail => Self::Fail,
            VerdictStatus::Unknown => Self::Unknown,
            VerdictStatus::Pass => Self::Pass,
            VerdictStatus::NotApplicable => Self::NotApplicable,
        }
    }

    /// The word used in files; `report.status.<word>` is the word for a reader.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::Pass => "pass",
            Self::NotApplicable => "not_applicable",
        }
    }
}

/// The identity of the finding behind a verdict; it stays the same from scan to scan.
pub(crate) fn verdict_id(verdict: &Verdict) -> String {
    finding_id("control", &verdict.control, &verdict.key, "")
}

/// What a person calls the resource of a verdict: its name, else its key. Cleaned.
pub(crate) fn resource_name(verdict: &Verdict) -> Cow<'_, str> {
    if verdict.name.is_empty() { clean(&verdict.key) } else { clean(&verdict.name) }
}

/// Worst first: severity, then control, account, region, key. A total order, so that two runs
/// over the same verdicts write the same bytes.
pub(crate) fn worst_first(a: &Verdict, b: &Verdict) -> std::cmp::Ordering {
    Standing::of(a)
        .cmp(&Standing::of(b))
        .then_with(|| b.severity.cmp(&a.severity))
        .then_with(|| a.control.cmp(&b.control))
        .then_with(|| a.account.cmp(&b.account))
        .then_with(|| a.region.cmp(&b.region))
        .then_with(|| a.key.cmp(&b.key))
}

/// Counts over all verdicts of a scan, added up while they stream by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All verdicts.
    pub counts: VerdictCounts,
    /// Verdicts by account.
    pub accounts: BTreeMap<String, AccountTally>,
    /// Verdicts by control.
    pub controls: BTreeMap<String, VerdictCounts>,
    /// Open failures by severity.
    pub failures: BTreeMap<Severity, u64>,
}

/// Counts over the verdicts of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountTally {
    /// All verdicts of the account.
    pub counts: VerdictCounts,
    /// Its open failures by severity.
    pub failures: BTreeMap<Severity, u64>,
}

impl Tally {
    /// Counts some verdicts.
    pub fn of<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>) -> Self {
        let mut tally = Self::default();
        for verdict in verdicts {
            tally.add(verdict);
        }
        tally
    }

    /// Counts one verdict.
    pub fn add(&mut self, verdict: &Verdict) {
        let one = count_of(verdict);
        self.counts.add(&one);
        if !self.controls.contains_key(&verdict.control) {
            self.controls.insert(verdict.control.clone(), VerdictCounts::default());
        }
        if let Some(counts) = self.controls.get_mut(&verdict.control) {
            counts.add(&one);
        }
        if !self.accounts.contains_key(&verdict.account) {
            self.accounts.insert(verdict.account.clone(), AccountTally::default());
        }
        if let Some(account) = self.accounts.get_mut(&verdict.account) {
            account.counts.add(&one);
            if one.fail > 0 {
                *account.failures.entry(verdict.severity).or_default() += 1;
            }
        }
        if one.fail > 0 {
            *self.failures.entry(verdict.severity).or_default() += 1;
        }
    }
}

fn count_of(verdict: &Verdict) -> VerdictCounts {
    let mut counts = VerdictCounts::default();
    *match Standing::of(verdict) {
        Standing::Fail => &mut counts.fail,
        Standing::Unknown => &mut counts.unknown,
        Standing::Accepted => &mut counts.excepted,
        Standing::Pass => &mut counts.pass,
        Standing::NotApplicable => &mut counts.not_applicable,
    } = 1;
    counts
}
