//! Rules as parsed: what a file says, with modifiers applied and conditions resolved.
//! Reading them is `parse/`; making them quick is `matcher/`.

mod correlation;
mod metadata;
mod search;
mod set;

pub use correlation::{Aggregate, Correlation, Limit, Measure, RuleExpression};
pub use metadata::{Level, LogSource, Metadata, Related, Relation, Status};
pub use search::{
    Condition, Detection, FieldPlace, Item, Operator, Search, Selection, Test, TextTest,
};
pub use set::RuleSet;

/// A detection rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Title, id, level and the rest of its head.
    pub metadata: Metadata,
    /// Which logs it is about.
    pub log_source: LogSource,
    /// What it looks for.
    pub detection: Detection,
}

/// A filter: a condition that other rules must meet as well.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Title, id and the rest of its head.
    pub metadata: Metadata,
    /// Only rules about these logs are touched.
    pub log_source: LogSource,
    /// Ids, names or titles of rules; `None` is every rule of the log source.
    pub rules: Option<Vec<String>>,
    /// What must hold beside the rule's own condition (an exclusion says `not selection`).
    pub detection: Detection,
}
