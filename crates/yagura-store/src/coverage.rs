//! How much a scan listed, by place: stored, read, and looked up for a time.
//! What follows from it for resources that were not seen is decided in `ending.rs`.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use yagura_model::{Coverage, CoverageState, GLOBAL_REGION, OTHER_ACCOUNTS};

use crate::database::{Row, Session};
use crate::encode::column_text;
use crate::error::StoreError;
use crate::intern::{self, Place};
use crate::scan::ScanId;

pub(crate) async fn put(
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

/// How bad a state is: what should have answered and did not is worse than what AWS does not offer
/// or nobody asked for.
fn rank(state: &CoverageState) -> (bool, u8) {
    let is_blind = state.unread().is_some_and(|unread| unread.reason.is_blind());
    match state {
        CoverageState::Complete => (is_blind, 0),
        CoverageState::Partial(_) => (is_blind, 1),
        CoverageState::Unread(_) => (is_blind, 2),
    }
}

fn read_state(session: &Session, text: &str) -> Result<CoverageState, StoreError> {
    serde_json::from_str(text).map_err(|error| session.damaged(format!("coverage: {error}")))
}

pub(crate) async fn of_scan(
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

/// For each place the newest word of an ended scan that started at or before a time. What a scan
/// says of the regions or accounts that it left out is its last word on them only until another
/// scan speaks of the same type.
pub(crate) async fn at_time(
    session: &mut Session,
    at: Timestamp,
) -> Result<Vec<Coverage>, StoreError> {
    let sql = "SELECT p.type, p.account, p.region, c.resource_count, c.state, s.started_us, s.id \
               FROM coverage c JOIN places p ON p.id = c.place_id JOIN scans s ON s.id = c.scan_id \
               WHERE s.started_us <= $1 AND s.state IN ('complete', 'interrupted') \
               ORDER BY p.type, p.account, p.region, s.started_us DESC, s.id DESC";
    let read = |row: &Row| {
        Ok((Place::read(row, 0)?, row.int(3)?, row.text(4)?, (row.int(5)?, row.int(6)?)))
    };
    let mut rows = session.fetch_as(sql, vec![at.as_microsecond().into()], read).await?;
    rows.dedup_by(|later, earlier| later.0 == earlier.0);
    let mut newest: HashMap<(String, Option<String>), (i64, i64)> = HashMap::new();
    for (Place { type_name, account, .. }, _, _, scan) in &rows {
        for of in [None, Some(account.clone())] {
            let last = newest.entry((type_name.clone(), of)).or_insert(*scan);
            *last = (*last).max(*scan);
        }
    }
    rows.into_iter()
        .filter(|(place, _, _, scan)| {
            let of = match place.account.as_str() {
                OTHER_ACCOUNTS => None,
                account if place.region == GLOBAL_REGION => Some(account.to_owned()),
                _ => return true,
            };
            newest.get(&(place.type_name.clone(), of)) == Some(scan)
        })
        .map(|(place, count, state, _)| coverage_of(session, place, count, &state))
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
