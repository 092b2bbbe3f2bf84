//! Runs `yagura ingest` over the generated files, with ledger and repeats on, and weighs the lake.
//! A second run must find nothing to do.

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::process::Command;
use yagura_testkit::cloudtrail_generator::CloudTrailMade;

use crate::measure;

/// What ingestion took and made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ingested {
    pub(crate) cpu_s: f64,
    pub(crate) wall_s: f64,
    pub(crate) peak_mb: f64,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// The second run, which finds everything known.
    pub(crate) again_cpu_s: f64,
    pub(crate) again_wall_s: f64,
}

/// What joining the small files took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compacted {
    pub(crate) cpu_s: f64,
    pub(crate) wall_s: f64,
    pub(crate) peak_mb: f64,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

/// Joins the small files, as the daemon does in the background. The old ones stay for a while, for
/// whoever still reads them.
pub(crate) async fn compact(program: &Path, home: &Path) -> anyhow::Result<Compacted> {
    let run = measure::run(of_lake(program, home, &["compact"])).await?;
    let status = measure::run(of_lake(program, home, &["status", "--format", "json"])).await?;
    let said: Value = serde_json::from_str(status.out.trim())
        .with_context(|| format!("the status said `{}`", status.out))?;
    let count = |name: &str| {
        said.get(name).and_then(Value::as_u64).with_context(|| format!("no `{name}` in {said}"))
    };
    Ok(Compacted {
        cpu_s: run.cpu_s,
        wall_s: run.wall_s,
        peak_mb: run.peak_mb,
        files: count("files")?,
        bytes: count("bytes")?,
    })
}

pub(crate) async fn run(
    program: &Path,
    trail: &Path,
    home: &Path,
    made: &CloudTrailMade,
) -> anyhow::Result<Ingested> {
    let _ = std::fs::remove_dir_all(home);
    std::fs::create_dir_all(home)?;
    let first = measure::run(command(program, trail, home)).await?;
    let said: Value = serde_json::from_str(first.out.trim())
        .with_context(|| format!("the ingestion said `{}`", first.out))?;
    let count = |name: &str| said.get(name).and_then(Value::as_u64).unwrap_or_default();
    ensure!(count("objects_ingested") == made.files, "not all files: {said}");
    ensure!(count("records") == made.events - made.repeats, "not all records: {said}");
    ensure!(count("repeats") == made.repeats, "repeats were not seen: {said}");
    ensure!(said.pointer("/balance/closes") == Some(&Value::Bool(true)), "{said}");
    let again = measure::run(command(program, trail, home)).await?;
    let said_again: Value = serde_json::from_str(again.out.trim())?;
    ensure!(
        said_again.get("records").and_then(Value::as_u64) == Some(0),
        "the second run ingested something: {said_again}"
    );
    let (files, bytes) = crate::files_below(&home.join("lake"), ".parquet")?;
    Ok(Ingested {
        cpu_s: first.cpu_s,
        wall_s: first.wall_s,
        peak_mb: first.peak_mb,
        files: u64::try_from(files.len())?,
        bytes,
        again_cpu_s: again.cpu_s,
        again_wall_s: again.wall_s,
    })
}

fn command(program: &Path, trail: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["ingest", "cloudtrail"])
        .arg(trail)
        .args(["--format", "json", "--no-detect"])
        .env_clear()
        .env("HOME", home)
        .env("YAGURA_DATA_DIR", home);
    command
}

fn of_lake(program: &Path, home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.arg("lake").args(arguments).env_clear();
    command.env("HOME", home).env("YAGURA_DATA_DIR", home);
    command
}
