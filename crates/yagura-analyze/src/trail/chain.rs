//! The chain of digests of one trail, account and region, judged from the newest to the oldest.
//! Which digests there are, and their log files, is the walk's business (`yagura-collect`).
//!
//! A digest is proven by any of three: its own signature; its signature as the next digest keeps
//! it, which proves it whoever keeps it; its hash in a next digest that is itself proven. So a
//! copy that lost S3's metadata proves all but its newest digest.

use jiff::Timestamp;

use super::digest::{Digest, Previous};
use super::signature::{Keys, string_to_sign};
use super::{Reason, Verdict};

/// Where a digest was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The bucket; none of a copy.
    pub bucket: Option<&'a str>,
    /// The key, or the path within the copy.
    pub key: &'a str,
}

/// A digest that was read.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Where.
    pub place: Place<'a>,
    /// The digest.
    pub digest: &'a Digest,
    /// SHA-256 over its uncompressed text, in hex.
    pub sha256: &'a str,
    /// The signature from its metadata, in hex, where it is at hand.
    pub signature: Option<&'a str>,
}

/// What a digest was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The verdict on the digest file.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// Whether what it lists may be believed.
    pub proven: bool,
    /// What lies between it and the next digest, where that is not as it should be.
    pub gap: Option<Reason>,
}

/// A chain, from the newest digest on.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    newer: Option<Newer>,
    /// What a copy's paths lack at their beginning.
    lead: Option<String>,
}

/// The digest judged before: the next one in time.
#[derive(Clone, Debug)]
struct Newer {
    start: Timestamp,
    previous: Option<Previous>,
    proven: bool,
}

impl Chain {
    /// The path, within a copy, of what a digest calls by its key; the key itself in a bucket.
    pub fn path_of<'k>(&self, key: &'k str) -> Option<&'k str> {
        match &self.lead {
            Some(lead) => key.strip_prefix(lead.as_str()),
            None => Some(key),
        }
    }

    /// The digest that the one judged last links to.
    pub fn awaited(&self) -> Option<&Previous> {
        self.newer.as_ref()?.previous.as_ref()
    }

    /// Judges the next older digest.
    pub fn judge(&mut self, found: &Found<'_>, keys: &Keys) -> Judged {
        let digest = found.digest;
        let newer = self.newer.take();
        let placed = self.is_in_its_place(found);
        let link = newer.as_ref().and_then(|newer| Some((newer, newer.previous.as_ref()?)));
        let link = link.filter(|(_, previous)| {
            previous.object == digest.digest_s3_object && previous.bucket == digest.digest_s3_bucket
        });
        let (verdict, reason, proven) = match placed {
            false => (Verdict::HashMismatch, Reason::Moved, false),
            true => proof(found, link, keys),
        };
        let gap = newer.as_ref().and_then(|newer| match (&newer.previous, link) {
            (None, _) => Some(Reason::ChainRestarted),
            (Some(_), Some(_)) if digest.end_time() != newer.start => Some(Reason::TimeGap),
            (Some(_), Some(_)) => None,
            (Some(_), None) => Some(Reason::NotLinked),
        });
        // What is not in its place, or not what was signed, links to wherever its forger likes:
        // only a signature that it carries along can prove the one before.
        self.newer = match placed {
            true => {
                Some(Newer { start: digest.digest_start_time, previous: digest.previous(), proven })
            }
            false => newer,
        };
        Judged { verdict, reason, proven, gap }
    }

    /// The next older digest cannot be read: nothing is known of what links it to its
    /// neighbors, and the one before it must prove itself.
    pub fn skip(&mut self) {
        self.newer = None;
    }

    fn is_in_its_place(&mut self, found: &Found<'_>) -> bool {
        let Found { place, digest, .. } = found;
        if let Some(bucket) = place.bucket {
            return digest.digest_s3_bucket == bucket && digest.digest_s3_object == place.key;
        }
        let Some(lead) = digest.digest_s3_object.strip_suffix(place.key) else { return false };
        if !(lead.is_empty() || lead.ends_with('/')) {
            return false;
        }
        self.lead.get_or_insert_with(|| lead.to_owned()) == lead
    }
}

/// What proves a digest, or why nothing does.
fn proof(
    found: &Found<'_>,
    link: Option<(&Newer, &Previous)>,
    keys: &Keys,
) -> (Verdict, Reason, bool) {
    let text = string_to_sign(found.digest, found.sha256);
    let key = keys.get(&found.digest.digest_public_key_fingerprint);
    let holds = |signature: &str| key.is_some_and(|key| key.verifies(&text, signature));
    let linked_hash = link
        .filter(|(newer, _)| newer.proven)
        .map(|(_, previous)| previous.hash.eq_ignore_ascii_case(found.sha256));
    let linked_signature = link.map(|(_, previous)| previous.signature.as_str());
    if linked_hash == Some(false) {
        return (Verdict::HashMismatch, Reason::HashWrong, false);
    }
    if let Some(signature) = found.signature {
        if holds(signature) {
            return (Verdict::Verified, Reason::Signature, true);
        }
        let replaced = linked_signature.is_some_and(|kept| !kept.eq_ignore_ascii_case(signature));
        let proven = linked_hash == Some(true) || linked_signature.is_some_and(holds);
        match (proven, replaced, key) {
            (true, true, _) => return (Verdict::HashMismatch, Reason::SignatureReplaced, true),
            (true, false, _) => return (Verdict::Verified, Reason::NextDigestHash, true),
            (false, _, Some(_)) => {
                return (Verdict::HashMismatch, Reason::SignatureWrong, false);
            }
            (false, _, None) => {}
        }
    }
    if linked_signature.is_some_and(holds) {
        return (Verdict::Verified, Reason::NextDigestSignature, true);
    }
    if linked_hash == Some(true) {
        return (Verdict::Verified, Reason::NextDigestHash, true);
    }
    match (key, linked_signature.or(found.signature)) {
        (None, _) if keys.is_complete() => (Verdict::HashMismatch, Reason::KeyUnknown, false),
        (None, Some(_)) => (Verdict::Pending, Reason::KeyNotAtHand, false),
        // The signature kept by a digest that is not proven does not hold: one of the two is not
        // what was signed.
        (Some(_), Some(_)) => (Verdict::HashMismatch, Reason::SignatureWrong, false),
        (_, None) => (Verdict::Pending, Reason::SignatureNotAtHand, false),
    }
}
