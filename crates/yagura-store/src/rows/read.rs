//! What a request asks of the store: which reader answers it, told what it may leave out.
//! How a thing becomes a row is in `values.rs`.

use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use yagura_model::{RowRequest, RowValue, VerdictStatus};

use super::columns::{ACCOUNTS, ALERTS, COVERAGE, OBJECTS, RESOURCES, SCANS, VERDICTS};
use super::{StoreRows, values};
use crate::Store;
use crate::alerts::{AlertFilter, Alerts};
use crate::error::StoreError;
use crate::ledger::{EntryFilter, Ledger, ObjectState};
use crate::resources::ResourceFilter;
use crate::verdicts::VerdictFilter;

pub(super) type Rows = BoxStream<'static, Result<Vec<RowValue>, StoreError>>;

/// Scans listed at most.
const SCANS_MAX: usize = 100_000;
/// Ledger entries read by one statement.
const ENTRIES: usize = 1_000;

/// The rows of a request. A table that nobody knows is empty: the names were checked against
/// [`yagura_model::RowSource::tables`] before.
pub(super) async fn rows(source: &StoreRows, request: &RowRequest) -> Result<Rows, StoreError> {
    let store = &source.store;
    let found = match request.table.as_str() {
        RESOURCES => resources(store, request, of(request, "type")).await?,
        VERDICTS => verdicts(store, request).await?,
        COVERAGE => {
            let found = store.coverage_at(at(request)).await?;
            let columns = request.columns.clone();
            stream::iter(found).map(move |one| Ok(values::coverage(&one, &columns))).boxed()
        }
        ACCOUNTS => {
            let found = store.accounts().await?;
            let columns = request.columns.clone();
            stream::iter(found).map(move |one| Ok(values::account(&one, &columns))).boxed()
        }
        SCANS => {
            let found = store.scans(SCANS_MAX).await?;
            let columns = request.columns.clone();
            stream::iter(found).map(move |one| Ok(values::scan(&one, &columns))).boxed()
        }
        OBJECTS => objects(store.ledger(), request).await?,
        ALERTS => alerts(store.alerts(), request),
        table => match source.types().await?.remove(table) {
            None => stream::empty().boxed(),
            Some(type_name) => {
                let asked = of(request, "type");
                if !asked.is_empty() && !asked.contains(&type_name) {
                    stream::empty().boxed()
                } else {
                    resources(store, request, vec![type_name]).await?
                }
            }
        },
    };
    Ok(match request.limit {
        Some(limit) => found.take(limit).boxed(),
        None => found,
    })
}

/// The values that a request fixes for a column; empty where it does not.
fn of(request: &RowRequest, column: &str) -> Vec<String> {
    let mut filters = request.filters.iter().filter(|filter| filter.column == column);
    // Of two conditions on one column the first is told; the engine judges the rest.
    filters.next().map(|filter| filter.values.clone()).unwrap_or_default()
}

/// As of when; the end of time is now: nothing is known of later.
fn at(request: &RowRequest) -> Timestamp {
    request.as_of.unwrap_or(Timestamp::MAX)
}

async fn resources(
    store: &Store,
    request: &RowRequest,
    types: Vec<String>,
) -> Result<Rows, StoreError> {
    let mut filter =
        ResourceFilter { types, accounts: of(request, "account"), regions: of(request, "region") };
    let columns = request.columns.clone();
    let keys = of(request, "key");
    if !keys.is_empty() {
        // A key lives in one place; only what is there has to be read.
        let mut known = Vec::new();
        for key in &keys {
            known.extend(store.resource(key).await?);
        }
        if request.as_of.is_none() {
            let living = known.into_iter().filter(|one| !one.deleted).map(|one| one.resource);
            let living: Vec<_> = living.filter(|one| filter.matches(one)).collect();
            return Ok(stream::iter(living)
                .map(move |one| Ok(values::resource(&one, &columns)))
                .boxed());
        }
        if known.is_empty() {
            return Ok(stream::empty().boxed());
        }
        let (types, accounts) = known
            .into_iter()
            .map(|one| (one.resource.type_name, one.resource.account))
            .unzip::<_, _, Vec<_>, Vec<_>>();
        filter.types.retain(|one| types.contains(one));
        if filter.types.is_empty() {
            filter.types = types;
        }
        filter.accounts = accounts;
    }
    Ok(store
        .resources_at(at(request), &filter)
        .map_ok(move |one| values::resource(&one, &columns))
        .boxed())
}

async fn verdicts(store: &Store, request: &RowRequest) -> Result<Rows, StoreError> {
    let Some(scan) = store.latest_scan_at(at(request)).await? else {
        return Ok(stream::empty().boxed());
    };
    let status = of(request, "status");
    let statuses = [
        VerdictStatus::Pass,
        VerdictStatus::Fail,
        VerdictStatus::NotApplicable,
        VerdictStatus::Unknown,
    ];
    let filter = VerdictFilter {
        statuses: statuses
            .into_iter()
            .filter(|one| status.iter().any(|word| word == one.as_str()))
            .collect(),
        controls: of(request, "control"),
        accounts: of(request, "account"),
        key: match of(request, "key").as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        },
    };
    if !status.is_empty() && filter.statuses.is_empty() {
        return Ok(stream::empty().boxed());
    }
    let columns = request.columns.clone();
    Ok(store
        .verdicts(scan.id, &filter)
        .map_ok(move |one| values::verdict(&scan, &one, &columns))
        .boxed())
}

async fn objects(ledger: Ledger, request: &RowRequest) -> Result<Rows, StoreError> {
    let columns = request.columns.clone();
    let places = of(request, "location");
    if !places.is_empty() {
        let mut found = Vec::new();
        for place in &places {
            found.extend(ledger.at_place(place).await?);
        }
        return Ok(stream::iter(found).map(move |one| Ok(values::object(&one, &columns))).boxed());
    }
    let words = of(request, "state");
    let one_of = |values: Vec<String>| match values.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    };
    let state = one_of(words)
        .and_then(|word| ObjectState::ALL.into_iter().find(|state| state.as_str() == word));
    let filter = EntryFilter { feed: one_of(of(request, "feed")), state, after: None };
    let pages = stream::try_unfold(Some((ledger, filter)), |state| async move {
        let Some((ledger, mut filter)) = state else { return Ok(None) };
        let page = ledger.entries(&filter, ENTRIES).await?;
        filter.after = page.last().map(|last| last.id);
        let next = (page.len() == ENTRIES).then_some((ledger, filter));
        Ok(Some((stream::iter(page.into_iter().map(Ok)), next)))
    });
    Ok(pages.try_flatten().map_ok(move |one| values::object(&one, &columns)).boxed())
}

fn alerts(alerts: Alerts, request: &RowRequest) -> Rows {
    let columns = request.columns.clone();
    let one_of = |column| match of(request, column).as_slice() {
        // In a filter of alerts `*` stands for any letters; here it is itself.
        [one] if !one.contains('*') => Some(one.clone()),
        _ => None,
    };
    let (content, entity) = (one_of("content"), one_of("entity"));
    let filter = AlertFilter { content, entity, ..AlertFilter::default() };
    let pages = stream::try_unfold(Some((alerts, filter)), |state| async move {
        let Some((alerts, mut filter)) = state else { return Ok(None) };
        let page = alerts.list(&filter, ENTRIES).await?;
        filter.after = page.alerts.last().map(|last| last.place);
        let next = page.more.then_some((alerts, filter));
        Ok(Some((stream::iter(page.alerts.into_iter().map(Ok)), next)))
    });
    pages.try_flatten().map_ok(move |one| values::alert(&one, &columns)).boxed()
}

impl Store {
    /// The types of resources that were ever seen or listed.
    pub(super) async fn resource_types(&self) -> Result<Vec<String>, StoreError> {
        let mut session = self.database.read("list the types of resources");
        let sql = "SELECT DISTINCT type FROM places ORDER BY type";
        session.fetch_as(sql, vec![], |row| row.text(0)).await
    }
}
