//! Storing what a scan saw: a sighting for each resource, a version only where it changed.
//! What counts as a change is decided in `merge.rs`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value};
use yagura_model::{Path, Resource, Unread, UnreadReason};

use super::Stored;
use super::texts::TextRows;
use crate::Store;
use crate::batch;
use crate::database::{Param, Session};
use crate::document::{self, Document, Keys};
use crate::encode::{column_text, digest, pack, unpack};
use crate::error::StoreError;
use crate::intern::{self, Place};
use crate::mask::Mask;
use crate::merge::{Effect, Merged, Newest, merge};
use crate::scan::{ScanId, running};

/// Resources stored in one transaction. Larger batches hold the writer lock longer without
/// being noticeably faster.
const BATCH: usize = 500;
/// The deepest nesting that is stored (see [`document::depth_of`]).
const DEPTH_MAX: usize = 100;

impl Store {
    /// Stores what a scan saw, in transactions of some hundred resources. Seeing the same again
    /// costs a few bytes; a version is written only where something changed, was first seen, or
    /// returned after a deletion.
    pub async fn put_resources(
        &self,
        scan: ScanId,
        resources: &[Resource],
    ) -> Result<Stored, StoreError> {
        let mut stored = Stored::default();
        for batch in resources.chunks(BATCH) {
            let mut session = self.database.write("store resources").await?;
            let started_us = running(&mut session, scan).await?;
            let done = put(&mut session, scan, started_us, batch).await?;
            session.commit().await?;
            stored += done;
        }
        Ok(stored)
    }
}

/// The number that the next version gets. INVARIANT: called within a write session only.
pub(crate) async fn next_version_id(session: &mut Session) -> Result<i64, StoreError> {
    let sql = "SELECT CAST(coalesce(max(id), 0) AS BIGINT) FROM versions";
    Ok(session.fetch_one(sql, vec![], |row| row.int(0)).await?.unwrap_or(0) + 1)
}

/// The row of a resource.
#[derive(Clone, Default)]
struct Known {
    id: i64,
    is_new: bool,
    version_id: Option<i64>,
    alive: bool,
    seen: (i64, i64),
    seen_digest: Option<Vec<u8>>,
    mask_id: Option<i64>,
    known_mask_id: Option<i64>,
}

/// One resource of the batch on its way.
struct Item<'a> {
    resource: &'a Resource,
    key_digest: Vec<u8>,
    digest: Vec<u8>,
    place_id: i64,
    known: Known,
}

/// The newest version of a resource, as far as merging needs it.
struct Loaded {
    number: i64,
    newest: Option<Newest>,
}

/// A resource that gets a new or an amended version.
struct Written {
    known: Known,
    place_id: i64,
    name: String,
    key: String,
    key_digest: Vec<u8>,
    digest: Vec<u8>,
    version_id: i64,
    number: i64,
    detached: bool,
    merged: Merged,
}

/// Stores one batch within a transaction.
pub(crate) async fn put(
    session: &mut Session,
    scan: ScanId,
    started_us: i64,
    resources: &[Resource],
) -> Result<Stored, StoreError> {
    let mut stored = Stored::default();
    let now = (started_us, scan.0);
    let readable: Vec<Option<Resource>> = resources.iter().map(readable).collect();
    let resources = resources.iter().zip(&readable).map(|(a, b)| b.as_ref().unwrap_or(a));
    let items = identify(session, resources, &mut stored).await?;
    let mut unchanged = Vec::new();
    let mut moved = Vec::new();
    for item in items {
        let Known { seen, alive, .. } = item.known;
        if seen == now && item.known.version_id.is_some() {
            stored.repeated += 1;
        } else if alive && item.known.seen_digest.as_ref() == Some(&item.digest) {
            stored.unchanged += 1;
            unchanged.push(item);
        } else {
            moved.push(item);
        }
    }
    let mut sightings = Vec::new();
    let mut seen_again: Vec<Param> = Vec::new();
    for Item { place_id, known, .. } in &unchanged {
        let version_id = known.version_id;
        sightings.push(sighting(scan, *place_id, known.id, version_id, known.mask_id));
        if known.seen < now {
            seen_again.push(known.id.into());
        }
    }
    let touch = "UPDATE resources SET seen_us = $1, seen_scan_id = $2 WHERE id";
    batch::execute_in(session, touch, &[started_us.into(), scan.0.into()], seen_again).await?;
    let written = merge_all(session, now, moved, &mut stored).await?;
    sightings.extend(write_all(session, now, written).await?);
    let see = "INSERT INTO sightings (scan_id, place_id, resource_id, version_id, mask_id)";
    let again = "ON CONFLICT (scan_id, place_id, resource_id) DO NOTHING";
    batch::insert(session, see, sightings, again).await?;
    Ok(stored)
}

fn sighting(
    scan: ScanId,
    place_id: i64,
    resource_id: i64,
    version_id: Option<i64>,
    mask_id: Option<i64>,
) -> Vec<Param> {
    vec![
        scan.0.into(),
        place_id.into(),
        resource_id.into(),
        version_id.unwrap_or_default().into(),
        mask_id.into(),
    ]
}

/// A resource whose nesting is too deep to be read back loses that member: it becomes unread,
/// never a lost batch. `None`: it is fine as it is.
fn readable(resource: &Resource) -> Option<Resource> {
    let deep =
        |map: &Map<String, Value>| map.values().any(|value| document::depth_of(value) > DEPTH_MAX);
    let (properties, runtime) = (deep(&resource.properties), deep(&resource.runtime));
    if !properties && !runtime {
        return None;
    }
    let mut resource = resource.clone();
    let mut hide = |member: &str| {
        resource.unread.push(Unread {
            path: Path::of_keys([member]),
            partial: false,
            reason: UnreadReason::Failed,
            call: String::new(),
            action: String::new(),
            detail: format!("nested more than {DEPTH_MAX} levels deep"),
        });
    };
    if properties {
        hide("properties");
    }
    if runtime {
        hide("runtime");
    }
    if properties {
        resource.properties.clear();
    }
    if runtime {
        resource.runtime.clear();
    }
    Some(resource)
}

/// What a resource looks like, apart from the order of sets, as a digest.
fn digest_of(resource: &Resource) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1024);
    let mut part = |text: &str| {
        bytes.extend_from_slice(&u64::try_from(text.len()).unwrap_or_default().to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    };
    part(&resource.key);
    part(resource.arn.as_deref().unwrap_or("-"));
    for text in [&resource.id, &resource.type_name, &resource.account, &resource.region] {
        part(text);
    }
    part(&resource.name);
    for (key, value) in &resource.tags {
        part(key);
        part(value);
    }
    bytes.push(0);
    document::write_map(&resource.properties, &mut bytes);
    document::write_map(&resource.runtime, &mut bytes);
    let mut relations: Vec<_> = resource.relations.iter().collect();
    relations.sort_unstable();
    // Plain structs of texts: writing them as JSON into memory cannot fail.
    let _ = serde_json::to_writer(&mut bytes, &relations);
    let mut unread: Vec<String> =
        resource.unread.iter().filter_map(|entry| serde_json::to_string(entry).ok()).collect();
    unread.sort_unstable();
    let _ = serde_json::to_writer(&mut bytes, &unread);
    digest(&bytes)
}

/// Finds the row of each resource, or gives it a new number; drops repetitions.
async fn identify<'a>(
    session: &mut Session,
    resources: impl Iterator<Item = &'a Resource>,
    stored: &mut Stored,
) -> Result<Vec<Item<'a>>, StoreError> {
    let mut distinct = HashSet::new();
    let mut items = Vec::new();
    let place = |r: &Resource| Place::new(&r.type_name, &r.account, &r.region);
    let mut places = BTreeSet::new();
    for resource in resources {
        let key_digest = digest(resource.key.as_bytes());
        if !distinct.insert(key_digest.clone()) {
            stored.repeated += 1;
            continue;
        }
        places.insert(place(resource));
        let digest = digest_of(resource);
        let known = Known { is_new: true, ..Known::default() };
        items.push(Item { resource, key_digest, digest, place_id: 0, known });
    }
    let places = intern::places(session, places).await?;
    let digests = items.iter().map(|item| item.key_digest.clone().into()).collect();
    let mut known = known_by_digest(session, digests).await?;
    let top = "SELECT CAST(coalesce(max(id), 0) AS BIGINT) FROM resources";
    let mut last = session.fetch_one(top, vec![], |row| row.int(0)).await?.unwrap_or(0);
    for item in &mut items {
        item.place_id = places.get(&place(item.resource)).copied().unwrap_or_default();
        match known.remove(&item.key_digest) {
            Some(found) => item.known = found,
            None => {
                last += 1;
                item.known.id = last;
            }
        }
    }
    Ok(items)
}

async fn known_by_digest(
    session: &mut Session,
    digests: Vec<Param>,
) -> Result<HashMap<Vec<u8>, Known>, StoreError> {
    let find = "SELECT key_digest, id, version_id, alive, seen_us, seen_scan_id, seen_digest, \
                mask_id, known_mask_id FROM resources WHERE key_digest";
    let rows = batch::select_in(session, find, &[], digests, "").await?;
    rows.iter()
        .map(|row| {
            let known = Known {
                id: row.int(1)?,
                is_new: false,
                version_id: row.opt_int(2)?,
                alive: row.flag(3)?,
                seen: (row.int(4)?, row.int(5)?),
                seen_digest: row.opt_blob(6)?,
                mask_id: row.opt_int(7)?,
                known_mask_id: row.opt_int(8)?,
            };
            Ok((row.blob(0)?, known))
        })
        .collect::<Result<_, _>>()
        .map_err(|error| session.fail(error))
}

/// Merges every resource that is not exactly as it was last seen into its newest version.
async fn merge_all(
    session: &mut Session,
    now: (i64, i64),
    items: Vec<Item<'_>>,
    stored: &mut Stored,
) -> Result<Vec<Written>, StoreError> {
    let mut loaded = load_newest(session, &items).await?;
    let mut next = next_version_id(session).await?;
    let mut written = Vec::with_capacity(items.len());
    for Item { resource, key_digest, digest, place_id, known } in items {
        let loaded = loaded.remove(&known.id);
        // A scan that is older than the newest sighting does not rewrite the timeline: what it
        // saw is kept for the scan alone.
        let detached = known.version_id.is_some() && known.seen > now;
        let number = loaded.as_ref().map_or(0, |loaded| loaded.number);
        let newest = loaded.and_then(|loaded| loaded.newest).filter(|_| !detached);
        let is_known = newest.is_some();
        let merged =
            merge(newest.as_ref(), &Document::of(resource.clone()), resource.unread.clone());
        let changed = matches!(merged.effect, Effect::Changed { .. });
        match (changed || detached, is_known || detached) {
            (false, _) => stored.unchanged += 1,
            (true, false) => stored.new += 1,
            (true, true) => stored.changed += 1,
        }
        let version_id = if changed || detached {
            next += 1;
            next - 1
        } else {
            known.version_id.unwrap_or_default()
        };
        written.push(Written {
            place_id,
            name: column_text(&resource.name),
            key: column_text(&resource.key),
            key_digest,
            digest,
            version_id,
            number: if detached { 0 } else { number + 1 },
            detached,
            merged,
            known,
        });
    }
    Ok(written)
}

/// The newest versions of resources that have one; without content where it is a deletion.
async fn load_newest(
    session: &mut Session,
    items: &[Item<'_>],
) -> Result<HashMap<i64, Loaded>, StoreError> {
    let masks = items.iter().filter_map(|item| item.known.known_mask_id);
    let masks: HashMap<i64, Mask> = intern::details_by_id(session, masks).await?;
    let mask_of: HashMap<i64, Option<i64>> =
        items.iter().map(|item| (item.known.id, item.known.known_mask_id)).collect();
    let ids = items.iter().filter_map(|item| item.known.version_id.map(Into::into)).collect();
    let find = "SELECT resource_id, number, gaps, document FROM versions WHERE id";
    let rows = batch::select_in(session, find, &[], ids, "").await?;
    let mut loaded = HashMap::with_capacity(rows.len());
    for row in &rows {
        let read = || Ok((row.int(0)?, row.int(1)?, row.opt_text(2)?, row.opt_blob(3)?));
        let (resource_id, number, gaps, body) = read().map_err(|e| session.fail(e))?;
        let newest = match body {
            None => None,
            Some(body) => {
                let json = unpack(&body).map_err(|detail| session.damaged(detail))?;
                let document = Document::from_json(&json)
                    .map_err(|error| session.damaged(format!("a version: {error}")))?;
                let gaps = read_gaps(session, gaps.as_deref())?;
                let known = mask_of.get(&resource_id).copied().flatten();
                let known = known.and_then(|id| masks.get(&id)).cloned().unwrap_or_default();
                Some(Newest { document, gaps, known })
            }
        };
        loaded.insert(resource_id, Loaded { number, newest });
    }
    Ok(loaded)
}

/// The gaps of a version, as its column holds them.
pub(crate) fn read_gaps(session: &Session, text: Option<&str>) -> Result<Vec<Keys>, StoreError> {
    text.map_or_else(|| Ok(Vec::new()), serde_json::from_str)
        .map_err(|error| session.damaged(format!("gaps: {error}")))
}

fn gaps_column(gaps: &[Keys]) -> Option<String> {
    // Lists of texts: writing them as JSON cannot fail. NUL is escaped in JSON.
    (!gaps.is_empty()).then(|| serde_json::to_string(gaps).unwrap_or_default())
}

/// Writes versions, what is known of them, and the resources' rows; answers the sightings.
async fn write_all(
    session: &mut Session,
    now: (i64, i64),
    written: Vec<Written>,
) -> Result<Vec<Vec<Param>>, StoreError> {
    let mut bodies = BTreeMap::new();
    let mut intern_mask = |mask: &Mask| {
        (!mask.is_empty()).then(|| {
            let (digest, body) = intern::detail(mask);
            bodies.insert(digest.clone(), body);
            digest
        })
    };
    let masks: Vec<[Option<Vec<u8>>; 2]> = written
        .iter()
        .map(|w| [intern_mask(&w.merged.mask), intern_mask(&w.merged.known)])
        .collect();
    let ids = intern::details(session, bodies).await?;
    let mut rows = Rows::default();
    let mut sightings = Vec::with_capacity(written.len());
    for (item, [mask, known]) in written.into_iter().zip(masks) {
        let id_of = |digest: Option<Vec<u8>>| digest.and_then(|d| ids.get(&d).copied());
        let (mask_id, known_mask_id) = (id_of(mask), id_of(known));
        let scan = ScanId(now.1);
        let version_id = Some(item.version_id);
        sightings.push(sighting(scan, item.place_id, item.known.id, version_id, mask_id));
        let json = item
            .merged
            .document
            .to_json()
            .map_err(|error| session.damaged(format!("a resource: {error}")))?;
        rows.add(now, item, pack(&json), [mask_id, known_mask_id]);
    }
    rows.write(session).await?;
    Ok(sightings)
}

/// Rows on their way to the database, statement by statement.
#[derive(Default)]
struct Rows {
    versions: Vec<Vec<Param>>,
    amended: Vec<Vec<Param>>,
    ended: Vec<Vec<Param>>,
    knowledge: Vec<Vec<Param>>,
    new_resources: Vec<Vec<Param>>,
    resources: Vec<Vec<Param>>,
    texts: TextRows,
}

impl Rows {
    fn add(&mut self, now: (i64, i64), item: Written, body: Vec<u8>, masks: [Option<i64>; 2]) {
        let Written { known, version_id, merged, detached, .. } = item;
        let [mask_id, known_mask_id] = masks;
        let gaps = gaps_column(&merged.gaps);
        let (runtime_only, is_version) = match merged.effect {
            Effect::Changed { runtime_only } => (runtime_only, true),
            Effect::Same | Effect::Amended => (false, false),
        };
        if is_version {
            self.versions.push(vec![
                version_id.into(),
                known.id.into(),
                item.number.into(),
                now.1.into(),
                now.0.into(),
                detached.into(),
                runtime_only.into(),
                gaps.into(),
                body.into(),
            ]);
        } else if merged.effect == Effect::Amended {
            self.amended.push(vec![version_id.into(), gaps.into(), body.into()]);
        }
        if detached {
            return;
        }
        if is_version || merged.effect == Effect::Amended {
            self.texts.add(known.id, &merged.document);
        }
        if is_version && let Some(before) = known.version_id {
            self.ended.push(vec![before.into(), known.seen.0.into()]);
        }
        if known.known_mask_id != known_mask_id || is_version && known_mask_id.is_some() {
            self.knowledge.push(vec![version_id.into(), now.0.into(), known_mask_id.into()]);
        }
        let mut row = vec![
            known.id.into(),
            item.name.into(),
            item.place_id.into(),
            version_id.into(),
            now.0.into(),
            now.1.into(),
            item.digest.into(),
            mask_id.into(),
            known_mask_id.into(),
        ];
        if known.is_new {
            row.extend([item.key_digest.into(), item.key.into()]);
            self.new_resources.push(row);
        } else {
            self.resources.push(row);
        }
    }

    async fn write(self, session: &mut Session) -> Result<(), StoreError> {
        let insert = "INSERT INTO versions (id, resource_id, number, first_scan_id, \
                      first_seen_us, deleted, detached, runtime_only, gaps, document) \
                      SELECT column1, column2, column3, column4, column5, 0, column6, column7, \
                      column8, column9 FROM (";
        batch::insert(session, insert, self.versions, ") AS v").await?;
        let amend = "UPDATE versions SET gaps = v.column2, document = v.column3";
        batch::update(session, amend, self.amended, "WHERE versions.id = v.column1").await?;
        let end = "UPDATE versions SET last_seen_us = v.column2";
        batch::update(session, end, self.ended, "WHERE versions.id = v.column1").await?;
        let know = "INSERT INTO knowledge (version_id, since_us, mask_id)";
        let again = "ON CONFLICT (version_id, since_us) DO UPDATE SET mask_id = excluded.mask_id";
        batch::insert(session, know, self.knowledge, again).await?;
        let new = "INSERT INTO resources (id, name, place_id, version_id, alive, seen_us, \
                   seen_scan_id, seen_digest, mask_id, known_mask_id, key_digest, key) \
                   SELECT column1, column2, column3, column4, 1, column5, column6, column7, \
                   column8, column9, column10, column11 FROM (";
        batch::insert(session, new, self.new_resources, ") AS v").await?;
        let see = "UPDATE resources SET name = v.column2, place_id = v.column3, \
                   version_id = v.column4, alive = 1, seen_us = v.column5, \
                   seen_scan_id = v.column6, seen_digest = v.column7, mask_id = v.column8, \
                   known_mask_id = v.column9";
        batch::update(session, see, self.resources, "WHERE resources.id = v.column1").await?;
        self.texts.write(session).await
    }
}
