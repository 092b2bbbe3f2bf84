//! The figures of the benchmark beside their limits and the other tools', as a page.
//! How they are taken is in the other modules.

use anyhow::Context as _;
use serde_json::{Value, json};
use yagura_testkit::cloudtrail_generator::CloudTrailMade;

use crate::origin;
use crate::peers::Compared;
use crate::runs::Took;

/// What is to be reached (issue of detection).
const FILES_PER_CPU_S_MIN: f64 = 120_000.0;
const LAKE_PER_CPU_S_MIN: f64 = 60_000.0;
const PEAK_MB_MAX: f64 = 512.0;
const TIMES_RULES_MAX: f64 = 1.3;

/// Everything that was measured.
pub(crate) struct Record {
    pub(crate) made: CloudTrailMade,
    pub(crate) detect: Option<Took>,
    pub(crate) ingest: Option<Took>,
    pub(crate) lake_alone: Option<Took>,
    /// By number of rules.
    pub(crate) rules: Vec<(usize, Took)>,
    pub(crate) peers: Compared,
}

impl Record {
    pub(crate) fn new(made: CloudTrailMade) -> Self {
        let (detect, ingest, lake_alone) = (None, None, None);
        Self { made, detect, ingest, lake_alone, rules: Vec::new(), peers: Vec::new() }
    }

    /// The page.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from("# Benchmark: detect\n\n");
        text.push_str(
            "`cargo xtask bench detect` measures this again; how is in [README](README.md).\n\n",
        );
        text.push_str(&format!("- machine: {}\n", origin::machine()));
        text.push_str(&format!(
            "- commit: {}\n",
            origin::commit().unwrap_or_else(|| "unknown".into())
        ));
        text.push_str(&format!(
            "- input: {} generated CloudTrail records in {} gzip files, digest `{}`\n\n",
            self.made.events, self.made.files, self.made.digest
        ));
        text.push_str("| run | events per CPU second | limit | peak MB | cores | alerts |\n");
        text.push_str("| --- | ---: | ---: | ---: | ---: | ---: |\n");
        if let Some(took) = self.detect {
            self.row(&mut text, "files alone", took, Some(FILES_PER_CPU_S_MIN));
        }
        if let Some(took) = self.ingest {
            self.row(&mut text, "with the lake in one pass", took, Some(LAKE_PER_CPU_S_MIN));
        }
        if let Some(took) = self.lake_alone {
            self.row(&mut text, "the lake alone", took, None);
        }
        for (count, took) in &self.rules {
            self.row(&mut text, &format!("files alone, {count} made rules"), *took, None);
        }
        for (name, took) in &self.peers {
            match took {
                Ok(took) => self.row(&mut text, name, *took, None),
                Err(why) => text.push_str(&format!("| {name} | {why} | | | | |\n")),
            }
        }
        if let Some(times) = self.times_rules() {
            let holds = if times <= TIMES_RULES_MAX { "holds" } else { "**does not hold**" };
            text.push_str(&format!(
                "\nThe most rules cost {times:.2} times the CPU time of the fewest; at most \
                 {TIMES_RULES_MAX} times is wanted: {holds}.\n"
            ));
        }
        text
    }

    fn row(&self, text: &mut String, name: &str, took: Took, limit: Option<f64>) {
        let rate = float(self.made.events) / took.cpu_s;
        let limit = limit.map_or_else(String::new, |limit| {
            let holds = if rate >= limit { "holds" } else { "**missed**" };
            format!("≥ {limit:.0}: {holds}")
        });
        let peak = if took.peak_mb <= PEAK_MB_MAX { "" } else { " **above 512**" };
        let cores = took.cpu_s / took.wall_s;
        let alerts = took.alerts.map_or_else(String::new, |count| count.to_string());
        text.push_str(&format!(
            "| {name} | {rate:.0} | {limit} | {:.0}{peak} | {cores:.2} | {alerts} |\n",
            took.peak_mb
        ));
    }

    fn times_rules(&self) -> Option<f64> {
        let (_, fewest) = self.rules.first()?;
        let (_, most) = self.rules.last()?;
        Some(most.cpu_s / fewest.cpu_s)
    }
}

pub(crate) fn note_of(made: &CloudTrailMade) -> String {
    json!({
        "files": made.files, "events": made.events, "repeats": made.repeats,
        "raw_bytes": made.raw_bytes, "gzip_bytes": made.gzip_bytes, "digest": made.digest,
    })
    .to_string()
}

pub(crate) fn made_of(text: &str) -> anyhow::Result<CloudTrailMade> {
    let value: Value = serde_json::from_str(text)?;
    let count = |name: &str| value.get(name).and_then(Value::as_u64).context("a count is missing");
    Ok(CloudTrailMade {
        files: count("files")?,
        events: count("events")?,
        repeats: count("repeats")?,
        raw_bytes: count("raw_bytes")?,
        gzip_bytes: count("gzip_bytes")?,
        digest: value.get("digest").and_then(Value::as_str).unwrap_or_default().to_owned(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts and sizes are far below 2^52")]
fn float(count: u64) -> f64 {
    count as f64
}
