//! `cargo xtask test`: everything that must hold before a change lands, on a clean machine.
//! The one entry: continuous integration calls it and adds nothing.

use std::process::Command;
use std::time::Instant;

use anyhow::Context;
use camino::Utf8Path;

use crate::reference::Program;
use crate::services::{self, run};

/// What to leave out while working; continuous integration leaves out nothing.
#[derive(clap::Args)]
pub(crate) struct TestArgs {
    /// Skip rustfmt and clippy
    #[arg(long)]
    no_lint: bool,
    /// Do not start PostgreSQL; its tests then say that they did not run
    #[arg(long)]
    no_postgres: bool,
    /// Also read the lake with Spark: installs PySpark (400 MB), needs Java 17 or later
    #[arg(long)]
    spark: bool,
    /// Passed to the test runner (a filter, `-p crate`)
    #[arg(last = true)]
    runner_args: Vec<String>,
}

pub(crate) fn run_step(
    name: &str,
    step: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let started = Instant::now();
    say(&format!("── {name}"));
    step().with_context(|| format!("step `{name}` failed"))?;
    say(&format!("── {name}: ok in {:.0} s", started.elapsed().as_secs_f64()));
    Ok(())
}

pub(crate) fn run_all(root: &Utf8Path, args: &TestArgs) -> anyhow::Result<()> {
    let cargo = || services::cargo(root);
    run_step("moto server and DuckDB", || services::install_python(root))?;
    if args.spark {
        run_step("Spark", || services::install_spark(root))?;
    }
    if !args.no_lint {
        run_step("format", || run(cargo().args(["fmt", "--all", "--check"])))?;
        run_step("lints", || {
            run(cargo()
                .args(["clippy", "--workspace", "--all-targets", "--quiet"])
                .args(["--", "-D", "warnings"]))
        })?;
    }
    let postgres = if args.no_postgres {
        None
    } else {
        Some(services::start_postgres(root).context("PostgreSQL is needed by the store's tests")?)
    };
    let mut tests = cargo();
    // nextest runs each test in a process of its own and says which one is slow; plain `cargo
    // test` covers the same tests where it is not installed.
    let has_nextest = Command::new("cargo-nextest").arg("--version").output().is_ok();
    if has_nextest {
        tests.args(["nextest", "run", "--workspace", "--no-fail-fast", "--status-level", "slow"]);
    } else {
        tests.args(["test", "--workspace", "--no-fail-fast", "--quiet"]);
    }
    tests.args(&args.runner_args);
    if let Some(postgres) = &postgres {
        tests.env(services::Postgres::VARIABLE, &postgres.url);
    }
    run_step("tests", || run(&mut tests))?;
    if has_nextest && args.runner_args.is_empty() {
        run_step("doc tests", || run(cargo().args(["test", "--workspace", "--doc", "--quiet"])))?;
    }
    // The step above built the whole program, unless it was told to leave something out.
    let program = if args.runner_args.is_empty() { Program::Built } else { Program::Cargo };
    run_step("content", || run(program.command(root)?.args(["content", "test"])))?;
    if program == Program::Built {
        run_step("console in a browser", || crate::browser::test(root))?;
    }
    run_step("reference pages", || crate::reference::run(root, program, true))
}

pub(crate) fn run_test(root: &Utf8Path, args: &TestArgs) -> anyhow::Result<()> {
    let started = Instant::now();
    run_all(root, args)?;
    say(&format!("everything holds ({:.0} s)", started.elapsed().as_secs_f64()));
    Ok(())
}

#[expect(clippy::print_stderr, reason = "a chore reports to the person who started it")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
