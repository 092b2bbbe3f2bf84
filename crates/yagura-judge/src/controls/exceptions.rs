//! Failures that the site has accepted: which rule covers which resource, and until when.
//! What an exception means for a score is in `frameworks/state.rs`.

use jiff::Timestamp;
use yagura_content::format::{ExceptionRule, Site};
use yagura_content::glob::matches;
use yagura_model::{Exception, Resource};

/// The exceptions in force for one control.
#[derive(Debug, Default)]
pub(crate) struct Exceptions<'c> {
    rules: Vec<&'c ExceptionRule>,
}

impl<'c> Exceptions<'c> {
    pub(crate) fn of(site: &'c Site, control: &str, now: Timestamp) -> Self {
        let concerns =
            |rule: &&ExceptionRule| rule.expires.0 > now && matches(&rule.control, control);
        Self { rules: site.exceptions.iter().filter(concerns).collect() }
    }

    /// The exception that covers a resource; of several the one that holds longest.
    pub(crate) fn for_resource(&self, resource: &Resource) -> Option<Exception> {
        let rule = self
            .rules
            .iter()
            .filter(|rule| covers(rule, resource))
            .max_by_key(|rule| rule.expires)?;
        Some(Exception {
            owner: rule.owner.value.clone(),
            reason: rule.reason.value.clone(),
            expires: rule.expires.0,
        })
    }
}

/// Exceptions that no longer hold, for a report that asks their owners to decide anew.
pub fn expired_exceptions(site: &Site, now: Timestamp) -> impl Iterator<Item = &ExceptionRule> {
    site.exceptions.iter().filter(move |rule| rule.expires.0 <= now)
}

/// Every named dimension must hold; one that is not named covers everything. Tags that were not
/// read cover nothing.
fn covers(rule: &ExceptionRule, resource: &Resource) -> bool {
    let among = |patterns: &[String], text: &str| {
        patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, text))
    };
    among(&rule.accounts, &resource.account)
        && among(&rule.regions, &resource.region)
        && among(&rule.resources, &resource.key)
        && rule.tags.iter().all(|(key, pattern)| {
            resource.tags.get(key).is_some_and(|value| matches(pattern, value))
        })
}
