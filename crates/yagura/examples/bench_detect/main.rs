//! Measures detection over the whole way: `yagura detect` over gzip files, and `yagura ingest`
//! with the lake written in the same pass; beside other tools where they are installed.
//! What is read is made from a seed (`yagura-testkit`); rules alone are measured in judge.
//!
//! `cargo xtask bench detect [-- --events N] [--sigmahq DIR] [--suzaku FILE] [--record FILE]`

mod figures;
#[path = "../bench_scan/measure.rs"]
mod measure;
#[path = "../../../../dev/xtask/record/origin.rs"]
mod origin;
mod peers;
mod rules;
mod runs;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Parser;
use yagura_testkit::cloudtrail_generator::{CloudTrailMade, CloudTrailPlan, generate};

use figures::Record;

/// What to measure.
#[derive(Parser)]
struct Asked {
    /// CloudTrail records to judge
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// Public Sigma rules that run beside the built-in detections
    #[arg(long, env = "YAGURA_SIGMAHQ_AWS_DIR")]
    sigmahq: Option<PathBuf>,
    /// The Suzaku program, with its rules beside it
    #[arg(long, env = "YAGURA_SUZAKU")]
    suzaku: Option<PathBuf>,
    /// The rsigma program; it gets the rules of `--sigmahq`
    #[arg(long, env = "YAGURA_RSIGMA")]
    rsigma: Option<PathBuf>,
    /// Write the record here too
    #[arg(long)]
    record: Option<PathBuf>,
    /// Where the files are made; they are used again by the next run
    #[arg(long, default_value = "target/bench-detect")]
    folder: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let asked = Asked::parse();
    std::fs::create_dir_all(&asked.folder)?;
    let folder = std::path::absolute(&asked.folder)?;
    let trail = folder.join(format!("trail-{}", asked.events));
    let made = trail_of(asked.events, &trail)?;
    say(&format!("{} records in {} files", made.events, made.files))?;
    let bench = runs::Bench { program: program()?, trail, folder: folder.clone() };
    let mut record = Record::new(made);
    let own = asked.sigmahq.as_deref();
    record.detect = Some(bench.detect(own).await?);
    say(&format!("detect: {:?}", record.detect))?;
    record.ingest = Some(bench.ingest(own, true).await?);
    say(&format!("ingest: {:?}", record.ingest))?;
    record.lake_alone = Some(bench.ingest(None, false).await?);
    say(&format!("lake alone: {:?}", record.lake_alone))?;
    for count in [60, 3_000] {
        let rules = rules::write(&folder.join(format!("rules-{count}")), count)?;
        let run = bench.detect_only(&rules).await?;
        say(&format!("{count} rules: {run:?}"))?;
        record.rules.push((count, run));
    }
    let peers = peers::Peers { suzaku: asked.suzaku, rsigma: asked.rsigma, rules: asked.sigmahq };
    record.peers = peers.run(&bench).await?;
    let text = record.markdown();
    writeln!(std::io::stdout().lock(), "{text}")?;
    if let Some(file) = &asked.record {
        std::fs::write(file, &text).with_context(|| format!("`{}`", file.display()))?;
    }
    Ok(())
}

/// The generated files, made once.
fn trail_of(events: u64, folder: &Path) -> anyhow::Result<CloudTrailMade> {
    let note = folder.with_extension("json");
    if let Ok(text) = std::fs::read_to_string(&note) {
        return figures::made_of(&text).context("the note of the generated files is broken");
    }
    say(&format!("generating {events} records"))?;
    let _ = std::fs::remove_dir_all(folder);
    let made = generate(&CloudTrailPlan::of(events), folder)?;
    std::fs::write(&note, figures::note_of(&made))?;
    Ok(made)
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stderr().lock(), "{text}")?)
}

/// The binary beside this example: the same profile.
fn program() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(Path::parent).context("no target folder")?;
    let program = folder.join("yagura");
    ensure!(program.is_file(), "`{}` is not there; build it first", program.display());
    Ok(program)
}
