//! Listings: noting what a feed has, and comparing it with what is known.
//! Who then works on the new objects is in `claim.rs`.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use yagura_model::object::LogObject;

use super::{Ledger, ObjectState, identity_bytes, reason, version_text};
use crate::batch;
use crate::database::{Param, Row, Session};
use crate::encode::{column_text, digest};
use crate::error::StoreError;

/// Objects recorded in one transaction: a page of an S3 listing.
const PAGE: usize = 1_000;

/// The number of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListingId(pub i64);

/// How much a listing looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListingKind {
    /// All keys of the feed.
    Full,
    /// Where new keys are likely; late ones elsewhere are found by the next full listing.
    Recent,
    /// What others announced (messages of a queue).
    Announced,
    /// Not a listing: objects that this ledger learned of from the lake's own record.
    Recovered,
    /// Not a listing: pending objects that went to or came from another feed.
    Moved,
}

impl ListingKind {
    /// The word used in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Recent => "recent",
            Self::Announced => "announced",
            Self::Recovered => "recovered",
            Self::Moved => "moved",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::Full, Self::Recent, Self::Announced, Self::Recovered, Self::Moved]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// What the ledger already knew of a listed object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing: it is pending now, or a duplicate at once where the content is known.
    New(ObjectState),
    /// It was listed before and is still to be read.
    Pending,
    /// It is done with; the feed may forget it.
    Settled(ObjectState),
}

/// A listing, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its number.
    pub id: ListingId,
    /// How much it looked at.
    pub kind: ListingKind,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; `None` while it runs, or when its process was killed.
    pub finished: Option<Timestamp>,
    /// Objects it saw.
    pub seen: u64,
    /// Objects it added; negative where they went to another feed.
    pub added: i64,
    /// Why it ended early.
    pub failure: Option<String>,
}

/// A row that has the identity of a listed object.
#[derive(Clone)]
struct Found {
    id: i64,
    version: String,
    state: ObjectState,
    feed: i64,
    free: bool,
    gone: bool,
}

impl Found {
    /// A duplicate that this page adds. It has no number yet and is never looked at by one.
    fn duplicate(version: String, feed: i64) -> Self {
        Self { id: 0, version, state: ObjectState::Duplicate, feed, free: true, gone: false }
    }
}

/// What one page comes to.
#[derive(Default)]
struct Plan {
    known: Vec<Known>,
    /// Position in the page.
    new: Vec<usize>,
    /// Position in the page, and whose content it has.
    duplicates: Vec<(usize, Original)>,
    versions: Vec<(i64, String)>,
    taken: Vec<(i64, i64)>,
    reopened: Vec<i64>,
}

#[derive(Clone, Copy)]
enum Original {
    Row(i64),
    /// New on the same page.
    SamePage,
}

impl Ledger {
    /// Begins a listing of a feed.
    pub async fn begin_listing(
        &self,
        feed: &str,
        kind: ListingKind,
        now: Timestamp,
    ) -> Result<ListingId, StoreError> {
        let mut session = self.database.write("begin a listing").await?;
        let feed = feed_id(&mut session, feed).await?;
        let id = begin(&mut session, feed, kind, now).await?;
        session.commit().await?;
        Ok(id)
    }

    /// Notes listed objects: new ones become pending, known ones stay what they are. Answers for
    /// each object, in the order given, what was known of it.
    ///
    /// The same content under a new version is a duplicate at once. A pending object that nobody
    /// works on moves to the feed that listed it last. Pages of 1,000 are one transaction each.
    pub async fn record(
        &self,
        listing: ListingId,
        objects: &[LogObject],
        now: Timestamp,
    ) -> Result<Vec<Known>, StoreError> {
        let mut known = Vec::with_capacity(objects.len());
        for page in objects.chunks(PAGE) {
            let mut session = self.database.write("record a listing").await?;
            known.extend(record_page(&mut session, listing, page, now).await?);
            session.commit().await?;
        }
        Ok(known)
    }

    /// Ends a listing, with the reason where it could not see everything.
    pub async fn end_listing(
        &self,
        listing: ListingId,
        now: Timestamp,
        failure: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut session = self.database.write("end a listing").await?;
        let sql = "UPDATE listings SET finished_us = $2, failure = $3 WHERE id = $1";
        let failure = failure.map(column_text);
        let params = vec![listing.0.into(), now.as_microsecond().into(), failure.into()];
        session.execute(sql, params).await?;
        session.commit().await
    }

    /// When the newest full listing of a feed that saw everything began.
    pub async fn last_full_listing(&self, feed: &str) -> Result<Option<Timestamp>, StoreError> {
        let mut session = self.database.read("look up a listing");
        let sql = "SELECT l.started_us FROM listings l JOIN feeds f ON f.id = l.feed_id \
                   WHERE f.name = $1 AND l.kind = 'full' AND l.finished_us IS NOT NULL \
                   AND l.failure IS NULL ORDER BY l.started_us DESC LIMIT 1";
        let found = session.fetch_one(sql, vec![column_text(feed).into()], |row| row.int(0));
        let found = found.await?;
        found.map(|us| time(&session, us)).transpose()
    }

    /// The listings of a feed, newest first, at most `limit`.
    pub async fn listings(&self, feed: &str, limit: usize) -> Result<Vec<Listing>, StoreError> {
        let mut session = self.database.read("list listings");
        let sql = "SELECT l.id, l.kind, l.started_us, l.finished_us, l.seen_count, \
                   l.added_count, l.failure FROM listings l JOIN feeds f ON f.id = l.feed_id \
                   WHERE f.name = $1 ORDER BY l.id DESC LIMIT $2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let params = vec![column_text(feed).into(), limit.into()];
        let rows = session.fetch(sql, params).await?;
        rows.iter().map(|row| listing_of(&session, row)).collect()
    }
}

fn listing_of(session: &Session, row: &Row) -> Result<Listing, StoreError> {
    let read = || {
        Ok::<_, sqlx::Error>((
            (row.int(0)?, row.text(1)?, row.int(2)?),
            (row.opt_int(3)?, row.int(4)?, row.int(5)?, row.opt_text(6)?),
        ))
    };
    let ((id, kind, started), (finished, seen, added, failure)) =
        read().map_err(|error| session.fail(error))?;
    Ok(Listing {
        id: ListingId(id),
        kind: ListingKind::of(&kind)
            .ok_or_else(|| session.damaged(format!("listing {id}: unknown kind")))?,
        started: time(session, started)?,
        finished: finished.map(|us| time(session, us)).transpose()?,
        seen: super::uncount(seen),
        added,
        failure,
    })
}

pub(super) fn time(session: &Session, us: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(us).map_err(|error| session.damaged(error.to_string()))
}

/// The number of a feed, made where it is missing.
pub(super) async fn feed_id(session: &mut Session, name: &str) -> Result<i64, StoreError> {
    let name = column_text(name);
    let find = "SELECT id FROM feeds WHERE name = $1";
    if let Some(id) = session.fetch_one(find, vec![name.clone().into()], |row| row.int(0)).await? {
        return Ok(id);
    }
    let make = "INSERT INTO feeds (name) VALUES ($1) RETURNING id";
    let made = session.fetch_one(make, vec![name.into()], |row| row.int(0)).await?;
    made.ok_or_else(|| session.damaged("a feed got no number"))
}

pub(super) async fn begin(
    session: &mut Session,
    feed: i64,
    kind: ListingKind,
    now: Timestamp,
) -> Result<ListingId, StoreError> {
    let sql = "INSERT INTO listings (feed_id, kind, started_us, seen_count, added_count) \
               VALUES ($1, $2, $3, 0, 0) RETURNING id";
    let params = vec![feed.into(), kind.as_str().into(), now.as_microsecond().into()];
    let made = session.fetch_one(sql, params, |row| row.int(0)).await?;
    made.map(ListingId).ok_or_else(|| session.damaged("a listing got no number"))
}

/// Adds to the counts of a listing.
pub(super) async fn add_counts(
    session: &mut Session,
    listing: ListingId,
    seen: usize,
    added: i64,
) -> Result<(), StoreError> {
    let sql = "UPDATE listings SET seen_count = seen_count + $2, \
               added_count = added_count + $3 WHERE id = $1";
    let seen = i64::try_from(seen).unwrap_or(i64::MAX);
    session.execute(sql, vec![listing.0.into(), seen.into(), added.into()]).await?;
    Ok(())
}

async fn record_page(
    session: &mut Session,
    listing: ListingId,
    page: &[LogObject],
    now: Timestamp,
) -> Result<Vec<Known>, StoreError> {
    let find = "SELECT feed_id FROM listings WHERE id = $1";
    let feed = session.fetch_one(find, vec![listing.0.into()], |row| row.int(0)).await?;
    let feed =
        feed.ok_or_else(|| session.damaged(format!("listing {} is not there", listing.0)))?;
    let identities: Vec<Vec<u8>> = page.iter().map(|o| identity_bytes(&o.identity())).collect();
    let found = find_rows(session, &identities, now).await?;
    let plan = plan_page(page, &identities, found, feed);

    let mut ids: HashMap<Vec<u8>, i64> = HashMap::with_capacity(plan.new.len());
    let rows = plan
        .new
        .iter()
        .filter_map(|at| Some(insert_row(page.get(*at)?, identities.get(*at)?, feed, None, now)));
    let returned = batch::insert(session, INSERT, rows.collect(), "RETURNING id, identity").await?;
    for row in &returned {
        let read = || Ok::<_, sqlx::Error>((row.blob(1)?, row.int(0)?));
        let (identity, id) = read().map_err(|error| session.fail(error))?;
        ids.insert(identity, id);
    }
    let rows = plan.duplicates.iter().filter_map(|(at, original)| {
        let identity = identities.get(*at)?;
        let of = match original {
            Original::Row(id) => *id,
            Original::SamePage => *ids.get(identity)?,
        };
        Some(insert_row(page.get(*at)?, identity, feed, Some(of), now))
    });
    batch::insert(session, INSERT, rows.collect(), "").await?;
    let added = i64::try_from(plan.new.len() + plan.duplicates.len()).unwrap_or(i64::MAX);
    add_counts(session, listing, page.len(), added).await?;
    change_known(session, &plan, feed, now).await?;
    Ok(plan.known)
}

async fn find_rows(
    session: &mut Session,
    identities: &[Vec<u8>],
    now: Timestamp,
) -> Result<HashMap<Vec<u8>, Vec<Found>>, StoreError> {
    let find = "SELECT id, identity, version, state, feed_id, claimed_by, available_us, reason \
                FROM log_objects WHERE identity";
    let values: BTreeSet<&Vec<u8>> = identities.iter().collect();
    let values = values.into_iter().cloned().map(Param::from).collect();
    let rows = batch::select_in(session, find, &[], values, "").await?;
    let mut found: HashMap<Vec<u8>, Vec<Found>> = HashMap::with_capacity(rows.len());
    for row in &rows {
        let read = || {
            let free = row.opt_text(5)?.is_none() || row.int(6)? <= now.as_microsecond();
            let why = row.opt_text(7)?;
            let gone = matches!(why.as_deref(), Some(reason::GONE | reason::CHANGED));
            Ok::<_, sqlx::Error>((
                (row.blob(1)?, row.text(3)?),
                (row.int(0)?, row.text(2)?, row.int(4)?, free, gone),
            ))
        };
        let ((identity, state), (id, version, feed, free, gone)) =
            read().map_err(|error| session.fail(error))?;
        let state = ObjectState::of(&state)
            .ok_or_else(|| session.damaged(format!("log object {id}: unknown state")))?;
        let rows = found.entry(identity).or_default();
        rows.push(Found { id, version, state, feed, free, gone });
        rows.sort_by_key(|row| row.id);
    }
    Ok(found)
}

fn plan_page(
    page: &[LogObject],
    identities: &[Vec<u8>],
    mut found: HashMap<Vec<u8>, Vec<Found>>,
    feed: i64,
) -> Plan {
    let mut plan = Plan { known: Vec::with_capacity(page.len()), ..Plan::default() };
    // Contents new on this page, and under which versions.
    let mut fresh: HashMap<&[u8], Vec<String>> = HashMap::new();
    for (at, (object, identity)) in page.iter().zip(identities).enumerate() {
        let version = version_text(object);
        let same = |known: &str| known == version || known.is_empty() || version.is_empty();
        let known = if let Some(rows) = found.get_mut(identity) {
            let first = rows.first().map_or(0, |row| row.id);
            if let Some(row) = rows.iter_mut().find(|row| same(&row.version)) {
                plan_known(&mut plan, row, version, feed)
            } else {
                plan.duplicates.push((at, Original::Row(first)));
                rows.push(Found::duplicate(version, feed));
                Known::New(ObjectState::Duplicate)
            }
        } else if let Some(versions) = fresh.get_mut(identity.as_slice()) {
            if versions.iter().any(|known| same(known)) {
                Known::Pending
            } else {
                plan.duplicates.push((at, Original::SamePage));
                versions.push(version);
                Known::New(ObjectState::Duplicate)
            }
        } else {
            fresh.insert(identity, vec![version]);
            plan.new.push(at);
            Known::New(ObjectState::Pending)
        };
        plan.known.push(known);
    }
    plan
}

fn plan_known(plan: &mut Plan, row: &mut Found, version: String, feed: i64) -> Known {
    if row.version.is_empty() && !version.is_empty() {
        row.version.clone_from(&version);
        plan.versions.push((row.id, version));
    }
    if row.state == ObjectState::Quarantined && row.gone {
        row.state = ObjectState::Pending;
        plan.reopened.push(row.id);
    }
    if row.state != ObjectState::Pending {
        return Known::Settled(row.state);
    }
    if row.feed != feed && row.free {
        plan.taken.push((row.id, row.feed));
        row.feed = feed;
    }
    Known::Pending
}

const INSERT: &str = "INSERT INTO log_objects (identity, version, place, feed_id, location, \
                      key_bytes, key, etag, size_bytes, modified_us, day, state, \
                      available_us, attempts, row_count, repeat_count, bad_count, \
                      duplicate_of, listed_us, settled_us)";

fn insert_row(
    object: &LogObject,
    identity: &[u8],
    feed: i64,
    duplicate_of: Option<i64>,
    now: Timestamp,
) -> Vec<Param> {
    let now_us = now.as_microsecond();
    let state = if duplicate_of.is_some() { ObjectState::Duplicate } else { ObjectState::Pending };
    let mut row = place_columns(object, identity, feed);
    row.extend([
        state.as_str().into(),
        0_i64.into(),
        0_i64.into(),
        0_i64.into(),
        0_i64.into(),
        0_i64.into(),
        duplicate_of.into(),
        now_us.into(),
        duplicate_of.map(|_| now_us).into(),
    ]);
    row
}

/// The columns from `identity` to `day`.
pub(super) fn place_columns(object: &LogObject, identity: &[u8], feed: i64) -> Vec<Param> {
    let location = column_text(&object.location);
    let key = column_text(&object.key);
    let key_bytes = i64::try_from(key.len()).unwrap_or(i64::MAX);
    let own_key = (!location.ends_with(&key)).then_some(key);
    vec![
        identity.to_vec().into(),
        version_text(object).into(),
        digest(object.location.as_bytes()).into(),
        feed.into(),
        location.into(),
        key_bytes.into(),
        own_key.into(),
        object.etag.as_deref().map(column_text).into(),
        super::count(object.size_bytes).into(),
        object.modified.map(Timestamp::as_microsecond).into(),
        i64::from(object.day()).into(),
    ]
}

/// Changes rows that a listing told something new about.
async fn change_known(
    session: &mut Session,
    plan: &Plan,
    feed: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let versions = plan.versions.iter();
    let versions = versions.map(|(id, version)| vec![(*id).into(), version.as_str().into()]);
    let sql = "UPDATE log_objects SET version = v.column2";
    batch::update(session, sql, versions.collect(), "WHERE id = v.column1").await?;
    let reopened = plan.reopened.iter().map(|id| Param::from(*id)).collect();
    let sql = "UPDATE log_objects SET state = 'pending', reason = NULL, detail = NULL, \
               attempts = 0, settled_us = NULL WHERE id";
    batch::execute_in(session, sql, &[], reopened).await?;
    if plan.taken.is_empty() {
        return Ok(());
    }
    let taken: Vec<Param> = plan.taken.iter().map(|(id, _)| Param::from(*id)).collect();
    let sql = "UPDATE log_objects SET feed_id = $1, claimed_by = NULL WHERE id";
    batch::execute_in(session, sql, &[feed.into()], taken).await?;
    let mut counts: HashMap<i64, i64> = HashMap::new();
    for (_, from) in &plan.taken {
        *counts.entry(*from).or_default() -= 1;
        *counts.entry(feed).or_default() += 1;
    }
    for (feed, added) in counts {
        let moved = begin(session, feed, ListingKind::Moved, now).await?;
        add_counts(session, moved, 0, added).await?;
        let sql = "UPDATE listings SET finished_us = started_us WHERE id = $1";
        session.execute(sql, vec![moved.0.into()]).await?;
    }
    Ok(())
}
