//! Real CloudTrail files, where somebody has put some: `YAGURA_REAL_CLOUDTRAIL` names their
//! folder; else `shared/data/cloudtrail` beside the repository's folder is tried.

use std::path::{Path, PathBuf};

use super::*;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

#[test]
fn real_files_give_the_records_that_serde_finds() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/cloudtrail");
    let folder = std::env::var("YAGURA_REAL_CLOUDTRAIL").unwrap_or_else(|_| beside.to_owned());
    if !Path::new(&folder).is_dir() {
        println!("skipped: no real CloudTrail files here (YAGURA_REAL_CLOUDTRAIL names them)");
        return;
    }
    let mut found = Vec::new();
    files(Path::new(&folder), &mut found);
    let mut count = 0;
    for path in &found {
        let bytes = std::fs::read(path).unwrap();
        // Some were collected in odd shapes; what serde does not take is not compared.
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(&bytes) else { continue };
        let expected = match value {
            serde_json::Value::Array(records) => records,
            value => match value.get("Records") {
                Some(records) => records.as_array().unwrap().clone(),
                None => vec![value],
            },
        };
        for bytes in [bytes.clone(), gzip(&bytes)] {
            let got = trail(&bytes);
            assert_eq!(got.bad, [], "{}", path.display());
            assert_eq!(got.json(), expected, "{}", path.display());
        }
        count += expected.len();
    }
    assert!(count > 0, "{folder} holds no CloudTrail file");
}
