//! Runs the cases of detections through the real detector: in order, and torn apart.
//! How their events are made is in `case_events.rs`.

use yagura_content::format::{Detection, DetectionCase, DetectionOutcome};
use yagura_content::{Content, Place, Problem};
use yagura_model::alert::{Alert, SignalKind};
use yagura_model::event::EventBatch;

use super::case_events::CaseSource;
use super::detector::{DetectOptions, Detector};
use super::folder::Folder;
use super::record::EventRecord;

/// What became of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectionCaseResult {
    /// The detection's id.
    pub detection: String,
    /// The file of the case, relative to the content folder.
    pub path: String,
    /// The case's name.
    pub case: String,
    /// Where the case stands in its file.
    pub place: Place,
    /// Why it failed, as a sentence; `None` if it passed.
    pub failure: Option<String>,
}

/// The time of the run, long after any event of a case: 1 January 2030.
const NOW_S: i64 = 1_893_456_000;
/// Threads that the torn run pretends to have.
const WORKERS: usize = 3;

/// Runs the cases of every detection that is wanted. All detections of the content run over each
/// case's events together, as they do over logs; what cannot be compiled is told beside.
pub fn run(
    content: &Content,
    wanted: &dyn Fn(&str) -> bool,
) -> (Vec<DetectionCaseResult>, Vec<Problem>) {
    let now = jiff::Timestamp::from_second(NOW_S).unwrap_or_default();
    // Behaviours and sequences have cases of their own.
    let options = DetectOptions { behaviors: false, sequences: false, ..DetectOptions::at(now) };
    let (detector, problems) = Detector::compile(content, &options);
    let mut results = Vec::new();
    for (id, detection) in content.detections.iter().filter(|(id, _)| wanted(id)) {
        let Some(cases) = content.detection_cases.get(id) else { continue };
        let Ok(read) = cases.cases() else { continue };
        for case in read {
            results.push(DetectionCaseResult {
                detection: id.clone(),
                path: cases.path.clone(),
                case: case.name.value.clone(),
                place: case.name.place,
                failure: run_case(content, &detector, detection, case).err(),
            });
        }
    }
    (results, problems)
}

/// Whether a case comes out as it says.
///
/// # Errors
/// What came instead.
fn run_case(
    content: &Content,
    detector: &Detector,
    detection: &Detection,
    case: &DetectionCase,
) -> Result<(), String> {
    let folder = detection.id.split('.').next().unwrap_or_default();
    let source = case.source.as_ref().map_or(folder, |source| source.as_str());
    let Some(made) = CaseSource::of(content, source) else {
        return Err(format!("there is no base record `sources/{source}/case.yaml`"));
    };
    let batches = made.batches(case);
    let (alerts, raised) = in_order(detector, source, &batches);
    let (torn, _) = torn(detector, source, &batches);
    if alerts != torn {
        return Err(format!(
            "the alerts depend on the order in which the events come: {} in order, {} torn apart",
            titles(&alerts),
            titles(&torn)
        ));
    }
    let mine: Vec<&Raised> =
        raised.iter().filter(|raised| raised.content == detection.id).collect();
    match (case.expect, mine.first()) {
        (DetectionOutcome::Match, None) => {
            let why = why_not(detector, detection, source, &batches);
            Err(format!("expected a match, and nothing was raised{why}"))
        }
        (DetectionOutcome::Quiet, Some(raised)) => {
            Err(format!("expected nothing, and it was raised about `{}`", raised.entity))
        }
        (DetectionOutcome::Match, Some(_)) => match &case.entity {
            Some(entity) if !mine.iter().any(|raised| raised.entity == entity.value) => {
                let found: Vec<&str> = mine.iter().map(|raised| raised.entity.as_str()).collect();
                Err(format!(
                    "expected it about `{entity}`, and it is about `{}`",
                    found.join("`, `")
                ))
            }
            _ => Ok(()),
        },
        (DetectionOutcome::Quiet, None) => Ok(()),
    }
}

/// What was raised, weak or not.
struct Raised {
    content: String,
    entity: String,
}

/// All events in their order, by one worker.
fn in_order(
    detector: &Detector,
    source: &str,
    batches: &[EventBatch],
) -> (Vec<Alert>, Vec<Raised>) {
    let mut worker = detector.worker();
    fold(detector, batches.iter().map(|batch| worker.batch(source, batch)).collect())
}

/// The same events backwards, dealt out to several workers, and each third of them twice.
fn torn(detector: &Detector, source: &str, batches: &[EventBatch]) -> (Vec<Alert>, Vec<Raised>) {
    let mut workers: Vec<_> = (0..WORKERS).map(|_| detector.worker()).collect();
    let mut judged = Vec::new();
    for (at, batch) in batches.iter().enumerate().rev() {
        let many = workers.len();
        if let Some(worker) = workers.get_mut(at % many) {
            judged.push(worker.batch(source, batch));
            if at % 3 == 0 {
                judged.push(worker.batch(source, batch));
            }
        }
    }
    fold(detector, judged)
}

fn fold(detector: &Detector, judged: Vec<super::Judged>) -> (Vec<Alert>, Vec<Raised>) {
    let Ok(mut folder) = Folder::new(detector, None) else { return (Vec::new(), Vec::new()) };
    folder.listen();
    for judged in judged {
        folder.take(judged);
    }
    let (outcome, heard) = folder.finish_heard();
    let raised =
        heard.into_iter().filter(|signal| signal.kind == SignalKind::Detection).map(|signal| {
            Raised { content: signal.content.to_string(), entity: signal.entity.id.to_string() }
        });
    (outcome.alerts, raised.collect())
}

fn titles(alerts: &[Alert]) -> String {
    let mut titles: Vec<String> =
        alerts.iter().map(|alert| format!("{} ({})", alert.content, alert.count().0)).collect();
    titles.sort();
    if titles.is_empty() { "none".to_owned() } else { titles.join(", ") }
}

/// Which selections of the detection's rules hold of the first event, for whoever writes it.
fn why_not(
    detector: &Detector,
    detection: &Detection,
    source: &str,
    batches: &[EventBatch],
) -> String {
    let parts = &detector.parts;
    let Some(known) = parts.sources.get(source) else { return String::new() };
    let Some(record) = batches.first().and_then(|batch| batch.record(0)) else {
        return String::new();
    };
    let event = EventRecord::new(record, &known.table, &known.readers);
    let matcher = &parts.matcher;
    let Some(source_id) = known.id else { return String::new() };
    let mine = matcher
        .ids()
        .zip(matcher.rules())
        .filter(|(_, rule)| *rule.metadata.origin == detection.path);
    let mut said = String::new();
    for (id, _) in mine {
        let selections = matcher.selections(source_id, id, &event);
        if selections.is_empty() {
            said.push_str("; the rule does not run over this source");
        }
        for (name, holds) in selections {
            let holds = if holds { "holds" } else { "does not hold" };
            said.push_str(&format!("; `{name}` {holds}"));
        }
    }
    said
}
