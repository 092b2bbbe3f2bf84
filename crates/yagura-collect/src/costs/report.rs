//! Cost and usage reports as files: the legacy report and Data Exports (CUR 2.0), as CSV, plain or
//! gzip. A manifest says which files are the newest of a month; without one all files count.
//! Facts: AWS Data Exports User Guide, "Column dictionary" of the Cost and Usage Report (legacy)
//! and of CUR 2.0, and "Understanding manifest files", seen 2026-11.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::Deserialize;
use yagura_model::spend::{Micros, SpendDay, SpendKind};

/// Files of one reading at most.
const FILES_MAX: usize = 100_000;
/// The largest manifest: it names some thousands of files and columns.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

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
    /// The files that were read.
    pub files: usize,
    /// Lines that were read.
    pub lines: u64,
}

/// A manifest of either generation, as far as it matters.
#[derive(Deserialize)]
struct Manifest {
    /// Legacy: keys in the bucket.
    #[serde(rename = "reportKeys", default)]
    report_keys: Vec<String>,
    /// Data Exports: URLs in the bucket.
    #[serde(rename = "dataFiles", default)]
    data_files: Vec<String>,
}

/// Reads a report file, or all reports of a folder.
///
/// # Errors
/// The first file that cannot be read whole: a part of a month is no month.
pub fn read(path: &Path) -> Result<Report, ReportError> {
    let mut sum = Sum::default();
    for file in files(path)? {
        let opened =
            File::open(&file).map_err(|source| ReportError::Read { path: file.clone(), source })?;
        let format = |what: String| ReportError::Format { path: file.clone(), what };
        let bytes = BufReader::with_capacity(1 << 18, opened);
        if is_gzip(&file) {
            sum.csv(flate2::read::MultiGzDecoder::new(bytes)).map_err(format)?;
        } else {
            sum.csv(bytes).map_err(format)?;
        }
        sum.files += 1;
    }
    if sum.files == 0 {
        return Err(ReportError::Nothing(path.to_owned()));
    }
    Ok(sum.report())
}

fn is_gzip(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gz"))
}

/// Whether a name is that of a report that can be read here.
pub(super) fn is_report(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with(".csv") || name.ends_with(".csv.gz")
}

/// The files to read: the file itself, else what the manifests of a folder name, else all.
fn files(path: &Path) -> Result<Vec<PathBuf>, ReportError> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let (mut manifests, mut reports) = (Vec::new(), BTreeSet::new());
    for entry in walkdir::WalkDir::new(path).follow_links(false) {
        let entry = entry
            .map_err(|error| ReportError::Read { path: path.to_owned(), source: error.into() })?;
        if !entry.file_type().is_file() {
            continue;
        }
        let name = entry.file_name().to_string_lossy();
        if name.ends_with("anifest.json") {
            manifests.push(entry.into_path());
        } else if is_report(&name) && reports.len() < FILES_MAX {
            reports.insert(entry.into_path());
        }
    }
    if manifests.is_empty() {
        return Ok(reports.into_iter().collect());
    }
    let mut wanted = BTreeSet::new();
    for manifest in newest(manifests) {
        for key in named(&manifest)?.iter().filter(|key| is_report(key)) {
            let file = found(&reports, key).ok_or_else(|| ReportError::Missing {
                manifest: manifest.clone(),
                wanted: key.clone(),
            })?;
            wanted.insert(file.clone());
        }
    }
    Ok(wanted.into_iter().collect())
}

/// Of the manifests of one month the one nearest to the root: it names the newest assembly, and
/// each assembly's folder has a copy of its own.
pub(super) fn newest(manifests: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut by_month: BTreeMap<String, PathBuf> = BTreeMap::new();
    for manifest in manifests {
        let month = manifest
            .components()
            .filter_map(|part| part.as_os_str().to_str())
            .rfind(|part| is_month(part))
            .unwrap_or_default()
            .to_owned();
        let depth = |path: &PathBuf| path.components().count();
        let known = by_month.get(&month);
        if known.is_none_or(|known| (depth(&manifest), &manifest) < (depth(known), known)) {
            by_month.insert(month, manifest);
        }
    }
    by_month.into_values().collect()
}

/// The month of a key as `202611`, by the part that tells it.
pub(super) fn month_of(key: &str) -> Option<String> {
    let part = key.split('/').rfind(|part| is_month(part))?;
    let digits: String = part
        .trim_start_matches("BILLING_PERIOD=")
        .chars()
        .filter(char::is_ascii_digit)
        .take(6)
        .collect();
    (digits.len() == 6).then_some(digits)
}

/// `20261101-20261201` (legacy) or `BILLING_PERIOD=2026-11` (Data Exports).
fn is_month(part: &str) -> bool {
    let digits = |text: &str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    part.starts_with("BILLING_PERIOD=")
        || part.split_once('-').is_some_and(|(from, to)| digits(from) && digits(to))
}

/// What a manifest names.
pub(super) fn named(manifest: &Path) -> Result<Vec<String>, ReportError> {
    let read = |source| ReportError::Read { path: manifest.to_owned(), source };
    let mut text = String::new();
    let file = File::open(manifest).map_err(read)?;
    file.take(MANIFEST_BYTES_MAX).read_to_string(&mut text).map_err(read)?;
    let parsed: Manifest = serde_json::from_str(&text).map_err(|error| ReportError::Format {
        path: manifest.to_owned(),
        what: error.to_string(),
    })?;
    Ok([parsed.report_keys, parsed.data_files].concat())
}

/// The file of a key: a copy of a bucket may begin anywhere in its tree, so that as many of the
/// last parts as possible must agree, and at least the name.
fn found<'f>(reports: &'f BTreeSet<PathBuf>, key: &str) -> Option<&'f PathBuf> {
    let wanted: Vec<&str> = key.trim_start_matches("s3://").split('/').rev().collect();
    let agreeing = |file: &&PathBuf| {
        let parts = file.components().rev().filter_map(|part| part.as_os_str().to_str());
        parts.zip(&wanted).take_while(|(part, wanted)| part == *wanted).count()
    };
    reports.iter().max_by_key(agreeing).filter(|file| agreeing(file) > 0)
}

/// Where the columns are that matter.
struct Columns {
    account: usize,
    start: usize,
    cost: usize,
    currency: usize,
    kind: usize,
    service: usize,
    name: Option<usize>,
    invoice: Option<usize>,
}

impl Columns {
    fn of(header: &csv::StringRecord) -> Option<Self> {
        let at =
            |legacy: &str, new: &str| header.iter().position(|name| name == legacy || name == new);
        Some(Self {
            account: at("lineItem/UsageAccountId", "line_item_usage_account_id")?,
            start: at("lineItem/UsageStartDate", "line_item_usage_start_date")?,
            cost: at("lineItem/UnblendedCost", "line_item_unblended_cost")?,
            currency: at("lineItem/CurrencyCode", "line_item_currency_code")?,
            kind: at("lineItem/LineItemType", "line_item_line_item_type")?,
            service: at("lineItem/ProductCode", "line_item_product_code")?,
            name: at("product/ProductName", "product_product_name"),
            invoice: at("bill/InvoiceId", "bill_invoice_id"),
        })
    }
}

/// Account, service, day, kind and currency.
type Line = (String, String, Date, SpendKind, String);

/// Figures added up.
#[derive(Default)]
struct Sum {
    days: BTreeMap<Line, (Micros, bool)>,
    files: usize,
    lines: u64,
}

impl Sum {
    fn csv(&mut self, from: impl Read) -> Result<(), String> {
        let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(from);
        let header = reader.headers().map_err(|error| error.to_string())?;
        let columns = Columns::of(header)
            .ok_or("columns are missing (usage account, start, unblended cost, currency, type)")?;
        let mut record = csv::StringRecord::new();
        loop {
            let more = reader.read_record(&mut record).map_err(|error| error.to_string())?;
            if !more {
                return Ok(());
            }
            self.lines += 1;
            self.line(&columns, &record).map_err(|what| {
                let line = record.position().map_or(self.lines, csv::Position::line);
                format!("line {line}: {what}")
            })?;
        }
    }

    fn line(&mut self, columns: &Columns, record: &csv::StringRecord) -> Result<(), String> {
        let text = |at: usize| record.get(at).unwrap_or_default();
        let cost = text(columns.cost);
        let amount: Micros = match cost {
            "" => return Ok(()),
            cost => cost.parse().map_err(|_| "the cost is no number".to_owned())?,
        };
        if amount == Micros::default() {
            return Ok(());
        }
        let start = text(columns.start);
        let day: Date = start
            .get(..10)
            .and_then(|day| day.parse().ok())
            .ok_or_else(|| "the start of usage is no date".to_owned())?;
        let kind = match text(columns.kind) {
            "Credit" | "Refund" => SpendKind::Credit,
            _ => SpendKind::Charge,
        };
        let name = columns.name.map(text).filter(|name| !name.is_empty());
        let service = name.unwrap_or_else(|| text(columns.service));
        let account = text(columns.account);
        if account.len() != 12 || service.is_empty() {
            return Err("the account or the service is missing".to_owned());
        }
        // A line of an open month belongs to no invoice yet.
        let estimated = columns.invoice.map(text).is_none_or(str::is_empty);
        let currency = text(columns.currency).to_owned();
        let key = (account.to_owned(), service.to_owned(), day, kind, currency);
        let sum = self.days.entry(key).or_default();
        sum.0 = sum.0.plus(amount);
        sum.1 |= estimated;
        Ok(())
    }

    fn report(self) -> Report {
        let day = |((account, service, day, kind, currency), (amount, estimated))| SpendDay {
            account,
            service,
            day,
            kind,
            amount,
            currency,
            estimated,
        };
        Report {
            days: self.days.into_iter().map(day).collect(),
            files: self.files,
            lines: self.lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

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

    #[test]
    fn the_month_of_a_key_is_told_by_its_folder() {
        let check = |key: &str, month: Option<&str>| {
            assert_eq!(month_of(key), month.map(str::to_owned), "{key}");
        };
        check("cur/20261101-20261201/abc/cur-1.csv.gz", Some("202611"));
        check("x/data/BILLING_PERIOD=2026-11/x-1.csv.gz", Some("202611"));
        check("x/2026-11/x.csv", None);
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
