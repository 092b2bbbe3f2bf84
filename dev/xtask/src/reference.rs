//! `cargo xtask reference`: the reference pages of both books, printed by the program itself.
//! No page under `docs/*/src/reference/` is written by hand.

use std::process::Command;

use anyhow::{Context, bail};
use camino::Utf8Path;

use crate::test::say;

/// Page name → what `yagura reference` is asked for.
const PAGES: [&str; 5] = ["commands", "controls", "resources", "frameworks", "configuration"];

pub(crate) fn run(root: &Utf8Path, check: bool) -> anyhow::Result<()> {
    let mut stale = Vec::new();
    for lang in ["en", "ja"] {
        for page in PAGES {
            let output = Command::new(env!("CARGO"))
                .current_dir(root)
                .args(["run", "--quiet", "--package", "yagura", "--"])
                .args(["--lang", lang, "reference", page])
                .env_remove("YAGURA_SITE_DIR")
                .output()
                .context("could not run yagura")?;
            if !output.status.success() {
                bail!("`yagura reference {page}`: {}", String::from_utf8_lossy(&output.stderr));
            }
            let path = root.join(format!("docs/{lang}/src/reference/{page}.md"));
            let same = std::fs::read(&path).is_ok_and(|found| found == output.stdout);
            if same {
                continue;
            }
            if check {
                stale.push(path.to_string());
            } else {
                std::fs::create_dir_all(root.join(format!("docs/{lang}/src/reference")))?;
                std::fs::write(&path, &output.stdout)
                    .with_context(|| format!("could not write `{path}`"))?;
                say(&format!("wrote {path}"));
            }
        }
    }
    if !stale.is_empty() {
        bail!("stale pages (run `cargo xtask reference`):\n{}", stale.join("\n"));
    }
    Ok(())
}
