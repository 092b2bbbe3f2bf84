//! Columns take their values from what was found in a record.
//! The same rules as `yagura_model::source::Column::cell`, without a cell in between.

use yagura_model::event::{Kind, Record, Value};
use yagura_model::source::{Found, Pick, boolean, integer, picked, real};

use crate::rows::columns::ColumnInMaking;
use crate::rows::plan::{Candidate, PlannedColumn, PlannedKind, RowPlan};
use crate::rows::values::Values;

/// What filling needs besides the column.
#[derive(Debug)]
pub(crate) struct Filler<'f, 'a> {
    pub(crate) plan: &'f RowPlan,
    pub(crate) values: &'f mut Values<'a>,
    pub(crate) record: Record<'a>,
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
        for candidate in &planned.from {
            if let Candidate::Each(list, picks) = candidate {
                let values = self.values.take_list(scope, *list);
                let filled = self.each(&planned.kind, &values, (row, picks), to);
                self.values.put_list(scope, *list, values);
                if filled {
                    return;
                }
            } else if let Some(found) = self.values.find(scope, candidate, self.record) {
                to.pad(row);
                return self.value(scope, &planned.kind, &found, to);
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
                self.value(0, item, &found, items);
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
        kind: &PlannedKind,
        found: &Found<'a>,
        to: &mut ColumnInMaking,
    ) {
        match kind {
            PlannedKind::Text => to.push_text(&found.text()),
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
            }
            PlannedKind::Integer => push(to, integer(&found.text()), ColumnInMaking::push_integer),
            PlannedKind::Real => push(to, real(&found.text()), ColumnInMaking::push_real),
            PlannedKind::Boolean => push(to, boolean(&found.text()), ColumnInMaking::push_boolean),
            PlannedKind::Time(format) => {
                push(to, format.micros(&found.text()), ColumnInMaking::push_integer);
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

    /// An array as a list; another value as a list of one.
    fn list(&mut self, item: &PlannedKind, found: &Found<'a>, to: &mut ColumnInMaking) {
        let ColumnInMaking::List { items, .. } = &mut *to else { return to.push_null() };
        match found {
            Found::Value(array) if array.kind() == Kind::Array => {
                for value in array.items() {
                    match value.is_null() {
                        true => items.push_null(),
                        false => self.value(0, item, &Found::Value(value), items),
                    }
                }
            }
            single => self.value(0, item, single, items),
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
