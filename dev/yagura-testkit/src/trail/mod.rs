//! A trail with log-file validation, as CloudTrail would have written it: log files, hourly
//! digests, signatures, all in memory and ready to be tampered with.
//! Nothing here knows how they are verified: text and signature are made from AWS's documentation.

mod key;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use libdeflater::{CompressionLvl, Compressor};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use key::{Encoding, SigningKey, key_list};

use crate::writer::Writer;

/// An object of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its bytes, compressed.
    pub body: Vec<u8>,
    /// Its user metadata.
    pub metadata: BTreeMap<String, String>,
}

/// All objects of a bucket, by key.
pub type Stock = BTreeMap<String, Stored>;

/// Names of one trail in one account and region.
#[derive(Clone, Debug)]
pub struct TrailNames {
    /// The bucket.
    pub bucket: String,
    /// What comes before `AWSLogs/`: empty, or with a slash at its end.
    pub prefix: String,
    /// The organization's id, of an organization trail.
    pub organization: Option<String>,
    /// The account of the events.
    pub account: String,
    /// The region of the events.
    pub region: String,
    /// The trail's name.
    pub trail: String,
    /// The trail's home region.
    pub home_region: String,
}

impl Default for TrailNames {
    fn default() -> Self {
        Self {
            bucket: "trail-bucket".into(),
            prefix: String::new(),
            organization: None,
            account: "111122223333".into(),
            region: "us-east-1".into(),
            trail: "main".into(),
            home_region: "us-east-1".into(),
        }
    }
}

impl TrailNames {
    fn folder(&self, kind: &str, time: Timestamp) -> String {
        let organization = self.organization.iter().map(|id| format!("{id}/")).collect::<String>();
        let day = time.strftime("%Y/%m/%d");
        let Self { prefix, account, region, .. } = self;
        format!("{prefix}AWSLogs/{organization}{account}/{kind}/{region}/{day}/")
    }

    /// The key of a log file.
    pub fn log_key(&self, delivered: Timestamp, random: &str) -> String {
        let folder = self.folder("CloudTrail", delivered);
        let Self { account, region, .. } = self;
        let minute = delivered.strftime("%Y%m%dT%H%MZ");
        format!("{folder}{account}_CloudTrail_{region}_{minute}_{random}.json.gz")
    }

    fn digest_key(&self, end: Timestamp, backfill: bool) -> String {
        let folder = self.folder("CloudTrail-Digest", end);
        let Self { account, region, trail, home_region, .. } = self;
        let time = end.strftime("%Y%m%dT%H%M%SZ");
        let mark = if backfill { "_backfill" } else { "" };
        let scope = format!("{account}_CloudTrail-Digest_{region}");
        format!("{folder}{scope}_{trail}_{home_region}_{time}{mark}.json.gz")
    }
}

/// What the next digest keeps of the one before.
#[derive(Clone, Debug)]
struct Before {
    key: String,
    sha256: String,
    signature: String,
}

/// Writes a trail hour by hour.
#[derive(Clone, Debug)]
pub struct TrailWriter {
    names: TrailNames,
    key: SigningKey,
    hour: Timestamp,
    before: Option<Before>,
    before_backfill: Option<Before>,
    waiting: Vec<Value>,
    random: u32,
}

impl TrailWriter {
    /// A trail whose validation is switched on at this hour.
    pub fn new(names: TrailNames, key: SigningKey, start: Timestamp) -> Self {
        let (waiting, random) = (Vec::new(), 0);
        Self { names, key, hour: start, before: None, before_backfill: None, waiting, random }
    }

    /// When the hour begins that is being written.
    pub fn hour(&self) -> Timestamp {
        self.hour
    }

    /// Its names.
    pub fn names(&self) -> &TrailNames {
        &self.names
    }

    /// Writes a log file, delivered so many minutes into the hour, with events of so many minutes
    /// before; gives its key.
    pub fn log(&mut self, stock: &mut Stock, minute: i64, events: usize, age: i64) -> String {
        let delivered = self.hour + SignedDuration::from_mins(minute);
        let time = delivered - SignedDuration::from_mins(age);
        self.random += 1;
        let random = format!("{:016}", self.random);
        let records: Vec<Value> = (0..events)
            .map(|n| {
                json!({
                    "eventVersion": "1.11", "eventID": format!("{random}-{n}"),
                    "eventTime": time.to_string(), "eventSource": "s3.amazonaws.com",
                    "eventName": "GetObject", "awsRegion": self.names.region,
                    "recipientAccountId": self.names.account, "readOnly": true,
                    "userIdentity": {"type": "IAMUser", "userName": "alice"},
                })
            })
            .collect();
        let text = json!({"Records": records}).to_string();
        let key = self.names.log_key(delivered, &random);
        self.list(&key, text.as_bytes(), time);
        stock
            .insert(key.clone(), Stored { body: gzip(text.as_bytes()), metadata: BTreeMap::new() });
        key
    }

    /// Lists a log file in the digest of this hour; its content is `text`, uncompressed.
    pub fn list(&mut self, key: &str, text: &[u8], time: Timestamp) {
        self.waiting.push(json!({
            "s3Bucket": self.names.bucket, "s3Object": key,
            "hashValue": sha256(text), "hashAlgorithm": "SHA-256",
            "newestEventTime": time.to_string(), "oldestEventTime": time.to_string(),
        }));
    }

    /// Ends the hour with its digest, and begins the next; gives the digest's key.
    pub fn digest(&mut self, stock: &mut Stock) -> String {
        let (start, end) = (self.hour, self.hour + SignedDuration::from_hours(1));
        self.hour = end;
        let before = self.before.take();
        let (key, before) = self.write(stock, start, end, before.as_ref(), false);
        self.before = Some(before);
        key
    }

    /// Writes a backfill digest of the hour before this one, with the log files that were listed
    /// since.
    pub fn backfill(&mut self, stock: &mut Stock) -> String {
        let (start, end) = (self.hour - SignedDuration::from_hours(1), self.hour);
        let before = self.before_backfill.take();
        let (key, before) = self.write(stock, start, end, before.as_ref(), true);
        self.before_backfill = Some(before);
        key
    }

    /// Validation is off for so many hours; then a new chain begins.
    pub fn pause(&mut self, hours: i64) {
        self.hour += SignedDuration::from_hours(hours);
        self.before = None;
    }

    /// CloudTrail signs with another key from now on.
    pub fn rotate(&mut self, key: SigningKey) {
        self.key = key;
    }

    fn write(
        &mut self,
        stock: &mut Stock,
        start: Timestamp,
        end: Timestamp,
        before: Option<&Before>,
        backfill: bool,
    ) -> (String, Before) {
        let logs = std::mem::take(&mut self.waiting);
        let key = self.names.digest_key(end, backfill);
        let times = |name: &str| {
            let mut times: Vec<&str> = logs.iter().filter_map(|log| log[name].as_str()).collect();
            times.sort_unstable();
            (times.first().map(ToString::to_string), times.last().map(ToString::to_string))
        };
        let bucket = &self.names.bucket;
        let digest = json!({
            "awsAccountId": self.names.account,
            "digestStartTime": start.to_string(), "digestEndTime": end.to_string(),
            "digestS3Bucket": bucket, "digestS3Object": key,
            "digestPublicKeyFingerprint": self.key.fingerprint(),
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": times("newestEventTime").1,
            "oldestEventTime": times("oldestEventTime").0,
            "previousDigestS3Bucket": before.map(|_| bucket),
            "previousDigestS3Object": before.map(|one| &one.key),
            "previousDigestHashValue": before.map(|one| &one.sha256),
            "previousDigestHashAlgorithm": before.map(|_| "SHA-256"),
            "previousDigestSignature": before.map(|one| &one.signature),
            "logFiles": logs,
        });
        let text = digest.to_string();
        let hash = sha256(text.as_bytes());
        let link = before.map_or("null", |one| one.signature.as_str());
        let signature = self.key.sign(&format!("{end}\n{bucket}/{key}\n{hash}\n{link}"));
        let mut metadata = BTreeMap::from([
            ("signature".to_owned(), signature.clone()),
            ("signature-algorithm".to_owned(), "SHA256withRSA".to_owned()),
        ]);
        if backfill {
            let made = end + SignedDuration::from_hours(20);
            metadata.insert("backfill-generation-timestamp".to_owned(), made.to_string());
        }
        stock.insert(key.clone(), Stored { body: gzip(text.as_bytes()), metadata });
        (key.clone(), Before { key, sha256: hash, signature })
    }
}

/// SHA-256 in hex.
pub fn sha256(bytes: &[u8]) -> String {
    key::hex(&Sha256::digest(bytes))
}

/// One gzip member.
///
/// # Panics
/// Never: the room for the result is as large as the library asks for.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut compressor = Compressor::new(CompressionLvl::fastest());
    let mut out = vec![0; compressor.gzip_compress_bound(bytes.len())];
    #[expect(clippy::expect_used, reason = "a failure here must fail the test")]
    let size = compressor.gzip_compress(bytes, &mut out).expect("room enough");
    out.truncate(size);
    out
}

/// Writes a stock into a folder, as `aws s3 sync` would; with `sidecars`, the metadata of each
/// object is kept in `<key>.metadata.json` beside it.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_folder(stock: &Stock, folder: &Path, sidecars: bool) -> std::io::Result<()> {
    for (key, stored) in stock {
        let path = folder.join(key);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, &stored.body)?;
        if sidecars && !stored.metadata.is_empty() {
            let text = json!({"Metadata": stored.metadata}).to_string();
            std::fs::write(folder.join(format!("{key}.metadata.json")), text)?;
        }
    }
    Ok(())
}

/// Puts a stock into a bucket of a test server, which must exist.
///
/// # Errors
/// What the server answered.
pub async fn put_bucket(stock: &Stock, writer: &Writer, bucket: &str) -> Result<(), String> {
    use base64::Engine as _;
    for (key, stored) in stock {
        let body = base64::engine::general_purpose::STANDARD.encode(&stored.body);
        let input =
            json!({"Bucket": bucket, "Key": key, "Body": body, "Metadata": stored.metadata});
        writer.call("us-east-1", "s3", "PutObject", input).await?;
    }
    Ok(())
}
