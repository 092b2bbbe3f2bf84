//! Rules, correlations and filters of many files, together.
//! Whether their references hold is checked when they are compiled.

use super::{Correlation, Filter, Rule};
use crate::parse::Parsed;

/// Everything that is compiled into one matcher.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// Detection rules.
    pub rules: Vec<Rule>,
    /// Correlation rules.
    pub correlations: Vec<Correlation>,
    /// Filters.
    pub filters: Vec<Filter>,
}

impl RuleSet {
    /// Adds what a file held.
    pub fn add(&mut self, parsed: Parsed) {
        self.rules.extend(parsed.rules);
        self.correlations.extend(parsed.correlations);
        self.filters.extend(parsed.filters);
    }
}
