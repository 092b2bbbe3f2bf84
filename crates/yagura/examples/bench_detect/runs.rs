//! Runs of our own binary: files alone, files into the lake, and with rules of a given number.
//! Each run has a home of its own; what it found is checked before it counts.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::process::Command;

use crate::measure;

/// What the runs have in common.
pub(crate) struct Bench {
    pub(crate) program: PathBuf,
    pub(crate) trail: PathBuf,
    pub(crate) folder: PathBuf,
}

/// What a run took and found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Took {
    pub(crate) cpu_s: f64,
    pub(crate) wall_s: f64,
    pub(crate) peak_mb: f64,
    /// Alerts, or lines of another tool; none where nothing was judged.
    pub(crate) alerts: Option<u64>,
}

impl Bench {
    /// `yagura detect` over the files, all built-in detections on.
    pub(crate) async fn detect(&self, rules: Option<&Path>) -> anyhow::Result<Took> {
        let mut command = self.command()?;
        command.arg("detect").arg(&self.trail);
        self.told(command, rules).await
    }

    /// The same with these rules alone.
    pub(crate) async fn detect_only(&self, rules: &Path) -> anyhow::Result<Took> {
        let mut command = self.command()?;
        command.arg("detect").arg(&self.trail).arg("--no-builtin");
        self.told(command, Some(rules)).await
    }

    async fn told(&self, mut command: Command, rules: Option<&Path>) -> anyhow::Result<Took> {
        let alerts = self.folder.join("alerts.jsonl");
        if let Some(rules) = rules {
            command.arg("--rules").arg(rules);
        }
        command.args(["--source", "cloudtrail", "--format", "jsonl", "--output"]).arg(&alerts);
        let run = measure::run(command).await?;
        let text = std::fs::read_to_string(&alerts)?;
        let lines = text.lines().count();
        for line in text.lines().take(10) {
            let alert: Value = serde_json::from_str(line)?;
            ensure!(alert.get("rule_id").is_some(), "no alert: {line}");
        }
        let alerts = Some(u64::try_from(lines)?);
        Ok(Took { cpu_s: run.cpu_s, wall_s: run.wall_s, peak_mb: run.peak_mb, alerts })
    }

    /// `yagura ingest` over the files, judging on the way or not.
    pub(crate) async fn ingest(&self, rules: Option<&Path>, judge: bool) -> anyhow::Result<Took> {
        let mut command = self.command()?;
        command.args(["ingest", "cloudtrail"]).arg(&self.trail).args(["--format", "json"]);
        if !judge {
            command.arg("--no-detect");
        }
        if let Some(rules) = rules {
            command.arg("--rules").arg(rules);
        }
        let run = measure::run(command).await?;
        let said: Value = serde_json::from_str(run.out.trim())
            .with_context(|| format!("the ingestion said `{}`", run.out))?;
        ensure!(said.pointer("/balance/closes") == Some(&Value::Bool(true)), "{said}");
        let alerts = said.pointer("/alerts/new").and_then(Value::as_u64);
        ensure!(alerts.is_some() == judge, "{said}");
        Ok(Took { cpu_s: run.cpu_s, wall_s: run.wall_s, peak_mb: run.peak_mb, alerts })
    }

    /// The binary in a home that nothing was done in yet.
    fn command(&self) -> anyhow::Result<Command> {
        let home = self.folder.join("home");
        let _ = std::fs::remove_dir_all(&home);
        std::fs::create_dir_all(&home)?;
        let mut command = Command::new(&self.program);
        command.env_clear().env("HOME", &home).env("YAGURA_DATA_DIR", &home);
        Ok(command)
    }
}
