//! The end of a scan: where it listed completely, what it did not see is gone.
//! How much it listed is kept in `coverage.rs`.

use std::collections::HashSet;

use jiff::Timestamp;
use yagura_model::{Coverage, CoverageState, GLOBAL_REGION};

use crate::batch;
use crate::coverage;
use crate::database::Session;
use crate::error::StoreError;
use crate::scan::{Finished, ScanId, ScanOutcome, ScanState, running};

/// Ends a scan within a transaction.
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
    let coverage = coverage::of_scan(session, scan).await?;
    let mut places = Vec::new();
    let find = "SELECT p.id, p.region, \
                (SELECT count(*) FROM sightings s WHERE s.scan_id = $1 AND s.place_id = p.id) \
                FROM places p WHERE p.type = $2 AND p.account = $3";
    let words: HashSet<(&str, &str, &str)> = coverage
        .iter()
        .map(|one| (one.type_name.as_str(), one.account.as_str(), one.region.as_str()))
        .collect();
    let own_word = |entry: &Coverage, region: &str| {
        words.contains(&(entry.type_name.as_str(), entry.account.as_str(), region))
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
