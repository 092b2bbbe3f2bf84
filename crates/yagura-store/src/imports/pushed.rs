//! What of ours was told to another place, so that only what changed is told again.
//! How it is told is respond's business.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Imports;
use super::members::id_bytes;
use crate::batch;
use crate::encode::column_text;
use crate::error::StoreError;

/// Rows of one transaction.
const PAGE: usize = 1_000;

/// What was told of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushedHash {
    /// Changes when what is told changes.
    pub hash: [u8; 16],
    /// Whether it was told as something that is so.
    pub open: bool,
}

/// A finding that was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// Its id.
    pub finding: String,
    /// What was told.
    pub told: PushedHash,
}

impl Imports {
    /// What was told to a target of these findings; those of which nothing was told are missing.
    ///
    /// # Errors
    /// Where the database cannot be read, or an id is none.
    pub async fn pushed(
        &self,
        target: &str,
        findings: &[String],
    ) -> Result<BTreeMap<String, PushedHash>, StoreError> {
        let mut session = self.database.read("read what was pushed");
        let mut ids = Vec::with_capacity(findings.len());
        for finding in findings {
            ids.push(id_bytes(&session, finding)?.into());
        }
        let sql = "SELECT finding, hash, open FROM pushed_findings WHERE target = $1 AND finding";
        let fixed = [column_text(target).into()];
        let rows = batch::select_in(&mut session, sql, &fixed, ids, "").await?;
        let mut pushed = BTreeMap::new();
        for row in rows {
            let read = || Ok::<_, sqlx::Error>((row.blob(0)?, row.blob(1)?, row.flag(2)?));
            let (finding, hash, open) = read().map_err(|error| session.fail(error))?;
            let hash = hash.try_into().map_err(|_| session.damaged("a push has no hash"))?;
            pushed.insert(hex::encode(finding), PushedHash { hash, open });
        }
        Ok(pushed)
    }

    /// Remembers what was told.
    ///
    /// # Errors
    /// Where the database cannot be written, or an id is none.
    pub async fn remember_pushed(
        &self,
        target: &str,
        pushed: &[Pushed],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for page in pushed.chunks(PAGE) {
            let mut session = self.database.write("remember what was pushed").await?;
            let mut rows = Vec::with_capacity(page.len());
            for one in page {
                rows.push(vec![
                    column_text(target).into(),
                    id_bytes(&session, &one.finding)?.into(),
                    one.told.hash.to_vec().into(),
                    one.told.open.into(),
                    now.as_microsecond().into(),
                ]);
            }
            let insert = "INSERT INTO pushed_findings (target, finding, hash, open, pushed_us)";
            let after = "ON CONFLICT (target, finding) DO UPDATE SET hash = excluded.hash, \
                         open = excluded.open, pushed_us = excluded.pushed_us";
            batch::insert(&mut session, insert, rows, after).await?;
            session.commit().await?;
        }
        Ok(())
    }
}
