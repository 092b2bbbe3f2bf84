//! Reads the values of a table's columns out of a record: paths followed, kinds converted.
//! Whole rows are in `row.rs`; the lake builds its own columns from these same pieces.

use std::borrow::Cow;

use super::pick::picked;
use super::time::{TimeFormat, micros_without_year};
use super::{Column, ColumnKind, FieldPath, FieldStep, Rule, Template, TemplatePiece, TimeRule};
use crate::event::{Kind, Record, Value};

/// A value in a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Of [`ColumnKind::Text`] and [`ColumnKind::Json`].
    Text(Cow<'a, str>),
    /// Of [`ColumnKind::Integer`].
    Integer(i64),
    /// Of [`ColumnKind::Real`]; finite.
    Real(f64),
    /// Of [`ColumnKind::Boolean`].
    Boolean(bool),
    /// Of [`ColumnKind::Time`]: microseconds since 1970 in UTC.
    Time(i64),
    /// Of [`ColumnKind::List`]; an element that is null or cannot be read is none.
    List(Vec<Option<Cell<'a>>>),
    /// Of [`ColumnKind::Struct`]: a value for each of its columns.
    Struct(Vec<Option<Cell<'a>>>),
}

/// What a path leads to.
#[derive(Clone, Debug)]
pub enum Found<'a> {
    /// A value of the record, never null.
    Value(Value<'a>),
    /// What was picked of one, or a part of the object's key.
    Text(Cow<'a, str>),
}

impl<'a> Found<'a> {
    /// As text: a composite as its JSON text.
    pub fn text(&self) -> Cow<'a, str> {
        match self {
            Self::Value(value) => value.text(),
            Self::Text(text) => text.clone(),
        }
    }
}

impl FieldPath {
    /// What the path leads to from a value: the first that is not null. The record tells the
    /// parts of its object's key.
    pub fn find<'a>(&self, from: Value<'a>, record: Record<'a>) -> Option<Found<'a>> {
        let mut first = None;
        self.each(from, record, &mut |found| {
            first = Some(found);
            false
        });
        first
    }

    /// Hands over everything that the path leads to and that is not null, in the order of the
    /// record, until `take` says that it is enough.
    pub fn each<'a>(
        &self,
        from: Value<'a>,
        record: Record<'a>,
        take: &mut dyn FnMut(Found<'a>) -> bool,
    ) {
        if self.from_key {
            if let Some(FieldStep::Key(name)) = self.steps.first()
                && let Some(text) = record.key_field(name)
                && let Some(text) = picked(&self.picks, Cow::Borrowed(text))
            {
                take(Found::Text(text));
            }
            return;
        }
        follow(&self.steps, from, &mut |value| match self.pick(value) {
            Some(found) => take(found),
            None => true,
        });
    }

    /// What is taken of a value that the steps of the path led to; none of null.
    pub fn pick<'a>(&self, value: Value<'a>) -> Option<Found<'a>> {
        if value.is_null() {
            return None;
        }
        if self.picks.is_empty() {
            return Some(Found::Value(value));
        }
        picked(&self.picks, value.text()).map(Found::Text)
    }
}

/// Whether to go on.
fn follow<'a>(
    steps: &[FieldStep],
    value: Value<'a>,
    take: &mut dyn FnMut(Value<'a>) -> bool,
) -> bool {
    let Some((step, rest)) = steps.split_first() else { return take(value) };
    match step {
        FieldStep::Key(name) => value.get(name).is_none_or(|value| follow(rest, value, take)),
        FieldStep::Index(at) => value.item(*at).is_none_or(|value| follow(rest, value, take)),
        FieldStep::Each => value.items().all(|value| follow(rest, value, take)),
    }
}

impl Template {
    /// The text with its values in it; none where one is missing or empty.
    pub fn text<'a>(&self, record: Record<'a>) -> Option<Cow<'a, str>> {
        let full = |text: &Cow<'a, str>| !text.is_empty();
        if let Some(path) = self.path() {
            return path.find(record.root(), record).map(|found| found.text()).filter(full);
        }
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                TemplatePiece::Text(plain) => text.push_str(plain),
                TemplatePiece::Value(path) => {
                    let found = path.find(record.root(), record)?.text();
                    text.push_str(Some(found).filter(full)?.as_ref());
                }
            }
        }
        Some(Cow::Owned(text))
    }
}

impl Rule {
    /// The value of a shared column in a record. An empty text counts as absent.
    pub fn value<'a>(&'a self, record: Record<'a>) -> Option<Cow<'a, str>> {
        self.value_of(|_, template| template.text(record))
    }

    /// The same where the caller tells the text of each template, by its place: it may have read
    /// the record already.
    pub fn value_of<'a>(
        &'a self,
        mut text: impl FnMut(usize, &'a Template) -> Option<Cow<'a, str>>,
    ) -> Option<Cow<'a, str>> {
        let found = self.from.iter().enumerate().find_map(|(at, template)| text(at, template));
        match found {
            // Nothing is mapped: the value itself, without a copy.
            Some(value) if self.map.is_empty() && self.present.is_none() => Some(value),
            Some(value) => match self.settle(Some(&value)) {
                Some(settled) if settled != value => Some(Cow::Owned(settled.to_owned())),
                _ => Some(value),
            },
            None => self.absent.as_deref().map(Cow::Borrowed),
        }
    }
}

impl TimeRule {
    /// The time of a record in microseconds since 1970: the first of its fields that can be read.
    pub fn micros(&self, record: Record<'_>) -> Option<i64> {
        let read = |text: &str| {
            self.format.micros(text).or_else(|| self.format.micros_without_year(text, record))
        };
        self.from.iter().find_map(|template| read(&template.text(record)?))
    }
}

impl TimeFormat {
    /// A time without a year, as older syslog has it: the last such time up to a day after the
    /// record was received, else after its object was last changed.
    pub fn micros_without_year(self, text: &str, record: Record<'_>) -> Option<i64> {
        if self != Self::Any {
            return None;
        }
        let near = ["received", "timestamp", "modified"];
        let near = near.iter().find_map(|name| record.key_field(name))?;
        micros_without_year(text, Self::Any.micros(near)?)
    }
}

impl Column {
    /// The column's value in a record.
    pub fn cell<'a>(&self, record: Record<'a>) -> Option<Cell<'a>> {
        self.cell_in(record.root(), record)
    }

    /// The column's value where its paths begin at a value of the record: a member of a struct.
    pub fn cell_in<'a>(&self, from: Value<'a>, record: Record<'a>) -> Option<Cell<'a>> {
        if let ColumnKind::List(element) = &self.kind {
            let of_each = self.from.iter().filter(|path| path.is_of_each());
            for path in of_each {
                let mut elements = Vec::new();
                path.each(from, record, &mut |found| {
                    elements.push(element.cell(&found, record));
                    true
                });
                if !elements.is_empty() {
                    return Some(Cell::List(elements));
                }
            }
        }
        let plain = self
            .from
            .iter()
            .filter(|path| !(path.is_of_each() && matches!(self.kind, ColumnKind::List(_))));
        let found = plain.into_iter().find_map(|path| path.find(from, record))?;
        self.kind.cell(&found, record)
    }
}

impl ColumnKind {
    /// What a value is as this kind; none where it cannot be read as it.
    pub fn cell<'a>(&self, found: &Found<'a>, record: Record<'a>) -> Option<Cell<'a>> {
        Some(match self {
            Self::Text => Cell::Text(found.text()),
            Self::Json => Cell::Text(match found {
                Found::Value(value) => value.json(),
                Found::Text(text) => Cow::Owned(serde_json::Value::from(text.as_ref()).to_string()),
            }),
            Self::Integer => Cell::Integer(integer(&found.text())?),
            Self::Real => Cell::Real(real(&found.text())?),
            Self::Boolean => Cell::Boolean(boolean(&found.text())?),
            Self::Time(format) => Cell::Time(format.micros(&found.text())?),
            Self::List(element) => match found {
                Found::Value(value) if value.kind() == Kind::Array => {
                    let cell = |item: Value<'a>| {
                        let found = (!item.is_null()).then_some(Found::Value(item))?;
                        element.cell(&found, record)
                    };
                    Cell::List(value.items().map(cell).collect())
                }
                single => Cell::List(vec![element.cell(single, record)]),
            },
            Self::Struct(columns) => match found {
                Found::Value(value) if value.kind() == Kind::Object => Cell::Struct(
                    columns.iter().map(|column| column.cell_in(*value, record)).collect(),
                ),
                _ => return None,
            },
        })
    }
}

/// A whole number as logs write it; also `12.0` and `1.2E3`.
pub fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number = real(text)?;
    // Beyond 2^53 a float no longer is the number that was written.
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
    let whole = (number.fract() == 0.0 && number.abs() < 9.0e15).then_some(number as i64);
    whole
}

/// A number as logs write it.
pub fn real(text: &str) -> Option<f64> {
    let number: f64 = text.trim().parse().ok()?;
    number.is_finite().then_some(number)
}

/// `true` or `yes`, `false` or `no`, in capitals or small letters.
pub fn boolean(text: &str) -> Option<bool> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("true") || is("yes") {
        return Some(true);
    }
    (is("false") || is("no")).then_some(false)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::{BatchBuilder, EventBatch, Origin};

    const RECORD: &str = r#"{"a":{"b":"x","n":"12","e":""},"list":[{"k":1},null,{"k":"two"},{}],
        "one":{"k":3},"null":null,"at":"2026-11-21T05:12:01Z","yes":"Yes","big":1.5e3}"#;

    fn batch() -> EventBatch {
        let key_fields = vec![("account".to_owned(), "111122223333".to_owned())];
        let origin = Origin { object: "file".into(), key_fields };
        let mut builder = BatchBuilder::new(Arc::new(origin));
        builder.push_json(RECORD.as_bytes()).unwrap();
        builder.finish()
    }

    fn check(kind: ColumnKind, from: &[&str], expected: Option<Cell<'_>>) {
        let batch = batch();
        let from = from.iter().map(|path| path.parse().unwrap()).collect();
        let column = Column { name: "c".into(), kind, from, lookup: false };
        let both = (column.cell(batch.record(0).unwrap()), expected);
        assert_eq!(both.0, both.1, "{column:?}");
    }

    fn text(text: &str) -> Option<Cell<'_>> {
        Some(Cell::Text(Cow::Borrowed(text)))
    }

    #[test]
    fn values_are_read_as_their_kind() {
        check(ColumnKind::Text, &["a.b"], text("x"));
        check(ColumnKind::Text, &["one"], text(r#"{"k":3}"#));
        check(ColumnKind::Json, &["a.b"], text("\"x\""));
        check(ColumnKind::Integer, &["a.n"], Some(Cell::Integer(12)));
        check(ColumnKind::Integer, &["big"], Some(Cell::Integer(1500)));
        check(ColumnKind::Real, &["a.n"], Some(Cell::Real(12.0)));
        check(ColumnKind::Boolean, &["yes"], Some(Cell::Boolean(true)));
        let at = Some(Cell::Time(1_795_237_921_000_000));
        check(ColumnKind::Time(TimeFormat::Rfc3339), &["at"], at);
        check(ColumnKind::Text, &["@account"], text("111122223333"));
        check(ColumnKind::Text, &["@account|part(1,9)"], None);
    }

    #[test]
    fn the_first_that_is_not_null_wins() {
        check(ColumnKind::Text, &["nothing", "null", "a.b", "a.n"], text("x"));
        check(ColumnKind::Text, &["list[].k"], text("1"));
        check(ColumnKind::Text, &["null"], None);
    }

    #[test]
    fn what_is_not_of_the_kind_is_null() {
        check(ColumnKind::Integer, &["a.b"], None);
        check(ColumnKind::Boolean, &["a.n"], None);
        check(ColumnKind::Time(TimeFormat::Rfc3339), &["a.b"], None);
        let member = Column {
            name: "k".into(),
            kind: ColumnKind::Integer,
            from: vec!["k".parse().unwrap()],
            lookup: false,
        };
        check(ColumnKind::Struct(vec![member]), &["a.b"], None);
    }

    #[test]
    fn lists_keep_their_places_and_a_single_value_is_a_list_of_one() {
        let member = |kind| Column {
            name: "k".into(),
            kind,
            from: vec!["k".parse().unwrap()],
            lookup: false,
        };
        let structs =
            ColumnKind::List(Box::new(ColumnKind::Struct(vec![member(ColumnKind::Integer)])));
        let k = |k| Some(Cell::Struct(vec![k]));
        let all = vec![k(Some(Cell::Integer(1))), None, k(None), k(None)];
        check(structs.clone(), &["list"], Some(Cell::List(all)));
        let one = vec![k(Some(Cell::Integer(3)))];
        check(structs, &["one"], Some(Cell::List(one)));
        let texts = ColumnKind::List(Box::new(ColumnKind::Text));
        check(texts.clone(), &["list[].k"], Some(Cell::List(vec![text("1"), text("two")])));
        check(texts.clone(), &["none[].k", "a.b"], Some(Cell::List(vec![text("x")])));
        check(texts, &["none[].k"], None);
    }

    #[test]
    fn a_time_without_a_year_takes_it_from_when_it_came() {
        let key_fields = vec![("modified".to_owned(), "2027-01-01T00:10:00Z".to_owned())];
        let origin = Origin { object: "file".into(), key_fields };
        let mut builder = BatchBuilder::new(Arc::new(origin));
        builder.push_json(br#"{"a":"Dec 31 23:59:59","b":"Jan  1 00:00:01"}"#).unwrap();
        let batch = builder.finish();
        let micros = |path: &str, format| {
            let from = vec![path.parse().unwrap()];
            TimeRule { from, format }.micros(batch.record(0).unwrap())
        };
        let at = |text: &str| TimeFormat::Rfc3339.micros(text);
        assert_eq!(micros("a", TimeFormat::Any), at("2026-12-31T23:59:59Z"));
        assert_eq!(micros("b", TimeFormat::Any), at("2027-01-01T00:00:01Z"));
        assert_eq!(micros("a", TimeFormat::Rfc3339), None);
    }

    #[test]
    fn a_template_lacking_a_value_gives_none() {
        let batch = batch();
        let record = batch.record(0).unwrap();
        let rule = |from: &[&str]| Rule {
            from: from.iter().map(|text| text.parse().unwrap()).collect(),
            ..Rule::default()
        };
        let value = |from: &[&str]| rule(from).value(record).map(Cow::into_owned);
        assert_eq!(value(&["b:${a.b}/${a.n}"]).as_deref(), Some("b:x/12"));
        assert_eq!(value(&["${a.b}/${null}", "@account"]).as_deref(), Some("111122223333"));
        assert_eq!(value(&["a.e"]), None);
    }
}
