//! `cargo xtask demo`: the demo's recording, made from the readable files in `content/demo/`.
//! How an answer becomes bytes is the testkit's business.

use anyhow::{Context, bail};
use camino::Utf8Path;

use crate::services::cargo;

pub(crate) fn run(root: &Utf8Path, check: bool) -> anyhow::Result<()> {
    let mut command = cargo(root);
    command
        .args(["run", "--quiet", "--package", "yagura-testkit", "--example", "record_demo", "--"])
        .args(check.then_some("--check"));
    if !command.status().context("could not run the example that records the demo")?.success() {
        bail!("the recording of the demo was not made; the reason stands above");
    }
    Ok(())
}
