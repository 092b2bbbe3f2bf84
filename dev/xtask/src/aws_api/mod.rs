//! `cargo xtask aws-api`: generates the tables of the AWS API and of IAM actions.
//! Being written.

pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    anyhow::bail!("not written yet (check: {check})")
}
