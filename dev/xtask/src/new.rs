//! `cargo xtask new`: starts a content file or a crate from its scaffold.
//! Content scaffolds come from the product itself (`yagura content new`).

use anyhow::{Context, ensure};
use camino::Utf8Path;

use crate::services::{cargo, run as run_command};

#[derive(clap::Args)]
pub(crate) struct NewArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// A content file: `control s3.bucket_versioned`, `resource s3.bucket`
    Content {
        /// The kind: `control`, `resource`, `framework`
        kind: String,
        /// The id: folder and file name, joined by a dot
        id: String,
    },
    /// A crate under `crates/`, with the house's manifest and first page
    Crate {
        /// The name without the `yagura-` prefix
        name: String,
    },
}

pub(crate) fn run(root: &Utf8Path, args: NewArgs) -> anyhow::Result<()> {
    match args.what {
        What::Content { kind, id } => run_command(
            cargo(root)
                .args(["run", "--quiet", "--package", "yagura", "--", "content", "new"])
                .args([&kind, &id, "--into", root.join("content").as_str()].map(String::from)),
        ),
        What::Crate { name } => new_crate(root, &name),
    }
}

fn new_crate(root: &Utf8Path, name: &str) -> anyhow::Result<()> {
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    ensure!(plain && !name.is_empty(), "`{name}` is not a crate name (lower case and hyphens)");
    let folder = root.join(format!("crates/yagura-{name}"));
    ensure!(!folder.exists(), "`{folder}` is there already");
    let manifest = format!(
        "[package]\nname = \"yagura-{name}\"\ndescription = \"FILL IN: one sentence\"\n\
         version.workspace = true\nedition.workspace = true\nrust-version.workspace = true\n\
         license.workspace = true\nauthors.workspace = true\npublish.workspace = true\n\n\
         [lints]\nworkspace = true\n\n[dependencies]\n"
    );
    let page = "//! FILL IN: what lives here.\n//! FILL IN: what does not.\n";
    std::fs::create_dir_all(folder.join("src"))?;
    std::fs::write(folder.join("Cargo.toml"), manifest)?;
    std::fs::write(folder.join("src/lib.rs"), page)
        .with_context(|| format!("could not write `{folder}`"))
}
