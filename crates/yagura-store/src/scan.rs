//! Scans: beginning, ending, listing, and how much each covered.
//! What a scan saw is in `resources/`, what it judged in `verdicts/`.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use yagura_model::{Coverage, CoverageState, GLOBAL_REGION};

use crate::Store;
use crate::batch;
use crate::database::{Row, Session};
use crate::encode::column_text;
use crate::error::StoreError;
use crate::intern::{self, Place};

/// The number of a scan in one store. Numbers are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ScanId(pub i64);

impl fmt::Display for ScanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for ScanId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// An account as the organization names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// The account's name; empty where it could not be read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The path of organizational units (`/Workloads/Production`); empty where unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ou: String,
}

/// What a scan sets out to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanStart {
    /// When it starts. All that it sees counts as seen at this time.
    pub started: Timestamp,
    /// The accounts it will read.
    pub accounts: Vec<Account>,
    /// The regions it will read.
    pub regions: Vec<String>,
    /// The ids of the controls it will judge.
    pub controls: Vec<String>,
    /// Whether it reads every attribute of every type.
    pub full: bool,
}

/// How a scan ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanOutcome {
    /// It did what it set out to do, though some calls may have failed.
    Complete,
    /// It was interrupted; what it had read was kept.
    Interrupted,
    /// It could not go on.
    Failed,
}

/// Where a scan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanState {
    /// Not ended: it runs, or its process was killed.
    Running,
    /// See [`ScanOutcome::Complete`].
    Complete,
    /// See [`ScanOutcome::Interrupted`].
    Interrupted,
    /// See [`ScanOutcome::Failed`].
    Failed,
}

impl ScanState {
    /// The word used in files and outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::Running, Self::Complete, Self::Interrupted, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

impl From<ScanOutcome> for ScanState {
    fn from(outcome: ScanOutcome) -> Self {
        match outcome {
            ScanOutcome::Complete => Self::Complete,
            ScanOutcome::Interrupted => Self::Interrupted,
            ScanOutcome::Failed => Self::Failed,
        }
    }
}

/// A scan, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Its number.
    pub id: ScanId,
    /// What it set out to do.
    pub start: ScanStart,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// Where it stands.
    pub state: ScanState,
    /// Whether it came from a snapshot file.
    pub imported: bool,
    /// Whether its sightings and verdicts were pruned; its counts remain.
    pub pruned: bool,
    /// Resources seen; counted when the scan ends.
    pub resources: u64,
}

/// What ending a scan did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// Resources that the scan saw.
    pub resources: u64,
    /// Resources that got a deletion version.
    pub deleted: u64,
}

#[derive(Serialize, Deserialize)]
struct Scope {
    accounts: Vec<Account>,
    regions: Vec<String>,
    controls: Vec<String>,
}

const COLUMNS: &str = "SELECT id, started_us, finished_us, state, full_read, imported, pruned, \
                       resource_count, scope FROM scans";

struct ScanRow {
    id: i64,
    started_us: i64,
    finished_us: Option<i64>,
    state: String,
    flags: [bool; 3],
    resources: i64,
    scope: String,
}

fn read_row(row: &Row) -> Result<ScanRow, sqlx::Error> {
    Ok(ScanRow {
        id: row.int(0)?,
        started_us: row.int(1)?,
        finished_us: row.opt_int(2)?,
        state: row.text(3)?,
        flags: [row.flag(4)?, row.flag(5)?, row.flag(6)?],
        resources: row.int(7)?,
        scope: row.text(8)?,
    })
}

fn scan_of(session: &Session, row: ScanRow) -> Result<Scan, StoreError> {
    let damaged = |what: &str| session.damaged(format!("scan {}: {what}", row.id));
    let scope: Scope = serde_json::from_str(&row.scope).map_err(|e| damaged(&e.to_string()))?;
    let time = |us| Timestamp::from_microsecond(us).map_err(|e| damaged(&e.to_string()));
    let [full, imported, pruned] = row.flags;
    Ok(Scan {
        id: ScanId(row.id),
        start: ScanStart {
            started: time(row.started_us)?,
            accounts: scope.accounts,
            regions: scope.regions,
            controls: scope.controls,
            full,
        },
        finished: row.finished_us.map(time).transpose()?,
        state: ScanState::of(&row.state).ok_or_else(|| damaged("unknown state"))?,
        imported,
        pruned,
        resources: u64::try_from(row.resources).unwrap_or_default(),
    })
}

impl Store {
    /// Begins a scan and remembers its accounts.
    pub async fn begin_scan(&self, start: &ScanStart) -> Result<ScanId, StoreError> {
        let mut session = self.database.write("begin a scan").await?;
        let id = begin(&mut session, start, false).await?;
        session.commit().await?;
        Ok(id)
    }

    /// Notes how much the scan listed. Several statements about one place add up: the worst
    /// state stays and counts add, so that a denied part can never be called complete.
    ///
    /// A region of [`GLOBAL_REGION`] speaks for the type's resources in every region of the
    /// account, except in regions of which the scan says something of their own.
    pub async fn put_coverage(
        &self,
        scan: ScanId,
        coverage: &[Coverage],
    ) -> Result<(), StoreError> {
        let mut session = self.database.write("store how much a scan listed").await?;
        running(&mut session, scan).await?;
        put_coverage(&mut session, scan, coverage).await?;
        session.commit().await
    }

    /// Ends a scan. Where it listed completely, resources that it did not see get a deletion
    /// version; nowhere else. A failed scan deletes nothing; an interrupted one only where
    /// everything that it listed was also stored.
    pub async fn finish_scan(
        &self,
        scan: ScanId,
        outcome: ScanOutcome,
        finished: Timestamp,
    ) -> Result<Finished, StoreError> {
        let mut session = self.database.write("end a scan").await?;
        let done = finish(&mut session, scan, outcome, finished).await?;
        session.commit().await?;
        Ok(done)
    }

    /// All scans, newest first, at most `limit`.
    pub async fn scans(&self, limit: usize) -> Result<Vec<Scan>, StoreError> {
        let mut session = self.database.read("list scans");
        let sql = format!("{COLUMNS} ORDER BY started_us DESC, id DESC LIMIT $1");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = session.fetch_as(sql, vec![limit.into()], read_row).await?;
        rows.into_iter().map(|row| scan_of(&session, row)).collect()
    }

    /// One scan.
    pub async fn scan(&self, scan: ScanId) -> Result<Scan, StoreError> {
        let mut session = self.database.read("look up a scan");
        load(&mut session, scan).await
    }

    /// The newest scan that ended complete or interrupted, imported or not.
    pub async fn latest_scan(&self) -> Result<Option<Scan>, StoreError> {
        self.latest_scan_at(Timestamp::MAX).await
    }

    /// The newest such scan that started at or before a time.
    pub async fn latest_scan_at(&self, at: Timestamp) -> Result<Option<Scan>, StoreError> {
        let mut session = self.database.read("look up a scan");
        let sql = format!(
            "{COLUMNS} WHERE state IN ('complete', 'interrupted') AND started_us <= $1 \
             ORDER BY started_us DESC, id DESC LIMIT 1"
        );
        let row = session.fetch_one(sql, vec![at.as_microsecond().into()], read_row).await?;
        row.map(|row| scan_of(&session, row)).transpose()
    }

    /// What a scan listed, and what it could not, by type, account and region.
    pub async fn coverage(&self, scan: ScanId) -> Result<Vec<Coverage>, StoreError> {
        let mut session = self.database.read("read how much a scan listed");
        let known = load(&mut session, scan).await?;
        if known.pruned {
            return Err(StoreError::ScanPruned(scan.0));
        }
        coverage(&mut session, scan).await
    }

    /// Every account ever scanned, by id, as last named.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let mut session = self.database.read("list accounts");
        let sql = "SELECT id, name, ou FROM accounts ORDER BY id";
        session
            .fetch_as(sql, vec![], |row| {
                Ok(Account { id: row.text(0)?, name: row.text(1)?, ou: row.text(2)? })
            })
            .await
    }
}

pub(crate) async fn begin(
    session: &mut Session,
    start: &ScanStart,
    imported: bool,
) -> Result<ScanId, StoreError> {
    let scope = Scope {
        accounts: start.accounts.clone(),
        regions: start.regions.clone(),
        controls: start.controls.clone(),
    };
    let scope =
        serde_json::to_string(&scope).map_err(|error| session.damaged(error.to_string()))?;
    let sql = "INSERT INTO scans \
               (started_us, state, full_read, imported, pruned, resource_count, scope) \
               VALUES ($1, 'running', $2, $3, 0, 0, $4) RETURNING id";
    let params = vec![
        start.started.as_microsecond().into(),
        start.full.into(),
        imported.into(),
        column_text(&scope).into(),
    ];
    let id = session.fetch_one(sql, params, |row| row.int(0)).await?;
    let rows = start
        .accounts
        .iter()
        .map(|account| [&account.id, &account.name, &account.ou])
        .map(|texts| texts.map(|text| column_text(text).into()).into())
        .collect::<Vec<Vec<_>>>();
    // One statement may not touch the same row twice on PostgreSQL, so accounts go one by one.
    let insert = "INSERT INTO accounts (id, name, ou) VALUES ($1, $2, $3) ON CONFLICT (id) \
                  DO UPDATE SET name = excluded.name, ou = excluded.ou";
    for row in rows {
        session.execute(insert, row).await?;
    }
    id.map(ScanId).ok_or_else(|| session.damaged("a scan got no number"))
}

/// A scan by its number.
pub(crate) async fn load(session: &mut Session, scan: ScanId) -> Result<Scan, StoreError> {
    let sql = format!("{COLUMNS} WHERE id = $1");
    match session.fetch_one(sql, vec![scan.0.into()], read_row).await? {
        Some(row) => scan_of(session, row),
        None => Err(StoreError::UnknownScan(scan.0)),
    }
}

/// The start, in microseconds, of a scan that has not ended.
pub(crate) async fn running(session: &mut Session, scan: ScanId) -> Result<i64, StoreError> {
    let sql = "SELECT started_us, state FROM scans WHERE id = $1";
    let row =
        session.fetch_one(sql, vec![scan.0.into()], |row| Ok((row.int(0)?, row.text(1)?))).await?;
    match row {
        None => Err(StoreError::UnknownScan(scan.0)),
        Some((started_us, state)) if state == ScanState::Running.as_str() => Ok(started_us),
        Some(_) => Err(StoreError::ScanEnded(scan.0)),
    }
}

pub(crate) async fn put_coverage(
    session: &mut Session,
    scan: ScanId,
    coverage: &[Coverage],
) -> Result<(), StoreError> {
    let place = |entry: &Coverage| Place::new(&entry.type_name, &entry.account, &entry.region);
    let places: BTreeSet<Place> = coverage.iter().map(place).collect();
    let places = intern::places(session, places).await?;
    let find = "SELECT resource_count, state FROM coverage WHERE scan_id = $1 AND place_id = $2";
    let put = "INSERT INTO coverage (scan_id, place_id, resource_count, state) \
               VALUES ($1, $2, $3, $4) ON CONFLICT (scan_id, place_id) \
               DO UPDATE SET resource_count = excluded.resource_count, state = excluded.state";
    for entry in coverage {
        let place_id = places.get(&place(entry)).copied().unwrap_or_default();
        let key = vec![scan.0.into(), place_id.into()];
        let before =
            session.fetch_one(find, key.clone(), |row| Ok((row.int(0)?, row.text(1)?))).await?;
        let mut count = i64::try_from(entry.count).unwrap_or(i64::MAX);
        let mut state = entry.state.clone();
        if let Some((count_before, text)) = before {
            let before = read_state(session, &text)?;
            count = count.saturating_add(count_before);
            if rank(&before) >= rank(&state) {
                state = before;
            }
        }
        let state =
            serde_json::to_string(&state).map_err(|error| session.damaged(error.to_string()))?;
        let mut params = key;
        params.extend([count.into(), column_text(&state).into()]);
        session.execute(put, params).await?;
    }
    Ok(())
}

fn rank(state: &CoverageState) -> u8 {
    match state {
        CoverageState::Complete => 0,
        CoverageState::Partial(_) => 1,
        CoverageState::Unread(_) => 2,
    }
}

fn read_state(session: &Session, text: &str) -> Result<CoverageState, StoreError> {
    serde_json::from_str(text).map_err(|error| session.damaged(format!("coverage: {error}")))
}

pub(crate) async fn coverage(
    session: &mut Session,
    scan: ScanId,
) -> Result<Vec<Coverage>, StoreError> {
    let sql = "SELECT p.type, p.account, p.region, c.resource_count, c.state \
               FROM coverage c JOIN places p ON p.id = c.place_id WHERE c.scan_id = $1 \
               ORDER BY p.type, p.account, p.region";
    let rows = session
        .fetch_as(sql, vec![scan.0.into()], |row| {
            Ok((Place::read(row, 0)?, row.int(3)?, row.text(4)?))
        })
        .await?;
    rows.into_iter()
        .map(|(place, count, state)| coverage_of(session, place, count, &state))
        .collect()
}

pub(crate) async fn finish(
    session: &mut Session,
    scan: ScanId,
    outcome: ScanOutcome,
    finished: Timestamp,
) -> Result<Finished, StoreError> {
    let started_us = running(session, scan).await?;
    let mut deleted = 0;
    if outcome != ScanOutcome::Failed {
        for place_id in deletable(session, scan, outcome).await? {
            deleted += mark_deleted(session, scan, started_us, place_id).await?;
        }
    }
    let count = "SELECT count(*) FROM sightings WHERE scan_id = $1";
    let resources = session.fetch_one(count, vec![scan.0.into()], |row| row.int(0)).await?;
    let resources = resources.unwrap_or_default();
    let sql = "UPDATE scans SET state = $1, finished_us = $2, resource_count = $3 WHERE id = $4";
    let state = ScanState::from(outcome).as_str();
    let params =
        vec![state.into(), finished.as_microsecond().into(), resources.into(), scan.0.into()];
    session.execute(sql, params).await?;
    Ok(Finished { resources: u64::try_from(resources).unwrap_or_default(), deleted })
}

/// The places where the scan listed completely, so that what it did not see is gone.
async fn deletable(
    session: &mut Session,
    scan: ScanId,
    outcome: ScanOutcome,
) -> Result<Vec<i64>, StoreError> {
    let coverage = coverage(session, scan).await?;
    let mut places = Vec::new();
    let find = "SELECT p.id, p.region, \
                (SELECT count(*) FROM sightings s WHERE s.scan_id = $1 AND s.place_id = p.id) \
                FROM places p WHERE p.type = $2 AND p.account = $3";
    let own_word = |entry: &Coverage, region: &str| {
        coverage.iter().any(|other| {
            other.type_name == entry.type_name
                && other.account == entry.account
                && other.region == region
        })
    };
    for entry in coverage.iter().filter(|entry| entry.state == CoverageState::Complete) {
        let params =
            vec![scan.0.into(), entry.type_name.clone().into(), entry.account.clone().into()];
        let rows = session
            .fetch_as(find, params, |row| Ok((row.int(0)?, row.text(1)?, row.int(2)?)))
            .await?;
        let spoken_for: Vec<_> = rows
            .into_iter()
            .filter(|(_, region, _)| {
                *region == entry.region || entry.region == GLOBAL_REGION && !own_word(entry, region)
            })
            .collect();
        let stored: i64 = spoken_for.iter().map(|(_, _, seen)| seen).sum();
        // An interrupted scan may have listed what it had no time to store.
        let whole = outcome == ScanOutcome::Complete
            || u64::try_from(stored).unwrap_or_default() >= entry.count;
        if whole {
            places.extend(spoken_for.into_iter().map(|(id, _, _)| id));
        }
    }
    places.sort_unstable();
    places.dedup();
    Ok(places)
}

/// Gives the living resources of a place that were last seen before this scan a deletion version.
async fn mark_deleted(
    session: &mut Session,
    scan: ScanId,
    started_us: i64,
    place_id: i64,
) -> Result<u64, StoreError> {
    let find = "SELECT r.id, r.version_id, r.seen_us, v.number \
                FROM resources r JOIN versions v ON v.id = r.version_id \
                WHERE r.place_id = $1 AND r.alive = 1 \
                AND (r.seen_us < $2 OR (r.seen_us = $2 AND r.seen_scan_id < $3)) ORDER BY r.id";
    let params = vec![place_id.into(), started_us.into(), scan.0.into()];
    let gone = session
        .fetch_as(find, params, |row| Ok([row.int(0)?, row.int(1)?, row.int(2)?, row.int(3)?]))
        .await?;
    let mut next = crate::resources::next_version_id(session).await?;
    let (mut versions, mut ended, mut resources) = (Vec::new(), Vec::new(), Vec::new());
    let count = gone.len();
    for [resource_id, version_id, seen_us, number] in gone {
        versions.push(vec![
            next.into(),
            resource_id.into(),
            (number + 1).into(),
            scan.0.into(),
            started_us.into(),
        ]);
        ended.push(vec![version_id.into(), seen_us.into()]);
        resources.push(vec![resource_id.into(), next.into(), started_us.into(), scan.0.into()]);
        next += 1;
    }
    let insert = "INSERT INTO versions (id, resource_id, number, first_scan_id, first_seen_us, \
                  deleted, detached, runtime_only) SELECT column1, column2, column3, column4, \
                  column5, 1, 0, 0 FROM (";
    batch::insert(session, insert, versions, ") AS v").await?;
    let end = "UPDATE versions SET last_seen_us = v.column2";
    batch::update(session, end, ended, "WHERE versions.id = v.column1").await?;
    let bury = "UPDATE resources SET alive = 0, version_id = v.column2, seen_us = v.column3, \
                seen_scan_id = v.column4, seen_digest = NULL, mask_id = NULL, \
                known_mask_id = NULL";
    batch::update(session, bury, resources, "WHERE resources.id = v.column1").await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// For each place the newest word of an ended scan that started at or before a time.
pub(crate) async fn coverage_at(
    session: &mut Session,
    at: Timestamp,
) -> Result<Vec<Coverage>, StoreError> {
    let sql = "SELECT p.type, p.account, p.region, c.resource_count, c.state, s.started_us, s.id \
               FROM coverage c JOIN places p ON p.id = c.place_id JOIN scans s ON s.id = c.scan_id \
               WHERE s.started_us <= $1 AND s.state IN ('complete', 'interrupted') \
               ORDER BY p.type, p.account, p.region, s.started_us DESC, s.id DESC";
    let read = |row: &Row| Ok((Place::read(row, 0)?, row.int(3)?, row.text(4)?));
    let mut rows = session.fetch_as(sql, vec![at.as_microsecond().into()], read).await?;
    rows.dedup_by(|later, earlier| later.0 == earlier.0);
    rows.into_iter()
        .map(|(place, count, state)| coverage_of(session, place, count, &state))
        .collect()
}

fn coverage_of(
    session: &Session,
    place: Place,
    count: i64,
    state: &str,
) -> Result<Coverage, StoreError> {
    Ok(Coverage {
        account: place.account,
        region: place.region,
        type_name: place.type_name,
        state: read_state(session, state)?,
        count: u64::try_from(count).unwrap_or_default(),
    })
}
