//! Apache Spark as a third reader of the lake's files, through `PySpark` on a Java of the machine.
//! `cargo xtask test --spark` installs it; where it is missing, the reader is told why.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::duckdb::{has_module, python};

/// The program that Python runs: a folder and a statement over the view `lake`; rows as JSON.
const PROGRAM: &str = r#"
import json, sys
from pyspark.sql import SparkSession
spark = (SparkSession.builder.master("local[1]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
    .getOrCreate())
spark.sparkContext.setLogLevel("ERROR")
for statement in sys.argv[1:]:
    rows = [list(row) for row in spark.sql(statement).collect()]
    print("answer " + json.dumps(rows, default=str), flush=True)
"#;

/// Runs statements in one session; the rows of each.
///
/// # Errors
/// `Ok(None)` says that Spark or Java is not here; an error is Spark's own complaint.
pub fn ask_spark(statements: &[String]) -> Result<Option<Vec<Vec<Vec<Value>>>>, String> {
    if !is_here() {
        return Ok(None);
    }
    let output = Command::new(python())
        .args(["-c", PROGRAM])
        .args(statements)
        .env("SPARK_LOCAL_IP", "127.0.0.1")
        .output()
        .map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout);
    let answers: Vec<Vec<Vec<Value>>> = said
        .lines()
        .filter_map(|line| line.strip_prefix("answer "))
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    if answers.len() < statements.len() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(Some(answers))
}

fn is_here() -> bool {
    let lib = python().ancestors().nth(2).map(|venv| venv.join("lib"));
    let spark = lib.is_some_and(|lib: std::path::PathBuf| has_module(Path::new(&lib), "pyspark"));
    spark && Command::new("java").arg("-version").output().is_ok_and(|java| java.status.success())
}
