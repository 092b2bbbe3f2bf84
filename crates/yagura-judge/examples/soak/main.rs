//! A soak of detection: what a billion events of a large organization do to its memory.
//! `cargo run --release -p yagura-judge --example soak -- [--events N]`.
//!
//! State grows with what is new to it (people, addresses, resources, attackers), not with how often
//! each comes again. So the stream is a sample: three months of a billion events, of which only
//! those are taken in that bring something new, five million by default. Everything is on: rules,
//! correlations, behaviours, sequences and groups of alerts. The daemon's rounds are kept, with
//! settling and saving. What the events are is in `hostile.rs`.

#![expect(clippy::print_stdout, reason = "a benchmark's record goes to stdout")]

mod hostile;

use std::sync::Arc;
use std::time::Instant;

use hostile::Stream;
use yagura_content::Content;
use yagura_judge::detections::{DetectOptions, Detector, Folder};
use yagura_model::event::{BatchBuilder, EventBatch, Origin};

/// Records of one batch.
const BATCH: u64 = 2_500;
/// Batches between two rounds of the daemon, each of which settles and saves.
const ROUND: u64 = 20;
/// Lines of the table.
const LINES: u64 = 20;
/// Megabytes at most.
const LIMIT_MB: u64 = 512;
/// How much the second half may need more than the first: allocators keep some.
const GROWTH_MAX: f64 = 1.1;
/// As the daemon waits for late events, in microseconds.
const LATENESS_US: i64 = 2 * 3_600 * 1_000_000;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut events: u64 = 5_000_000;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--events" => events = args.next().ok_or("--events N")?.parse()?,
            other => return Err(format!("unknown argument `{other}`").into()),
        }
    }
    let mut stream = Stream::new(events);
    let options =
        DetectOptions { lateness_us: Some(LATENESS_US), ..DetectOptions::at(stream.end()) };
    let (detector, problems) = Detector::compile(Content::builtin(), &options);
    println!("problems of content {}", problems.len());
    println!("| events | memory MB | state MB | alerts | groups | waiting | a second |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let (mut worker, mut folder) = (detector.worker(), Folder::new(&detector, None)?);
    let (mut alerts, mut saved, mut measured) = (0, 0, Vec::new());
    let (batches, begun) = ((events / BATCH).max(1), Instant::now());
    for number in 1..=batches {
        folder.take(worker.batch("cloudtrail", &batch(&mut stream)));
        if number % ROUND == 0 || number == batches {
            alerts += folder.settle(LATENESS_US).len();
            saved = folder.pack()?.len();
        }
        if number % (batches / LINES).max(1) == 0 {
            let memory = megabytes("VmRSS").ok_or("memory is read from /proc")?;
            measured.push(memory);
            let (_, groups, waiting) = folder.size();
            let rate = (number * BATCH) as f64 / begun.elapsed().as_secs_f64().max(1e-9);
            println!(
                "| {} | {memory} | {} | {alerts} | {groups} | {waiting} | {rate:.0} |",
                number * BATCH,
                saved >> 20,
            );
        }
    }
    println!("{:?}", folder.counters());
    let half = measured.len() / 2;
    let most = |some: &[u64]| some.iter().copied().max().unwrap_or_default();
    let (first, last) = measured.split_at(half);
    let growth = most(last) as f64 / most(first).max(1) as f64;
    let peak = megabytes("VmHWM").unwrap_or_default();
    println!(
        "peak_mb {peak} limit {LIMIT_MB}; second half to first {growth:.2}, limit {GROWTH_MAX}"
    );
    if peak > LIMIT_MB || growth > GROWTH_MAX {
        return Err("memory is not bounded as it should be".into());
    }
    Ok(())
}

fn batch(stream: &mut Stream) -> EventBatch {
    let mut builder = BatchBuilder::new(Arc::new(Origin::default()));
    for _ in 0..BATCH {
        // The stream writes JSON only.
        let _ = builder.push_json(stream.next_record().as_bytes());
    }
    builder.finish()
}

/// A figure of this process's memory, as Linux tells it.
fn megabytes(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes >> 10)
}
