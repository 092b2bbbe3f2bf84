//! What a site says about alerts: which are accepted until a date, which are no alerts at all, and
//! what makes one worse or less bad. It is applied in `yagura-judge`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Expiry;
use super::expression::Expression;
use crate::place::Placed;

/// What an alert is like. Every dimension that is named must hold; one that is not named covers
/// everything. `*` stands for any letters.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertPattern {
    /// Ids of detections, behaviours, sequences and rules of intelligence.
    pub content: Vec<Placed<String>>,
    /// Who or what the alert is about.
    pub entities: Vec<String>,
    /// Account numbers.
    pub accounts: Vec<String>,
    /// Regions.
    pub regions: Vec<String>,
    /// Who did it.
    pub actors: Vec<String>,
    /// Where it came from: addresses, ranges (`203.0.113.0/24`) or patterns.
    pub addresses: Vec<String>,
    /// With what it was done.
    pub user_agents: Vec<String>,
    /// What it was done to.
    pub resources: Vec<String>,
}

/// Alerts that are kept and told to nobody until a date.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuppressionRule {
    /// Which alerts.
    #[serde(rename = "match")]
    pub pattern: AlertPattern,
    /// Who answers for it.
    pub owner: Placed<String>,
    /// Why it is accepted.
    pub reason: Placed<String>,
    /// Until when.
    pub expires: Expiry,
}

/// Signals that are none: known good.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowRule {
    /// What it is called where it is counted.
    pub name: Placed<String>,
    /// Ids of contents that it is about; all if empty. `*` stands for any letters.
    #[serde(default)]
    pub content: Vec<Placed<String>>,
    /// When it holds, in CEL over `alert` and `now`.
    pub when: Expression,
    /// Who answers for it.
    pub owner: Placed<String>,
    /// Why it is no alert.
    pub reason: Placed<String>,
    /// Until when; for ever if none is given.
    #[serde(default)]
    pub expires: Option<Expiry>,
}

/// What makes an alert worse or less bad.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertContext {
    /// What matters most: one step worse.
    pub crown_jewels: Vec<CrownJewels>,
    /// Where business runs: one step worse, up to high.
    pub production: Production,
    /// Who does such things by its nature: one step less bad.
    pub automation: Vec<Automation>,
}

/// Things that matter most. Any dimension that is named suffices.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrownJewels {
    /// What they are called in reasons.
    pub name: Placed<String>,
    /// Account numbers.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// ARNs or names of resources.
    #[serde(default)]
    pub resources: Vec<String>,
    /// Principals.
    #[serde(default)]
    pub actors: Vec<String>,
    /// Tags that a resource of the inventory has, all of them.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// Where business runs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Production {
    /// Account numbers.
    pub accounts: Vec<String>,
}

/// Known automation. Every dimension that is named must hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Automation {
    /// What it is called in reasons.
    pub name: Placed<String>,
    /// Principals.
    #[serde(default)]
    pub actors: Vec<String>,
    /// With what it works.
    #[serde(default)]
    pub user_agents: Vec<String>,
    /// Addresses, ranges or patterns.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// Ids of contents that it explains; all if empty.
    #[serde(default)]
    pub content: Vec<Placed<String>>,
}

impl AlertPattern {
    /// Whether nothing is named: it would cover everything.
    pub fn is_empty(&self) -> bool {
        let lists = [
            &self.entities,
            &self.accounts,
            &self.regions,
            &self.actors,
            &self.addresses,
            &self.user_agents,
            &self.resources,
        ];
        self.content.is_empty() && lists.iter().all(|list| list.is_empty())
    }
}
