//! Metrics: counting, and the text that Prometheus reads.
//! What each metric means is in `names.rs`; what is asked of the database, in `gauges.rs`.

pub(crate) mod gauges;
pub(crate) mod names;
mod process;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use names::{Kind, METRICS, Metric};

/// The upper bounds of the buckets of durations, in seconds.
const BUCKETS: [f64; 8] = [0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0, 3_600.0];
/// Combinations of labels of one metric; more would be somebody's input, not ours.
const SERIES_MAX: usize = 2_000;

/// The values of one combination of labels.
#[derive(Clone, Debug, Default, PartialEq)]
struct Series {
    /// The value; of a histogram the sum.
    value: f64,
    /// Of a histogram: how many were at most as long as each bound, and all.
    buckets: [u64; BUCKETS.len()],
    count: u64,
}

/// The values of one metric, by its labels.
type Values = BTreeMap<Vec<String>, Series>;

/// All values of this process.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    values: Mutex<BTreeMap<&'static str, Values>>,
}

impl Metrics {
    fn values(&self) -> MutexGuard<'_, BTreeMap<&'static str, Values>> {
        // Every change to it is one assignment.
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with(&self, name: &'static str, labels: &[&str], change: impl FnOnce(&mut Series)) {
        let mut values = self.values();
        let values = values.entry(name).or_default();
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        if values.len() < SERIES_MAX || values.contains_key(&labels) {
            change(values.entry(labels).or_default());
        }
    }

    /// A counter grows.
    pub(crate) fn add(&self, name: &'static str, labels: &[&str], more: f64) {
        self.with(name, labels, |series| series.value += more);
    }

    /// A gauge, or a counter that somebody else counts, has a value now.
    pub(crate) fn set(&self, name: &'static str, labels: &[&str], value: f64) {
        self.with(name, labels, |series| series.value = value);
    }

    /// A duration is one more for a histogram, in seconds.
    pub(crate) fn observe(&self, name: &'static str, labels: &[&str], seconds: f64) {
        self.with(name, labels, |series| {
            series.value += seconds;
            series.count += 1;
            for (bucket, bound) in series.buckets.iter_mut().zip(BUCKETS) {
                *bucket += u64::from(seconds <= bound);
            }
        });
    }

    /// One value of a gauge is gone.
    pub(crate) fn forget(&self, name: &str, labels: &[&str]) {
        if let Some(values) = self.values().get_mut(name) {
            values.retain(|known, _| !known.iter().eq(labels));
        }
    }

    /// All values of a gauge are gone: what is not set again is not there any more.
    pub(crate) fn clear(&self, name: &'static str) {
        self.values().remove(name);
    }

    /// Everything in the text format of Prometheus ("Exposition formats", version 0.0.4, seen
    /// 2026-11).
    pub(crate) fn text(&self) -> String {
        let values = self.values();
        let mut text = String::new();
        for metric in METRICS {
            // Writing to a text cannot fail.
            let _ = writeln!(text, "# HELP {} {}", metric.name, metric.en);
            let _ = writeln!(text, "# TYPE {} {}", metric.name, metric.kind.as_str());
            match values.get(metric.name) {
                Some(values) => {
                    for (labels, series) in values {
                        write_series(&mut text, metric, labels, series);
                    }
                }
                // A counter that nobody has counted yet is zero, not absent.
                None if metric.labels.is_empty() && metric.kind == Kind::Counter => {
                    write_series(&mut text, metric, &[], &Series::default());
                }
                None => {}
            }
        }
        text
    }
}

fn write_series(text: &mut String, metric: &Metric, labels: &[String], series: &Series) {
    let name = metric.name;
    let pairs: Vec<String> = metric
        .labels
        .iter()
        .zip(labels)
        .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
        .collect();
    let braces = |more: Option<String>| {
        let all: Vec<String> = pairs.iter().cloned().chain(more).collect();
        if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
    };
    if metric.kind != Kind::Histogram {
        let _ = writeln!(text, "{name}{} {}", braces(None), series.value);
        return;
    }
    for (bucket, bound) in series.buckets.iter().zip(BUCKETS) {
        let braces = braces(Some(format!("le=\"{bound}\"")));
        let _ = writeln!(text, "{name}_bucket{braces} {bucket}");
    }
    let all = braces(Some("le=\"+Inf\"".to_owned()));
    let _ = writeln!(text, "{name}_bucket{all} {}", series.count);
    let _ = writeln!(text, "{name}_sum{} {}", braces(None), series.value);
    let _ = writeln!(text, "{name}_count{} {}", braces(None), series.count);
}

/// A label's value: backslash, quote and line feed are escaped, other control characters gone.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c if c.is_control() => text.push('\u{fffd}'),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(metrics: &Metrics, name: &str) -> Vec<String> {
        let text = metrics.text();
        let own = text.lines().filter(|line| line.starts_with(name));
        own.map(str::to_owned).collect()
    }

    #[test]
    fn values_are_written_as_prometheus_reads_them() {
        let metrics = Metrics::default();
        metrics.add(names::SCANS, &["complete"], 1.0);
        metrics.add(names::SCANS, &["complete"], 1.0);
        metrics.set(names::JOBS, &["scan", "waiting"], 3.0);
        assert_eq!(lines(&metrics, names::SCANS), ["yagura_scans_total{outcome=\"complete\"} 2"]);
        let jobs = ["yagura_jobs{kind=\"scan\",state=\"waiting\"} 3"];
        assert_eq!(lines(&metrics, "yagura_jobs{"), jobs);
        assert_eq!(lines(&metrics, names::AWS_CALLS), ["yagura_aws_calls_total 0"]);
        metrics.clear(names::JOBS);
        assert!(lines(&metrics, "yagura_jobs{").is_empty());
        let text = metrics.text();
        assert!(text.contains("# TYPE yagura_scans_total counter\n"), "{text}");
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn a_duration_is_in_its_bucket_and_all_greater_ones() {
        let metrics = Metrics::default();
        metrics.observe(names::JOB_SECONDS, &["scan"], 0.3);
        metrics.observe(names::JOB_SECONDS, &["scan"], 9_999.0);
        let expected = [
            "_bucket{kind=\"scan\",le=\"0.1\"} 0",
            "_bucket{kind=\"scan\",le=\"0.5\"} 1",
            "_bucket{kind=\"scan\",le=\"1\"} 1",
            "_bucket{kind=\"scan\",le=\"5\"} 1",
            "_bucket{kind=\"scan\",le=\"30\"} 1",
            "_bucket{kind=\"scan\",le=\"120\"} 1",
            "_bucket{kind=\"scan\",le=\"600\"} 1",
            "_bucket{kind=\"scan\",le=\"3600\"} 1",
            "_bucket{kind=\"scan\",le=\"+Inf\"} 2",
            "_sum{kind=\"scan\"} 9999.3",
            "_count{kind=\"scan\"} 2",
        ];
        let expected = expected.map(|line| format!("{}{line}", names::JOB_SECONDS));
        assert_eq!(lines(&metrics, names::JOB_SECONDS), expected);
    }

    #[test]
    fn a_label_from_outside_cannot_break_the_text_or_fill_the_memory() {
        let metrics = Metrics::default();
        metrics.set(names::WATCH_LAG, &["a\"b\\c\nd\u{1b}"], 1.0);
        let expected = "yagura_watch_lag_seconds{place=\"a\\\"b\\\\c\\nd\u{fffd}\"} 1";
        assert_eq!(lines(&metrics, names::WATCH_LAG), [expected]);
        for n in 0..SERIES_MAX + 50 {
            metrics.set(names::WATCH_LAG, &[&n.to_string()], 1.0);
        }
        assert_eq!(lines(&metrics, names::WATCH_LAG).len(), SERIES_MAX);
    }
}
