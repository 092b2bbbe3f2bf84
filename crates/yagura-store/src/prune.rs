//! Making room: what old scans saw and judged, and old versions, are taken away.
//! Scans themselves, their verdict counts, and each resource's newest version always stay.

use jiff::Timestamp;

use crate::Store;
use crate::database::Session;
use crate::error::StoreError;

/// What to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Of this many newest ended scans, what they saw and judged is kept.
    pub scans: usize,
    /// Versions that had already ended before this time go, unless a kept scan saw them.
    /// `None` keeps the whole history.
    pub versions_since: Option<Timestamp>,
}

/// What pruning took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Scans whose sightings and verdicts went.
    pub scans: u64,
    /// Versions that went.
    pub versions: u64,
}

impl Store {
    /// Takes old details away, scan by scan, each in its own transaction. A running scan is
    /// never touched. The file does not shrink: the room is used again.
    pub async fn prune(&self, keep: &Retention) -> Result<Pruned, StoreError> {
        let mut pruned = Pruned::default();
        let sql = "SELECT id FROM scans WHERE state <> 'running' \
                   ORDER BY started_us DESC, id DESC LIMIT $1";
        let mut session = self.database.read("list scans");
        let kept = i64::try_from(keep.scans).unwrap_or(i64::MAX);
        let kept = session.fetch_as(sql, vec![kept.into()], |row| row.int(0)).await?;
        let sql = "SELECT id FROM scans WHERE state <> 'running' AND pruned = 0 ORDER BY id";
        let all = session.fetch_as(sql, vec![], |row| row.int(0)).await?;
        for id in all.into_iter().filter(|id| !kept.contains(id)) {
            let mut session = self.database.write("prune a scan").await?;
            prune_scan(&mut session, id).await?;
            session.commit().await?;
            pruned.scans += 1;
        }
        let mut session = self.database.write("prune versions").await?;
        let before_us = keep.versions_since.map_or(i64::MIN, Timestamp::as_microsecond);
        pruned.versions = prune_versions(&mut session, before_us).await?;
        session.commit().await?;
        Ok(pruned)
    }
}

async fn prune_scan(session: &mut Session, id: i64) -> Result<(), StoreError> {
    let counts = crate::verdicts::counts(session, crate::ScanId(id)).await?;
    let insert = "INSERT INTO verdict_counts \
                  (scan_id, control_id, account, status, severity, verdict_count) \
                  SELECT $1, c.id, $2, $3, $4, $5 FROM controls c WHERE c.name = $6 \
                  ON CONFLICT (scan_id, control_id, account, status, severity) DO NOTHING";
    for count in counts {
        let params = vec![
            id.into(),
            count.account.into(),
            count.status.as_str().into(),
            count.severity.as_str().into(),
            i64::try_from(count.count).unwrap_or(i64::MAX).into(),
            count.control.into(),
        ];
        session.execute(insert, params).await?;
    }
    for sql in [
        "DELETE FROM verdicts WHERE scan_id = $1",
        "DELETE FROM verdict_runs WHERE scan_id = $1",
        "DELETE FROM sightings WHERE scan_id = $1",
        "DELETE FROM coverage WHERE scan_id = $1",
        "UPDATE scan_scores SET document = NULL WHERE scan_id = $1",
        "UPDATE scans SET pruned = 1 WHERE id = $1",
    ] {
        session.execute(sql, vec![id.into()]).await?;
    }
    Ok(())
}

/// Old versions, versions that only a pruned scan saw, and details that nothing names any more.
async fn prune_versions(session: &mut Session, before_us: i64) -> Result<u64, StoreError> {
    let unseen = "NOT EXISTS (SELECT 1 FROM resources r WHERE r.version_id = versions.id) \
                  AND versions.id NOT IN (SELECT version_id FROM sightings)";
    let sql =
        format!("DELETE FROM versions WHERE (detached = 1 OR last_seen_us < $1) AND {unseen}");
    let versions = session.execute(sql, vec![before_us.into()]).await?;
    session
        .execute("DELETE FROM knowledge WHERE version_id NOT IN (SELECT id FROM versions)", vec![])
        .await?;
    session
        .execute(
            "DELETE FROM details WHERE id NOT IN (\
             SELECT mask_id FROM sightings WHERE mask_id IS NOT NULL UNION \
             SELECT mask_id FROM resources WHERE mask_id IS NOT NULL UNION \
             SELECT known_mask_id FROM resources WHERE known_mask_id IS NOT NULL UNION \
             SELECT mask_id FROM knowledge WHERE mask_id IS NOT NULL UNION \
             SELECT detail_id FROM verdicts)",
            vec![],
        )
        .await?;
    Ok(versions)
}
