//! The console in a real browser: Node's test runner drives Chromium over the tests of
//! `dev/browser/`. Packages land beside them, Chromium comes from Debian.
//! What the tests say is theirs.

use std::process::Command;

use anyhow::{Context, ensure};
use camino::{Utf8Path, Utf8PathBuf};

use crate::reference::built_program;
use crate::services::{install_debian, is_root, run, unpack_debian};

/// Where screenshots and traces are left for whoever looks at them.
const ARTIFACTS: &str = "target/browser";
/// The names under which a Chromium may be on the path.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Runs the tests against the program as the tests built it.
pub(crate) fn test(root: &Utf8Path) -> anyhow::Result<()> {
    let program = built_program()?;
    let folder = root.join("dev/browser");
    install_packages(&folder)?;
    let chromium = find_chromium(root)?;
    let artifacts = root.join(ARTIFACTS);
    std::fs::create_dir_all(&artifacts).with_context(|| format!("could not make `{artifacts}`"))?;
    let mut command = Command::new("node");
    command
        .args(["--test", "--test-concurrency=1", "--test-reporter=spec"])
        .current_dir(&folder)
        .env("YAGURA_PROGRAM", program.as_str())
        .env("YAGURA_CHROMIUM", chromium.as_str())
        .env("YAGURA_ARTIFACTS", artifacts.as_str());
    let libraries = root.join("target/debian/usr/lib/x86_64-linux-gnu");
    if chromium.starts_with(root) {
        command.env("LD_LIBRARY_PATH", libraries.as_str());
    }
    run(&mut command)
}

/// Installs what the lock file names, once for each lock file.
fn install_packages(folder: &Utf8Path) -> anyhow::Result<()> {
    let lock = std::fs::read(folder.join("package-lock.json")).context("there is no lock file")?;
    let stamp = folder.join("node_modules/.yagura-lock");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder);
    run(&mut npm).context("Node and npm are needed (Debian: apt-get install nodejs npm)")?;
    std::fs::write(&stamp, lock).with_context(|| format!("could not write `{stamp}`"))
}

fn find_chromium(root: &Utf8Path) -> anyhow::Result<Utf8PathBuf> {
    let on_path = || BROWSERS.into_iter().find_map(program_of);
    if let Some(found) = on_path() {
        return Ok(found);
    }
    if is_root()? {
        install_debian("chromium")?;
        return on_path().context("Chromium was installed but does not start");
    }
    let unpacked = root.join("target/debian/usr/lib/chromium/chromium");
    if !unpacked.exists() {
        unpack_debian(root, "chromium", |_| true)?;
    }
    ensure!(unpacked.exists(), "Chromium was unpacked but its program was not found");
    Ok(unpacked)
}

/// Where a program of the path is; the test's library asks for a whole path.
fn program_of(name: &str) -> Option<Utf8PathBuf> {
    let path = std::env::var("PATH").ok()?;
    let mut places = std::env::split_paths(&path).filter_map(|folder| {
        Utf8PathBuf::from_path_buf(folder).ok().map(|folder| folder.join(name))
    });
    places.find(|program| program.exists() && answers(program))
}

fn answers(program: &Utf8Path) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}
