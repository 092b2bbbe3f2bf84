//! Facts of a finding that several writers tell: its words, times and short names.
//! Columns and sentences are with the writers.

use std::borrow::Cow;

use jiff::Timestamp;
use yagura_model::Lang;
use yagura_model::finding::{
    Actor, Change, Finding, FindingKind, FindingState, MarkKind, Observation, RankFactor,
};

use crate::clean::clean;
use crate::phrases;
use crate::words::Words;

/// Digits of an id that a table shows: enough to name it.
pub(super) const ID_DIGITS: usize = 8;

/// A time to the minute: `2026-11-22 09:05`.
pub(super) fn minute(at_us: i64) -> String {
    time(at_us).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The day alone.
pub(super) fn day(at_us: i64) -> String {
    phrases::day(time(at_us))
}

/// A time for programs.
pub(super) fn instant(at_us: i64) -> String {
    time(at_us).to_string()
}

fn time(at_us: i64) -> Timestamp {
    Timestamp::from_microsecond(at_us).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The first digits of an id.
pub(super) fn short_id(id: &str) -> &str {
    id.get(..ID_DIGITS).unwrap_or(id)
}

/// What is the matter. A control's title says what should be so, hence the word before it.
pub(super) fn title(words: &Words, seen: &Observation, lang: Lang) -> String {
    let title = clean(seen.title.get(lang));
    match seen.kind {
        FindingKind::Control => words.fill("findings.not_met", &[("title", &title)]),
        FindingKind::Alert | FindingKind::Import | FindingKind::Spend => title.into_owned(),
    }
}

/// What a person calls the thing: its name, else the end of its key.
pub(super) fn place(seen: &Observation) -> String {
    let name = seen.resource_name.as_deref().filter(|name| !name.is_empty());
    short(name.unwrap_or(&seen.key)).into_owned()
}

/// The end of an ARN, which is what tells it apart.
fn short(name: &str) -> Cow<'_, str> {
    let end = match name.starts_with("arn:") {
        true => name.splitn(6, ':').last().unwrap_or(name),
        false => name,
    };
    clean(end)
}

/// Where it is: account and region.
pub(super) fn account_and_region(words: &Words, seen: &Observation) -> String {
    match (seen.account.as_str(), seen.region.as_str()) {
        ("", region) => clean(region).into_owned(),
        (account, yagura_model::GLOBAL_REGION) => clean(account).into_owned(),
        (account, region) => words.fill(
            "findings.account_and_region",
            &[("account", &clean(account)), ("region", &clean(region))],
        ),
    }
}

pub(super) fn state(words: &Words, state: FindingState) -> &str {
    match state {
        FindingState::New => words.get("findings.state.new"),
        FindingState::Acknowledged => words.get("findings.state.acknowledged"),
        FindingState::InProgress => words.get("findings.state.in_progress"),
        FindingState::Resolved => words.get("findings.state.resolved"),
        FindingState::Suppressed => words.get("findings.state.suppressed"),
    }
}

pub(super) fn kind(words: &Words, kind: FindingKind) -> &str {
    match kind {
        FindingKind::Control => words.get("findings.kind.control"),
        FindingKind::Alert => words.get("findings.kind.alert"),
        FindingKind::Import => words.get("findings.kind.import"),
        FindingKind::Spend => words.get("findings.kind.spend"),
    }
}

pub(super) fn mark(words: &Words, kind: MarkKind) -> &str {
    match kind {
        MarkKind::Requirement => words.get("findings.mark.requirement"),
        MarkKind::Attack => words.get("findings.mark.attack"),
        MarkKind::Actor => words.get("findings.mark.actor"),
        MarkKind::Address => words.get("findings.mark.address"),
        MarkKind::Resource => words.get("findings.mark.resource"),
        MarkKind::Tag => words.get("findings.mark.tag"),
        MarkKind::Product => words.get("findings.mark.product"),
        MarkKind::Vulnerability => words.get("findings.mark.vulnerability"),
        MarkKind::Module => words.get("findings.mark.module"),
    }
}

pub(super) fn factor(words: &Words, factor: RankFactor) -> &str {
    match factor {
        RankFactor::Severity => words.get("findings.factor.severity"),
        RankFactor::Exposure => words.get("findings.factor.exposure"),
        RankFactor::Privilege => words.get("findings.factor.privilege"),
        RankFactor::Data => words.get("findings.factor.data"),
        RankFactor::Exploitability => words.get("findings.factor.exploitability"),
        RankFactor::Age => words.get("findings.factor.age"),
        RankFactor::Account => words.get("findings.factor.account"),
        RankFactor::Activity => words.get("findings.factor.activity"),
    }
}

/// Who or what changed something.
pub(super) fn actor(words: &Words, actor: &Actor) -> String {
    match actor {
        Actor::Person(name) => clean(name).into_owned(),
        Actor::Rule(name) => words.fill("findings.actor.rule", &[("name", &clean(name))]),
        Actor::Yagura(name) => words.fill("findings.actor.yagura", &[("name", &clean(name))]),
    }
}

/// What changed, as half a sentence.
pub(super) fn change(words: &Words, change: &Change) -> String {
    match change {
        Change::Opened { severity } => {
            let severity = phrases::severity(words, *severity);
            words.fill("findings.change.opened", &[("severity", &severity)])
        }
        Change::Reopened { severity } => {
            let severity = phrases::severity(words, *severity);
            words.fill("findings.change.reopened", &[("severity", &severity)])
        }
        Change::SeverityChanged { from, to } => {
            let (from, to) = (phrases::severity(words, *from), phrases::severity(words, *to));
            words.fill("findings.change.severity_changed", &[("from", &from), ("to", &to)])
        }
        Change::SeveritySet { to: Some(to) } => {
            let to = phrases::severity(words, *to);
            words.fill("findings.change.severity_set", &[("to", &to)])
        }
        Change::SeveritySet { to: None } => words.get("findings.change.severity_unset").to_owned(),
        Change::StateChanged { from, to, reason } => {
            let (from, to) = (state(words, *from), state(words, *to));
            let text = words.fill("findings.change.state_changed", &[("from", &from), ("to", &to)]);
            because(words, text, reason.as_deref())
        }
        Change::Resolved { reason, .. } => {
            let text = words.get("findings.change.resolved").to_owned();
            because(words, text, reason.as_deref())
        }
        Change::Suppressed { until_us, owner, reason } => words.fill(
            "findings.change.suppressed",
            &[("until", &minute(*until_us)), ("owner", &clean(owner)), ("reason", &clean(reason))],
        ),
        Change::Assigned { to: Some(to) } => {
            words.fill("findings.change.assigned", &[("to", &clean(to))])
        }
        Change::Assigned { to: None } => words.get("findings.change.unassigned").to_owned(),
        Change::DueSet { at_us: Some(at_us) } => {
            words.fill("findings.change.due_set", &[("at", &minute(*at_us))])
        }
        Change::DueSet { at_us: None } => words.get("findings.change.due_unset").to_owned(),
        Change::Commented { text } => {
            words.fill("findings.change.commented", &[("text", &clean(text))])
        }
        Change::TicketLinked(ticket) => words.fill(
            "findings.change.ticket_linked",
            &[("system", &clean(&ticket.system)), ("key", &clean(&ticket.key))],
        ),
        Change::TicketUnlinked(ticket) => words.fill(
            "findings.change.ticket_unlinked",
            &[("system", &clean(&ticket.system)), ("key", &clean(&ticket.key))],
        ),
        Change::Labeled { label } => {
            words.fill("findings.change.labeled", &[("label", &clean(label))])
        }
        Change::Unlabeled { label } => {
            words.fill("findings.change.unlabeled", &[("label", &clean(label))])
        }
    }
}

fn because(words: &Words, text: String, reason: Option<&str>) -> String {
    match reason.filter(|reason| !reason.is_empty()) {
        Some(why) => {
            let why = reason_of(words, why);
            words.fill("findings.change.because", &[("what", &text), ("why", &why)])
        }
        None => text,
    }
}

/// A reason that the history keeps as a word, in the reader's language; a person's own words stay.
fn reason_of<'a>(words: &'a Words, reason: &'a str) -> Cow<'a, str> {
    Cow::Borrowed(match reason {
        "passed" => words.get("findings.reason.passed"),
        "not_applicable" => words.get("findings.reason.not_applicable"),
        "resource_ended" => words.get("findings.reason.resource_ended"),
        "content_ended" => words.get("findings.reason.content_ended"),
        "closed_at_origin" => words.get("findings.reason.closed_at_origin"),
        "back_to_normal" => words.get("findings.reason.back_to_normal"),
        "suppression_ended" => words.get("findings.reason.suppression_ended"),
        "exception_ended" => words.get("findings.reason.exception_ended"),
        own => return clean(own),
    })
}

/// Whether a finding is overdue at a time.
pub(super) fn is_overdue(finding: &Finding, now_us: i64) -> bool {
    finding.state.is_open() && finding.due_us.is_some_and(|due_us| due_us < now_us)
}
