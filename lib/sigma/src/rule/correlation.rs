//! Correlation rules: what must come together in a time span.
//! Windows and state are `correlation/`; reading is `parse/correlation.rs`.

use super::{Metadata, Operator};
use crate::number::Numeric;

/// A correlation rule.
#[derive(Clone, Debug)]
pub struct Correlation {
    /// Title, id, level and the rest of its head.
    pub metadata: Metadata,
    /// The rules it is about, by id or name, in the order of the file.
    pub rules: Vec<String>,
    /// Fields (or aliases) whose values must be the same; empty is one group for all.
    pub group_by: Vec<String>,
    /// (alias, [(rule, field of that rule's events)])
    pub aliases: Vec<(String, Vec<(String, String)>)>,
    /// Seconds within which the events must lie.
    pub timespan_seconds: i64,
    /// What is measured, and the limits it must meet.
    pub aggregate: Aggregate,
    /// Whether the rules it refers to raise alerts of their own as well.
    pub generate: bool,
}

/// What is measured and when that is a match.
#[derive(Clone, Debug, PartialEq)]
pub enum Aggregate {
    /// A number over the events, and every limit that it must meet.
    Measure(Measure, Vec<Limit>),
    /// Rules that matched within the span, in any order.
    Temporal(RuleExpression),
    /// The same, in the order of `rules`; how many of them, in order, must have matched.
    Ordered(Vec<Limit>),
}

/// A number computed from the events of a window.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// How many events.
    Events,
    /// How many distinct values the fields have (with several fields: distinct combinations).
    Values(Vec<String>),
    /// The sum of a field.
    Sum(String),
    /// The mean of a field.
    Average(String),
    /// A percentile of a field (nearest rank): the field, and 0 to 100.
    Percentile(String, f64),
}

/// A limit that a measure must meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub value: Numeric,
}

/// Which rules must have matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleExpression {
    /// The number of distinct rules that matched meets the limits.
    Count(Vec<Limit>),
    /// The rule at this index of `rules` matched.
    Rule(usize),
    /// All hold.
    All(Vec<RuleExpression>),
    /// One holds.
    Any(Vec<RuleExpression>),
    /// It does not hold.
    Not(Box<RuleExpression>),
}

impl Measure {
    /// The fields that are read.
    #[must_use]
    pub fn fields(&self) -> &[String] {
        match self {
            Self::Events => &[],
            Self::Values(fields) => fields,
            Self::Sum(field) | Self::Average(field) | Self::Percentile(field, _) => {
                std::slice::from_ref(field)
            }
        }
    }
}
