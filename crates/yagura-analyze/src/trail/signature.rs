//! Public keys of CloudTrail, what a digest's signature covers, and whether it holds.
//! Which digest needs which signature is in `chain`.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

use super::digest::Digest;

/// `SEQUENCE { SEQUENCE { OID rsaEncryption, NULL }, BIT STRING … }`: the algorithm part of a
/// SubjectPublicKeyInfo (RFC 8017, appendix A.1; RFC 5280, 4.1).
const RSA_ENCRYPTION: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// A public key of CloudTrail: one region's, for some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// What digests call it.
    pub fingerprint: String,
    /// From when it may sign.
    pub valid_from: Option<Timestamp>,
    /// Until when it may sign.
    pub valid_until: Option<Timestamp>,
    /// RSAPublicKey (PKCS#1) in DER.
    der: Vec<u8>,
    /// As it was given, for keeping.
    value: String,
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// It is neither of the two encodings of an RSA key.
    #[error("key `{0}` is no RSA public key")]
    Encoding(String),
    /// The list of keys is not what `ListPublicKeys` answers.
    #[error("it is no list of public keys: {0}")]
    List(String),
}

impl PublicKey {
    /// A key as `ListPublicKeys` gives it: base64 of the DER of RSAPublicKey (PKCS#1). AWS's
    /// documentation also shows SubjectPublicKeyInfo, and calls the encoding subject to change;
    /// a second layer of base64 has been seen too. All of them are taken.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn new(fingerprint: &str, value: &str) -> Result<Self, KeyFault> {
        let fault = || KeyFault::Encoding(fingerprint.to_owned());
        let once = STANDARD.decode(value.trim()).map_err(|_| fault())?;
        let twice = || STANDARD.decode(once.trim_ascii()).ok();
        let der = pkcs1_of(&once).or_else(|| pkcs1_of(&twice()?)).ok_or_else(fault)?;
        Ok(Self {
            fingerprint: fingerprint.to_owned(),
            valid_from: None,
            valid_until: None,
            der,
            value: value.trim().to_owned(),
        })
    }

    /// Whether this key made the signature (hex) of a text.
    pub fn verifies(&self, text: &str, signature: &str) -> bool {
        let Ok(signature) = hex::decode(signature.trim()) else { return false };
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.der)
            .verify(text.as_bytes(), &signature)
            .is_ok()
    }
}

/// The RSAPublicKey within either encoding.
fn pkcs1_of(der: &[u8]) -> Option<Vec<u8>> {
    let (content, rest) = element(0x30, der)?;
    rest.is_empty().then_some(())?;
    if content.first() == Some(&0x02) {
        return Some(der.to_vec());
    }
    let bits = content.strip_prefix(&RSA_ENCRYPTION)?;
    let (bits, rest) = element(0x03, bits)?;
    let key = bits.strip_prefix(&[0])?;
    (rest.is_empty() && key.first() == Some(&0x30)).then(|| key.to_vec())
}

/// One element of DER with this tag, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    (*found == tag).then_some(())?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// The public keys at hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    by_fingerprint: HashMap<String, PublicKey>,
    /// AWS was asked for the keys of the time in question: a fingerprint that it did not name is
    /// nobody's.
    complete: bool,
}

impl Keys {
    /// Adds a key.
    pub fn add(&mut self, key: PublicKey) {
        self.by_fingerprint.insert(key.fingerprint.clone(), key);
    }

    /// Says that AWS named all keys of the time in question.
    pub fn set_complete(&mut self) {
        self.complete = true;
    }

    /// Whether AWS named all keys of the time in question.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_fingerprint.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_fingerprint.is_empty()
    }

    /// The key with a fingerprint.
    pub fn get(&self, fingerprint: &str) -> Option<&PublicKey> {
        self.by_fingerprint.get(fingerprint)
    }

    /// Adds the keys of an answer of `ListPublicKeys`, as the API or `aws cloudtrail
    /// list-public-keys` gives it. Gives the keys that cannot be used.
    ///
    /// # Errors
    /// When it is no such answer.
    pub fn add_answer(&mut self, answer: &Value) -> Result<Vec<KeyFault>, KeyFault> {
        let list = answer.get("PublicKeyList").and_then(Value::as_array);
        let list = list.ok_or_else(|| KeyFault::List("it has no `PublicKeyList`".into()))?;
        let mut faults = Vec::new();
        for one in list {
            let text = |name: &str| one.get(name).and_then(Value::as_str);
            let (Some(fingerprint), Some(value)) = (text("Fingerprint"), text("Value")) else {
                faults.push(KeyFault::List("a key lacks `Fingerprint` or `Value`".into()));
                continue;
            };
            match PublicKey::new(fingerprint, value) {
                Ok(mut key) => {
                    key.valid_from = one.get("ValidityStartTime").and_then(moment);
                    key.valid_until = one.get("ValidityEndTime").and_then(moment);
                    self.add(key);
                }
                Err(fault) => faults.push(fault),
            }
        }
        Ok(faults)
    }

    /// All keys in the form of `ListPublicKeys`, sorted, to be kept in a file.
    pub fn to_answer(&self) -> Value {
        let mut keys: Vec<&PublicKey> = self.by_fingerprint.values().collect();
        keys.sort_unstable_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
        let list = keys.into_iter().map(|key| {
            serde_json::json!({
                "Fingerprint": key.fingerprint,
                "Value": key.value,
                "ValidityStartTime": key.valid_from.map(|time| time.to_string()),
                "ValidityEndTime": key.valid_until.map(|time| time.to_string()),
            })
        });
        serde_json::json!({"PublicKeyList": list.collect::<Vec<_>>()})
    }
}

/// A time as text or as seconds since 1970.
fn moment(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => {
            let seconds = number.as_f64().filter(|seconds| seconds.abs() < 1e11)?;
            #[expect(clippy::cast_possible_truncation, reason = "bounded just before")]
            Timestamp::from_second(seconds as i64).ok()
        }
        _ => None,
    }
}

/// What the signature of a digest covers; `sha256` is the hash of its uncompressed text, in hex.
pub fn string_to_sign(digest: &Digest, sha256: &str) -> String {
    format!(
        "{}\n{}/{}\n{sha256}\n{}",
        digest.end_time_text(),
        digest.digest_s3_bucket,
        digest.digest_s3_object,
        digest.previous_signature().unwrap_or("null"),
    )
}

/// SHA-256 in lower-case hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(ring::digest::digest(&ring::digest::SHA256, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 24-bit toy in both encodings; no signature can be checked with it.
    const PKCS1: [u8; 12] = [0x30, 10, 2, 3, 1, 0, 1, 2, 3, 1, 0, 1];

    fn spki() -> Vec<u8> {
        let mut bits = vec![0x03, 13, 0];
        bits.extend(PKCS1);
        let mut der = vec![0x30, 30];
        der.extend(RSA_ENCRYPTION);
        der.extend(bits);
        der
    }

    #[test]
    fn both_encodings_and_one_more_layer_of_base64_give_the_same_key() {
        let wanted = PKCS1.to_vec();
        for der in [PKCS1.to_vec(), spki()] {
            let once = STANDARD.encode(&der);
            assert_eq!(PublicKey::new("f", &once).unwrap().der, wanted);
            let twice = STANDARD.encode(&once);
            assert_eq!(PublicKey::new("f", &twice).unwrap().der, wanted);
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for bad in [&b"plain text"[..], &[0x30, 200, 1], &[0x30, 2, 4, 0], &spki()[..20]] {
            assert!(PublicKey::new("f", &STANDARD.encode(bad)).is_err(), "{bad:?}");
        }
        assert!(PublicKey::new("f", "not base64!").is_err());
    }

    #[test]
    fn an_answer_is_kept_and_read_again() {
        let mut keys = Keys::default();
        let value = STANDARD.encode(PKCS1);
        let answer = serde_json::json!({"PublicKeyList": [
            {"Fingerprint": "a", "Value": value, "ValidityStartTime": 1_795_219_200},
            {"Fingerprint": "b", "Value": "?"}, {"Value": value},
        ]});
        assert_eq!(keys.add_answer(&answer).unwrap().len(), 2);
        let mut again = Keys::default();
        assert!(again.add_answer(&keys.to_answer()).unwrap().is_empty());
        assert_eq!(again, keys);
        assert_eq!(keys.get("a").unwrap().valid_from.unwrap().to_string(), "2026-11-21T00:00:00Z");
        assert!(again.add_answer(&serde_json::json!([])).is_err());
    }
}
