//! `DuckDB` as an independent reader of the lake's files, asked through its Python package.
//! It is installed by `cargo xtask test`; what it answers is its own affair.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

/// The program that Python runs: statements come on stdin, each answer is a line on stdout.
/// CPU seconds are those of the whole process (getrusage(2)).
const PROGRAM: &str = r#"
import json, resource, sys, time
import duckdb
asked = json.load(sys.stdin)
connection = duckdb.connect(asked["database"], config={"threads": asked["threads"]})
connection.execute("SET TimeZone = 'UTC'")
# It draws its progress on stdout, between the answers, where a program has no file.
connection.execute("SET enable_progress_bar = false")
def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
for statement in asked["statements"]:
    begun, spent = time.perf_counter(), cpu()
    try:
        result = connection.execute(statement)
        columns = [one[0] for one in result.description or []]
        rows = [list(row) for row in result.fetchall()]
        answer = {"columns": columns, "rows": rows}
    except duckdb.Error as error:
        answer = {"error": str(error)}
    answer["seconds"] = time.perf_counter() - begun
    answer["cpu_s"] = cpu() - spent
    answer["peak_kb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps(answer, default=str), flush=True)
"#;

/// What a statement gave, and what it took.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct DuckDbAnswer {
    /// Names of the columns.
    #[serde(default)]
    pub columns: Vec<String>,
    /// The rows; times and decimals are text as Python writes them.
    #[serde(default)]
    pub rows: Vec<Vec<Value>>,
    /// Why there are none.
    pub error: Option<String>,
    /// Wall seconds.
    pub seconds: f64,
    /// CPU seconds of all threads.
    pub cpu_s: f64,
    /// The most memory that the process has had so far, in KiB.
    pub peak_kb: u64,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum DuckDbError {
    /// It is not installed.
    #[error("no DuckDB in `{}`; run `cargo xtask test`, which installs it", .0.display())]
    Missing(PathBuf),
    /// It could not be run.
    #[error("DuckDB could not be run")]
    Run(#[source] std::io::Error),
    /// It ended early or said something else.
    #[error("DuckDB gave no answer: {0}")]
    Silent(String),
    /// It refused a statement.
    #[error("DuckDB refused `{statement}`: {error}")]
    Refused {
        /// The statement.
        statement: String,
        /// Its words.
        error: String,
    },
}

/// A `DuckDB` of the virtual environment.
#[derive(Clone, Debug)]
pub struct DuckDb {
    python: PathBuf,
    database: String,
    threads: usize,
}

impl DuckDb {
    /// A database in memory.
    ///
    /// # Errors
    /// [`DuckDbError::Missing`] with the remedy.
    pub fn in_memory() -> Result<Self, DuckDbError> {
        let python = python();
        let package = python.ancestors().nth(2).map(|venv| venv.join("lib"));
        let has_package = package.is_some_and(|lib| has_module(&lib, "duckdb"));
        if !has_package {
            return Err(DuckDbError::Missing(python));
        }
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self { python, database: ":memory:".to_owned(), threads })
    }

    /// Runs statements one after the other in one process.
    ///
    /// # Errors
    /// When it cannot be run, or refuses a statement.
    pub fn ask(&self, statements: &[String]) -> Result<Vec<DuckDbAnswer>, DuckDbError> {
        let asked = json!({
            "database": self.database, "threads": self.threads, "statements": statements,
        });
        let mut child = Command::new(&self.python)
            .args(["-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(DuckDbError::Run)?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(asked.to_string().as_bytes()).map_err(DuckDbError::Run)?;
        }
        let output = child.wait_with_output().map_err(DuckDbError::Run)?;
        let said = String::from_utf8_lossy(&output.stdout);
        let silent = || DuckDbError::Silent(String::from_utf8_lossy(&output.stderr).into_owned());
        let mut answers = Vec::new();
        for (statement, line) in statements.iter().zip(said.lines()) {
            let answer: DuckDbAnswer = serde_json::from_str(line).map_err(|_| silent())?;
            if let Some(error) = answer.error {
                let statement = statement.clone();
                return Err(DuckDbError::Refused { statement, error });
            }
            answers.push(answer);
        }
        if answers.len() < statements.len() {
            return Err(silent());
        }
        Ok(answers)
    }
}

/// Python in the virtual environment of the tests.
pub(crate) fn python() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python")
}

/// Whether a module is installed below `lib` of a virtual environment.
pub(crate) fn has_module(lib: &Path, module: &str) -> bool {
    let versions = std::fs::read_dir(lib).into_iter().flatten().filter_map(Result::ok);
    versions.map(|version| version.path().join("site-packages").join(module)).any(|it| it.is_dir())
}
