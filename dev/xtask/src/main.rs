//! All chores of the repository, in Rust: one file per chore.
//! Nothing of the product lives here, and no product crate depends on it.

mod aws_api;
mod bench;
mod browser;
mod demo;
mod dist;
mod new;
mod reference;
mod services;
mod test;
mod tidy;

use clap::{Parser, Subcommand};

/// The chores of the repository.
#[derive(Parser)]
#[command(name = "cargo xtask", disable_version_flag = true)]
struct Chores {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Installs and starts what the tests need, then runs format, lints, tidy and every test
    Test(test::TestArgs),
    /// Checks the house rules that no compiler checks; `--fix` rewrites the golden files
    Tidy {
        /// Rewrite the golden files (crate graph, lock of ids) instead of comparing them
        #[arg(long)]
        fix: bool,
    },
    /// Generates the tables of the AWS API and of IAM actions from pinned packages
    AwsApi {
        /// Compare with the committed tables instead of writing them
        #[arg(long)]
        check: bool,
    },
    /// Makes the demo's recording from the readable files in `content/demo/`
    Demo {
        /// Compare with the committed recording instead of writing it
        #[arg(long)]
        check: bool,
    },
    /// Prints the reference pages from the program into the two books
    Reference {
        /// Compare with the committed pages instead of writing them
        #[arg(long)]
        check: bool,
    },
    /// Runs the tests of the console in a real browser, against the program as tests built it
    Browser,
    /// Starts a new content file or crate from its scaffold
    New(new::NewArgs),
    /// Runs a benchmark and prints its figures as ratios against a limit or a peer
    Bench(bench::BenchArgs),
    /// Builds the archive that is shipped, with checksums and the list of its dependencies
    Dist,
}

fn main() -> anyhow::Result<()> {
    let chores = Chores::parse();
    let root = repository_root()?;
    match chores.chore {
        Chore::Test(args) => test::run_test(&root, &args),
        Chore::Tidy { fix } => tidy::run(&root, fix),
        Chore::AwsApi { check } => aws_api::run(check),
        Chore::Demo { check } => demo::run(&root, check),
        Chore::Reference { check } => reference::run(&root, reference::Program::Cargo, check),
        Chore::Browser => browser::test(&root),
        Chore::New(args) => new::run(&root, args),
        Chore::Bench(args) => bench::run(&root, &args),
        Chore::Dist => dist::run(&root),
    }
}

/// The folder that holds the workspace, found from where cargo says this crate is.
fn repository_root() -> anyhow::Result<camino::Utf8PathBuf> {
    let here = camino::Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().nth(2).ok_or_else(|| anyhow::anyhow!("`{here}` has no root"))?;
    Ok(root.to_owned())
}
