//! The last step of a restore: moves that must all happen. They are written down first; whoever
//! next opens the data folder finishes what a killed restore began.
//! What is moved was verified and put together before, in a folder beside.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

/// The file that says which moves are under way.
const FILE: &str = "restore.pending";
/// The folder in which a restore is put together.
pub(crate) const STAGE: &str = "restore.stage";

/// Moves within one data folder: everything in `stage` takes the place of what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moves {
    /// Files to delete first, by absolute path: what belongs to a database that is replaced.
    pub(crate) deleted: Vec<PathBuf>,
    /// What goes where: a name in the stage, and its place.
    pub(crate) moved: Vec<(String, PathBuf)>,
}

/// Begins a stage; what an earlier restore that never came to its last step left is taken away.
pub(crate) fn stage(folder: &Path) -> anyhow::Result<PathBuf> {
    let stage = folder.join(STAGE);
    ensure!(!folder.join(FILE).exists(), "a restore is under way in `{}`", folder.display());
    remove(&stage).with_context(|| format!("could not clear `{}`", stage.display()))?;
    crate::settings::make_data_folder(&stage)?;
    Ok(stage)
}

/// Writes the moves down, which is the moment from which the restore counts, and does them.
pub(crate) fn commit(folder: &Path, moves: &Moves) -> anyhow::Result<()> {
    let attempt = || format!("could not write to `{}`", folder.display());
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(attempt)?;
    file.write_all(&serde_json::to_vec_pretty(moves)?).with_context(attempt)?;
    file.as_file().sync_all().with_context(attempt)?;
    file.persist(folder.join(FILE)).with_context(attempt)?;
    sync(folder).with_context(attempt)?;
    finish(folder)
}

/// Does the moves that are written down, if any are. Done twice they do no harm.
pub(crate) fn finish(folder: &Path) -> anyhow::Result<()> {
    let pending = folder.join(FILE);
    let text = match std::fs::read(&pending) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        read => read.with_context(|| format!("could not read `{}`", pending.display()))?,
    };
    let moves: Moves = serde_json::from_slice(&text)
        .with_context(|| format!("`{}` is damaged", pending.display()))?;
    let attempt = || format!("could not finish the restore in `{}`", folder.display());
    for path in &moves.deleted {
        remove(path).with_context(attempt)?;
    }
    let stage = folder.join(STAGE);
    for (name, place) in &moves.moved {
        let from = stage.join(name);
        // What is no longer in the stage was moved before the kill.
        if !from.exists() {
            continue;
        }
        // A folder cannot be put over another one in one step; the old one goes aside first.
        if from.is_dir() && place.exists() {
            remove(&aside(place)).with_context(attempt)?;
            std::fs::rename(place, aside(place)).with_context(attempt)?;
        }
        carry(&from, place).with_context(attempt)?;
        if let Some(parent) = place.parent() {
            sync(parent).with_context(attempt)?;
        }
    }
    for (_, place) in &moves.moved {
        remove(&aside(place)).with_context(attempt)?;
    }
    std::fs::remove_file(&pending).with_context(attempt)?;
    sync(folder).with_context(attempt)?;
    remove(&stage).with_context(attempt)
}

/// Where an old folder waits until the new one is in its place.
fn aside(place: &Path) -> PathBuf {
    beside(place, ".before-restore")
}

fn beside(place: &Path, ending: &str) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Renames; to another disk, where that cannot be, it is copied beside its place and renamed
/// there, so that no reader ever sees half of it.
fn carry(from: &Path, place: &Path) -> io::Result<()> {
    match std::fs::rename(from, place) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let near = beside(place, ".restoring");
            remove(&near)?;
            copy(from, &near)?;
            std::fs::rename(&near, place)?;
            remove(from)
        }
        renamed => renamed,
    }
}

/// Copies a file or a folder of files, with their permissions.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        std::fs::copy(from, to)?;
        return std::fs::File::open(to)?.sync_all();
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Removes a file or folder; nothing there is no error.
fn remove(path: &Path) -> io::Result<()> {
    let removed = match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Makes names in a folder lasting.
#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read(path: &Path) -> Option<String> {
        std::fs::read_to_string(path).ok()
    }

    /// A folder with an old state, a staged new one, and the moves between them.
    fn prepared() -> (tempfile::TempDir, Moves) {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path();
        written(&folder.join("yagura.db"), "old");
        written(&folder.join("yagura.db-wal"), "old wal");
        written(&folder.join("site/a.yaml"), "old site");
        written(&folder.join("lake/x"), "lake");
        let stage = stage(folder).unwrap();
        written(&stage.join("yagura.db"), "new");
        written(&stage.join("site/b.yaml"), "new site");
        let moves = Moves {
            deleted: vec![folder.join("yagura.db-wal")],
            moved: vec![
                ("yagura.db".into(), folder.join("yagura.db")),
                ("site".into(), folder.join("site")),
            ],
        };
        (home, moves)
    }

    fn check_new(folder: &Path) {
        assert_eq!(read(&folder.join("yagura.db")).as_deref(), Some("new"));
        assert_eq!(read(&folder.join("yagura.db-wal")), None);
        assert_eq!(read(&folder.join("site/b.yaml")).as_deref(), Some("new site"));
        assert_eq!(read(&folder.join("site/a.yaml")), None);
        assert_eq!(read(&folder.join("lake/x")).as_deref(), Some("lake"));
        let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
        names.sort_by_key(std::fs::DirEntry::file_name);
        let names: Vec<_> = names.iter().map(std::fs::DirEntry::file_name).collect();
        assert_eq!(names, ["lake", "site", "yagura.db"], "nothing is left over");
    }

    #[test]
    fn moves_are_done_and_nothing_is_left_over() {
        let (home, moves) = prepared();
        commit(home.path(), &moves).unwrap();
        check_new(home.path());
        finish(home.path()).unwrap();
    }

    #[test]
    fn a_restore_that_was_killed_before_it_counted_changed_nothing() {
        let (home, _) = prepared();
        finish(home.path()).unwrap();
        assert_eq!(read(&home.path().join("yagura.db")).as_deref(), Some("old"));
        assert_eq!(read(&home.path().join("site/a.yaml")).as_deref(), Some("old site"));
    }

    #[test]
    fn a_restore_that_was_killed_between_its_moves_is_finished() {
        // After each number of steps: deleted, first move, old folder aside, second move.
        for steps in 0..=4 {
            let (home, moves) = prepared();
            let (folder, stage) = (home.path(), home.path().join(STAGE));
            std::fs::write(folder.join(FILE), serde_json::to_vec(&moves).unwrap()).unwrap();
            let done: [&dyn Fn() -> io::Result<()>; 4] = [
                &|| remove(&folder.join("yagura.db-wal")),
                &|| std::fs::rename(stage.join("yagura.db"), folder.join("yagura.db")),
                &|| std::fs::rename(folder.join("site"), aside(&folder.join("site"))),
                &|| std::fs::rename(stage.join("site"), folder.join("site")),
            ];
            for step in done.iter().take(steps) {
                step().unwrap();
            }
            finish(folder).unwrap();
            check_new(folder);
        }
    }

    #[test]
    fn a_folder_is_copied_whole_where_it_cannot_be_renamed() {
        let home = tempfile::tempdir().unwrap();
        written(&home.path().join("a/b/c"), "c");
        written(&home.path().join("a/d"), "d");
        copy(&home.path().join("a"), &home.path().join("x")).unwrap();
        assert_eq!(read(&home.path().join("x/b/c")).as_deref(), Some("c"));
        assert_eq!(read(&home.path().join("x/d")).as_deref(), Some("d"));
    }

    #[test]
    fn a_second_restore_does_not_begin_over_a_pending_one() {
        let (home, moves) = prepared();
        std::fs::write(home.path().join(FILE), serde_json::to_vec(&moves).unwrap()).unwrap();
        assert!(stage(home.path()).is_err());
    }
}
