//! What detections cost: CPU-seconds per record over ordinary CloudTrail traffic, indexed already
//! and from JSON text, with rules alone and with everything on, and how the cost grows with rules.
//! `cargo run --release -p yagura-judge --example bench_detections --
//! [--records N] [--file JSONL]`.
//!
//! Times are those on a core, as Linux tells them. What unpacking and the lake cost on top is
//! measured by `cargo xtask bench detect`.

#![expect(clippy::print_stdout, reason = "a benchmark's record goes to stdout")]

mod traffic;

use std::sync::Arc;
use std::time::Instant;

use traffic::Dice;
use yagura_content::Content;
use yagura_content::format::Detection;
use yagura_judge::detections::{DetectOptions, Detector, Folder};
use yagura_model::event::{BatchBuilder, EventBatch, Origin};

/// Records of one batch: about four megabytes.
const BATCH: usize = 2_500;
/// How much more 3,000 rules may cost than 60.
const RATIO_MAX: f64 = 1.3;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let (mut count, mut file) = (200_000_usize, None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--records" => count = args.next().ok_or("--records N")?.parse()?,
            "--file" => file = Some(args.next().ok_or("--file JSONL")?),
            other => return Err(format!("unknown argument `{other}`").into()),
        }
    }
    let lines: Vec<String> = match file {
        Some(file) => std::fs::read_to_string(file)?.lines().map(str::to_owned).collect(),
        None => {
            let mut dice = Dice::new(11);
            (0..count).map(|number| traffic::record(&mut dice, number)).collect()
        }
    };
    let bytes: usize = lines.iter().map(String::len).sum();
    println!("records {} bytes_each {}", lines.len(), bytes / lines.len().max(1));
    let batches: Vec<EventBatch> = lines.chunks(BATCH).map(batch).collect();
    let content = Content::builtin();
    let now = "2026-12-31T00:00:00Z".parse()?;
    let rules = DetectOptions { behaviors: false, sequences: false, ..DetectOptions::at(now) };
    let begun = seconds();
    let (detector, problems) = Detector::compile(content, &rules);
    println!("compiled_ms {:.0}", (seconds() - begun) * 1e3);
    let (size, always) = detector.size("cloudtrail");
    println!("rules {size} always_tried {always} problems {}", problems.len());
    let needs = detector.needs("cloudtrail").ok_or("no rules over cloudtrail")?;
    println!("paths {} whole_record {}", needs.paths.len(), needs.whole_record);
    let index = timed(|| lines.chunks(BATCH).map(batch).map(|batch| batch.len()).sum());
    tell("index_alone", index);
    tell("rules_indexed", matched(&detector, &batches));
    tell("rules_from_json", folded(&detector, lines.chunks(BATCH).map(batch)));
    let (detector, _) = Detector::compile(content, &DetectOptions::at(now));
    tell("everything_indexed", folded(&detector, batches.iter().cloned()));
    tell("everything_from_json", folded(&detector, lines.chunks(BATCH).map(batch)));
    let costs: Vec<f64> = [60, 600, 3_000]
        .into_iter()
        .map(|count| {
            let (detector, _) = Detector::compile(content, &synthetic(&rules, count));
            let indexed = matched(&detector, &batches);
            tell(&format!("synthetic_{count}_indexed"), indexed);
            let whole = folded(&detector, lines.chunks(BATCH).map(batch));
            tell(&format!("synthetic_{count}_from_json"), whole);
            whole.0 / whole.1 as f64
        })
        .collect();
    if let [first, .., last] = costs.as_slice() {
        let ratio = last / first;
        println!("ratio_3000_to_60 {ratio:.2} limit {RATIO_MAX} met {}", ratio <= RATIO_MAX);
    }
    Ok(())
}

fn synthetic(options: &DetectOptions, count: usize) -> DetectOptions {
    let file = Detection::of_user("synthetic.yml", &traffic::rules(count));
    DetectOptions { content: false, rules: vec![Arc::new(file)], ..options.clone() }
}

fn batch(lines: &[String]) -> EventBatch {
    let mut builder = BatchBuilder::new(Arc::new(Origin::default()));
    for line in lines {
        // A line that is no JSON would be quarantined; here it is left out.
        let _ = builder.push_json(line.as_bytes());
    }
    builder.finish()
}

/// Matching alone: no correlation, no grouping.
fn matched(detector: &Detector, batches: &[EventBatch]) -> (f64, usize, usize) {
    let mut worker = detector.worker();
    let mut signals = 0;
    let (seconds, records, _) = timed(|| {
        let judge = |batch: &EventBatch| {
            signals += worker.batch("cloudtrail", batch).signals().len();
            batch.len()
        };
        batches.iter().map(judge).sum()
    });
    (seconds, records, signals)
}

fn folded(detector: &Detector, batches: impl Iterator<Item = EventBatch>) -> (f64, usize, usize) {
    let mut worker = detector.worker();
    let Ok(mut folder) = Folder::new(detector, None) else { return (0.0, 0, 0) };
    let begun = seconds();
    let mut records = 0;
    for batch in batches {
        records += batch.len();
        folder.take(worker.batch("cloudtrail", &batch));
    }
    let alerts = folder.finish().alerts.len();
    (seconds() - begun, records, alerts)
}

fn timed(run: impl FnOnce() -> usize) -> (f64, usize, usize) {
    let begun = seconds();
    let records = run();
    (seconds() - begun, records, 0)
}

fn tell(what: &str, (seconds, records, raised): (f64, usize, usize)) {
    let each = seconds * 1e6 / records.max(1) as f64;
    let rate = records as f64 / seconds.max(1e-9);
    println!("{what} us_each {each:.3} per_second {rate:.0} raised {raised}");
}

/// Seconds of CPU that this process has used; by the wall where they are not told.
fn seconds() -> f64 {
    static BEGUN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let begun = BEGUN.get_or_init(Instant::now);
    let told = std::fs::read_to_string("/proc/self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| begun.elapsed().as_secs_f64(), |nanoseconds| nanoseconds / 1e9)
}
