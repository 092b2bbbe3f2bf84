//! All rules compiled into one matcher: the cost of one more rule is nearly nothing.
//! What comes together over time is `correlation/`.
//!
//! For each kind of records there is a program. A record's waking fields are read once; their
//! values, by hash and by one automaton per field, name the few rules that can match at all.
//! Those are tried, and every check among them is made at most once.

mod check;
mod compile;
mod explain;
mod field;
mod memory;
mod needs;
mod program;
mod run;
mod tree;

use std::sync::Arc;

use crate::correlation::{Observed, Plan, Repeats};
use crate::pipeline::Pipeline;
use crate::problem::Problem;
use crate::record::{FieldPath, Record};
use crate::rule::{Rule, RuleSet};
use program::Program;

pub use explain::Reason;
pub use needs::{Clue, ClueValue, Needs};
pub use run::Scratch;

/// A rule of a matcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub(crate) u32);

impl RuleId {
    pub(crate) fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// Its place among [`Matcher::rules`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A kind of records, named by a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub(crate) u32);

/// Rules made ready. Immutable: threads share one, each with a [`Scratch`] of its own.
#[derive(Clone, Debug)]
pub struct Matcher {
    rules: Vec<Rule>,
    programs: Vec<Program>,
    plan: Arc<Plan>,
}

/// What compiling gave.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The rules that are good.
    pub matcher: Matcher,
    /// Rules about logs that no pipeline has: they match nothing.
    pub unmapped: Vec<RuleId>,
    /// What is wrong with the others.
    pub problems: Vec<Problem>,
}

impl Matcher {
    /// Compiles a set of rules for the kinds of records that the pipelines describe.
    #[must_use]
    pub fn compile(set: RuleSet, pipelines: &[Pipeline]) -> Compiled {
        compile::compile(set, pipelines)
    }

    /// The rules, in the order of their ids.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The ids of the rules, in order.
    pub fn ids(&self) -> impl Iterator<Item = RuleId> {
        (0..self.rules.len()).map(RuleId::from_index)
    }

    /// A rule by its id.
    #[must_use]
    pub fn rule(&self, id: RuleId) -> Option<&Rule> {
        self.rules.get(id.index())
    }

    /// The plan of the correlations.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn shared_plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan)
    }

    /// Whether a rule raises alerts of its own: not if only correlations without `generate`
    /// refer to it.
    #[must_use]
    pub fn is_alone(&self, id: RuleId) -> bool {
        self.plan.is_alone(id)
    }

    /// The kind of records that a pipeline called so.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<SourceId> {
        let at = self.programs.iter().position(|program| program.source == name)?;
        u32::try_from(at).ok().map(SourceId)
    }

    /// How many rules run over a kind of records, and how many of them are tried on every record
    /// because nothing in them can be looked up.
    #[must_use]
    pub fn size(&self, source: SourceId) -> (usize, usize) {
        self.program(source).map_or((0, 0), |program| (program.units.len(), program.always.len()))
    }

    /// What the rules over a kind of records need of them: the fields they may read, and what a
    /// record must have for any of them to match.
    #[must_use]
    pub fn needs(&self, source: SourceId) -> Option<Needs> {
        self.program(source).map(needs::needs)
    }

    /// Every path that the rules over a kind of records read, in the order of
    /// [`FieldPath::slot`].
    #[must_use]
    pub fn paths(&self, source: SourceId) -> &[FieldPath] {
        self.program(source).map_or(&[], |program| &program.paths)
    }

    /// What correlations need of a record that matched, for [`Correlator::take`]: reading it and
    /// correlating it may be the work of two threads.
    ///
    /// [`Correlator::take`]: crate::Correlator::take
    pub fn observe(
        &self,
        source: SourceId,
        record: &dyn Record,
        matched: &[RuleId],
        repeats: &mut Repeats,
    ) -> impl Iterator<Item = Observed> {
        let source = source.0 as usize;
        let read = move |rule: &RuleId| Observed::read(&self.plan, source, *rule, record, repeats);
        matched.iter().filter_map(read)
    }

    /// Whether each selection of a rule holds of a record, in the order of the file: why a rule
    /// did not match.
    #[must_use]
    pub fn selections<'m>(
        &'m self,
        source: SourceId,
        rule: RuleId,
        record: &dyn Record,
    ) -> Vec<(&'m str, bool)> {
        let (Some(program), Some(known)) = (self.program(source), self.rule(rule)) else {
            return Vec::new();
        };
        let unit = program.units.iter().find(|unit| unit.rule == rule);
        unit.map(|unit| explain::selections(program, unit, known, record)).unwrap_or_default()
    }

    /// Room to work in, for one thread.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        Scratch::new(&self.programs)
    }

    /// The rules that match a record, in ascending order. The scratch must be this matcher's.
    pub fn matches<'s>(
        &self,
        source: SourceId,
        record: &dyn Record,
        scratch: &'s mut Scratch,
    ) -> &'s [RuleId] {
        match self.program(source) {
            Some(program) => run::run(program, source.0 as usize, record, scratch),
            None => &[],
        }
    }

    /// Why a rule matched: which selection, field and value. Empty if it did not.
    #[must_use]
    pub fn explain(&self, source: SourceId, rule: RuleId, record: &dyn Record) -> Vec<Reason> {
        let (Some(program), Some(known)) = (self.program(source), self.rule(rule)) else {
            return Vec::new();
        };
        let units = program.units.iter().filter(|unit| unit.rule == rule);
        let reasons = units.map(|unit| explain::reasons(program, unit, known, record));
        reasons.max_by_key(Vec::len).unwrap_or_default()
    }

    fn program(&self, source: SourceId) -> Option<&Program> {
        self.programs.get(source.0 as usize)
    }
}
