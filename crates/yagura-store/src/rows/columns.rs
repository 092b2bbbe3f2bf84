//! Tables and columns as SQL sees them. Names are promises.
//! What stands in the columns is in `values.rs`.

use yagura_model::{RowColumn, RowKind, RowTable};

use RowKind::{Boolean, Integer, Json, Text, Time};

/// All resources.
pub(super) const RESOURCES: &str = "resources";
/// Verdicts of the newest scan.
pub(super) const VERDICTS: &str = "verdicts";
/// The accounts of the organization.
pub(super) const ACCOUNTS: &str = "accounts";
/// Scans.
pub(super) const SCANS: &str = "scans";
/// What the newest scan could list.
pub(super) const COVERAGE: &str = "coverage";
/// The ledger of log objects.
pub(super) const OBJECTS: &str = "objects";
/// What judging logs raised.
pub(super) const ALERTS: &str = "alerts";

/// Name, kind, and whether the store reads less when the value is fixed.
type Row = (&'static str, RowKind, bool);

const RESOURCE: [Row; 12] = [
    ("key", Text, true),
    ("arn", Text, false),
    ("id", Text, false),
    ("type", Text, true),
    ("account", Text, true),
    ("region", Text, true),
    ("name", Text, false),
    ("tags", Json, false),
    ("properties", Json, false),
    ("runtime", Json, false),
    ("relations", Json, false),
    ("unread", Json, false),
];

const VERDICT: [Row; 13] = [
    ("scan", Integer, false),
    ("time", Time, false),
    ("control", Text, true),
    ("status", Text, true),
    ("severity", Text, false),
    ("key", Text, true),
    ("type", Text, false),
    ("account", Text, true),
    ("region", Text, false),
    ("name", Text, false),
    ("evidence", Json, false),
    ("unread", Json, false),
    ("exception", Json, false),
];

const ACCOUNT: [Row; 3] = [("id", Text, false), ("name", Text, false), ("ou", Text, false)];

const SCAN: [Row; 9] = [
    ("id", Integer, false),
    ("started", Time, false),
    ("finished", Time, false),
    ("state", Text, false),
    ("full", Boolean, false),
    ("imported", Boolean, false),
    ("pruned", Boolean, false),
    ("resources", Integer, false),
    ("regions", Json, false),
];

const COVERED: [Row; 6] = [
    ("account", Text, false),
    ("region", Text, false),
    ("type", Text, false),
    ("state", Text, false),
    ("count", Integer, false),
    ("unread", Json, false),
];

const OBJECT: [Row; 20] = [
    ("id", Integer, false),
    ("location", Text, true),
    ("key", Text, false),
    ("version", Text, false),
    ("etag", Text, false),
    ("size_bytes", Integer, false),
    ("modified", Time, false),
    ("feed", Text, true),
    ("state", Text, true),
    ("source", Text, false),
    ("attempts", Integer, false),
    ("rows", Integer, false),
    ("repeats", Integer, false),
    ("bad", Integer, false),
    ("lake_commit", Integer, false),
    ("reason", Text, false),
    ("detail", Text, false),
    ("integrity", Text, false),
    ("listed", Time, false),
    ("settled", Time, false),
];

const ALERT: [Row; 18] = [
    ("id", Text, false),
    ("kind", Text, false),
    ("content", Text, true),
    ("title", Text, false),
    ("severity", Text, false),
    ("tags", Json, false),
    ("entity_kind", Text, false),
    ("entity", Text, true),
    ("first", Time, false),
    ("last", Time, false),
    ("events", Integer, false),
    ("accounts", Json, false),
    ("actors", Json, false),
    ("addresses", Json, false),
    ("suppressed", Boolean, false),
    ("shadow", Boolean, false),
    ("raised", Time, false),
    ("changed", Time, false),
];

fn table(name: &str, columns: &[Row], as_of: bool) -> RowTable {
    let column = |(name, kind, filter): &Row| RowColumn {
        name: (*name).to_owned(),
        kind: *kind,
        filter: *filter,
    };
    RowTable { name: name.to_owned(), columns: columns.iter().map(column).collect(), as_of }
}

/// The tables that every store has.
pub(super) fn fixed() -> Vec<RowTable> {
    vec![
        table(RESOURCES, &RESOURCE, true),
        table(VERDICTS, &VERDICT, true),
        table(COVERAGE, &COVERED, true),
        table(ACCOUNTS, &ACCOUNT, false),
        table(SCANS, &SCAN, false),
        table(OBJECTS, &OBJECT, false),
        table(ALERTS, &ALERT, false),
    ]
}

/// The table of a resource type.
pub(super) fn of_type(name: &str) -> RowTable {
    table(name, &RESOURCE, true)
}
