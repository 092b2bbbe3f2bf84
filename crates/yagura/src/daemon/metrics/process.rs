//! What the operating system says about this process, where it is Linux.
//! Elsewhere nothing is told rather than something wrong.

use super::{Metrics, names};

/// Ticks of processor time in a second, as Linux counts them for programs on every architecture
/// it runs on but Alpha (`USER_HZ`, proc_pid_stat(5), seen 2026-11).
const TICKS_PER_SECOND: f64 = 100.0;

/// Sets the gauges of the process.
pub(super) fn measure(metrics: &Metrics) {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).ok();
    if let Some(bytes) = read("status").as_deref().and_then(resident_bytes) {
        metrics.set(names::MEMORY, &[], bytes);
    }
    if let Some(seconds) = read("stat").as_deref().and_then(cpu_seconds) {
        metrics.set(names::CPU, &[], seconds);
    }
    if let Ok(entries) = std::fs::read_dir("/proc/self/fd") {
        let open = u32::try_from(entries.count()).unwrap_or(u32::MAX);
        metrics.set(names::OPEN_FILES, &[], f64::from(open));
    }
}

/// `VmRSS:     1234 kB`.
fn resident_bytes(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024.0)
}

/// The fields `utime` and `stime`, the 14th and 15th; the name, the 2nd, may have spaces and
/// brackets of its own.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_processor_time_are_read_as_linux_writes_them() {
        let status = "Name:\tyagura\nVmPeak:\t  900 kB\nVmRSS:\t  512 kB\n";
        assert_eq!(resident_bytes(status), Some(524_288.0));
        let stat = "42 (a) b) c) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!((resident_bytes(""), cpu_seconds("42 (a")), (None, None));
    }
}
