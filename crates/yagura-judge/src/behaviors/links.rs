//! Who became whom: sessions, keys and passwords that one actor got for another, as CloudTrail
//! tells them. Following them is `sequences`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use yagura_model::event::{PathTrie, Record, TrieStep, Value};

/// One actor got credentials of another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Link {
    /// Who acts with them.
    pub to: Arc<str>,
    /// When, in microseconds since 1970.
    pub time_us: i64,
    /// Who got them.
    pub from: Arc<str>,
}

/// Slots of the fields that decide whether a record links actors.
#[derive(Debug)]
pub(super) struct LinkSlots {
    source: usize,
    name: usize,
    error: usize,
    identity: usize,
}

impl LinkSlots {
    pub(super) fn add(trie: &mut PathTrie) -> Self {
        let mut add = |name| trie.add_once([TrieStep::Member(name)]);
        Self {
            source: add("eventSource"),
            name: add("eventName"),
            error: add("errorCode"),
            identity: add("userIdentity"),
        }
    }

    /// The link that a record tells, if it tells one.
    ///
    /// Sessions that a web identity, a directory or a service got have nobody of ours behind them
    /// and begin a chain of their own.
    pub(super) fn read(
        &self,
        record: Record<'_>,
        slots: &[Option<Value<'_>>],
        time_us: i64,
    ) -> Option<Link> {
        let slot = |at: usize| slots.get(at).copied().flatten();
        let source = slot(self.source)?.source();
        let is_iam = source == "iam.amazonaws.com";
        if !is_iam && source != "sts.amazonaws.com" {
            return None;
        }
        let name = slot(self.name)?.source();
        let known = match name {
            "AssumeRole" | "GetFederationToken" | "AssumeRoot" => !is_iam,
            "CreateAccessKey" | "CreateLoginProfile" | "UpdateLoginProfile" => is_iam,
            _ => false,
        };
        if !known || slot(self.error).is_some_and(|error| !error.is_null()) {
            return None;
        }
        let from = slot(self.identity)?.get("arn")?.as_str()?;
        let to = target(record.root(), name)?;
        let same = *from == *to;
        (!same).then(|| Link { from: Arc::from(&*from), to: Arc::from(&*to), time_us })
    }
}

/// Whose credentials were got.
fn target(root: Value<'_>, name: &str) -> Option<String> {
    let text = |value: Value<'_>, path: &[&str]| {
        let found = path.iter().try_fold(value, |value, name| value.get(name))?;
        found.as_str().map(std::borrow::Cow::into_owned)
    };
    let answer = root.get("responseElements");
    match name {
        "AssumeRole" => text(answer?, &["assumedRoleUser", "arn"]),
        "GetFederationToken" => text(answer?, &["federatedUser", "arn"]),
        "AssumeRoot" => {
            let account = text(root, &["requestParameters", "targetPrincipal"])?;
            let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
            is_account.then(|| format!("arn:aws:iam::{account}:root"))
        }
        _ => {
            let user = text(root, &["requestParameters", "userName"])?;
            let caller = text(root, &["userIdentity", "arn"])?;
            let mut parts = caller.split(':');
            let partition = parts.nth(1)?;
            let account = parts.nth(2)?;
            Some(format!("arn:{partition}:iam::{account}:user/{user}"))
        }
    }
}
