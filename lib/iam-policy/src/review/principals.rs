//! Remarks on whom a statement names.
//! Whether somebody may do something is `evaluate`'s to say; here nobody in particular asks.

use serde_json::{Map, Value};

use super::document::{Remarks, texts};
use super::{PolicyKind, RemarkKind};
use crate::outsider::Outsider;
use crate::policy::Statement;
use crate::truth::Truth;

pub(super) fn review(
    statement: &Map<String, Value>,
    compiled: &Statement,
    kind: PolicyKind,
    remarks: &mut Remarks<'_>,
) {
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
    let lets_in = |outsider: &Outsider<'_>| compiled.conditions_met_by(outsider) != Truth::False;
    if named.is_some_and(is_everybody) && lets_in(&Outsider::Stranger) {
        remarks.add(RemarkKind::Everybody, "*");
    }
    let services = named.and_then(Value::as_object).and_then(|kinds| kinds.get("Service"));
    if kind == PolicyKind::Resource {
        texts(services, &mut |service| {
            if lets_in(&Outsider::Service(service)) {
                remarks.add(RemarkKind::ServiceForAnybody, service);
            }
        });
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
