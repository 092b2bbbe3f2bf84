//! `cargo xtask dist`: the archive that is shipped, its checksum and its list of dependencies.
//! It builds and packs; it publishes nothing.

use std::fmt::Write as _;
use std::process::Command;

use anyhow::Context;
use camino::Utf8Path;
use sha2::{Digest, Sha256};

use crate::services::{cargo, run as run_command};
use crate::test::say;

pub(crate) fn run(root: &Utf8Path) -> anyhow::Result<()> {
    run_command(cargo(root).args([
        "build",
        "--profile",
        "dist",
        "--locked",
        "--package",
        "yagura",
    ]))?;
    let name = format!("yagura-{}-{}", env!("CARGO_PKG_VERSION"), host(root)?);
    let out = root.join("target/dist-archive");
    let stage = out.join(&name);
    let _ = std::fs::remove_dir_all(&stage);
    std::fs::create_dir_all(&stage)?;
    std::fs::copy(root.join("target/dist/yagura"), stage.join("yagura"))?;
    for file in ["README.md", "README.ja.md", "LICENSE", "NOTICE", "CHANGELOG.md"] {
        std::fs::copy(root.join(file), stage.join(file))
            .with_context(|| format!("could not copy `{file}`"))?;
    }
    std::fs::write(stage.join("DEPENDENCIES.txt"), dependencies(root)?)?;
    let archive = out.join(format!("{name}.tar.gz"));
    // Sorted, ownerless and dated by the commit, so that the same tree gives the same bytes.
    let commit_time = Command::new("git")
        .current_dir(root)
        .args(["log", "-1", "--format=%ct"])
        .output()
        .context("could not ask git for the commit's time")?;
    let mtime = format!("--mtime=@{}", String::from_utf8_lossy(&commit_time.stdout).trim());
    run_command(
        Command::new("tar")
            .args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", &mtime])
            .args(["-C", out.as_str(), "-czf", archive.as_str(), &name])
            .env("GZIP", "-n"),
    )?;
    let digest = hex::encode(Sha256::digest(std::fs::read(&archive)?));
    std::fs::write(
        out.join(format!("{name}.tar.gz.sha256")),
        format!("{digest}  {name}.tar.gz\n"),
    )?;
    say(&format!("{archive}\nsha256 {digest}"));
    Ok(())
}

/// The target triple of this machine's compiler.
fn host(root: &Utf8Path) -> anyhow::Result<String> {
    let output = Command::new("rustc").current_dir(root).arg("-vV").output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc did not name its host")
}

/// Every crate in the binary with version and license, one a line.
fn dependencies(root: &Utf8Path) -> anyhow::Result<String> {
    let packages = crate::tidy::graph::metadata(root)?;
    let mut text = String::new();
    for package in &packages {
        let license = package.license.as_deref().unwrap_or("unknown");
        writeln!(text, "{} {} ({license})", package.name, package.version)?;
    }
    Ok(text)
}
