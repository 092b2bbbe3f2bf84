//! S3 Block Public Access: when a bucket's policy counts as public, and whom that shuts out.
//! Access control lists are not spoken of: they are not policies.

use super::{Layers, Request};
use crate::condition::Condition;
use crate::condition::fixed::names_somebody;
use crate::policy::{Effect, Policy, Statement};
use crate::principal::{Entry, Principal};
use crate::truth::Truth;

/// The settings that decide a request. The others decide what may be *set*, not what is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockPublicAccess {
    /// `RestrictPublicBuckets`: a bucket with a public policy serves its own account and AWS
    /// services only.
    pub restrict_public_buckets: bool,
}

/// Whether Block Public Access stops the request.
pub(super) fn blocks(request: &Request<'_>, layers: &Layers<'_>, same_account: bool) -> Truth {
    let s3 = request.action.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("s3:"));
    if !s3 || !layers.block_public_access.restrict_public_buckets || same_account {
        return Truth::False;
    }
    if matches!(request.principal, Principal::Service(_)) {
        return Truth::False;
    }
    Truth::from(layers.resource.is_some_and(is_public))
}

/// Whether S3 calls a policy public: it allows everybody, and no condition holds it to something
/// fixed (S3 User Guide, "The meaning of public").
fn is_public(policy: &Policy) -> bool {
    policy.statements.iter().any(|statement| {
        statement.effect == Effect::Allow && names_everybody(statement) && !is_fixed(statement)
    })
}

fn names_everybody(statement: &Statement) -> bool {
    statement
        .principals
        .as_ref()
        .is_some_and(|element| element.negated || element.entries.contains(&Entry::Everybody))
}

fn is_fixed(statement: &Statement) -> bool {
    statement.conditions.iter().any(fixes)
}

/// Keys that tie a caller to an account, an organization, a network or an access point.
const TYING: [&str; 12] = [
    "aws:sourceip",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceaccount",
    "aws:sourceowner",
    "aws:userid",
    "s3:dataaccesspointarn",
    "s3:dataaccesspointaccount",
];

fn fixes(condition: &Condition) -> bool {
    let Some(operator) = condition.operator() else { return false };
    let loose = operator.negated
        || operator.if_exists
        || operator.may_be_empty()
        || condition.values.is_empty();
    if loose {
        return false;
    }
    let key = condition.key_lower();
    TYING.contains(&key) && condition.values.iter().all(|value| names_somebody(key, value))
}
