//! Four weeks of the sample organization's trail, written as CloudTrail writes it: a gzipped file
//! for each account, region and day.
//! What happened is content (`content/demo/past/logs.yaml`); reading, judging and keeping it is
//! what `yagura ingest` does with any folder.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::read;

const LOGS: &str = include_str!("../../../../content/demo/past/logs.yaml");
/// The organization's id stands in the key of each file.
const ORGANIZATION: &str = "o-h7s2m9k4qa";
/// The working hours in which ordinary things happen (Tokyo, as UTC).
const FIRST_HOUR: i64 = 0;
const HOURS: u64 = 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Logs {
    region: String,
    days: i64,
    ordinary: Vec<Ordinary>,
    story: Vec<Event>,
}

#[derive(Deserialize)]
struct Ordinary {
    times: u64,
    #[serde(flatten)]
    event: Event,
}

#[derive(Clone, Deserialize)]
struct Event {
    #[serde(default)]
    at: Option<Timestamp>,
    who: String,
    account: String,
    address: String,
    agent: String,
    source: String,
    name: String,
    #[serde(default)]
    read: bool,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    request: Option<Value>,
    #[serde(default)]
    response: Option<Value>,
    #[serde(default)]
    extra: Option<Value>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

/// Which file a record belongs to: account, region, day (UTC).
type File = (String, String, Date);

/// Writes the files below a folder.
///
/// # Errors
/// Where the content is broken or the folder cannot be written.
pub(super) fn write(folder: &Path, recorded: Timestamp) -> anyhow::Result<()> {
    let logs: Logs = read("logs.yaml", LOGS)?;
    let mut files: BTreeMap<File, Vec<(Timestamp, Value)>> = BTreeMap::new();
    let mut put = |event: &Event, at: Timestamp, n: u64| {
        let region = event.region.as_ref().unwrap_or(&logs.region).clone();
        let day = at.to_zoned(TimeZone::UTC).date();
        let file = (event.account.clone(), region.clone(), day);
        files.entry(file).or_default().push((at, record(event, at, &region, n)));
    };
    for days in (1..=logs.days).rev() {
        let day = recorded - SignedDuration::from_hours(24 * days);
        let midnight = day.to_zoned(TimeZone::UTC).start_of_day()?.timestamp();
        if matches!(midnight.to_zoned(TimeZone::UTC).weekday().to_monday_one_offset(), 6 | 7) {
            continue;
        }
        for one in &logs.ordinary {
            for n in 0..one.times {
                let at = midnight + within_hours(&one.event, midnight, n);
                put(&one.event, at, n);
            }
        }
    }
    for event in &logs.story {
        let at = event.at.context("an event of the demo's story has no time")?;
        put(event, at, 0);
    }
    for (file, mut records) in files {
        records.sort_by_key(|(at, _)| *at);
        let records: Vec<Value> = records.into_iter().map(|(_, record)| record).collect();
        write_file(folder, &file, &records)?;
    }
    Ok(())
}

/// A time in the working hours, the same at every run.
fn within_hours(event: &Event, midnight: Timestamp, n: u64) -> SignedDuration {
    let digest = digest(&[&event.who, &event.name, &midnight.to_string(), &n.to_string()]);
    let seconds = number(&digest) % (HOURS * 3_600);
    SignedDuration::from_hours(FIRST_HOUR)
        + SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(0))
}

fn digest(parts: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    hasher.finalize().into()
}

fn number(digest: &[u8; 32]) -> u64 {
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// An id as CloudTrail writes them, made of what it identifies.
fn id(parts: &[&str]) -> String {
    let text = hex(&digest(parts));
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_owned();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn record(event: &Event, at: Timestamp, region: &str, n: u64) -> Value {
    let time = at.to_string();
    let identity = [event.account.as_str(), &event.who, &event.name, &time, &n.to_string()];
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": who(event),
        "eventTime": time,
        "eventSource": event.source,
        "eventName": event.name,
        "awsRegion": region,
        "sourceIPAddress": event.address,
        "userAgent": event.agent,
        "requestParameters": event.request,
        "responseElements": event.response,
        "requestID": id(&[&identity[..], &["request"]].concat()),
        "eventID": id(&identity),
        "readOnly": event.read,
        "eventType": event.kind.as_deref().unwrap_or("AwsApiCall"),
        "managementEvent": true,
        "recipientAccountId": event.account,
        "eventCategory": "Management",
    });
    if let Some(members) = record.as_object_mut() {
        if let Some(error) = &event.error {
            members.insert("errorCode".to_owned(), json!(error));
        }
        if let Some(extra) = &event.extra {
            members.insert("additionalEventData".to_owned(), extra.clone());
        }
    }
    record
}

/// `userIdentity` of a user (`user/NAME`), of a role's session (`role/NAME/SESSION`) or of `root`.
fn who(event: &Event) -> Value {
    let account = &event.account;
    let mut parts = event.who.splitn(3, '/');
    let (kind, name, session) = (parts.next(), parts.next(), parts.next());
    let digits = hex(&digest(&[account, &event.who])).to_uppercase();
    let tail = digits.get(..16).unwrap_or_default();
    let name = name.unwrap_or_default();
    match (kind, session) {
        (Some("user"), _) => json!({
            "type": "IAMUser",
            "principalId": format!("AIDA{tail}"),
            "arn": format!("arn:aws:iam::{account}:user/{name}"),
            "accountId": account,
            "accessKeyId": format!("AKIA{tail}"),
            "userName": name,
        }),
        (Some("role"), session) => {
            let session = session.unwrap_or("session");
            let mut issuer = Map::new();
            issuer.insert("type".to_owned(), json!("Role"));
            issuer.insert("principalId".to_owned(), json!(format!("AROA{tail}")));
            issuer.insert("arn".to_owned(), json!(format!("arn:aws:iam::{account}:role/{name}")));
            issuer.insert("accountId".to_owned(), json!(account));
            issuer.insert("userName".to_owned(), json!(name));
            json!({
                "type": "AssumedRole",
                "principalId": format!("AROA{tail}:{session}"),
                "arn": format!("arn:aws:sts::{account}:assumed-role/{name}/{session}"),
                "accountId": account,
                "accessKeyId": format!("ASIA{tail}"),
                "sessionContext": {"sessionIssuer": issuer},
            })
        }
        _ => json!({
            "type": "Root",
            "principalId": account,
            "arn": format!("arn:aws:iam::{account}:root"),
            "accountId": account,
        }),
    }
}

fn write_file(folder: &Path, file: &File, records: &[Value]) -> anyhow::Result<()> {
    let (account, region, day) = file;
    let folder = folder
        .join("AWSLogs")
        .join(ORGANIZATION)
        .join(account)
        .join("CloudTrail")
        .join(region)
        .join(day.strftime("%Y/%m/%d").to_string());
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("could not make the folder `{}`", folder.display()))?;
    let tail = hex(&digest(&[account, region, &day.to_string()]));
    let tail = tail.get(..16).unwrap_or_default();
    let day = day.strftime("%Y%m%d");
    let path = folder.join(format!("{account}_CloudTrail_{region}_{day}T2355Z_{tail}.json.gz"));
    let write = || {
        let mut out = GzEncoder::new(std::fs::File::create(&path)?, Compression::fast());
        out.write_all(json!({"Records": records}).to_string().as_bytes())?;
        out.finish()?.sync_all()
    };
    write().with_context(|| format!("could not write `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_writes_the_same_records_and_no_two_have_one_id() {
        let recorded: Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
        let all = || {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), recorded).unwrap();
            let mut ids = Vec::new();
            for entry in walk(folder.path()) {
                let file = std::fs::File::open(entry).unwrap();
                let text = std::io::read_to_string(flate2::read::GzDecoder::new(file)).unwrap();
                let file: Value = serde_json::from_str(&text).unwrap();
                for record in file["Records"].as_array().unwrap() {
                    ids.push(record["eventID"].as_str().unwrap().to_owned());
                }
            }
            ids.sort();
            ids
        };
        let ids = all();
        assert!(ids.len() > 1_000, "{}", ids.len());
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(ids, all());
    }

    fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => files.extend(walk(&path)),
                false => files.push(path),
            }
        }
        files
    }
}
