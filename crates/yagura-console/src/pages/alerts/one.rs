//! One alert as a story: what happened, why it matters, who and what is named, the records, when
//! it is harmless, what to do, and where to look further.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use yagura_content::Content;
use yagura_model::alert::{Alert, EntityKind, Several};
use yagura_model::finding::Finding;
use yagura_report::{alert_facts as facts, words};
use yagura_store::alerts::StoredAlert;

use super::cut::Seen;
use super::list::{Row, row};
use crate::layout::links;
use crate::viewer::Viewer;

/// Time before and after an alert that is worth a look, in microseconds: an hour.
const AROUND_US: i64 = 3_600_000_000;

/// What is known beside the alert.
pub(super) struct Around<'a> {
    pub(super) content: &'a Content,
    pub(super) viewer: &'a Viewer,
    pub(super) raised: Timestamp,
    pub(super) changed: Timestamp,
    pub(super) finding: Option<Finding>,
    pub(super) related: Vec<StoredAlert>,
    pub(super) now: Timestamp,
}

#[derive(Debug, Serialize)]
pub(super) struct Page {
    id: String,
    severity: &'static str,
    kind: String,
    content: String,
    file: String,
    cut: bool,
    marks: Vec<String>,
    reasons: Vec<String>,
    first_us: i64,
    last_us: i64,
    raised_us: i64,
    changed_us: i64,
    count: String,
    named: Vec<Named>,
    tactics: Vec<(String, String)>,
    techniques: Vec<String>,
    why: String,
    normal: String,
    seen: String,
    matched: Vec<Matched>,
    steps: Vec<Step>,
    records: Vec<Record>,
    records_left: u64,
    harmless: Vec<String>,
    respond: Vec<String>,
    references: Vec<String>,
    finding: Option<Folded>,
    related: Vec<Row>,
}

/// Things of one kind that the alert names.
#[derive(Debug, Serialize)]
struct Named {
    /// The word of the kind: `alerts.story.<key>`.
    key: &'static str,
    things: Vec<Thing>,
    more: u64,
}

/// A thing, and where more is known of it.
#[derive(Debug, Serialize)]
struct Thing {
    name: String,
    alerts: String,
    /// A question to the logs about it; none for who may not ask.
    logs: Option<String>,
    access: Option<String>,
}

#[derive(Debug, Serialize)]
struct Matched {
    selection: String,
    field: String,
    value: Option<String>,
}

#[derive(Debug, Serialize)]
struct Step {
    time_us: i64,
    tactic: String,
    title: String,
    action: String,
}

/// A record that is kept with the alert.
#[derive(Debug, Serialize)]
struct Record {
    time_us: i64,
    source: String,
    event: String,
    action: String,
    outcome: String,
    who: String,
    from: String,
    agent: String,
    place: String,
    resources: Vec<String>,
}

/// The finding that the alert was folded into.
#[derive(Debug, Serialize)]
struct Folded {
    id: String,
    state: &'static str,
}

impl Page {
    pub(super) fn new(seen: &Seen, around: &Around<'_>) -> Self {
        let (alert, viewer) = (&seen.alert, around.viewer);
        let (lang, words) = (viewer.lang, words(viewer.lang));
        let entry = super::entry::entry(around.content, &alert.content).unwrap_or_default();
        let contrast = |pick: fn(&yagura_model::alert::Contrast) -> &yagura_model::Prose| {
            alert.contrast.as_ref().map(|one| pick(one).get(lang).to_owned()).unwrap_or_default()
        };
        let shown = alert.witnesses.len() as u64;
        let mut marked = alert.clone();
        if marked.suppressed.as_ref().is_some_and(|by| by.expires <= around.now) {
            marked.suppressed = None;
        }
        let related = around.related.iter().cloned();
        Self {
            id: alert.id.clone(),
            severity: alert.severity.as_str(),
            kind: facts::kind(words, alert.kind).to_owned(),
            content: alert.content.to_string(),
            file: alert.path.to_string(),
            cut: seen.cut,
            marks: facts::marks(words, &marked),
            reasons: facts::severity_reasons(alert, lang),
            first_us: alert.first_us,
            last_us: alert.last_us,
            raised_us: around.raised.as_microsecond(),
            changed_us: around.changed.as_microsecond(),
            count: facts::count(alert),
            named: named(alert, viewer),
            tactics: facts::tactics(alert)
                .into_iter()
                .map(|tactic| (tactic.uid.to_owned(), tactic.name.to_owned()))
                .collect(),
            techniques: facts::techniques(alert),
            why: entry.description.get(lang).to_owned(),
            normal: contrast(|one| &one.normal),
            seen: contrast(|one| &one.seen),
            matched: alert
                .matched
                .iter()
                .map(|one| Matched {
                    selection: one.selection.to_string(),
                    field: one.field.to_string(),
                    value: one.value.as_deref().map(str::to_owned),
                })
                .collect(),
            steps: steps(alert, viewer),
            records: records(alert),
            // Of a cut alert it is not known whose the others are.
            records_left: if seen.cut { 0 } else { alert.count().0.saturating_sub(shown) },
            harmless: entry.falsepositives(lang).to_vec(),
            respond: entry.respond(lang).to_vec(),
            references: entry.links(),
            finding: around
                .finding
                .as_ref()
                .map(|finding| Folded { id: finding.id.clone(), state: finding.state.as_str() }),
            related: related.filter_map(|one| row(one, viewer, around.now)).collect(),
        }
    }
}

fn steps(alert: &Alert, viewer: &Viewer) -> Vec<Step> {
    let step = |step: &yagura_model::alert::StoryStep| Step {
        time_us: step.time_us,
        tactic: facts::tactic(&step.tactic)
            .map(|tactic| tactic.name.to_owned())
            .unwrap_or_default(),
        title: step.title.get(viewer.lang).to_owned(),
        action: step.witness.action.as_deref().unwrap_or_default().to_owned(),
    };
    alert.story.iter().map(step).collect()
}

fn records(alert: &Alert) -> Vec<Record> {
    let text = |value: &Option<std::sync::Arc<str>>| value.as_deref().unwrap_or("").to_owned();
    let record = |witness: &yagura_model::alert::Witness| Record {
        time_us: witness.time_us,
        source: witness.source.to_string(),
        event: witness.event_id().to_owned(),
        action: text(&witness.action),
        outcome: text(&witness.outcome),
        who: text(&witness.actor),
        from: text(&witness.address),
        agent: text(&witness.user_agent),
        place: format!("{} {}", text(&witness.account), text(&witness.region)).trim().to_owned(),
        resources: witness.resources.iter().map(ToString::to_string).collect(),
    };
    alert.witnesses.iter().map(record).collect()
}

/// What the alert names, by kind, with where to look for each.
fn named(alert: &Alert, viewer: &Viewer) -> Vec<Named> {
    let kinds: [(&str, &str, &Several); 4] = [
        ("who", "actor", &alert.actors),
        ("resources", "resource", &alert.resources),
        ("from", "address", &alert.addresses),
        ("accounts", "account", &alert.accounts),
    ];
    let mut named: Vec<Named> = kinds
        .into_iter()
        .filter(|(.., set)| !set.is_empty())
        .map(|(key, column, set)| Named {
            key,
            things: set.names().map(|name| thing(alert, viewer, column, name)).collect(),
            more: set.more(),
        })
        .collect();
    let entity = &alert.entity;
    let known = named.iter().any(|kind| kind.things.iter().any(|one| *one.name == *entity.id));
    if !entity.id.is_empty() && !known {
        let column = match entity.kind {
            EntityKind::Actor | EntityKind::Other => "actor",
            EntityKind::Resource | EntityKind::Instance => "resource",
            EntityKind::Account => "account",
            EntityKind::Address => "address",
        };
        let things = vec![thing(alert, viewer, column, &entity.id)];
        named.insert(0, Named { key: "about", things, more: 0 });
    }
    named
}

fn thing(alert: &Alert, viewer: &Viewer, column: &str, name: &str) -> Thing {
    let encoded = links::encoded(name);
    let parameter = if column == "account" { "account" } else { "entity" };
    let source = alert.witnesses.first().map(|witness| &*witness.source);
    let may_ask = viewer.may(crate::viewer::Role::Analyst);
    let logs = source.filter(|_| may_ask).map(|source| {
        let sql = question(source, column, name);
        let from = local(alert.first_us.saturating_sub(AROUND_US), &viewer.zone);
        let to = local(alert.last_us.saturating_add(AROUND_US), &viewer.zone);
        let asked = [("sql", &*sql), ("range", "own"), ("from", &*from), ("to", &*to)];
        format!("/logs?{}", links::query(asked))
    });
    let principal = column == "actor" && name.starts_with("arn:") && name.contains(":iam:");
    Thing {
        name: name.to_owned(),
        alerts: format!("/alerts?{parameter}={encoded}&span=all"),
        logs,
        access: principal.then(|| format!("/access?principal={encoded}")),
    }
}

/// SQL for everything that names a value around the time. The value is quoted: whatever stands in
/// a log cannot end it.
fn question(source: &str, column: &str, value: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let table = match source.chars().all(plain) {
        true => source.to_owned(),
        false => format!("\"{}\"", source.replace('"', "\"\"")),
    };
    let value = value.replace('\'', "''");
    // What the asker may change before it runs; the lake reads it, no database of ours.
    include_str!("question.sql")
        .trim_end()
        .replace("{table}", &table)
        .replace("{column}", column)
        .replace("{value}", &value)
}

/// A time as a field for times has it.
fn local(us: i64, zone: &TimeZone) -> String {
    let time = Timestamp::from_microsecond(us).unwrap_or_default().to_zoned(zone.clone());
    time.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_a_log_cannot_end_the_question() {
        let sql = question("cloudtrail", "actor", "x'; DROP TABLE t --");
        assert!(sql.contains("WHERE actor = 'x''; DROP TABLE t --'"), "{sql}");
        assert!(question("a\"b", "actor", "x").contains("FROM \"a\"\"b\""));
    }

    #[test]
    fn a_time_is_of_the_viewers_zone() {
        let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
        assert_eq!(local(0, &tokyo), "1970-01-01T09:00:00");
    }
}
