//! `cargo xtask reference`: the reference pages of both books, printed by the program itself.
//! No page under `docs/*/src/reference/` is written by hand.

use std::process::Command;

use anyhow::{Context, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::services::cargo;
use crate::test::say;

/// How the program is started.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// By cargo, which builds it first where it must.
    Cargo,
    /// As the tests built it: cargo would build its dependencies once more, with the features that
    /// this package alone asks for.
    Built,
}

impl Program {
    pub(crate) fn command(self, root: &Utf8Path) -> anyhow::Result<Command> {
        let mut command = match self {
            Self::Cargo => {
                let mut command = cargo(root);
                command.args(["run", "--quiet", "--package", "yagura", "--"]);
                command
            }
            Self::Built => {
                let mut command = Command::new(built_program()?);
                command.current_dir(root);
                command
            }
        };
        command.env_remove("YAGURA_SITE_DIR");
        Ok(command)
    }
}

/// The program as the tests built it, beside this one.
pub(crate) fn built_program() -> anyhow::Result<Utf8PathBuf> {
    let chore = std::env::current_exe().context("could not find this program")?;
    let program = Utf8PathBuf::from_path_buf(chore.with_file_name("yagura"));
    program.map_err(|path| anyhow::anyhow!("`{}` is not UTF-8", path.display()))
}

/// Page name → what `yagura reference` is asked for.
const PAGES: [&str; 8] = [
    "commands",
    "configuration",
    "controls",
    "detections",
    "escalations",
    "frameworks",
    "metrics",
    "resources",
];

pub(crate) fn run(root: &Utf8Path, program: Program, check: bool) -> anyhow::Result<()> {
    let mut stale = Vec::new();
    for lang in ["en", "ja"] {
        for page in PAGES {
            let output = program
                .command(root)?
                .args(["--lang", lang, "reference", page])
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
