//! Columns take their values from what was found in a record.
//! The same rules as `yagura_model::source::Column::cell`, without a cell in between.

use yagura_model::event::{Kind, Record, Value};
use yagura_model::source::{Found, Pick, TimeFormat, boolean, integer, picked, real};

use crate::form::{FormMaker, ITEMS_MAX, Style, is_written};
use crate::rows::columns::ColumnInMaking;
use crate::rows::plan::{Candidate, PlannedColumn, PlannedKind, RowPlan, time_styles};
use crate::rows::values::Values;

/// What filling needs besides the column.
#[derive(Debug)]
pub(crate) struct Filler<'f, 'a> {
    pub(crate) plan: &'f RowPlan,
    pub(crate) values: &'f mut Values<'a>,
    pub(crate) record: Record<'a>,
    /// Learns which words columns took.
    pub(crate) form: &'f mut FormMaker,
    /// The item of a list that is being filled, from zero.
    pub(crate) item: Option<usize>,
}

impl<'a> Filler<'_, 'a> {
    /// Adds the column's value as that of a row; where the record has none, nothing: the column
    /// is filled up with nulls before its next value, or at the end.
    pub(crate) fn column(
        &mut self,
        scope: usize,
        planned: &PlannedColumn,
        row: usize,
        to: &mut ColumnInMaking,
    ) {
        for (place, candidate) in planned.from.iter().enumerate() {
            if let Candidate::Each(list, picks) = candidate {
                let values = self.values.take_list(scope, *list);
                let filled = self.each(&planned.kind, &values, (row, picks), to);
                self.values.put_list(scope, *list, values);
                if filled {
                    return;
                }
                continue;
            }
            // Looked at where it was put, and not moved: a processor that is to read as a whole
            // what was just written in parts waits, and did so for a twelfth of ingestion.
            let found = self.values.find(scope, candidate, self.record);
            if let Some(found) = &found {
                to.pad(row);
                let blank = planned.blanks.get(place).copied().flatten();
                return self.value(scope, (&planned.kind, blank), found, to);
            }
        }
    }

    /// A list of what a path led to; false where that was nothing.
    fn each(
        &mut self,
        kind: &PlannedKind,
        values: &[Value<'a>],
        (row, picks): (usize, &[Pick]),
        to: &mut ColumnInMaking,
    ) -> bool {
        let (PlannedKind::List(item), ColumnInMaking::List { items, .. }) = (kind, &mut *to) else {
            return false;
        };
        let mut any = false;
        for value in values {
            let found = match picks.is_empty() {
                true => Some(Found::Value(*value)),
                false => picked(picks, value.text()).map(Found::Text),
            };
            if let Some(found) = found {
                any = true;
                self.value(0, (item, None), &found, items);
            }
        }
        if any {
            to.pad(row);
            to.end_list();
        }
        any
    }

    fn value(
        &mut self,
        scope: usize,
        (kind, blank): (&PlannedKind, Option<usize>),
        found: &Found<'a>,
        to: &mut ColumnInMaking,
    ) {
        match kind {
            PlannedKind::Text => {
                let text = found.text();
                to.push_text(&text);
                self.took(&text, blank, &[(Style::Text, 0)]);
            }
            PlannedKind::Json => {
                let json = match found {
                    Found::Value(value) => value.json(),
                    Found::Text(text) => {
                        let mut json = String::new();
                        yagura_model::event::write_json_string(text, &mut json);
                        json.into()
                    }
                };
                to.push_text(&json);
                self.took(&json, blank, &[(Style::Text, 0)]);
            }
            PlannedKind::Integer => {
                let text = found.text();
                let value = integer(&text);
                push(to, value, ColumnInMaking::push_integer);
                if let Some(value) = value {
                    self.took(&text, blank, &[(Style::Whole, value)]);
                }
            }
            PlannedKind::Real => push(to, real(&found.text()), ColumnInMaking::push_real),
            PlannedKind::Boolean => push(to, boolean(&found.text()), ColumnInMaking::push_boolean),
            PlannedKind::Time(format) => {
                let text = found.text();
                let value = format.micros(&text);
                push(to, value, ColumnInMaking::push_integer);
                if let Some(value) = value {
                    self.took_time(*format, &text, blank, value);
                }
            }
            PlannedKind::List(item) => self.list(item, found, to),
            PlannedKind::Inline(members) => self.members(scope, members, found, to),
            PlannedKind::Scoped(own, members) => {
                if let Found::Value(value) = found
                    && value.kind() == Kind::Object
                {
                    self.values.walk(self.plan, *own, *value);
                }
                self.members(*own, members, found, to);
            }
        }
    }

    /// Tells the form which words a column took, if they can be written back from it. The ways
    /// to write are those of the blanks that follow one another from `blank`.
    fn took(&mut self, words: &str, blank: Option<usize>, ways: &[(Style, i64)]) {
        let Some(mut blank) = blank else { return };
        if let Some(item) = self.item {
            if item >= ITEMS_MAX {
                return;
            }
            blank += item;
        }
        let way = ways.iter().position(|(style, value)| is_written(*style, words, *value));
        if let Some(way) = way {
            self.form.took(self.record.raw(), words, blank + way);
        }
    }

    /// The same for a time.
    pub(crate) fn took_time(
        &mut self,
        format: TimeFormat,
        words: &str,
        blank: Option<usize>,
        micros: i64,
    ) {
        let styles = time_styles(format);
        let mut ways = [(Style::Iso, micros); 3];
        for (way, style) in ways.iter_mut().zip(styles) {
            way.0 = *style;
        }
        self.took(words, blank, ways.get(..styles.len()).unwrap_or_default());
    }

    /// An array as a list; another value as a list of one.
    fn list(&mut self, item: &PlannedKind, found: &Found<'a>, to: &mut ColumnInMaking) {
        let ColumnInMaking::List { items, .. } = &mut *to else { return to.push_null() };
        match found {
            Found::Value(array) if array.kind() == Kind::Array => {
                let outer = self.item;
                for (place, value) in array.items().enumerate() {
                    self.item = Some(place);
                    match value.is_null() {
                        true => items.push_null(),
                        false => self.value(0, (item, None), &Found::Value(value), items),
                    }
                }
                self.item = outer;
            }
            single => {
                let outer = self.item.replace(0);
                self.value(0, (item, None), single, items);
                self.item = outer;
            }
        }
        to.end_list();
    }

    fn members(
        &mut self,
        scope: usize,
        planned: &[PlannedColumn],
        found: &Found<'a>,
        to: &mut ColumnInMaking,
    ) {
        match (found, &mut *to) {
            (Found::Value(value), ColumnInMaking::Struct { nulls, members, .. })
                if value.kind() == Kind::Object =>
            {
                let row = nulls.len();
                for (planned, member) in planned.iter().zip(members) {
                    self.column(scope, planned, row, member);
                }
                nulls.append_non_null();
            }
            _ => to.push_null(),
        }
    }
}

fn push<T>(to: &mut ColumnInMaking, value: Option<T>, add: fn(&mut ColumnInMaking, T)) {
    match value {
        Some(value) => add(to, value),
        None => to.push_null(),
    }
}
