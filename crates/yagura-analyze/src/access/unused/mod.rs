//! What nobody uses: users, passwords, access keys and roles by what AWS says of their last use,
//! and permissions by what logs show. Never said of what cannot be known.
//! What a single principal should have instead is in `least`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use yagura_model::usage::ServiceAccess;
use yagura_model::{Resource, Unread};

use super::is_service_linked;
use super::least::{Blind, Excess};
use super::usage::ActionLevel;
use crate::read::{as_list, see, text};

/// What may lie idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdleKind {
    /// A user with all its credentials.
    User,
    /// A user's password.
    Password,
    /// One of a user's access keys.
    AccessKey,
    /// A role.
    Role,
}

impl IdleKind {
    /// The word for it in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Password => "password",
            Self::AccessKey => "access_key",
            Self::Role => "role",
        }
    }
}

/// Something that was not used since a time, or of which it is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idle {
    /// What it is.
    pub kind: IdleKind,
    /// Whose, or the role: an ARN.
    pub principal: String,
    /// The account.
    pub account: String,
    /// Which of two access keys, from one.
    pub key: Option<usize>,
    /// When it was last used; none where it never was, or where that is not known.
    pub last: Option<Timestamp>,
    /// When it was made, or last changed.
    pub made: Option<Timestamp>,
    /// What was not read, so that it is not known; empty where it is unused.
    pub unread: Vec<Unread>,
    /// Whether it is unknown.
    pub unknown: bool,
}

/// Users, passwords, keys and roles that were not used since a time and were there before it.
/// Roles of services are AWS's own and left out.
pub fn idle(resources: &[Resource], since: Timestamp) -> Vec<Idle> {
    let mut found = Vec::new();
    for resource in resources {
        match resource.type_name.as_str() {
            "AWS::IAM::Role" => found.extend(role(resource, since)),
            "AWS::IAM::User" => user(resource, since, &mut found),
            _ => {}
        }
    }
    found.sort_by(|a, b| (&a.principal, a.kind, a.key).cmp(&(&b.principal, b.kind, b.key)));
    found
}

/// What is known of one use.
struct Use<'r> {
    last: Option<Timestamp>,
    made: Option<Timestamp>,
    unread: Vec<&'r Unread>,
}

impl Use<'_> {
    /// Whether it lies idle since a time: yes, not known, or no.
    fn judge(self, kind: IdleKind, of: &Resource, since: Timestamp) -> Option<Idle> {
        let recent = |time: Option<Timestamp>| time.is_some_and(|time| time >= since);
        if recent(self.last) || recent(self.made) {
            return None;
        }
        // Never used and no time of making: it may be of yesterday.
        let unknown = !self.unread.is_empty() || (self.last.is_none() && self.made.is_none());
        Some(Idle {
            kind,
            principal: of.key.clone(),
            account: of.account.clone(),
            key: None,
            last: self.last,
            made: self.made,
            unread: self.unread.into_iter().cloned().collect(),
            unknown,
        })
    }
}

fn time_at<'r>(
    resource: &'r Resource,
    path: &str,
    unread: &mut Vec<&'r Unread>,
) -> Option<Timestamp> {
    let seen = see(resource, path);
    unread.extend(seen.unread());
    seen.value().and_then(Value::as_str).and_then(|text| text.parse().ok())
}

fn role(resource: &Resource, since: Timestamp) -> Option<Idle> {
    let linked = see(resource, "runtime.ServiceLinked").value().and_then(Value::as_bool);
    if linked == Some(true) || is_service_linked(&resource.key) {
        return None;
    }
    let mut unread = Vec::new();
    let last = time_at(resource, "runtime.RoleLastUsed.LastUsedDate", &mut unread);
    let made = time_at(resource, "runtime.CreateDate", &mut unread);
    Use { last, made, unread }.judge(IdleKind::Role, resource, since)
}

fn user(resource: &Resource, since: Timestamp, found: &mut Vec<Idle>) {
    let mut unread = Vec::new();
    let created = time_at(resource, "runtime.CreateDate", &mut unread);
    let mut of_password = Vec::new();
    let password = time_at(resource, "runtime.PasswordLastUsed", &mut of_password);
    let changed = time_at(resource, "runtime.PasswordLastChanged", &mut of_password);
    let enabled = see(resource, "runtime.PasswordEnabled");
    let keys = see(resource, "runtime.AccessKeys");
    let time = |key: &Value, name: &str| text(key, name).and_then(|text| text.parse().ok());
    let used = as_list(keys.value()).iter().filter_map(|key| time(key, "LastUsedDate"));
    let last: Option<Timestamp> = used.chain(password).max();
    unread.extend(of_password.iter().copied());
    unread.extend(keys.unread());
    let whole = Use { last, made: created, unread };
    found.extend(whole.judge(IdleKind::User, resource, since));
    if enabled.value().and_then(Value::as_bool) == Some(true) {
        let made = changed.or(created);
        let one = Use { last: password, made, unread: of_password };
        found.extend(one.judge(IdleKind::Password, resource, since));
    }
    for (at, key) in as_list(keys.value()).iter().enumerate() {
        if key.get("Active").and_then(Value::as_bool) != Some(true) {
            continue;
        }
        let (last, made) = (time(key, "LastUsedDate"), time(key, "LastRotated"));
        let one = Use { last, made, unread: keys.unread().into_iter().collect() };
        let idle = one.judge(IdleKind::AccessKey, resource, since);
        found.extend(idle.map(|idle| Idle { key: Some(at + 1), ..idle }));
    }
}

/// What a principal's policies grant of one service, and what of it was used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceUse {
    /// The prefix of its actions.
    pub service: String,
    /// Actions granted.
    pub granted: usize,
    /// Of these, used.
    pub used: usize,
    /// Of these, not used though a log would show it, by level.
    pub unused: BTreeMap<ActionLevel, Vec<String>>,
    /// Of these, not known, by reason.
    pub unknown: BTreeMap<Blind, usize>,
}

impl ServiceUse {
    /// Actions that were not used.
    pub fn unused_count(&self) -> usize {
        self.unused.values().map(Vec::len).sum()
    }

    /// Whether nothing of it was used, and all of it would show.
    pub fn is_idle(&self) -> bool {
        self.used == 0 && self.unknown.is_empty() && self.unused_count() > 0
    }
}

/// Of the services that a principal's policies allow, those that it did not ask since a time, by
/// what IAM says of it; none where the principal itself is younger than that time. Those never
/// asked come first, then those asked longest ago.
pub fn idle_services(
    accesses: &[ServiceAccess],
    made: Option<Timestamp>,
    since: Timestamp,
) -> Vec<&ServiceAccess> {
    if made.is_some_and(|made| made >= since) {
        return Vec::new();
    }
    let mut idle: Vec<&ServiceAccess> =
        accesses.iter().filter(|one| one.last.is_none_or(|last| last < since)).collect();
    idle.sort_by(|a, b| (a.last, &a.service).cmp(&(b.last, &b.service)));
    idle
}

/// The services that a principal is granted, riskiest first.
pub fn services(excess: &Excess) -> Vec<ServiceUse> {
    /// What is known of one action; a use anywhere counts everywhere.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    enum Known {
        Unused(ActionLevel),
        Unknown(Blind),
        Used,
    }
    let mut actions: BTreeMap<&str, Known> = BTreeMap::new();
    let mut note = |action, known| {
        let entry = actions.entry(action).or_insert(known);
        *entry = (*entry).max(known);
    };
    for statement in &excess.statements {
        statement.used.iter().for_each(|action| note(action, Known::Used));
        for (one, blind) in &statement.unknown {
            note(&one.action, Known::Unknown(*blind));
        }
        for one in &statement.surplus {
            note(&one.action, Known::Unused(one.level));
        }
    }
    let mut services: BTreeMap<&str, ServiceUse> = BTreeMap::new();
    for (action, known) in actions {
        let (name, verb) = action.split_once(':').unwrap_or((action, ""));
        let service = services.entry(name).or_default();
        name.clone_into(&mut service.service);
        service.granted += 1;
        match known {
            Known::Used => service.used += 1,
            Known::Unused(level) => {
                service.unused.entry(level).or_default().push(verb.to_owned());
            }
            Known::Unknown(blind) => *service.unknown.entry(blind).or_default() += 1,
        }
    }
    let mut services: Vec<ServiceUse> = services.into_values().collect();
    services.sort_by_key(|service| {
        let worst = service.unused.keys().next_back().copied();
        (std::cmp::Reverse(worst), std::cmp::Reverse(service.unused_count()))
    });
    services
}

#[cfg(test)]
mod tests;
