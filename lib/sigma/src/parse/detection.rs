//! Reads detections: the selections and the condition over them.
//! One line of a selection is `item.rs`.

use super::condition::{self, Tree};
use super::item;
use crate::problem::Problem;
use crate::rule::{Condition, Detection, Search, Selection};
use crate::yaml::{Kind, Node};

/// Reads `detection`, or `filter` whose key `rules` (in `others`) is no selection.
///
/// # Errors
/// Everything in it that is malformed.
pub(super) fn read(
    node: &Node,
    others: &[&str],
    remarks: &mut Vec<Problem>,
) -> Result<Detection, Vec<Problem>> {
    let entries = node.expect_map("detection").map_err(|problem| vec![problem])?;
    let (mut selections, mut problems) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry.key.as_str() {
            "condition" => {}
            key if others.contains(&key) => {}
            "timeframe" => {
                let message = "`timeframe` belonged to aggregations, which are not part of Sigma 2";
                let problem = Problem::error(entry.place, message);
                problems.push(problem.hint("write a correlation rule with `timespan`"));
            }
            _ => match read_search(&entry.value, entry.place) {
                Ok(search) => {
                    let (name, place) = (entry.key.clone(), entry.place);
                    selections.push(Selection { name, place, search });
                }
                Err(faults) => problems.extend(faults),
            },
        }
    }
    // A selection that is wrong is missing to the condition: only the cause is told.
    if !problems.is_empty() {
        return Err(problems);
    }
    let condition = read_condition(node, &selections).map_err(|problem| vec![problem])?;
    warn_unused(&condition, &selections, remarks);
    Ok(Detection { selections, condition })
}

fn read_condition(node: &Node, selections: &[Selection]) -> Result<Condition, Problem> {
    let names: Vec<&str> = selections.iter().map(|selection| selection.name.as_str()).collect();
    let written = super::required(node, "condition")?;
    let lines = match &written.kind {
        Kind::List(lines) => lines.as_slice(),
        _ => std::slice::from_ref(written),
    };
    let mut conditions = Vec::with_capacity(lines.len());
    for line in lines {
        let text = line.expect_text("condition")?;
        conditions.push(lower(condition::read(&text, line.place, &names)?));
    }
    match conditions.pop() {
        None => Err(Problem::error(written.place, "`condition` is an empty list")),
        Some(only) if conditions.is_empty() => Ok(only),
        Some(last) => {
            conditions.push(last);
            Ok(Condition::Any(conditions))
        }
    }
}

fn lower(tree: Tree) -> Condition {
    match tree {
        Tree::Name(at) => Condition::Selection(at),
        Tree::All(parts) => Condition::All(parts.into_iter().map(lower).collect()),
        Tree::Any(parts) => Condition::Any(parts.into_iter().map(lower).collect()),
        Tree::Not(inner) => Condition::Not(Box::new(lower(*inner))),
    }
}

fn warn_unused(condition: &Condition, selections: &[Selection], remarks: &mut Vec<Problem>) {
    let mut used = vec![false; selections.len()];
    mark(condition, &mut used);
    for (selection, used) in selections.iter().zip(used) {
        if !used {
            let message = format!("the condition does not use `{}`", selection.name);
            remarks.push(Problem::warning(selection.place, message));
        }
    }
}

fn mark(condition: &Condition, used: &mut [bool]) {
    match condition {
        Condition::Selection(at) => {
            if let Some(slot) = used.get_mut(*at) {
                *slot = true;
            }
        }
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().for_each(|part| mark(part, used));
        }
        Condition::Not(inner) => mark(inner, used),
    }
}

/// Reads a selection: a map (all must hold), a list of maps and keywords (one must hold), or one
/// keyword.
///
/// # Errors
/// Everything in it that is malformed.
pub(crate) fn read_search(node: &Node, at: crate::Place) -> Result<Search, Vec<Problem>> {
    match &node.kind {
        Kind::Map(entries) => {
            if entries.is_empty() {
                return Err(vec![Problem::error(node.place, "an empty map looks for nothing")]);
            }
            gather(entries.iter().map(|entry| item::read(entry).map(Search::Item))).map(Search::All)
        }
        Kind::List(items) => {
            if items.is_empty() {
                return Err(vec![Problem::error(node.place, "an empty list looks for nothing")]);
            }
            gather(items.iter().map(|item| read_search(item, item.place))).map(Search::Any)
        }
        Kind::Text(_) | Kind::Number(_) => item::keyword(node, at).map(Search::Item),
        Kind::Null | Kind::Boolean(_) => {
            let message = format!("{} is not something to look for", node.what());
            Err(vec![Problem::error(node.place, message)])
        }
    }
}

fn gather(
    parts: impl Iterator<Item = Result<Search, Vec<Problem>>>,
) -> Result<Vec<Search>, Vec<Problem>> {
    let (mut good, mut problems) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Ok(search) => good.push(search),
            Err(faults) => problems.extend(faults),
        }
    }
    if problems.is_empty() { Ok(good) } else { Err(problems) }
}
