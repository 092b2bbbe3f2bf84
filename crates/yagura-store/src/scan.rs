//! Scans: what one is, beginning, ending and listing them.
//! What a scan saw is in `resources/`, what it judged in `verdicts/`, how much it listed in
//! `coverage.rs`.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use yagura_model::Coverage;

use crate::Store;
use crate::database::{Row, Session};
use crate::encode::column_text;
use crate::error::StoreError;

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

fn scan_of(session: &Session, row: &ScanRow) -> Result<Scan, StoreError> {
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
        crate::coverage::put(&mut session, scan, coverage).await?;
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
        let done = crate::ending::finish(&mut session, scan, outcome, finished).await?;
        session.commit().await?;
        Ok(done)
    }

    /// All scans, newest first, at most `limit`.
    pub async fn scans(&self, limit: usize) -> Result<Vec<Scan>, StoreError> {
        let mut session = self.database.read("list scans");
        let sql = format!("{COLUMNS} ORDER BY started_us DESC, id DESC LIMIT $1");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = session.fetch_as(sql, vec![limit.into()], read_row).await?;
        rows.iter().map(|row| scan_of(&session, row)).collect()
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
        row.map(|row| scan_of(&session, &row)).transpose()
    }

    /// What a scan listed, and what it could not, by type, account and region.
    pub async fn coverage(&self, scan: ScanId) -> Result<Vec<Coverage>, StoreError> {
        let mut session = self.database.read("read how much a scan listed");
        let known = load(&mut session, scan).await?;
        if known.pruned {
            return Err(StoreError::ScanPruned(scan.0));
        }
        crate::coverage::of_scan(&mut session, scan).await
    }

    /// What was known at a time of how much was listed: the newest word on each type, account and
    /// region.
    pub async fn coverage_at(&self, at: Timestamp) -> Result<Vec<Coverage>, StoreError> {
        let mut session = self.database.read("read how much was listed");
        crate::coverage::at_time(&mut session, at).await
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
        Some(row) => scan_of(session, &row),
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
