//! Turns rules into programs, one for each kind of records, through pipelines and filters.
//! The programs themselves are `program.rs`; correlations are planned in `correlation/plan.rs`.

use std::sync::Arc;

use super::check::Check;
use super::program::{Program, Unit};
use super::tree::{self, SearchTree, Tree};
use super::{Compiled, Matcher, RuleId};
use crate::correlation::Plan;
use crate::pipeline::{Mapping, Pipeline};
use crate::problem::Problem;
use crate::rule::{Detection, Filter, Item, Rule, RuleSet, Search, Test, TextTest};
use crate::text::cidr::Cidr;
use crate::text::glob::Glob;
use crate::text::pattern::{Part, Pattern};
use crate::text::regexp;

/// Texts that the placeholders of one value may become.
const EXPANSIONS_MAX: usize = 10_000;

/// Tests that the condition of one rule may join, with selections counted where they are named.
const CHECKS_MAX: usize = 200_000;

pub(super) fn compile(set: RuleSet, pipelines: &[Pipeline]) -> Compiled {
    let mut problems = filter_warnings(&set);
    let (set, broken) = without_repeats(set);
    problems.extend(broken);
    let mut programs = Vec::new();
    let mut mapped = vec![false; set.rules.len()];
    for pipeline in pipelines {
        let mut program = Program::new(&pipeline.source);
        for (at, rule) in set.rules.iter().enumerate() {
            let id = RuleId::from_index(at);
            let filters: Vec<&Filter> =
                set.filters.iter().filter(|filter| applies(filter, rule)).collect();
            match units(&mut program, pipeline, id, rule, &filters) {
                Ok(units) => {
                    if let Some(slot) = mapped.get_mut(at) {
                        *slot |= !units.is_empty();
                    }
                    program.units.extend(units);
                }
                Err(problem) => problems.push(problem),
            }
        }
        if let Err(message) = program.finish() {
            let message = format!("rules over `{}`: {message}", pipeline.source);
            problems.push(Problem::error(crate::Place::default(), message));
            continue;
        }
        programs.push(program);
    }
    let unmapped = mapped.iter().enumerate().filter(|(_, mapped)| !**mapped);
    let unmapped = unmapped.map(|(at, _)| RuleId::from_index(at)).collect();
    let (plan, faults) = Plan::new(&set, pipelines);
    problems.extend(faults);
    problems.sort_by(|a, b| (&a.origin, a.place).cmp(&(&b.origin, b.place)));
    problems.dedup();
    Compiled {
        matcher: Matcher { rules: set.rules, programs, plan: Arc::new(plan) },
        unmapped,
        problems,
    }
}

/// Two rules with one id cannot be told apart in references and state: the later is left out.
fn without_repeats(mut set: RuleSet) -> (RuleSet, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut ids = std::collections::HashSet::new();
    let mut fresh = |metadata: &crate::Metadata| {
        let Some(id) = &metadata.id else { return true };
        if ids.insert(id.to_ascii_lowercase()) {
            return true;
        }
        let message = format!("the id `{id}` is that of another rule");
        problems.push(Problem::error(metadata.place, message).of(&metadata.origin));
        false
    };
    set.rules.retain(|rule| fresh(&rule.metadata));
    set.correlations.retain(|rule| fresh(&rule.metadata));
    (set, problems)
}

fn applies(filter: &Filter, rule: &Rule) -> bool {
    names(filter, rule) && filter.log_source.covers(&rule.log_source)
}

fn names(filter: &Filter, rule: &Rule) -> bool {
    filter.rules.as_ref().is_none_or(|names| {
        names.iter().any(|name| rule.metadata.is_called(name) || rule.metadata.title == *name)
    })
}

/// Filters that name a rule which is not there, or is about other logs.
fn filter_warnings(set: &RuleSet) -> Vec<Problem> {
    let mut problems = Vec::new();
    for filter in &set.filters {
        for name in filter.rules.iter().flatten() {
            let called =
                |rule: &&Rule| rule.metadata.is_called(name) || rule.metadata.title == *name;
            let message = match set.rules.iter().find(called) {
                None => format!("the filter names `{name}`, and no rule is called so"),
                Some(rule) if !applies(filter, rule) => {
                    format!("the filter names `{name}`, which is about other logs than the filter")
                }
                Some(_) => continue,
            };
            let metadata = &filter.metadata;
            problems.push(Problem::warning(metadata.place, message).of(&metadata.origin));
        }
    }
    problems
}

/// The rule over the records of a pipeline: once for each of its log sources that it covers.
fn units(
    program: &mut Program,
    pipeline: &Pipeline,
    id: RuleId,
    rule: &Rule,
    filters: &[&Filter],
) -> Result<Vec<Unit>, Problem> {
    let mut units: Vec<Unit> = Vec::new();
    for mapping in &pipeline.log_sources {
        let covered = mapping.log_source.as_ref().is_none_or(|is| rule.log_source.covers(is));
        if !covered {
            continue;
        }
        let mut lowering = Lowering { program, pipeline, mapping, plain: false };
        let fault = |problem: Problem| problem.of(&rule.metadata.origin);
        let (selections, own) = lowering.detection(&rule.detection).map_err(fault)?;
        let mut parts = vec![own];
        for filter in filters {
            let fault = |problem: Problem| problem.of(&filter.metadata.origin);
            parts.push(lowering.detection(&filter.detection).map_err(fault)?.1);
        }
        if let Some(condition) = &mapping.condition {
            lowering.plain = true;
            parts.push(lowering.search(condition)?.tree());
        }
        let unit = Unit { rule: id, tree: tree::all(parts), selections };
        if !units.iter().any(|before| before.tree == unit.tree) {
            units.push(unit);
        }
    }
    Ok(units)
}

/// Lowers the parts of a rule into a program.
struct Lowering<'a> {
    program: &'a mut Program,
    pipeline: &'a Pipeline,
    mapping: &'a Mapping,
    /// Fields are paths already: the pipeline's own conditions.
    plain: bool,
}

impl Lowering<'_> {
    fn detection(&mut self, detection: &Detection) -> Result<(Vec<SearchTree>, Tree), Problem> {
        let selections: Vec<SearchTree> = detection
            .selections
            .iter()
            .map(|selection| self.search(&selection.search))
            .collect::<Result<_, _>>()?;
        let sizes: Vec<usize> = selections.iter().map(SearchTree::size).collect();
        if tree::size(&detection.condition, &sizes) > CHECKS_MAX {
            let place = detection.selections.first().map(|first| first.place).unwrap_or_default();
            let message = format!("the condition joins more than {CHECKS_MAX} tests");
            return Err(Problem::error(place, message));
        }
        let trees: Vec<Tree> = selections.iter().map(SearchTree::tree).collect();
        let tree = tree::condition(&detection.condition, &trees);
        Ok((selections, tree))
    }

    fn search(&mut self, search: &Search) -> Result<SearchTree, Problem> {
        let mut parts = |parts: &[Search]| -> Result<Box<[SearchTree]>, Problem> {
            parts.iter().map(|part| self.search(part)).collect()
        };
        Ok(match search {
            Search::All(inner) => SearchTree::All(parts(inner)?),
            Search::Any(inner) => SearchTree::Any(parts(inner)?),
            Search::Item(item) => self.item(item)?,
        })
    }

    fn field(&mut self, name: &str) -> u32 {
        let paths = if self.plain {
            vec![name.to_owned()]
        } else {
            self.pipeline.paths(self.mapping, name)
        };
        self.program.field(&paths)
    }

    fn item(&mut self, item: &Item) -> Result<SearchTree, Problem> {
        let field = match &item.field {
            Some(name) => self.field(name),
            None => self.program.field(&[]),
        };
        let mut values = Vec::with_capacity(item.values.len());
        for tests in &item.values {
            let mut checks = Vec::with_capacity(tests.len());
            for test in tests {
                let fault = |message| Problem::error(item.place, message);
                self.test(field, test, &mut checks).map_err(fault)?;
            }
            values.push(checks.into());
        }
        let (every, negated) = (item.every, item.negated);
        Ok(SearchTree::Item { field, values: values.into(), every, negated })
    }

    fn test(&mut self, field: u32, test: &Test, checks: &mut Vec<u32>) -> Result<(), String> {
        let check = match test {
            Test::Text(text) if text.pattern.has_placeholder() => {
                for pattern in self.filled(&text.pattern)? {
                    let text = TextTest { pattern, cased: text.cased };
                    checks.push(self.program.check(field, text_check(&text)));
                }
                return Ok(());
            }
            Test::CidrPlaceholder(name) => {
                for text in self.placeholder(name)? {
                    let range = Cidr::read(&text)?;
                    checks.push(self.program.check(field, Check::Cidr(range)));
                }
                return Ok(());
            }
            Test::Expression(expression) => {
                let check = Check::Expression(regexp::compile(expression)?);
                let key = format!("{expression:?}");
                checks.push(self.program.check_as(field, check, key));
                return Ok(());
            }
            Test::Text(text) => text_check(text),
            Test::Number(number) => {
                Check::Number { value: number.value, written: number.text.as_str().into() }
            }
            Test::Null => Check::Null,
            Test::Exists(there) => Check::Exists(*there),
            Test::Cidr(range) => Check::Cidr(*range),
            Test::Compare(operator, number) => Check::Compare(*operator, number.value),
            Test::Time(part, operator, number) => Check::Time(*part, *operator, number.value),
            Test::Field { name, place, cased } => {
                Check::Field { field: self.field(name), place: *place, cased: *cased }
            }
        };
        checks.push(self.program.check(field, check));
        Ok(())
    }

    fn placeholder(&self, name: &str) -> Result<Vec<String>, String> {
        let texts = self.pipeline.placeholder(name).ok_or_else(|| {
            format!("the placeholder `%{name}%` has no value for `{}`", self.pipeline.source)
        })?;
        Ok(texts.to_vec())
    }

    /// Every pattern that a pattern with placeholders stands for.
    fn filled(&self, pattern: &Pattern) -> Result<Vec<Pattern>, String> {
        let mut filled = vec![Pattern::default()];
        for part in &pattern.parts {
            let Part::Placeholder(name) = part else {
                filled.iter_mut().for_each(|pattern| pattern.push(part.clone()));
                continue;
            };
            let texts = self.placeholder(name)?;
            if filled.len() * texts.len() > EXPANSIONS_MAX {
                return Err(format!("placeholders give more than {EXPANSIONS_MAX} values"));
            }
            let with = |before: &Pattern| {
                let mut all = Vec::with_capacity(texts.len());
                for text in &texts {
                    let mut pattern = before.clone();
                    Pattern::read(text).parts.into_iter().for_each(|part| pattern.push(part));
                    all.push(pattern);
                }
                all
            };
            filled = filled.iter().flat_map(with).collect();
        }
        Ok(filled)
    }
}

fn text_check(text: &TextTest) -> Check {
    Check::Text { glob: Glob::new(&text.pattern, text.cased), cased: text.cased }
}
