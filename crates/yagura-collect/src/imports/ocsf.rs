//! Findings in the Open Cybersecurity Schema Framework, of any product that writes them (Prowler,
//! Security Hub, Security Lake, Yagura): compliance, detection, vulnerability, data security,
//! posture and the older security findings. Other classes are no findings.
//! Source: the OCSF schema (ocsf/ocsf-schema) 1.0 to 1.8, seen 2026-11.

use serde_json::Value;
use yagura_model::Severity;
use yagura_model::imported::{Imported, ImportedResource, ImportedState, OwnIdentity};

use super::keys;
use super::told::{
    self, BadFinding, Draft, account, count, first_text, list, severity_word, text, texts,
};

/// Security, Vulnerability, Compliance, Detection, Incident, Data Security, Application Security
/// Posture and IAM Analysis Finding.
const CLASSES: std::ops::RangeInclusive<u64> = 2001..=2008;

/// One event.
pub(super) fn map(event: &Value) -> Result<Imported, BadFinding> {
    if !event.is_object() {
        return Err(BadFinding::NotAnObject);
    }
    let class = event.get("class_uid").and_then(Value::as_u64);
    let class = class.ok_or(BadFinding::Missing("class_uid"))?;
    if !CLASSES.contains(&class) {
        return Err(BadFinding::Unknown(format!("class_uid {class}")));
    }
    let info = event.get("finding_info").or_else(|| event.get("finding"));
    let info = info.filter(|info| info.is_object()).ok_or(BadFinding::Missing("finding_info"))?;
    let uid = text(info, "/uid").ok_or(BadFinding::Missing("finding_info.uid"))?;
    let (severity, said) = severity(event).ok_or(BadFinding::Missing("severity_id"))?;
    let owner = account(first_text(
        event,
        &["/cloud/account/uid", "/resources/0/owner/account/uid", "/cloud/account_uid"],
    ));
    let region = first_text(event, &["/cloud/region", "/resources/0/region"]);
    let (owner, region) = (owner.unwrap_or_default(), region.unwrap_or_default());
    let product = product(event);
    let time = told::time_us(event, "/time").or_else(|| told::time_us(event, "/time_dt"));
    let draft = Draft {
        product: &product,
        original: uid,
        type_name: type_name(event, info).unwrap_or("finding"),
        title: text(info, "/title").or_else(|| text(event, "/message")).unwrap_or_default(),
        description: first_text(info, &["/desc"])
            .or_else(|| text(event, "/status_detail"))
            .unwrap_or_default(),
        severity,
        severity_said: said,
        account: owner,
        region,
        resources: resources(event, owner, region),
        first_us: told::time_us(info, "/first_seen_time")
            .or_else(|| told::time_us(info, "/created_time"))
            .or(time),
        last_us: told::time_us(info, "/last_seen_time").or(time),
        updated_us: told::time_us(info, "/modified_time").or(time),
        state: state(event),
        raw: event,
    };
    let remedy = told::remedy(
        text(event, "/remediation/desc"),
        texts(event, "/remediation/references").find(|link| link.starts_with("http")),
    );
    Ok(Imported {
        actor: first_text(event, &["/evidences/0/actor/user/uid", "/actor/user/uid"])
            .map(str::to_owned),
        address: first_text(event, &["/evidences/0/src_endpoint/ip", "/src_endpoint/ip"])
            .map(str::to_owned),
        occurrences: count(event, "/count"),
        requirements: requirements(event),
        attacks: attacks(event, info),
        vulnerabilities: vulnerabilities(event),
        remedy,
        own: own(event),
        ..draft.finish()
    })
}

fn product(event: &Value) -> String {
    let name = first_text(event, &["/metadata/product/name", "/metadata/product/uid"]);
    let name = name.unwrap_or("ocsf").to_ascii_lowercase();
    let word = |c: char| if c.is_alphanumeric() { c } else { '-' };
    name.chars().take(64).map(word).collect()
}

/// The rule that found it, where the product names one.
fn type_name<'v>(event: &'v Value, info: &'v Value) -> Option<&'v str> {
    text(event, "/metadata/event_code")
        .or_else(|| first_text(info, &["/analytic/uid", "/analytic/name"]))
        .or_else(|| first_text(event, &["/compliance/control", "/vulnerabilities/0/cve/uid"]))
        .or_else(|| texts(info, "/types").next())
        .or_else(|| text(info, "/title"))
}

/// 0 is unknown and 99 is another scale: those are taken for medium, never for harmless.
fn severity(event: &Value) -> Option<(Severity, String)> {
    let said = text(event, "/severity").unwrap_or_default();
    let severity = match event.get("severity_id").and_then(Value::as_u64) {
        Some(1) => Severity::Informational,
        Some(2) => Severity::Low,
        Some(3) => Severity::Medium,
        Some(4) => Severity::High,
        Some(5 | 6) => Severity::Critical,
        Some(_) => severity_word(said).unwrap_or(Severity::Medium),
        None => severity_word(said)?,
    };
    Some((severity, said.to_owned()))
}

/// A compliance finding that passes is over. Some products (Prowler) tell the outcome beside the
/// life, others in its place.
fn state(event: &Value) -> ImportedState {
    let compliance = event.pointer("/compliance/status_id").and_then(Value::as_u64);
    let outcome = text(event, "/status_code");
    if compliance == Some(1) || matches!(outcome, Some("PASS")) {
        return ImportedState::Resolved;
    }
    if matches!(outcome, Some("MUTED")) || text(event, "/status") == Some("Suppressed") {
        return ImportedState::Suppressed;
    }
    match event.get("status_id").and_then(Value::as_u64) {
        Some(3) => ImportedState::Suppressed,
        Some(4..=6) => ImportedState::Resolved,
        _ => ImportedState::Active,
    }
}

fn resources(event: &Value, owner: &str, region: &str) -> Vec<ImportedResource> {
    let of = |resource: &Value| {
        let uid = first_text(resource, &["/uid", "/name"])?;
        let type_name = text(resource, "/type");
        let mut known = keys::of_typed(uid, type_name, owner, region);
        if known.name.is_none() {
            known.name = text(resource, "/name").map(str::to_owned);
        }
        Some(known)
    };
    let one = event.get("resource").into_iter().filter_map(of);
    list(event, "/resources").filter_map(of).chain(one).collect()
}

fn requirements(event: &Value) -> Vec<String> {
    let said = texts(event, "/compliance/requirements").map(str::to_owned);
    // Prowler: {"CIS-5.0": ["2.1.4"]}.
    let mapped = event.pointer("/unmapped/compliance").and_then(Value::as_object);
    let mapped = mapped.into_iter().flatten().flat_map(|(framework, ids)| {
        let ids = ids.as_array().into_iter().flatten().filter_map(Value::as_str);
        ids.map(move |id| format!("{framework}/{id}"))
    });
    let mut all: Vec<String> = said.chain(mapped).take(200).collect();
    all.sort();
    all.dedup();
    all
}

fn attacks(event: &Value, info: &Value) -> Vec<String> {
    let attacks = list(info, "/attacks").chain(list(event, "/attacks"));
    let named =
        attacks.filter_map(|attack| first_text(attack, &["/sub_technique/uid", "/technique/uid"]));
    let mut all: Vec<String> = named.filter_map(told::attack_tag).take(100).collect();
    all.sort();
    all.dedup();
    all
}

fn vulnerabilities(event: &Value) -> Vec<String> {
    let ids = list(event, "/vulnerabilities")
        .filter_map(|one| first_text(one, &["/cve/uid", "/advisory/uid"]));
    ids.take(100).map(str::to_owned).collect()
}

/// Findings that Yagura wrote say which content and which place they are of.
fn own(event: &Value) -> Option<OwnIdentity> {
    if text(event, "/metadata/product/name") != Some("Yagura") {
        return None;
    }
    let named = |member: &str| text(event, &format!("/unmapped/yagura/{member}"));
    let (analytic, resource) = ("/finding_info/analytic/uid", "/resources/0/uid");
    told::own(named, text(event, analytic), text(event, resource))
}
