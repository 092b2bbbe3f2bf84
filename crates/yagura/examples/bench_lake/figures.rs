//! The figures of the benchmark beside their limits and the peer's, as a page.
//! How they are taken is in the other modules.

use anyhow::Context as _;
use serde_json::{Value, json};
use yagura_testkit::cloudtrail_generator::CloudTrailMade;

use crate::inflate::Inflated;
use crate::ingestion::{Compacted, Ingested};
use crate::lookups::Lookups;
use crate::origin;
use crate::peer::Copied;
use crate::questions::Asked;

/// What is to be reached (issue of the log lake).
const EVENTS_PER_CPU_S_MIN: f64 = 90_000.0;
const PART_OF_GZIP_MAX: f64 = 0.55;
const PEAK_MB_MAX: f64 = 512.0;
const TIMES_COPY_MIN: f64 = 4.0;
const TIMES_QUESTION_MAX: f64 = 2.0;
const LOOKUP_S_MAX: f64 = 0.2;

/// Everything that was measured.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) made: Option<CloudTrailMade>,
    pub(crate) inflate: Option<Inflated>,
    pub(crate) ingested: Option<Ingested>,
    pub(crate) compacted: Option<Compacted>,
    pub(crate) copied: Option<Copied>,
    pub(crate) questions: Vec<Asked>,
    pub(crate) lookups: Option<Lookups>,
}

impl Record {
    /// The page.
    pub(crate) fn markdown(&self) -> anyhow::Result<String> {
        let mut text = String::from("# Benchmark: lake\n\n");
        text.push_str(
            "`cargo xtask bench lake` measures this again; how is in [README](README.md).\n\n",
        );
        text.push_str(&format!("- machine: {}\n", origin::machine()));
        text.push_str(&format!(
            "- commit: {}\n",
            origin::commit().unwrap_or_else(|| "unknown".into())
        ));
        if let (Some(made), Some(ingested)) = (&self.made, &self.ingested) {
            self.ingestion(&mut text, made, ingested);
        }
        if !self.questions.is_empty() {
            self.questions(&mut text);
        }
        if let Some(lookups) = &self.lookups {
            of_lookups(&mut text, lookups);
        }
        Ok(text)
    }

    fn ingestion(&self, text: &mut String, made: &CloudTrailMade, ingested: &Ingested) {
        text.push_str(&format!(
            "\n## Ingestion\n\n{} generated CloudTrail records in {} files: {:.0} MB of gzip, \
             {:.0} MB of JSON, digest `{}`. With ledger and removal of repeats.\n\n",
            grouped(made.events),
            made.files,
            megabytes(made.gzip_bytes),
            megabytes(made.raw_bytes),
            made.digest
        ));
        text.push_str("| figure | measured | limit | holds |\n| --- | ---: | ---: | --- |\n");
        let events = float(made.events);
        let mut row = |name: &str, value: String, limit: String, holds: Option<bool>| {
            let holds = holds.map_or("", |holds| if holds { "yes" } else { "**no**" });
            text.push_str(&format!("| {name} | {value} | {limit} | {holds} |\n"));
        };
        let rate = events / ingested.cpu_s;
        row(
            "records per CPU second",
            grouped_float(rate),
            format!("≥ {}", grouped_float(EVENTS_PER_CPU_S_MIN)),
            Some(rate >= EVENTS_PER_CPU_S_MIN),
        );
        let cores = ingested.cpu_s / ingested.wall_s;
        row("cores used (CPU / wall seconds)", format!("{cores:.2}"), "both".into(), None);
        let part = |bytes: u64| float(bytes) / float(made.gzip_bytes);
        let size = |bytes: u64, files: u64| {
            let (part, megabytes) = (part(bytes) * 100.0, megabytes(bytes));
            format!("{part:.1} % ({megabytes:.0} MB, {files} files)")
        };
        row(
            "Parquet, part of the gzip, as it comes in",
            size(ingested.bytes, ingested.files),
            String::new(),
            None,
        );
        if let Some(compacted) = &self.compacted {
            row(
                "Parquet, part of the gzip, once small files are joined",
                size(compacted.bytes, compacted.files),
                format!("≤ {:.0} %", PART_OF_GZIP_MAX * 100.0),
                Some(part(compacted.bytes) <= PART_OF_GZIP_MAX),
            );
            let Compacted { cpu_s, wall_s, peak_mb, .. } = compacted;
            row(
                "joining them: CPU s, wall s, peak MB",
                format!("{cpu_s:.1}, {wall_s:.1}, {peak_mb:.0}"),
                String::new(),
                None,
            );
        }
        row(
            "peak memory, MB",
            format!("{:.0}", ingested.peak_mb),
            format!("≤ {PEAK_MB_MAX:.0}"),
            Some(ingested.peak_mb <= PEAK_MB_MAX),
        );
        row("CPU seconds", format!("{:.2}", ingested.cpu_s), String::new(), None);
        row("wall seconds", format!("{:.2}", ingested.wall_s), String::new(), None);
        if let Some(inflate) = &self.inflate {
            let rate = megabytes(inflate.bytes) / inflate.cpu_s;
            row(
                "inflating alone, MB of JSON per CPU second",
                format!("{rate:.0}"),
                String::new(),
                None,
            );
            let part = inflate.cpu_s / ingested.cpu_s;
            row(
                "its part of ingestion's CPU time",
                format!("{:.0} %", part * 100.0),
                String::new(),
                None,
            );
        }
        if let Some(copied) = &self.copied {
            let times = copied.wall_s / ingested.wall_s;
            row(
                "times as quick as DuckDB's copy to Parquet (wall)",
                format!("{times:.1}"),
                format!("≥ {TIMES_COPY_MIN:.0}"),
                Some(times >= TIMES_COPY_MIN),
            );
            let times = copied.cpu_s / ingested.cpu_s;
            row("the same by CPU time", format!("{times:.1}"), String::new(), None);
            row(
                "DuckDB's copy: CPU s, wall s, MB on disk, peak MB",
                format!(
                    "{:.1}, {:.1}, {:.0}, {:.0}",
                    copied.cpu_s,
                    copied.wall_s,
                    megabytes(copied.bytes),
                    copied.peak_mb
                ),
                String::new(),
                None,
            );
        }
        text.push_str(&format!(
            "\nA second run found nothing new in {:.2} s ({:.2} CPU s).\n",
            ingested.again_wall_s, ingested.again_cpu_s
        ));
    }

    fn questions(&self, text: &mut String) {
        text.push_str(
            "\n## Questions\n\nSeconds of wall time, the quickest of five, both engines in one \
             process with warm footers and file cache, on the same Parquet files; the answers \
             agreed.\n\n",
        );
        text.push_str("| question | Yagura | DuckDB | times | holds |\n");
        text.push_str("| --- | ---: | ---: | ---: | --- |\n");
        for Asked { name, ours_s, peer_s } in &self.questions {
            let Some(peer_s) = peer_s else {
                text.push_str(&format!("| {name} | {ours_s:.3} | | | |\n"));
                continue;
            };
            let times = ours_s / peer_s;
            let holds = if times <= TIMES_QUESTION_MAX { "yes" } else { "**no**" };
            text.push_str(&format!(
                "| {name} | {ours_s:.3} | {peer_s:.3} | {times:.2} | {holds} |\n"
            ));
        }
        text.push_str(&format!("\nLimit: {TIMES_QUESTION_MAX:.0} times.\n"));
    }
}

fn of_lookups(text: &mut String, lookups: &Lookups) {
    text.push_str(&format!(
        "\n## Lookups in {} rows\n\nShort generated records over 90 days through the lake's own \
         writer ({:.0} MB in {} files, written in {:.0} s). Twelve values of each kind. The very \
         first question of the process took {:.3} s.\n\n",
        grouped(lookups.rows),
        megabytes(lookups.bytes),
        lookups.files,
        lookups.built_s,
        lookups.cold_s
    ));
    text.push_str("| lookup | rows of each | middle, s | worst, s | limit, s | holds |\n");
    text.push_str("| --- | ---: | ---: | ---: | ---: | --- |\n");
    for one in &lookups.asked {
        let holds = if one.middle_s < LOOKUP_S_MAX { "yes" } else { "**no**" };
        // Time grows with what is found: a busy principal's thousands are no point lookup.
        let (limit, holds) =
            if one.busy { (String::new(), "") } else { (LOOKUP_S_MAX.to_string(), holds) };
        text.push_str(&format!(
            "| {} | {} | {:.3} | {:.3} | {limit} | {holds} |\n",
            one.name, one.hits, one.middle_s, one.worst_s
        ));
    }
}

/// What is remembered of generated files.
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

fn megabytes(bytes: u64) -> f64 {
    float(bytes) / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "counts and sizes are far below 2^52")]
fn float(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are positive")]
fn grouped_float(value: f64) -> String {
    grouped(value as u64)
}

fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
