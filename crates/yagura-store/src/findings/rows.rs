//! Rows of findings as they are read, within a scope: their heads, and their documents with the
//! times that columns hold. Writing them is in `work.rs`.

use std::collections::HashMap;

use yagura_model::finding::{Finding, Scope};

use super::chunks::Chunks;
use super::column::Column;
use super::names;
use crate::batch;
use crate::database::{Param, Row, Session};
use crate::encode::unpack;
use crate::error::StoreError;

/// A scope as statements know it. INVARIANT: every statement that reads or changes findings or
/// their history has [`Reach::condition`] in it, or looks only at what passed [`Reach::admits`].
#[derive(Clone, Debug)]
pub(super) enum Reach {
    All,
    /// The codes of accounts, ascending.
    Codes(Vec<i64>),
}

impl Reach {
    pub(super) async fn of(session: &mut Session, scope: &Scope) -> Result<Self, StoreError> {
        Ok(match scope {
            Scope::All => Self::All,
            Scope::Accounts(accounts) => {
                let accounts: Vec<String> = accounts.iter().cloned().collect();
                Self::Codes(names::asked(session, Column::Account, &accounts).await?)
            }
        })
    }

    pub(super) fn admits(&self, account: i64) -> bool {
        match self {
            Self::All => true,
            Self::Codes(codes) => codes.binary_search(&account).is_ok(),
        }
    }

    /// ` AND account_code IN (…)`: numbers of our own, no text.
    pub(super) fn condition(&self) -> String {
        match self {
            Self::All => String::new(),
            Self::Codes(codes) if codes.is_empty() => " AND 1 = 0".to_owned(),
            Self::Codes(codes) => {
                let codes: Vec<String> = codes.iter().map(i64::to_string).collect();
                format!(" AND account_code IN ({})", codes.join(","))
            }
        }
    }
}

/// The 16 bytes of an identity; none where the text is none.
pub(super) fn id_bytes(id: &str) -> Option<Vec<u8>> {
    hex::decode(id).ok().filter(|bytes| bytes.len() == 16)
}

/// What is known of a finding without its document.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) number: i64,
    pub(super) account: i64,
    pub(super) digest: Vec<u8>,
}

/// The heads of findings, by identity.
pub(super) async fn heads(
    session: &mut Session,
    reach: &Reach,
    ids: impl IntoIterator<Item = Vec<u8>>,
) -> Result<HashMap<Vec<u8>, Head>, StoreError> {
    let find = "SELECT id, number, account_code, digest FROM findings WHERE id";
    let ids: Vec<Param> = ids.into_iter().map(Param::from).collect();
    let rows = batch::select_in(session, find, &[], ids, &reach.condition()).await?;
    let head = |row: &Row| {
        let head = Head { number: row.int(1)?, account: row.int(2)?, digest: row.blob(3)? };
        Ok((row.blob(0)?, head))
    };
    let heads = rows.iter().map(head).collect::<Result<_, sqlx::Error>>();
    heads.map_err(|error| session.fail(error))
}

/// The findings with these numbers.
pub(super) async fn findings(
    session: &mut Session,
    reach: &Reach,
    chunks: &mut Chunks,
    numbers: &[i64],
) -> Result<HashMap<i64, Finding>, StoreError> {
    let mut found = documents(session, reach, numbers).await?;
    let times = [Column::FirstSeen, Column::LastSeen, Column::Occurrences];
    chunks.load(session, &times, found.keys().copied()).await?;
    for (number, finding) in &mut found {
        finding.first_seen_us = chunks.get(Column::FirstSeen, *number);
        finding.last_seen_us = chunks.get(Column::LastSeen, *number);
        let occurrences = chunks.get(Column::Occurrences, *number);
        finding.occurrences = u64::try_from(occurrences).unwrap_or_default();
    }
    Ok(found)
}

/// The documents with these numbers: their times and occurrences are those of when they were
/// written.
pub(super) async fn documents(
    session: &mut Session,
    reach: &Reach,
    numbers: &[i64],
) -> Result<HashMap<i64, Finding>, StoreError> {
    let find = "SELECT number, document FROM findings WHERE number";
    let params: Vec<Param> = numbers.iter().map(|number| (*number).into()).collect();
    let rows = batch::select_in(session, find, &[], params, &reach.condition()).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        let (number, finding) = decode(session, row)?;
        found.insert(number, finding);
    }
    Ok(found)
}

/// A row of a number and a document.
pub(super) fn decode(session: &Session, row: &Row) -> Result<(i64, Finding), StoreError> {
    let read = || Ok::<_, sqlx::Error>((row.int(0)?, row.blob(1)?));
    let (number, document) = read().map_err(|error| session.fail(error))?;
    let json = unpack(&document).map_err(|detail| session.damaged(detail))?;
    let finding = serde_json::from_slice(&json);
    Ok((number, finding.map_err(|error| session.damaged(format!("a finding: {error}")))?))
}
