//! The name under which a run claims objects, and the lock that tells others that it lives.
//! Without a lock folder only the lease tells.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use yagura_store::StoreError;
use yagura_store::ledger::Ledger;

const PREFIX: &str = "ingest-";
const SUFFIX: &str = ".lock";

/// A run's name; its lock file goes away with it.
pub(super) struct Owner {
    pub(super) name: String,
    lock: Option<(PathBuf, File)>,
}

impl Owner {
    /// Names a run. A lock that cannot be made is done without: claims then end with the lease.
    pub(super) fn new(locks: Option<&Path>, now: Timestamp) -> Self {
        // Two runs of one process within a nanosecond would need two threads and much luck; then
        // they would share their claims, and the lake's commits keep them apart.
        let name = format!("{}-{:x}", std::process::id(), now.as_nanosecond());
        let lock = locks.and_then(|folder| take_lock(folder, &name));
        Self { name, lock }
    }

    /// Releases what dead runs of this machine hold.
    pub(super) async fn release_dead(
        &self,
        locks: Option<&Path>,
        ledger: &Ledger,
    ) -> Result<(), StoreError> {
        let Some(locks) = locks else { return Ok(()) };
        for (path, name) in dead(locks, &self.name) {
            ledger.release(&name).await?;
            let _ = std::fs::remove_file(path);
        }
        Ok(())
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.lock {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn take_lock(folder: &Path, name: &str) -> Option<(PathBuf, File)> {
    std::fs::create_dir_all(folder).ok()?;
    let path = folder.join(format!("{PREFIX}{name}{SUFFIX}"));
    // Another run may take the file for a dead run's between its making and its locking.
    for _ in 0..8 {
        let file = File::create(&path).ok()?;
        file.try_lock().ok()?;
        if path.exists() {
            return Some((path, file));
        }
    }
    None
}

/// Lock files that nobody holds: their processes are dead, since the lock goes with the process.
fn dead(folder: &Path, own: &str) -> Vec<(PathBuf, String)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let name = name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(SUFFIX));
        let Some(name) = name else { continue };
        if name == own {
            continue;
        }
        let Ok(file) = File::open(&path) else { continue };
        match file.try_lock() {
            Ok(()) => {
                let name = name.to_owned();
                found.push((path, name));
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
    found
}
