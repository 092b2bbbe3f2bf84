//! Backups on schedule: one file each, the newest few of them kept.
//! What a backup has, and how it is made whole or not at all, is in `commands/backup.rs`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use yagura_report::grouped;

use super::{Done, said};
use crate::commands::backup::make;
use crate::daemon::Daemon;
use crate::output;

/// Backups that are kept.
const KEPT: usize = 7;
const PREFIX: &str = "yagura-";
const SUFFIX: &str = ".backup";

/// Makes one, and deletes the oldest of those that a schedule made.
pub(super) async fn run(daemon: &Daemon) -> anyhow::Result<Done> {
    let folder = match &daemon.options.backup_dir {
        Some(folder) => folder.clone(),
        None => daemon.context.data_folder()?.join("backups"),
    };
    crate::settings::make_data_folder(&folder)?;
    let stamp = (daemon.clock)().strftime("%Y%m%dT%H%M%SZ").to_string();
    let file = folder.join(format!("{PREFIX}{stamp}{SUFFIX}"));
    // The master key never lies beside what it opens.
    let made = make(&daemon.context, &file, &daemon.options.lake, false, true).await?;
    let forgotten = forget(&folder).context("could not delete old backups")?;
    let (rows, files, size) = (grouped(made.rows), grouped(made.files), output::size(made.bytes));
    let shown = file.display();
    Ok(said(
        format!(
            "{rows} rows and {files} files in `{shown}` ({size}); {forgotten} old backups deleted"
        ),
        format!(
            "{rows} 行と {files} ファイルを `{shown}`（{size}）に保存し、\
             古いバックアップ {forgotten} 個を削除しました"
        ),
    ))
}

/// Deletes all but the newest; answers how many. Files of other names are nobody's business.
fn forget(folder: &Path) -> std::io::Result<usize> {
    let mut ours: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        let stamp = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
        let stamped = |text: &str| {
            text.len() == 16 && text.chars().all(|c| c.is_ascii_digit() || c == 'T' || c == 'Z')
        };
        if stamp.is_some_and(stamped) {
            ours.push(entry.path());
        }
    }
    // Names are in the order of time.
    ours.sort();
    let old = ours.len().saturating_sub(KEPT);
    for file in ours.iter().take(old) {
        std::fs::remove_file(file)?;
    }
    Ok(old)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_backups_stay_and_files_of_others_too() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| std::fs::write(folder.path().join(name), "x").unwrap();
        for day in 10..20 {
            write(&format!("yagura-202611{day}T030000Z.backup"));
        }
        write("yagura-mine.backup");
        write("yagura-20261101T030000Z.backup.partial");
        assert_eq!(forget(folder.path()).unwrap(), 3);
        let mut left: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left.len(), 9, "{left:?}");
        assert!(left.contains(&"yagura-20261113T030000Z.backup".to_owned()));
        assert!(left.contains(&"yagura-mine.backup".to_owned()));
    }
}
