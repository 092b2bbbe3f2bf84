//! How well frameworks were met, scan by scan: kept at the end of a scan, read with what a scope of
//! accounts may know.
//! How a score comes about is judge's; the rules for a state are the model's.

use jiff::Timestamp;
use yagura_model::finding::Scope;
use yagura_model::{FrameworkScore, RequirementState, StateCounts, VerdictCounts};

use crate::Store;
use crate::database::{Database, Param, Row, Session};
use crate::encode::{column_text, pack, unpack};
use crate::error::StoreError;
use crate::scan::{ScanId, load};

/// Scores of one answer at most.
pub const TREND_MAX: usize = 400;

/// The scores of a store, within a scope. Clones share its connections.
#[derive(Clone)]
pub struct Scores {
    database: Database,
    scope: Scope,
}

impl Store {
    /// The scores of this store, as the accounts of a scope give them.
    pub fn scores(&self, scope: Scope) -> Scores {
        Scores { database: self.database.clone(), scope }
    }
}

/// How well a framework was met in a scan, in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScorePoint {
    /// The scan.
    pub scan: ScanId,
    /// When the scan started.
    pub started: Timestamp,
    /// The framework's id.
    pub framework: String,
    /// How many requirements are in each state.
    pub states: StateCounts,
    /// The verdicts behind them.
    pub counts: VerdictCounts,
    /// The state of every requirement, in the framework's order.
    pub requirements: Vec<(String, RequirementState)>,
    /// Whether the scan spoke of nearly everything: neither most of the controls nor most of the
    /// accounts were left out. Only such scans can be compared with one another.
    pub whole: bool,
}

/// A score with the scan that it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanScore {
    /// The scan.
    pub scan: ScanId,
    /// When it started.
    pub started: Timestamp,
    /// The score, whole.
    pub score: FrameworkScore,
}

const COLUMNS: &str = "SELECT s.id, s.started_us, x.framework, x.account_count, \
                       x.requirement_count, x.left_out, x.states, x.counts, x.requirements";
const FROM: &str = "FROM scan_scores x JOIN scans s ON s.id = x.scan_id";
const ENDED: &str = "s.state IN ('complete', 'interrupted')";

impl Scores {
    /// Keeps the scores of a scan, instead of those that were kept of it before.
    ///
    /// # Errors
    /// Where there is no such scan or the database cannot be written.
    pub async fn put(&self, scan: ScanId, scores: &[FrameworkScore]) -> Result<(), StoreError> {
        let mut session = self.database.write("keep the scores of a scan").await?;
        let accounts = load(&mut session, scan).await?.start.accounts.len();
        let sql = "DELETE FROM scan_scores WHERE scan_id = $1";
        session.execute(sql, vec![scan.0.into()]).await?;
        let sql = "INSERT INTO scan_scores (scan_id, framework, account_count, \
                   requirement_count, left_out, states, counts, requirements, document) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        for score in scores {
            let row = row_of(&session, scan, accounts, score)?;
            session.execute(sql, row).await?;
        }
        session.commit().await
    }

    /// The whole score of a framework in a scan; none where none was kept, or only its numbers.
    ///
    /// # Errors
    /// Where the database cannot be read or the score in it is damaged.
    pub async fn of_scan(
        &self,
        scan: ScanId,
        framework: &str,
    ) -> Result<Option<FrameworkScore>, StoreError> {
        let mut session = self.database.read("read the score of a scan");
        self.whole(&mut session, scan, framework).await
    }

    /// The whole score of a framework in the newest scan that spoke of nearly everything.
    ///
    /// # Errors
    /// Where the database cannot be read or the score in it is damaged.
    pub async fn latest(&self, framework: &str) -> Result<Option<ScanScore>, StoreError> {
        let mut session = self.database.read("read the newest score");
        let points = points(&mut session, framework, LOOKED_AT).await?;
        for point in newest_first(&points) {
            if let Some(score) = self.whole(&mut session, point.scan, framework).await? {
                return Ok(Some(ScanScore { scan: point.scan, started: point.started, score }));
            }
        }
        Ok(None)
    }

    /// The numbers of every framework in the newest scan that spoke of nearly everything, by the
    /// framework's id.
    ///
    /// # Errors
    /// Where the database cannot be read or a score in it is damaged.
    pub async fn newest(&self) -> Result<Vec<ScorePoint>, StoreError> {
        let mut session = self.database.read("read the newest scores");
        let sql = "SELECT DISTINCT framework FROM scan_scores ORDER BY framework LIMIT 200";
        let frameworks = session.fetch_as(sql, vec![], |row| row.text(0)).await?;
        let mut found = Vec::with_capacity(frameworks.len());
        for framework in frameworks {
            let points = points(&mut session, &framework, LOOKED_AT).await?;
            for point in newest_first(&points).take(1) {
                found.extend(self.cut(&mut session, point.clone()).await?);
            }
        }
        Ok(found)
    }

    /// The numbers of a framework in the newest scans, the oldest first, at most `limit` (and at
    /// most [`TREND_MAX`]). Within a scope, scans whose details were pruned are left out.
    ///
    /// # Errors
    /// Where the database cannot be read or a score in it is damaged.
    pub async fn trend(
        &self,
        framework: &str,
        limit: usize,
    ) -> Result<Vec<ScorePoint>, StoreError> {
        let mut session = self.database.read("read how scores went");
        let mut found = Vec::new();
        for point in points(&mut session, framework, limit.min(TREND_MAX)).await? {
            found.extend(self.cut(&mut session, point).await?);
        }
        found.reverse();
        Ok(found)
    }

    /// The numbers of one scan for every framework, by the framework's id.
    ///
    /// # Errors
    /// Where the database cannot be read or a score in it is damaged.
    pub async fn numbers(&self, scan: ScanId) -> Result<Vec<ScorePoint>, StoreError> {
        let mut session = self.database.read("read the scores of a scan");
        let sql = format!("{COLUMNS} {FROM} WHERE s.id = $1 ORDER BY x.framework LIMIT 200");
        let rows = session.fetch_as(sql, vec![scan.0.into()], read).await?;
        let mut found = Vec::with_capacity(rows.len());
        for point in points_of(&session, rows)? {
            found.extend(self.cut(&mut session, point).await?);
        }
        Ok(found)
    }

    /// A point as this scope may know it.
    async fn cut(
        &self,
        session: &mut Session,
        mut point: ScorePoint,
    ) -> Result<Option<ScorePoint>, StoreError> {
        if self.scope == Scope::All {
            return Ok(Some(point));
        }
        let Some(score) = self.whole(session, point.scan, &point.framework).await? else {
            return Ok(None);
        };
        (point.states, point.counts) = (score.states, score.counts);
        point.requirements = states_of(&score);
        Ok(Some(point))
    }

    async fn whole(
        &self,
        session: &mut Session,
        scan: ScanId,
        framework: &str,
    ) -> Result<Option<FrameworkScore>, StoreError> {
        let sql = "SELECT document FROM scan_scores WHERE scan_id = $1 AND framework = $2";
        let params = vec![scan.0.into(), column_text(framework).into()];
        let document = session.fetch_one(sql, params, |row| row.opt_blob(0)).await?.flatten();
        let Some(document) = document else { return Ok(None) };
        let score: FrameworkScore = unpacked(session, &document)?;
        Ok(Some(score.within(&self.scope)))
    }
}

/// Scans looked at for the newest that spoke of nearly everything.
const LOOKED_AT: usize = 30;

/// Those that can be compared first, the newest of them first; then the others.
fn newest_first(points: &[ScorePoint]) -> impl Iterator<Item = &ScorePoint> {
    let others = points.iter().filter(|point| !point.whole);
    points.iter().filter(|point| point.whole).chain(others)
}

/// The newest scans of a framework, the newest first.
async fn points(
    session: &mut Session,
    framework: &str,
    limit: usize,
) -> Result<Vec<ScorePoint>, StoreError> {
    let sql = format!(
        "{COLUMNS} {FROM} WHERE x.framework = $1 AND {ENDED} \
         ORDER BY s.started_us DESC, s.id DESC LIMIT $2"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let params = vec![column_text(framework).into(), limit.into()];
    let rows = session.fetch_as(sql, params, read).await?;
    points_of(session, rows)
}

/// A row as it is read: numbers, then texts and the packed requirements.
type ScoreRow = ([i64; 5], [String; 3], Vec<u8>);

fn read(row: &Row) -> Result<ScoreRow, sqlx::Error> {
    let numbers = [row.int(0)?, row.int(1)?, row.int(3)?, row.int(4)?, row.int(5)?];
    Ok((numbers, [row.text(2)?, row.text(6)?, row.text(7)?], row.blob(8)?))
}

fn points_of(session: &Session, rows: Vec<ScoreRow>) -> Result<Vec<ScorePoint>, StoreError> {
    let accounts_max = rows.iter().map(|(numbers, ..)| numbers[2]).max().unwrap_or_default();
    let damaged = |what: String| session.damaged(format!("a score: {what}"));
    let point = |(numbers, [framework, states, counts], requirements): ScoreRow| {
        let [scan, started_us, accounts, all, left_out] = numbers;
        Ok(ScorePoint {
            scan: ScanId(scan),
            started: Timestamp::from_microsecond(started_us)
                .map_err(|error| damaged(error.to_string()))?,
            framework,
            states: serde_json::from_str(&states).map_err(|error| damaged(error.to_string()))?,
            counts: serde_json::from_str(&counts).map_err(|error| damaged(error.to_string()))?,
            requirements: unpacked(session, &requirements)?,
            whole: left_out.saturating_mul(10) <= all && accounts.saturating_mul(2) >= accounts_max,
        })
    };
    rows.into_iter().map(point).collect()
}

fn unpacked<T: serde::de::DeserializeOwned>(
    session: &Session,
    column: &[u8],
) -> Result<T, StoreError> {
    let json = unpack(column).map_err(|detail| session.damaged(detail))?;
    serde_json::from_slice(&json).map_err(|error| session.damaged(format!("a score: {error}")))
}

fn states_of(score: &FrameworkScore) -> Vec<(String, RequirementState)> {
    score.requirements.iter().map(|one| (one.id.clone(), one.state)).collect()
}

fn row_of(
    session: &Session,
    scan: ScanId,
    accounts: usize,
    score: &FrameworkScore,
) -> Result<Vec<Param>, StoreError> {
    let damaged = |error: serde_json::Error| session.damaged(error.to_string());
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let out = |one: &&yagura_model::RequirementScore| {
        one.controls.is_empty() && !one.controls_not_selected.is_empty()
    };
    let states = serde_json::to_string(&score.states).map_err(damaged)?;
    let counts = serde_json::to_string(&score.counts).map_err(damaged)?;
    let requirements = serde_json::to_vec(&states_of(score)).map_err(damaged)?;
    let document = serde_json::to_vec(score).map_err(damaged)?;
    Ok(vec![
        scan.0.into(),
        column_text(&score.framework).into(),
        number(accounts).into(),
        number(score.requirements.len()).into(),
        number(score.requirements.iter().filter(out).count()).into(),
        states.into(),
        counts.into(),
        pack(&requirements).into(),
        pack(&document).into(),
    ])
}
