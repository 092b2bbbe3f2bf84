//! Measures the log lake: ingestion, size, questions, lookups; beside `DuckDB` on the same files.
//! What is read is made from a seed (`yagura-testkit`); whether it is right is checked by digests
//! and by comparing answers.
//!
//! `cargo xtask bench lake [-- --events N] [--rows N] [--record FILE]`

mod figures;
mod inflate;
mod ingestion;
mod lookups;
#[path = "../bench_scan/measure.rs"]
mod measure;
#[path = "../../../../dev/xtask/record/origin.rs"]
mod origin;
mod peer;
mod questions;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Parser;
use yagura_testkit::cloudtrail_generator::{CloudTrailMade, CloudTrailPlan, generate};

use figures::Record;

/// That of the program: questions are answered with the memory that they get there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What to measure.
#[derive(Parser)]
struct Asked {
    /// CloudTrail records to ingest
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// Rows of the lake in which single records are looked up; the claim is made for 100,000,000
    #[arg(long, default_value_t = 10_000_000)]
    rows: u64,
    /// Write the record here too
    #[arg(long)]
    record: Option<PathBuf>,
    /// Where the files are made; they are used again by the next run
    #[arg(long, default_value = "target/bench-lake")]
    folder: PathBuf,
    /// Leave the peer out
    #[arg(long)]
    no_peer: bool,
    /// Leave ingestion and questions out: lookups only
    #[arg(long)]
    only_lookups: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let asked = Asked::parse();
    std::fs::create_dir_all(&asked.folder)?;
    let mut record = Record::default();
    if !asked.only_lookups {
        measure_ingestion(&asked, &mut record).await?;
    }
    say(&format!("lookups in {} rows", asked.rows))?;
    record.lookups = Some(lookups::run(&asked.folder, asked.rows).await?);
    let text = record.markdown()?;
    writeln!(std::io::stdout().lock(), "{text}")?;
    if let Some(file) = &asked.record {
        std::fs::write(file, &text).with_context(|| format!("`{}`", file.display()))?;
    }
    Ok(())
}

async fn measure_ingestion(asked: &Asked, record: &mut Record) -> anyhow::Result<()> {
    let program = program()?;
    let trail = asked.folder.join(format!("trail-{}", asked.events));
    let made = trail_of(asked.events, &trail)?;
    say(&format!("{made:?}"))?;
    record.inflate = Some(inflate::run(&trail)?);
    say(&format!("inflate: {:?}", record.inflate))?;
    let home = asked.folder.join("home");
    let ingested = ingestion::run(&program, &trail, &home, &made).await?;
    say(&format!("ingest: {ingested:?}"))?;
    record.made = Some(made);
    record.ingested = Some(ingested);
    let lake = home.join("lake");
    let peer =
        if asked.no_peer { None } else { Some(peer::Peer::new(&trail, &lake, &asked.folder)?) };
    if let Some(peer) = &peer {
        record.copied = Some(peer.copy()?);
        say(&format!("DuckDB's copy: {:?}", record.copied))?;
    }
    record.questions = questions::run(&lake, peer.as_ref()).await?;
    // Afterwards, because the peer would read the old files too.
    record.compacted = Some(ingestion::compact(&program, &home).await?);
    say(&format!("compaction: {:?}", record.compacted))?;
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

/// All files below a folder with this ending, and their size together.
fn files_below(folder: &Path, ending: &str) -> anyhow::Result<(Vec<PathBuf>, u64)> {
    let mut found = Vec::new();
    let mut bytes = 0;
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else if entry.file_name().to_string_lossy().ends_with(ending) {
                bytes += entry.metadata()?.len();
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok((found, bytes))
}
