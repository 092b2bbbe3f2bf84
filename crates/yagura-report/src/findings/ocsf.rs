//! Findings as OCSF Compliance Findings (2003) and Detection Findings (2004): what the scan's and
//! the alerts' writers say, and beside it where the finding stands.
//! Source: the OCSF schema (ocsf/ocsf-schema) 1.5.0, seen 2026-11; the tests hold what we use.

use serde_json::{Map, Value, json};
use yagura_model::alert::Alert;
use yagura_model::finding::{Finding, FindingKind, FindingState};

use super::export::{Shared, is_compliance, own, verdict_of};
use crate::alerts::{self, AlertReport};
use crate::clean::clean;
use crate::rows::ocsf::{OCSF_VERSION, finding as of_verdict, severity};
use crate::scan_report::resource_name;
use crate::standards::{partition, region};

pub(super) fn finding(finding: &Finding, shared: &Shared<'_>) -> Value {
    let seen = &finding.observation;
    let alert = match seen.kind {
        FindingKind::Alert => serde_json::from_value::<Alert>(seen.evidence.clone()).ok(),
        FindingKind::Control | FindingKind::Import | FindingKind::Spend => None,
    };
    let mut event = match alert {
        Some(alert) => {
            let report = AlertReport {
                alerts: &[],
                entries: shared.context.entries,
                meta: &shared.alerts,
                lang: shared.context.lang,
            };
            alerts::ocsf::finding(&alert, &report)
        }
        None if is_compliance(finding) => of_verdict(&shared.report, &verdict_of(finding)),
        None => detection(finding, shared),
    };
    if let Some(members) = event.as_object_mut() {
        stand(finding, shared, members);
    }
    event
}

/// A finding of which nothing but the observation is known.
fn detection(finding: &Finding, shared: &Shared<'_>) -> Value {
    let seen = &finding.observation;
    let verdict = verdict_of(finding);
    let account = |id: &str| {
        let name = shared.report.scan.account_name(id);
        json!({"uid": clean(id), "name": name, "type_id": 10, "type": "AWS Account"})
    };
    let mut cloud = json!({"provider": "AWS", "region": region(&verdict)});
    let mut resource = json!({
        "uid": clean(&seen.key),
        "name": resource_name(&verdict),
        "type": clean(&verdict.type_name),
        "region": region(&verdict),
        "cloud_partition": partition(&verdict),
    });
    if !seen.account.is_empty() {
        if let Some(cloud) = cloud.as_object_mut() {
            cloud.insert("account".to_owned(), account(&seen.account));
        }
        if let Some(resource) = resource.as_object_mut() {
            resource.insert("owner".to_owned(), json!({"account": account(&seen.account)}));
        }
    }
    json!({
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2004,
        "class_name": "Detection Finding",
        "metadata": {
            "version": OCSF_VERSION,
            "profiles": ["cloud"],
            "product": {
                "name": "Yagura",
                "vendor_name": "Yagura",
                "version": shared.context.version,
            },
        },
        "finding_info": {
            "types": [seen.kind.as_str()],
            "analytic": {
                "uid": clean(&seen.content),
                "name": clean(&seen.content),
                "type_id": 1,
                "type": "Rule",
            },
        },
        "cloud": cloud,
        "resources": [resource],
        "unmapped": {"evidence": seen.evidence},
    })
}

/// Where it stands: OCSF knows new, in progress, suppressed and resolved.
fn stand(finding: &Finding, shared: &Shared<'_>, members: &mut Map<String, Value>) {
    let seen = &finding.observation;
    let (status_id, status) = match finding.state {
        FindingState::New => (1, "New"),
        FindingState::Acknowledged | FindingState::InProgress => (2, "In Progress"),
        FindingState::Suppressed => (3, "Suppressed"),
        FindingState::Resolved => (4, "Resolved"),
    };
    let (activity_id, activity) = match finding.state {
        FindingState::Resolved => (3, "Close"),
        _ if finding.version <= 1 => (1, "Create"),
        _ => (2, "Update"),
    };
    let class = members.get("class_uid").and_then(Value::as_u64).unwrap_or(2004);
    let class_name = members.get("class_name").and_then(Value::as_str).unwrap_or_default();
    let type_name = format!("{class_name}: {activity}");
    let (severity_id, severity) = severity(finding.severity);
    let milliseconds = |us: i64| us.div_euclid(1_000);
    let title = clean(seen.title.get(shared.context.lang)).into_owned();
    let mut put = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    put("activity_id", activity_id.into());
    put("activity_name", activity.into());
    put("type_uid", (class * 100 + activity_id).into());
    put("type_name", type_name.into());
    put("status_id", status_id.into());
    put("status", status.into());
    put("severity_id", severity_id.into());
    put("severity", severity.into());
    put("time", milliseconds(finding.last_seen_us).into());
    put("count", finding.occurrences.max(1).into());
    if seen.kind != FindingKind::Control && !title.trim().is_empty() {
        put("message", title.clone().into());
    }
    if let Some(Value::Object(info)) = members.get_mut("finding_info") {
        info.insert("uid".to_owned(), finding.id.clone().into());
        info.insert("first_seen_time".to_owned(), milliseconds(finding.first_seen_us).into());
        info.insert("last_seen_time".to_owned(), milliseconds(finding.last_seen_us).into());
        info.insert("modified_time".to_owned(), milliseconds(finding.changed_us).into());
        if seen.kind != FindingKind::Control && !title.trim().is_empty() {
            info.insert("title".to_owned(), title.into());
        }
    }
    let unmapped = members.entry("unmapped").or_insert_with(|| json!({}));
    if let Value::Object(unmapped) = unmapped {
        unmapped.insert("yagura".to_owned(), Value::Object(own(finding)));
        if !seen.marks.is_empty() {
            let marks = seen.marks.iter().map(|(kind, mark)| json!([kind.as_str(), mark]));
            unmapped.insert("marks".to_owned(), marks.collect());
        }
    }
}
