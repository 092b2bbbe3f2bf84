//! Condition keys as far as a log shows them. A key that is not set here is unknown, which is not
//! the same as absent.

use iam_policy::{Context, ContextValue};
use yagura_model::usage::UsedCall;

use super::super::World;
use super::super::usage::{Naming, Need, passed_to_key};

/// The columns of a log that a condition key (in lower case) is read from.
pub(super) fn columns(key: &str) -> &'static [&'static str] {
    match key {
        "aws:sourceip" | "aws:vpcsourceip" => &["address", "vpc_endpoint_id"],
        "aws:sourcevpce" => &["vpc_endpoint_id"],
        "aws:useragent" => &["user_agent"],
        "aws:securetransport" => &["tls_version"],
        "aws:multifactorauthpresent" => &["mfa"],
        "aws:viaawsservice" | "aws:calledvia" | "aws:calledviafirst" | "aws:calledvialast" => {
            &["invoked_by"]
        }
        "aws:sourceidentity" => &["source_identity"],
        "aws:userid" => &["principal_id"],
        "aws:currenttime" | "aws:epochtime" => &["time"],
        _ => &[],
    }
}

/// What is known of a call's context.
pub(super) fn context(world: &World, naming: &Naming, call: &UsedCall, need: &Need) -> Context {
    let mut context = Context::unknown_elsewhere();
    let one = |value: &str| ContextValue::One(value.to_owned());
    // The role's own ARN has its path; what follows from a session's has not.
    if let Some(issuer) = &call.issuer {
        context.set("aws:PrincipalArn", one(issuer));
    }
    if !call.region.is_empty() {
        context.set("aws:RequestedRegion", one(&call.region));
    }
    if let Some(service) = &need.passed_to {
        context.set(passed_to_key(), one(service));
    }
    if let Some(organization) = world.organization_id() {
        context.set("aws:PrincipalOrgID", one(organization));
    }
    let account = super::caller_account(call);
    if let Some(home) = world.homes.get(account) {
        context.set("aws:PrincipalOrgPaths", ContextValue::Many(vec![home.path.clone()]));
    }
    if let Some(holder) = world.holder(call.issuer.as_deref().unwrap_or(&call.actor)) {
        for (key, value) in &holder.tags {
            context.set(&format!("aws:PrincipalTag/{key}"), one(value));
        }
    }
    for (key, parameter) in naming.keys_of(&call.event_source) {
        match call.parameters.get(parameter).map(Vec::as_slice) {
            Some([value]) => context.set(&key, one(value)),
            Some([]) | None => {}
            Some(values) => context.set(&key, ContextValue::Many(values.to_vec())),
        }
    }
    of_columns(call, &mut context);
    context
}

/// A key that the request did not have.
fn absent() -> ContextValue {
    ContextValue::Many(Vec::new())
}

fn of_columns(call: &UsedCall, context: &mut Context) {
    let column = |name: &str| call.circumstances.get(name).map(Option::as_deref);
    let one = |value: &str| ContextValue::One(value.to_owned());
    let endpoint = column("vpc_endpoint_id");
    if let Some(endpoint) = endpoint {
        context.set("aws:SourceVpce", endpoint.map_or_else(absent, one));
    }
    if let (Some(Some(address)), Some(endpoint)) = (column("address"), endpoint)
        && address.parse::<std::net::IpAddr>().is_ok()
    {
        // Through an endpoint the address is a private one, under a key of its own.
        let (here, there) = match endpoint {
            Some(_) => ("aws:VpcSourceIp", "aws:SourceIp"),
            None => ("aws:SourceIp", "aws:VpcSourceIp"),
        };
        context.set(here, one(address));
        context.set(there, absent());
    }
    if let Some(Some(agent)) = column("user_agent") {
        context.set("aws:UserAgent", one(agent));
    }
    // Only where it is there: older records and some services do not tell it.
    if let Some(Some(_)) = column("tls_version") {
        context.set("aws:SecureTransport", one("true"));
    }
    if let Some(mfa) = column("mfa") {
        // A user's long-term keys have no session, and then the key is not there.
        context.set("aws:MultiFactorAuthPresent", mfa.map_or_else(absent, one));
    }
    if let Some(by) = column("invoked_by") {
        let via = if by.is_some() { "true" } else { "false" };
        context.set("aws:ViaAWSService", one(via));
        // A record names the last service of a chain only.
        if by.is_none() {
            for key in ["aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast"] {
                context.set(key, absent());
            }
        } else if let Some(service) = by {
            context.set("aws:CalledViaLast", one(service));
        }
    }
    if let Some(identity) = column("source_identity") {
        context.set("aws:SourceIdentity", identity.map_or_else(absent, one));
    }
    if let Some(Some(id)) = column("principal_id") {
        context.set("aws:userid", one(id));
    }
    if let Some(Some(time)) = column("time") {
        context.set("aws:CurrentTime", one(time));
        if let Ok(time) = time.parse::<jiff::Timestamp>() {
            context.set("aws:EpochTime", one(&time.as_second().to_string()));
        }
    }
}
