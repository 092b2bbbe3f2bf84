//! Conditions over checks, as trees: what a rule needs to match, and what wakes it.
//! Building them from rules is `compile.rs`; walking them over a record is `run.rs`.

use crate::rule::Condition;

/// A condition over checks.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    /// The check at this index holds.
    Check(u32),
    /// All hold.
    All(Box<[Tree]>),
    /// One holds.
    Any(Box<[Tree]>),
    /// It does not hold.
    Not(Box<Tree>),
}

/// A selection made ready, in the shape of the rule, so that a match can be explained.
#[derive(Clone, Debug)]
pub(super) enum SearchTree {
    /// All must hold.
    All(Box<[SearchTree]>),
    /// One must hold.
    Any(Box<[SearchTree]>),
    /// A line: the field's index, and the checks of each value.
    Item { field: u32, values: Box<[Box<[u32]>]>, every: bool, negated: bool },
}

impl SearchTree {
    /// How many checks it has.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::size).sum(),
            Self::Item { values, .. } => values.iter().map(|checks| checks.len()).sum(),
        }
    }

    /// The condition that it is.
    pub(super) fn tree(&self) -> Tree {
        match self {
            Self::All(parts) => all(parts.iter().map(Self::tree).collect()),
            Self::Any(parts) => any(parts.iter().map(Self::tree).collect()),
            Self::Item { values, every, negated, .. } => {
                let value = |checks: &[u32]| any(checks.iter().map(|c| Tree::Check(*c)).collect());
                let values: Vec<Tree> = values.iter().map(|checks| value(checks)).collect();
                let joined = if *every { all(values) } else { any(values) };
                if *negated { Tree::Not(Box::new(joined)) } else { joined }
            }
        }
    }
}

/// The condition of a rule over its selections.
pub(super) fn condition(condition: &Condition, selections: &[Tree]) -> Tree {
    match condition {
        Condition::Selection(at) => selections.get(*at).cloned().unwrap_or(any(Vec::new())),
        Condition::All(parts) => {
            all(parts.iter().map(|part| self::condition(part, selections)).collect())
        }
        Condition::Any(parts) => {
            any(parts.iter().map(|part| self::condition(part, selections)).collect())
        }
        Condition::Not(inner) => Tree::Not(Box::new(self::condition(inner, selections))),
    }
}

/// Checks of a condition once its selections stand in it.
pub(super) fn size(condition: &Condition, selections: &[usize]) -> usize {
    match condition {
        Condition::Selection(at) => selections.get(*at).copied().unwrap_or(0),
        Condition::All(parts) | Condition::Any(parts) => {
            let sizes = parts.iter().map(|part| size(part, selections));
            sizes.fold(0, usize::saturating_add)
        }
        Condition::Not(inner) => size(inner, selections),
    }
}

/// All of the parts, flattened; one part is itself.
pub(super) fn all(parts: Vec<Tree>) -> Tree {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Tree::All(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    one_or(flat, Tree::All)
}

/// One of the parts, flattened; one part is itself.
pub(super) fn any(parts: Vec<Tree>) -> Tree {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Tree::Any(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    one_or(flat, Tree::Any)
}

fn one_or(mut parts: Vec<Tree>, build: fn(Box<[Tree]>) -> Tree) -> Tree {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            build(parts.into())
        }
        None => build(Box::default()),
    }
}

/// Checks of which at least one must hold for the tree to hold, with the smallest cost, if there
/// are any such. `cost` is `None` for a check that cannot wake a rule.
pub(super) fn wakers(tree: &Tree, cost: &dyn Fn(u32) -> Option<f64>) -> Option<(f64, Vec<u32>)> {
    match tree {
        Tree::Check(check) => cost(*check).map(|cost| (cost, vec![*check])),
        Tree::All(parts) => parts
            .iter()
            .filter_map(|part| wakers(part, cost))
            .min_by(|(a, _), (b, _)| a.total_cmp(b)),
        Tree::Any(parts) => {
            let mut sum = (0.0, Vec::new());
            for part in parts {
                let (cost, checks) = wakers(part, cost)?;
                sum.0 += cost;
                sum.1.extend(checks);
            }
            Some(sum)
        }
        // What must not be there cannot wake anything.
        Tree::Not(_) => None,
    }
}
