//! Which of the words that people gave about a requirement is in force.
//! How counts and words become a state is the model's; what they are gathered into is in
//! `score.rs`.

use jiff::Timestamp;
use yagura_model::{Attestation, UnknownCause};

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
    use yagura_model::RequirementState::{self, Met};

    use super::*;

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
