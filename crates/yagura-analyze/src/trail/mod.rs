//! What proves that CloudTrail's log files are as CloudTrail delivered them: digest files, their
//! signatures, and the rules by which they form a chain.
//! Objects are found and read in `yagura-collect`; nothing here does I/O or reads a clock.
//!
//! Source: CloudTrail User Guide, "CloudTrail digest file structure" and "Custom implementations
//! of CloudTrail log file integrity validation", seen 2026-11.

mod chain;
mod coverage;
mod digest;
mod key;
mod lake_result;
mod signature;

use std::fmt;

pub use chain::{Chain, Found, Judged, Place};
pub use coverage::Coverage;
pub use digest::{Digest, DigestFault, ListedLog, Previous};
pub use key::{DigestName, LogName};
pub use lake_result::{LakeResultFault, SignedResult};
pub use signature::{KeyFault, Keys, PublicKey, sha256, string_to_sign};

/// What is known about one object: a log file or a digest file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// It is byte for byte what CloudTrail delivered.
    Verified,
    /// Nothing speaks against it, and something that would prove it is not at hand (yet).
    Pending,
    /// It is there, and no digest lists it although the digests of its time are there: it was
    /// added by somebody else, or belongs to a trail without validation.
    Unlisted,
    /// It is not what CloudTrail delivered.
    HashMismatch,
    /// CloudTrail delivered it, and it is gone.
    Missing,
    /// What would prove it is itself broken, missing, or was never written.
    ChainBroken,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Verified,
        Self::Pending,
        Self::Unlisted,
        Self::HashMismatch,
        Self::Missing,
        Self::ChainBroken,
    ];

    /// The word used in the ledger and in outputs; a promise.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Pending => "pending",
            Self::Unlisted => "unlisted",
            Self::HashMismatch => "hash_mismatch",
            Self::Missing => "missing",
            Self::ChainBroken => "chain_broken",
        }
    }

    /// Whether somebody must look: it is neither proven nor merely waiting.
    pub fn is_alarming(self) -> bool {
        !matches!(self, Self::Verified | Self::Pending)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a verdict is what it is, as a word that programs may compare; a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Its own signature holds.
    Signature,
    /// The signature that the next digest keeps of it holds: no metadata was needed.
    NextDigestSignature,
    /// A proven next digest keeps its hash.
    NextDigestHash,
    /// A proven digest lists it with this hash.
    ListedHash,
    /// The signature is not at hand: a copy that lost S3's metadata, and no next digest yet.
    SignatureNotAtHand,
    /// The public key is not at hand.
    KeyNotAtHand,
    /// AWS knows no public key with the digest's fingerprint.
    KeyUnknown,
    /// The signature does not fit the content.
    SignatureWrong,
    /// The content is proven by the next digest, but the signature in the metadata was replaced.
    SignatureReplaced,
    /// Its hash is not the one that a digest lists.
    HashWrong,
    /// It is not where its own text says: it was moved or copied.
    Moved,
    /// It cannot be read as a digest.
    Malformed,
    /// It is not a gzip file, or breaks off.
    NotGzip,
    /// Bytes follow the end of the gzip member that is signed.
    TrailingBytes,
    /// It is larger than anything that CloudTrail writes.
    TooLarge,
    /// It is listed or linked, and not there.
    NotThere,
    /// No digest lists it.
    NotListed,
    /// The digest that lists it is not proven.
    DigestNotProven,
    /// The digest that lists it still waits for its proof.
    DigestPending,
    /// No digest covers its time: validation was off.
    NotCovered,
    /// The digest of its time has not come yet.
    DigestNotYet,
    /// The digest of its time should have come long ago.
    DigestOverdue,
    /// Digests of this trail do not list files of this kind.
    KindNotListed,
    /// A digest that no other links to.
    NotLinked,
    /// Validation was off between this digest and the one before: a new chain begins.
    ChainRestarted,
    /// The digest before does not end where this one begins.
    TimeGap,
    /// The chain goes on in another bucket, which was not looked at.
    Elsewhere,
    /// It could not be read: denied, throttled, broken.
    Unread,
}

impl Reason {
    /// The word used in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::NextDigestSignature => "next_digest_signature",
            Self::NextDigestHash => "next_digest_hash",
            Self::ListedHash => "listed_hash",
            Self::SignatureNotAtHand => "signature_not_at_hand",
            Self::KeyNotAtHand => "key_not_at_hand",
            Self::KeyUnknown => "key_unknown",
            Self::SignatureWrong => "signature_wrong",
            Self::SignatureReplaced => "signature_replaced",
            Self::HashWrong => "hash_wrong",
            Self::Moved => "moved",
            Self::Malformed => "malformed",
            Self::NotGzip => "not_gzip",
            Self::TrailingBytes => "trailing_bytes",
            Self::TooLarge => "too_large",
            Self::NotThere => "not_there",
            Self::NotListed => "not_listed",
            Self::DigestNotProven => "digest_not_proven",
            Self::DigestPending => "digest_pending",
            Self::NotCovered => "not_covered",
            Self::DigestNotYet => "digest_not_yet",
            Self::DigestOverdue => "digest_overdue",
            Self::KindNotListed => "kind_not_listed",
            Self::NotLinked => "not_linked",
            Self::ChainRestarted => "chain_restarted",
            Self::TimeGap => "time_gap",
            Self::Elsewhere => "elsewhere",
            Self::Unread => "unread",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
