//! What a benchmark says of itself: the machine and the commit that its figures were taken on.
//! What is measured lives beside the code it measures. Each benchmark takes this file in by its
//! path: the crate for tests would bring DataFusion into the benchmarks of small crates.

use std::process::Command;

/// Processor, cores and memory, as Linux names them.
pub(crate) fn machine() -> String {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split(':').nth(1)).unwrap_or("unknown").trim().to_owned()
    };
    let processor = value(&read("/proc/cpuinfo"), "model name");
    let memory = value(&read("/proc/meminfo"), "MemTotal");
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{processor}, {cores} cores, {memory}, shared with other work")
}

/// The commit, and whether files differ from it; none outside of a repository.
pub(crate) fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() { commit } else { format!("{commit}, with changes") })
}
