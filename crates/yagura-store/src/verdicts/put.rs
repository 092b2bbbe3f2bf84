//! Storing verdicts.
//! How they are read again is in `read.rs`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use yagura_model::{Verdict, VerdictStatus};

use super::{Detail, OPEN};
use crate::Store;
use crate::batch;
use crate::database::{Param, Session};
use crate::encode::{column_text, digest, pack_ids};
use crate::error::StoreError;
use crate::intern::{self, Place};
use crate::scan::{ScanId, load};

/// Verdicts stored in one transaction.
const BATCH: usize = 5_000;

impl Store {
    /// Stores verdicts of a scan, each once. They may come while the scan runs or after it.
    /// Of passes and not-applicables only the status is kept: no evidence.
    pub async fn put_verdicts(&self, scan: ScanId, verdicts: &[Verdict]) -> Result<(), StoreError> {
        for batch in verdicts.chunks(BATCH) {
            let mut session = self.database.write("store verdicts").await?;
            if load(&mut session, scan).await?.pruned {
                return Err(StoreError::ScanPruned(scan.0));
            }
            put(&mut session, scan, batch).await?;
            session.commit().await?;
        }
        Ok(())
    }
}

async fn put(session: &mut Session, scan: ScanId, verdicts: &[Verdict]) -> Result<(), StoreError> {
    let place = |v: &Verdict| Place::new(&v.type_name, &v.account, &v.region);
    let places = intern::places(session, verdicts.iter().map(place).collect()).await?;
    let names: BTreeSet<String> = verdicts.iter().map(|v| v.control.clone()).collect();
    let controls = intern::controls(session, names).await?;
    let place_of = |v: &Verdict| places.get(&place(v)).copied().unwrap_or_default();
    let subjects = subjects(session, verdicts, place_of).await?;
    let mut bodies = BTreeMap::new();
    let mut open = BTreeMap::new();
    let mut runs: BTreeMap<_, Vec<i64>> = BTreeMap::new();
    for verdict in verdicts {
        let control_id = controls.get(&column_text(&verdict.control)).copied();
        let (Some(control_id), Some(resource_id)) =
            (control_id, subjects.get(&digest(verdict.key.as_bytes())).copied())
        else {
            return Err(session.damaged("a verdict's control or resource got no number"));
        };
        let place_id = place_of(verdict);
        if OPEN.contains(&verdict.status) {
            let Verdict { evidence, unread, exception, .. } = verdict.clone();
            let (digest, body) = intern::detail(&Detail { evidence, unread, exception });
            bodies.insert(digest.clone(), body);
            open.insert((control_id, resource_id), (place_id, verdict, digest));
        } else {
            let status: VerdictStatus = verdict.status;
            runs.entry((control_id, place_id, status, verdict.severity))
                .or_default()
                .push(resource_id);
        }
    }
    let details = intern::details(session, bodies).await?;
    let rows = open.into_iter().map(|((control_id, resource_id), (place_id, verdict, digest))| {
        vec![
            scan.0.into(),
            control_id.into(),
            resource_id.into(),
            place_id.into(),
            verdict.status.as_str().into(),
            verdict.severity.as_str().into(),
            details.get(&digest).copied().unwrap_or_default().into(),
        ]
    });
    let insert = "INSERT INTO verdicts \
                  (scan_id, control_id, resource_id, place_id, status, severity, detail_id)";
    let again = "ON CONFLICT (scan_id, control_id, resource_id) DO UPDATE SET \
                 place_id = excluded.place_id, status = excluded.status, \
                 severity = excluded.severity, detail_id = excluded.detail_id";
    batch::insert(session, insert, rows.collect(), again).await?;
    let rows = runs.into_iter().map(|((control_id, place_id, status, severity), mut ids)| {
        ids.sort_unstable();
        ids.dedup();
        let first = ids.first().copied().unwrap_or_default();
        vec![
            scan.0.into(),
            control_id.into(),
            place_id.into(),
            status.as_str().into(),
            first.into(),
            severity.as_str().into(),
            i64::try_from(ids.len()).unwrap_or(i64::MAX).into(),
            pack_ids(&ids).into(),
        ]
    });
    let insert = "INSERT INTO verdict_runs (scan_id, control_id, place_id, status, number, \
                  severity, member_count, members)";
    let again = "ON CONFLICT (scan_id, control_id, place_id, status, number) DO UPDATE SET \
                 severity = excluded.severity, member_count = excluded.member_count, \
                 members = excluded.members";
    batch::insert(session, insert, rows.collect::<Vec<Vec<Param>>>(), again).await?;
    Ok(())
}

/// The numbers of the resources that verdicts speak about, by digest of the key; keys that no
/// scan stored (listings that could not be read) get a row of their own.
async fn subjects(
    session: &mut Session,
    verdicts: &[Verdict],
    place_of: impl Fn(&Verdict) -> i64,
) -> Result<HashMap<Vec<u8>, i64>, StoreError> {
    let wanted: BTreeMap<Vec<u8>, &Verdict> =
        verdicts.iter().map(|verdict| (digest(verdict.key.as_bytes()), verdict)).collect();
    let digests = wanted.keys().cloned().map(Into::into).collect();
    let find = "SELECT key_digest, id FROM resources WHERE key_digest";
    let rows = batch::select_in(session, find, &[], digests, "").await?;
    let mut found: HashMap<Vec<u8>, i64> = rows
        .iter()
        .map(|row| Ok((row.blob(0)?, row.int(1)?)))
        .collect::<Result<_, _>>()
        .map_err(|error| session.fail(error))?;
    let top = "SELECT CAST(coalesce(max(id), 0) AS BIGINT) FROM resources";
    let mut last = session.fetch_one(top, vec![], |row| row.int(0)).await?.unwrap_or(0);
    let mut rows = Vec::new();
    for (digest, verdict) in wanted {
        if found.contains_key(&digest) {
            continue;
        }
        last += 1;
        found.insert(digest.clone(), last);
        rows.push(vec![
            last.into(),
            digest.into(),
            column_text(&verdict.key).into(),
            column_text(&verdict.name).into(),
            place_of(verdict).into(),
            0.into(),
            0.into(),
            0.into(),
        ]);
    }
    let insert = "INSERT INTO resources \
                  (id, key_digest, key, name, place_id, alive, seen_us, seen_scan_id)";
    batch::insert(session, insert, rows, "").await?;
    Ok(found)
}
