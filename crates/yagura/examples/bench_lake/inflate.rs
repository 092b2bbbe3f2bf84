//! How quickly the files inflate, and nothing else: what ingestion can never beat.
//! It runs in this process, on all cores.

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use anyhow::Context as _;
use libdeflater::Decompressor;

/// What inflating took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inflated {
    pub(crate) bytes: u64,
    pub(crate) cpu_s: f64,
}

pub(crate) fn run(folder: &Path) -> anyhow::Result<Inflated> {
    let (files, _) = crate::files_below(folder, ".gz")?;
    let next = AtomicUsize::new(0);
    let bytes = AtomicU64::new(0);
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let before = own_cpu_s()?;
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for _ in 0..workers {
            threads.push(scope.spawn(|| -> anyhow::Result<()> {
                let mut decompressor = Decompressor::new();
                let mut buffer = Vec::new();
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let packed = std::fs::read(file)?;
                    buffer.resize(size_of(&packed)?, 0);
                    let size = decompressor.gzip_decompress(&packed, &mut buffer)?;
                    bytes.fetch_add(u64::try_from(size)?, Ordering::Relaxed);
                }
                Ok(())
            }));
        }
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(done) => done,
            Err(_) => anyhow::bail!("a thread panicked"),
        })
    })?;
    let cpu_s = own_cpu_s()? - before;
    Ok(Inflated { bytes: bytes.into_inner(), cpu_s })
}

/// The size that a gzip file of one member says it has (RFC 1952, ISIZE).
fn size_of(packed: &[u8]) -> anyhow::Result<usize> {
    let last = packed.last_chunk::<4>().context("too short for gzip")?;
    Ok(usize::try_from(u32::from_le_bytes(*last))?)
}

/// The CPU seconds of this process (proc(5): `utime`, `stime`).
pub(crate) fn own_cpu_s() -> anyhow::Result<f64> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = text.rsplit_once(") ").context("`/proc/self/stat` is not as expected")?;
    let ticks: f64 =
        fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS_PER_SECOND)
}
