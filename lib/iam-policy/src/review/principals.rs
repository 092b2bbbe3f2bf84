//! Remarks on whom a statement names.
//! Whether somebody may do something is `evaluate`'s to say; here nobody in particular asks.

use serde_json::{Map, Value};

use super::document::{Remarks, conditions, texts};
use super::{PolicyKind, RemarkKind};

/// Keys that say who asks, or from where, when everybody is named (Amazon S3 User Guide, "The
/// meaning of public", seen 2026-11).
const WHO: [&str; 14] = [
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceip",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceowner",
    "aws:userid",
    "kms:calleraccount",
];

/// Keys that say for whose resource a service acts.
const WHOSE: [&str; 5] = [
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
];

pub(super) fn review(statement: &Map<String, Value>, kind: PolicyKind, remarks: &mut Remarks<'_>) {
    let named = statement.get("Principal");
    let element = if named.is_some() { "Principal" } else { "NotPrincipal" };
    let spared = statement.get("NotPrincipal");
    match (kind.has_principals(), named.or(spared)) {
        (false, Some(_)) => remarks.add(RemarkKind::PrincipalNotAllowed, element),
        (true, None) => remarks.add(RemarkKind::PrincipalMissing, "Principal"),
        _ => {}
    }
    let allows = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
    let gives = matches!(kind, PolicyKind::Resource | PolicyKind::Trust);
    if !allows || !gives {
        return;
    }
    if spared.is_some() {
        remarks.add(RemarkKind::AllButSomePrincipals, "NotPrincipal");
    }
    let limited_by = |keys: &[&str]| {
        conditions(statement).any(|(operator, key, values)| {
            // Not to be somebody says nothing about who one is.
            !operator.to_ascii_lowercase().contains("not")
                && keys.iter().any(|limit| key.eq_ignore_ascii_case(limit))
                && values.iter().any(|value| *value != "*")
        })
    };
    if named.is_some_and(is_everybody) && !limited_by(&WHO) {
        remarks.add(RemarkKind::Everybody, "*");
    }
    let services = named.and_then(Value::as_object).and_then(|kinds| kinds.get("Service"));
    if kind == PolicyKind::Resource && services.is_some() && !limited_by(&WHOSE) {
        texts(services, &mut |service| remarks.add(RemarkKind::ServiceForAnybody, service));
    }
}

/// `"*"`, `{"AWS": "*"}` or a list with it.
fn is_everybody(principal: &Value) -> bool {
    let mut everybody = false;
    match principal {
        Value::Object(kinds) => {
            texts(kinds.get("AWS"), &mut |text| everybody |= text == "*");
            texts(kinds.get("Federated"), &mut |text| everybody |= text == "*");
        }
        other => texts(Some(other), &mut |text| everybody |= text == "*"),
    }
    everybody
}
