//! Where a database is, and how it is opened.
//! How it is spoken to is in `database.rs`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::error::StoreError;

/// The database file inside a data folder.
pub const DATABASE_FILE: &str = "yagura.db";

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A `SQLite` file; it and its folder are made when missing.
    Sqlite(PathBuf),
    /// A PostgreSQL server, as `postgres://user:password@host:port/database`.
    Postgres(String),
}

impl Location {
    /// `yagura.db` in a data folder.
    pub fn in_folder(data_dir: &Path) -> Self {
        Self::Sqlite(data_dir.join(DATABASE_FILE))
    }
}

impl FromStr for Location {
    type Err = StoreError;

    /// `postgres://…` or `postgresql://…` is a server, everything without a scheme a file.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |reason| StoreError::Location { text: without_password(text), reason };
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Ok(Self::Postgres(text.to_owned()))
        } else if text.contains("://") {
            Err(fail("only postgres:// URLs and files are known"))
        } else if text.is_empty() {
            Err(fail("it is empty"))
        } else {
            Ok(Self::Sqlite(PathBuf::from(text)))
        }
    }
}

/// Fit for messages: without a password.
impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => write!(out, "{}", file.display()),
            Self::Postgres(url) => out.write_str(&without_password(url)),
        }
    }
}

/// How a database is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long to wait for another process that is writing.
    pub wait: Duration,
    /// The most bytes that a `SQLite` file may grow to; `None` is no limit but the disk's.
    pub size_bytes_max: Option<u64>,
    /// Connections kept at most by this process.
    pub connections_max: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { wait: Duration::from_secs(60), size_bytes_max: None, connections_max: 4 }
    }
}

/// A URL fit for messages: whatever stands between the user's name and `@` is gone, and so are
/// the query parameters, which may carry a password too.
pub(crate) fn without_password(url: &str) -> String {
    let (head, _) = url.split_once('?').unwrap_or((url, ""));
    let Some((scheme, rest)) = head.split_once("://") else { return head.to_owned() };
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{host}")
        }
        None => head.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let check = |url: &str, shown: &str| assert_eq!(without_password(url), shown);
        check("postgres://u:se@cret@h:5/db?password=x", "postgres://u@h:5/db");
        check("postgres://h/db", "postgres://h/db");
        check("postgres://u@h/db?sslmode=require", "postgres://u@h/db");
    }

    #[test]
    fn an_unknown_scheme_is_refused_and_a_file_is_not() {
        assert!("mysql://h/db".parse::<Location>().is_err());
        assert!("".parse::<Location>().is_err());
        assert_eq!("a.db".parse::<Location>().unwrap(), Location::Sqlite("a.db".into()));
    }
}
