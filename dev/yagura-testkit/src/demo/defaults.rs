//! The answers to calls that no source mentions: those of an account that has nothing there.
//! Which calls there are is read from the resource files.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use yagura_content::Content;
use yagura_content::format::{Absent, Call, ResourceType};

use crate::demo::{ANY, Outcome, Written};

/// One answer for every call of every resource file, in every account and region.
///
/// It is the first answer that the file counts as *there is none*, where it states one for the
/// call, else the empty output.
pub(super) fn of(content: &Content) -> Vec<Written> {
    let mut calls = BTreeMap::new();
    for resource_type in content.resources.values() {
        for (call, absent) in calls_of(resource_type) {
            let known: &mut Option<Absent> =
                calls.entry((call.service.clone(), call.operation.clone())).or_default();
            if known.is_none() {
                *known = absent.cloned();
            }
        }
    }
    calls
        .into_iter()
        .map(|((service, operation), absent)| written(service, operation, absent))
        .collect()
}

fn calls_of(resource_type: &ResourceType) -> Vec<(&Call, Option<&Absent>)> {
    let mut calls = Vec::new();
    for block in &resource_type.list {
        calls.extend(block.call.as_ref().map(|call| (call, block.absent.first())));
    }
    if let Some(locate) = &resource_type.locate {
        calls.push((&locate.call, locate.absent.first()));
    }
    for lookup in &resource_type.lookups {
        calls.push((&lookup.call, lookup.absent.first()));
        calls.extend(lookup.before.as_ref().map(|before| (&before.call, None)));
    }
    for detail in &resource_type.details {
        calls.push((&detail.call, detail.absent.first()));
    }
    calls
}

fn written(service: String, operation: String, absent: Option<Absent>) -> Written {
    let outcome = match absent {
        Some(Absent { code, message }) => {
            let message = message.unwrap_or_else(|| "There is none.".to_owned());
            Outcome::Error { code, message }
        }
        None => Outcome::Output(json!({})),
    };
    Written {
        file: "the resource files".to_owned(),
        account: ANY.to_owned(),
        region: ANY.to_owned(),
        service,
        operation,
        input: Map::<String, Value>::new(),
        outcome,
    }
}
