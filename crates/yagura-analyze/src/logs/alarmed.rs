//! Which account activity somebody is told about: trail, log group, metric filter, alarm and
//! action. Which activity should be is stated by controls.
//!
//! The chain is the one that the CIS AWS Foundations Benchmark audits in its chapter on
//! monitoring; what is matched is the meaning of the filters and not their text.

use std::collections::BTreeSet;

use serde_json::Value;
use yagura_model::{Arn, Resource, Unread};

use super::pattern::{Ways, ways};
use crate::fact::{FactSource, Facts};
use crate::read::{Seen, as_list, boolean, number, see, text};
use crate::surroundings::Surroundings;

const TRAIL: &str = "AWS::CloudTrail::Trail";
const METRIC_FILTER: &str = "AWS::Logs::MetricFilter";
const ALARM: &str = "AWS::CloudWatch::Alarm";
const TOPIC: &str = "AWS::SNS::Topic";

/// What the chain reads.
pub(crate) const READS: &[(&str, &[&str])] = &[
    (
        TRAIL,
        &[
            "properties.IsLogging",
            "properties.IsMultiRegionTrail",
            "properties.EventSelectors",
            "properties.AdvancedEventSelectors",
            "properties.CloudWatchLogsLogGroupArn",
        ],
    ),
    (
        METRIC_FILTER,
        &[
            "properties.LogGroupName",
            "properties.FilterPattern",
            "properties.MetricTransformations",
        ],
    ),
    (
        ALARM,
        &[
            "properties.MetricName",
            "properties.Namespace",
            "properties.Metrics",
            "properties.ActionsEnabled",
            "properties.AlarmActions",
        ],
    ),
    (TOPIC, &["properties.Subscription", "runtime.SubscriptionsConfirmed"]),
];

/// The log group of a trail, and the metric of a filter: account, region, name.
type Place = (String, String, String);

/// Collects what could not be read on the way.
struct Chain<'s> {
    surroundings: &'s dyn Surroundings,
    unread: Vec<Unread>,
}

pub(crate) fn activity(
    _: &FactSource,
    resource: &Resource,
    surroundings: &dyn Surroundings,
    facts: &mut Facts,
) {
    let mut chain = Chain { surroundings, unread: Vec::new() };
    let mut seen = Ways::new();
    for (account, region, log_group) in chain.log_groups(&resource.account) {
        let filters = surroundings.in_region(&account, &region, METRIC_FILTER);
        chain.unread.extend(filters.unread);
        let alarmed = chain.alarmed_metrics(&account, &region);
        for filter in filters.resources {
            if chain.is_alarmed(filter, &log_group, &alarmed) {
                let pattern = chain.text(filter, "properties.FilterPattern");
                seen.extend(pattern.map(ways).unwrap_or_default());
            }
        }
    }
    let show = |way: &BTreeSet<String>| -> Value { way.iter().cloned().collect() };
    facts.set("alarmed_activity", seen.iter().map(show).collect::<Value>());
    chain.unread.dedup();
    facts.unread(&["alarmed_activity"], true, &chain.unread);
}

impl Chain<'_> {
    /// Reads a path: `None` where it is unread (and that is remembered), else what is there.
    fn known<'r>(&mut self, resource: &'r Resource, path: &str) -> Option<Option<&'r Value>> {
        let seen = see(resource, path);
        self.unread.extend(seen.unread().cloned());
        match seen {
            Seen::Value(value) => Some(Some(value)),
            Seen::Absent => Some(None),
            Seen::Partly(..) | Seen::Unread(_) => None,
        }
    }

    /// Reads a path where *unread* and *nothing there* both mean that nobody is known to be told.
    fn read<'r>(&mut self, resource: &'r Resource, path: &str) -> Option<&'r Value> {
        self.known(resource, path)?
    }

    fn text<'r>(&mut self, resource: &'r Resource, path: &str) -> Option<&'r str> {
        self.read(resource, path)?.as_str()
    }

    fn yes(&mut self, resource: &Resource, path: &str) -> bool {
        self.read(resource, path).and_then(boolean) == Some(true)
    }

    /// Log groups of trails that log the management events of all regions.
    fn log_groups(&mut self, account: &str) -> BTreeSet<Place> {
        let trails = self.surroundings.in_account(account, TRAIL);
        self.unread.extend(trails.unread);
        let mut found = BTreeSet::new();
        for trail in trails.resources {
            let whole = self.yes(trail, "properties.IsMultiRegionTrail")
                & self.yes(trail, "properties.IsLogging")
                & self.records_management_events(trail);
            let arn = self.text(trail, "properties.CloudWatchLogsLogGroupArn");
            let arn = arn.and_then(|arn| arn.parse::<Arn>().ok());
            if let (true, Some(arn)) = (whole, arn) {
                let name = arn.resource.strip_prefix("log-group:").unwrap_or(&arn.resource);
                let name = name.strip_suffix(":*").unwrap_or(name).to_owned();
                found.insert((arn.account, arn.region, name));
            }
        }
        found
    }

    /// Both reading and writing calls. A trail without selectors records all management events
    /// (CloudTrail User Guide, "Logging management events", seen 2026-11).
    fn records_management_events(&mut self, trail: &Resource) -> bool {
        let classic = self.known(trail, "properties.EventSelectors");
        let advanced = self.known(trail, "properties.AdvancedEventSelectors");
        let (Some(classic), Some(advanced)) = (classic, advanced) else { return false };
        let (classic, advanced) = (as_list(classic), as_list(advanced));
        if classic.is_empty() && advanced.is_empty() {
            return true;
        }
        let by_classic = classic.iter().any(|selector| {
            selector.get("IncludeManagementEvents").and_then(boolean) != Some(false)
                && text(selector, "ReadWriteType").is_none_or(|kind| kind == "All")
        });
        by_classic
            || advanced.iter().any(|selector| {
                let fields = as_list(selector.get("FieldSelectors"));
                let is_management = fields.iter().any(|field| {
                    text(field, "Field") == Some("eventCategory")
                        && as_list(field.get("Equals")).iter().any(|v| v == "Management")
                });
                is_management && fields.len() == 1
            })
    }

    /// Metrics (namespace, name) with an alarm that tells somebody.
    fn alarmed_metrics(&mut self, account: &str, region: &str) -> BTreeSet<(String, String)> {
        let alarms = self.surroundings.in_region(account, region, ALARM);
        self.unread.extend(alarms.unread);
        let mut found = BTreeSet::new();
        for alarm in alarms.resources {
            let on = self.known(alarm, "properties.ActionsEnabled");
            let on = on.is_some_and(|on| on.and_then(boolean) != Some(false));
            let actions = as_list(self.read(alarm, "properties.AlarmActions"));
            let mut tells = false;
            for action in actions.iter().filter_map(Value::as_str) {
                tells |= self.reaches_somebody(account, action);
            }
            if !on || !tells {
                continue;
            }
            let name = self.text(alarm, "properties.MetricName");
            let namespace = self.text(alarm, "properties.Namespace");
            found.extend(namespace.zip(name).map(|(a, b)| (a.to_owned(), b.to_owned())));
            for metric in as_list(self.read(alarm, "properties.Metrics")) {
                let metric = metric.get("MetricStat").and_then(|stat| stat.get("Metric"));
                let Some(metric) = metric else { continue };
                let pair = text(metric, "Namespace").zip(text(metric, "MetricName"));
                found.extend(pair.map(|(a, b)| (a.to_owned(), b.to_owned())));
            }
        }
        found
    }

    /// A topic of the inventory must have a subscription; other actions, and topics of accounts
    /// that were not scanned, are taken at their word.
    fn reaches_somebody(&mut self, account: &str, action: &str) -> bool {
        let Ok(arn) = action.parse::<Arn>() else { return false };
        if arn.service != "sns" || arn.account != account {
            return true;
        }
        let found = self.surroundings.find(account, TOPIC, action);
        if found.resources.is_empty() {
            // Either it could not be listed, or the alarm names a topic that is gone.
            self.unread.extend(found.unread);
            return false;
        }
        let mut subscribed = false;
        for topic in found.resources {
            let confirmed = self.read(topic, "runtime.SubscriptionsConfirmed");
            let confirmed = confirmed.is_some_and(|n| {
                n.as_i64().or_else(|| n.as_str()?.parse().ok()).is_some_and(|n| n > 0)
            });
            subscribed |=
                confirmed || !as_list(self.read(topic, "properties.Subscription")).is_empty();
        }
        subscribed
    }

    fn is_alarmed(
        &mut self,
        filter: &Resource,
        log_group: &str,
        alarmed: &BTreeSet<(String, String)>,
    ) -> bool {
        if self.text(filter, "properties.LogGroupName") != Some(log_group) {
            return false;
        }
        as_list(self.read(filter, "properties.MetricTransformations")).iter().any(|metric| {
            let pair = text(metric, "MetricNamespace").zip(text(metric, "MetricName"));
            // A transformation that adds nothing never moves its metric.
            number(metric, "MetricValue") != Some(0)
                && pair.is_some_and(|(a, b)| alarmed.contains(&(a.to_owned(), b.to_owned())))
        })
    }
}
