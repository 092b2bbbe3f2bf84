//! Findings of other products as we keep them: one shape for what each product says its own way.
//! How a product's answers and files become this shape is read in collect; what becomes of it in
//! our own list is respond's business.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Severity;
use crate::finding::{FindingKind, FindingSuppression};

/// Characters kept of a title.
pub const TITLE_CHARS_MAX: usize = 300;
/// Characters kept of a description or of a remedy.
pub const TEXT_CHARS_MAX: usize = 4_000;
/// Resources kept of one finding; beyond, the original still names them.
pub const RESOURCES_MAX: usize = 100;
/// Bytes of an original, written as JSON, that are kept whole. AWS's own limit of a finding is
/// 240 KiB (Security Hub, `BatchImportFindings`, seen 2026-11).
pub const RAW_BYTES_MAX: usize = 256 << 10;

/// One finding of another product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Imported {
    /// The product, in one lower-case word: `guardduty`, `securityhub`, `prowler`.
    pub product: String,
    /// What the product calls this finding; the same wherever it is told (an ARN's last part
    /// where other services tell of it by its ARN).
    pub original: String,
    /// What sort of thing was found, in the product's words: a finding type, a rule, a CVE.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What tells findings of one type on one resource apart, where they are several things to
    /// mend (an object in a bucket, a line in a file); mostly empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub distinction: String,
    /// What is the matter, in the product's words.
    pub title: String,
    /// More of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// How bad it is, in our five steps.
    pub severity: Severity,
    /// How bad it is, as the product says it (`8.5`, `UNTRIAGED`).
    pub severity_said: String,
    /// Twelve digits; empty where the product names none.
    pub account: String,
    /// A region's name, or [`GLOBAL_REGION`](crate::GLOBAL_REGION).
    pub region: String,
    /// What it is about; the first is where it is.
    pub resources: Vec<ImportedResource>,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When it was first so, in microseconds since 1970.
    pub first_us: i64,
    /// When it was last so, in microseconds since 1970.
    pub last_us: i64,
    /// When the product last changed it, in microseconds since 1970.
    pub updated_us: i64,
    /// How often the product saw it; at least 1.
    pub occurrences: u64,
    /// Where it stands in the product.
    pub state: ImportedState,
    /// The checks behind it as frameworks number them: (`fsbp`, `S3.8`),
    /// (`config`, `s3-bucket-logging-enabled`). By these a control of ours is recognised.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<(String, String)>,
    /// Requirements that it says are touched, as it writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<String>,
    /// ATT&CK techniques and tactics, as Sigma tags write them: `attack.t1110`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attacks: Vec<String>,
    /// Known weaknesses: `CVE-2021-44228`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vulnerabilities: Vec<String>,
    /// What the product says should be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
    /// Whose it is, where Yagura itself wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnIdentity>,
    /// The original, whole; a text that says how large it was where it is larger than
    /// [`RAW_BYTES_MAX`].
    pub raw: Value,
}

/// A thing that a foreign finding is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImportedResource {
    /// Our key of a resource where the product says enough, else what the product calls it.
    pub key: String,
    /// `CloudFormation`'s name of its type, where it can be told.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// What a person calls it, where the product says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Where a finding stands in the product that found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportedState {
    /// It is so.
    Active,
    /// Somebody there accepted or archived it.
    Suppressed,
    /// It is no longer so.
    Resolved,
}

/// What a product says should be done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// In words; empty where there are none.
    pub text: String,
    /// Where to read on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The identity of a finding that Yagura wrote out and that comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnIdentity {
    /// What sort of stage saw it.
    pub kind: FindingKind,
    /// The content's id.
    pub content: String,
    /// Where it is.
    pub key: String,
    /// What tells several apart.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sub_key: String,
    /// Until when it is accepted, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppression: Option<FindingSuppression>,
}

impl Imported {
    /// What our list calls the thing that was found: `guardduty/Recon:EC2/Portscan`.
    pub fn content(&self) -> String {
        format!("{}/{}", self.product, self.type_name)
    }

    /// Sixteen bytes that stand for this finding wherever it is told: by the product itself or by
    /// a service that gathers findings.
    pub fn original_hash(&self) -> [u8; 16] {
        hash_of(&[self.product.as_bytes(), self.original.as_bytes()])
    }

    /// Sixteen bytes that change when anything of it does.
    pub fn content_hash(&self) -> [u8; 16] {
        // A value of JSON writes its members in one order.
        let whole = serde_json::to_vec(self).unwrap_or_default();
        hash_of(&[&whole])
    }
}

/// What [`Imported::original_hash`] is of a finding of which only product and name are known.
pub fn original_hash(product: &str, original: &str) -> [u8; 16] {
    hash_of(&[product.as_bytes(), original.as_bytes()])
}

fn hash_of(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        // Lengths first: no two different lists share their bytes.
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    let mut short = [0; 16];
    for (to, from) in short.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_original_does_not_flow_into_its_product() {
        assert_ne!(original_hash("ab", "c"), original_hash("a", "bc"));
        assert_eq!(original_hash("a", "b"), original_hash("a", "b"));
    }
}
