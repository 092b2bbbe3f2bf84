//! Scores of a framework: per requirement, per account, and over all.
//! The rules for a state are the model's; words and colors are report's.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use yagura_content::Content;
use yagura_content::format::{Assessment, AttestedState, Framework, Requirement, Responsible};
use yagura_model::{
    AccountRequirement, AccountScore, Attestation, FrameworkScore, RequirementScore,
    RequirementState, StateCounts, UnknownCause, VerdictCounts,
};

use super::state::in_force;
use super::tally::Tally;

/// Scores one framework; `None` if there is none of that id.
pub fn score(
    content: &Content,
    framework: &str,
    tally: &Tally,
    now: Timestamp,
) -> Option<FrameworkScore> {
    let definition = content.frameworks.get(framework)?;
    let attestations = attestations(content, framework);
    let requirements: Vec<_> = definition
        .requirements
        .iter()
        .map(|requirement| {
            let words = attestations.iter().filter(|(id, _)| *id == requirement.id.as_str());
            let (word, expired) = in_force(words.map(|(_, word)| word), now);
            let serving = content.controls_for(framework, &requirement.id);
            let asked = Asked {
                framework,
                id: &requirement.id,
                serving,
                unserved: unserved(definition, requirement),
                partial: requirement.assessment == Assessment::Partial,
            };
            score_requirement(asked, tally, word, expired)
        })
        .collect();
    Some(gather(framework, requirements, tally))
}

/// Scores every framework that the site has not left out, by id.
pub fn score_all(content: &Content, tally: &Tally, now: Timestamp) -> Vec<FrameworkScore> {
    let wanted = content.frameworks.keys().filter(|id| content.site.selection.scores(id));
    wanted.filter_map(|id| score(content, id, tally, now)).collect()
}

/// What people attest about a framework, by requirement.
fn attestations<'c>(content: &'c Content, framework: &str) -> Vec<(&'c str, Attestation)> {
    let of_framework = content.site.attestations.iter().filter(|a| *a.framework == framework);
    of_framework
        .map(|attested| {
            let word = Attestation {
                state: match attested.state {
                    AttestedState::Met => RequirementState::Met,
                    AttestedState::NotMet => RequirementState::NotMet,
                    AttestedState::NotApplicable => RequirementState::NotApplicable,
                },
                by: attested.by.value.clone(),
                reason: attested.reason.value.clone(),
                evidence: attested.evidence.clone().unwrap_or_default(),
                expires: attested.expires.0,
            };
            (attested.requirement.as_str(), word)
        })
        .collect()
}

/// Why nothing is measured for a requirement that no control serves.
fn unserved(framework: &Framework, requirement: &Requirement) -> UnknownCause {
    match (framework.responsible(requirement), requirement.assessment) {
        (Responsible::Aws, _) => UnknownCause::AwsPart,
        (_, Assessment::Manual) => UnknownCause::Manual,
        (_, Assessment::Automated | Assessment::Partial | Assessment::NotCovered) => {
            UnknownCause::NotCovered
        }
    }
}

/// What is scored.
struct Asked<'c> {
    framework: &'c str,
    id: &'c str,
    serving: &'c [String],
    /// Why nothing is measured, where no control serves it.
    unserved: UnknownCause,
    /// Whether its controls answer only a part.
    partial: bool,
}

fn score_requirement(
    asked: Asked<'_>,
    tally: &Tally,
    word: Option<&Attestation>,
    expired: Option<UnknownCause>,
) -> RequirementScore {
    let mut counts = VerdictCounts::default();
    let mut accounts: BTreeMap<&str, VerdictCounts> = BTreeMap::new();
    let mut failing = Vec::new();
    let mut causes = Vec::new();
    let (judged, left_out): (Vec<&str>, Vec<&str>) =
        asked.serving.iter().map(String::as_str).partition(|id| tally.control(id).is_some());
    for control in judged.iter().filter_map(|control| tally.control(control)) {
        for (account, own) in &control.accounts {
            counts.add(own);
            accounts.entry(account).or_default().add(own);
        }
        failing.extend(control.failing.iter().cloned());
        causes.extend(control.unknown_causes());
    }
    failing.sort_by(|a, b| {
        b.severity.cmp(&a.severity).then_with(|| a.key.cmp(&b.key)).then(a.control.cmp(&b.control))
    });
    failing.truncate(RequirementScore::EXAMPLES_MAX);
    let mut why_unknown = merge(causes);
    if asked.serving.is_empty() {
        why_unknown.push(asked.unserved);
    } else if judged.is_empty() {
        why_unknown.push(UnknownCause::NotSelected);
    } else if counts.applicable() == 0 {
        why_unknown.push(UnknownCause::NothingApplicable);
    }
    why_unknown.extend(expired);
    let mut score = RequirementScore {
        framework: asked.framework.to_owned(),
        id: asked.id.to_owned(),
        state: RequirementState::Unknown,
        attested: false,
        measured: RequirementState::Unknown,
        attestation: word.cloned(),
        partial: asked.partial,
        counts,
        controls: owned(&judged),
        controls_not_selected: owned(&left_out),
        failing,
        why_unknown,
        accounts: accounts
            .into_iter()
            .filter(|(_, counts)| counts.applicable() > 0)
            .map(|(account, counts)| AccountRequirement {
                account: account.to_owned(),
                state: counts.state_of(asked.partial),
                counts,
            })
            .collect(),
    };
    score.settle();
    score
}

fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// The same cause named by several controls is one; the most frequent come first.
fn merge(causes: Vec<UnknownCause>) -> Vec<UnknownCause> {
    let mut merged: BTreeMap<UnknownCause, u64> = BTreeMap::new();
    for mut cause in causes {
        let mut count = 0;
        if let UnknownCause::Unread { verdicts, .. } = &mut cause {
            count = std::mem::take(verdicts);
        }
        *merged.entry(cause).or_default() += count;
    }
    let mut merged: Vec<_> = merged.into_iter().collect();
    merged.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    merged
        .into_iter()
        .map(|(mut cause, count)| {
            if let UnknownCause::Unread { verdicts, .. } = &mut cause {
                *verdicts = count;
            }
            cause
        })
        .collect()
}

fn gather(framework: &str, requirements: Vec<RequirementScore>, tally: &Tally) -> FrameworkScore {
    let mut states = StateCounts::default();
    let mut accounts: BTreeMap<&str, (StateCounts, VerdictCounts)> = BTreeMap::new();
    let mut judged: BTreeSet<&str> = BTreeSet::new();
    for requirement in &requirements {
        states.add(requirement);
        judged.extend(requirement.controls.iter().map(String::as_str));
        for own in &requirement.accounts {
            accounts.entry(&own.account).or_default().0.count(own.state, false);
        }
    }
    let mut counts = VerdictCounts::default();
    for control in judged.iter().filter_map(|control| tally.control(control)) {
        for (account, own) in &control.accounts {
            counts.add(own);
            accounts.entry(account).or_default().1.add(own);
        }
    }
    let accounts = accounts
        .into_iter()
        .filter(|(_, (_, counts))| counts.applicable() > 0)
        .map(|(account, (states, counts))| AccountScore {
            account: account.to_owned(),
            states,
            counts,
        })
        .collect();
    FrameworkScore { framework: framework.to_owned(), states, counts, accounts, requirements }
}
