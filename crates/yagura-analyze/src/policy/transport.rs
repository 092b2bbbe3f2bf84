//! Whether a resource policy turns away requests that do not come over TLS.
//! Which TLS versions are accepted is another question.

use iam_policy::{Effect, Outsider, Statement, Truth};
use serde_json::Value;
use yagura_model::Resource;

use super::holders::{resource_policy, service};
use crate::fact::{FactSource, Facts};
use crate::surroundings::Surroundings;

pub(crate) const NAMES: &[&str] = &["secure_transport_required"];

pub(crate) fn required(
    source: &FactSource,
    resource: &Resource,
    _: &dyn Surroundings,
    facts: &mut Facts,
) {
    let policy = resource_policy(resource);
    // One statement may cover the bucket and another its objects.
    let wanted = targets(resource);
    let covered = |target: &String| {
        policy.statements().any(|statement| {
            denies_plain_text(statement, service(source.type_name))
                && statement.covers_resource(target)
        })
    };
    if wanted.iter().all(covered) {
        facts.set("secure_transport_required", Value::Bool(true));
    } else if policy.unread.is_empty() {
        facts.set("secure_transport_required", Value::Bool(false));
    } else {
        facts.unread(NAMES, false, &policy.unread);
    }
}

/// What a request can be about: the resource, and for a bucket also any object in it.
fn targets(resource: &Resource) -> Vec<String> {
    if resource.type_name != "AWS::S3::Bucket" {
        return vec![resource.arn.clone().unwrap_or_default()];
    }
    let arn = resource.arn.clone().unwrap_or_else(|| format!("arn:aws:s3:::{}", resource.id));
    let object = format!("{arn}/any object");
    vec![arn, object]
}

fn denies_plain_text(statement: &Statement, service: &str) -> bool {
    statement.effect == Effect::Deny
        && !statement.spares_principals()
        && statement.is_about_everybody()
        && statement.covers_service(service)
        && statement.conditions_met_by(&Outsider::InPlainText) == Truth::True
}
