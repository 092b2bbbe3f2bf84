//! The rules by which counts of verdicts, and what a person attests, become a state; and what a
//! score is to somebody who may see some accounts only.
//! Where the counts come from is judge's business.

use super::{
    Attestation, FrameworkScore, RequirementScore, RequirementState, StateCounts, UnknownCause,
    VerdictCounts,
};
use crate::finding::Scope;

impl VerdictCounts {
    /// What measuring says.
    ///
    /// Failures that nobody accepted decide first: without any pass beside them the requirement is
    /// not met, with passes it is met in part. Without failures, one unknown verdict leaves it
    /// unknown. A failure with an exception in force is a risk that somebody answers for: it
    /// neither fails nor passes, so that "met with 3 exceptions" is shown where everything else
    /// passes. Where nothing applies, nothing was measured.
    pub fn state(&self) -> RequirementState {
        match self {
            Self { fail: 1.., pass: 0, .. } => RequirementState::NotMet,
            Self { fail: 1.., .. } => RequirementState::Partly,
            Self { unknown: 1.., .. } => RequirementState::Unknown,
            Self { pass: 0, excepted: 0, .. } => RequirementState::Unknown,
            _ => RequirementState::Met,
        }
    }

    /// The same of a requirement of which controls may answer only a part: with all of them
    /// passing, the rest is still open.
    pub fn state_of(&self, partial: bool) -> RequirementState {
        match self.state() {
            RequirementState::Met if partial => RequirementState::Unknown,
            state => state,
        }
    }
}

impl RequirementScore {
    /// Works the states out from counts, attestation, and whether measuring answers all of it.
    pub fn settle(&mut self) {
        self.measured = self.counts.state_of(self.partial);
        (self.state, self.attested) = self.measured.with_word(self.attestation.as_ref());
        self.why_unknown.retain(|cause| *cause != UnknownCause::RestManual);
        if self.partial && self.counts.state() == RequirementState::Met {
            self.why_unknown.insert(0, UnknownCause::RestManual);
        }
    }

    /// Whether nothing but a person's word can say more.
    pub fn waits_for_word(&self) -> bool {
        use UnknownCause::{AwsPart, Manual, RestManual};
        self.why_unknown.iter().any(|cause| matches!(cause, Manual | RestManual | AwsPart))
    }
}

impl RequirementState {
    /// What is shown of a measured state beside a person's word, and whether it rests on the word.
    ///
    /// A person's word fills in what could not be measured, and may be stricter than what was: who
    /// attests *not met* knows of something no API answers. It never outvotes a failure that was
    /// measured; that takes an exception.
    #[must_use]
    pub fn with_word(self, word: Option<&Attestation>) -> (Self, bool) {
        use RequirementState::{Met, NotApplicable, NotMet, Partly, Unknown};
        let Some(attested) = word.map(|word| word.state) else {
            return (self, false);
        };
        match (self, attested) {
            (Unknown, Met | NotMet | Partly | NotApplicable) => (attested, true),
            (Met, NotMet | Partly) => (attested, true),
            (Met | Partly | NotMet | NotApplicable, _) | (Unknown, Unknown) => (self, false),
        }
    }
}

impl FrameworkScore {
    /// The score that the accounts of a scope alone give: nothing in it comes from others. What a
    /// person attests is said of the organization and stays.
    #[must_use]
    pub fn within(mut self, scope: &Scope) -> Self {
        if *scope == Scope::All {
            return self;
        }
        self.states = StateCounts::default();
        for requirement in &mut self.requirements {
            cut(requirement, scope);
            self.states.add(requirement);
        }
        self.accounts.retain(|one| scope.admits(&one.account));
        self.counts = VerdictCounts::default();
        self.accounts.iter().for_each(|one| self.counts.add(&one.counts));
        self
    }
}

fn cut(requirement: &mut RequirementScore, scope: &Scope) {
    requirement.accounts.retain(|one| scope.admits(&one.account));
    requirement.failing.retain(|one| scope.admits(&one.account));
    let mut counts = VerdictCounts::default();
    requirement.accounts.iter().for_each(|one| counts.add(&one.counts));
    requirement.counts = counts;
    requirement.settle();
    // Causes do not say whose they are: without an unknown verdict none of them is of this scope.
    requirement.why_unknown.retain_mut(|cause| match cause {
        UnknownCause::Unread { verdicts, .. } => {
            *verdicts = (*verdicts).min(counts.unknown);
            counts.unknown > 0
        }
        _ => true,
    });
    if requirement.why_unknown.is_empty() && counts.applicable() == 0 {
        requirement.why_unknown.push(UnknownCause::NothingApplicable);
    }
}

#[cfg(test)]
mod tests {
    use super::RequirementState::{Met, NotApplicable, NotMet, Partly, Unknown};
    use super::*;
    use crate::{AccountRequirement, AccountScore, UnreadReason};

    fn check(pass: u64, fail: u64, excepted: u64, unknown: u64, expected: RequirementState) {
        let counts = VerdictCounts { pass, fail, excepted, not_applicable: 9, unknown };
        assert_eq!(counts.state(), expected, "{counts:?}");
    }

    #[test]
    fn counts_become_the_state_an_auditor_expects() {
        check(0, 0, 0, 0, Unknown);
        check(1, 0, 0, 0, Met);
        check(1, 0, 2, 0, Met);
        check(0, 0, 2, 0, Met);
        check(0, 1, 0, 0, NotMet);
        check(0, 1, 1, 1, NotMet);
        check(1, 1, 0, 0, Partly);
        check(9, 1, 0, 9, Partly);
        check(9, 0, 0, 1, Unknown);
        check(0, 0, 1, 1, Unknown);
    }

    fn attestation(state: RequirementState) -> Attestation {
        Attestation {
            state,
            by: "Aiko".to_owned(),
            reason: "seen".to_owned(),
            evidence: String::new(),
            expires: "2027-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_word_fills_in_but_never_outvotes_a_measured_failure() {
        for (measured, attested, expected) in [
            (Unknown, Met, (Met, true)),
            (Unknown, NotApplicable, (NotApplicable, true)),
            (Unknown, NotMet, (NotMet, true)),
            (Met, NotMet, (NotMet, true)),
            (Met, Met, (Met, false)),
            (Met, NotApplicable, (Met, false)),
            (NotMet, Met, (NotMet, false)),
            (NotMet, NotApplicable, (NotMet, false)),
            (Partly, Met, (Partly, false)),
        ] {
            let word = attestation(attested);
            assert_eq!(measured.with_word(Some(&word)), expected, "{measured:?} {attested:?}");
        }
        assert_eq!(Unknown.with_word(None), (Unknown, false));
    }

    /// One requirement: account 1 passes, account 2 fails and has something unread.
    fn score() -> FrameworkScore {
        let one = VerdictCounts { pass: 2, ..VerdictCounts::default() };
        let two = VerdictCounts { fail: 3, unknown: 1, ..VerdictCounts::default() };
        let mut both = one;
        both.add(&two);
        let own = |account: &str, counts: VerdictCounts| AccountRequirement {
            account: account.to_owned(),
            state: counts.state(),
            counts,
        };
        let requirement = RequirementScore {
            framework: "f".to_owned(),
            id: "1".to_owned(),
            state: Partly,
            attested: false,
            measured: Partly,
            partial: false,
            attestation: None,
            counts: both,
            controls: vec!["s3.bucket_encrypted".to_owned()],
            controls_not_selected: vec![],
            failing: vec![],
            why_unknown: vec![UnknownCause::Unread {
                reason: UnreadReason::Denied,
                call: "s3:GetBucketPolicy".to_owned(),
                action: "s3:GetBucketPolicy".to_owned(),
                verdicts: 1,
            }],
            accounts: vec![own("1", one), own("2", two)],
        };
        let account = |account: &str, counts| AccountScore {
            account: account.to_owned(),
            states: StateCounts::default(),
            counts,
        };
        FrameworkScore {
            framework: "f".to_owned(),
            requirements: vec![requirement],
            states: StateCounts { partly: 1, ..StateCounts::default() },
            counts: both,
            accounts: vec![account("1", one), account("2", two)],
        }
    }

    #[test]
    fn a_score_within_a_scope_knows_nothing_of_other_accounts() {
        let of = |account: &str| Scope::Accounts([account.to_owned()].into());
        let first = score().within(&of("1"));
        assert_eq!((first.states.met, first.states.partly, first.counts.fail), (1, 0, 0));
        assert!(first.requirements[0].why_unknown.is_empty());
        assert_eq!(first.accounts.len(), 1);
        let second = score().within(&of("2"));
        assert_eq!((second.states.not_met, second.counts.pass), (1, 0));
        assert_eq!(second.requirements[0].why_unknown.len(), 1);
        let none = score().within(&Scope::Accounts(std::collections::BTreeSet::new()));
        assert_eq!(none.states.unknown, 1);
        assert_eq!(none.requirements[0].why_unknown, [UnknownCause::NothingApplicable]);
        assert_eq!(score().within(&Scope::All), score());
    }
}
