//! What can go wrong with the store: each error names the place, the attempt and the remedy.
//! Nothing is retried here; the database layer waits for locks before it gives up.

use std::path::PathBuf;

use crate::database::Code;
use crate::secrets::SealFault;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data folder could not be made.
    #[error("cannot create the data folder `{}`", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The place may not be written.
    #[error("cannot {attempt}: `{place}` cannot be written")]
    ReadOnly {
        /// The file, or the server without its password.
        place: String,
        /// What was attempted.
        attempt: &'static str,
        /// What the database said.
        #[source]
        source: Box<sqlx::Error>,
    },
    /// The place cannot be opened at all.
    #[error("cannot {attempt}: `{place}` cannot be opened")]
    Open {
        /// The file, or the server without its password.
        place: String,
        /// What was attempted.
        attempt: &'static str,
        /// What the database said.
        #[source]
        source: Box<sqlx::Error>,
    },
    /// The disk, or the size set for the database, is used up.
    #[error("cannot {attempt}: no space is left for `{place}`")]
    Full {
        /// The file, or the server without its password.
        place: String,
        /// What was attempted.
        attempt: &'static str,
        /// What the database said.
        #[source]
        source: Box<sqlx::Error>,
    },
    /// Another process held the database for too long.
    #[error("cannot {attempt}: another process is writing to `{place}`")]
    Locked {
        /// The file, or the server without its password.
        place: String,
        /// What was attempted.
        attempt: &'static str,
        /// What the database said.
        #[source]
        source: Box<sqlx::Error>,
    },
    /// The file is something else.
    #[error("cannot {attempt}: `{place}` is not a database")]
    NotADatabase {
        /// The file.
        place: String,
        /// What was attempted.
        attempt: &'static str,
    },
    /// A database, but of another program.
    #[error("`{place}` is a database, but not one of yagura")]
    Foreign {
        /// The file, or the server without its password.
        place: String,
    },
    /// A later release has changed the schema.
    #[error("`{place}` was made by a newer yagura (schema {found}; this one knows {known})")]
    Newer {
        /// The file, or the server without its password.
        place: String,
        /// The schema found.
        found: i64,
        /// The newest schema that this binary knows.
        known: i64,
    },
    /// The database is damaged, or holds what this program never wrote.
    #[error("cannot {attempt}: `{place}` is damaged ({detail})")]
    Damaged {
        /// The file, or the server without its password.
        place: String,
        /// What was attempted.
        attempt: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// Any other answer of the database.
    #[error("cannot {attempt} in `{place}`")]
    Database {
        /// The file, or the server without its password.
        place: String,
        /// What was attempted.
        attempt: &'static str,
        /// What the database said.
        #[source]
        source: Box<sqlx::Error>,
    },
    /// There is no such scan.
    #[error("there is no scan `{0}`")]
    UnknownScan(i64),
    /// The scan has ended; nothing can be added to it.
    #[error("scan `{0}` has ended; nothing can be added to it")]
    ScanEnded(i64),
    /// What a scan saw, or its verdicts, were pruned.
    #[error("the details of scan `{0}` were pruned")]
    ScanPruned(i64),
    /// What was read for a backup could not be written.
    #[error("cannot write the backup")]
    BackupWrite(#[source] std::io::Error),
    /// There is a database where a backup should go.
    #[error("there is a database in `{place}` already")]
    NotEmpty {
        /// The file, or the server without its password.
        place: String,
    },
    /// A stored secret could not be opened, or not be sealed.
    #[error("cannot use the stored secret `{name}`")]
    Sealed {
        /// Which one.
        name: String,
        /// Why.
        #[source]
        fault: SealFault,
    },
    /// A finding was to be changed that is not of the accounts of the scope.
    #[error("a finding is not of the accounts whose findings may be changed here")]
    OutOfScope,
    /// The text names no place of a store.
    #[error("`{text}` is not a place for the database ({reason})")]
    Location {
        /// The text without a password.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A snapshot could not be written.
    #[error("cannot write the snapshot")]
    SnapshotWrite(#[source] std::io::Error),
    /// A snapshot was refused; nothing of it was taken.
    #[error("the snapshot is refused: {0}")]
    SnapshotRefused(SnapshotFault),
}

/// Why a snapshot is refused as a whole.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFault {
    /// The file could not be read or decompressed.
    #[error("it cannot be read ({0})")]
    Unreadable(std::io::Error),
    /// It ends before its trailer.
    #[error("it is truncated (its last line is missing)")]
    Truncated,
    /// It is no snapshot.
    #[error("it is not a snapshot of yagura")]
    NotASnapshot,
    /// Its version is unknown.
    #[error("it has format version {0}, made by a newer yagura")]
    Newer(u64),
    /// A line is broken.
    #[error("line {line} is broken: {detail}")]
    Line {
        /// The line, from one.
        line: u64,
        /// What is wrong.
        detail: String,
    },
    /// The content does not match the trailer.
    #[error("it was altered ({0} in its last line does not match)")]
    Altered(&'static str),
    /// Something follows the trailer.
    #[error("something follows its last line")]
    Trailing,
}

impl StoreError {
    /// What the person can do about it, where something is known.
    pub fn remedy(&self) -> Option<&'static str> {
        Some(match self {
            Self::Folder { .. } | Self::ReadOnly { .. } | Self::Open { .. } => {
                "give yagura a folder that it may write: --data-dir FOLDER or YAGURA_DATA_DIR"
            }
            Self::Full { .. } => {
                "make room or choose another --data-dir; everything stored so far is kept"
            }
            Self::Locked { .. } => "wait until the other yagura process has finished, or stop it",
            Self::NotADatabase { .. } | Self::Foreign { .. } => {
                "choose another --data-dir, or move the file away"
            }
            Self::Newer { .. } => "use the newer yagura, or choose another --data-dir",
            Self::Damaged { .. } => {
                "keep a copy of the file, move it away, and scan again or import a snapshot"
            }
            Self::SnapshotRefused(SnapshotFault::Newer(_)) => "use the newer yagura",
            Self::SnapshotRefused(_) => "export it again from where it was made",
            Self::ScanPruned(_) => "its counts and the history of resources are still there",
            Self::NotEmpty { .. } => "choose another place, or replace it with --replace",
            Self::BackupWrite(_) => "make room, or choose another place; nothing was left behind",
            Self::Sealed { fault: SealFault::NoMaster(_) | SealFault::Unavailable(_), .. } => {
                "bring the master key back, or name it with --master-key"
            }
            Self::Sealed { .. } => "set it again with `yagura secrets set`",
            Self::Location { .. } => "name a file, or postgres://user@host/database",
            _ => return None,
        })
    }

    /// An answer of the database, told apart by its code.
    pub(crate) fn of_database(place: &str, attempt: &'static str, error: sqlx::Error) -> Self {
        let place = place.to_owned();
        let code = Code::of(&error);
        let source = Box::new(error);
        match code {
            Code::ReadOnly => Self::ReadOnly { place, attempt, source },
            Code::CannotOpen => Self::Open { place, attempt, source },
            Code::Full => Self::Full { place, attempt, source },
            Code::Locked => Self::Locked { place, attempt, source },
            Code::NotADatabase => Self::NotADatabase { place, attempt },
            Code::Damaged => Self::Damaged { place, attempt, detail: source.to_string() },
            Code::Other => Self::Database { place, attempt, source },
        }
    }
}
