//! What is remembered of findings of other products: where they were read and up to when, which
//! of them make up a finding of ours, and what of ours was told to others.
//! What a finding is and when it is over is decided in respond; findings themselves are kept in
//! `findings`.

mod members;
mod pushed;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::Store;
use crate::database::Database;
use crate::encode::column_text;
use crate::error::StoreError;

pub use members::{KnownMember, Member, Said};
pub use pushed::{Pushed, PushedHash};

/// What names of places begin with that are files.
pub const FILE_SCOPES: &str = "file/";

/// What a store remembers of imports and pushes. Clones share its connections.
#[derive(Clone)]
pub struct Imports {
    database: Database,
}

/// A place that is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportRun {
    scope: i64,
    run: i64,
    file: bool,
}

/// Up to when a place was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCursor {
    /// The latest change that was read, in microseconds since 1970.
    pub changed_us: Option<i64>,
    /// When everything was last read or listed, in microseconds since 1970.
    pub whole_us: Option<i64>,
}

impl Store {
    /// What this store remembers of imports and pushes.
    pub fn imports(&self) -> Imports {
        Imports { database: self.database.clone() }
    }
}

impl Imports {
    /// Up to when each place was read, by its name.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn cursors(&self) -> Result<BTreeMap<String, ImportCursor>, StoreError> {
        let mut session = self.database.read("read up to when findings were imported");
        let sql = "SELECT name, cursor_us, whole_us FROM import_scopes";
        let rows = session
            .fetch_as(sql, vec![], |row| {
                let cursor =
                    ImportCursor { changed_us: row.opt_int(1)?, whole_us: row.opt_int(2)? };
                Ok((row.text(0)?, cursor))
            })
            .await?;
        Ok(rows.into_iter().collect())
    }

    /// Begins to read a place.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn begin(&self, scope: &str) -> Result<ImportRun, StoreError> {
        let mut session = self.database.write("begin to import findings").await?;
        let sql = "INSERT INTO import_scopes (name, run) VALUES ($1, 1) \
                   ON CONFLICT (name) DO UPDATE SET run = import_scopes.run + 1 \
                   RETURNING number, run";
        let begun = session
            .fetch_one(sql, vec![column_text(scope).into()], |row| {
                let file = scope.starts_with(FILE_SCOPES);
                Ok(ImportRun { scope: row.int(0)?, run: row.int(1)?, file })
            })
            .await?;
        let begun = begun.ok_or_else(|| session.damaged("a place got no number"))?;
        session.commit().await?;
        Ok(begun)
    }

    /// Notes up to when a place was read. `whole`: everything was read or listed.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn end(
        &self,
        run: ImportRun,
        changed_us: Option<i64>,
        whole: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut session = self.database.write("note up to when findings were imported").await?;
        // A cursor never goes back: a reading that saw nothing new says nothing about time.
        let sql = "UPDATE import_scopes SET \
                   cursor_us = CASE WHEN $2 IS NULL THEN cursor_us \
                     WHEN cursor_us IS NULL OR cursor_us < $2 THEN $2 ELSE cursor_us END, \
                   whole_us = CASE WHEN $3 IS NULL THEN whole_us ELSE $3 END WHERE number = $1";
        let whole_us = whole.then(|| now.as_microsecond());
        session.execute(sql, vec![run.scope.into(), changed_us.into(), whole_us.into()]).await?;
        session.commit().await
    }
}
