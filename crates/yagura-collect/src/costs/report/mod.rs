//! Cost and usage reports as files: the legacy report and Data Exports (CUR 2.0), as CSV (plain or
//! gzip) or Parquet. What a line is worth is in `sum`, which files count in `files`, reports in a
//! bucket in `bucket`.
//! Facts: AWS Data Exports User Guide, "Column dictionary" of the Cost and Usage Report (legacy)
//! and of CUR 2.0, "Understanding export delivery" and "Understanding your report versions", seen
//! 2026-11.

mod bucket;
mod files;
mod sum;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use yagura_model::spend::SpendDay;

pub use bucket::fetch;
use files::Form;
use sum::Sum;

/// Why a report cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file or folder cannot be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is no report, or a damaged one.
    #[error("`{}` is no cost and usage report that can be read: {what}", path.display())]
    Format {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A manifest names a file that is not there.
    #[error("`{}` names the file `{wanted}`, which is not there", manifest.display())]
    Missing {
        /// The manifest.
        manifest: PathBuf,
        /// The file.
        wanted: String,
    },
    /// A bucket cannot be listed, or an object of it not be read.
    #[error(transparent)]
    Bucket(yagura_aws::CallError),
    /// There is nothing to read.
    #[error("there is no cost and usage report in `{}`", .0.display())]
    Nothing(PathBuf),
}

/// What report files told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The days, added up by account, service and kind.
    pub days: Vec<SpendDay>,
    /// The billing months that the files tell of, by their first days, with the accounts that they
    /// name. The days lie in them, and what was known of these accounts in these months before is
    /// now replaced; accounts of another payer stay as they are.
    pub months: BTreeMap<Date, BTreeSet<String>>,
    /// The files that were read.
    pub files: usize,
    /// Lines that were read.
    pub lines: u64,
}

/// Reads a report file, or all reports of a folder.
///
/// # Errors
/// The first file that cannot be read whole: a part of a month is no month.
pub fn read(path: &Path) -> Result<Report, ReportError> {
    let mut sum = Sum::default();
    for file in files::wanted(path)? {
        let opened =
            File::open(&file).map_err(|source| ReportError::Read { path: file.clone(), source })?;
        let buffered = |file| BufReader::with_capacity(1 << 18, file);
        let added = match Form::of(&file) {
            Form::Csv => sum.csv(buffered(opened)),
            Form::Gzip => sum.csv(flate2::read::MultiGzDecoder::new(buffered(opened))),
            Form::Parquet => sum.parquet(opened),
        };
        added.map_err(|what| ReportError::Format { path: file, what })?;
    }
    if sum.files == 0 {
        return Err(ReportError::Nothing(path.to_owned()));
    }
    Ok(sum.report())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use jiff::civil::date;
    use yagura_lake::query::{AnswerFormat, Engine, Layout, QueryOptions};
    use yagura_lake::{Lake, LakeLocation, LakeOptions};

    use super::*;

    const LEGACY: &str = "identity/LineItemId,bill/InvoiceId,lineItem/UsageAccountId,\
        lineItem/LineItemType,lineItem/UsageStartDate,lineItem/ProductCode,lineItem/CurrencyCode,\
        lineItem/UnblendedCost,product/ProductName\n\
        a,,111122223333,Usage,2026-11-01T00:00:00Z,AmazonEC2,USD,1.5,Amazon EC2\n\
        b,,111122223333,Usage,2026-11-01T01:00:00Z,AmazonEC2,USD,0.25,Amazon EC2\n\
        c,EUIN-1,111122223333,Credit,2026-11-01T00:00:00Z,AmazonEC2,USD,-1.0,\n";
    const NEW: &str = "bill_invoice_id,line_item_usage_account_id,line_item_line_item_type,\
        line_item_usage_start_date,line_item_product_code,line_item_currency_code,\
        line_item_unblended_cost,product\n\
        ,444455556666,Usage,2026-11-02 00:00:00.000,AmazonS3,USD,\
        0.0000042,\"{\"\"a\"\":\"\"b\"\"}\"\n";

    fn written(path: &Path, bytes: &[u8]) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn told(report: &Report) -> Vec<(String, String, i64, bool)> {
        let one = |day: &SpendDay| {
            let what = format!("{} {}", day.service, day.kind.as_str());
            (what, day.day.to_string(), day.amount.0, day.estimated)
        };
        report.days.iter().map(one).collect()
    }

    #[test]
    fn both_generations_are_added_up_by_day() {
        let home = tempfile::tempdir().unwrap();
        let legacy = home.path().join("r-00001.csv.gz");
        written(&legacy, &gzip(LEGACY));
        let report = read(&legacy).unwrap();
        let day = "2026-11-01".to_owned();
        let expected = [
            ("Amazon EC2 charge".to_owned(), day.clone(), 1_750_000, true),
            ("AmazonEC2 credit".to_owned(), day, -1_000_000, false),
        ];
        assert_eq!(told(&report), expected);
        let new = home.path().join("export.csv");
        written(&new, NEW.as_bytes());
        let report = read(&new).unwrap();
        let expected = [("AmazonS3 charge".to_owned(), "2026-11-02".to_owned(), 4, true)];
        assert_eq!(told(&report), expected);
    }

    #[test]
    fn of_a_month_the_newest_assembly_is_read_and_nothing_twice() {
        let home = tempfile::tempdir().unwrap();
        let month = home.path().join("reports/cur/20261101-20261201");
        let manifest = |assembly: &str| {
            let key = format!("reports/cur/20261101-20261201/{assembly}/cur-00001.csv.gz");
            serde_json::json!({"reportKeys": [key]}).to_string()
        };
        for assembly in ["aaaa", "bbbb"] {
            written(&month.join(assembly).join("cur-00001.csv.gz"), &gzip(LEGACY));
            let own = month.join(assembly).join("cur-Manifest.json");
            written(&own, manifest(assembly).as_bytes());
        }
        written(&month.join("cur-Manifest.json"), manifest("bbbb").as_bytes());
        let report = read(home.path()).unwrap();
        assert_eq!((report.files, report.lines), (1, 3));
        std::fs::remove_file(month.join("bbbb/cur-00001.csv.gz")).unwrap();
        std::fs::remove_file(month.join("aaaa/cur-00001.csv.gz")).unwrap();
        assert!(matches!(read(home.path()), Err(ReportError::Missing { .. })));
    }

    #[test]
    fn data_exports_name_their_files_by_url() {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data/BILLING_PERIOD=2026-11/x-00001.csv.gz");
        written(&data, &gzip(NEW));
        let manifest = home.path().join("metadata/BILLING_PERIOD=2026-11/x-Manifest.json");
        let url = "s3://bucket/exports/x/data/BILLING_PERIOD=2026-11/x-00001.csv.gz";
        written(&manifest, serde_json::json!({"dataFiles": [url]}).to_string().as_bytes());
        assert_eq!(read(home.path()).unwrap().lines, 1);
    }

    /// A Parquet file with the answer to a question.
    fn parquet(sql: &str) -> Vec<u8> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let home = tempfile::tempdir().unwrap();
            let place = LakeLocation::folder(home.path()).unwrap();
            let now = date(2026, 11, 22).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
            let lake = Lake::open(place, Vec::new(), LakeOptions::new(now)).await.unwrap();
            let answer = Engine::new(lake, None).run(sql, &QueryOptions::default()).await.unwrap();
            let mut bytes = Vec::new();
            answer.write(AnswerFormat::Parquet, &Layout::default(), &mut bytes).await.unwrap();
            bytes
        })
    }

    /// Lines of a bill: invoice, account, type, start, cost; further columns of no interest, as
    /// real reports have hundreds of them.
    fn lines(start: &str, cost: &str, product: &str, rows: &[[&str; 6]]) -> String {
        let row = |[invoice, account, kind, started, cost, month]: &[&str; 6]| {
            let quoted = |text: &str| match text {
                "" => "NULL".to_owned(),
                text => format!("'{text}'"),
            };
            let values = [invoice, account, kind, started, cost, month].map(|one| quoted(one));
            format!("({})", values.join(", "))
        };
        let rows: Vec<String> = rows.iter().map(row).collect();
        format!(
            "SELECT 'x' AS identity_line_item_id, invoice AS bill_invoice_id, \
             account AS line_item_usage_account_id, kind AS line_item_line_item_type, \
             CAST(started AS {start}) AS line_item_usage_start_date, \
             'AmazonEC2' AS line_item_product_code, 'USD' AS line_item_currency_code, \
             CAST(cost AS {cost}) AS line_item_unblended_cost, {product}, \
             CAST(month AS {start}) AS bill_billing_period_start_date \
             FROM (VALUES {}) AS t(invoice, account, kind, started, cost, month)",
            rows.join(", ")
        )
    }

    /// Months that name the one account.
    fn months_of(months: &[Date]) -> BTreeMap<Date, BTreeSet<String>> {
        let accounts = BTreeSet::from(["111122223333".to_owned()]);
        months.iter().map(|month| (*month, accounts.clone())).collect()
    }

    const MONTH: &str = "2026-11-01T00:00:00";
    const ROWS: [[&str; 6]; 4] = [
        ["", "111122223333", "Usage", "2026-11-01T00:00:00", "1.5", MONTH],
        ["", "111122223333", "Usage", "2026-11-01T01:00:00", "0.25", MONTH],
        ["EUIN-1", "111122223333", "Credit", "2026-11-02T00:00:00", "-1", MONTH],
        ["", "111122223333", "Usage", "2026-11-03T00:00:00", "", MONTH],
    ];

    #[test]
    fn parquet_of_both_generations_tells_what_their_csv_tells() {
        let home = tempfile::tempdir().unwrap();
        let check = |start: &str, cost: &str, product: &str, service: &str| {
            let file = home.path().join("x-00001.snappy.parquet");
            written(&file, &parquet(&lines(start, cost, product, &ROWS)));
            let report = read(&file).unwrap();
            let expected = [
                (format!("{service} charge"), "2026-11-01".to_owned(), 1_750_000, true),
                (format!("{service} credit"), "2026-11-02".to_owned(), -1_000_000, false),
            ];
            assert_eq!(told(&report), expected, "{start} {cost}");
            assert_eq!((report.files, report.lines), (1, 4));
            assert_eq!(report.months, months_of(&[date(2026, 11, 1)]));
        };
        // The legacy report for Athena has a column for the product's name, CUR 2.0 a map.
        let legacy = "'Amazon EC2' AS product_product_name";
        let new = "map(['region'], ['us-east-1']) AS product";
        check("TIMESTAMP", "DOUBLE", legacy, "Amazon EC2");
        check("TIMESTAMP", "DECIMAL(20, 10)", new, "AmazonEC2");
        check("TIMESTAMP WITH TIME ZONE", "DOUBLE", new, "AmazonEC2");
        check("DATE", "DOUBLE", new, "AmazonEC2");
        check("VARCHAR", "VARCHAR", new, "AmazonEC2");
    }

    #[test]
    fn what_a_month_bills_for_an_earlier_one_is_counted_in_the_month_that_bills_it() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("x.parquet");
        let rows = [
            ["", "111122223333", "Refund", "2026-09-17T00:00:00", "-2", MONTH],
            ["", "111122223333", "Usage", "2026-12-01T00:00:00", "3", MONTH],
            ["", "111122223333", "Usage", "2026-10-01T00:00:00", "0", "2026-10-01T00:00:00"],
        ];
        written(&file, &parquet(&lines("TIMESTAMP", "DOUBLE", "1 AS n", &rows)));
        let report = read(&file).unwrap();
        let days: Vec<_> = report.days.iter().map(|day| (day.day, day.amount.0)).collect();
        assert_eq!(days, [(date(2026, 11, 1), -2_000_000), (date(2026, 11, 30), 3_000_000)]);
        let months = months_of(&[date(2026, 10, 1), date(2026, 11, 1)]);
        assert_eq!(report.months, months, "a month in which nothing was spent is told too");
    }

    #[test]
    fn parquet_that_is_cut_or_foreign_is_refused_by_name_and_row() {
        let home = tempfile::tempdir().unwrap();
        let check = |name: &str, bytes: &[u8], needle: &str| {
            let path = home.path().join(name);
            written(&path, bytes);
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(needle) && error.contains(name), "{error}");
        };
        let whole = parquet(&lines("TIMESTAMP", "DOUBLE", "1 AS n", &ROWS));
        check("cut.parquet", &whole[..whole.len() / 2], "not a readable Parquet file");
        check("empty.parquet", b"", "not a readable Parquet file");
        check("csv.parquet", LEGACY.as_bytes(), "not a readable Parquet file");
        check("other.parquet", &parquet("SELECT 1 AS n"), "`line_item_usage_account_id`");
        let lots = ["", "111122223333", "Usage", "2026-11-01", "lots", ""];
        let lots = parquet(&lines("VARCHAR", "VARCHAR", "1 AS n", &[ROWS[0], lots]));
        check("lots.parquet", &lots, "row 2: the cost is no number");
        let late = ["", "111122223333", "Usage", "soon", "1", ""];
        let late = parquet(&lines("VARCHAR", "VARCHAR", "1 AS n", &[late]));
        check("late.parquet", &late, "row 1: the start of usage");
    }

    #[test]
    fn reports_for_athena_are_found_by_their_manifest_and_other_forms_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let file = |month: &str| format!("r/x/x/year=2026/month={month}/x-00001.snappy.parquet");
        for month in ["10", "11"] {
            let rows = parquet(&lines("TIMESTAMP", "DOUBLE", "1 AS n", &ROWS));
            written(&home.path().join(file(month)), &rows);
        }
        let manifest = home.path().join("r/x/20261101-20261201/x-Manifest.json");
        let naming = |key: &str| serde_json::json!({"reportKeys": [key]}).to_string();
        written(&manifest, naming(&file("11")).as_bytes());
        assert_eq!(read(home.path()).unwrap().files, 1);
        std::fs::remove_file(home.path().join(file("11"))).unwrap();
        assert!(matches!(read(home.path()), Err(ReportError::Missing { .. })), "not the other");
        written(&manifest, naming("r/x/20261101-20261201/abc/x-00001.csv.zip").as_bytes());
        let error = read(home.path()).unwrap_err().to_string();
        assert!(error.contains("only CSV, CSV with gzip and Parquet are read"), "{error}");
    }

    #[test]
    fn what_is_damaged_or_no_report_is_refused_by_name_and_line() {
        let home = tempfile::tempdir().unwrap();
        let check = |name: &str, bytes: &[u8], needle: &str| {
            let path = home.path().join(name);
            written(&path, bytes);
            let error = format!("{:?} {}", read(&path).unwrap_err(), read(&path).unwrap_err());
            assert!(error.contains(needle) && error.contains(name), "{error}");
        };
        check("a.csv", b"x,y\n1,2\n", "columns are missing");
        let cut = gzip(LEGACY);
        check("b.csv.gz", &cut[..cut.len() / 2], "b.csv.gz");
        check("c.csv", LEGACY.replace("1.5", "lots").as_bytes(), "line 2: the cost is no number");
        check("d.csv", LEGACY.replace("2026-11-01T01", "yesterday").as_bytes(), "line 3");
        check("e.csv", LEGACY.replace(",USD,0.25", ",USD").as_bytes(), "e.csv");
        let empty = home.path().join("empty");
        std::fs::create_dir(&empty).unwrap();
        assert!(matches!(read(&empty), Err(ReportError::Nothing(_))));
    }
}
