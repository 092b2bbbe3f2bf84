//! Checks sequences: both languages, steps that can be taken, references to others, cases.
//! Whether the cases come out as they say is tested in `yagura-judge`.

use std::collections::BTreeSet;

use super::{Lint, prose, site};
use crate::format::{CaseExpectation, Sequence, Steps};
use crate::place::{Place, Placed};
use crate::problem::File;

/// The tactics of MITRE ATT&CK for Enterprise, version 17, as Sigma's tags write them.
pub(crate) const TACTICS: [&str; 14] = [
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "persistence",
    "privilege-escalation",
    "defense-evasion",
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    "command-and-control",
    "exfiltration",
    "impact",
];

pub(crate) fn check(lint: &mut Lint<'_>, sequence: &Sequence) {
    let file = lint.sequence_file(sequence);
    let place = sequence.title.place;
    lint.id(&file, &sequence.id);
    prose::check(lint, &file, "title", &sequence.title);
    prose::check(lint, &file, "description", &sequence.description);
    steps(lint, &file, "falsepositives", &sequence.falsepositives);
    steps(lint, &file, "respond", &sequence.respond);
    tags(lint, &file, place, &sequence.tags);
    if sequence.steps.is_empty() || sequence.steps.len() > 16 {
        lint.error(&file, place, "a sequence has 1 to 16 steps");
    }
    let mut names = BTreeSet::new();
    for step in &sequence.steps {
        if !names.insert(step.name.as_str()) {
            lint.error(&file, step.name.place, format!("step `{}` is there twice", step.name));
        }
        if step.any.is_empty() {
            lint.error(&file, step.name.place, "`any` says nothing: the step cannot be taken");
        }
        for pattern in step.any.iter().chain(&step.without) {
            tag(lint, &file, pattern);
        }
    }
    for pattern in &sequence.exclude {
        tag(lint, &file, pattern);
    }
    let required = sequence.steps.iter().filter(|step| !step.optional).count();
    let least = required.max(sequence.at_least.contents).max(sequence.at_least.steps);
    if least < 2 {
        lint.error(&file, place, "one signal makes no sequence: ask for two contents at least");
    }
    if sequence.at_least.steps > sequence.steps.len() {
        lint.error(&file, place, "`at_least` asks for more steps than there are");
    }
    if sequence.within > sequence.window {
        lint.error(&file, place, "`within` is longer than the alerts' `window`");
    }
    for other in &sequence.unless {
        let id = other.as_str();
        if id == sequence.id || !lint.content.sequences.contains_key(id) {
            let hint = site::near(other, lint.content.sequences.keys().map(String::as_str));
            lint.hinted(&file, other.place, format!("there is no other sequence `{other}`"), hint);
        }
    }
    let count = |expect| sequence.cases.iter().filter(|case| case.expect == expect).count();
    if count(CaseExpectation::Match) < 1 || count(CaseExpectation::Quiet) < 1 {
        lint.error(&file, place, "there is a case that matches and one that does not");
    }
}

/// Checks steps or notes that are there in both languages, equally many.
pub(crate) fn steps(lint: &mut Lint<'_>, file: &File, what: &str, steps: &Placed<Steps>) {
    if steps.en.is_empty() || steps.en.len() != steps.ja.len() {
        let message = format!("`{what}` has as many entries in both languages, at least one");
        lint.error(file, steps.place, message);
    }
    for (en, ja) in steps.en.iter().zip(&steps.ja) {
        prose::texts(lint, file, what, steps.place, en, ja);
    }
}

/// Checks a content's own tags: a tactic at least.
pub(crate) fn tags(lint: &mut Lint<'_>, file: &File, place: Place, tags: &[Placed<String>]) {
    for text in tags {
        tag(lint, file, text);
    }
    let is_tactic = |tag: &Placed<String>| {
        tag.strip_prefix("attack.").is_some_and(|name| TACTICS.contains(&name))
    };
    if !tags.iter().any(is_tactic) {
        lint.error(file, place, "`tags` names no tactic of ATT&CK (`attack.discovery`)");
    }
}

/// A tag of ATT&CK is a tactic or a technique; anything else is a glob of ids.
fn tag(lint: &mut Lint<'_>, file: &File, tag: &Placed<String>) {
    let Some(name) = tag.strip_prefix("attack.") else { return };
    let technique = name.strip_prefix('t').is_some_and(|number| {
        let (main, sub) = number.split_once('.').unwrap_or((number, "000"));
        let digits =
            |text: &str, count| text.len() == count && text.chars().all(|c| c.is_ascii_digit());
        digits(main, 4) && digits(sub, 3)
    });
    if !technique && !TACTICS.contains(&name) {
        let message = format!("`{tag}` is neither a tactic nor a technique of ATT&CK");
        lint.hinted(file, tag.place, message, site::near(name, TACTICS));
    }
}
