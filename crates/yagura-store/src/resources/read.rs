//! Reading resources as a scan saw them, as a time knew them, or as they are known now.
//! All reading goes page by page along an index, so that memory stays bounded.

use std::collections::HashMap;

use futures::stream::{self, BoxStream, StreamExt as _};
use jiff::Timestamp;
use yagura_model::Resource;

use super::browse::like;
use super::{KnownResource, ResourceFilter};
use crate::Store;
use crate::batch::in_list;
use crate::database::{Param, Row, Session};
use crate::document::Document;
use crate::encode::{column_text, digest, unpack};
use crate::error::StoreError;
use crate::intern;
use crate::mask::Mask;
use crate::scan::{ScanId, load};

/// Resources read by one statement.
const PAGE: i64 = 500;
/// Places named by one statement.
const PLACES: usize = 200;

/// Where reading goes on.
struct Cursor {
    /// The places that match, in pieces; `None` means every place.
    places: Option<Vec<Vec<i64>>>,
    piece: usize,
    after: (i64, i64),
    done: bool,
}

impl Cursor {
    fn new(places: Option<Vec<i64>>) -> Self {
        let places = places.map(|ids| ids.chunks(PLACES).map(<[i64]>::to_vec).collect::<Vec<_>>());
        Self { places, piece: 0, after: (0, 0), done: false }
    }

    /// The places for the next statement; `None` at the end.
    fn places(&self) -> Option<&[i64]> {
        match &self.places {
            None => (!self.done).then_some(&[]),
            Some(pieces) => pieces.get(self.piece).map(Vec::as_slice),
        }
    }

    /// Notes the last row of a page.
    fn advance(&mut self, rows: usize, last: Option<(i64, i64)>) {
        self.after = last.unwrap_or(self.after);
        if i64::try_from(rows).unwrap_or(PAGE) < PAGE {
            self.piece += 1;
            self.after = (0, 0);
            self.done = true;
        }
    }
}

type Page = Result<Vec<Resource>, StoreError>;
type Resources = BoxStream<'static, Result<Resource, StoreError>>;

impl Store {
    /// The resources that a scan saw, as it saw them: what it could not read is unread, whatever
    /// is known from elsewhere. Ordered by place, so that equal types of an account and region
    /// come together. Read by pages; a page is decoded while the caller works on the last one.
    pub fn scan_resources(
        &self,
        scan: ScanId,
        filter: &ResourceFilter,
    ) -> BoxStream<'static, Result<Resource, StoreError>> {
        let (store, filter) = (self.clone(), filter.clone());
        let start = async move {
            let mut session = store.database.read("read the resources of a scan");
            if load(&mut session, scan).await?.pruned {
                return Err(StoreError::ScanPruned(scan.0));
            }
            let cursor = Cursor::new(matching_places(&mut session, &filter).await?);
            Ok(pages(session, cursor, move |session, cursor| {
                Box::pin(scan_page(session, cursor, scan))
            }))
        };
        flatten(start)
    }

    /// The resources that existed at a time, as they were known then (see [`KnownResource`]).
    pub fn resources_at(
        &self,
        at: Timestamp,
        filter: &ResourceFilter,
    ) -> BoxStream<'static, Result<Resource, StoreError>> {
        let (store, filter) = (self.clone(), filter.clone());
        let start = async move {
            let mut session = store.database.read("read the resources of a time");
            // A resource may have lived in another region then: regions are compared below.
            let anywhere = ResourceFilter { regions: Vec::new(), ..filter.clone() };
            let cursor = Cursor::new(matching_places(&mut session, &anywhere).await?);
            let at_us = at.as_microsecond();
            let found = pages(session, cursor, move |session, cursor| {
                Box::pin(time_page(session, cursor, at_us))
            });
            let wanted = move |found: &Result<Resource, StoreError>| match found {
                Ok(resource) => filter.matches(resource),
                Err(_) => true,
            };
            Ok(found.filter(move |found| std::future::ready(wanted(found))).boxed())
        };
        flatten(start)
    }

    /// A resource as it is known now, by its key.
    pub async fn resource(&self, key: &str) -> Result<Option<KnownResource>, StoreError> {
        let mut session = self.database.read("look up a resource");
        // A deleted resource is shown as its last living version.
        let sql = "SELECT v.document, (SELECT k.mask_id FROM knowledge k \
                   WHERE k.version_id = v.id ORDER BY k.since_us DESC LIMIT 1), \
                   r.seen_us, r.alive, (SELECT min(f.first_seen_us) FROM versions f \
                   WHERE f.resource_id = r.id AND f.detached = 0 AND f.deleted = 0 \
                   AND f.number > coalesce((SELECT max(d.number) FROM versions d \
                   WHERE d.resource_id = r.id AND d.deleted = 1 AND d.number < v.number), 0)) \
                   FROM resources r JOIN versions v ON v.resource_id = r.id \
                   WHERE r.key_digest = $1 AND v.detached = 0 AND v.deleted = 0 \
                   ORDER BY v.number DESC LIMIT 1";
        let key = vec![digest(key.as_bytes()).into()];
        let row = session
            .fetch_one(sql, key, |row| {
                let version = (row.opt_blob(0)?, row.opt_int(1)?);
                Ok((version, row.int(2)?, row.flag(3)?, row.int(4)?))
            })
            .await?;
        let Some((version, seen_us, alive, first_us)) = row else { return Ok(None) };
        let Some(resource) = decode_all(&mut session, vec![version]).await?.pop() else {
            return Ok(None);
        };
        let time = |us| {
            Timestamp::from_microsecond(us).map_err(|error| session.damaged(error.to_string()))
        };
        let (first_seen, last_seen) = (time(first_us)?, time(seen_us)?);
        Ok(Some(KnownResource { resource, first_seen, last_seen, deleted: !alive }))
    }

    /// A resource as it was known at a time, by its key; a deleted one as it was last seen before.
    /// `None` where nothing was known of it yet.
    ///
    /// # Errors
    /// Where the database cannot be read or a version in it is damaged.
    pub async fn resource_at(
        &self,
        key: &str,
        at: Timestamp,
    ) -> Result<Option<KnownResource>, StoreError> {
        let mut session = self.database.read("look up a resource at a time");
        let sql = "SELECT v.document, (SELECT k.mask_id FROM knowledge k WHERE k.version_id = v.id \
                   AND k.since_us <= $2 ORDER BY k.since_us DESC LIMIT 1), v.deleted, \
                   v.first_seen_us, coalesce(v.last_seen_us, r.seen_us) \
                   FROM resources r JOIN versions v ON v.resource_id = r.id \
                   WHERE r.key_digest = $1 AND v.detached = 0 AND v.first_seen_us <= $2 \
                   ORDER BY v.number DESC LIMIT 2";
        let params = vec![digest(key.as_bytes()).into(), at.as_microsecond().into()];
        let read = |row: &Row| {
            let version = (row.opt_blob(0)?, row.opt_int(1)?);
            Ok((version, row.flag(2)?, row.int(3)?, row.int(4)?))
        };
        let mut rows = session.fetch_as(sql, params, read).await?.into_iter();
        let Some((version, deleted, first_us, last_us)) = rows.next() else { return Ok(None) };
        let version = match (deleted, rows.next()) {
            (false, _) => version,
            (true, Some((before, false, ..))) => before,
            (true, _) => return Ok(None),
        };
        let Some(resource) = decode_all(&mut session, vec![version]).await?.pop() else {
            return Ok(None);
        };
        let time = |us| {
            Timestamp::from_microsecond(us).map_err(|error| session.damaged(error.to_string()))
        };
        let last_seen = time(last_us)?.min(at);
        Ok(Some(KnownResource { resource, first_seen: time(first_us)?, last_seen, deleted }))
    }

    /// Keys that contain a text, in any case of letters, at most `limit`, newest first: for
    /// people who know a name and not the key.
    pub async fn find_keys(&self, text: &str, limit: usize) -> Result<Vec<String>, StoreError> {
        let mut session = self.database.read("look for resources");
        let sql = "SELECT key FROM resources WHERE version_id IS NOT NULL \
                   AND lower(key) LIKE $1 ESCAPE '!' ORDER BY seen_us DESC, key LIMIT $2";
        let pattern = format!("%{}%", like(&column_text(text).to_ascii_lowercase()));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        session.fetch_as(sql, vec![pattern.into(), limit.into()], |row| row.text(0)).await
    }
}

/// A stream whose first step may fail.
fn flatten(
    start: impl Future<Output = Result<Resources, StoreError>> + Send + 'static,
) -> Resources {
    stream::once(start)
        .flat_map(|started| match started {
            Ok(stream) => stream,
            Err(error) => stream::once(std::future::ready(Err(error))).boxed(),
        })
        .boxed()
}

type PageFuture<'a> = std::pin::Pin<Box<dyn Future<Output = Page> + Send + 'a>>;

/// Reads one page and moves the cursor on.
trait ReadPage: for<'a> Fn(&'a mut Session, &'a mut Cursor) -> PageFuture<'a> + Send + 'static {}
impl<F> ReadPage for F where
    F: for<'a> Fn(&'a mut Session, &'a mut Cursor) -> PageFuture<'a> + Send + 'static
{
}

/// Page after page, until the cursor is at its end or a page fails.
fn pages(session: Session, cursor: Cursor, read: impl ReadPage) -> Resources {
    let state = Some((session, cursor, read));
    stream::unfold(state, |state| async move {
        let (mut session, mut cursor, read) = state?;
        cursor.places()?;
        let page = read(&mut session, &mut cursor).await;
        match page {
            Ok(found) => {
                let found: Vec<_> = found.into_iter().map(Ok).collect();
                Some((stream::iter(found), Some((session, cursor, read))))
            }
            Err(error) => Some((stream::iter(vec![Err(error)]), None)),
        }
    })
    .flatten()
    .boxed()
}

async fn scan_page(session: &mut Session, cursor: &mut Cursor, scan: ScanId) -> Page {
    let places = cursor.places().unwrap_or_default().to_vec();
    let (rows, last) = page_of_scan(session, scan, &places, cursor.after).await?;
    cursor.advance(rows.len(), last);
    decode_all(session, rows).await
}

pub(super) type Version = (Option<Vec<u8>>, Option<i64>);

/// One page of a scan's sightings: each version's document and what was unread of it.
async fn page_of_scan(
    session: &mut Session,
    scan: ScanId,
    places: &[i64],
    after: (i64, i64),
) -> Result<(Vec<Version>, Option<(i64, i64)>), StoreError> {
    let head = "SELECT v.document, s.mask_id, s.place_id, s.resource_id \
                FROM sightings s JOIN versions v ON v.id = s.version_id \
                WHERE s.scan_id = $1 AND (s.place_id, s.resource_id) > ($2, $3)";
    let tail = "ORDER BY s.place_id, s.resource_id LIMIT 500";
    let fixed = vec![scan.0.into(), after.0.into(), after.1.into()];
    fetch_page(session, head, "AND s.place_id", tail, fixed, places).await
}

async fn time_page(session: &mut Session, cursor: &mut Cursor, at_us: i64) -> Page {
    let places = cursor.places().unwrap_or_default().to_vec();
    let (mut rows, last) = page_at(session, at_us, &places, cursor.after).await?;
    cursor.advance(rows.len(), last);
    rows.retain(|(document, _)| document.is_some());
    decode_all(session, rows).await
}

/// One page of resources, each with the version that was the newest at a time.
async fn page_at(
    session: &mut Session,
    at_us: i64,
    places: &[i64],
    after: (i64, i64),
) -> Result<(Vec<Version>, Option<(i64, i64)>), StoreError> {
    // First a page of resources, then at most one version of each: neither database can choose
    // to sort all that is left for each page. Who did not exist then comes without a document.
    let head = "SELECT v.document, (SELECT k.mask_id FROM knowledge k WHERE k.version_id = v.id \
                AND k.since_us <= $1 ORDER BY k.since_us DESC LIMIT 1), r.place_id, r.id \
                FROM (SELECT place_id, id FROM resources \
                WHERE version_id IS NOT NULL AND id > $2";
    let tail = "ORDER BY id LIMIT 500) AS r LEFT JOIN versions v ON v.resource_id = r.id \
                AND v.detached = 0 AND v.deleted = 0 AND v.first_seen_us <= $1 \
                AND NOT EXISTS (SELECT 1 FROM versions n WHERE n.resource_id = r.id \
                AND n.number > v.number AND n.detached = 0 AND n.first_seen_us <= $1) \
                ORDER BY r.id";
    let params = vec![at_us.into(), after.1.into()];
    fetch_page(session, head, "AND place_id", tail, params, places).await
}

async fn fetch_page(
    session: &mut Session,
    head: &str,
    place: &str,
    tail: &str,
    mut params: Vec<Param>,
    places: &[i64],
) -> Result<(Vec<Version>, Option<(i64, i64)>), StoreError> {
    let sql = if places.is_empty() {
        format!("{head} {tail}")
    } else {
        in_list(&format!("{head} {place}"), params.len(), places.len(), tail)
    };
    params.extend(places.iter().copied().map(Into::into));
    let read = |row: &Row| Ok(((row.opt_blob(0)?, row.opt_int(1)?), (row.int(2)?, row.int(3)?)));
    let rows = session.fetch_as(sql, params, read).await?;
    let last = rows.last().map(|(_, at)| *at);
    Ok((rows.into_iter().map(|(version, _)| version).collect(), last))
}

/// Turns a page of versions and masks into resources.
pub(super) async fn decode_all(session: &mut Session, rows: Vec<Version>) -> Page {
    let masks = rows.iter().filter_map(|(_, mask)| *mask);
    let masks: HashMap<i64, Mask> = intern::details_by_id(session, masks).await?;
    rows.into_iter()
        .map(|(body, mask)| {
            let mut document = decode_version(session, body.as_deref())?;
            let mask = mask.and_then(|id| masks.get(&id)).cloned().unwrap_or_default();
            let unread = mask.lay_over(&mut document);
            let mut resource = document
                .into_resource()
                .map_err(|error| session.damaged(format!("a version: {error}")))?;
            resource.unread = unread;
            Ok(resource)
        })
        .collect()
}

/// The document of a version.
pub(crate) fn decode_version(
    session: &Session,
    body: Option<&[u8]>,
) -> Result<Document, StoreError> {
    let body = body.ok_or_else(|| session.damaged("a version without content was seen"))?;
    let json = unpack(body).map_err(|detail| session.damaged(detail))?;
    Document::from_json(&json).map_err(|error| session.damaged(format!("a version: {error}")))
}

/// The places that match a filter, ascending; `None` where all do.
async fn matching_places(
    session: &mut Session,
    filter: &ResourceFilter,
) -> Result<Option<Vec<i64>>, StoreError> {
    if filter.is_all() {
        return Ok(None);
    }
    let mut sql = "SELECT id FROM places WHERE 1 = 1".to_owned();
    let mut params: Vec<Param> = Vec::new();
    let columns = [
        (" AND type", &filter.types),
        (" AND account", &filter.accounts),
        (" AND region", &filter.regions),
    ];
    for (column, values) in columns {
        if !values.is_empty() {
            sql = in_list(&format!("{sql}{column}"), params.len(), values.len(), "");
            params.extend(values.iter().map(|value| column_text(value).into()));
        }
    }
    sql.push_str(" ORDER BY id");
    session.fetch_as(sql, params, |row| row.int(0)).await.map(Some)
}
