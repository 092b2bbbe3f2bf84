//! Things of the store as rows: each in the order of its columns in `columns.rs`, cut to those
//! that were asked for. INVARIANT: the positions here are the positions there.

use serde::Serialize;
use yagura_model::alert::Several;
use yagura_model::{Coverage, CoverageState, Resource, RowValue, Verdict};

use crate::alerts::StoredAlert;
use crate::ledger::Entry;
use crate::scan::{Account, Scan};

/// A row of the asked columns; `value` answers a position.
fn row(columns: &[usize], value: impl Fn(usize) -> RowValue) -> Vec<RowValue> {
    columns.iter().map(|at| value(*at)).collect()
}

fn text(value: &str) -> RowValue {
    RowValue::Text(value.to_owned())
}

fn some_text(value: Option<&str>) -> RowValue {
    value.map_or(RowValue::Null, text)
}

fn count(value: u64) -> RowValue {
    RowValue::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

/// A JSON column. What the model can hold can be written as JSON.
fn json<T: Serialize>(value: &T) -> RowValue {
    serde_json::to_string(value).map_or(RowValue::Null, RowValue::Text)
}

pub(super) fn resource(one: &Resource, columns: &[usize]) -> Vec<RowValue> {
    row(columns, |at| match at {
        0 => text(&one.key),
        1 => some_text(one.arn.as_deref()),
        2 => text(&one.id),
        3 => text(&one.type_name),
        4 => text(&one.account),
        5 => text(&one.region),
        6 => text(&one.name),
        7 => json(&one.tags),
        8 => json(&one.properties),
        9 => json(&one.runtime),
        10 => json(&one.relations),
        11 => json(&one.unread),
        _ => RowValue::Null,
    })
}

pub(super) fn verdict(scan: &Scan, one: &Verdict, columns: &[usize]) -> Vec<RowValue> {
    row(columns, |at| match at {
        0 => RowValue::Integer(scan.id.0),
        1 => RowValue::Time(scan.start.started),
        2 => text(&one.control),
        3 => text(one.status.as_str()),
        4 => text(one.severity.as_str()),
        5 => text(&one.key),
        6 => text(&one.type_name),
        7 => text(&one.account),
        8 => text(&one.region),
        9 => text(&one.name),
        10 => json(&one.evidence),
        11 => json(&one.unread),
        12 => one.exception.as_ref().map_or(RowValue::Null, json),
        _ => RowValue::Null,
    })
}

pub(super) fn account(one: &Account, columns: &[usize]) -> Vec<RowValue> {
    row(columns, |at| match at {
        0 => text(&one.id),
        1 => some_text(Some(one.name.as_str()).filter(|name| !name.is_empty())),
        2 => some_text(Some(one.ou.as_str()).filter(|ou| !ou.is_empty())),
        _ => RowValue::Null,
    })
}

pub(super) fn scan(one: &Scan, columns: &[usize]) -> Vec<RowValue> {
    row(columns, |at| match at {
        0 => RowValue::Integer(one.id.0),
        1 => RowValue::Time(one.start.started),
        2 => one.finished.map_or(RowValue::Null, RowValue::Time),
        3 => text(one.state.as_str()),
        4 => RowValue::Boolean(one.start.full),
        5 => RowValue::Boolean(one.imported),
        6 => RowValue::Boolean(one.pruned),
        7 => count(one.resources),
        8 => json(&one.start.regions),
        _ => RowValue::Null,
    })
}

pub(super) fn coverage(one: &Coverage, columns: &[usize]) -> Vec<RowValue> {
    let state = match one.state {
        CoverageState::Complete => "complete",
        CoverageState::Partial(_) => "partial",
        CoverageState::Unread(_) => "unread",
    };
    row(columns, |at| match at {
        0 => text(&one.account),
        1 => text(&one.region),
        2 => text(&one.type_name),
        3 => text(state),
        4 => count(one.count),
        5 => one.state.unread().map_or(RowValue::Null, json),
        _ => RowValue::Null,
    })
}

pub(super) fn object(one: &Entry, columns: &[usize]) -> Vec<RowValue> {
    row(columns, |at| match at {
        0 => RowValue::Integer(one.id.0),
        1 => text(&one.object.location),
        2 => text(&one.object.key),
        3 => some_text(one.object.version.as_deref()),
        4 => some_text(one.object.etag.as_deref()),
        5 => count(one.object.size_bytes),
        6 => one.object.modified.map_or(RowValue::Null, RowValue::Time),
        7 => text(&one.feed),
        8 => text(one.state.as_str()),
        9 => some_text(one.source.as_deref()),
        10 => count(one.attempts),
        11 => count(one.rows),
        12 => count(one.repeats),
        13 => count(one.bad),
        14 => one.commit.map_or(RowValue::Null, count),
        15 => some_text(one.reason.as_deref()),
        16 => some_text(one.detail.as_deref()),
        17 => some_text(one.integrity.as_deref()),
        18 => RowValue::Time(one.listed),
        19 => one.settled.map_or(RowValue::Null, RowValue::Time),
        _ => RowValue::Null,
    })
}

pub(super) fn alert(one: &StoredAlert, columns: &[usize]) -> Vec<RowValue> {
    let alert = &one.alert;
    let time = |us| jiff::Timestamp::from_microsecond(us).map_or(RowValue::Null, RowValue::Time);
    let names = |set: &Several| json(&set.names().collect::<Vec<_>>());
    row(columns, |at| match at {
        0 => text(&alert.id),
        1 => text(alert.kind.as_str()),
        2 => text(&alert.content),
        3 => text(&alert.title.en),
        4 => text(alert.severity.as_str()),
        5 => json(&alert.tags),
        6 => text(alert.entity.kind.as_str()),
        7 => text(&alert.entity.id),
        8 => time(alert.first_us),
        9 => time(alert.last_us),
        10 => count(alert.count().0),
        11 => names(&alert.accounts),
        12 => names(&alert.actors),
        13 => names(&alert.addresses),
        14 => RowValue::Boolean(alert.suppressed.is_some()),
        15 => RowValue::Boolean(alert.shadow),
        16 => RowValue::Time(one.raised),
        17 => RowValue::Time(one.changed),
        _ => RowValue::Null,
    })
}
