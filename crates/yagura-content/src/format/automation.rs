//! Automation rules of a site (`rules.yaml`): what is done to a finding by itself when it is seen.
//! They are applied in `yagura-respond`; who is told of a finding is said by routes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use yagura_model::{Severity, Truth};

use super::expression::Expression;
use super::site::Expiry;
use super::span::Span;
use crate::expression::{Env, Root};
use crate::place::Placed;

/// Steps that one rule may take for one finding.
const FUEL: u64 = 100_000;

/// What is done to findings that a condition covers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutomationRule {
    /// What it is called in the history of findings.
    pub id: Placed<String>,
    /// When it holds, in CEL over `finding`, `resource`, `account` and `now`.
    pub when: Expression,
    /// What it does.
    #[serde(rename = "set")]
    pub settings: AutomationSettings,
    /// Rules are applied from the lowest to the highest, of equal ones the first in the file
    /// first; a later one prevails over an earlier one.
    #[serde(default = "usual_order")]
    pub order: i32,
    /// Findings, and whether the rule holds for them.
    #[serde(default)]
    pub cases: Vec<AutomationCase>,
}

fn usual_order() -> i32 {
    100
}

/// What a rule does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AutomationSettings {
    /// The severity in place of the finding's own, unless a person has set one.
    pub severity: Option<Severity>,
    /// Who works on it, where nobody does yet.
    #[serde(alias = "owner")]
    pub assignee: Option<Placed<String>>,
    /// By when it should be mended, counted from when it opened.
    pub due_in: Option<Span>,
    /// It is accepted for a time.
    pub suppress: Option<AutomationSuppression>,
    /// Labels that it gets, such as `team: payments`; filters and routes read them.
    pub tags: BTreeMap<String, String>,
}

/// For how long a rule accepts a finding, and why.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutomationSuppression {
    /// Until a day or a point in time.
    #[serde(default)]
    pub until: Option<Expiry>,
    /// For so long after the finding opened.
    #[serde(default, rename = "for")]
    pub lasts: Option<Span>,
    /// Why it is accepted.
    pub reason: Placed<String>,
    /// Who answers for it; the rule, if nobody is named.
    #[serde(default)]
    pub owner: Option<Placed<String>>,
}

/// How long a suppression of a rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutomationValidity {
    /// Until a point in time.
    Until(Timestamp),
    /// For so long after the finding opened.
    For(Span),
}

/// A finding, and whether the rule holds for it. Everything may be left out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutomationCase {
    /// What it shows.
    pub name: Placed<String>,
    /// Whether the rule holds.
    pub matches: bool,
    /// The finding.
    #[serde(default)]
    pub finding: Map<String, Value>,
    /// Its resource: `type`, `name`, `tags`, `properties`, `runtime`.
    #[serde(default)]
    pub resource: Map<String, Value>,
    /// What is known of its account: `id`, `name`, `ou`, `tags`.
    #[serde(default)]
    pub account: Map<String, Value>,
    /// The time; `2026-01-01T00:00:00Z` if none is given.
    #[serde(default)]
    pub now: Option<Timestamp>,
}

impl AutomationSettings {
    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.severity.is_none()
            && self.assignee.is_none()
            && self.due_in.is_none()
            && self.suppress.is_none()
            && self.tags.is_empty()
    }
}

impl AutomationSuppression {
    /// How long it holds. Lint refuses a rule that says both or neither; here `until` prevails.
    pub fn validity(&self) -> Option<AutomationValidity> {
        let until = self.until.map(|until| AutomationValidity::Until(until.0));
        until.or(self.lasts.map(AutomationValidity::For))
    }
}

impl AutomationRule {
    /// Whether the rule holds for what is bound, and why that cannot be said. A rule whose
    /// condition has no result does nothing.
    pub fn holds<'a>(&'a self, env: Env<'a>) -> (Truth, Option<String>) {
        let (truth, decided) = self.when.program().truth(&env.with_fuel(FUEL));
        let why = decided.problems.into_iter().next().or_else(|| {
            decided.unread.first().map(|unread| format!("`{}` was not read", unread.path))
        });
        (truth, why.filter(|_| truth == Truth::Unknown))
    }

    /// What is wrong with a case; nothing where the rule holds just as the case says.
    pub fn failure(&self, case: &AutomationCase) -> Option<String> {
        let whole = |map: &Map<String, Value>| Value::Object(map.clone());
        let (finding, resource, account) =
            (whole(&case.finding), whole(&case.resource), whole(&case.account));
        let now = case.now.or_else(|| "2026-01-01T00:00:00Z".parse().ok()).unwrap_or_default();
        let env = Env::mapping()
            .bind(Root::Finding, &finding)
            .bind(Root::Resource, &resource)
            .bind(Root::Account, &account)
            .bind_now(now);
        match (self.holds(env), case.matches) {
            ((Truth::True, _), true) | ((Truth::False, _), false) => None,
            ((Truth::True, _), false) => Some("the rule holds, and should not".to_owned()),
            ((Truth::False, _), true) => Some("the rule does not hold, and should".to_owned()),
            ((Truth::Unknown, why), _) => {
                Some(format!("the condition has no result: {}", why.unwrap_or_default()))
            }
        }
    }
}
