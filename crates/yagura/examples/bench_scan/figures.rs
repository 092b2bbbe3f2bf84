//! The figures of the benchmark beside their limits, as a page.
//! How they are taken is in `measure`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::measure::Run;
use crate::origin;

/// What a scan took, and what it found.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) requests: u64,
    pub(crate) cpu_s: f64,
    pub(crate) peak_mb: f64,
    pub(crate) wall_s: f64,
    pub(crate) resources: u64,
    pub(crate) verdicts: u64,
    /// Over how many verdicts of which status each control gave.
    pub(crate) digest: String,
}

impl Scan {
    pub(crate) fn of(run: &Run, requests: u64) -> anyhow::Result<Self> {
        let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
        let mut resources = 0;
        for line in run.out.lines() {
            let record: Value = serde_json::from_str(line)?;
            let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
            match text("kind") {
                "scan" => resources = record.get("resources").and_then(Value::as_u64).unwrap_or(0),
                "control" => {
                    let verdicts = record.get("verdicts").and_then(Value::as_object);
                    for (status, count) in verdicts.into_iter().flatten() {
                        let key = (text("id").to_owned(), status.clone());
                        counts.insert(key, count.as_u64().unwrap_or_default());
                    }
                }
                _ => {}
            }
        }
        let mut hash = Sha256::new();
        for ((control, status), count) in &counts {
            hash.update(format!("{control} {status} {count}\n"));
        }
        let digest: String =
            hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let &Run { cpu_s, peak_mb, wall_s, .. } = run;
        let verdicts = counts.values().sum();
        Ok(Self { requests, cpu_s, peak_mb, wall_s, resources, verdicts, digest })
    }
}

/// Everything that was measured.
pub(crate) struct Record {
    pub(crate) start_s: f64,
    pub(crate) recorded: Scan,
    pub(crate) moto: Scan,
    pub(crate) root_requests: u64,
}

/// What must not be passed, for an account like the peer's.
const REQUESTS_MAX: f64 = 2_800.0;
const CPU_S_MAX: f64 = 5.0;
const PEAK_MB_MAX: f64 = 100.0;
const START_S_MAX: f64 = 0.1;
const ROOT_REQUESTS_MAX: f64 = 5.0;
/// For a hundred thousand resources.
const FLEET_PEAK_MB_MAX: f64 = 300.0;

impl Record {
    /// The page.
    pub(crate) fn markdown(&self, program: &Path) -> anyhow::Result<String> {
        let Self { start_s, recorded, moto, root_requests } = self;
        let mut text = String::from("# Benchmark: scan\n\n");
        text.push_str(
            "`cargo xtask bench scan` measures this again; how is in [README](README.md).\n\n",
        );
        text.push_str(&format!("- machine: {}\n", origin::machine()));
        text.push_str(&format!(
            "- commit: {}\n",
            origin::commit().unwrap_or_else(|| "unknown".into())
        ));
        text.push_str(&format!("- program: {}\n", size(program)?));
        text.push_str("\n## The account of the peer's measurement, on moto\n\n");
        text.push_str(
            "About 203 buckets, 100 users, 100 roles, 200 security groups; s3, iam, ec2, kms, rds, \
             cloudtrail and account-level controls; one region.\n\
             The peer is Prowler 5.46; its figures were measured earlier on a machine of the same \
             kind, not in this run.\n\n",
        );
        text.push_str(
            "| figure | measured | limit | part of the limit | peer, measured earlier |\n",
        );
        text.push_str("| --- | ---: | ---: | ---: | ---: |\n");
        let mut row = |name: &str, value: f64, digits: usize, limit: f64, peer: &str| {
            text.push_str(&format!(
                "| {name} | {value:.digits$} | {limit} | {:.0} % | {peer} |\n",
                value / limit * 100.0
            ));
        };
        row("requests", float(moto.requests), 0, REQUESTS_MAX, "4,516");
        row("CPU seconds", moto.cpu_s, 2, CPU_S_MAX, "102");
        row("peak memory, MB", moto.peak_mb, 1, PEAK_MB_MAX, "823");
        row(
            "start-up (`--version`), s",
            *start_s,
            3,
            START_S_MAX,
            "46 (CPU, to the first request)",
        );
        row("requests of the root question", float(*root_requests), 0, ROOT_REQUESTS_MAX, "1,381");
        text.push_str(&format!(
            "\nWall time {:.1} s, most of it moto's. {} resources, {} verdicts, digest `{}`.\n",
            moto.wall_s, moto.resources, moto.verdicts, moto.digest
        ));
        text.push_str("\n## 10,000 buckets and 2,000 users, on recorded answers\n\n");
        text.push_str("| figure | measured | limit | part of the limit |\n");
        text.push_str("| --- | ---: | ---: | ---: |\n");
        text.push_str(&format!("| requests | {} | | |\n", recorded.requests));
        text.push_str(&format!("| CPU seconds | {:.2} | | |\n", recorded.cpu_s));
        text.push_str(&format!(
            "| CPU milliseconds per request | {:.3} | | |\n",
            recorded.cpu_s * 1000.0 / float(recorded.requests)
        ));
        let name = "peak memory, MB (the limit is for 100,000 resources)";
        let peak_mb = recorded.peak_mb;
        text.push_str(&format!("| {name} | {peak_mb:.1} | {FLEET_PEAK_MB_MAX} | |\n"));
        text.push_str(&format!(
            "| requests per second | {:.0} | | |\n",
            float(recorded.requests) / recorded.wall_s
        ));
        text.push_str(&format!(
            "\nWall time {:.1} s, with the server on the same cores. {} resources, {} verdicts, \
             digest `{}`.",
            recorded.wall_s, recorded.resources, recorded.verdicts, recorded.digest
        ));
        Ok(text)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
fn float(count: u64) -> f64 {
    count as f64
}

fn size(program: &Path) -> anyhow::Result<String> {
    let bytes = program.metadata().context("the program is gone")?.len();
    Ok(format!("{:.1} MB", float(bytes) / 1e6))
}
