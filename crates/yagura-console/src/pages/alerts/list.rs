//! The list of alerts with its time line, as the template lays it out.

use jiff::Timestamp;
use serde::Serialize;
use yagura_content::Content;
use yagura_model::Severity;
use yagura_report::{Words, alert_facts as facts, words};
use yagura_store::alerts::{AlertPage, StoredAlert};

use super::asked::{Asked, SPANS};
use super::cut;
use crate::viewer::Viewer;

/// What was found, and who looks.
pub(super) struct Found<'a> {
    pub(super) asked: &'a Asked,
    pub(super) content: &'a Content,
    pub(super) viewer: &'a Viewer,
    pub(super) page: AlertPage,
    pub(super) counts: [u64; 5],
    pub(super) steps: Vec<(i64, [u64; 5])>,
    /// How the beginning of a step is written.
    pub(super) step_format: &'static str,
    pub(super) now: Timestamp,
}

#[derive(Debug, Serialize)]
pub(super) struct Page {
    total: u64,
    severities: Vec<Share>,
    steps: Vec<Step>,
    rows: Vec<Row>,
    next: Option<String>,
    first: bool,
    spans: Vec<Chosen>,
    sources: Vec<Chosen>,
    severity: Option<&'static str>,
    levels: Vec<&'static str>,
    detection: String,
    account: String,
    entity: String,
    untold: bool,
    narrowed: bool,
}

/// How many there are of one severity.
#[derive(Debug, Serialize)]
struct Share {
    name: &'static str,
    n: u64,
}

#[derive(Debug, Serialize)]
struct Chosen {
    value: String,
    chosen: bool,
}

/// A step of the time line.
#[derive(Debug, Serialize)]
struct Step {
    label: String,
    parts: Vec<Part>,
}

#[derive(Debug, Serialize)]
struct Part {
    tone: &'static str,
    word: String,
    n: u64,
}

/// An alert of a list.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) id: String,
    severity: &'static str,
    title: String,
    content: String,
    kind: String,
    pub(super) last_us: i64,
    count: String,
    who: String,
    place: String,
    what: String,
    marks: Vec<String>,
}

/// A severity's word.
pub(super) fn severity_word(words: &Words, severity: Severity) -> String {
    words.get(&format!("report.severity.{}", severity.as_str())).to_owned()
}

/// A row; none where the viewer may not see it.
pub(super) fn row(stored: StoredAlert, viewer: &Viewer, now: Timestamp) -> Option<Row> {
    let alert = cut::within(stored.alert, &viewer.scope)?.alert;
    let words = words(viewer.lang);
    let mut shown = alert.clone();
    // A suppression that is over is none.
    if shown.suppressed.as_ref().is_some_and(|by| by.expires <= now) {
        shown.suppressed = None;
    }
    Some(Row {
        severity: alert.severity.as_str(),
        title: alert.title.get(viewer.lang).to_owned(),
        content: alert.content.to_string(),
        kind: facts::kind(words, alert.kind).to_owned(),
        last_us: alert.last_us,
        count: facts::count(&alert),
        who: facts::who(&alert),
        place: facts::place(&alert),
        what: facts::what(&alert),
        marks: facts::marks(words, &shown),
        id: alert.id,
    })
}

impl Page {
    pub(super) fn new(found: Found<'_>) -> Self {
        let Found { asked, content, viewer, page, counts, steps, step_format, now } = found;
        let words = words(viewer.lang);
        let last = page.alerts.last().map(|last| last.place);
        let next =
            last.filter(|_| page.more).map(|(last_us, number)| format!("{last_us}.{number}"));
        let label = |us: i64| {
            let time = Timestamp::from_microsecond(us).unwrap_or_default();
            let time = time.to_zoned(viewer.zone.clone());
            time.strftime(step_format).to_string()
        };
        let step = |(start, counts): &(i64, [u64; 5])| Step {
            label: label(*start),
            parts: Severity::ALL
                .iter()
                .zip(counts)
                .map(|(severity, n)| Part {
                    tone: severity.as_str(),
                    word: severity_word(words, *severity),
                    n: *n,
                })
                .rev()
                .collect(),
        };
        let share = |(severity, n): (&Severity, u64)| Share { name: severity.as_str(), n };
        let chosen =
            |value: &str, now: &str| Chosen { value: value.to_owned(), chosen: value == now };
        let spans = SPANS.iter().map(|(word, _)| *word).chain(["all"]);
        Self {
            total: counts.iter().sum(),
            severities: Severity::ALL.iter().zip(counts).map(share).rev().collect(),
            steps: steps.iter().map(step).collect(),
            rows: page.alerts.into_iter().filter_map(|one| row(one, viewer, now)).collect(),
            next,
            first: asked.after.is_none(),
            spans: spans.map(|word| chosen(word, &asked.span)).collect(),
            sources: content.sources.keys().map(|id| chosen(id, &asked.source)).collect(),
            severity: asked.severity.map(Severity::as_str),
            levels: Severity::ALL.iter().rev().map(|one| one.as_str()).collect(),
            detection: asked.detection.clone(),
            account: asked.account.clone(),
            entity: asked.entity.clone(),
            untold: asked.untold,
            narrowed: asked.is_narrowed(),
        }
    }
}
