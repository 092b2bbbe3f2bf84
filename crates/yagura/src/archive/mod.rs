//! The file of a backup: one tar of entries under zstd, with a head that says what it is and a
//! manifest at its end that says what must be in it.
//! What is in the database is read and written by `yagura-store`; the order of steps is in
//! `commands/{backup,restore}.rs`.
//!
//! Entries, in this order: `head.json`, files of folders (`files/FOLDER/…`), `secrets.key` where
//! it was asked for, rows (`rows/TABLE/NUMBER`), `manifest.json`. A file that was cut anywhere has
//! no manifest and is refused.

pub(crate) mod pending;
mod read;
mod write;

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use yagura_store::backup::Picture;

pub(crate) use read::{Entry, Reader};
pub(crate) use write::Writer;

/// The layout of the file; another one takes another number.
pub(crate) const FORMAT: u32 = 1;
/// Folders of the data folder that are backed up; the site folder may be elsewhere.
pub(crate) const FOLDERS: [&str; 3] = ["site", "intelligence", "spool"];
/// The largest file of such a folder.
const FILE_BYTES_MAX: u64 = 1 << 30;
/// The largest piece of rows: pieces are cut at 4 MB, and one row may be larger than that.
const PIECE_BYTES_MAX: u64 = 1 << 30;

/// What a file says of itself at its beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Always `yagura backup`.
    pub(crate) what: String,
    /// The layout.
    pub(crate) format: u32,
    /// The program's version.
    pub(crate) version: String,
    /// When it was begun (RFC 3339).
    pub(crate) made: String,
    /// Where it was made from, without a password.
    pub(crate) database: String,
    /// Whether the key file of stored secrets is in it.
    pub(crate) has_master_key: bool,
    /// Where the log lake is, which is not in it.
    pub(crate) lake: String,
}

/// What must be in a file, at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The database.
    pub(crate) picture: Picture,
    /// Every entry before this one.
    pub(crate) entries: Vec<Listed>,
}

/// One entry with its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// What a name of an entry stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Head,
    /// A file of one of [`FOLDERS`], with its path in it.
    File {
        folder: &'static str,
        path: PathBuf,
    },
    MasterKey,
    /// A piece of a table.
    Rows {
        table: String,
    },
    Manifest,
}

impl Name {
    /// Reads a name; `None` for one that no backup has. Nothing is ever written to a path that
    /// did not pass here: no `..`, no absolute path, no other folder.
    pub(crate) fn read(text: &str) -> Option<Self> {
        match text {
            "head.json" => return Some(Self::Head),
            "manifest.json" => return Some(Self::Manifest),
            crate::secrets::KEY_FILE => return Some(Self::MasterKey),
            _ => {}
        }
        if let Some(rest) = text.strip_prefix("rows/") {
            let (table, number) = rest.split_once('/')?;
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            let named = !table.is_empty() && table.chars().all(plain);
            let numbered = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
            return (named && numbered).then(|| Self::Rows { table: table.to_owned() });
        }
        let (folder, path) = text.strip_prefix("files/")?.split_once('/')?;
        let folder = FOLDERS.into_iter().find(|known| *known == folder)?;
        let path = Path::new(path);
        let normal = |part: Component<'_>| matches!(part, Component::Normal(_));
        let sound = path.components().next().is_some() && path.components().all(normal);
        sound.then(|| Self::File { folder, path: path.to_owned() })
    }

    fn bytes_max(&self) -> u64 {
        match self {
            Self::Head | Self::MasterKey => 1 << 20,
            Self::File { .. } => FILE_BYTES_MAX,
            Self::Rows { .. } => PIECE_BYTES_MAX,
            Self::Manifest => 1 << 28,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_a_backup_has_are_read() {
        let file = |folder, path: &str| Some(Name::File { folder, path: path.into() });
        let check = |text: &str, name: Option<Name>| assert_eq!(Name::read(text), name, "{text}");
        check("files/site/controls/a.yaml", file("site", "controls/a.yaml"));
        check("rows/finding_history/000007", Some(Name::Rows { table: "finding_history".into() }));
        check("secrets.key", Some(Name::MasterKey));
        for text in [
            "",
            "files/site/../../etc/passwd",
            "files/site//etc/passwd/..",
            "files/other/x",
            "files/site/",
            "/files/site/x",
            "rows/a b/1",
            "rows/../1",
            "rows/a/",
            "rows/a/1x",
            "yagura.db",
        ] {
            check(text, None);
        }
    }
}
