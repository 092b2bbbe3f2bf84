//! Two scans side by side: what is new, what is fixed, what else changed.
//! A failure that can no longer be seen is not fixed: denied is never clean.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;
use yagura_model::{Coverage, CoverageState, GLOBAL_REGION, Severity, VerdictStatus};

use super::read::{controls_of, severity_of, status_of};
use crate::Store;
use crate::batch::select_in;
use crate::database::{Row, Session};
use crate::encode::unpack_ids;
use crate::error::StoreError;
use crate::intern::Place;
use crate::scan::{Scan, ScanId, load};

/// The same control and resource in two scans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerdictChange {
    /// The control's id.
    pub control: String,
    /// The resource's key.
    pub key: String,
    /// What the resource is called now.
    pub name: String,
    /// The resource's type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Twelve digits.
    pub account: String,
    /// A region's name or `global`.
    pub region: String,
    /// The severity in the later scan, where it gave a verdict; else in the earlier one.
    pub severity: Severity,
    /// The verdict of the earlier scan; `None` where the resource was not there.
    pub before: Option<VerdictStatus>,
    /// The verdict of the later scan; `None` where the resource is gone.
    pub after: Option<VerdictStatus>,
}

/// What changed between two scans, for the controls that both evaluated. Each list holds at most
/// the limit asked for; the totals always count everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Fails now and did not before: passed, was unknown, or was not there.
    pub new: Vec<VerdictChange>,
    /// Failed before and does not any more: passes, does not apply, or is gone for certain.
    pub fixed: Vec<VerdictChange>,
    /// Any other change, such as from fail to unknown.
    pub changed: Vec<VerdictChange>,
    /// How many are new.
    pub new_total: u64,
    /// How many are fixed.
    pub fixed_total: u64,
    /// How many changed otherwise.
    pub changed_total: u64,
    /// Verdicts of one scan that the other one cannot speak to: it did not list that place
    /// completely.
    pub not_compared: u64,
    /// Controls that only one of the two evaluated.
    pub controls_in_one: Vec<String>,
}

enum Kind {
    New,
    Fixed,
    Changed,
    NotCompared,
    Nothing,
}

/// The verdict of one control on one resource.
#[derive(Clone, Copy)]
struct Entry {
    status: VerdictStatus,
    severity: Severity,
    place_id: i64,
}

impl Store {
    /// Compares an earlier scan with a later one; each list gets at most `limit` entries.
    pub async fn compare(
        &self,
        earlier: ScanId,
        later: ScanId,
        limit: usize,
    ) -> Result<Comparison, StoreError> {
        let mut session = self.database.read("compare two scans");
        let before = Side::of(&mut session, earlier).await?;
        let after = Side::of(&mut session, later).await?;
        let mut comparison = Comparison::default();
        let mut places = HashMap::new();
        let all: BTreeMap<&String, i64> =
            before.controls.iter().chain(&after.controls).map(|(name, id)| (name, *id)).collect();
        for (name, control_id) in all {
            if !(before.evaluated(name) && after.evaluated(name)) {
                comparison.controls_in_one.push(name.clone());
                continue;
            }
            let a = entries(&mut session, earlier, control_id).await?;
            let b = entries(&mut session, later, control_id).await?;
            learn_places(&mut session, a.values().chain(b.values()), &mut places).await?;
            let found = Pairs { before: &before, after: &after, places: &places }.kinds(&a, &b);
            collect(&mut session, &mut comparison, name, found, &places, limit).await?;
        }
        Ok(comparison)
    }
}

/// One of the two scans.
struct Side {
    scan: Scan,
    controls: BTreeMap<String, i64>,
    coverage: HashMap<Place, bool>,
}

impl Side {
    async fn of(session: &mut Session, id: ScanId) -> Result<Self, StoreError> {
        let scan = load(session, id).await?;
        if scan.pruned {
            return Err(StoreError::ScanPruned(id.0));
        }
        let controls = controls_of(session, id, &[]).await?;
        let controls = controls.into_iter().map(|(id, name)| (name, id)).collect();
        let complete = |entry: &Coverage| {
            let place = Place::new(&entry.type_name, &entry.account, &entry.region);
            (place, entry.state == CoverageState::Complete)
        };
        let coverage = crate::coverage::of_scan(session, id).await?.iter().map(complete).collect();
        Ok(Self { scan, controls, coverage })
    }

    fn evaluated(&self, control: &str) -> bool {
        self.controls.contains_key(control)
            || self.scan.start.controls.iter().any(|name| name == control)
    }

    /// Whether a resource that this scan says nothing about was certainly not there.
    fn knows_absence(&self, place: &Place) -> bool {
        let global = Place { region: GLOBAL_REGION.to_owned(), ..place.clone() };
        let complete = self.coverage.get(place).or_else(|| self.coverage.get(&global));
        complete.copied().unwrap_or(false)
    }
}

struct Pairs<'a> {
    before: &'a Side,
    after: &'a Side,
    places: &'a HashMap<i64, Place>,
}

type Found = Vec<(i64, Kind, Option<Entry>, Option<Entry>)>;

impl Pairs<'_> {
    fn kinds(&self, before: &HashMap<i64, Entry>, after: &HashMap<i64, Entry>) -> Found {
        let mut ids: Vec<i64> = before.keys().chain(after.keys()).copied().collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter()
            .map(|id| (id, before.get(&id).copied(), after.get(&id).copied()))
            .map(|(id, a, b)| (id, self.kind(a, b), a, b))
            .filter(|(_, kind, ..)| !matches!(kind, Kind::Nothing))
            .collect()
    }

    fn kind(&self, before: Option<Entry>, after: Option<Entry>) -> Kind {
        use VerdictStatus::{Fail, Unknown};
        let certain = |side: &Side, entry: Entry| {
            self.places.get(&entry.place_id).is_some_and(|place| side.knows_absence(place))
        };
        match (before, after) {
            (Some(a), Some(b)) => match (a.status, b.status) {
                (a, b) if a == b => Kind::Nothing,
                (_, Fail) => Kind::New,
                (Fail, b) if b != Unknown => Kind::Fixed,
                _ => Kind::Changed,
            },
            (None, Some(b)) if b.status == Unknown => Kind::Changed,
            (None, Some(b)) if b.status == Fail && certain(self.before, b) => Kind::New,
            (Some(a), None) if a.status == Fail && certain(self.after, a) => Kind::Fixed,
            (None, Some(entry)) | (Some(entry), None) if entry.status == Fail => Kind::NotCompared,
            _ => Kind::Nothing,
        }
    }
}

/// All verdicts of a scan on one control, by the resource's number.
async fn entries(
    session: &mut Session,
    scan: ScanId,
    control_id: i64,
) -> Result<HashMap<i64, Entry>, StoreError> {
    let mut found = HashMap::new();
    let params = || vec![scan.0.into(), control_id.into()];
    let runs = "SELECT place_id, status, severity, members FROM verdict_runs \
                WHERE scan_id = $1 AND control_id = $2";
    let read = |row: &Row| Ok((row.int(0)?, row.text(1)?, row.text(2)?, row.blob(3)?));
    for (place_id, status, severity, members) in session.fetch_as(runs, params(), read).await? {
        let status = status_of(session, &status)?;
        let severity = severity_of(session, &severity)?;
        let members = unpack_ids(&members).map_err(|detail| session.damaged(detail))?;
        found.extend(members.into_iter().map(|id| (id, Entry { status, severity, place_id })));
    }
    let open = "SELECT place_id, status, severity, resource_id FROM verdicts \
                WHERE scan_id = $1 AND control_id = $2";
    let read = |row: &Row| Ok((row.int(0)?, row.text(1)?, row.text(2)?, row.int(3)?));
    for (place_id, status, severity, id) in session.fetch_as(open, params(), read).await? {
        let status = status_of(session, &status)?;
        let severity = severity_of(session, &severity)?;
        found.insert(id, Entry { status, severity, place_id });
    }
    Ok(found)
}

async fn learn_places(
    session: &mut Session,
    entries: impl Iterator<Item = &Entry>,
    places: &mut HashMap<i64, Place>,
) -> Result<(), StoreError> {
    let unknown: HashSet<i64> =
        entries.map(|entry| entry.place_id).filter(|id| !places.contains_key(id)).collect();
    let ids = unknown.into_iter().map(Into::into).collect();
    let find = "SELECT id, type, account, region FROM places WHERE id";
    for row in select_in(session, find, &[], ids, "").await? {
        let read = || Ok((row.int(0)?, Place::read(&row, 1)?));
        let (id, place) = read().map_err(|error| session.fail(error))?;
        places.insert(id, place);
    }
    Ok(())
}

async fn collect(
    session: &mut Session,
    comparison: &mut Comparison,
    control: &str,
    found: Found,
    places: &HashMap<i64, Place>,
    limit: usize,
) -> Result<(), StoreError> {
    for (id, kind, before, after) in found {
        let (list, total) = match kind {
            Kind::New => (&mut comparison.new, &mut comparison.new_total),
            Kind::Fixed => (&mut comparison.fixed, &mut comparison.fixed_total),
            Kind::Changed => (&mut comparison.changed, &mut comparison.changed_total),
            Kind::NotCompared | Kind::Nothing => {
                comparison.not_compared += 1;
                continue;
            }
        };
        *total += 1;
        let Some(entry) = after.or(before) else { continue };
        if list.len() >= limit {
            continue;
        }
        let place = places.get(&entry.place_id).cloned();
        let place = place.ok_or_else(|| session.damaged("a verdict's place is missing"))?;
        let sql = "SELECT key, name FROM resources WHERE id = $1";
        let named =
            session.fetch_one(sql, vec![id.into()], |row| Ok((row.text(0)?, row.text(1)?))).await?;
        let (key, name) = named.ok_or_else(|| session.damaged("a verdict's key is missing"))?;
        list.push(VerdictChange {
            control: control.to_owned(),
            key,
            name,
            type_name: place.type_name,
            account: place.account,
            region: place.region,
            severity: entry.severity,
            before: before.map(|entry| entry.status),
            after: after.map(|entry| entry.status),
        });
    }
    Ok(())
}
