//! Which findings of other products make up a finding of ours, and which of them are over.
//! INVARIANT: a member is called over only after our finding was closed for it, so that a process
//! that dies in between closes again instead of never.

use std::collections::{BTreeMap, BTreeSet};

use super::{FILE_SCOPES, ImportRun, Imports};
use crate::batch;
use crate::database::{Param, Session};
use crate::error::StoreError;

/// Rows of one answer.
const PAGE: usize = 1_000;

/// A finding of another product, as a reading saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What stands for product and name.
    pub original: [u8; 16],
    /// Our finding's id: 32 hex digits.
    pub finding: String,
    /// Changes when the other's finding does.
    pub hash: [u8; 16],
    /// Whether it is so.
    pub active: bool,
}

/// A member as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMember {
    /// Whether it was told in the place that is being read, and not in another.
    pub here: bool,
    /// The name of the place where it was told.
    pub scope: String,
    /// The member.
    pub member: Member,
}

/// How it is known that a finding of another product is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// The product says so: then it is over wherever it was told.
    Outright,
    /// A whole listing of a place no longer has it: then it is over there.
    BySilence,
}

impl Imports {
    /// What is remembered of these originals, in the place that is being read and in others.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn known(
        &self,
        run: ImportRun,
        originals: &[[u8; 16]],
    ) -> Result<Vec<KnownMember>, StoreError> {
        let mut session = self.database.read("read what is known of imported findings");
        let sql = "SELECT scope, original, finding, hash, active, name FROM import_members \
                   JOIN import_scopes ON number = scope WHERE original";
        let values = originals.iter().map(|one| one.to_vec().into()).collect();
        let rows = batch::select_in(&mut session, sql, &[], values, "").await?;
        let mut known = Vec::with_capacity(rows.len());
        for row in rows {
            let read = || {
                Ok::<_, sqlx::Error>((
                    row.int(0)?,
                    row.blob(1)?,
                    row.blob(2)?,
                    row.blob(3)?,
                    row.flag(4)?,
                    row.text(5)?,
                ))
            };
            let (scope, original, finding, hash, active, name) =
                read().map_err(|error| session.fail(error))?;
            let member = Member {
                original: sixteen(&session, &original)?,
                finding: hex::encode(finding),
                hash: sixteen(&session, &hash)?,
                active,
            };
            known.push(KnownMember { here: scope == run.scope, scope: name, member });
        }
        Ok(known)
    }

    /// Remembers members as this reading saw them.
    ///
    /// # Errors
    /// Where the database cannot be written, or an id is none.
    pub async fn remember(&self, run: ImportRun, members: &[Member]) -> Result<(), StoreError> {
        for page in members.chunks(PAGE) {
            let mut session = self.database.write("remember imported findings").await?;
            // Two of one original in one statement would be told to PostgreSQL as one too many.
            let mut rows: BTreeMap<[u8; 16], Vec<Param>> = BTreeMap::new();
            for member in page {
                let finding = id_bytes(&session, &member.finding)?;
                let row = vec![
                    run.scope.into(),
                    member.original.to_vec().into(),
                    finding.into(),
                    member.hash.to_vec().into(),
                    member.active.into(),
                    run.run.into(),
                ];
                rows.insert(member.original, row);
            }
            let insert = "INSERT INTO import_members (scope, original, finding, hash, active, run)";
            let rows = rows.into_values().collect();
            let after = "ON CONFLICT (scope, original) DO UPDATE SET finding = excluded.finding, \
                         hash = excluded.hash, active = excluded.active, run = excluded.run";
            batch::insert(&mut session, insert, rows, after).await?;
            session.commit().await?;
        }
        Ok(())
    }

    /// Notes that this reading saw members as they are remembered.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn saw(&self, run: ImportRun, originals: &[[u8; 16]]) -> Result<(), StoreError> {
        for page in originals.chunks(PAGE) {
            let mut session = self.database.write("remember imported findings").await?;
            let sql = "UPDATE import_members SET run = $1 WHERE scope = $2 AND original";
            let values = page.iter().map(|one| one.to_vec().into()).collect();
            let fixed = [run.run.into(), run.scope.into()];
            batch::execute_in(&mut session, sql, &fixed, values).await?;
            session.commit().await?;
        }
        Ok(())
    }

    /// Active members of the place that this reading did not see, a page at a time. They are
    /// given again until they are remembered as over.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn unseen(&self, run: ImportRun) -> Result<Vec<Member>, StoreError> {
        let mut session = self.database.read("find imported findings that are over");
        let sql = "SELECT original, finding, hash FROM import_members \
                   WHERE scope = $1 AND run < $2 AND active = 1 LIMIT 1000";
        let rows = session
            .fetch_as(sql, vec![run.scope.into(), run.run.into()], |row| {
                Ok((row.blob(0)?, row.blob(1)?, row.blob(2)?))
            })
            .await?;
        let mut members = Vec::with_capacity(rows.len());
        for (original, finding, hash) in rows {
            members.push(Member {
                original: sixteen(&session, &original)?,
                finding: hex::encode(finding),
                hash: sixteen(&session, &hash)?,
                active: true,
            });
        }
        Ok(members)
    }

    /// Of these findings, the ones that stay active when the named originals are over. What a
    /// file told once does not keep a finding active against the word of a service.
    ///
    /// # Errors
    /// Where the database cannot be read, or an id is none.
    pub async fn still_active(
        &self,
        run: ImportRun,
        findings: &BTreeSet<String>,
        over: &BTreeSet<[u8; 16]>,
        said: Said,
    ) -> Result<BTreeSet<String>, StoreError> {
        let mut session = self.database.read("find imported findings that are active");
        let mut ids = Vec::with_capacity(findings.len());
        for finding in findings {
            ids.push(id_bytes(&session, finding)?.into());
        }
        let sql = "SELECT scope, original, finding, name FROM import_members \
                   JOIN import_scopes ON number = scope WHERE active = 1 AND finding";
        let rows = batch::select_in(&mut session, sql, &[], ids, "").await?;
        let mut active = BTreeSet::new();
        for row in rows {
            let read =
                || Ok::<_, sqlx::Error>((row.int(0)?, row.blob(1)?, row.blob(2)?, row.text(3)?));
            let (scope, original, finding, name) = read().map_err(|error| session.fail(error))?;
            let ended = over.contains(&sixteen(&session, &original)?)
                && (said == Said::Outright || scope == run.scope);
            let outweighed = name.starts_with(FILE_SCOPES) && !run.file;
            if !ended && !outweighed {
                active.insert(hex::encode(finding));
            }
        }
        Ok(active)
    }
}

fn sixteen(session: &Session, bytes: &[u8]) -> Result<[u8; 16], StoreError> {
    bytes.try_into().map_err(|_| session.damaged("an imported finding has no sixteen bytes"))
}

/// The 16 bytes of a finding's id.
pub(super) fn id_bytes(session: &Session, id: &str) -> Result<Vec<u8>, StoreError> {
    let bytes = hex::decode(id).ok().filter(|bytes| bytes.len() == 16);
    bytes.ok_or_else(|| session.damaged("a finding has an identity of another form"))
}
