//! Things that many rows name are stored once and named by number: places, controls, details.
//! Resources have their own rows (`resources/put.rs`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::batch;
use crate::database::{Row, Session};
use crate::encode::{column_text, digest, pack, unpack};
use crate::error::StoreError;

/// Where resources of a type live.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) type_name: String,
    pub(crate) account: String,
    pub(crate) region: String,
}

impl Place {
    pub(crate) fn new(type_name: &str, account: &str, region: &str) -> Self {
        Self {
            type_name: column_text(type_name),
            account: column_text(account),
            region: column_text(region),
        }
    }

    /// Reads type, account and region from three columns in a row.
    pub(crate) fn read(row: &Row, first: usize) -> Result<Self, sqlx::Error> {
        Ok(Self {
            type_name: row.text(first)?,
            account: row.text(first + 1)?,
            region: row.text(first + 2)?,
        })
    }
}

/// The numbers of places, made where they are missing.
pub(crate) async fn places(
    session: &mut Session,
    wanted: BTreeSet<Place>,
) -> Result<HashMap<Place, i64>, StoreError> {
    let mut ids = HashMap::with_capacity(wanted.len());
    let find = "SELECT id FROM places WHERE type = $1 AND account = $2 AND region = $3";
    let make = "INSERT INTO places (type, account, region) VALUES ($1, $2, $3) RETURNING id";
    for place in wanted {
        let params = || {
            let Place { type_name, account, region } = place.clone();
            vec![type_name.into(), account.into(), region.into()]
        };
        let found = session.fetch_one(find, params(), |row| row.int(0)).await?;
        let id = match found {
            Some(id) => Some(id),
            None => session.fetch_one(make, params(), |row| row.int(0)).await?,
        };
        ids.insert(place, id.ok_or_else(|| session.damaged("a place got no number"))?);
    }
    Ok(ids)
}

/// The numbers of controls, made where they are missing.
pub(crate) async fn controls(
    session: &mut Session,
    wanted: BTreeSet<String>,
) -> Result<HashMap<String, i64>, StoreError> {
    let params = |names: &BTreeSet<String>| {
        names.iter().map(|name| column_text(name).into()).collect::<Vec<_>>()
    };
    let rows = params(&wanted).into_iter().map(|name| vec![name]).collect();
    let make = "INSERT INTO controls (name)";
    batch::insert(session, make, rows, "ON CONFLICT (name) DO NOTHING").await?;
    let find = "SELECT id, name FROM controls WHERE name";
    let rows = batch::select_in(session, find, &[], params(&wanted), "").await?;
    rows.iter()
        .map(|row| Ok((row.text(1)?, row.int(0)?)))
        .collect::<Result<_, _>>()
        .map_err(|error| session.fail(error))
}

/// The numbers of small documents, by digest, made where they are missing.
pub(crate) async fn details(
    session: &mut Session,
    bodies: BTreeMap<Vec<u8>, Vec<u8>>,
) -> Result<HashMap<Vec<u8>, i64>, StoreError> {
    let digests: Vec<Vec<u8>> = bodies.keys().cloned().collect();
    let rows =
        bodies.into_iter().map(|(digest, body)| vec![digest.into(), pack(&body).into()]).collect();
    let make = "INSERT INTO details (digest, body)";
    batch::insert(session, make, rows, "ON CONFLICT (digest) DO NOTHING").await?;
    let digests = digests.into_iter().map(Into::into).collect();
    let find = "SELECT id, digest FROM details WHERE digest";
    let rows = batch::select_in(session, find, &[], digests, "").await?;
    rows.iter()
        .map(|row| Ok((row.blob(1)?, row.int(0)?)))
        .collect::<Result<_, _>>()
        .map_err(|error| session.fail(error))
}

/// The digest and text of a small document.
pub(crate) fn detail(value: &impl serde::Serialize) -> (Vec<u8>, Vec<u8>) {
    // Maps with text keys and no foreign types: writing them as JSON cannot fail.
    let body = serde_json::to_vec(value).unwrap_or_default();
    (digest(&body), body)
}

/// The small documents with these numbers.
pub(crate) async fn details_by_id<T: serde::de::DeserializeOwned>(
    session: &mut Session,
    ids: impl IntoIterator<Item = i64>,
) -> Result<HashMap<i64, T>, StoreError> {
    let ids: BTreeSet<i64> = ids.into_iter().collect();
    let ids = ids.into_iter().map(Into::into).collect();
    let find = "SELECT id, body FROM details WHERE id";
    let rows = batch::select_in(session, find, &[], ids, "").await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        let read = || Ok::<_, sqlx::Error>((row.int(0)?, row.blob(1)?));
        let (id, body) = read().map_err(|error| session.fail(error))?;
        let body = unpack(&body).map_err(|detail| session.damaged(detail))?;
        let value = serde_json::from_slice(&body)
            .map_err(|error| session.damaged(format!("detail {id}: {error}")))?;
        found.insert(id, value);
    }
    Ok(found)
}
