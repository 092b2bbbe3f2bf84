//! `cargo xtask bench judge`: verdicts per second and core over generated resources, judged with
//! every built-in control. How the resources are made is in `fleet.rs`.
//!
//! Times are those on a core. Making resources is left out of judging; filling the snapshot is
//! told apart, and has their making in it. The digest is over every verdict in order, so that two
//! runs that claim the same work did it.

#![expect(clippy::print_stdout, reason = "a benchmark's record goes to stdout")]

mod fleet;

use std::time::{Duration, Instant};

use fleet::Fleet;
use yagura_content::Content;
use yagura_judge::{Judge, JudgeOptions, Snapshot};
use yagura_model::VerdictStatus;

/// Resources made at once: few enough that they do not count in the memory of judging.
const CHUNK: usize = 2_000;
/// What `DESIGN.md` asks for.
const TARGET_PER_SECOND: f64 = 300_000.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut resources, mut seed, mut by_type) = (1_000_000_usize, 1_u64, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--resources" => resources = args.next().ok_or("--resources N")?.parse()?,
            "--seed" => seed = args.next().ok_or("--seed N")?.parse()?,
            "--by-type" => by_type = true,
            other => return Err(format!("unknown argument `{other}`").into()),
        }
    }
    let started = Instant::now();
    let content = Content::builtin();
    let now = "2026-11-21T00:00:00Z".parse()?;
    let judge = Judge::new(content, JudgeOptions::at(now));
    println!("controls {}", judge.controls().len());
    println!("ready_ms {}", started.elapsed().as_millis());
    let fleet = Fleet::new(content, resources, seed);
    let mut record = run(&judge, &fleet);
    record.print();
    if by_type {
        record.types.sort_unstable();
        for (time, verdicts, name) in record.types.iter().rev() {
            let each = time.as_nanos() / u128::from(*verdicts).max(1);
            println!("type {name} ms {} verdicts {verdicts} ns_each {each}", time.as_millis());
        }
    }
    Ok(())
}

#[derive(Default)]
struct Record {
    resources: u64,
    statuses: [u64; 4],
    digest: u64,
    snapshot: Duration,
    judging: Duration,
    types: Vec<(Duration, u64, String)>,
}

fn run(judge: &Judge<'_>, fleet: &Fleet<'_>) -> Record {
    let mut record = Record { digest: 0xcbf2_9ce4_8422_2325, ..Record::default() };
    let mut snapshot = Snapshot::new(judge.needs());
    let mut chunk = Vec::with_capacity(CHUNK);
    fleet.coverage().for_each(|coverage| snapshot.cover(&coverage));
    let started = cpu_time();
    for group in fleet.groups().filter(|group| judge.needs().keeps(group.type_name())) {
        for number in 0..group.count() {
            let resource = fleet.resource(group, number);
            snapshot.add(resource);
        }
    }
    record.snapshot = cpu_time().saturating_sub(started);
    let mut verdicts = Vec::new();
    for group in fleet.groups() {
        let (mut time, mut count) = (Duration::ZERO, 0);
        for from in (0..group.count()).step_by(CHUNK) {
            let to = (from + CHUNK).min(group.count());
            chunk.clear();
            chunk.extend((from..to).map(|number| fleet.resource(group, number)));
            let started = cpu_time();
            for resource in &chunk {
                judge.judge(resource, &snapshot, &mut verdicts);
            }
            time += cpu_time().saturating_sub(started);
            count += verdicts.len() as u64;
            record.resources += chunk.len() as u64;
            for verdict in verdicts.drain(..) {
                record.count(&verdict.control, verdict.status, &verdict.key);
            }
        }
        record.judging += time;
        record.types.push((time, count, group.type_name().to_owned()));
    }
    record
}

impl Record {
    fn count(&mut self, control: &str, status: VerdictStatus, key: &str) {
        let slot = match status {
            VerdictStatus::Pass => &mut self.statuses[0],
            VerdictStatus::Fail => &mut self.statuses[1],
            VerdictStatus::NotApplicable => &mut self.statuses[2],
            VerdictStatus::Unknown => &mut self.statuses[3],
        };
        *slot += 1;
        // FNV-1a, 64 bits.
        for byte in control.bytes().chain(status.as_str().bytes()).chain(key.bytes()) {
            self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn print(&self) {
        let [pass, fail, not_applicable, unknown] = self.statuses;
        let verdicts: u64 = self.statuses.iter().sum();
        let per_second = verdicts as f64 / self.judging.as_secs_f64();
        println!("resources {}", self.resources);
        println!("verdicts {verdicts}");
        println!("pass {pass} fail {fail} not_applicable {not_applicable} unknown {unknown}");
        println!("digest {:016x}", self.digest);
        println!("snapshot_ms {}", self.snapshot.as_millis());
        println!("judging_ms {}", self.judging.as_millis());
        println!("verdicts_per_second_per_core {per_second:.0}");
        println!("ratio_to_target {:.2}", per_second / TARGET_PER_SECOND);
        println!("peak_memory_mb {}", peak_memory_kb().unwrap_or_default() / 1024);
    }
}

/// The time this thread has had on a core: what others on the machine do does not count.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split_whitespace().next().and_then(|field| field.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

/// What Linux says was the most memory this process held.
fn peak_memory_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
