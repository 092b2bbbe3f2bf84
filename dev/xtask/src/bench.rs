//! `cargo xtask bench`: runs one benchmark in the release profile and keeps its printed record.
//! What is measured lives beside the code it measures, as an example of that crate.

use anyhow::Context;
use camino::Utf8Path;

use crate::services::{Postgres, cargo, run as run_command, start_postgres};

#[derive(clap::Args)]
pub(crate) struct BenchArgs {
    /// Which benchmark
    #[arg(value_enum)]
    name: Bench,
    /// Passed to the benchmark
    #[arg(last = true)]
    args: Vec<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Bench {
    /// Verdicts per second and core over a million generated resources
    Judge,
    /// Requests, CPU seconds, memory and wall time of a scan over recorded answers and moto
    Scan,
    /// Decisions per second and core, and who can do something, of many principals
    Access,
    /// Resources per second written to and read from the store
    Store,
    /// Content loading and expression evaluation
    Content,
    /// Ingestion, size, questions and lookups of the log lake, beside DuckDB
    Lake,
    /// Findings observed, listed, searched and counted, on SQLite and PostgreSQL
    Findings,
    /// Every page of the console and its API over a million findings
    Console,
    /// Detection over files and with the lake in the same pass, beside Suzaku and rsigma
    Detect,
    /// Memory of detection over what is new in a billion events
    Soak,
}

impl Bench {
    /// The package and the example that hold the benchmark.
    fn example(self) -> (&'static str, &'static str) {
        match self {
            Self::Judge => ("yagura-judge", "bench_judge"),
            Self::Scan => ("yagura", "bench_scan"),
            Self::Access => ("yagura-analyze", "bench_access"),
            Self::Store => ("yagura-store", "bench_store"),
            Self::Content => ("yagura-content", "measure"),
            Self::Lake => ("yagura", "bench_lake"),
            Self::Findings => ("yagura-store", "bench_findings"),
            Self::Console => ("yagura-console", "bench_console"),
            Self::Detect => ("yagura", "bench_detect"),
            Self::Soak => ("yagura-judge", "soak"),
        }
    }
}

pub(crate) fn run(root: &Utf8Path, args: &BenchArgs) -> anyhow::Result<()> {
    if matches!(args.name, Bench::Scan | Bench::Lake) {
        crate::services::install_python(root)?;
    }
    let (package, example) = args.name.example();
    if package == "yagura" {
        // Both at once: an example brings dev-dependencies, whose features would build DataFusion
        // a second time.
        let targets = ["--bin", "yagura", "--example", example];
        run_command(cargo(root).args(["build", "--release", "--package", package]).args(targets))?;
    }
    // It goes with the end of this function.
    let postgres = match args.name {
        Bench::Findings if std::env::var_os(Postgres::VARIABLE).is_none() => {
            Some(start_postgres(root)?)
        }
        _ => None,
    };
    run_command(
        cargo(root)
            .args(["run", "--release", "--package", package, "--example", example, "--"])
            .args(&args.args)
            .envs(postgres.iter().map(|server| (Postgres::VARIABLE, server.url.as_str()))),
    )
    .context("the benchmark failed")
}
