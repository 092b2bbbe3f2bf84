//! What several writers say of an alert: times, names, techniques, order.
//! Columns and markup are with the writers.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use yagura_model::alert::{Alert, EntityKind, Several, SignalKind};
use yagura_model::{Lang, Severity};

use crate::clean::clean;
use crate::words::{Words, grouped};

/// ATT&CK's tactics: as tags write them, with their id and name (MITRE ATT&CK, Enterprise, v16).
const TACTICS: [(&str, &str, &str); 14] = [
    ("reconnaissance", "TA0043", "Reconnaissance"),
    ("resource-development", "TA0042", "Resource Development"),
    ("initial-access", "TA0001", "Initial Access"),
    ("execution", "TA0002", "Execution"),
    ("persistence", "TA0003", "Persistence"),
    ("privilege-escalation", "TA0004", "Privilege Escalation"),
    ("defense-evasion", "TA0005", "Defense Evasion"),
    ("credential-access", "TA0006", "Credential Access"),
    ("discovery", "TA0007", "Discovery"),
    ("lateral-movement", "TA0008", "Lateral Movement"),
    ("collection", "TA0009", "Collection"),
    ("command-and-control", "TA0011", "Command and Control"),
    ("exfiltration", "TA0010", "Exfiltration"),
    ("impact", "TA0040", "Impact"),
];

/// A tactic of ATT&CK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tactic {
    /// Its id: `TA0005`.
    pub uid: &'static str,
    /// Its name.
    pub name: &'static str,
}

/// The tactic that a tag's last part names; both `defense-evasion` and `defense_evasion` do.
pub fn tactic(word: &str) -> Option<Tactic> {
    let word = word.replace('_', "-");
    let found = TACTICS.iter().find(|(tag, ..)| *tag == word);
    found.map(|(_, uid, name)| Tactic { uid, name })
}

/// The tactics of an alert, in the order of its tags.
pub fn tactics(alert: &Alert) -> Vec<Tactic> {
    alert.tags.iter().filter_map(|tag| tactic(tag.strip_prefix("attack.")?)).collect()
}

/// The techniques of an alert: `T1562.008`.
pub fn techniques(alert: &Alert) -> Vec<String> {
    let of = |tag: &str| {
        let id = tag.strip_prefix("attack.")?;
        let number = id.strip_prefix(['t', 'T'])?;
        let digits = number.chars().all(|c| c.is_ascii_digit() || c == '.');
        (digits && number.len() >= 4).then(|| format!("T{number}"))
    };
    alert.tags.iter().filter_map(|tag| of(tag)).collect()
}

/// Second: `2026-11-21 19:54:03`, in UTC.
pub(super) fn second(us: i64) -> String {
    let time = Timestamp::from_microsecond(us).unwrap_or(Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The same for programs: `2026-11-21T19:54:03Z`, with the parts of a second where there are.
pub fn instant(us: i64) -> String {
    Timestamp::from_microsecond(us).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// A name from a log as a table shows it: of an ARN what names the thing.
pub fn short(name: &str) -> String {
    let mut parts = name.splitn(6, ':');
    let thing = match (parts.next(), parts.nth(4)) {
        (Some("arn"), Some(thing)) if !thing.is_empty() => thing,
        _ => name,
    };
    // The kind says nothing that the session's name does not.
    let thing = thing.strip_prefix("assumed-role/").unwrap_or(thing);
    clean(thing).into_owned()
}

/// The first name of a set, and how many more there are.
pub fn first_of(set: &Several, show: impl Fn(&str) -> String) -> String {
    let kept = set.names().len() as u64;
    let Some(first) = set.names().next() else { return String::new() };
    match kept.saturating_sub(1) + set.more() {
        0 => show(first),
        more => format!("{} +{}", show(first), grouped(more)),
    }
}

/// Account and region.
pub fn place(alert: &Alert) -> String {
    let whole = |name: &str| clean(name).into_owned();
    let parts = [first_of(&alert.accounts, whole), first_of(&alert.regions, whole)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Who did it: the actors, else the entity where it is one.
pub fn who(alert: &Alert) -> String {
    if alert.entity.kind == EntityKind::Actor && !alert.entity.id.is_empty() {
        return short(&alert.entity.id);
    }
    first_of(&alert.actors, short)
}

/// What was done to what: of the first record, or what the alert is about.
pub fn what(alert: &Alert) -> String {
    let action = alert.witnesses.first().and_then(|witness| witness.action.as_deref());
    let action = action.map(|action| clean(action).into_owned()).unwrap_or_default();
    let about = match alert.entity.kind {
        EntityKind::Actor | EntityKind::Address => first_of(&alert.resources, short),
        _ if alert.entity.id.is_empty() => first_of(&alert.resources, short),
        _ => short(&alert.entity.id),
    };
    match (action.is_empty(), about.is_empty()) {
        (_, true) => action,
        (true, _) => about,
        _ => format!("{action} → {about}"),
    }
}

/// How many records, with a mark where the number is an estimate.
pub fn count(alert: &Alert) -> String {
    match alert.count() {
        (count, true) => grouped(count),
        (count, false) => format!("≥{}", grouped(count)),
    }
}

/// The kind of content in words.
pub fn kind(words: &Words, kind: SignalKind) -> &str {
    match kind {
        SignalKind::Detection => words.get("alerts.kind.detection"),
        SignalKind::Intelligence => words.get("alerts.kind.intelligence"),
        SignalKind::Behavior => words.get("alerts.kind.behavior"),
        SignalKind::Sequence => words.get("alerts.kind.sequence"),
    }
}

/// Marks that change what an alert means: suppressed, in shadow.
pub fn marks(words: &Words, alert: &Alert) -> Vec<String> {
    let mut marks = Vec::new();
    if let Some(by) = &alert.suppressed {
        let (owner, until) = (clean(&by.owner), crate::phrases::day(by.expires));
        let reason = clean(&by.reason);
        let values: [(&str, &dyn std::fmt::Display); 3] =
            [("owner", &owner), ("until", &until), ("reason", &reason)];
        marks.push(words.fill("alerts.mark.suppressed", &values));
    }
    if alert.shadow {
        marks.push(words.get("alerts.mark.shadow").to_owned());
    }
    marks
}

/// What the severity was changed for, in the reader's language.
pub fn severity_reasons(alert: &Alert, lang: Lang) -> Vec<String> {
    let of = |reason: &yagura_model::alert::SeverityReason| match lang {
        Lang::En => clean(&reason.en).into_owned(),
        Lang::Ja => clean(&reason.ja).into_owned(),
    };
    alert.severity_reasons.iter().map(of).collect()
}

/// In the order of their first record.
pub(super) fn by_time(alerts: &[Alert]) -> Vec<&Alert> {
    let mut sorted: Vec<&Alert> = alerts.iter().collect();
    sorted.sort_by(|a, b| (a.first_us, &a.content, &a.id).cmp(&(b.first_us, &b.content, &b.id)));
    sorted
}

/// Alerts of one content, the worst content first, then the one with the earliest record; each in
/// the order of time.
pub(super) fn by_content(alerts: &[Alert]) -> Vec<Vec<&Alert>> {
    let mut groups: BTreeMap<&str, Vec<&Alert>> = BTreeMap::new();
    for alert in by_time(alerts) {
        groups.entry(&alert.content).or_default().push(alert);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| (Reverse(worst(group)), group.first().map(|first| first.first_us)));
    groups
}

/// The worst severity of some alerts.
pub(super) fn worst(alerts: &[&Alert]) -> Severity {
    let worst = alerts.iter().map(|alert| alert.severity).max();
    worst.unwrap_or(Severity::Informational)
}

/// How many of each severity, the worst first, those that there are.
pub(super) fn tally(words: &Words, alerts: &[Alert]) -> String {
    let count = |severity| alerts.iter().filter(|alert| alert.severity == severity).count() as u64;
    let named = Severity::ALL.into_iter().rev().filter(|severity| count(*severity) > 0);
    let parts: Vec<String> = named
        .map(|severity| {
            let word = crate::phrases::severity(words, severity);
            format!("{word} {}", grouped(count(severity)))
        })
        .collect();
    parts.join(words.get("report.and_list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_arn_the_thing_is_shown() {
        for (name, shown) in [
            ("arn:aws:iam::111122223333:user/alice", "user/alice"),
            ("arn:aws:sts::111122223333:assumed-role/Admin/bob", "Admin/bob"),
            ("arn:aws:s3:::logs", "logs"),
            ("arn:aws:lambda:us-east-1:111122223333:function:f:1", "function:f:1"),
            ("alice", "alice"),
            ("arn:aws", "arn:aws"),
            ("a\u{1b}[2Jb", "a\u{fffd}[2Jb"),
        ] {
            assert_eq!(short(name), shown);
        }
    }

    #[test]
    fn a_tactic_is_known_in_both_writings() {
        assert_eq!(tactic("defense-evasion").unwrap().uid, "TA0005");
        assert_eq!(tactic("defense_evasion").unwrap().name, "Defense Evasion");
        assert_eq!(tactic("t1562"), None);
    }
}
