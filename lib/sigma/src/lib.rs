//! Sigma rules: parse, compile, match, correlate.
//! No I/O, no clock, no randomness; records and time are the caller's.
//!
//! What is supported and what each rule means is said in this crate's `README.md`.
//!
//! ```
//! use serde_json::json;
//! use sigma::{JsonRecord, Matcher, Pipeline, RuleSet, parse};
//!
//! let parsed = parse("trail.yml", "
//! title: Trail stopped
//! logsource: {product: aws, service: cloudtrail}
//! detection:
//!   selection: {eventName: [StopLogging, DeleteTrail]}
//!   condition: selection
//! ");
//! assert!(parsed.is_whole());
//! let mut set = RuleSet::default();
//! set.add(parsed);
//! let matcher = Matcher::compile(set, &[Pipeline::plain("cloudtrail")]).matcher;
//!
//! let source = matcher.source("cloudtrail").ok_or("no such source")?;
//! let mut scratch = matcher.scratch();
//! let event = json!({"eventName": "StopLogging"});
//! let record = JsonRecord::new(&event);
//! let matched = matcher.matches(source, &record, &mut scratch).to_vec();
//! let rule = matcher.rule(matched[0]).ok_or("no such rule")?;
//! assert_eq!(rule.metadata.title, "Trail stopped");
//! let reasons = matcher.explain(source, matched[0], &record);
//! assert_eq!(reasons[0].found.as_deref(), Some("StopLogging"));
//! # Ok::<(), &'static str>(())
//! ```

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
    Contribution, CorrelationAlert, CorrelationId, Correlator, Counters, Observed, Options, Plan,
    Repeats, State, StateError, StateText,
};
pub use matcher::{Clue, ClueValue, Compiled, Matcher, Needs, Reason, RuleId, Scratch, SourceId};
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
