//! What the delivery records prove, said to the frameworks: the checklist asks that somebody is
//! notified of every critical finding, and that delivery is proven.
//! A measured failure is never outvoted: the rules are those of every attestation.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use yagura_content::format::{Attestation, AttestedState, Expiry};
use yagura_content::{Content, Placed};
use yagura_respond::routes::{Notified, notified};
use yagura_store::Store;
use yagura_store::outbox::Proof;

/// The requirement that deliveries answer.
const FRAMEWORK: &str = "checklist";
const REQUIREMENT: &str = "response.notified";

/// The content, with what the records prove attested for a day. Where nothing is proven, or a
/// person has attested the requirement, it is as it was.
///
/// # Errors
/// Where the records cannot be read.
pub(crate) async fn attested<'c>(
    content: &'c Content,
    store: &Store,
    now: Timestamp,
) -> anyhow::Result<Cow<'c, Content>> {
    let (state, proof) = match notified(store, content, now).await? {
        Notified::Proven(proof) => (AttestedState::Met, proof),
        Notified::Failing(proof) => (AttestedState::NotMet, proof),
        Notified::Unproven => return Ok(Cow::Borrowed(content)),
    };
    let by_person =
        content.site.attestations.iter().any(|known| {
            known.framework.value == FRAMEWORK && known.requirement.value == REQUIREMENT
        });
    if by_person {
        return Ok(Cow::Borrowed(content));
    }
    let text = |text: &str| Placed { value: text.to_owned(), ..Placed::default() };
    let attestation = Attestation {
        framework: text(FRAMEWORK),
        requirement: text(REQUIREMENT),
        state,
        by: text("yagura routes"),
        reason: text(&reason(&proof)),
        evidence: None,
        expires: Expiry(now.checked_add(SignedDuration::from_hours(24)).unwrap_or(now)),
    };
    let mut content = content.clone();
    Arc::make_mut(&mut content.site).attestations.push(attestation);
    Ok(Cow::Owned(content))
}

/// In both languages: whoever reads a report reads one of them.
fn reason(proof: &Proof) -> String {
    let Proof { owed, told, waiting, last } = proof;
    let last = last.map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d").to_string());
    format!(
        "{told} of {owed} critical findings of 90 days delivered, {waiting} waiting, last {last} / \
         90 日間の重大な検出結果 {owed} 件のうち {told} 件を配信済み、{waiting} 件は配信待ち（最終 {last}）"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_names_the_figures() {
        let proof = Proof { owed: 5, told: 4, waiting: 1, last: None };
        let reason = reason(&proof);
        assert!(reason.contains("4 of 5") && reason.contains("5 件のうち 4 件"), "{reason}");
    }

    #[test]
    fn the_requirement_that_deliveries_answer_exists() {
        let checklist = Content::builtin().frameworks.get(FRAMEWORK).unwrap();
        assert!(checklist.requirements.iter().any(|one| one.id.as_str() == REQUIREMENT));
    }
}
