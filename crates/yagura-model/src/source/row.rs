//! A record as a row of its source's table: every column's value, and the record's name.
//! How rows are stored is the lake's business.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::read::Cell;
use super::{Column, ColumnKind, Table};
use crate::event::Record;

/// A record as a row.
#[derive(Clone, Debug, PartialEq)]
pub struct TableRow<'a> {
    /// Microseconds since 1970 in UTC.
    pub time: i64,
    /// `account`, `region`, `actor`, `address`, `action`, `resource`, `outcome`.
    pub shared: [Option<Cow<'a, str>>; 7],
    /// In the order of the table's columns.
    pub columns: Vec<Option<Cell<'a>>>,
}

impl Table {
    /// A record as a row; none where its time cannot be read, without which it has no place.
    pub fn row<'a>(&'a self, record: Record<'a>) -> Option<TableRow<'a>> {
        Some(TableRow {
            time: self.shared.time.micros(record)?,
            shared: self.shared.texts().map(|(_, rule)| rule.value(record)),
            columns: self.columns.iter().map(|column| column.cell(record)).collect(),
        })
    }

    /// The record's name: the values of `identity`, each with its length before it, so that no
    /// two different lists make the same name. None where the source's records have no name or
    /// the first value is missing.
    pub fn name_of(&self, record: Record<'_>) -> Option<String> {
        let root = record.root();
        let parts = self.identity.iter();
        Self::name_from(parts.map(|path| path.find(root, record).map(|found| found.text())))
    }

    /// The same from the values of `identity`, in its order.
    pub fn name_from<'a>(
        values: impl Iterator<Item = Option<std::borrow::Cow<'a, str>>>,
    ) -> Option<String> {
        let mut name = String::new();
        for (n, value) in values.enumerate() {
            if n == 0 && value.as_ref().is_none_or(|value| value.is_empty()) {
                return None;
            }
            let value = value.unwrap_or_default();
            // Three values are usual: an id, an account and a region.
            name.reserve(value.len() + 40 * usize::from(n == 0));
            push_number(value.len(), &mut name);
            name.push(':');
            name.push_str(&value);
        }
        (!name.is_empty()).then_some(name)
    }
}

/// Adds a number in decimal: most are of one digit or two, and names are made by the million.
fn push_number(number: usize, to: &mut String) {
    let digit = |digit: usize| char::from(b'0' + u8::try_from(digit % 10).unwrap_or_default());
    match number {
        0..10 => to.push(digit(number)),
        10..100 => to.extend([digit(number / 10), digit(number)]),
        _ => to.push_str(&number.to_string()),
    }
}

impl TableRow<'_> {
    /// The row as JSON, without what is null; times as RFC 3339 in UTC. `object` and `raw` are
    /// not in it.
    pub fn json(&self, table: &Table) -> Map<String, Json> {
        let mut row = Map::new();
        row.insert("time".to_owned(), time_json(self.time));
        for ((name, _), value) in table.shared.texts().into_iter().zip(&self.shared) {
            if let Some(value) = value {
                row.insert(name.to_owned(), Json::from(value.as_ref()));
            }
        }
        row.extend(members(&table.columns, &self.columns));
        row
    }
}

fn members(columns: &[Column], cells: &[Option<Cell<'_>>]) -> Map<String, Json> {
    let full = columns.iter().zip(cells).filter_map(|(column, cell)| {
        Some((column.name.clone(), json(&column.kind, cell.as_ref()?)))
    });
    full.collect()
}

fn json(kind: &ColumnKind, cell: &Cell<'_>) -> Json {
    match (cell, kind) {
        (Cell::Text(text), _) => Json::from(text.as_ref()),
        (Cell::Integer(number), _) => Json::from(*number),
        (Cell::Real(number), _) => Json::from(*number),
        (Cell::Boolean(value), _) => Json::from(*value),
        (Cell::Time(micros), _) => time_json(*micros),
        (Cell::List(cells), ColumnKind::List(element)) => cells
            .iter()
            .map(|cell| cell.as_ref().map_or(Json::Null, |cell| json(element, cell)))
            .collect(),
        (Cell::Struct(cells), ColumnKind::Struct(columns)) => Json::Object(members(columns, cells)),
        // A cell is made from its kind; this cannot be, and null says so.
        (Cell::List(_) | Cell::Struct(_), _) => Json::Null,
    }
}

fn time_json(micros: i64) -> Json {
    Timestamp::from_microsecond(micros).map_or(Json::Null, |time| Json::from(time.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::BatchBuilder;
    use crate::source::{Rule, Shared, TimeFormat, TimeRule};

    fn table() -> Table {
        let column = |name: &str, kind| Column {
            name: name.into(),
            kind,
            from: vec![name.parse().unwrap()],
            lookup: false,
        };
        let rule = |path: &str| Rule { from: vec![path.parse().unwrap()], ..Rule::default() };
        Table {
            source: "test".into(),
            columns: vec![
                column("n", ColumnKind::Integer),
                column("s", ColumnKind::Struct(vec![column("x", ColumnKind::Text)])),
            ],
            shared: Shared {
                time: TimeRule {
                    from: vec!["t".parse().unwrap()],
                    format: TimeFormat::EpochSeconds,
                },
                actor: rule("who"),
                ..Shared::default()
            },
            identity: vec!["id".parse().unwrap(), "n".parse().unwrap()],
        }
    }

    fn check(record: &str, row: Option<&str>, name: Option<&str>) {
        let mut builder = BatchBuilder::default();
        builder.push_json(record.as_bytes()).unwrap();
        let batch = builder.finish();
        let record = batch.record(0).unwrap();
        let table = table();
        let found = table.row(record).map(|row| Json::Object(row.json(&table)).to_string());
        assert_eq!(found.as_deref(), row);
        assert_eq!(table.name_of(record).as_deref(), name);
    }

    #[test]
    fn a_record_becomes_a_row_without_its_nulls() {
        check(
            r#"{"t":1,"who":"me","n":3,"s":{"x":"y","more":1},"id":"a"}"#,
            Some(r#"{"time":"1970-01-01T00:00:01Z","actor":"me","n":3,"s":{"x":"y"}}"#),
            Some("1:a1:3"),
        );
        check(r#"{"t":1.5}"#, Some(r#"{"time":"1970-01-01T00:00:01.5Z"}"#), None);
    }

    #[test]
    fn a_record_without_a_time_is_no_row() {
        check(r#"{"n":1}"#, None, None);
        check(r#"{"t":"soon","id":""}"#, None, None);
    }

    #[test]
    fn a_record_lacking_a_later_part_of_its_name_still_has_one() {
        check(r#"{"t":0,"id":"a"}"#, Some(r#"{"time":"1970-01-01T00:00:00Z"}"#), Some("1:a0:"));
    }
}
