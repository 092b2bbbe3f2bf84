//! Identities that are promises: once published they never change their meaning.
//! Keys of resources are in `resource.rs`.

use sha2::{Digest, Sha256};

/// The region of what has no region (IAM, Organizations, `CloudFront`).
pub const GLOBAL_REGION: &str = "global";

/// The account of a [`Coverage`](crate::Coverage) that speaks of every account of the organization
/// that the scan does not name.
pub const OTHER_ACCOUNTS: &str = "*";

/// The identity of a finding: the first 32 hex digits of SHA-256 over kind, content id, key and
/// sub-key, each followed by a newline so that no two different tuples share their bytes
/// (none of the parts may contain one; a newline in a foreign key is replaced by U+FFFD).
///
/// ```
/// let id = yagura_model::finding_id("control", "s3.bucket_encrypted", "arn:aws:s3:::a", "");
/// assert_eq!(id.len(), 32);
/// ```
pub fn finding_id(kind: &str, content_id: &str, key: &str, sub_key: &str) -> String {
    let mut hash = Sha256::new();
    for part in [kind, content_id, key, sub_key] {
        hash.update(part.replace('\n', "\u{fffd}").as_bytes());
        hash.update(b"\n");
    }
    hex::encode(hash.finalize()).chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_letter_between_parts_changes_the_identity() {
        assert_ne!(finding_id("a", "bc", "d", ""), finding_id("ab", "c", "d", ""));
        assert_ne!(finding_id("a", "b\nc", "d", ""), finding_id("a", "b", "c\nd", ""));
    }

    #[test]
    fn finding_identity_is_a_promise() {
        let id = finding_id("control", "s3.bucket_public_access_blocked", "arn:aws:s3:::demo", "");
        insta_like(&id, 32);
        assert_eq!(
            id,
            finding_id("control", "s3.bucket_public_access_blocked", "arn:aws:s3:::demo", "")
        );
    }

    fn insta_like(id: &str, length: usize) {
        assert_eq!(id.len(), length);
        assert!(id.bytes().all(|b| b.is_ascii_hexdigit()));
    }
}
