//! Verdicts as people look at them: which scans count now, those of one control page by page, and
//! how a control fared from scan to scan.
//! Streams of all verdicts are in `read.rs`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use yagura_model::{Verdict, VerdictStatus};

use super::read::{bare, severity_of, status_of};
use super::{Detail, VerdictCount};
use crate::Store;
use crate::batch::{in_list, select_in};
use crate::database::{Param, Row};
use crate::error::StoreError;
use crate::intern::{self, Place};
use crate::scan::{Scan, ScanId, ScanState};

/// Scans that are looked back through for the newest of each account.
const SCANS_BACK: usize = 200;
/// Verdicts of a page at most.
const PAGE_MAX: usize = 500;

/// A scan that is the newest of some accounts: what it says of them counts now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentScan {
    /// The scan.
    pub scan: Scan,
    /// The accounts of which it is the newest.
    pub accounts: BTreeSet<String>,
}

/// Where a page of verdicts goes on: after this resource, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VerdictPlace(pub i64);

/// Verdicts of one control in one scan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VerdictPage {
    /// In the order of the resources' numbers.
    pub verdicts: Vec<Verdict>,
    /// Where the next page goes on, if there is one.
    pub next: Option<VerdictPlace>,
}

/// How a control fared in one scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlDay {
    /// The scan.
    pub scan: ScanId,
    /// When it started.
    pub started: Timestamp,
    /// How many verdicts of each kind it gave, by account.
    pub counts: Vec<VerdictCount>,
}

impl Store {
    /// For each account the newest scan that ended and whose verdicts are still there, at or
    /// before a time; newest first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn current_scans(&self, at: Timestamp) -> Result<Vec<CurrentScan>, StoreError> {
        let mut known = BTreeSet::new();
        let mut current = Vec::new();
        for scan in self.scans(SCANS_BACK).await? {
            let ended = matches!(scan.state, ScanState::Complete | ScanState::Interrupted);
            if !ended || scan.pruned || scan.start.started > at {
                continue;
            }
            let named = scan.start.accounts.iter().map(|account| account.id.clone());
            let accounts: BTreeSet<String> = named.filter(|id| known.insert(id.clone())).collect();
            if !accounts.is_empty() {
                current.push(CurrentScan { scan, accounts });
            }
        }
        Ok(current)
    }

    /// Fails or unknowns of one control in a scan, with what they say, page by page.
    ///
    /// # Errors
    /// Where the database cannot be read or a verdict in it is damaged.
    pub async fn verdict_page(
        &self,
        scan: ScanId,
        control: &str,
        status: VerdictStatus,
        accounts: &BTreeSet<String>,
        after: Option<VerdictPlace>,
        limit: usize,
    ) -> Result<VerdictPage, StoreError> {
        let mut session = self.database.read("read the verdicts of a control");
        if accounts.is_empty() {
            return Ok(VerdictPage::default());
        }
        let limit = limit.clamp(1, PAGE_MAX);
        let sql = "SELECT v.resource_id, r.key, r.name, p.type, p.account, p.region, \
                   v.severity, v.detail_id FROM verdicts v \
                   JOIN resources r ON r.id = v.resource_id JOIN places p ON p.id = v.place_id \
                   WHERE v.scan_id = $1 AND v.status = $2 AND v.resource_id > $3 \
                   AND v.control_id = (SELECT id FROM controls WHERE name = $4) AND p.account";
        let tail = format!("ORDER BY v.resource_id LIMIT {}", limit + 1);
        let sql = in_list(sql, 4, accounts.len(), &tail);
        let after = after.map_or(0, |place| place.0);
        let mut params: Vec<Param> =
            vec![scan.0.into(), status.as_str().into(), after.into(), control.into()];
        params.extend(accounts.iter().map(|account| account.as_str().into()));
        let read = |row: &Row| {
            let texts = (row.text(1)?, row.text(2)?, row.text(6)?);
            Ok((row.int(0)?, texts, Place::read(row, 3)?, row.int(7)?))
        };
        let mut rows = session.fetch_as(sql, params, read).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| VerdictPlace(row.0));
        let ids = rows.iter().map(|row| row.3);
        let details: HashMap<i64, Detail> = intern::details_by_id(&mut session, ids).await?;
        let mut verdicts = Vec::with_capacity(rows.len());
        for (_, (key, name, severity), place, detail) in rows {
            let severity = severity_of(&session, &severity)?;
            let detail = details.get(&detail).cloned().unwrap_or_default();
            let Detail { evidence, unread, exception } = detail;
            verdicts.push(Verdict {
                evidence,
                unread,
                exception,
                ..bare(control, status, severity, key, name, place)
            });
        }
        Ok(VerdictPage { verdicts, next })
    }

    /// How a control fared in its last scans that ended, oldest first, at most `limit`.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn control_days(
        &self,
        control: &str,
        limit: usize,
    ) -> Result<Vec<ControlDay>, StoreError> {
        let ended =
            |scan: &Scan| matches!(scan.state, ScanState::Complete | ScanState::Interrupted);
        let scans: Vec<Scan> = self.scans(limit).await?.into_iter().filter(ended).collect();
        let mut session = self.database.read("read how a control fared");
        let sql = "SELECT id FROM controls WHERE name = $1";
        let id = session.fetch_one(sql, vec![control.into()], |row| row.int(0)).await?;
        let Some(id) = id else { return Ok(Vec::new()) };
        // Three places where counts may be: fails and unknowns, passes, and those that stay.
        let parts = [
            "SELECT v.scan_id, p.account, v.status, v.severity, CAST(count(*) AS BIGINT) \
             FROM verdicts v JOIN places p ON p.id = v.place_id \
             WHERE v.control_id = $1 AND v.scan_id",
            "SELECT v.scan_id, p.account, v.status, v.severity, \
             CAST(sum(v.member_count) AS BIGINT) \
             FROM verdict_runs v JOIN places p ON p.id = v.place_id \
             WHERE v.control_id = $1 AND v.scan_id",
            "SELECT v.scan_id, v.account, v.status, v.severity, \
             CAST(sum(v.verdict_count) AS BIGINT) FROM verdict_counts v \
             WHERE v.control_id = $1 AND v.scan_id",
        ];
        let groups = [
            "GROUP BY v.scan_id, p.account, v.status, v.severity",
            "GROUP BY v.scan_id, p.account, v.status, v.severity",
            "GROUP BY v.scan_id, v.account, v.status, v.severity",
        ];
        let mut counted: BTreeMap<i64, Vec<VerdictCount>> = BTreeMap::new();
        for (part, group) in parts.into_iter().zip(groups) {
            let ids = scans.iter().map(|scan| scan.id.0.into()).collect();
            for row in select_in(&mut session, part, &[id.into()], ids, group).await? {
                let read = || {
                    let texts = (row.text(1)?, row.text(2)?, row.text(3)?);
                    Ok((row.int(0)?, texts, row.int(4)?))
                };
                let (scan, (account, status, severity), count) =
                    read().map_err(|error| session.fail(error))?;
                counted.entry(scan).or_default().push(VerdictCount {
                    control: control.to_owned(),
                    account,
                    status: status_of(&session, &status)?,
                    severity: severity_of(&session, &severity)?,
                    count: u64::try_from(count).unwrap_or_default(),
                });
            }
        }
        let days = scans.into_iter().rev().filter_map(|scan| {
            let counts = counted.remove(&scan.id.0)?;
            Some(ControlDay { scan: scan.id, started: scan.start.started, counts })
        });
        Ok(days.collect())
    }
}
