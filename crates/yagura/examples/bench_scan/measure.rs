//! Runs a child and says what it took, from what Linux says in `/proc`.
//! What the numbers are held against is in `figures`.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::process::Command;

/// Linux counts process times in this unit (proc(5), `sysconf(_SC_CLK_TCK)`).
const TICKS_PER_SECOND: f64 = 100.0;
/// The high-water mark only rises, so the last look before the end is the peak or close to it.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What a run took.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) out: String,
    pub(crate) cpu_s: f64,
    pub(crate) peak_mb: f64,
    pub(crate) wall_s: f64,
}

/// Runs a command to its end.
pub(crate) async fn run(mut command: Command) -> anyhow::Result<Run> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let before = children_cpu_s()?;
    let begun = Instant::now();
    let child = command.spawn()?;
    let status_file = format!("/proc/{}/status", child.id().context("the child has no id")?);
    let mut peak_mb = 0.0_f64;
    let ended = child.wait_with_output();
    tokio::pin!(ended);
    let output = loop {
        tokio::select! {
            output = &mut ended => break output?,
            () = tokio::time::sleep(LOOK_EVERY) => {
                peak_mb = peak_mb.max(peak_of(&status_file).unwrap_or_default());
            }
        }
    };
    let wall_s = begun.elapsed().as_secs_f64();
    let cpu_s = children_cpu_s()? - before;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(matches!(output.status.code(), Some(0 | 3)), "{}: {said}", output.status);
    Ok(Run { out: String::from_utf8(output.stdout)?, cpu_s, peak_mb, wall_s })
}

/// The CPU seconds of the children that have ended (proc(5): `cutime`, `cstime`).
fn children_cpu_s() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = text.rsplit_once(") ").context("`/proc/self/stat` is not as expected")?;
    let ticks: Vec<f64> =
        fields.split(' ').skip(13).take(2).filter_map(|field| field.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}

/// The most memory that a process has had, in MB of 10^6 bytes.
fn peak_of(status_file: &str) -> Option<f64> {
    let text = std::fs::read_to_string(status_file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}
