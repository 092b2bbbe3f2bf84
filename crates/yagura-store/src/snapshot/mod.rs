//! Snapshots: what a scan saw, or what was known at a time, as one file to take elsewhere.
//! Verdicts are not in it: whoever takes it in judges again.
//!
//! The file is zstd over JSON lines, each an object with one member that says what it is:
//!
//! | member | once | what |
//! | --- | --- | --- |
//! | `yagura_snapshot` | first | format version, time, regions, controls, whether all was read |
//! | `account` | | id, name, path of organizational units |
//! | `coverage` | | a listing, as in `yagura_model::Coverage` |
//! | `resource` | | a resource, as in `yagura_model::Resource` |
//! | `end` | last | counts of the above and SHA-256 of all bytes before this line |

mod export;
mod import;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use yagura_model::{Coverage, Resource};

use crate::scan::{Account, ScanId, ScanOutcome};

/// The version of the format that this program writes; it reads no newer one.
const FORMAT: u64 = 1;
/// The longest line that is read. AWS allows no resource near this size.
const LINE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What to export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotOf {
    /// Exactly what one scan saw.
    Scan(ScanId),
    /// What was known at a time, from all scans until then.
    Time(Timestamp),
}

/// What an import took in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The scan that it became.
    pub scan: ScanId,
    /// Accounts named.
    pub accounts: u64,
    /// Resources.
    pub resources: u64,
}

/// One line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    YaguraSnapshot(Box<Header>),
    Account(Account),
    Coverage(Box<Coverage>),
    Resource(Box<Resource>),
    End(Trailer),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u64,
    started: Timestamp,
    finished: Timestamp,
    outcome: ScanOutcome,
    regions: Vec<String>,
    controls: Vec<String>,
    full: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trailer {
    accounts: u64,
    coverage: u64,
    resources: u64,
    sha256: String,
}

/// Counts lines and digests bytes on their way.
#[derive(Default)]
struct Tally {
    accounts: u64,
    coverage: u64,
    resources: u64,
    hash: Sha256,
}

impl Tally {
    fn trailer(&self) -> Trailer {
        Trailer {
            accounts: self.accounts,
            coverage: self.coverage,
            resources: self.resources,
            sha256: hex::encode(self.hash.clone().finalize()),
        }
    }
}
