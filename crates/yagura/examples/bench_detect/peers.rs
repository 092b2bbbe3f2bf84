//! Other tools over the same events, where they are installed: Suzaku reads the files, rsigma gets
//! the events one a line. What is not installed is said.
//! The forms of their commands are those of their own documents (November 2026).

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;
use tokio::process::Command;

use crate::measure;
use crate::runs::{Bench, Took};

/// The programs, where they are installed.
pub(crate) struct Peers {
    pub(crate) suzaku: Option<PathBuf>,
    pub(crate) rsigma: Option<PathBuf>,
    pub(crate) rules: Option<PathBuf>,
}

/// What a tool took, or why it did not run.
pub(crate) type Compared = Vec<(String, Result<Took, String>)>;

impl Peers {
    pub(crate) async fn run(&self, bench: &Bench) -> anyhow::Result<Compared> {
        let mut compared = Compared::new();
        let absent = |flag: &str| Err(format!("not installed: name it with {flag}"));
        let suzaku = match &self.suzaku {
            Some(program) => Ok(suzaku(program, bench).await?),
            None => absent("--suzaku"),
        };
        compared.push(("Suzaku, its own rules".to_owned(), suzaku));
        let rsigma = match (&self.rsigma, &self.rules) {
            (Some(program), Some(rules)) => Ok(rsigma(program, rules, bench).await?),
            (Some(_), None) => Err("it needs rules: name them with --sigmahq".to_owned()),
            (None, _) => absent("--rsigma"),
        };
        compared.push(("rsigma, the public AWS rules".to_owned(), rsigma));
        Ok(compared)
    }
}

async fn suzaku(program: &Path, bench: &Bench) -> anyhow::Result<Took> {
    let out = bench.folder.join("suzaku.jsonl");
    let _ = std::fs::remove_file(&out);
    let mut command = Command::new(program);
    command
        .arg("aws-ct-timeline")
        .arg("--directory")
        .arg(&bench.trail)
        .args(["--output-type", "3", "--quiet", "--no-color", "--no-summary", "--output"])
        .arg(&out);
    if let Some(folder) = program.parent() {
        command.arg("--rules").arg(folder.join("rules"));
    }
    let run = measure::run(command).await.context("Suzaku could not be measured")?;
    let alerts = std::fs::read_to_string(&out).map(|text| text.lines().count() as u64).ok();
    Ok(Took { cpu_s: run.cpu_s, wall_s: run.wall_s, peak_mb: run.peak_mb, alerts })
}

async fn rsigma(program: &Path, rules: &Path, bench: &Bench) -> anyhow::Result<Took> {
    let events = bench.folder.join("events.jsonl");
    if !events.is_file() {
        lines(&bench.trail, &events)?;
    }
    let mut command = Command::new(program);
    command.args(["engine", "eval", "--rules"]).arg(rules);
    command.arg("--event").arg(format!("@{}", events.display()));
    let run = measure::run(command).await.context("rsigma could not be measured")?;
    let alerts = Some(run.out.lines().count() as u64);
    Ok(Took { cpu_s: run.cpu_s, wall_s: run.wall_s, peak_mb: run.peak_mb, alerts })
}

/// Writes the records of all files one a line: what another tool does not unpack itself.
fn lines(trail: &Path, to: &Path) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::fs::File::create(to)?);
    let mut open = vec![trail.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            for entry in std::fs::read_dir(&path)? {
                open.push(entry?.path());
            }
            continue;
        }
        let packed = std::fs::read(&path)?;
        let text = unpacked(&packed).with_context(|| format!("`{}`", path.display()))?;
        let file: Value = serde_json::from_slice(&text)?;
        for record in file.get("Records").and_then(Value::as_array).into_iter().flatten() {
            serde_json::to_writer(&mut out, record)?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()?;
    Ok(())
}

/// The content of a gzip file, which says its size at its end (RFC 1952).
fn unpacked(packed: &[u8]) -> anyhow::Result<Vec<u8>> {
    let end = packed.len().checked_sub(4).and_then(|at| packed.get(at..)).context("too short")?;
    let size = u32::from_le_bytes(end.try_into()?);
    let mut text = vec![0; usize::try_from(size)?];
    let read = libdeflater::Decompressor::new().gzip_decompress(packed, &mut text)?;
    text.truncate(read);
    Ok(text)
}
