//! Notices that rules, lists or settings of the site have changed, so that a daemon works with
//! what is there now and not with what was there when it started.
//! What is read anew is decided by whoever asks.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(20);
/// Files that are looked at; who has more restarts by hand.
const FILES_MAX: usize = 20_000;

/// Waits until what these folders and files have is not what it was at `first` any more, or until
/// it is cancelled. Answers whether something changed.
pub(super) async fn changed(
    places: Vec<PathBuf>,
    first: Option<u64>,
    cancel: &CancellationToken,
) -> bool {
    loop {
        tokio::select! {
            () = cancel.cancelled() => return false,
            () = tokio::time::sleep(EVERY) => {}
        }
        let now = look(places.clone()).await;
        if now != first {
            // Somebody may still be writing: what is read is what stands still.
            let again = tokio::time::sleep(Duration::from_secs(2));
            tokio::select! {
                () = cancel.cancelled() => return false,
                () = again => {}
            }
            if look(places.clone()).await == now {
                return true;
            }
        }
    }
}

/// A digest of what is there now.
pub(in crate::daemon) async fn look(places: Vec<PathBuf>) -> Option<u64> {
    tokio::task::spawn_blocking(move || digest(&places)).await.ok()
}

/// A digest of names, sizes and times of change.
fn digest(places: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut left = FILES_MAX;
    for place in places {
        add(place, &mut hasher, &mut left);
    }
    hasher.finish()
}

fn add(path: &Path, hasher: &mut DefaultHasher, left: &mut usize) {
    if *left == 0 {
        return;
    }
    *left -= 1;
    let Ok(found) = std::fs::symlink_metadata(path) else { return };
    path.hash(hasher);
    if found.is_file() {
        (found.len(), found.modified().ok()).hash(hasher);
    } else if found.is_dir()
        && let Ok(entries) = std::fs::read_dir(path)
    {
        let mut names: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        names.sort();
        for name in names {
            add(&name, hasher, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_sees_a_new_file_another_content_and_a_deletion() {
        let folder = tempfile::tempdir().unwrap();
        let places = vec![folder.path().to_owned(), folder.path().join("none")];
        let mut seen = vec![digest(&places)];
        std::fs::create_dir(folder.path().join("rules")).unwrap();
        seen.push(digest(&places));
        std::fs::write(folder.path().join("rules/a.yml"), "a").unwrap();
        seen.push(digest(&places));
        assert_eq!(digest(&places), seen[2], "nothing changed");
        std::fs::write(folder.path().join("rules/a.yml"), "ab").unwrap();
        seen.push(digest(&places));
        std::fs::remove_file(folder.path().join("rules/a.yml")).unwrap();
        assert_eq!(digest(&places), seen[1], "as before the file");
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 4);
    }
}
