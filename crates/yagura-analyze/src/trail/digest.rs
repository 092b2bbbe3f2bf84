//! A digest file: which log files CloudTrail delivered in an hour, and what links the hour to the
//! one before.
//! Whether it is genuine is judged in `chain`.

use jiff::Timestamp;
use serde::Deserialize;

/// A digest file as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Digest {
    /// The account whose log files it lists; twelve digits.
    pub aws_account_id: String,
    /// When its hour begins.
    pub digest_start_time: Timestamp,
    /// When its hour ends, as written: the text is signed.
    #[serde(rename = "digestEndTime")]
    end_time_text: String,
    /// The bucket it was delivered to.
    #[serde(rename = "digestS3Bucket")]
    pub digest_s3_bucket: String,
    /// The key it was delivered to.
    #[serde(rename = "digestS3Object")]
    pub digest_s3_object: String,
    /// Names the public key.
    pub digest_public_key_fingerprint: String,
    /// `SHA256withRSA`.
    pub digest_signature_algorithm: String,
    #[serde(rename = "previousDigestS3Bucket", default)]
    previous_bucket: Option<String>,
    #[serde(rename = "previousDigestS3Object", default)]
    previous_object: Option<String>,
    #[serde(default)]
    previous_digest_hash_value: Option<String>,
    #[serde(default)]
    previous_digest_hash_algorithm: Option<String>,
    #[serde(default)]
    previous_digest_signature: Option<String>,
    /// The log files delivered in its hour.
    pub log_files: Vec<ListedLog>,
    #[serde(skip)]
    end_time: Option<Timestamp>,
}

/// A log file as a digest lists it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedLog {
    /// The bucket it was delivered to.
    #[serde(rename = "s3Bucket")]
    pub s3_bucket: String,
    /// The key it was delivered to.
    #[serde(rename = "s3Object")]
    pub s3_object: String,
    /// SHA-256 over the uncompressed content, in hex.
    pub hash_value: String,
    /// `SHA-256`.
    pub hash_algorithm: String,
    /// The time of its oldest event; may lie before the digest's hour.
    #[serde(default)]
    pub oldest_event_time: Option<Timestamp>,
    /// The time of its newest event.
    #[serde(default)]
    pub newest_event_time: Option<Timestamp>,
}

/// What a digest keeps of the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previous {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub object: String,
    /// SHA-256 over its uncompressed content, in hex.
    pub hash: String,
    /// Its signature, in hex: the same that stands in its metadata.
    pub signature: String,
}

/// Why a text is no digest.
#[derive(Debug, thiserror::Error)]
pub enum DigestFault {
    /// It is not JSON, or a part is missing or of another type.
    #[error("it is not a digest: {0}")]
    Shape(#[from] serde_json::Error),
    /// Parts that belong together are not together.
    #[error("it links to a digest before it only partly")]
    PartialLink,
    /// It states algorithms that are not known.
    #[error("it states the algorithm `{0}`, which is not known")]
    Algorithm(String),
    /// A time that is none.
    #[error("its end is no time: `{0}`")]
    Time(String),
}

impl Digest {
    /// Reads an uncompressed digest file.
    ///
    /// # Errors
    /// When it is no digest, or one of a kind that is not known.
    pub fn parse(text: &[u8]) -> Result<Self, DigestFault> {
        let mut digest: Self = serde_json::from_slice(text)?;
        if digest.digest_signature_algorithm != "SHA256withRSA" {
            return Err(DigestFault::Algorithm(digest.digest_signature_algorithm));
        }
        let links = [
            &digest.previous_bucket,
            &digest.previous_object,
            &digest.previous_digest_hash_value,
            &digest.previous_digest_signature,
        ];
        let present = links.iter().filter(|link| link.is_some()).count();
        if !matches!(present, 0 | 4) {
            return Err(DigestFault::PartialLink);
        }
        let algorithms = digest.log_files.iter().map(|log| &log.hash_algorithm);
        let mut algorithms = algorithms.chain(&digest.previous_digest_hash_algorithm);
        if let Some(other) = algorithms.find(|name| *name != "SHA-256") {
            return Err(DigestFault::Algorithm(other.clone()));
        }
        let end = digest.end_time_text.parse();
        let end = end.map_err(|_| DigestFault::Time(digest.end_time_text.clone()))?;
        digest.end_time = Some(end);
        Ok(digest)
    }

    /// When its hour ends.
    pub fn end_time(&self) -> Timestamp {
        self.end_time.unwrap_or(self.digest_start_time)
    }

    /// When its hour ends, as written.
    pub fn end_time_text(&self) -> &str {
        &self.end_time_text
    }

    /// The signature of the digest before it, as its own signature covers it.
    pub(super) fn previous_signature(&self) -> Option<&str> {
        self.previous_digest_signature.as_deref()
    }

    /// The digest before it; none begins a chain.
    pub fn previous(&self) -> Option<Previous> {
        Some(Previous {
            bucket: self.previous_bucket.clone()?,
            object: self.previous_object.clone()?,
            hash: self.previous_digest_hash_value.clone()?,
            signature: self.previous_digest_signature.clone()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn whole() -> Value {
        json!({
            "awsAccountId": "111122223333", "digestStartTime": "2026-11-21T09:00:00Z",
            "digestEndTime": "2026-11-21T10:00:00Z", "digestS3Bucket": "b",
            "digestS3Object": "k", "digestPublicKeyFingerprint": "f",
            "digestSignatureAlgorithm": "SHA256withRSA", "newestEventTime": null,
            "oldestEventTime": null, "previousDigestS3Bucket": null,
            "previousDigestS3Object": null, "previousDigestHashValue": null,
            "previousDigestHashAlgorithm": null, "previousDigestSignature": null,
            "logFiles": [], "addedTomorrow": {"x": 1},
        })
    }

    fn with(change: impl FnOnce(&mut Value)) -> Result<Digest, DigestFault> {
        let mut digest = whole();
        change(&mut digest);
        Digest::parse(digest.to_string().as_bytes())
    }

    #[test]
    fn an_empty_first_digest_is_read_and_unknown_members_do_not_matter() {
        let digest = with(|_| {}).unwrap();
        assert_eq!(digest.previous(), None);
        assert!(digest.log_files.is_empty());
        assert_eq!(digest.end_time_text(), "2026-11-21T10:00:00Z");
    }

    #[test]
    fn what_is_missing_half_linked_or_of_another_algorithm_is_refused() {
        let missing = with(|digest| {
            digest.as_object_mut().unwrap().remove("digestS3Object");
        });
        assert!(matches!(missing, Err(DigestFault::Shape(_))));
        let partial = with(|digest| digest["previousDigestS3Object"] = json!("k0"));
        assert!(matches!(partial, Err(DigestFault::PartialLink)));
        let other = with(|digest| digest["digestSignatureAlgorithm"] = json!("MD5withRSA"));
        assert!(matches!(other, Err(DigestFault::Algorithm(_))));
        let time = with(|digest| digest["digestEndTime"] = json!("soon"));
        assert!(matches!(time, Err(DigestFault::Time(_))));
        let log = json!([{"s3Bucket": "b", "s3Object": "l", "hashValue": "00",
            "hashAlgorithm": "CRC32"}]);
        let weak = with(|digest| digest["logFiles"] = log);
        assert!(matches!(weak, Err(DigestFault::Algorithm(_))));
        assert!(Digest::parse(b"{").is_err());
    }
}
