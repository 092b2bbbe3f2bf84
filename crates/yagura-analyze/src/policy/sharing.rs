//! Resources that are shared by an attribute rather than by a policy: snapshots, machine images,
//! documents, shares of Resource Access Manager, portfolios.
//! What counts as outside is in `zone.rs`.

use serde_json::{Value, json};
use yagura_model::Resource;

use super::external::{External, NAME};
use super::public::account_of;
use super::zone::NEIGHBORS;
use crate::fact::{FactSource, Facts};
use crate::read::{Seen, as_list, boolean, see, text};
use crate::surroundings::Surroundings;

const NAMES: &[&str] = &[NAME];

/// `external_access` of types without a policy.
pub(crate) const SHARING: &[FactSource] = &[
    FactSource::new("AWS::EC2::Snapshot", NAMES, &["runtime.Public", "runtime.SharedWith"], shared)
        .beside(NEIGHBORS),
    FactSource::new(
        "AWS::EC2::Image",
        NAMES,
        &["properties.Public", "properties.LaunchPermissions"],
        shared,
    )
    .beside(NEIGHBORS),
    FactSource::new("AWS::RDS::DBSnapshot", NAMES, &["properties.SharedAccounts"], shared)
        .beside(NEIGHBORS),
    FactSource::new("AWS::RDS::DBClusterSnapshot", NAMES, &["properties.SharedAccounts"], shared)
        .beside(NEIGHBORS),
    FactSource::new("AWS::SSM::Document", NAMES, &["runtime.SharedAccountIds"], shared)
        .beside(NEIGHBORS),
    FactSource::new("AWS::RAM::ResourceShare", NAMES, &["runtime.ExternalPrincipals"], shared)
        .beside(NEIGHBORS),
    FactSource::new("AWS::ServiceCatalog::Portfolio", NAMES, &["runtime.SharedAccountIds"], shared)
        .beside(NEIGHBORS),
    FactSource::new(
        "AWS::Lightsail::Bucket",
        NAMES,
        &["properties.ReadOnlyAccessAccounts"],
        shared,
    )
    .beside(NEIGHBORS),
];

fn shared(
    source: &FactSource,
    resource: &Resource,
    surroundings: &dyn Surroundings,
    facts: &mut Facts,
) {
    let mut external = External::new(&resource.account, surroundings);
    for path in source.reads {
        let seen = see(resource, path);
        external.public.unread.extend(seen.unread().cloned());
        if path.ends_with(".Public") {
            // A truth value read in part does not exist.
            if matches!(seen, Seen::Value(value) if boolean(value) == Some(true)) {
                external.public.via.push("public".to_owned());
            }
            continue;
        }
        external.unread.extend(seen.unread().cloned());
        for with in as_list(seen.value()) {
            share(with, &mut external);
        }
    }
    external.state(facts);
}

/// One partner: an account, `all`, or a launch permission of an image.
fn share(with: &Value, external: &mut External<'_>) {
    if let Some(partner) = with.as_str() {
        return by_account(partner, external);
    }
    if text(with, "Group") == Some("all") {
        external.public.via.push("launch permission for all".to_owned());
    }
    if let Some(account) = text(with, "UserId") {
        by_account(account, external);
    }
    // `arn:aws:organizations::MANAGEMENT:organization/o-…`, or `…:ou/o-…/ou-…`.
    for member in ["OrganizationArn", "OrganizationalUnitArn"] {
        let named = text(with, member).and_then(|arn| arn.split('/').nth(1));
        if let Some(organization) = named {
            external.organization(organization, "launch permission");
        }
    }
}

fn by_account(partner: &str, external: &mut External<'_>) {
    if partner == "all" {
        external.public.via.push("shared with all".to_owned());
        return;
    }
    // Shares may name services (`pca-connector-ad.amazonaws.com`), which are nobody's account.
    if partner.ends_with(".amazonaws.com") {
        return;
    }
    // An organization or a unit of it: `arn:aws:organizations::MANAGEMENT:organization/o-…`.
    if let Some((_, named)) = partner.split_once(":organizations::") {
        return external.organization(named.split('/').nth(1).unwrap_or(named), "shared");
    }
    let account = account_of(partner);
    let account = if account.is_empty() { partner } else { account };
    let entry = json!({
        "account": account, "principal": partner, "whole_account": true, "conditioned": false,
        "external_id": false, "via": "shared",
    });
    external.account(account, entry);
}
