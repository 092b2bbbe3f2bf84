//! What single services do otherwise: keys and roles that must be asked themselves, actions that
//! are always or never allowed, grants.
//! The general order of evaluation is in `evaluate`.

use super::{Decision, KmsGrant, Layer, Layers, Outcome, Request};
use crate::principal::{Entry, Identity, Named, Principal};

/// Whether the resource's own policy must agree, also within one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// It need not: the caller's policies are enough.
    None,
    /// It must name the caller, or trust the caller's account to decide.
    Trust,
}

/// A KMS key is governed by its key policy first, a role by its trust policy. A role without a
/// trust policy at hand is taken to trust its account; so is `*` in place of a key.
pub(super) fn need_of_resource_policy(request: &Request<'_>, layers: &Layers<'_>) -> Need {
    let action = request.action.to_ascii_lowercase();
    let key = action.starts_with("kms:") && request.resource.contains(":key/");
    let role = action == "sts:assumerole" && layers.resource.is_some();
    if key || role { Need::Trust } else { Need::None }
}

/// Whether a grant of the key lets the caller do it. A grant goes past the caller's own policies
/// (KMS Developer Guide, "Grants in AWS KMS").
pub(super) fn granted(request: &Request<'_>, caller: &Identity, layers: &Layers<'_>) -> bool {
    let Some((service, operation)) = request.action.split_once(':') else { return false };
    let caller = Principal::Identity(caller.clone());
    service.eq_ignore_ascii_case("kms")
        && layers.kms_grants.iter().any(|grant| {
            let operations = &mut grant.operations.iter();
            operations.any(|name| name.eq_ignore_ascii_case(operation))
                && Entry::aws(&grant.grantee).names(&caller) >= Named::Parent
                && constraints_hold(request, grant)
        })
}

/// Grant constraints look at the encryption context (KMS API Reference, "GrantConstraints").
fn constraints_hold(request: &Request<'_>, grant: &KmsGrant) -> bool {
    const KEY: &str = "kms:encryptioncontext:";
    let has = |(name, value): &(String, String)| {
        request.context.one(&format!("{KEY}{}", name.to_ascii_lowercase())) == Some(value)
    };
    let same = |pairs: &Vec<(String, String)>| {
        pairs.iter().all(has) && request.context.count(KEY) == pairs.len()
    };
    grant.encryption_context_subset.iter().all(has)
        && grant.encryption_context_equals.as_ref().is_none_or(same)
}

/// Changes to what AWS itself manages, refused whoever asks.
const OF_AWS_POLICIES: [&str; 4] = [
    "iam:createpolicyversion",
    "iam:deletepolicy",
    "iam:deletepolicyversion",
    "iam:setdefaultpolicyversion",
];
const OF_RESERVED_ROLES: [&str; 12] = [
    "iam:attachrolepolicy",
    "iam:deleterole",
    "iam:deleterolepermissionsboundary",
    "iam:deleterolepolicy",
    "iam:detachrolepolicy",
    "iam:putrolepermissionsboundary",
    "iam:putrolepolicy",
    "iam:tagrole",
    "iam:untagrole",
    "iam:updateassumerolepolicy",
    "iam:updaterole",
    "iam:updateroledescription",
];
const OF_AWS_ALIASES: [&str; 3] = ["kms:createalias", "kms:deletealias", "kms:updatealias"];

/// Decisions that no policy can change.
pub(super) fn decided(request: &Request<'_>) -> Option<Decision> {
    let decision = |outcome, blocked_by| {
        Some(Decision { outcome, blocked_by, statements: Vec::new(), remaining: Vec::new() })
    };
    let service = request.action.get(..4)?;
    let mine = ["sts:", "iam:", "kms:"];
    if !mine.iter().any(|name| name.eq_ignore_ascii_case(service)) {
        return None;
    }
    let action = request.action.to_ascii_lowercase();
    // "No permissions are required … even if an administrator denies it" (STS API Reference).
    if action == "sts:getcalleridentity" && matches!(request.principal, Principal::Identity(_)) {
        return decision(Outcome::Allowed, Vec::new());
    }
    let arn = request.resource;
    let of_aws = (arn.contains(":iam::aws:policy/") && OF_AWS_POLICIES.contains(&action.as_str()))
        || (arn.contains(":role/aws-reserved/") && OF_RESERVED_ROLES.contains(&action.as_str()))
        || (arn.contains(":alias/aws/") && OF_AWS_ALIASES.contains(&action.as_str()));
    if of_aws {
        return decision(Outcome::ImplicitlyDenied, vec![Layer::Resource]);
    }
    None
}
