//! Phrases that several writers for people share: states, reasons, remedies, next steps.
//! Words themselves are in `locales/`; columns and markup are with the writers.

use jiff::Timestamp;
use yagura_model::{
    RequirementScore, RequirementState, Severity, UnknownCause, Unread, UnreadReason, Verdict,
};

use crate::catalog::{Catalog, FrameworkEntry};
use crate::clean::{clean, shortened};
use crate::scan_report::{ScanReport, Standing, resource_name};
use crate::summary::{Gap, Problem, Summary};
use crate::words::{Words, grouped};

/// How many names a phrase lists before it says how many more there are.
const NAMES_MAX: usize = 5;

/// Characters of AWS's own answer that a remedy repeats.
const DETAIL_CHARS_MAX: usize = 300;

/// Minute and zone, the same in both languages: `2026-11-21 19:54 UTC`.
pub(crate) fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The day alone: `2026-11-21`.
pub(crate) fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

pub(crate) fn state(words: &Words, state: RequirementState) -> &str {
    match state {
        RequirementState::Met => words.get("report.state.met"),
        RequirementState::Partly => words.get("report.state.partly"),
        RequirementState::NotMet => words.get("report.state.not_met"),
        RequirementState::Unknown => words.get("report.state.unknown"),
        RequirementState::NotApplicable => words.get("report.state.not_applicable"),
    }
}

pub(crate) fn standing(words: &Words, standing: Standing) -> &str {
    match standing {
        Standing::Fail => words.get("report.status.fail"),
        Standing::Unknown => words.get("report.status.unknown"),
        Standing::Accepted => words.get("report.status.accepted"),
        Standing::Pass => words.get("report.status.pass"),
        Standing::NotApplicable => words.get("report.status.not_applicable"),
    }
}

pub(crate) fn severity(words: &Words, severity: Severity) -> &str {
    match severity {
        Severity::Critical => words.get("report.severity.critical"),
        Severity::High => words.get("report.severity.high"),
        Severity::Medium => words.get("report.severity.medium"),
        Severity::Low => words.get("report.severity.low"),
        Severity::Informational => words.get("report.severity.informational"),
    }
}

fn reason(words: &Words, reason: UnreadReason) -> String {
    words.get(&format!("report.reason.{}", reason.as_str())).to_owned()
}

/// Why a gap is there.
pub(crate) fn gap_reason(words: &Words, gap: &Gap<'_>) -> String {
    match gap.is_evaluation() {
        true => words.get("report.reason.not_evaluated").to_owned(),
        false => reason(words, gap.reason),
    }
}

/// What is behind a requirement's state: counts, exceptions, attestation.
pub(crate) fn behind(words: &Words, score: &RequirementScore) -> String {
    let mut parts = Vec::new();
    let counts = &score.counts;
    let (fail, pass, unknown) =
        (grouped(counts.fail), grouped(counts.pass), grouped(counts.unknown));
    if counts.unknown > 0 {
        parts.push(words.fill(
            "report.checklist.counts_unknown",
            &[("fail", &fail), ("pass", &pass), ("unknown", &unknown)],
        ));
    } else if counts.fail + counts.pass > 0 {
        parts.push(words.fill("report.checklist.counts", &[("fail", &fail), ("pass", &pass)]));
    }
    if counts.excepted > 0 {
        let n = grouped(counts.excepted);
        parts.push(words.fill("report.checklist.with_exceptions", &[("n", &n)]));
    }
    if let Some(attestation) = score.attestation.as_ref().filter(|_| score.attested) {
        let key = match attestation.state {
            RequirementState::NotApplicable => "report.checklist.not_applicable_attested",
            _ => "report.checklist.attested",
        };
        let until = day(attestation.expires);
        parts.push(words.fill(key, &[("by", &clean(&attestation.by)), ("until", &until)]));
    }
    parts.join(words.get("report.and_list"))
}

/// Why a requirement's state, or a part of it, cannot be said: one phrase a cause.
pub fn why_unknown(words: &Words, score: &RequirementScore, max: usize) -> Vec<String> {
    let mut reasons: Vec<_> =
        score.why_unknown.iter().take(max).map(|cause| cause_of(words, cause)).collect();
    let more = score.why_unknown.len().saturating_sub(max);
    if more > 0 {
        reasons.push(words.fill("report.more", &[("n", &more)]));
    }
    reasons
}

fn cause_of(words: &Words, cause: &UnknownCause) -> String {
    match cause {
        UnknownCause::NotCovered => words.get("report.why.not_covered").to_owned(),
        UnknownCause::Manual => words.get("report.why.manual").to_owned(),
        UnknownCause::RestManual => words.get("report.why.rest_manual").to_owned(),
        UnknownCause::AwsPart => words.get("report.why.aws_part").to_owned(),
        UnknownCause::NotSelected => words.get("report.why.not_selected").to_owned(),
        UnknownCause::NothingApplicable => words.get("report.why.nothing_applicable").to_owned(),
        UnknownCause::AttestationExpired { by, expired } => words
            .fill("report.why.attestation_expired", &[("by", &clean(by)), ("on", &day(*expired))]),
        UnknownCause::Unread { reason: why, call, action, .. } => {
            let subject = if action.is_empty() { call } else { action };
            reason_and_subject(words, *why, subject, "")
        }
    }
}

fn reason_and_subject(words: &Words, why: UnreadReason, subject: &str, detail: &str) -> String {
    let evaluation = why == UnreadReason::Failed && subject.is_empty();
    let (why, subject) = match evaluation {
        true => (words.get("report.reason.not_evaluated").to_owned(), detail),
        false => (reason(words, why), subject),
    };
    let subject = clean(subject);
    let subject = shortened(&subject, DETAIL_CHARS_MAX);
    if subject.is_empty() {
        return words.fill("report.why.unread_bare", &[("reason", &why)]);
    }
    words.fill("report.why.unread", &[("reason", &why), ("subject", &subject)])
}

/// Why one part could not be read, in a phrase: the reason and the call or action behind it.
pub fn unread(words: &Words, unread: &Unread) -> String {
    let subject = if unread.action.is_empty() { &unread.call } else { &unread.action };
    reason_and_subject(words, unread.reason, subject, &unread.detail)
}

/// Why a verdict is unknown: its causes, each once.
pub fn why_verdict_unknown(words: &Words, verdict: &Verdict) -> String {
    let mut reasons: Vec<String> = Vec::new();
    for part in &verdict.unread {
        let phrase = unread(words, part);
        if !reasons.contains(&phrase) {
            reasons.push(phrase);
        }
    }
    if reasons.is_empty() {
        return words.get("report.message.no_reason").to_owned();
    }
    names(words, &reasons)
}

/// A list of names with a limit that is visible.
pub(crate) fn names<S: AsRef<str>>(words: &Words, all: &[S]) -> String {
    let mut shown: Vec<&str> = all.iter().take(NAMES_MAX).map(AsRef::as_ref).collect();
    let more = words.fill("report.more", &[("n", &(all.len().saturating_sub(NAMES_MAX)))]);
    if all.len() > NAMES_MAX {
        shown.push(&more);
    }
    shown.join(words.get("report.and_list"))
}

/// What to do so that one part can be read.
pub fn unread_remedy(words: &Words, unread: &Unread) -> String {
    let subject = if unread.action.is_empty() { &unread.call } else { &unread.action };
    let subject = clean(subject);
    let detail = clean(&unread.detail);
    let detail = shortened(&detail, DETAIL_CHARS_MAX);
    let detail = if detail.is_empty() { words.get("report.none") } else { &detail };
    let evaluation = unread.reason == UnreadReason::Failed && subject.is_empty();
    let kind = if evaluation { "not_evaluated" } else { unread.reason.as_str() };
    words.fill(&format!("report.gap.remedy.{kind}"), &[("action", &subject), ("detail", &detail)])
}

/// How far a problem reaches: `23 resources in 3 accounts`.
pub(crate) fn place(words: &Words, problem: &Problem<'_>) -> String {
    let resources = words.count("report.count.resources", problem.verdicts.len() as u64);
    let accounts = words.count("report.count.accounts", problem.accounts());
    words.fill("report.problem.place", &[("resources", &resources), ("accounts", &accounts)])
}

/// How far a gap reaches.
pub(crate) fn gap_behind(words: &Words, gap: &Gap<'_>) -> String {
    let accounts = words.count("report.count.accounts", gap.accounts.len() as u64);
    let regions = words.count("report.count.regions", gap.regions.len() as u64);
    if gap.verdicts == 0 {
        return words.fill("report.gap.listing", &[("accounts", &accounts), ("regions", &regions)]);
    }
    words.fill(
        "report.gap.behind",
        &[("verdicts", &grouped(gap.verdicts)), ("accounts", &accounts), ("regions", &regions)],
    )
}

/// What to do about a gap.
pub(crate) fn gap_remedy(words: &Words, gap: &Gap<'_>) -> String {
    let subject = clean(gap.subject());
    let detail = clean(gap.detail);
    let detail = shortened(&detail, DETAIL_CHARS_MAX);
    let detail = if detail.is_empty() { words.get("report.none") } else { &detail };
    let kind = if gap.is_evaluation() { "not_evaluated" } else { gap.reason.as_str() };
    words.fill(&format!("report.gap.remedy.{kind}"), &[("action", &subject), ("detail", &detail)])
}

/// One sentence that says what a verdict found, for files that carry one message a result.
pub(crate) fn message(words: &Words, report: &ScanReport<'_>, verdict: &Verdict) -> String {
    let standing = Standing::of(verdict);
    let key = match standing {
        Standing::Fail => "report.message.fail",
        Standing::Unknown => "report.message.unknown",
        Standing::Accepted => "report.message.accepted",
        Standing::Pass => "report.message.pass",
        Standing::NotApplicable => "report.message.not_applicable",
    };
    let (owner, until) = verdict.exception.as_ref().map_or_else(Default::default, |exception| {
        (clean(&exception.owner).into_owned(), day(exception.expires))
    });
    let why = match standing {
        Standing::Unknown => why_verdict_unknown(words, verdict),
        _ => String::new(),
    };
    words.fill(
        key,
        &[
            ("title", &clean(report.catalog.title(&verdict.control, words.lang()))),
            ("name", &resource_name(verdict)),
            ("type", &clean(&verdict.type_name)),
            ("account", &clean(&verdict.account)),
            ("region", &clean(&verdict.region)),
            ("why", &why),
            ("owner", &owner),
            ("until", &until),
        ],
    )
}

/// What to do next, in order.
pub(crate) fn next_steps(
    words: &Words,
    report: &ScanReport<'_>,
    summary: &Summary<'_>,
) -> Vec<String> {
    let mut steps = Vec::new();
    if let Some(worst) = summary.problems.first() {
        let title = clean(report.catalog.title(worst.control, words.lang()));
        let place = place(words, worst);
        steps.push(words.fill("report.next.mend", &[("title", &title), ("place", &place)]));
    }
    let mut denied: Vec<_> = summary
        .gaps
        .iter()
        .filter(|gap| gap.reason == UnreadReason::Denied)
        .map(|gap| clean(gap.subject()))
        .collect();
    denied.dedup();
    if !denied.is_empty() {
        let actions = names(words, &denied);
        steps.push(words.fill("report.next.grant", &[("actions", &actions)]));
    }
    let by_hand = to_attest(words, report);
    if !by_hand.is_empty() {
        let items = names(words, &by_hand);
        steps.push(words.fill("report.next.attest", &[("items", &items)]));
    }
    if summary.problems.is_empty() && summary.gaps.is_empty() {
        steps.push(words.get("report.next.clean").to_owned());
    } else {
        steps.push(words.get("report.next.compare").to_owned());
    }
    steps
}

/// Items of the checklist that only a person can answer, and nobody has.
fn to_attest<'a>(words: &Words, report: &ScanReport<'a>) -> Vec<std::borrow::Cow<'a, str>> {
    let Some((framework, scores)) = checklist(report) else { return Vec::new() };
    scores
        .iter()
        .filter(|score| score.state == RequirementState::Unknown)
        .filter(|score| {
            score.why_unknown.iter().any(|cause| {
                matches!(
                    cause,
                    UnknownCause::NotCovered
                        | UnknownCause::Manual
                        | UnknownCause::RestManual
                        | UnknownCause::AttestationExpired { .. }
                )
            })
        })
        .filter_map(|score| framework.requirement(&score.id))
        .map(|requirement| clean(requirement.title.get(words.lang())))
        .collect()
}

/// The checklist with its scores, where the scan has scored it.
pub(crate) fn checklist<'a>(
    report: &ScanReport<'a>,
) -> Option<(&'a FrameworkEntry, &'a [RequirementScore])> {
    let scores = report.scores.iter().find(|score| score.framework == Catalog::CHECKLIST)?;
    Some((report.catalog.framework(Catalog::CHECKLIST)?, &scores.requirements))
}

/// Evidence as `path = value`, short enough for a line.
pub(crate) fn evidence(verdict: &Verdict, chars_max: usize) -> String {
    let parts: Vec<_> = verdict
        .evidence
        .iter()
        .map(|(path, value)| {
            let path = path.strip_prefix("resource.").unwrap_or(path);
            let path = path.strip_prefix("properties.").unwrap_or(path);
            format!("{path} = {value}")
        })
        .collect();
    shortened(&clean(&parts.join(", ")), chars_max).into_owned()
}

/// How a verdict changed: its standing, else its severity.
pub(crate) fn from_to(words: &Words, before: &Verdict, now: &Verdict) -> String {
    let (was, is) = (Standing::of(before), Standing::of(now));
    let (from, to) = if was == is {
        (severity(words, before.severity), severity(words, now.severity))
    } else {
        (standing(words, was), standing(words, is))
    };
    words.fill("report.compare.from_to", &[("from", &from), ("to", &to)])
}
