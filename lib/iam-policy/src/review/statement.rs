//! Remarks on the actions, resources and conditions of a statement.
//! Whom it names is looked at in `principals`.

use serde_json::{Map, Value};

use super::document::{Remarks, conditions, listed};
use super::{KnownActions, PolicyKind, RemarkKind};
use crate::glob::Glob;

pub(super) fn review(
    statement: &Map<String, Value>,
    kind: PolicyKind,
    actions: Option<&dyn KnownActions>,
    remarks: &mut Remarks<'_>,
) {
    for (element, value) in statement {
        let empty = match value {
            Value::Array(values) => values.is_empty(),
            Value::Object(members) => members.is_empty(),
            _ => false,
        };
        if empty {
            remarks.add(RemarkKind::Empty, element.as_str());
        }
    }
    let resourceless =
        !statement.contains_key("Resource") && !statement.contains_key("NotResource");
    if resourceless && matches!(kind, PolicyKind::Identity | PolicyKind::ServiceControl) {
        remarks.add(RemarkKind::ResourceMissing, "Resource");
    }
    let written = listed(statement, "Action");
    if let Some(actions) = actions {
        for action in written.iter().chain(&listed(statement, "NotAction")) {
            if *action != "*" && *action != "*:*" && !is_known(action, actions) {
                remarks.add(RemarkKind::ActionUnknown, *action);
            }
        }
    }
    covered(&written, remarks);
    for (_, key, values) in conditions(statement) {
        if key.eq_ignore_ascii_case("aws:SourceIp") {
            for value in values.iter().filter(|value| is_private(value)) {
                remarks.add(RemarkKind::PrivateSourceAddress, *value);
            }
        }
    }
    // A control policy's Allow gives nothing by itself.
    let gives = !matches!(kind, PolicyKind::ServiceControl | PolicyKind::ResourceControl);
    if gives && statement.get("Effect").and_then(Value::as_str) == Some("Allow") {
        allowing(statement, &written, kind, remarks);
    }
}

/// Whether any action is meant.
fn is_known(pattern: &str, actions: &dyn KnownActions) -> bool {
    let Some((service, name)) = pattern.split_once(':') else { return false };
    let glob = Glob::new(name);
    actions.of_service(service).iter().any(|known| glob.matches_ignoring_case(known))
}

/// What is risky in an Allow.
fn allowing(
    statement: &Map<String, Value>,
    written: &[&str],
    kind: PolicyKind,
    remarks: &mut Remarks<'_>,
) {
    let anywhere = listed(statement, "Resource").contains(&"*");
    let all = written.iter().any(|action| matches!(*action, "*" | "*:*"));
    if kind == PolicyKind::Identity && all && anywhere {
        remarks.add(RemarkKind::EverythingAllowed, "*");
    }
    if let Some(first) = listed(statement, "NotAction").first()
        && kind != PolicyKind::Trust
    {
        remarks.add(RemarkKind::AllButSomeActions, *first);
    }
    let passes = |action: &&&str| {
        let (service, name) = action.split_once(':').unwrap_or(("", action));
        service.eq_ignore_ascii_case("iam") && Glob::new(name).matches_ignoring_case("PassRole")
    };
    let limited = conditions(statement).any(|(_, key, _)| {
        ["iam:passedtoservice", "iam:associatedresourcearn"]
            .iter()
            .any(|limit| key.eq_ignore_ascii_case(limit))
    });
    if let Some(action) = written.iter().find(passes)
        && kind == PolicyKind::Identity
        && anywhere
        && !limited
    {
        remarks.add(RemarkKind::PassRoleAnywhere, *action);
    }
    for (operator, key, values) in conditions(statement) {
        let lower = operator.to_ascii_lowercase();
        if lower.starts_with("forallvalues:") && !needs_key(statement, key) {
            remarks.add(RemarkKind::ForAllValuesWithoutKey, key);
        }
        let mfa = key.eq_ignore_ascii_case("aws:MultiFactorAuthPresent");
        let asked = values.iter().any(|value| value.eq_ignore_ascii_case("true"));
        if mfa && asked && lower == "boolifexists" {
            remarks.add(RemarkKind::MfaIfExists, key);
        }
    }
}

/// Whether a statement says that a key must be there.
fn needs_key(statement: &Map<String, Value>, key: &str) -> bool {
    conditions(statement).any(|(operator, other, values)| {
        operator.eq_ignore_ascii_case("Null")
            && other.eq_ignore_ascii_case(key)
            && values.iter().all(|value| value.eq_ignore_ascii_case("false"))
    })
}

/// More actions than the longest policy that AWS takes (20,480 characters) has room for. Each is
/// compared with each, so that a longer list is not looked at for mere repetition.
const COMPARED_MAX: usize = 3_500;

/// Actions that another one of the same statement has in it.
fn covered(written: &[&str], remarks: &mut Remarks<'_>) {
    if written.len() > COMPARED_MAX {
        return;
    }
    let wild = |pattern: &&str| pattern.contains('*').then(|| Glob::new(pattern));
    let wild: Vec<Option<Glob>> = written.iter().map(wild).collect();
    for (at, action) in written.iter().enumerate() {
        let wider = written.iter().zip(&wild).enumerate().any(|(other, (pattern, wild))| {
            let same = pattern.eq_ignore_ascii_case(action);
            let covers = wild.as_ref().is_some_and(|wild| wild.matches_ignoring_case(action));
            // Of two that are the same, the later one is too many.
            other != at && (covers && !same || same && other < at)
        });
        if wider {
            remarks.add(RemarkKind::ActionCovered, *action);
        }
    }
}

/// Whether an address or range is of those that the internet does not have (RFC 1918, RFC 4193):
/// through a VPC endpoint `aws:VpcSourceIp` tells them, and `aws:SourceIp` is not there.
fn is_private(text: &str) -> bool {
    let address = text.split('/').next().unwrap_or_default();
    match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(address)) => address.is_private(),
        Ok(std::net::IpAddr::V6(address)) => address.is_unique_local(),
        Err(_) => false,
    }
}
