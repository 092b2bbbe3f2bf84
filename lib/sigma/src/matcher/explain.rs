//! Why a rule matched a record: which selection, which field, which value.
//! Runs only for matches, so it is written to be plain rather than quick.

use serde::{Deserialize, Serialize};

use super::check::Check;
use super::program::{Program, Unit};
use super::run::others;
use super::tree::SearchTree;
use crate::record::{Record, Value};
use crate::rule::{Condition, Item, Rule, Search, Selection, Test};

/// Characters of a value that an explanation keeps.
const VALUE_CHARS_MAX: usize = 400;

/// One value that made a rule match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The selection of the rule; `filter` and pipeline conditions give no reasons.
    pub selection: String,
    /// The field as the rule calls it; empty for keywords.
    pub field: String,
    /// What was sought, as the rule writes it: `eventName|startswith: Create`.
    pub sought: String,
    /// What was found; `None` where the absence of the field was sought.
    pub found: Option<String>,
}

/// The reasons of a rule, from the selections that its condition wants and that hold.
pub(super) fn reasons(
    program: &Program,
    unit: &Unit,
    rule: &Rule,
    record: &dyn Record,
) -> Vec<Reason> {
    let mut explainer = Explainer { program, record, buffer: String::new(), reasons: Vec::new() };
    let mut wanted = Vec::new();
    collect(&rule.detection.condition, true, &mut wanted);
    wanted.sort_unstable();
    wanted.dedup();
    for at in wanted {
        let both = unit.selections.get(at).zip(rule.detection.selections.get(at));
        if let Some((tree, selection)) = both
            && explainer.holds(tree)
        {
            explainer.explain(tree, &selection.search, selection);
        }
    }
    explainer.reasons
}

/// Each selection, and whether it holds.
pub(super) fn selections<'m>(
    program: &Program,
    unit: &Unit,
    rule: &'m Rule,
    record: &dyn Record,
) -> Vec<(&'m str, bool)> {
    let mut explainer = Explainer { program, record, buffer: String::new(), reasons: Vec::new() };
    let selections = unit.selections.iter().zip(&rule.detection.selections);
    selections.map(|(tree, known)| (known.name.as_str(), explainer.holds(tree))).collect()
}

/// Selections that a condition asks for, rather than excludes.
fn collect(condition: &Condition, positive: bool, wanted: &mut Vec<usize>) {
    match condition {
        Condition::Selection(at) if positive => wanted.push(*at),
        Condition::Selection(_) => {}
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().for_each(|part| collect(part, positive, wanted));
        }
        Condition::Not(inner) => collect(inner, !positive, wanted),
    }
}

struct Explainer<'a> {
    program: &'a Program,
    record: &'a dyn Record,
    buffer: String,
    reasons: Vec<Reason>,
}

impl Explainer<'_> {
    fn holds(&mut self, tree: &SearchTree) -> bool {
        match tree {
            SearchTree::All(parts) => parts.iter().all(|part| self.holds(part)),
            SearchTree::Any(parts) => parts.iter().any(|part| self.holds(part)),
            SearchTree::Item { field, values, every, negated } => {
                let mut value = |checks: &[u32]| {
                    checks.iter().any(|check| self.found(*field, *check).is_some())
                };
                let holds = if *every {
                    values.iter().all(|checks| value(checks))
                } else {
                    values.iter().any(|checks| value(checks))
                };
                holds != *negated
            }
        }
    }

    fn explain(&mut self, tree: &SearchTree, search: &Search, selection: &Selection) {
        match (tree, search) {
            (SearchTree::All(trees), Search::All(parts))
            | (SearchTree::Any(trees), Search::Any(parts)) => {
                for (tree, part) in trees.iter().zip(parts) {
                    if self.holds(tree) {
                        self.explain(tree, part, selection);
                    }
                }
            }
            (SearchTree::Item { field, values, negated, .. }, Search::Item(item)) => {
                if *negated {
                    self.push_all(*field, item, selection);
                    return;
                }
                for (checks, tests) in values.iter().zip(&item.values) {
                    let found = checks.iter().find_map(|check| self.found(*field, *check));
                    if let Some(found) = found {
                        self.push(item, selection, sought(item, tests), found);
                    }
                }
            }
            _ => {}
        }
    }

    /// For `neq`: whatever the field holds is the reason.
    fn push_all(&mut self, field: u32, item: &Item, selection: &Selection) {
        let mut found = None;
        if let Some(field) = self.program.fields.get(field as usize) {
            field.read(self.record, &mut |value| found = found.take().or_else(|| cut(&value)));
        }
        let tests: Vec<Test> = item.values.iter().flatten().cloned().collect();
        self.push(item, selection, sought(item, &tests), found);
    }

    fn push(&mut self, item: &Item, selection: &Selection, sought: String, found: Option<String>) {
        self.reasons.push(Reason {
            selection: selection.name.clone(),
            field: item.field.clone().unwrap_or_default(),
            sought,
            found,
        });
    }

    /// The first value that passes; the inner `None` where the absence of one does.
    fn found(&mut self, field: u32, check: u32) -> Option<Option<String>> {
        let (_, check) = self.program.checks.get(check as usize)?;
        let field = self.program.fields.get(field as usize)?;
        if matches!(check, Check::Null) {
            return field.is_null(self.record).then_some(None);
        }
        let others = others(self.program, check, self.record);
        let (mut found, mut some) = (None, false);
        let buffer = &mut self.buffer;
        field.read(self.record, &mut |value| {
            some = true;
            if found.is_none()
                && (matches!(check, Check::Exists(true)) || check.accepts(&value, &others, buffer))
            {
                found = Some(cut(&value));
            }
        });
        match check {
            Check::Exists(false) if !some => Some(None),
            _ => found,
        }
    }
}

fn cut(value: &Value<'_>) -> Option<String> {
    value.text().map(|text| text.chars().take(VALUE_CHARS_MAX).collect())
}

/// What a line seeks: its key as written, and the values.
fn sought(item: &Item, tests: &[Test]) -> String {
    let values: Vec<String> = tests.iter().map(value).collect();
    let values = values.join(" or ");
    if item.written.is_empty() { values } else { format!("{}: {values}", item.written) }
}

fn value(test: &Test) -> String {
    match test {
        // The wildcards of `contains` and its like are in the key already.
        Test::Text(text) => {
            let text = text.pattern.to_string();
            if text.len() > 2 { text.trim_matches('*').to_owned() } else { text }
        }
        Test::Number(number) | Test::Compare(_, number) | Test::Time(_, _, number) => {
            number.text.clone()
        }
        Test::Null => "null".to_owned(),
        Test::Exists(there) => there.to_string(),
        Test::Expression(expression) => expression.source.clone(),
        Test::Cidr(range) => range.to_string(),
        Test::CidrPlaceholder(name) => format!("%{name}%"),
        Test::Field { name, .. } => name.clone(),
    }
}
