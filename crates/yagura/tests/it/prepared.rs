//! Homes that take seconds to prepare, prepared once for all tests of a build: the first test that
//! needs one makes it, each takes a copy and may do with it what it likes.
//! What a home is, and how the binary is run in it, is in `program`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde_json::Value;

use crate::program::Home;

/// Made when all is in place; a run that was killed leaves none.
const DONE: &str = "done";

/// A home in which the demo has run, and what it said as JSON. There was a site before it.
pub(crate) async fn demo() -> (Home, Value) {
    let home = of("demo", async |home| {
        home.write("data/site/parameters.yaml", "{}\n");
        let ran = home.run(&["demo", "--no-serve", "--format", "json"]).await.exits(0);
        home.write("data/said.json", &ran.out);
    });
    let home = home.await;
    let said = home.path("data/said.json");
    let summary = serde_json::from_slice(&fs::read(&said).unwrap()).unwrap();
    fs::remove_file(said).unwrap();
    (home, summary)
}

/// A copy of the home of this name, which is made unless this build's tests have made it already.
pub(crate) async fn of(name: &str, make: impl AsyncFnOnce(&Home)) -> Home {
    let homes = homes();
    fs::create_dir_all(&homes).unwrap();
    let lock = File::create(homes.join(format!("{name}.lock"))).unwrap();
    // Each test is a process: who comes second waits here for the first.
    lock.lock().unwrap();
    let kept = homes.join(name);
    if !kept.join(DONE).exists() {
        let _ = fs::remove_dir_all(&kept);
        let home = Home::offline();
        make(&home).await;
        copy(&home.path(""), &kept.join("home"));
        File::create(kept.join(DONE)).unwrap();
    }
    lock.unlock().unwrap();
    let home = Home::offline();
    copy(&kept.join("home"), &home.path(""));
    home
}

/// Where homes of this build of the binary and of its tests are. Those of earlier builds go.
fn homes() -> PathBuf {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).join("homes");
    let made = |path: &Path| {
        let facts = fs::metadata(path).unwrap();
        let at = facts.modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
        format!("{}-{}", at.as_nanos(), facts.len())
    };
    let tests = std::env::current_exe().unwrap();
    let own = format!("{}-{}", made(Path::new(env!("CARGO_BIN_EXE_yagura"))), made(&tests));
    let others = fs::read_dir(&parent).into_iter().flatten().flatten();
    for other in others.filter(|other| other.file_name() != *own) {
        let _ = fs::remove_dir_all(other.path());
    }
    parent.join(own)
}

/// Copies a folder with everything in it; times of files are kept, since some are read from there.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
            let modified = entry.metadata().unwrap().modified().unwrap();
            let copied = File::options().write(true).open(&target).unwrap();
            copied.set_modified(modified).unwrap();
        }
    }
}
