//! The compiled form of a table: which paths to look for, and which columns they fill.
//! A record is walked once per scope (itself, and each struct that stands in a list).
//! Following the plan is `values.rs` and `fill.rs`.

mod blanks;

pub(crate) use blanks::time_styles;
use yagura_model::event::{PathTrie, TrieStep};
use yagura_model::source::{
    Column, ColumnKind, FieldPath, FieldStep, Pick, Rule, Table, Template, TemplatePiece,
    TimeFormat,
};

use crate::form::Blank;
use crate::layout::table::SHARED_TEXTS;

/// A table's plan.
#[derive(Debug, Default)]
pub(crate) struct RowPlan {
    /// The first is the record itself.
    pub(crate) scopes: Vec<Scope>,
    pub(crate) time: Vec<Wanted>,
    /// Of the time, by the place in [`Self::time`].
    pub(crate) time_blanks: Vec<Option<usize>>,
    pub(crate) time_format: TimeFormat,
    pub(crate) account: SharedText,
    /// In the order of [`SHARED_TEXTS`].
    pub(crate) texts: Vec<SharedText>,
    pub(crate) columns: Vec<PlannedColumn>,
    /// What records may have blanks for, and what stands there.
    pub(crate) blanks: Vec<Blank>,
    pub(crate) marked: Vec<String>,
}

/// Paths that begin at the same value, looked for in one walk.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(crate) trie: PathTrie,
    /// What is kept of the values that each path leads to, by the path's number.
    pub(crate) slots: Vec<Slot>,
    /// Number of paths that lead to many values.
    pub(crate) lists: usize,
}

/// What is kept of the values that a path leads to.
#[derive(Debug)]
pub(crate) enum Slot {
    /// The first that is not null and has what is picked.
    First(Vec<Pick>),
    /// All that are not null: the number of their list.
    All(usize),
}

/// Where a value comes from.
#[derive(Debug)]
pub(crate) enum Candidate {
    /// What a path of the scope led to, and what is taken of it.
    Slot(usize, Vec<Pick>),
    /// All that a path of the scope led to: slot's list, and what is taken of each.
    Each(usize, Vec<Pick>),
    /// A part of the object's key.
    Key(String, Vec<Pick>),
}

/// A text made of values.
#[derive(Debug)]
pub(crate) enum Wanted {
    Value(Candidate),
    Pieces(Vec<WantedPiece>),
}

#[derive(Debug)]
pub(crate) enum WantedPiece {
    Text(String),
    Value(Candidate),
}

/// A column that every source has.
#[derive(Debug, Default)]
pub(crate) struct SharedText {
    pub(crate) from: Vec<Wanted>,
    /// The first of the blanks that it fills, by the place in [`Self::from`].
    pub(crate) blanks: Vec<Option<usize>>,
    pub(crate) rule: Rule,
}

/// A column of the source's own, or a member of a struct.
#[derive(Debug)]
pub(crate) struct PlannedColumn {
    pub(crate) kind: PlannedKind,
    /// The first that is there wins. Those of each element come first.
    pub(crate) from: Vec<Candidate>,
    /// The first of the blanks that it fills, by the place in [`Self::from`]: one for each way
    /// in which a time may be written, or for each item of a list.
    pub(crate) blanks: Vec<Option<usize>>,
}

#[derive(Debug)]
pub(crate) enum PlannedKind {
    Text,
    Json,
    Integer,
    Real,
    Boolean,
    Time(TimeFormat),
    List(Box<PlannedKind>),
    /// Members whose paths are part of the surrounding scope.
    Inline(Vec<PlannedColumn>),
    /// Members with a scope of their own.
    Scoped(usize, Vec<PlannedColumn>),
}

impl RowPlan {
    pub(crate) fn new(table: &Table) -> Self {
        let mut plan = Self {
            scopes: vec![Scope::default()],
            time_format: table.shared.time.format,
            ..Self::default()
        };
        plan.time = table.shared.time.from.iter().map(|from| plan.wanted(from)).collect();
        for (name, rule) in table.shared.texts() {
            let from = rule.from.iter().map(|from| plan.wanted(from)).collect();
            let text = SharedText { from, blanks: Vec::new(), rule: rule.clone() };
            match SHARED_TEXTS.contains(&name) {
                true => plan.texts.push(text),
                false => plan.account = text,
            }
        }
        plan.columns = table.columns.iter().map(|column| plan.column(0, &[], column)).collect();
        blanks::assign(&mut plan, table);
        plan
    }

    fn wanted(&mut self, template: &Template) -> Wanted {
        match template.path() {
            Some(path) => Wanted::Value(self.candidate(0, &[], path, false)),
            None => {
                let pieces = template.pieces.iter().map(|piece| match piece {
                    TemplatePiece::Text(text) => WantedPiece::Text(text.clone()),
                    TemplatePiece::Value(path) => {
                        WantedPiece::Value(self.candidate(0, &[], path, false))
                    }
                });
                Wanted::Pieces(pieces.collect())
            }
        }
    }

    fn candidate(
        &mut self,
        scope: usize,
        within: &[FieldStep],
        path: &FieldPath,
        all: bool,
    ) -> Candidate {
        let picks = path.picks.clone();
        if path.from_key {
            let name = match path.steps.first() {
                Some(FieldStep::Key(name)) => name.clone(),
                _ => String::new(),
            };
            return Candidate::Key(name, picks);
        }
        let Some(scope) = self.scopes.get_mut(scope) else {
            return Candidate::Key(String::new(), picks);
        };
        let slot = scope.trie.add(within.iter().chain(&path.steps).map(step));
        if all {
            scope.slots.push(Slot::All(scope.lists));
            scope.lists += 1;
            return Candidate::Each(scope.lists - 1, picks);
        }
        scope.slots.push(Slot::First(picks.clone()));
        Candidate::Slot(slot, picks)
    }

    fn column(&mut self, scope: usize, within: &[FieldStep], column: &Column) -> PlannedColumn {
        let is_list = matches!(column.kind, ColumnKind::List(_));
        let (each, plain): (Vec<_>, Vec<_>) =
            column.from.iter().partition(|path| is_list && path.is_of_each());
        let mut from = Vec::with_capacity(column.from.len());
        for path in each {
            from.push(self.candidate(scope, within, path, true));
        }
        for path in plain {
            from.push(self.candidate(scope, within, path, false));
        }
        let kind = match (&column.kind, column.from.as_slice()) {
            // One plain way to the struct: its members are found in the same walk.
            (ColumnKind::Struct(members), [path])
                if !path.from_key && path.picks.is_empty() && !path.is_of_each() =>
            {
                let within: Vec<_> = within.iter().chain(&path.steps).cloned().collect();
                let members = members.iter().map(|member| self.column(scope, &within, member));
                PlannedKind::Inline(members.collect())
            }
            (kind, _) => self.kind(kind),
        };
        PlannedColumn { kind, from, blanks: Vec::new() }
    }

    fn kind(&mut self, kind: &ColumnKind) -> PlannedKind {
        match kind {
            ColumnKind::Text => PlannedKind::Text,
            ColumnKind::Json => PlannedKind::Json,
            ColumnKind::Integer => PlannedKind::Integer,
            ColumnKind::Real => PlannedKind::Real,
            ColumnKind::Boolean => PlannedKind::Boolean,
            ColumnKind::Time(format) => PlannedKind::Time(*format),
            ColumnKind::List(item) => PlannedKind::List(Box::new(self.kind(item))),
            ColumnKind::Struct(members) => {
                let scope = self.scopes.len();
                self.scopes.push(Scope::default());
                let members = members.iter().map(|member| self.column(scope, &[], member));
                PlannedKind::Scoped(scope, members.collect())
            }
        }
    }
}

fn step(step: &FieldStep) -> TrieStep<'_> {
    match step {
        FieldStep::Key(name) => TrieStep::Member(name),
        FieldStep::Index(place) => TrieStep::At(*place),
        FieldStep::Each => TrieStep::Each,
    }
}
