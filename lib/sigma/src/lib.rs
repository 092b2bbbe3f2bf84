//! Sigma rules: parse, compile, match, correlate.
//! No I/O, no clock, no randomness; records and time are the caller's.

mod correlation;
mod matcher;
mod number;
mod parse;
mod pipeline;
mod problem;
mod record;
mod rule;
mod text;
mod yaml;

pub use correlation::{
    Contribution, CorrelationAlert, CorrelationId, Correlator, Counters, Options, Plan, State,
    StateError,
};
pub use matcher::{Compiled, Matcher, Reason, RuleId, Scratch, SourceId};
pub use number::{Number, Numeric};
pub use parse::{Parsed, parse};
pub use pipeline::{Mapping, ParsedPipelines, Pipeline};
pub use problem::{Place, Problem, Weight};
pub use record::{FieldPath, JsonRecord, ObjectText, Record, Value};
pub use rule::{
    Aggregate, Condition, Correlation, Detection, FieldPlace, Filter, Item, Level, Limit,
    LogSource, Measure, Metadata, Operator, Related, Relation, Rule, RuleExpression, RuleSet,
    Search, Selection, Status, Test, TextTest,
};
pub use text::cidr::Cidr;
pub use text::pattern::{Part, Pattern};
pub use text::regexp::Expression;
pub use text::time::{TimePart, instant};
