//! Which files of a folder are reports, and which of them count: a manifest says which are the
//! newest of a month; without one all files count.
//! Facts: AWS Data Exports User Guide, "Understanding export delivery" and "Understanding your
//! report versions", seen 2026-11.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ReportError;

/// Files of one reading at most.
const FILES_MAX: usize = 100_000;
/// The largest manifest: it names some thousands of files and columns.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

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

/// How a report file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Csv,
    Gzip,
    Parquet,
}

impl Form {
    /// The form by the end of a name. A file that is named as nothing of this is read as CSV: the
    /// caller asked for that very file.
    pub(super) fn of(path: &Path) -> Self {
        match path.extension() {
            Some(ending) if ending.eq_ignore_ascii_case("gz") => Self::Gzip,
            Some(ending) if ending.eq_ignore_ascii_case("parquet") => Self::Parquet,
            _ => Self::Csv,
        }
    }
}

/// Whether a name is that of a report that can be read here.
pub(super) fn is_report(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".csv", ".csv.gz", ".parquet"].iter().any(|ending| name.ends_with(ending))
}

/// The files to read: the file itself, else what the manifests of a folder name, else all.
pub(super) fn wanted(path: &Path) -> Result<Vec<PathBuf>, ReportError> {
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
        if is_manifest(&name) {
            manifests.push(entry.into_path());
        } else if is_report(&name) {
            reports.insert(entry.into_path());
        }
        if manifests.len() + reports.len() > FILES_MAX {
            let what = format!("more than {FILES_MAX} files");
            return Err(ReportError::Format { path: path.to_owned(), what });
        }
    }
    if manifests.is_empty() {
        return Ok(reports.into_iter().collect());
    }
    let mut wanted = BTreeSet::new();
    for manifest in newest(manifests) {
        for key in &named(&manifest)? {
            let file = found(path, &reports, key).ok_or_else(|| ReportError::Missing {
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

/// Whether a name is that of a manifest.
pub(super) fn is_manifest(name: &str) -> bool {
    name.ends_with("anifest.json")
}

/// The month of a key as `202611`, by the folder that tells it.
pub(super) fn month_of(key: &str) -> Option<String> {
    let parts: Vec<&str> = key.split('/').collect();
    let at = parts.iter().rposition(|part| is_month(part))?;
    let part = parts.get(at)?;
    if let Some(year) = part.strip_prefix("year=") {
        let month: u8 = parts.get(at + 1)?.strip_prefix("month=")?.parse().ok()?;
        return (year.len() == 4).then(|| format!("{year}{month:02}"));
    }
    let digits: String = part
        .trim_start_matches("BILLING_PERIOD=")
        .chars()
        .filter(char::is_ascii_digit)
        .take(6)
        .collect();
    (digits.len() == 6).then_some(digits)
}

/// `20261101-20261201` (legacy), `year=2026`, after which comes `month=11` (legacy for Athena), or
/// `BILLING_PERIOD=2026-11` (Data Exports).
fn is_month(part: &str) -> bool {
    let digits = |text: &str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    part.starts_with("BILLING_PERIOD=")
        || part.starts_with("year=")
        || part.split_once('-').is_some_and(|(from, to)| digits(from) && digits(to))
}

/// What a manifest names.
pub(super) fn named(manifest: &Path) -> Result<Vec<String>, ReportError> {
    let read = |source| ReportError::Read { path: manifest.to_owned(), source };
    let format = |what| ReportError::Format { path: manifest.to_owned(), what };
    let mut text = String::new();
    let file = File::open(manifest).map_err(read)?;
    file.take(MANIFEST_BYTES_MAX).read_to_string(&mut text).map_err(read)?;
    let parsed: Manifest =
        serde_json::from_str(&text).map_err(|error| format(error.to_string()))?;
    let named = [parsed.report_keys, parsed.data_files].concat();
    // A month that is left out would look like one in which nothing was spent.
    match named.iter().find(|key| !is_report(key)) {
        Some(other) => Err(format(format!(
            "it names `{other}`, and only CSV, CSV with gzip and Parquet are read"
        ))),
        None => Ok(named),
    }
}

/// The file of a key: a copy of a bucket may begin anywhere in its tree, so that as many of the
/// last parts as possible must agree. Those from the month on must in any case: other months and
/// older assemblies have files of the same name.
fn found<'f>(root: &Path, reports: &'f BTreeSet<PathBuf>, key: &str) -> Option<&'f PathBuf> {
    let wanted: Vec<&str> = key.trim_start_matches("s3://").split('/').rev().collect();
    let agreeing = |file: &&PathBuf| {
        let parts = file.components().rev().filter_map(|part| part.as_os_str().to_str());
        parts.zip(&wanted).take_while(|(part, wanted)| part == *wanted).count()
    };
    let needed = wanted.iter().position(|part| is_month(part)).map_or(1, |at| at + 1);
    let enough = |file: &&PathBuf| {
        let depth = file.strip_prefix(root).map_or(1, |below| below.components().count());
        agreeing(file) >= needed.min(depth)
    };
    reports.iter().max_by_key(agreeing).filter(enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_month_of_a_key_is_told_by_its_folder() {
        let check = |key: &str, month: Option<&str>| {
            assert_eq!(month_of(key), month.map(str::to_owned), "{key}");
        };
        check("cur/20261101-20261201/abc/cur-1.csv.gz", Some("202611"));
        check("x/data/BILLING_PERIOD=2026-11/x-1.csv.gz", Some("202611"));
        check("x/x/year=2026/month=11/x-00001.snappy.parquet", Some("202611"));
        check("x/x/year=2026/month=1/x-00001.snappy.parquet", Some("202601"));
        check("x/year=2026/x.parquet", None);
        check("x/2026-11/x.csv", None);
    }

    #[test]
    fn a_file_of_another_month_or_assembly_is_not_taken_for_the_one_that_is_named() {
        let check = |root: &str, file: &str, key: &str, is_found: bool| {
            let file = PathBuf::from(file);
            let reports = BTreeSet::from([file.clone()]);
            let expected = is_found.then_some(&file);
            assert_eq!(found(Path::new(root), &reports, key), expected, "{key}");
        };
        let key = "s3://bucket/p/x/x/year=2026/month=11/x-00001.snappy.parquet";
        check("/r", "/r/p/x/x/year=2026/month=11/x-00001.snappy.parquet", key, true);
        check("/r", "/r/a/copy/year=2026/month=11/x-00001.snappy.parquet", key, true);
        check("/r", "/r/p/x/x/year=2026/month=10/x-00001.snappy.parquet", key, false);
        check("/r", "/r/month=11/x-00001.snappy.parquet", key, true);
        let key = "p/x/20261101-20261201/bbbb/x-1.csv.gz";
        check("/r", "/r/20261101-20261201/aaaa/x-1.csv.gz", key, false);
        check("/r", "/r/bbbb/x-1.csv.gz", key, true);
        check("/r", "/r/aaaa/x-1.csv.gz", key, false);
        check("/r", "/r/x-2.csv.gz", key, false);
    }
}
