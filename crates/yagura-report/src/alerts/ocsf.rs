//! OCSF Detection Findings (class 2004), version 1.5.0, with the `cloud` profile.
//! Source: the OCSF schema (ocsf/ocsf-schema), seen 2026-11; the tests hold the part we use.

use serde_json::{Map, Value, json};
use yagura_model::alert::{Alert, SignalKind, Witness};

use super::{AlertEntry, AlertReport, facts};
use crate::clean::{clean, clean_lines};
use crate::rows::ocsf::{OCSF_VERSION, severity};

/// Records told of one finding.
const EVIDENCES_MAX: usize = 20;

pub(crate) fn finding(alert: &Alert, report: &AlertReport<'_>) -> Value {
    let (severity_id, severity) = severity(alert.severity);
    let (status_id, status) = match alert.suppressed {
        Some(_) => (3, "Suppressed"),
        None => (1, "New"),
    };
    let entry = report.entries.get(&*alert.content);
    let milliseconds = |us: i64| us.div_euclid(1_000);
    let title = clean(alert.title.get(report.lang));
    let mut finding = json!({
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2004,
        "class_name": "Detection Finding",
        "type_uid": 200_401,
        "type_name": "Detection Finding: Create",
        "time": milliseconds(alert.last_us),
        "start_time": milliseconds(alert.first_us),
        "end_time": milliseconds(alert.last_us),
        "count": alert.count().0,
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "is_alert": !alert.shadow && alert.suppressed.is_none(),
        "message": title,
        "metadata": {
            "version": OCSF_VERSION,
            "profiles": ["cloud"],
            "product": {
                "name": "Yagura",
                "vendor_name": "Yagura",
                "version": report.meta.version,
            },
        },
        "finding_info": info(alert, report),
        "cloud": cloud(alert),
        "evidences": alert.witnesses.iter().take(EVIDENCES_MAX).map(evidence).collect::<Value>(),
        "unmapped": unmapped(alert, report),
    });
    let Some(fields) = finding.as_object_mut() else { return finding };
    if !alert.resources.is_empty() {
        fields.insert("resources".to_owned(), resources(alert));
    }
    let respond = entry.map(|entry| entry.respond(report.lang).join("\n")).unwrap_or_default();
    if !respond.is_empty() {
        let references = entry.map(AlertEntry::links).unwrap_or_default();
        let mut remediation = json!({"desc": clean_lines(&respond)});
        if let Some(fields) = remediation.as_object_mut().filter(|_| !references.is_empty()) {
            fields.insert("references".to_owned(), json!(references));
        }
        fields.insert("remediation".to_owned(), remediation);
    }
    finding
}

fn info(alert: &Alert, report: &AlertReport<'_>) -> Value {
    let (type_id, kind) = match alert.kind {
        SignalKind::Detection | SignalKind::Intelligence => (1, "Rule"),
        SignalKind::Behavior => (2, "Behavioral"),
        SignalKind::Sequence => (99, "Sequence"),
    };
    let mut info = json!({
        "uid": alert.id,
        "title": clean(alert.title.get(report.lang)),
        "types": [alert.kind.as_str()],
        "first_seen_time": alert.first_us.div_euclid(1_000),
        "last_seen_time": alert.last_us.div_euclid(1_000),
        "related_events_count": alert.count().0,
        "analytic": {
            "uid": clean(&alert.content),
            "name": clean(alert.title.get(report.lang)),
            "type_id": type_id,
            "type": kind,
        },
    });
    let Some(fields) = info.as_object_mut() else { return info };
    let entry = report.entries.get(&*alert.content);
    let desc = entry.map(|entry| clean_lines(entry.description.get(report.lang)));
    if let Some(desc) = desc.filter(|desc| !desc.is_empty()) {
        fields.insert("desc".to_owned(), desc.into());
    }
    let attacks = attacks(alert);
    if !attacks.is_empty() {
        fields.insert("attacks".to_owned(), attacks.into());
    }
    info
}

/// Tactics and techniques each by itself: tags do not say which belongs to which.
fn attacks(alert: &Alert) -> Vec<Value> {
    let tactics = facts::tactics(alert)
        .into_iter()
        .map(|tactic| json!({"tactic": {"uid": tactic.uid, "name": tactic.name}}));
    let techniques = facts::techniques(alert).into_iter().map(|id| match id.split_once('.') {
        Some((technique, _)) => {
            json!({"technique": {"uid": technique}, "sub_technique": {"uid": id}})
        }
        None => json!({"technique": {"uid": id}}),
    });
    tactics.chain(techniques).collect()
}

fn cloud(alert: &Alert) -> Value {
    let mut cloud = Map::new();
    cloud.insert("provider".to_owned(), "AWS".into());
    let region = alert.witnesses.first().and_then(|witness| witness.region.as_deref());
    if let Some(region) = region.or(alert.regions.names().next()) {
        cloud.insert("region".to_owned(), clean(region).into());
    }
    let account = alert.witnesses.first().and_then(|witness| witness.account.as_deref());
    if let Some(account) = account.or(alert.accounts.names().next()) {
        cloud.insert("account".to_owned(), owner(account));
    }
    Value::Object(cloud)
}

fn owner(account: &str) -> Value {
    json!({"uid": clean(account), "type_id": 10, "type": "AWS Account"})
}

/// A record as an artifact of evidence.
fn evidence(witness: &Witness) -> Value {
    let mut evidence = Map::new();
    let mut put = |name: &str, value: Value| drop(evidence.insert(name.to_owned(), value));
    if let Some(actor) = &witness.actor {
        put("actor", json!({"user": {"uid": clean(actor)}}));
    }
    if let Some(action) = &witness.action {
        put("api", json!({"operation": clean(action), "service": {"name": &witness.source}}));
    }
    if let Some(address) = &witness.address {
        // Who calls from within AWS leaves the name of a service in the place of an address.
        let kind = if address.parse::<std::net::IpAddr>().is_ok() { "ip" } else { "domain" };
        put("src_endpoint", json!({kind: clean(address)}));
    }
    put(
        "data",
        json!({
            "source": &witness.source,
            "event_id": clean(witness.event_id()),
            "time": facts::instant(witness.time_us),
            "outcome": &witness.outcome,
            "user_agent": &witness.user_agent,
        }),
    );
    Value::Object(evidence)
}

fn resources(alert: &Alert) -> Value {
    let account = alert.accounts.names().next();
    let of = |name: &str| {
        let mut resource = json!({"uid": clean(name), "name": facts::short(name)});
        if let (Some(fields), Some(account)) = (resource.as_object_mut(), account) {
            fields.insert("owner".to_owned(), json!({"account": owner(account)}));
        }
        resource
    };
    alert.resources.names().map(of).collect()
}

fn unmapped(alert: &Alert, report: &AlertReport<'_>) -> Value {
    let mut unmapped = json!({
        "rule_path": clean(&alert.path),
        "entity": {"kind": alert.entity.kind.as_str(), "id": clean(&alert.entity.id)},
        "matched": alert.matched,
    });
    let Some(fields) = unmapped.as_object_mut() else { return unmapped };
    if let Some(contrast) = &alert.contrast {
        fields.insert("normal".to_owned(), contrast.normal.get(report.lang).into());
        fields.insert("seen".to_owned(), contrast.seen.get(report.lang).into());
    }
    if let Some(by) = &alert.suppressed {
        fields.insert("suppressed".to_owned(), json!(by));
    }
    unmapped
}
