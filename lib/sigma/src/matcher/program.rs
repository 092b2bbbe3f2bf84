//! All rules over one kind of records, joined: fields, checks, and what wakes which rule.
//! Building it from rules is `compile.rs`; running it is `run.rs`.

use std::collections::HashMap;

use super::RuleId;
use super::check::Check;
use super::field::Field;
use super::tree::{SearchTree, Tree, wakers};
use crate::record::FieldPath;
use crate::text::glob::Glob;

/// A rule over one kind of records.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) rule: RuleId,
    pub(super) tree: Tree,
    /// The rule's selections in its own shape, for explanations.
    pub(super) selections: Vec<SearchTree>,
}

/// All rules over one kind of records.
#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    pub(super) source: String,
    pub(super) fields: Vec<Field>,
    /// With the index of its field.
    pub(super) checks: Vec<(u32, Check)>,
    pub(super) units: Vec<Unit>,
    /// Fields that are read of every record, because their values wake rules.
    pub(super) waking_fields: Vec<u32>,
    /// By check: the units that it wakes.
    pub(super) wakes: Vec<Vec<u32>>,
    /// Units that nothing wakes: they are tried on every record.
    pub(super) always: Vec<u32>,
    /// Every path that is read, in the order of their slots.
    pub(super) paths: Vec<FieldPath>,
    known_fields: HashMap<Vec<FieldPath>, u32>,
    known_checks: HashMap<(u32, String), u32>,
}

fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl Program {
    pub(super) fn new(source: &str) -> Self {
        Self { source: source.to_owned(), ..Self::default() }
    }

    /// The index of a field; no paths are the keywords.
    pub(super) fn field(&mut self, paths: &[String]) -> u32 {
        let mut paths: Vec<FieldPath> = paths.iter().map(|path| FieldPath::new(path)).collect();
        paths.sort();
        paths.dedup();
        if let Some(known) = self.known_fields.get(&paths) {
            return *known;
        }
        let id = index(self.fields.len());
        self.fields.push(Field::new(paths.clone()));
        self.known_fields.insert(paths, id);
        id
    }

    /// The index of a check: the same check of the same field is one, whichever rules ask.
    pub(super) fn check(&mut self, field: u32, check: Check) -> u32 {
        // Regular expressions differ in their flags as well; those are part of the key.
        let key = match &check {
            Check::Expression(regex) => format!("re {}", regex.as_str()),
            other => format!("{other:?}"),
        };
        self.check_as(field, check, key)
    }

    pub(super) fn check_as(&mut self, field: u32, check: Check, key: String) -> u32 {
        if let Some(known) = self.known_checks.get(&(field, key.clone())) {
            return *known;
        }
        let id = index(self.checks.len());
        if let Some(field) = self.fields.get_mut(field as usize) {
            field.add(id, &check);
        }
        self.checks.push((field, check));
        self.known_checks.insert((field, key), id);
        id
    }

    /// Chooses what wakes each rule and builds the automata; called once after all rules.
    ///
    /// # Errors
    /// When an automaton would be too large, in words.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        let trees: Vec<Tree> = self.units.iter().map(|unit| unit.tree.clone()).collect();
        // Checks for the literals of wildcard patterns are added here, so costs come after.
        let trees: Vec<Tree> = trees.iter().map(|tree| self.with_literals(tree)).collect();
        self.wakes = vec![Vec::new(); self.checks.len()];
        let mut waking = vec![false; self.fields.len()];
        for (at, tree) in trees.iter().enumerate() {
            let Some((_, checks)) = wakers(tree, &|check| self.cost(check)) else {
                self.always.push(index(at));
                continue;
            };
            for check in checks {
                if let Some(units) = self.wakes.get_mut(check as usize)
                    && units.last() != Some(&index(at))
                {
                    units.push(index(at));
                }
                let field = self.checks.get(check as usize).map(|(field, _)| *field as usize);
                if let Some(slot) = field.and_then(|field| waking.get_mut(field)) {
                    *slot = true;
                }
            }
        }
        self.waking_fields =
            waking.iter().enumerate().filter(|(_, on)| **on).map(|(at, _)| index(at)).collect();
        let mut paths = Vec::new();
        self.fields.iter_mut().for_each(|field| field.place(&mut paths));
        self.paths = paths;
        self.known_fields.clear();
        self.known_checks.clear();
        self.fields.iter_mut().try_for_each(Field::finish)
    }

    /// A wildcard pattern is not scanned; its longest plain text is, and stands for it here.
    fn with_literals(&mut self, tree: &Tree) -> Tree {
        match tree {
            Tree::Check(id) => {
                let Some((field, Check::Text { glob: glob @ Glob::Steps(_), cased })) =
                    self.checks.get(*id as usize)
                else {
                    return tree.clone();
                };
                let (field, cased, literal) = (*field, *cased, glob.literal().to_owned());
                if literal.is_empty() {
                    return tree.clone();
                }
                let check = Check::Text { glob: Glob::Contains(literal), cased };
                Tree::Check(self.check(field, check))
            }
            Tree::All(parts) => {
                Tree::All(parts.iter().map(|part| self.with_literals(part)).collect())
            }
            Tree::Any(parts) => {
                Tree::Any(parts.iter().map(|part| self.with_literals(part)).collect())
            }
            Tree::Not(_) => tree.clone(),
        }
    }

    /// How often, about, a check holds, and what reading its field costs; `None` if it cannot
    /// wake a rule: it is not scanned, or holds of nearly everything.
    fn cost(&self, check: u32) -> Option<f64> {
        let (field, check) = self.checks.get(check as usize)?;
        let field = self.fields.get(*field as usize)?;
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let variety = field.variety() as f64;
        let rare = match check {
            // A field that rules compare with many values has many values.
            Check::Text { glob: Glob::Exact(_), .. } | Check::Number { .. } => {
                1.0 / (2.0 + variety)
            }
            Check::Text { glob, .. } => match glob.literal().len() {
                0 => return None,
                length => 2.0 / (2.0 + f64::from(u32::try_from(length).unwrap_or(u32::MAX))),
            },
            Check::Exists(true) => 0.9,
            _ => return None,
        };
        // Keywords read the whole record.
        Some(if field.is_keywords() { rare + 1.0 } else { rare })
    }
}
