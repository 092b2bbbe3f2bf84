//! The proof of a draft: every request that was seen is put to the engine, under the draft alone.
//! A draft that fails it is never shown.

use std::collections::BTreeSet;

use iam_policy::{
    Context, ContextValue, Layer, Layers, Outcome, ParseError, Policy, Principal, Request, evaluate,
};

use super::super::usage::passed_to_key;
use super::ledger::UsageLedger;

/// A request that a draft would not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncovered {
    /// `service:Operation`
    pub action: String,
    /// The ARN, or its form.
    pub resource: String,
}

/// The used requests that a policy does not allow by itself.
///
/// # Errors
/// When the text is no policy.
pub(super) fn uncovered(
    policy: &str,
    principal: &str,
    ledger: &UsageLedger,
) -> Result<Vec<Uncovered>, ParseError> {
    let policy = Policy::parse(policy)?;
    let account = principal.split(':').nth(4).unwrap_or_default();
    // A key and a role are asked through their own policies, which are taken to leave it to the
    // account: here it is the caller's side that is proved.
    let trusting = Policy::parse(&format!(
        r#"{{"Statement": {{"Effect": "Allow", "Principal": {{"AWS": "{account}"}},
            "Action": "*", "Resource": "*"}}}}"#
    ))?;
    let mut left = BTreeSet::new();
    for ((action, passed_to), used) in &ledger.used {
        let mut context = Context::new();
        if let Some(service) = passed_to {
            context.set(passed_to_key(), ContextValue::One(service.clone()));
        }
        for region in regions(&used.regions) {
            if let Some(region) = region {
                context.set("aws:RequestedRegion", ContextValue::One(region.to_owned()));
            }
            for resource in &used.resources {
                let request = Request {
                    principal: Principal::from_arn(principal),
                    action,
                    resource,
                    resource_account: Some(account),
                    context: context.clone(),
                    overlap: false,
                };
                let identity = [&policy];
                let layers =
                    Layers { identity: &identity, resource: Some(&trusting), ..Layers::default() };
                let decision = evaluate(&request, &layers);
                // What AWS refuses whoever asks is no fault of the draft.
                let refused_anyway = decision.blocked_by == [Layer::Resource];
                if decision.outcome != Outcome::Allowed && !refused_anyway {
                    left.insert((action.to_string(), resource.clone()));
                }
            }
        }
    }
    Ok(left.into_iter().map(|(action, resource)| Uncovered { action, resource }).collect())
}

fn regions(regions: &BTreeSet<String>) -> Vec<Option<&str>> {
    match regions.is_empty() {
        true => vec![None],
        false => regions.iter().map(|region| Some(region.as_str())).collect(),
    }
}
