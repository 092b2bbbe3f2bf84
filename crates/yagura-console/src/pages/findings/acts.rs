//! What people do with findings: forms read into acts, carried out with the versions that the page
//! showed, and told in numbers.
//! What an act means for a finding is the model's business.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use axum_extra::extract::Form;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use yagura_model::finding::{
    Act, ActOutcome, Acted, FindingState, FindingSuppression, Refusal, Ticket,
};
use yagura_report::words;

use super::asked::day_end;
use super::one;
use crate::fault::{Answer, Fault};
use crate::layout::preferences::own_path;
use crate::state::Console;
use crate::viewer::Viewer;

/// Findings that one form changes at most: more than a page has.
const CHANGED_MAX: usize = 500;
/// The member of an address in which an answer stands.
pub(crate) const TOLD: &str = "told";

/// A form's members.
pub(super) type Members = Vec<(String, String)>;

/// What a form asks for, or the member that is missing or makes no sense.
pub(super) fn act_of(members: &Members, viewer: &Viewer) -> Result<Act, &'static str> {
    let one = |name: &str| {
        let found = members.iter().rev().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.trim())
    };
    let reason = || Some(one("reason").to_owned()).filter(|reason| !reason.is_empty());
    let state = |to| Ok(Act::SetState { to, reason: reason() });
    let needed = |name: &'static str| match one(name) {
        "" => Err(name),
        value => Ok(value.to_owned()),
    };
    let day = |name: &'static str| {
        let end = day_end(&needed(name)?, &viewer.zone).ok_or(name)?;
        Ok::<_, &'static str>(end.as_microsecond())
    };
    let ticket = || {
        let (system, key) = (needed("system")?, needed("key")?);
        Ok::<_, &'static str>(Ticket { system, key, url: one("url").to_owned() })
    };
    match one("act") {
        "acknowledge" => state(FindingState::Acknowledged),
        "start" => state(FindingState::InProgress),
        "resolve" => state(FindingState::Resolved),
        "reopen" => state(FindingState::New),
        "suppress" => Ok(Act::Suppress(FindingSuppression {
            until_us: day("until")?,
            owner: needed("owner")?,
            reason: needed("reason")?,
        })),
        "assign_me" => Ok(Act::Assign { to: Some(viewer.name.clone()) }),
        "assign" => Ok(Act::Assign { to: Some(needed("to")?) }),
        "unassign" => Ok(Act::Assign { to: None }),
        "due" => Ok(Act::SetDue { at_us: Some(day("due")?) }),
        "undue" => Ok(Act::SetDue { at_us: None }),
        "comment" => Ok(Act::Comment { text: needed("text")? }),
        "ticket" => {
            let ticket = ticket()?;
            match ticket.url.is_empty() || one::is_web(&ticket.url) {
                true => Ok(Act::LinkTicket(ticket)),
                false => Err("url"),
            }
        }
        "unlink" => Ok(Act::UnlinkTicket(ticket()?)),
        "severity" => match one("severity") {
            "" => Ok(Act::SetSeverity { to: None }),
            word => Ok(Act::SetSeverity { to: Some(word.parse().map_err(|_| "severity")?) }),
        },
        "label" => Ok(Act::Label { label: needed("label")? }),
        "unlabel" => Ok(Act::Unlabel { label: needed("label")? }),
        _ => Err("act"),
    }
}

/// Whether an act is an addition that holds whatever others did in the meantime.
fn only_adds(act: &Act) -> bool {
    matches!(
        act,
        Act::Comment { .. }
            | Act::Label { .. }
            | Act::Unlabel { .. }
            | Act::LinkTicket(_)
            | Act::UnlinkTicket(_)
    )
}

/// What became of an act on several findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    done: u64,
    same: u64,
    gone: u64,
    conflicts: u64,
    refused: BTreeMap<&'static str, u64>,
}

/// The words for why an act is refused.
const REFUSALS: [(Refusal, &str); 6] = [
    (Refusal::DatePassed, "date_passed"),
    (Refusal::WordsMissing, "words_missing"),
    (Refusal::WordsTooLong, "words_too_long"),
    (Refusal::Resolved, "resolved"),
    (Refusal::SuppressionIncomplete, "suppression_incomplete"),
    (Refusal::TooMany, "too_many"),
];

impl Outcome {
    fn of(acted: &[Acted]) -> Self {
        let mut outcome = Self::default();
        for one in acted {
            match &one.outcome {
                ActOutcome::Done { .. } => outcome.done += 1,
                ActOutcome::Same { .. } => outcome.same += 1,
                ActOutcome::Unknown => outcome.gone += 1,
                ActOutcome::Conflict { .. } => outcome.conflicts += 1,
                ActOutcome::Refused { why } => {
                    let word = REFUSALS.iter().find(|(known, _)| known == why);
                    *outcome.refused.entry(word.map_or("other", |(_, word)| word)).or_default() +=
                        1;
                }
            }
        }
        outcome
    }

    /// As an address carries it: `done.3,conflict.1,refused-resolved.2`.
    fn code(&self) -> String {
        let mut parts = Vec::new();
        let counted = [("done", self.done), ("same", self.same), ("gone", self.gone)].into_iter();
        for (word, n) in counted.chain([("conflict", self.conflicts)]).filter(|(_, n)| *n > 0) {
            parts.push(format!("{word}.{n}"));
        }
        parts.extend(self.refused.iter().map(|(word, n)| format!("refused-{word}.{n}")));
        parts.join(",")
    }
}

/// An answer to a form, for the page that follows it.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    /// `good` or `bad`.
    tone: &'static str,
    lines: Vec<String>,
}

/// Reads an answer from an address. Only words of ours come out of it, whatever it holds.
pub(crate) fn told(pairs: &[(String, String)], viewer: &Viewer) -> Option<Told> {
    let code = pairs.iter().find(|(name, _)| name == TOLD).map(|(_, value)| value.as_str())?;
    let words = words(viewer.lang);
    let mut tone = "good";
    let mut lines = Vec::new();
    for part in code.split(',').take(12) {
        let (word, n) = part.split_once('.').unwrap_or((part, ""));
        let known = ["done", "same", "gone", "conflict", "nothing", "saved", "removed", "full"];
        let missing = word.strip_prefix("missing-");
        let refused = word.strip_prefix("refused-");
        if let Some(name) = missing.filter(|name| MEMBERS.contains(name)) {
            tone = "bad";
            lines.push(words.get(&format!("console_findings.missing.{name}")).to_owned());
        } else if let Some(why) = refused.filter(|why| REFUSALS.iter().any(|(_, w)| w == why)) {
            tone = "bad";
            let why = words.get(&format!("console_findings.refused.{why}")).to_owned();
            let n = n.parse().unwrap_or(0);
            let count = words.count("console_findings.told.refused", n);
            lines.push(words.fill("console_findings.told.why", &[("what", &count), ("why", &why)]));
        } else if known.contains(&word) {
            if matches!(word, "gone" | "conflict" | "nothing" | "full") {
                tone = "bad";
            }
            let n = n.parse().unwrap_or(0);
            lines.push(words.count(&format!("console_findings.told.{word}"), n));
        }
    }
    (!lines.is_empty()).then_some(Told { tone, lines })
}

/// Members of forms that may be missing.
const MEMBERS: [&str; 12] = [
    "act", "until", "owner", "reason", "to", "due", "text", "system", "key", "url", "severity",
    "label",
];

/// Changes the findings that were ticked on the list.
pub(super) async fn bulk(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Form(members): Form<Members>,
) -> Answer {
    let back = members.iter().find(|(name, _)| name == "back");
    let back = own_path(back.map_or("/findings", |(_, value)| value)).to_owned();
    let chosen = chosen(&members);
    if chosen.is_empty() {
        return Ok(go_back(&back, "nothing.0").into_response());
    }
    let code = match act_of(&members, &viewer) {
        Err(missing) => format!("missing-{missing}"),
        Ok(act) => carry_out(&console, &viewer, &act, chosen).await?.code(),
    };
    Ok(go_back(&back, &code).into_response())
}

/// Changes one finding.
pub(super) async fn single(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
    Form(members): Form<Members>,
) -> Answer {
    let finding = one::named(&console, &viewer, &id).await?;
    let back = format!("/findings/{}", finding.id);
    let version = members.iter().find(|(name, _)| name == "version");
    let version = version.and_then(|(_, value)| value.parse().ok());
    let version: u64 = version.ok_or_else(|| {
        let text = words(viewer.lang).get("console_findings.missing.version").to_owned();
        Fault::BadRequest(text)
    })?;
    let code = match act_of(&members, &viewer) {
        Err(missing) => format!("missing-{missing}"),
        Ok(act) => carry_out(&console, &viewer, &act, vec![(finding.id, version)]).await?.code(),
    };
    Ok(go_back(&back, &code).into_response())
}

/// The findings that were ticked, with the versions that were shown: `ID.VERSION`.
fn chosen(members: &Members) -> Vec<(String, u64)> {
    let ticked = members.iter().filter(|(name, _)| name == "one");
    let read = ticked.filter_map(|(_, value)| {
        let (id, version) = value.split_once('.')?;
        Some((id.to_owned(), version.parse().ok()?))
    });
    read.take(CHANGED_MAX).collect()
}

/// Does it, to each finding as the page had shown it.
async fn carry_out(
    console: &Console,
    viewer: &Viewer,
    act: &Act,
    chosen: Vec<(String, u64)>,
) -> Result<Outcome, Fault> {
    let findings = console.store().findings(viewer.scope.clone());
    let mut by_version: BTreeMap<Option<u64>, Vec<String>> = BTreeMap::new();
    for (id, version) in chosen {
        let version = Some(version).filter(|_| !only_adds(act));
        by_version.entry(version).or_default().push(id);
    }
    let (actor, now) = (viewer.actor(), console.now());
    let mut acted = Vec::new();
    for (version, ids) in by_version {
        acted.extend(findings.act(&ids, act, &actor, now, version).await?);
    }
    Ok(Outcome::of(&acted))
}

/// Back to the page of a form, with what to tell there.
pub(super) fn go_back(back: &str, code: &str) -> Redirect {
    let (path, query) = back.split_once('?').unwrap_or((back, ""));
    let kept =
        query.split('&').filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(TOLD));
    let code = format!("{TOLD}={}", utf8_percent_encode(code, NON_ALPHANUMERIC));
    let query: Vec<&str> = kept.chain([code.as_str()]).collect();
    Redirect::to(&format!("{path}?{}", query.join("&")))
}
