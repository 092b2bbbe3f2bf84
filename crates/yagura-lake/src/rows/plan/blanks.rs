//! Which column fills the blank that a path's words leave in the form of a record: one for each
//! path, the plainest. What a blank is, is told in `form/`.

use std::collections::HashMap;

use yagura_model::source::{Column, ColumnKind, FieldPath, FieldStep, Pick, Table, TimeFormat};

use super::{PlannedColumn, PlannedKind, RowPlan};
use crate::form::{Blank, BlankStep, ITEMS_MAX, Style};
use crate::layout::table::SHARED_TEXTS;

/// A path as it is told apart from others: its steps from the record, and what is taken.
type Key = (Vec<FieldStep>, Vec<Pick>);

/// A place of a row that can fill blanks.
#[derive(Debug)]
struct Leaf {
    /// Items of a list are numbered zero: the blanks of its first items follow each other.
    steps: Vec<BlankStep>,
    styles: Vec<Style>,
    /// Of the paths that it is filled from, in their order.
    keys: Vec<Option<Key>>,
    blanks: Vec<Option<usize>>,
}

/// Gives the plan its blanks.
pub(super) fn assign(plan: &mut RowPlan, table: &Table) {
    let mut leaves = leaves(table);
    let json: Vec<Key> = json_paths(table);
    let is_free = |key: &Key| {
        let within = |outer: &Key| outer.0.len() < key.0.len() && key.0.starts_with(&outer.0);
        !key.0.contains(&FieldStep::Each) && !json.iter().any(within)
    };
    let mut owners: HashMap<Key, usize> = HashMap::new();
    // What always has the words comes before what has them for want of others.
    for first in [true, false] {
        for (at, leaf) in leaves.iter().enumerate() {
            for (place, key) in leaf.keys.iter().enumerate() {
                if let Some(key) = key
                    && (place == 0) == first
                    && is_free(key)
                {
                    owners.entry(key.clone()).or_insert(at);
                }
            }
        }
    }
    for (at, leaf) in leaves.iter_mut().enumerate() {
        let own = |key: &Option<Key>| key.as_ref().is_some_and(|key| owners.get(key) == Some(&at));
        let owned: Vec<bool> = leaf.keys.iter().map(own).collect();
        let begin = plan.blanks.len();
        if owned.contains(&true) {
            plan.blanks.extend(blanks_of(leaf));
        }
        leaf.blanks = owned.into_iter().map(|owned| owned.then_some(begin)).collect();
    }
    plan.marked = plan.blanks.iter().map(Blank::marked).collect();
    let by_path: HashMap<Vec<BlankStep>, Vec<Option<usize>>> =
        leaves.into_iter().map(|leaf| (leaf.steps, leaf.blanks)).collect();
    let of = |steps: &[BlankStep]| by_path.get(steps).cloned().unwrap_or_default();
    plan.time_blanks = of(&[member("time")]);
    for (name, text) in SHARED_TEXTS.iter().zip(&mut plan.texts) {
        text.blanks = of(&[member(name)]);
    }
    for (column, planned) in table.columns.iter().zip(&mut plan.columns) {
        hand_out(column, planned, &[], &of);
    }
}

fn member(name: &str) -> BlankStep {
    BlankStep::Member(name.to_owned())
}

fn blanks_of(leaf: &Leaf) -> Vec<Blank> {
    let item = leaf.steps.iter().position(|step| matches!(step, BlankStep::Item(_)));
    let Some(item) = item else {
        let blank = |style: &Style| Blank { steps: leaf.steps.clone(), style: *style };
        return leaf.styles.iter().map(blank).collect();
    };
    let numbered = |number: usize| {
        let mut steps = leaf.steps.clone();
        if let Some(step) = steps.get_mut(item) {
            *step = BlankStep::Item(number);
        }
        Blank { steps, style: Style::Text }
    };
    (1..=ITEMS_MAX).map(numbered).collect()
}

/// All places that can fill blanks, the plainest first.
fn leaves(table: &Table) -> Vec<Leaf> {
    let (mut plain, mut nested) = (Vec::new(), Vec::new());
    for column in &table.columns {
        let steps = vec![member(&column.name)];
        let to = if is_nested(&column.kind) { &mut nested } else { &mut plain };
        add(column, steps, &[], to);
    }
    for (name, rule) in table.shared.texts() {
        let keys: Vec<_> =
            rule.from.iter().map(|from| from.path().and_then(|path| key(&[], path))).collect();
        if SHARED_TEXTS.contains(&name) {
            let steps = vec![member(name)];
            plain.push(Leaf { steps, styles: vec![Style::Text], keys, blanks: Vec::new() });
        }
    }
    let time = &table.shared.time;
    let keys = time.from.iter().map(|from| from.path().and_then(|path| key(&[], path))).collect();
    let styles = time_styles(time.format).to_vec();
    plain.push(Leaf { steps: vec![member("time")], styles, keys, blanks: Vec::new() });
    plain.retain(|leaf| !leaf.styles.is_empty());
    plain.extend(nested);
    plain
}

fn is_nested(kind: &ColumnKind) -> bool {
    matches!(kind, ColumnKind::Struct(_) | ColumnKind::List(_))
}

fn key(within: &[FieldStep], path: &FieldPath) -> Option<Key> {
    let steps = within.iter().chain(&path.steps).cloned().collect();
    (!path.from_key).then(|| (steps, path.picks.clone()))
}

/// The ways in which a time of a format may be written so that it can be written back.
pub(crate) fn time_styles(format: TimeFormat) -> &'static [Style] {
    match format {
        TimeFormat::Rfc3339 => &[Style::Iso],
        TimeFormat::EpochSeconds => &[Style::Seconds],
        TimeFormat::EpochMillis => &[Style::Millis],
        TimeFormat::Any => &[Style::Iso, Style::Seconds, Style::Millis],
        TimeFormat::EpochMicros | TimeFormat::Clf | TimeFormat::Compact => &[],
    }
}

/// Adds the places of a column; `steps` lead to it, `within` to what its paths begin at.
fn add(column: &Column, steps: Vec<BlankStep>, within: &[FieldStep], to: &mut Vec<Leaf>) {
    let in_list = steps.iter().any(|step| matches!(step, BlankStep::Item(_)));
    let inner = |to: &mut Vec<Leaf>, members: &[Column], steps: &[BlankStep], list: bool| {
        // Where there are several ways, the first is the usual one.
        let Some((mut within, picks)) = column.from.first().and_then(|path| key(within, path))
        else {
            return;
        };
        if picks.is_empty() {
            within.extend(list.then_some(FieldStep::Index(usize::MAX)));
            for inner in members {
                let steps = steps.iter().cloned().chain([member(&inner.name)]).collect();
                add(inner, steps, &within, to);
            }
        }
    };
    let styles = match &column.kind {
        ColumnKind::Text | ColumnKind::Json => vec![Style::Text],
        ColumnKind::Integer if !in_list => vec![Style::Whole],
        ColumnKind::Time(format) if !in_list => time_styles(*format).to_vec(),
        ColumnKind::Struct(members) => return inner(to, members, &steps, false),
        ColumnKind::List(item) => {
            if let ColumnKind::Struct(members) = &**item
                && !in_list
                && column.from.iter().all(|path| !path.is_of_each())
            {
                let steps: Vec<_> = steps.iter().cloned().chain([BlankStep::Item(0)]).collect();
                inner(to, members, &steps, true);
            }
            return;
        }
        _ => return,
    };
    if !styles.is_empty() {
        let keys = column.from.iter().map(|path| key(within, path)).collect();
        to.push(Leaf { steps, styles, keys, blanks: Vec::new() });
    }
}

/// The paths of columns that keep JSON as it stands: what is in them needs no blank of its own.
fn json_paths(table: &Table) -> Vec<Key> {
    let json = table.columns.iter().filter(|column| column.kind == ColumnKind::Json);
    json.flat_map(|column| column.from.iter().filter_map(|path| key(&[], path))).collect()
}

/// Puts the blanks where columns are filled.
fn hand_out(
    column: &Column,
    planned: &mut PlannedColumn,
    above: &[BlankStep],
    of: &dyn Fn(&[BlankStep]) -> Vec<Option<usize>>,
) {
    let mut steps: Vec<BlankStep> = above.iter().cloned().chain([member(&column.name)]).collect();
    planned.blanks = of(&steps);
    let mut kind = (&column.kind, &mut planned.kind);
    while let (ColumnKind::List(item), PlannedKind::List(planned)) = kind {
        steps.push(BlankStep::Item(0));
        kind = (&**item, &mut **planned);
    }
    if let (
        ColumnKind::Struct(members),
        PlannedKind::Inline(planned) | PlannedKind::Scoped(_, planned),
    ) = kind
    {
        for (column, planned) in members.iter().zip(planned) {
            hand_out(column, planned, &steps, of);
        }
    }
}
