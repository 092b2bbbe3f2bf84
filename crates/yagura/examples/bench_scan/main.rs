//! Measures a scan: requests, CPU seconds, peak memory, wall time; of recorded answers and of moto.
//! Both servers run outside the measured process; what is judged is checked by a digest only.
//!
//! `cargo xtask bench scan [-- FILE]`; with a file, the record is written there too.

mod figures;
mod fleet;
mod measure;
#[path = "../../../../dev/xtask/record/origin.rs"]
mod origin;
mod seed;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::process::Command;
use yagura_aws::Api;
use yagura_testkit::faults::Faults;
use yagura_testkit::moto::{MOTO_ACCOUNT, Moto};
use yagura_testkit::recorded::Recorded;

use figures::{Record, Scan};

/// The six services of the comparison; `account` holds what the peer counts among IAM's checks.
const SIX_SERVICES: &str = "s3,iam,ec2,kms,rds,cloudtrail,account";
/// The services that the proxy tells apart and counts.
const COUNTED: [&str; 10] = [
    "account",
    "cloudtrail",
    "ec2",
    "iam",
    "kms",
    "logs",
    "organizations",
    "rds",
    "s3",
    "s3control",
];
const ROOT_QUESTION: &str = "account.root_mfa_enabled";
/// Enough starts that one slow one does not count.
const STARTS: usize = 20;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let api = Api::open(include_bytes!("../../../../content/aws-api/services.zst"))?;
    let program = program()?;
    say(&format!("measuring {}", program.display()))?;
    let start_s = start_up(&program).await?;
    say(&format!("start-up {start_s:.3} s"))?;
    let recorded = of_recorded(&program, &api).await?;
    say(&format!("recorded: {recorded:?}"))?;
    let (moto, root_requests) = of_moto(&program, &api).await?;
    say(&format!("moto: {moto:?}"))?;
    let record = Record { start_s, recorded, moto, root_requests };
    let text = record.markdown(&program)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    if let Some(file) = std::env::args().nth(1) {
        std::fs::write(&file, format!("{text}\n")).with_context(|| format!("`{file}`"))?;
    }
    Ok(())
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

/// The middle of several starts.
async fn start_up(program: &Path) -> anyhow::Result<f64> {
    let home = tempfile::tempdir()?;
    let mut walls = Vec::new();
    for _ in 0..STARTS {
        walls.push(measure::run(command(program, home.path(), "", &["--version"])).await?.wall_s);
    }
    walls.sort_by(f64::total_cmp);
    walls.get(STARTS / 2).copied().context("there were no starts")
}

/// The program in a home of its own, whose AWS is the server at this address.
fn command(program: &Path, home: &Path, url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("YAGURA_ENDPOINT_URL", url);
    command
}

/// The arguments of a scan as a pipeline runs it.
fn scan_of<'a>(what: &'a str, of: &'a str) -> [&'a str; 7] {
    ["scan", "--regions", "us-east-1", what, of, "--format", "json"]
}

/// Our own stub: it answers from memory, so that the scanner is what is measured.
async fn of_recorded(program: &Path, api: &Api) -> anyhow::Result<Scan> {
    say("recording 10,000 buckets and 2,000 users")?;
    let replay = fleet::answers(api).map_err(anyhow::Error::msg)?;
    let server = Recorded::start(replay).await?;
    let home = tempfile::tempdir()?;
    let arguments = scan_of("--services", "s3,iam");
    let run = measure::run(command(program, home.path(), &server.url(), &arguments)).await?;
    let (unmatched, examples) = server.replay().unmatched();
    ensure!(unmatched == 0, "{unmatched} calls without an answer, such as {examples:?}");
    Scan::of(&run, server.replay().calls())
}

/// The account of the peer's measurement, on the same server as the peer's.
async fn of_moto(program: &Path, api: &Api) -> anyhow::Result<(Scan, u64)> {
    say("filling moto")?;
    let moto = Moto::start().await?;
    seed::fill(&moto.url(), api).await?;
    // Once through a counter, once without it in the way.
    let counter = Faults::before(&moto.url(), api, &COUNTED, MOTO_ACCOUNT).await?;
    let arguments = scan_of("--services", SIX_SERVICES);
    let home = tempfile::tempdir()?;
    let counted = measure::run(command(program, home.path(), &counter.url(), &arguments)).await?;
    let requests = u64::try_from(counter.seen().len())?;
    let home = tempfile::tempdir()?;
    let run = measure::run(command(program, home.path(), &moto.url(), &arguments)).await?;
    let scan = Scan::of(&run, requests)?;
    ensure!(scan.digest == Scan::of(&counted, requests)?.digest, "two scans differ");
    let before = counter.seen().len();
    let home = tempfile::tempdir()?;
    let root = ["scan", "--controls", ROOT_QUESTION, "--format", "json", "--all"];
    let root = measure::run(command(program, home.path(), &counter.url(), &root)).await?;
    let answered = root.out.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let answered = answered.filter(|record| {
        record.get("kind").is_some_and(|kind| kind == "verdict")
            && record.get("status").is_some_and(|status| status == "fail")
    });
    ensure!(answered.count() == 1, "the root question was not answered: {}", root.out);
    Ok((scan, u64::try_from(counter.seen().len() - before)?))
}
