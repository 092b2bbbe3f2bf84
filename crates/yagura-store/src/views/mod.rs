//! Questions to findings that people named: their own, and those that everybody sees.
//! What a question means is the console's; here it is a text.

use jiff::Timestamp;

use crate::Store;
use crate::database::{Database, Row};
use crate::encode::column_text;
use crate::error::StoreError;

/// Views that one person can have.
pub const VIEWS_MAX: usize = 50;
/// Views of one answer at most.
const LISTED_MAX: i64 = 200;

/// The named questions of a store. Clones share its connections.
#[derive(Clone)]
pub struct Views {
    database: Database,
}

/// A question that somebody named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedView {
    /// Its number in this store; never used again.
    pub number: i64,
    /// The name of the person whose it is.
    pub owner: String,
    /// What they call it.
    pub name: String,
    /// Whether everybody sees it.
    pub shared: bool,
    /// The question, as an address has it, without the question mark.
    pub query: String,
}

/// A question that is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewView<'a> {
    /// The name of the person whose it is.
    pub owner: &'a str,
    /// What they call it. A view of the same name of theirs is replaced.
    pub name: &'a str,
    /// Whether everybody sees it.
    pub shared: bool,
    /// The question, as an address has it, without the question mark.
    pub query: &'a str,
}

impl Store {
    /// The named questions of this store.
    pub fn views(&self) -> Views {
        Views { database: self.database.clone() }
    }
}

impl Views {
    /// The views that a person sees: their own, then those that others share; by name.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn seen_by(&self, person: &str) -> Result<Vec<SavedView>, StoreError> {
        let mut session = self.database.read("list saved views");
        let sql = "SELECT number, owner, name, shared, query FROM finding_views \
                   WHERE owner = $1 OR shared = 1 \
                   ORDER BY CASE WHEN owner = $1 THEN 0 ELSE 1 END, name, number LIMIT $2";
        let params = vec![column_text(person).into(), LISTED_MAX.into()];
        session.fetch_as(sql, params, read).await
    }

    /// Keeps a view; answers its number, or none where the person has [`VIEWS_MAX`] already.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn put(&self, view: NewView<'_>, at: Timestamp) -> Result<Option<i64>, StoreError> {
        let mut session = self.database.write("save a view").await?;
        let owner = column_text(view.owner);
        let name = column_text(view.name);
        let sql = "SELECT CAST(count(*) AS BIGINT) FROM finding_views \
                   WHERE owner = $1 AND name <> $2";
        let params = vec![owner.clone().into(), name.clone().into()];
        let others = session.fetch_one(sql, params, |row| row.int(0)).await?.unwrap_or_default();
        if usize::try_from(others).is_ok_and(|others| others >= VIEWS_MAX) {
            return Ok(None);
        }
        let sql = "INSERT INTO finding_views (owner, name, shared, query, changed_us) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (owner, name) DO UPDATE SET \
                   shared = excluded.shared, query = excluded.query, \
                   changed_us = excluded.changed_us RETURNING number";
        let params = vec![
            owner.into(),
            name.into(),
            view.shared.into(),
            column_text(view.query).into(),
            at.as_microsecond().into(),
        ];
        let number = session.fetch_one(sql, params, |row| row.int(0)).await?;
        session.commit().await?;
        Ok(number)
    }

    /// Takes a view of a person away; answers whether there was one. `any` takes away that of
    /// somebody else too, if it is shared: what an administrator may do.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn remove(&self, number: i64, person: &str, any: bool) -> Result<bool, StoreError> {
        let mut session = self.database.write("remove a saved view").await?;
        let sql = "DELETE FROM finding_views WHERE number = $1 \
                   AND (owner = $2 OR (shared = 1 AND $3 = 1))";
        let params = vec![number.into(), column_text(person).into(), any.into()];
        let removed = session.execute(sql, params).await?;
        session.commit().await?;
        Ok(removed > 0)
    }
}

fn read(row: &Row) -> Result<SavedView, sqlx::Error> {
    Ok(SavedView {
        number: row.int(0)?,
        owner: row.text(1)?,
        name: row.text(2)?,
        shared: row.flag(3)?,
        query: row.text(4)?,
    })
}
