//! Names that columns hold by code: accounts, regions, contents, types, causes, assignees.
//! Codes are never given to another name, so that what has read one may keep it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::column::Column;
use crate::batch;
use crate::database::{Param, Session};
use crate::encode::column_text;
use crate::error::StoreError;

/// The columns that hold codes. INVARIANT: a column's number is its names' dimension.
pub(super) const CODED: [Column; 6] = [
    Column::Account,
    Column::Region,
    Column::Content,
    Column::ResourceType,
    Column::Cause,
    Column::Assignee,
];

/// Codes of the names that some findings have. The empty name has the code 0.
#[derive(Default)]
pub(super) struct Codes(HashMap<(i64, String), i64>);

impl Codes {
    pub(super) fn get(&self, column: Column, name: &str) -> Option<i64> {
        if name.is_empty() {
            return Some(0);
        }
        self.0.get(&(column.number(), column_text(name))).copied()
    }
}

/// The codes of names, given where they are missing.
pub(super) async fn give(
    session: &mut Session,
    wanted: BTreeSet<(Column, String)>,
) -> Result<Codes, StoreError> {
    let mut codes = Codes::default();
    for (column, names) in by_column(wanted) {
        let mut known = find(session, column, &names).await?;
        let missing: Vec<&String> = names.iter().filter(|n| !known.contains_key(*n)).collect();
        if !missing.is_empty() {
            let sql = "SELECT CAST(coalesce(max(code), 0) AS BIGINT) FROM finding_names \
                       WHERE dimension = $1";
            let last = session.fetch_one(sql, vec![column.number().into()], |row| row.int(0));
            let last = last.await?.unwrap_or_default();
            let given: Vec<(i64, String)> = missing
                .into_iter()
                .cloned()
                .enumerate()
                .map(|(n, name)| (code(last, n), name))
                .collect();
            let row = |(code, name): &(i64, String)| {
                vec![column.number().into(), (*code).into(), name.as_str().into()]
            };
            let rows: Vec<Vec<Param>> = given.iter().map(row).collect();
            let insert = "INSERT INTO finding_names (dimension, code, name)";
            batch::insert(session, insert, rows, "").await?;
            known.extend(given.into_iter().map(|(code, name)| (name, code)));
        }
        let number = column.number();
        codes.0.extend(known.into_iter().map(|(name, code)| ((number, name), code)));
    }
    Ok(codes)
}

fn code(last: i64, place: usize) -> i64 {
    last.saturating_add(1).saturating_add(i64::try_from(place).unwrap_or_default())
}

fn by_column(wanted: BTreeSet<(Column, String)>) -> BTreeMap<Column, BTreeSet<String>> {
    let mut columns: BTreeMap<Column, BTreeSet<String>> = BTreeMap::new();
    for (column, name) in wanted {
        if !name.is_empty() {
            columns.entry(column).or_default().insert(column_text(&name));
        }
    }
    columns
}

/// The codes of those names that have one.
async fn find(
    session: &mut Session,
    column: Column,
    names: &BTreeSet<String>,
) -> Result<HashMap<String, i64>, StoreError> {
    let find = "SELECT code, name FROM finding_names WHERE dimension = $1 AND name";
    let values = names.iter().map(|name| name.as_str().into()).collect();
    let rows = batch::select_in(session, find, &[column.number().into()], values, "").await?;
    rows.iter()
        .map(|row| Ok((row.text(1)?, row.int(0)?)))
        .collect::<Result<_, _>>()
        .map_err(|error| session.fail(error))
}

/// The codes of names that are asked for; with `*` at the end of all that begin so.
pub(super) async fn asked(
    session: &mut Session,
    column: Column,
    names: &[String],
) -> Result<Vec<i64>, StoreError> {
    let mut codes = Vec::new();
    let mut exact = BTreeSet::new();
    for name in names {
        match name.strip_suffix('*') {
            Some(start) if column == Column::Content => {
                let sql = "SELECT code FROM finding_names WHERE dimension = $1 \
                           AND substr(name, 1, CAST($2 AS INTEGER)) = $3";
                let start = column_text(start);
                let length = i64::try_from(start.chars().count()).unwrap_or(i64::MAX);
                let params = vec![column.number().into(), length.into(), start.into()];
                codes.extend(session.fetch_as(sql, params, |row| row.int(0)).await?);
            }
            _ if name.is_empty() => codes.push(0),
            _ => drop(exact.insert(column_text(name))),
        }
    }
    codes.extend(find(session, column, &exact).await?.into_values());
    codes.sort_unstable();
    codes.dedup();
    Ok(codes)
}

/// The names of codes.
pub(super) async fn names_of(
    session: &mut Session,
    column: Column,
    codes: BTreeSet<i64>,
) -> Result<HashMap<i64, String>, StoreError> {
    let find = "SELECT code, name FROM finding_names WHERE dimension = $1 AND code";
    let values = codes.into_iter().filter(|code| *code != 0).map(Param::from).collect();
    let rows = batch::select_in(session, find, &[column.number().into()], values, "").await?;
    let mut names: HashMap<i64, String> = rows
        .iter()
        .map(|row| Ok((row.int(0)?, row.text(1)?)))
        .collect::<Result<_, _>>()
        .map_err(|error: sqlx::Error| session.fail(error))?;
    names.insert(0, String::new());
    Ok(names)
}
