//! The generated trail is what it says: AWS's layout, sound JSON, the same from the same seed.
//! How quickly it is made and read is `cargo xtask bench lake`.

use std::collections::BTreeSet;
use std::io::Read as _;

use serde_json::Value;
use yagura_testkit::cloudtrail_generator::{CloudTrailPlan, generate, generate_texts};

const EVENTS: u64 = 8_000;

fn records(text: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(text).unwrap();
    file["Records"].as_array().unwrap().clone()
}

#[test]
fn the_same_seed_gives_the_same_bytes_however_many_threads_write() {
    let folder = tempfile::tempdir().unwrap();
    let one = CloudTrailPlan { workers: 1, ..CloudTrailPlan::of(EVENTS) };
    let three = CloudTrailPlan { workers: 3, ..one.clone() };
    let first = generate(&one, &folder.path().join("one")).unwrap();
    assert_eq!(first, generate(&three, &folder.path().join("three")).unwrap());
    let other = CloudTrailPlan { seed: 7, ..one };
    let other = generate(&other, &folder.path().join("other")).unwrap();
    assert_ne!(other.digest, first.digest);
    assert_eq!((first.events, other.events), (EVENTS, EVENTS));
}

#[test]
fn files_lie_and_are_packed_as_aws_delivers_them() {
    let folder = tempfile::tempdir().unwrap();
    let plan = CloudTrailPlan::of(3_000);
    let made = generate(&plan, folder.path()).unwrap();
    let texts = generate_texts(&plan).unwrap();
    assert_eq!(u64::try_from(texts.len()).unwrap(), made.files);
    for (key, text) in &texts {
        let words: Vec<&str> = key.split('/').collect();
        let ["AWSLogs", account, "CloudTrail", region, year, month, day, name] = words[..] else {
            panic!("{key}")
        };
        let start = format!("{account}_CloudTrail_{region}_{year}{month}{day}T");
        assert!(name.starts_with(&start), "{name}");
        assert!(name.ends_with(".json.gz"), "{name}");
        let file = std::fs::File::open(folder.path().join(key)).unwrap();
        let mut read = String::new();
        flate2::read::GzDecoder::new(file).read_to_string(&mut read).unwrap();
        assert_eq!(&read, text);
    }
}

#[test]
fn records_have_what_every_cloudtrail_record_has() {
    const ALWAYS: [&str; 14] = [
        "eventVersion",
        "userIdentity",
        "eventTime",
        "eventSource",
        "eventName",
        "awsRegion",
        "sourceIPAddress",
        "userAgent",
        "requestParameters",
        "responseElements",
        "requestID",
        "eventID",
        "recipientAccountId",
        "eventCategory",
    ];
    let mut names = BTreeSet::new();
    let mut identities = BTreeSet::new();
    let mut failed = 0;
    for (key, text) in generate_texts(&CloudTrailPlan::of(EVENTS)).unwrap() {
        for record in records(&text) {
            for member in ALWAYS {
                assert!(record.get(member).is_some(), "no {member} in {record}");
            }
            let region = record["awsRegion"].as_str().unwrap();
            assert!(key.contains(&format!("/{region}/")), "{key}: {region}");
            names.insert(record["eventName"].to_string());
            identities.insert(record["userIdentity"]["type"].to_string());
            failed += usize::from(record.get("errorCode").is_some());
        }
    }
    assert!(names.len() >= 60, "{}", names.len());
    assert!(identities.len() >= 5, "{identities:?}");
    assert!((160..800).contains(&failed), "{failed} of {EVENTS} failed");
}

#[test]
fn some_records_are_delivered_twice_and_are_counted() {
    // The 41st file is the first that repeats.
    let plan = CloudTrailPlan::of(56_000);
    let folder = tempfile::tempdir().unwrap();
    let made = generate(&plan, folder.path()).unwrap();
    let mut seen = BTreeSet::new();
    let mut repeats = 0;
    for (_, text) in generate_texts(&plan).unwrap() {
        for id in text.split("\"eventID\":\"").skip(1).map(|rest| &rest[..36]) {
            repeats += u64::from(!seen.insert(id.to_owned()));
        }
    }
    assert_eq!(repeats, made.repeats);
    assert!(repeats > 0);
}
