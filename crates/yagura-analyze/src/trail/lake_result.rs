//! The sign file beside the result of a CloudTrail Lake query, and what it proves.
//! Result files are read and hashed elsewhere.
//!
//! Source: CloudTrail User Guide, "Validate CloudTrail Lake saved query results", seen 2026-11.

use serde::Deserialize;

use super::signature::Keys;

/// `result_sign.json`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedResult {
    /// The region whose keys signed it.
    pub region: String,
    /// The result files in the order in which their hashes are signed.
    pub files: Vec<ResultFile>,
    hash_algorithm: String,
    signature_algorithm: String,
    hash_signature: String,
    /// Names the public key.
    pub public_key_fingerprint: String,
    /// When the query ended, as written.
    pub query_complete_time: String,
}

/// A result file as the sign file lists it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultFile {
    /// SHA-256 over the file as it is stored (compressed), in hex.
    pub file_hash_value: String,
    /// Its name beside the sign file.
    pub file_name: String,
}

/// Why a sign file proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum LakeResultFault {
    /// It is not a sign file.
    #[error("it is not a sign file: {0}")]
    Shape(#[from] serde_json::Error),
    /// It states algorithms that are not known.
    #[error("it states the algorithm `{0}`, which is not known")]
    Algorithm(String),
    /// The key is not at hand.
    #[error("the public key `{0}` is not at hand")]
    NoKey(String),
    /// The signature does not fit.
    #[error("its signature does not fit the hashes that it lists")]
    Signature,
}

impl SignedResult {
    /// Reads a sign file.
    ///
    /// # Errors
    /// When it is none, or one with other algorithms.
    pub fn parse(text: &[u8]) -> Result<Self, LakeResultFault> {
        let signed: Self = serde_json::from_slice(text)?;
        if signed.hash_algorithm != "SHA-256" {
            return Err(LakeResultFault::Algorithm(signed.hash_algorithm));
        }
        if signed.signature_algorithm != "SHA256withRSA" {
            return Err(LakeResultFault::Algorithm(signed.signature_algorithm));
        }
        Ok(signed)
    }

    /// Proves the list of hashes: what is signed are the hashes with a space between them.
    ///
    /// # Errors
    /// When the key is not at hand or the signature does not fit.
    pub fn verify(&self, keys: &Keys) -> Result<(), LakeResultFault> {
        let name = &self.public_key_fingerprint;
        let key = keys.get(name).ok_or_else(|| LakeResultFault::NoKey(name.clone()))?;
        let hashes: Vec<&str> =
            self.files.iter().map(|file| file.file_hash_value.as_str()).collect();
        match key.verifies(&hashes.join(" "), &self.hash_signature) {
            true => Ok(()),
            false => Err(LakeResultFault::Signature),
        }
    }
}
