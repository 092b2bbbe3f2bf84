//! The timeline of one resource: its versions, when each was seen, and what changed.
//! Versions are made in `resources/put.rs`; differences are computed in `changes.rs`.

use jiff::Timestamp;
use yagura_model::Resource;

use crate::Store;
use crate::changes::{Change, between};
use crate::database::{Row, Session};
use crate::document::{Document, Keys};
use crate::encode::digest;
use crate::error::StoreError;
use crate::resources::{decode_version, read_gaps};
use crate::scan::ScanId;

/// The timeline of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// Newest first.
    pub versions: Vec<Version>,
    /// Whether there are older versions than the limit allowed.
    pub more: bool,
}

/// One state of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// Counted from one; where old versions were pruned, the first remaining one is higher.
    pub number: i64,
    /// When a scan first saw this state (the scan's start). For a deletion: when the resource
    /// was first missing.
    pub first_seen: Timestamp,
    /// When a scan last saw it.
    pub last_seen: Timestamp,
    /// The scan that first saw it.
    pub first_scan: ScanId,
    /// Whether this version says that the resource is gone.
    pub deleted: bool,
    /// Whether nothing but `runtime` (last used, status, observed values) changed.
    pub runtime_only: bool,
    /// What differs from the version before; empty for the first one, for a deletion, and for the
    /// return after a deletion. What was unread on either side is not a change.
    pub changes: Vec<Change>,
}

struct VersionRow {
    number: i64,
    first_scan_id: i64,
    first_us: i64,
    last_us: Option<i64>,
    deleted: bool,
    runtime_only: bool,
    gaps: Option<String>,
    document: Option<Vec<u8>>,
    seen_us: i64,
}

fn read_row(row: &Row) -> Result<VersionRow, sqlx::Error> {
    Ok(VersionRow {
        number: row.int(0)?,
        first_scan_id: row.int(1)?,
        first_us: row.int(2)?,
        last_us: row.opt_int(3)?,
        deleted: row.flag(4)?,
        runtime_only: row.flag(5)?,
        gaps: row.opt_text(6)?,
        document: row.opt_blob(7)?,
        seen_us: row.int(8)?,
    })
}

impl Store {
    /// The timeline of a resource, newest version first, at most `limit` versions. `None` where
    /// no scan ever saw the key.
    pub async fn history(&self, key: &str, limit: usize) -> Result<Option<History>, StoreError> {
        let mut session = self.database.read("read the history of a resource");
        let sql = "SELECT v.number, v.first_scan_id, v.first_seen_us, v.last_seen_us, v.deleted, \
                   v.runtime_only, v.gaps, v.document, r.seen_us \
                   FROM resources r JOIN versions v ON v.resource_id = r.id \
                   WHERE r.key_digest = $1 AND v.detached = 0 ORDER BY v.number DESC LIMIT $2";
        // One more than asked: the oldest shown is compared with it.
        let rows_max = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
        let params = vec![digest(key.as_bytes()).into(), rows_max.into()];
        let rows = session.fetch_as(sql, params, read_row).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let more = rows.len() > limit;
        let mut versions = Vec::with_capacity(rows.len());
        let mut older: Option<(Document, Vec<Keys>)> = None;
        for row in rows.into_iter().rev() {
            let (version, state) = version_of(&session, &row, older.as_ref())?;
            versions.push(version);
            older = state;
        }
        versions.reverse();
        versions.truncate(limit);
        Ok(Some(History { versions, more }))
    }

    /// What differs between any two versions of a resource; what was unread in either is no
    /// difference. `None` where one of the numbers is not there or is a deletion.
    ///
    /// # Errors
    /// Where the database cannot be read or a version in it is damaged.
    pub async fn compare_versions(
        &self,
        key: &str,
        from: i64,
        to: i64,
    ) -> Result<Option<Vec<Change>>, StoreError> {
        let mut session = self.database.read("compare versions of a resource");
        let sql = "SELECT v.gaps, v.document FROM resources r \
                   JOIN versions v ON v.resource_id = r.id \
                   WHERE r.key_digest = $1 AND v.number = $2 AND v.detached = 0";
        let mut sides = Vec::new();
        for number in [from, to] {
            let params = vec![digest(key.as_bytes()).into(), number.into()];
            let read = |row: &Row| Ok((row.opt_text(0)?, row.opt_blob(1)?));
            let Some((gaps, Some(body))) = session.fetch_one(sql, params, read).await? else {
                return Ok(None);
            };
            let document = decode_version(&session, Some(&body))?;
            sides.push((document, read_gaps(&session, gaps.as_deref())?));
        }
        let [before, after] = sides.as_slice() else { return Ok(None) };
        Ok(Some(changes_between(before, after)))
    }

    /// A version's document: the last known values, whatever single scans could not read. `None`
    /// for a deletion and for a number that is not there.
    pub async fn version(&self, key: &str, number: i64) -> Result<Option<Resource>, StoreError> {
        let mut session = self.database.read("read a version of a resource");
        let sql = "SELECT v.document FROM resources r JOIN versions v ON v.resource_id = r.id \
                   WHERE r.key_digest = $1 AND v.number = $2 AND v.detached = 0";
        let params = vec![digest(key.as_bytes()).into(), number.into()];
        let body = session.fetch_one(sql, params, |row| row.opt_blob(0)).await?.flatten();
        let Some(body) = body else { return Ok(None) };
        decode_version(&session, Some(&body))?
            .into_resource()
            .map(Some)
            .map_err(|error| session.damaged(format!("a version: {error}")))
    }
}

type State = Option<(Document, Vec<Keys>)>;

/// What differs, apart from what was unread on either side.
fn changes_between(before: &(Document, Vec<Keys>), after: &(Document, Vec<Keys>)) -> Vec<Change> {
    let gaps: Vec<&Keys> = before.1.iter().chain(&after.1).collect();
    if gaps.is_empty() {
        return between(&before.0, &after.0);
    }
    let strip = |document: &Document| document.without(gaps.iter().copied());
    between(&strip(&before.0), &strip(&after.0))
}

fn version_of(
    session: &Session,
    row: &VersionRow,
    older: Option<&(Document, Vec<Keys>)>,
) -> Result<(Version, State), StoreError> {
    let time =
        |us| Timestamp::from_microsecond(us).map_err(|error| session.damaged(error.to_string()));
    let state = match &row.document {
        None => None,
        Some(body) => {
            Some((decode_version(session, Some(body))?, read_gaps(session, row.gaps.as_deref())?))
        }
    };
    let changes = match (older, &state) {
        (Some(before), Some(after)) => changes_between(before, after),
        _ => Vec::new(),
    };
    let version = Version {
        number: row.number,
        first_seen: time(row.first_us)?,
        last_seen: time(row.last_us.unwrap_or(row.seen_us))?,
        first_scan: ScanId(row.first_scan_id),
        deleted: row.deleted,
        runtime_only: row.runtime_only,
        changes,
    };
    Ok((version, state))
}
