//! When somebody or something was last used, or made where it never was.
//! How long ago is too long is for controls, which know the time.

use jiff::Timestamp;
use serde_json::{Value, json};
use yagura_model::{Resource, Unread};

use super::holders::unreadable;
use crate::fact::{FactSource, Facts};
use crate::read::{see, text};
use crate::surroundings::Surroundings;

const NAMES: &[&str] = &["last_use"];

/// `last_use`, by type. The last path tells when the thing was made, those before it when it was
/// used.
pub(crate) const ACTIVITY: &[FactSource] = &[
    FactSource::new(
        "AWS::IAM::Role",
        NAMES,
        &["runtime.RoleLastUsed.LastUsedDate", "runtime.CreateDate"],
        last_use,
    ),
    FactSource::new(
        "AWS::IAM::User",
        NAMES,
        &["runtime.PasswordLastUsed", "runtime.AccessKeys", "runtime.CreateDate"],
        last_use,
    ),
    FactSource::new(
        "AWS::SecretsManager::Secret",
        NAMES,
        &["runtime.LastAccessedDate", "runtime.CreatedDate"],
        last_use,
    ),
];

fn last_use(source: &FactSource, resource: &Resource, _: &dyn Surroundings, facts: &mut Facts) {
    let Some((made, used)) = source.reads.split_last() else { return };
    let mut unread = Vec::new();
    let mut times: Vec<&str> = Vec::new();
    for path in used {
        let seen = see(resource, path);
        unread.extend(seen.unread().cloned());
        match seen.value() {
            Some(Value::Array(keys)) => {
                times.extend(keys.iter().filter_map(|key| text(key, "LastUsedDate")));
            }
            value => times.extend(value.and_then(Value::as_str)),
        }
    }
    let mut latest = latest_of(&times, &mut unread);
    let ever = latest.is_some();
    if !ever {
        let seen = see(resource, made);
        unread.extend(seen.unread().cloned());
        let time: Vec<&str> = seen.value().and_then(Value::as_str).into_iter().collect();
        latest = latest_of(&time, &mut unread);
    }
    if !unread.is_empty() {
        // A later use may stand in what was not read.
        facts.unread(NAMES, false, &unread);
    } else if let Some(at) = latest {
        facts.set("last_use", json!({"at": at.to_string(), "ever": ever}));
    }
}

/// The latest of some times, which are written in several forms.
fn latest_of(times: &[&str], unread: &mut Vec<Unread>) -> Option<Timestamp> {
    let mut latest = None;
    for text in times {
        match text.parse::<Timestamp>() {
            Ok(time) => latest = latest.max(Some(time)),
            Err(_) => unread.push(unreadable(format!("`{text}` is no time"))),
        }
    }
    latest
}
