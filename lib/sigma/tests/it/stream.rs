//! Runs streams of records through correlations, for the tests of this folder.
//! No assertions about Sigma stand here.

use serde_json::{Value as Json, json};
use sigma::{CorrelationAlert, Correlator, JsonRecord, Matcher, Options};

/// An event at a second, with a name and fields.
pub(crate) fn event(seconds: i64, id: &str, fields: Json) -> Json {
    let mut event = fields;
    event["eventID"] = json!(id);
    event["eventTime"] = json!(1_700_000_000 + seconds);
    event
}

/// An alert in short: title, group values, second, measured, names of its events.
pub(crate) type Short = (String, Vec<String>, i64, f64, Vec<String>);

/// Options that wait for events of the last `seconds`.
pub(crate) fn lateness(seconds: i64) -> Options {
    Options { lateness_us: seconds * 1_000_000, ..Options::default() }
}

/// Takes in one event.
pub(crate) fn observe(matcher: &Matcher, correlator: &mut Correlator, event: &Json) {
    let source = matcher.source("any").unwrap();
    let mut scratch = matcher.scratch();
    let record = JsonRecord::with_fields(event, "eventID", "eventTime");
    let matched = matcher.matches(source, &record, &mut scratch).to_vec();
    correlator.observe(source, &record, &matched);
}

/// Runs a whole stream.
pub(crate) fn run(matcher: &Matcher, options: Options, events: &[Json]) -> Vec<Short> {
    let mut correlator = Correlator::new(matcher, options);
    let mut alerts = Vec::new();
    for event in events {
        observe(matcher, &mut correlator, event);
        alerts.extend(correlator.drain());
    }
    alerts.extend(correlator.finish());
    alerts.iter().map(|alert| short(matcher, alert)).collect()
}

/// An alert in short.
pub(crate) fn short(matcher: &Matcher, alert: &CorrelationAlert) -> Short {
    let correlation = matcher.plan().correlation(alert.correlation).unwrap();
    let group = |value: &Option<std::sync::Arc<str>>| value.as_deref().unwrap_or("-").to_owned();
    (
        correlation.metadata.title.clone(),
        alert.group.iter().map(|(_, value)| group(value)).collect(),
        alert.time_us / 1_000_000 - 1_700_000_000,
        alert.measured.as_f64(),
        alert.events.iter().map(|event| event.id.to_string()).collect(),
    )
}
