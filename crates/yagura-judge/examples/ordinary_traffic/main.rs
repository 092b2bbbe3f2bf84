//! How quiet ordinary days are: writes three weeks of an invented organization's CloudTrail, judges
//! them with all of the content, and counts medium-or-higher alerts per 10,000 events.
//! `cargo run -p yagura-judge --example ordinary_traffic -- [content] [--seed N] [--days N]
//! [--write FILE] [--logs FOLDER] [--all]`. What ordinary is, is in the other files.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

mod changes;
mod ledger;
mod machines;
mod people;
mod weeks;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger::{DAY, Ledger};
use yagura_content::Content;
use yagura_judge::detections::{DetectOptions, Detector, Folder};
use yagura_model::Severity;
use yagura_model::alert::Alert;
use yagura_model::event::{BatchBuilder, EventBatch, Origin};

/// Records of one batch.
const BATCH: usize = 2_500;
/// Midnight of the first day, a Monday.
const FIRST_DAY: &str = "2026-10-05T00:00:00Z";
/// Medium-or-higher alerts per 10,000 events that are still called quiet.
const PER_10000_MAX: f64 = 1.0;

type Failure = Box<dyn std::error::Error>;

struct Wanted {
    content: PathBuf,
    seed: u64,
    days: i64,
    write: Option<PathBuf>,
    logs: Option<PathBuf>,
    all: bool,
}

fn main() -> Result<(), Failure> {
    let wanted = wanted()?;
    let lines = match &wanted.logs {
        Some(folder) => logs(folder)?,
        None => ordinary(wanted.seed, wanted.days)?,
    };
    if let Some(file) = &wanted.write {
        std::fs::write(file, lines.join("\n") + "\n")?;
    }
    let content = Content::from_folder(&wanted.content);
    let (detector, problems) =
        Detector::compile(&content, &DetectOptions::at("2026-12-31T00:00:00Z".parse()?));
    println!("problems of content {}", problems.len());
    let alerts = judged(&detector, &lines)?;
    tell(&alerts, lines.len(), wanted.all);
    Ok(())
}

fn wanted() -> Result<Wanted, Failure> {
    let mut wanted = Wanted {
        content: PathBuf::from("content"),
        seed: 4,
        days: 21,
        write: None,
        logs: None,
        all: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("`{argument}` needs a value"));
        match argument.as_str() {
            "--seed" => wanted.seed = value()?.parse()?,
            "--days" => wanted.days = value()?.parse()?,
            "--write" => wanted.write = Some(value()?.into()),
            "--logs" => wanted.logs = Some(value()?.into()),
            "--all" => wanted.all = true,
            other if other.starts_with("--") => {
                return Err(format!("unknown argument `{other}`").into());
            }
            folder => wanted.content = folder.into(),
        }
    }
    Ok(wanted)
}

/// The records of ordinary days. The same seed makes the same records.
fn ordinary(seed: u64, days: i64) -> Result<Vec<String>, Failure> {
    let first = FIRST_DAY.parse::<jiff::Timestamp>()?.as_second();
    let mut ledger = Ledger::new(seed);
    let everybody = people::everybody();
    for day in 0..days {
        let start = first + day * DAY;
        for person in &everybody {
            person.day(&mut ledger, start, day);
        }
        people::vendor(&mut ledger, start, day);
        people::saved_queries(&mut ledger, start);
        machines::day(&mut ledger, start, day);
        weeks::day(&mut ledger, start, day);
    }
    Ok(ledger.finish())
}

/// The records of all JSON files below a folder, in CloudTrail's envelope or bare.
fn logs(folder: &Path) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            lines.extend(logs(&path)?);
            continue;
        }
        let value =
            match serde_json::from_str::<serde_json::Value>(&std::fs::read_to_string(&path)?) {
                Ok(value) => value,
                Err(error) => {
                    println!("{}: left out: {error}", path.display());
                    continue;
                }
            };
        match value.get("Records").unwrap_or(&value) {
            serde_json::Value::Array(records) => {
                lines.extend(records.iter().map(ToString::to_string));
            }
            record => lines.push(record.to_string()),
        }
    }
    Ok(lines)
}

fn judged(detector: &Detector, lines: &[String]) -> Result<Vec<Alert>, Failure> {
    let mut worker = detector.worker();
    let mut folder = Folder::new(detector, None)?;
    for lines in lines.chunks(BATCH) {
        folder.take(worker.batch("cloudtrail", &batch(lines)?));
    }
    let outcome = folder.finish();
    let counters = &outcome.counters;
    println!("records {} signals {} weak {}", counters.records, counters.signals, counters.weak);
    Ok(outcome.alerts)
}

fn batch(lines: &[String]) -> Result<EventBatch, Failure> {
    let mut builder = BatchBuilder::new(Arc::new(Origin::default()));
    for line in lines {
        builder.push_json(line.as_bytes()).map_err(|fault| format!("{fault:?}: {line}"))?;
    }
    Ok(builder.finish())
}

fn tell(alerts: &[Alert], records: usize, all: bool) {
    let mut table: BTreeMap<(std::cmp::Reverse<Severity>, &str), (u64, u64)> = BTreeMap::new();
    for alert in alerts {
        let row = table.entry((std::cmp::Reverse(alert.severity), &*alert.content)).or_default();
        row.0 += 1;
        row.1 += alert.count().0;
    }
    let ten_thousands = records as f64 / 10_000.0;
    println!("{:8} {:>6} {:>10} {:>7}  content", "severity", "alerts", "per 10,000", "events");
    for ((severity, content), (count, events)) in &table {
        let each = *count as f64 / ten_thousands;
        let severity = severity.0.as_str();
        println!("{severity:8} {count:6} {each:10.3} {events:7}  {content}");
    }
    let bad = alerts.iter().filter(|alert| alert.severity >= Severity::Medium);
    for alert in alerts.iter().filter(|alert| all && alert.severity >= Severity::Medium) {
        let first = alert.witnesses.first();
        let action = first.and_then(|witness| witness.action.as_deref()).unwrap_or_default();
        let time = first.and_then(|w| jiff::Timestamp::from_microsecond(w.time_us).ok());
        let time = time.map(|time| time.to_string()).unwrap_or_default();
        println!("{time} {} {} {action} x{}", alert.content, alert.entity, alert.count().0);
        if let Some(contrast) = &alert.contrast {
            println!("    normal: {}\n    seen: {}", contrast.normal.en, contrast.seen.en);
        }
        for step in &alert.story {
            let action = step.witness.action.as_deref().unwrap_or_default();
            println!("    step: {} {} {action}", step.tactic, step.content);
        }
    }
    let bad = bad.count();
    let each = bad as f64 / ten_thousands;
    println!("alerts {} medium_or_higher {bad} of {records} records", alerts.len());
    println!("per_10000 {each:.3} limit {PER_10000_MAX} met {}", each <= PER_10000_MAX);
}
