//! The rules by which counts of verdicts, and what a person attests, become a state.
//! Where the counts come from is in `tally.rs`, what they are gathered into in `score.rs`.

use jiff::Timestamp;
use yagura_model::{Attestation, RequirementState, UnknownCause, VerdictCounts};

/// What measuring says.
///
/// Failures that nobody accepted decide first: without any pass beside them the requirement is
/// not met, with passes it is met in part. Without failures, one unknown verdict leaves it
/// unknown. A failure with an exception in force is a risk that somebody answers for: it neither
/// fails nor passes, so that "met with 3 exceptions" is shown where everything else passes.
/// Where nothing applies, nothing was measured.
pub(crate) fn measured(counts: &VerdictCounts) -> RequirementState {
    match counts {
        VerdictCounts { fail: 1.., pass: 0, .. } => RequirementState::NotMet,
        VerdictCounts { fail: 1.., .. } => RequirementState::Partly,
        VerdictCounts { unknown: 1.., .. } => RequirementState::Unknown,
        VerdictCounts { pass: 0, excepted: 0, .. } => RequirementState::Unknown,
        _ => RequirementState::Met,
    }
}

/// What is shown: the state, and whether it rests on the attestation.
///
/// A person's word fills in what could not be measured, and may be stricter than what was: who
/// attests *not met* knows of something no API answers. It never outvotes a failure that was
/// measured; that takes an exception.
pub(crate) fn shown(
    measured: RequirementState,
    attestation: Option<&Attestation>,
) -> (RequirementState, bool) {
    use RequirementState::{Met, NotApplicable, NotMet, Partly, Unknown};
    let Some(attested) = attestation.map(|attestation| attestation.state) else {
        return (measured, false);
    };
    match (measured, attested) {
        (Unknown, Met | NotMet | Partly | NotApplicable) => (attested, true),
        (Met, NotMet | Partly) => (attested, true),
        (Met | Partly | NotMet | NotApplicable, _) | (Unknown, Unknown) => (measured, false),
    }
}

/// The attestation in force, and why one that was given is not.
pub(crate) fn in_force<'c>(
    attestations: impl Iterator<Item = &'c Attestation>,
    now: Timestamp,
) -> (Option<&'c Attestation>, Option<UnknownCause>) {
    let latest = attestations.max_by_key(|attestation| attestation.expires);
    match latest {
        Some(attestation) if attestation.expires > now => (Some(attestation), None),
        Some(expired) => {
            let cause = UnknownCause::AttestationExpired {
                by: expired.by.clone(),
                expired: expired.expires,
            };
            (None, Some(cause))
        }
        None => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::RequirementState::{Met, NotApplicable, NotMet, Partly, Unknown};
    use super::*;

    fn check(pass: u64, fail: u64, excepted: u64, unknown: u64, expected: RequirementState) {
        let counts = VerdictCounts { pass, fail, excepted, not_applicable: 9, unknown };
        assert_eq!(measured(&counts), expected, "{counts:?}");
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

    fn attestation(state: RequirementState, expires: &str) -> Attestation {
        Attestation {
            state,
            by: "Aiko".to_owned(),
            reason: "seen".to_owned(),
            evidence: String::new(),
            expires: expires.parse().unwrap(),
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
            let word = attestation(attested, "2027-01-01T00:00:00Z");
            assert_eq!(shown(measured, Some(&word)), expected, "{measured:?} {attested:?}");
        }
        assert_eq!(shown(Unknown, None), (Unknown, false));
    }

    #[test]
    fn an_expired_word_is_named_and_does_not_count() {
        let now = "2026-11-21T00:00:00Z".parse().unwrap();
        let old = attestation(Met, "2026-11-21T00:00:00Z");
        let new = attestation(Met, "2026-11-22T00:00:00Z");
        let (found, cause) = in_force([&old].into_iter(), now);
        assert_eq!(found, None);
        assert!(matches!(cause, Some(UnknownCause::AttestationExpired { .. })));
        assert_eq!(in_force([&new, &old].into_iter(), now), (Some(&new), None));
        assert_eq!(in_force([].into_iter(), now), (None, None));
    }
}
