//! The answers to calls that no source mentions: those of an account that has nothing there.
//! Which calls there are is read from the resource files.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use yagura_content::Content;
use yagura_content::format::{Absent, Call, ResourceType};

use crate::demo::{ANY, Outcome, Written};

/// One answer for every call of every resource file, in every account and region, except those
/// that `written` answers everywhere.
///
/// It is the first answer that the files count as *there is none*, where every block that makes
/// the call states one, else the empty output.
pub(super) fn of(content: &Content, written: &[Written]) -> Vec<Written> {
    let mut calls: BTreeMap<(&str, &str), Vec<Option<&Absent>>> = BTreeMap::new();
    for resource_type in content.resources.values() {
        for (call, absent) in calls_of(resource_type) {
            calls.entry((&call.service, &call.operation)).or_default().push(absent);
        }
    }
    for answer in written {
        if answer.account == ANY && answer.region == ANY && answer.input.is_empty() {
            calls.remove(&(answer.service.as_str(), answer.operation.as_str()));
        }
    }
    calls
        .into_iter()
        .map(|((service, operation), absents)| {
            let everywhere = absents.iter().all(Option::is_some);
            let absent = absents.into_iter().flatten().next().filter(|_| everywhere);
            none(service, operation, absent)
        })
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

/// What AWS answers where there is none.
fn none(service: &str, operation: &str, absent: Option<&Absent>) -> Written {
    let outcome = match absent {
        Some(Absent { code, message }) => {
            let message = message.clone().unwrap_or_else(|| "There is none.".to_owned());
            Outcome::Error { code: code.clone(), message }
        }
        None => Outcome::Output(json!({})),
    };
    Written {
        file: "the resource files".to_owned(),
        account: ANY.to_owned(),
        region: ANY.to_owned(),
        service: service.to_owned(),
        operation: operation.to_owned(),
        input: Map::<String, Value>::new(),
        outcome,
    }
}
