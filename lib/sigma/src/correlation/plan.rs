//! What correlations need of the records that match: which fields, under which names.
//! Reading them from a record is `occurrence.rs`; references are checked here.

use std::collections::BTreeSet;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::alert::CorrelationId;
use crate::matcher::RuleId;
use crate::pipeline::Pipeline;
use crate::problem::Problem;
use crate::record::FieldPath;
use crate::rule::{
    Aggregate, Correlation, Limit, Measure, Metadata, Operator, RuleExpression, RuleSet,
};

/// The correlations of a matcher, inner ones before those that refer to them.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub(super) entries: Vec<Entry>,
    /// By kind of records, by rule: what is read when the rule matches.
    pub(super) readings: Vec<Vec<Vec<Reading>>>,
    /// By rule: whether it raises alerts itself.
    alone: Vec<bool>,
    /// By rule: its key in saved state.
    pub(super) rule_keys: Vec<String>,
}

/// A correlation with its references resolved.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) correlation: Correlation,
    pub(super) members: Vec<Member>,
    /// Outer correlations that this one feeds, and as which member.
    pub(super) feeds: Vec<(u32, u32)>,
    pub(super) alone: bool,
    /// Whether only a whole window can decide.
    pub(super) closed: bool,
    /// Changes when the definition does; state of another definition is not taken over.
    pub(super) fingerprint: String,
}

impl Entry {
    pub(super) fn span_us(&self) -> i64 {
        self.correlation.timespan_seconds.saturating_mul(1_000_000)
    }
}

/// What a correlation refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Rule(u32),
    Correlation(u32),
}

/// What is read from a record for one correlation that it takes part in as one member.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) correlation: u32,
    pub(super) member: u32,
    /// By field of `group-by`: its paths.
    pub(super) group: Vec<Vec<FieldPath>>,
    /// By field of the measure: its paths.
    pub(super) measure: Vec<Vec<FieldPath>>,
    /// Whether every value counts (distinct values), or the first.
    pub(super) every_value: bool,
    /// Whether the rule is a member itself, rather than a member of a member.
    pub(super) direct: bool,
}

impl Plan {
    pub(crate) fn new(set: &RuleSet, pipelines: &[Pipeline]) -> (Self, Vec<Problem>) {
        let (entries, problems) = resolve(set);
        let mut alone = vec![true; set.rules.len()];
        for (at, alone) in alone.iter_mut().enumerate() {
            *alone = is_alone(&entries, |member| *member == Member::Rule(index(at)));
        }
        let mut plan = Self { entries, readings: Vec::new(), alone, rule_keys: Vec::new() };
        plan.rule_keys = set.rules.iter().map(|rule| rule.metadata.key().to_owned()).collect();
        plan.readings = pipelines.iter().map(|pipeline| plan.planned(set, pipeline)).collect();
        (plan, problems)
    }

    /// The correlations, in the order of their ids.
    pub fn correlations(&self) -> impl ExactSizeIterator<Item = &Correlation> {
        self.entries.iter().map(|entry| &entry.correlation)
    }

    /// A correlation by its id.
    #[must_use]
    pub fn correlation(&self, id: CorrelationId) -> Option<&Correlation> {
        self.entries.get(id.index()).map(|entry| &entry.correlation)
    }

    /// Whether some correlation reads a rule's matches.
    pub(crate) fn wants(&self, source: usize, rule: RuleId) -> bool {
        !self.readings(source, rule).is_empty()
    }

    /// What is read of a record that matched a rule.
    pub(super) fn readings(&self, source: usize, rule: RuleId) -> &[Reading] {
        let readings = self.readings.get(source).and_then(|rules| rules.get(rule.index()));
        readings.map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a correlation raises alerts of its own.
    #[must_use]
    pub fn tells(&self, id: CorrelationId) -> bool {
        self.entries.get(id.index()).is_some_and(|entry| entry.alone)
    }

    /// The ids of the correlations, in order.
    pub fn ids(&self) -> impl Iterator<Item = CorrelationId> {
        (0..self.entries.len()).map(|at| CorrelationId(index(at)))
    }

    pub(crate) fn is_alone(&self, rule: RuleId) -> bool {
        self.alone.get(rule.index()).copied().unwrap_or(true)
    }

    fn planned(&self, set: &RuleSet, pipeline: &Pipeline) -> Vec<Vec<Reading>> {
        let of_rule = |(at, rule): (usize, &crate::Rule)| {
            let covers = |mapping: &&crate::Mapping| {
                mapping.log_source.as_ref().is_none_or(|is| rule.log_source.covers(is))
            };
            let Some(mapping) = pipeline.log_sources.iter().find(covers) else { return vec![] };
            let mut readings = Vec::new();
            for (outer, entry) in self.entries.iter().enumerate() {
                for member in 0..entry.members.len() {
                    let paths = |name: &String| {
                        let name = self.name(outer, member, index(at), name)?;
                        let paths = pipeline.paths(mapping, &name);
                        Some(paths.iter().map(|path| FieldPath::new(path)).collect())
                    };
                    let correlation = &entry.correlation;
                    let measure = measured(correlation);
                    let group: Option<Vec<_>> = correlation.group_by.iter().map(paths).collect();
                    let fields: Option<Vec<_>> = measure.iter().map(paths).collect();
                    if !self.reaches(outer, member, index(at)) {
                        continue;
                    }
                    readings.push(Reading {
                        correlation: index(outer),
                        member: index(member),
                        group: group.unwrap_or_default(),
                        measure: fields.unwrap_or_default(),
                        every_value: matches!(
                            correlation.aggregate,
                            Aggregate::Measure(Measure::Values(_), _)
                        ),
                        direct: entry.members.get(member) == Some(&Member::Rule(index(at))),
                    });
                }
            }
            readings
        };
        set.rules.iter().enumerate().map(of_rule).collect()
    }

    /// Whether the rule is the member, or a member of it.
    fn reaches(&self, outer: usize, member: usize, rule: u32) -> bool {
        match self.entries.get(outer).and_then(|entry| entry.members.get(member)) {
            Some(Member::Rule(known)) => *known == rule,
            Some(Member::Correlation(inner)) => {
                let inner = *inner as usize;
                let members = self.entries.get(inner).map_or(0, |entry| entry.members.len());
                (0..members).any(|member| self.reaches(inner, member, rule))
            }
            None => false,
        }
    }

    /// What a field of a correlation is called in the events of a rule: aliases are followed
    /// inwards.
    fn name(&self, outer: usize, member: usize, rule: u32, field: &str) -> Option<String> {
        let entry = self.entries.get(outer)?;
        let reference = entry.correlation.rules.get(member)?;
        let alias = entry.correlation.aliases.iter().find(|(alias, _)| alias == field);
        let own = alias.and_then(|(_, fields)| fields.iter().find(|(rule, _)| rule == reference));
        let name = own.map_or(field, |(_, field)| field.as_str());
        match entry.members.get(member)? {
            Member::Rule(_) => Some(name.to_owned()),
            Member::Correlation(inner) => {
                let inner = *inner as usize;
                let members = self.entries.get(inner)?.members.len();
                let through = (0..members).find(|member| self.reaches(inner, *member, rule))?;
                self.name(inner, through, rule, name)
            }
        }
    }
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn measured(correlation: &Correlation) -> &[String] {
    match &correlation.aggregate {
        Aggregate::Measure(measure, _) => measure.fields(),
        _ => &[],
    }
}

/// A rule or correlation that is referred to raises alerts only if one of those who refer to it
/// says `generate: true`.
fn is_alone(entries: &[Entry], is: impl Fn(&Member) -> bool) -> bool {
    let mut referring = entries.iter().filter(|entry| entry.members.iter().any(&is)).peekable();
    referring.peek().is_none() || referring.any(|entry| entry.correlation.generate)
}

/// Resolves references and puts inner correlations first; those that cannot be are problems.
fn resolve(set: &RuleSet) -> (Vec<Entry>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut waiting: Vec<&Correlation> = set.correlations.iter().collect();
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let before = waiting.len();
        waiting.retain(|correlation| {
            let Some(members) = members(correlation, set, &entries) else { return true };
            entries.push(entry(correlation, members));
            false
        });
        if waiting.len() == before {
            break;
        }
    }
    for correlation in waiting {
        let metadata = &correlation.metadata;
        let problem = Problem::error(metadata.place, unresolved(correlation, set));
        problems.push(problem.of(&metadata.origin));
    }
    let feeds: Vec<(usize, (u32, u32))> = entries
        .iter()
        .enumerate()
        .flat_map(|(outer, entry)| {
            entry.members.iter().enumerate().filter_map(move |(at, member)| match member {
                Member::Correlation(inner) => Some((*inner as usize, (index(outer), index(at)))),
                Member::Rule(_) => None,
            })
        })
        .collect();
    for (inner, feed) in feeds {
        if let Some(entry) = entries.get_mut(inner) {
            entry.feeds.push(feed);
        }
    }
    for at in 0..entries.len() {
        let alone = is_alone(&entries, |member| *member == Member::Correlation(index(at)));
        if let Some(entry) = entries.get_mut(at) {
            entry.alone = alone;
        }
    }
    (entries, problems)
}

fn called(metadata: &Metadata, reference: &str) -> bool {
    metadata.is_called(reference)
}

/// The members, once all of them are known; `None` while one is not.
fn members(correlation: &Correlation, set: &RuleSet, entries: &[Entry]) -> Option<Vec<Member>> {
    correlation
        .rules
        .iter()
        .map(|reference| {
            let rule = set.rules.iter().position(|rule| called(&rule.metadata, reference));
            let inner =
                || entries.iter().position(|entry| called(&entry.correlation.metadata, reference));
            rule.map(|at| Member::Rule(index(at)))
                .or_else(|| inner().map(|at| Member::Correlation(index(at))))
        })
        .collect()
}

fn unresolved(correlation: &Correlation, set: &RuleSet) -> String {
    let known: BTreeSet<&str> = correlation
        .rules
        .iter()
        .map(String::as_str)
        .filter(|reference| {
            set.rules.iter().any(|rule| called(&rule.metadata, reference))
                || set.correlations.iter().any(|other| called(&other.metadata, reference))
        })
        .collect();
    match correlation.rules.iter().find(|reference| !known.contains(reference.as_str())) {
        Some(unknown) => format!("no rule is called `{unknown}`"),
        None => "the correlation refers to itself, or to one that could not be used".to_owned(),
    }
}

fn entry(correlation: &Correlation, members: Vec<Member>) -> Entry {
    let definition = (
        &correlation.rules,
        &correlation.group_by,
        &correlation.aliases,
        correlation.timespan_seconds,
        format!("{:?}", correlation.aggregate),
    );
    Entry {
        members,
        feeds: Vec::new(),
        alone: true,
        closed: is_closed(&correlation.aggregate),
        fingerprint: format!("{:016x}", FixedState::with_seed(1).hash_one(definition)),
        correlation: correlation.clone(),
    }
}

/// Counts, sums and sets of rules only grow as events come in, so a lower limit is decided at
/// once. Anything else wants the whole window.
fn is_closed(aggregate: &Aggregate) -> bool {
    let upper = |limits: &[Limit]| {
        limits.iter().any(|limit| !matches!(limit.operator, Operator::Greater | Operator::AtLeast))
    };
    match aggregate {
        Aggregate::Measure(Measure::Average(_) | Measure::Percentile(..), _) => true,
        Aggregate::Measure(_, limits) | Aggregate::Ordered(limits) => upper(limits),
        Aggregate::Temporal(expression) => excludes(expression, &upper),
    }
}

fn excludes(expression: &RuleExpression, upper: &dyn Fn(&[Limit]) -> bool) -> bool {
    match expression {
        RuleExpression::Count(limits) => upper(limits),
        RuleExpression::Rule(_) => false,
        RuleExpression::All(parts) | RuleExpression::Any(parts) => {
            parts.iter().any(|part| excludes(part, upper))
        }
        RuleExpression::Not(_) => true,
    }
}
