//! `DuckDB` on the same files: its own copy from JSON to Parquet, and questions.
//! It gets the form of its statements that was quickest when they were tried.

use std::path::Path;

use anyhow::Context as _;
use yagura_testkit::duckdb::{DuckDb, DuckDbAnswer};

/// The peer and where its files are.
pub(crate) struct Peer {
    duckdb: DuckDb,
    gzip: String,
    lake: String,
    copy: String,
}

/// What a copy took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copied {
    pub(crate) cpu_s: f64,
    pub(crate) wall_s: f64,
    pub(crate) bytes: u64,
    pub(crate) peak_mb: f64,
}

impl Peer {
    pub(crate) fn new(trail: &Path, lake: &Path, folder: &Path) -> anyhow::Result<Self> {
        let text = |path: &Path| {
            let path = std::path::absolute(path)?;
            path.to_str().map(str::to_owned).context("a path is not UTF-8")
        };
        Ok(Self {
            duckdb: DuckDb::in_memory()?,
            gzip: format!("{}/**/*.json.gz", text(trail)?),
            lake: format!("{}/**/*.parquet", text(lake)?),
            copy: text(&folder.join("duckdb.parquet"))?,
        })
    }

    /// Its own way from the gzipped JSON to Parquet, columns found by itself.
    pub(crate) fn copy(&self) -> anyhow::Result<Copied> {
        let statement = format!(
            "COPY (SELECT unnest(record) FROM (SELECT unnest(Records) AS record FROM \
             read_json('{}', maximum_object_size = 67108864))) TO '{}' \
             (FORMAT parquet, COMPRESSION zstd)",
            self.gzip, self.copy
        );
        let answer = self.one(&statement)?;
        let bytes = std::fs::metadata(&self.copy)?.len();
        std::fs::remove_file(&self.copy)?;
        Ok(Copied {
            cpu_s: answer.cpu_s,
            wall_s: answer.seconds,
            bytes,
            peak_mb: kib_as_mb(answer.peak_kb),
        })
    }

    /// A question to the gzipped JSON.
    pub(crate) fn ask_gzip(&self) -> anyhow::Result<DuckDbAnswer> {
        self.one(&format!(
            "SELECT record.userIdentity.arn AS actor, count(*) AS calls FROM \
             (SELECT unnest(Records) AS record FROM \
             read_json('{}', maximum_object_size = 67108864)) \
             WHERE record.eventName = 'GetObject' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20",
            self.gzip
        ))
    }

    /// Questions to our Parquet, each several times in one process; the quickest of each.
    pub(crate) fn ask_lake(
        &self,
        sql: &[String],
        times: usize,
    ) -> anyhow::Result<Vec<DuckDbAnswer>> {
        let view = format!(
            "CREATE VIEW cloudtrail AS SELECT * FROM read_parquet('{}', hive_partitioning = true, \
             hive_types = {{'day': DATE, 'account': VARCHAR}})",
            self.lake
        );
        // As a person would ask again and again: footers may be kept, as ours are.
        let mut statements = vec![view, "SET enable_object_cache = true".to_owned()];
        let before = statements.len();
        for one in sql {
            statements.extend(std::iter::repeat_n(one.clone(), times));
        }
        let answers = self.duckdb.ask(&statements)?;
        let answers = answers.get(before..).unwrap_or_default();
        Ok(answers.chunks(times).filter_map(quickest).collect())
    }

    fn one(&self, statement: &str) -> anyhow::Result<DuckDbAnswer> {
        let mut answers = self.duckdb.ask(&[statement.to_owned()])?;
        answers.pop().context("DuckDB gave no answer")
    }
}

fn quickest(answers: &[DuckDbAnswer]) -> Option<DuckDbAnswer> {
    answers.iter().min_by(|one, other| one.seconds.total_cmp(&other.seconds)).cloned()
}

#[expect(clippy::cast_precision_loss, reason = "sizes of memory are far below 2^52")]
fn kib_as_mb(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}
