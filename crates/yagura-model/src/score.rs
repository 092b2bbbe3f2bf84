//! How well a framework's requirements are met: the states an auditor reads, and what is behind
//! them. The rules by which counts become a state are in `rule.rs`; gathering the counts is
//! judge's, showing them report's and the console's.

mod rule;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::severity::Severity;
use crate::unread::UnreadReason;

/// Whether a requirement (or an item of the checklist) is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequirementState {
    /// Everything that was measured is as it should be (failures with an exception in force are
    /// counted apart in [`VerdictCounts::excepted`]: "met with 3 exceptions").
    Met,
    /// Some of it is, some is not.
    Partly,
    /// Nothing that was measured is as it should be.
    NotMet,
    /// It cannot be said; see [`RequirementScore::why_unknown`].
    Unknown,
    /// A person attests that the requirement does not concern this organization. Measuring alone
    /// never answers this.
    NotApplicable,
}

impl RequirementState {
    /// The word used in files and outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Partly => "partly",
            Self::NotMet => "not_met",
            Self::Unknown => "unknown",
            Self::NotApplicable => "not_applicable",
        }
    }
}

/// How many verdicts of each kind are behind a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerdictCounts {
    /// As it should be.
    pub pass: u64,
    /// Not as it should be, and nobody has accepted it.
    pub fail: u64,
    /// Not as it should be, with an exception in force. Never part of `pass` nor of `fail`.
    pub excepted: u64,
    /// The control does not speak about the resource.
    pub not_applicable: u64,
    /// It could not be said.
    pub unknown: u64,
}

impl VerdictCounts {
    /// Adds the counts of another.
    pub fn add(&mut self, other: &Self) {
        self.pass += other.pass;
        self.fail += other.fail;
        self.excepted += other.excepted;
        self.not_applicable += other.not_applicable;
        self.unknown += other.unknown;
    }

    /// Verdicts that say something about a resource: all but *not applicable*.
    pub fn applicable(&self) -> u64 {
        self.pass + self.fail + self.excepted + self.unknown
    }
}

/// What a person states about a requirement that no API can answer, until a date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// What is attested: met, not met or not applicable.
    pub state: RequirementState,
    /// Who states it.
    pub by: String,
    /// Why it is so.
    pub reason: String,
    /// Where the proof is (a link or a document's name); empty if none was given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub evidence: String,
    /// Until when the statement holds.
    pub expires: Timestamp,
}

/// Why a requirement's state is unknown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownCause {
    /// No control serves this requirement yet, and nobody has attested it.
    NotCovered,
    /// No API can answer it, and nobody has attested it.
    Manual,
    /// What an API can answer is as it should be; nobody has attested the rest.
    RestManual,
    /// It is AWS's to do; its reports prove it, and nobody has attested having read them.
    AwsPart,
    /// The site has switched off every control that serves it, or the scan left them out.
    NotSelected,
    /// Its controls ran and none of them found a resource that it speaks about.
    NothingApplicable,
    /// An attestation was given, and has expired.
    AttestationExpired {
        /// Who had stated it.
        by: String,
        /// When it ended.
        expired: Timestamp,
    },
    /// Something could not be read, or a control could not be evaluated.
    Unread {
        /// Why.
        reason: UnreadReason,
        /// The call that did not answer; empty where no call is to blame.
        call: String,
        /// The IAM action that is missing, where that is the reason.
        action: String,
        /// How many unknown verdicts name this cause.
        verdicts: u64,
    },
}

/// One failure behind a state, to show and to link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailingExample {
    /// The control that failed.
    pub control: String,
    /// Its severity, after the site's overrides.
    pub severity: Severity,
    /// The resource's key.
    pub key: String,
    /// What a person calls the resource.
    pub name: String,
    /// Twelve digits.
    pub account: String,
    /// A region's name or `global`.
    pub region: String,
}

/// What one account contributes to a requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountRequirement {
    /// Twelve digits.
    pub account: String,
    /// The state as measured in this account alone; attestations do not enter.
    pub state: RequirementState,
    /// The verdicts behind it.
    pub counts: VerdictCounts,
}

/// How well one requirement is met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequirementScore {
    /// The framework's id.
    pub framework: String,
    /// The requirement's id within the framework.
    pub id: String,
    /// The state to show: measured, or attested where `attested` is true.
    pub state: RequirementState,
    /// Whether `state` rests on the attestation and not on measurement.
    pub attested: bool,
    /// What measuring alone says.
    pub measured: RequirementState,
    /// Whether controls answer only a part of it, so that measuring alone never says that it is
    /// met.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// The attestation in force, also where a measurement outweighs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<Attestation>,
    /// The verdicts behind the measured state.
    pub counts: VerdictCounts,
    /// The ids of the controls that serve the requirement and were judged.
    pub controls: Vec<String>,
    /// The ids of controls that serve it and were switched off or left out of the scan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls_not_selected: Vec<String>,
    /// The worst failures, worst first; at most [`RequirementScore::EXAMPLES_MAX`] of them, the
    /// number of all is in `counts.fail`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failing: Vec<FailingExample>,
    /// Why it cannot be said, also beside a state that is known (a part was unread): most
    /// frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why_unknown: Vec<UnknownCause>,
    /// The accounts in which something applicable was found, by account id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<AccountRequirement>,
}

impl RequirementScore {
    /// How many failures are kept as examples.
    pub const EXAMPLES_MAX: usize = 10;
}

/// How many requirements are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateCounts {
    /// Met, measured or attested.
    pub met: u64,
    /// Partly met.
    pub partly: u64,
    /// Not met.
    pub not_met: u64,
    /// It cannot be said.
    pub unknown: u64,
    /// Attested as not applicable.
    pub not_applicable: u64,
    /// Of all the above, how many rest on an attestation.
    pub attested: u64,
    /// Of the unknown ones, how many wait for a person: no API can answer them.
    #[serde(default)]
    pub manual: u64,
}

impl StateCounts {
    /// Counts one requirement by its score.
    pub fn add(&mut self, requirement: &RequirementScore) {
        self.count(requirement.state, requirement.attested);
        let waits = requirement.state == RequirementState::Unknown && requirement.waits_for_word();
        self.manual += u64::from(waits);
    }

    /// Counts one requirement.
    pub fn count(&mut self, state: RequirementState, attested: bool) {
        let counter = match state {
            RequirementState::Met => &mut self.met,
            RequirementState::Partly => &mut self.partly,
            RequirementState::NotMet => &mut self.not_met,
            RequirementState::Unknown => &mut self.unknown,
            RequirementState::NotApplicable => &mut self.not_applicable,
        };
        *counter += 1;
        self.attested += u64::from(attested);
    }

    /// Requirements met, in whole percent (rounded down) of those that apply. Unknown ones stay
    /// in the denominator: what nobody could read does not raise a score. `None` where nothing
    /// applies.
    pub fn percent_met(&self) -> Option<u64> {
        let all = self.met + self.partly + self.not_met + self.unknown;
        (self.met * 100).checked_div(all)
    }
}

/// What one account contributes to a framework.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountScore {
    /// Twelve digits.
    pub account: String,
    /// The states of the requirements that found something applicable in this account.
    pub states: StateCounts,
    /// The verdicts behind them. A verdict that serves two requirements counts once.
    pub counts: VerdictCounts,
}

/// How well a framework is met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameworkScore {
    /// The framework's id.
    pub framework: String,
    /// Every requirement, in the framework's own order.
    pub requirements: Vec<RequirementScore>,
    /// How many requirements are in each state.
    pub states: StateCounts,
    /// The verdicts behind them. A verdict that serves two requirements counts once.
    pub counts: VerdictCounts,
    /// Per account, by account id.
    pub accounts: Vec<AccountScore>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_requirements_do_not_raise_the_percentage() {
        let mut states = StateCounts::default();
        assert_eq!(states.percent_met(), None);
        states.count(RequirementState::NotApplicable, true);
        assert_eq!(states.percent_met(), None);
        states.count(RequirementState::Met, false);
        states.count(RequirementState::Unknown, false);
        states.count(RequirementState::Unknown, false);
        assert_eq!(states.percent_met(), Some(33));
        assert_eq!(states.attested, 1);
    }
}
