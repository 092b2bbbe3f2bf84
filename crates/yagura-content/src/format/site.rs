//! What a site adds to the content: exceptions, attestations, parameters, selection.
//! They are applied in `yagura-judge`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::Deserializer;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use yagura_model::Severity;

use super::alert_site::{AlertContext, AllowRule, SuppressionRule};
use super::automation::AutomationRule;
use super::intelligence::IntelligenceSite;
use super::route::Routes;
use crate::place::Placed;

/// Everything that a site folder says beside controls, types and frameworks of its own.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// `exceptions.yaml`.
    pub exceptions: Vec<ExceptionRule>,
    /// `attestations.yaml`.
    pub attestations: Vec<Attestation>,
    /// `parameters.yaml`: by control, by parameter.
    pub parameters: ParameterValues,
    /// `selection.yaml`.
    pub selection: Selection,
    /// `suppressions.yaml`.
    pub suppressions: Vec<SuppressionRule>,
    /// `allow.yaml`.
    pub allow: Vec<Arc<AllowRule>>,
    /// `context.yaml`.
    pub context: AlertContext,
    /// `intelligence.yaml`.
    pub intelligence: IntelligenceSite,
    /// `rules.yaml`, in the order in which they are applied.
    pub rules: Vec<Arc<AutomationRule>>,
    /// `routes.yaml`.
    pub routes: Routes,
}

/// By control, by parameter: the value that the site wants.
pub type ParameterValues = BTreeMap<String, BTreeMap<String, Value>>;

/// Failures that the site accepts until a date. A list that is empty accepts everything.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExceptionRule {
    /// A control's id; `*` stands for any letters.
    pub control: Placed<String>,
    /// Account numbers.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// Regions.
    #[serde(default)]
    pub regions: Vec<String>,
    /// Keys of resources; `*` stands for any letters.
    #[serde(default)]
    pub resources: Vec<String>,
    /// Tags that the resource has.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Who answers for it.
    pub owner: Placed<String>,
    /// Why it is accepted.
    pub reason: Placed<String>,
    /// Until when.
    pub expires: Expiry,
}

/// A person's word on a requirement that no API can answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// The framework's id.
    pub framework: Placed<String>,
    /// The requirement's id.
    pub requirement: Placed<String>,
    /// What is attested.
    pub state: AttestedState,
    /// Who says so.
    pub by: Placed<String>,
    /// Why.
    pub reason: Placed<String>,
    /// A link to the evidence.
    #[serde(default)]
    pub evidence: Option<String>,
    /// Until when.
    pub expires: Expiry,
}

/// What a person attests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttestedState {
    /// The requirement is met.
    Met,
    /// It is not.
    NotMet,
    /// It does not apply.
    NotApplicable,
}

/// Which controls run, and how bad their failures are.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Selection {
    /// Only these; all if empty. `*` stands for any letters.
    pub enable: Vec<String>,
    /// Not these.
    pub disable: Vec<String>,
    /// Severities in place of the controls' own.
    pub severity: BTreeMap<String, Severity>,
    /// The frameworks that are scored; all if empty. `*` stands for any letters.
    pub frameworks: Vec<String>,
}

/// The end of a validity: a day (which is still valid, in UTC) or a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Expiry(pub Timestamp);

impl std::str::FromStr for Expiry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let end_of = |day: Date| {
            let next = day.tomorrow().ok()?;
            next.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
        };
        text.parse::<Timestamp>()
            .ok()
            .or_else(|| text.parse::<Date>().ok().and_then(end_of))
            .map(Self)
            .ok_or_else(|| format!("`{text}` is neither a day (2027-03-31) nor a point in time"))
    }
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Selection {
    /// Whether a framework is scored.
    pub fn scores(&self, framework: &str) -> bool {
        let fits = |glob: &String| crate::glob::matches(glob, framework);
        self.frameworks.is_empty() || self.frameworks.iter().any(fits)
    }

    /// Whether a control runs.
    pub fn enables(&self, control: &str) -> bool {
        let any = |globs: &[String]| globs.iter().any(|glob| crate::glob::matches(glob, control));
        (self.enable.is_empty() || any(&self.enable)) && !any(&self.disable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_valid_until_it_ends() {
        let expiry: Expiry = "2026-12-31".parse().unwrap();
        assert_eq!(expiry.0.to_string(), "2027-01-01T00:00:00Z");
        assert!("31.12.2026".parse::<Expiry>().is_err());
        assert!("9999-12-31".parse::<Expiry>().is_err());
    }

    #[test]
    fn disabling_is_stronger_than_enabling() {
        let selection = Selection {
            enable: vec!["s3.*".into()],
            disable: vec!["*.bucket_logged".into()],
            ..Selection::default()
        };
        assert!(selection.enables("s3.bucket_encrypted"));
        assert!(!selection.enables("s3.bucket_logged"));
        assert!(!selection.enables("ec2.volume_encrypted"));
        assert!(Selection::default().enables("anything.at_all"));
    }
}
