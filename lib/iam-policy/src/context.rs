//! What is known about a request besides caller, action and resource: the condition keys.
//! A key is there with one value, there with several, not there, or not known.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::arn;
use crate::evaluate::Request;
use crate::principal::{IdentityKind, Principal};

/// The value of a condition key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContextValue {
    /// One value.
    One(String),
    /// The values of a multi-valued key; an empty list is a key without values.
    Many(Vec<String>),
    /// Nobody can know it beforehand: what hangs on it is `Depends`.
    Unknown,
}

/// The condition keys of a request. A key that is not in it is absent from the request.
#[derive(Clone, Debug, Default)]
pub struct Context {
    keys: HashMap<String, ContextValue>,
    unknown: bool,
}

impl Context {
    /// Without any key.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Of which every key that is not set is unknown, rather than absent.
    #[must_use]
    pub fn unknown_elsewhere() -> Self {
        Self { keys: HashMap::new(), unknown: true }
    }

    /// With a key; its letter case does not count.
    #[must_use]
    pub fn with(mut self, key: &str, value: ContextValue) -> Self {
        self.set(key, value);
        self
    }

    /// With a key of one value.
    #[must_use]
    pub fn with_one(self, key: &str, value: impl Into<String>) -> Self {
        self.with(key, ContextValue::One(value.into()))
    }

    /// Puts a key in, over what was there.
    pub fn set(&mut self, key: &str, value: ContextValue) {
        self.keys.insert(key.to_ascii_lowercase(), value);
    }

    /// The one value of a key given in lower case.
    pub(crate) fn one(&self, key: &str) -> Option<&String> {
        match self.keys.get(key) {
            Some(ContextValue::One(value)) => Some(value),
            _ => None,
        }
    }

    /// How many keys begin so.
    pub(crate) fn count(&self, prefix: &str) -> usize {
        self.keys.keys().filter(|key| key.starts_with(prefix)).count()
    }

    fn get(&self, key: &str) -> Option<&ContextValue> {
        self.keys.get(key)
    }
}

/// What looking up a key gives.
pub(crate) enum Lookup<'a> {
    Absent,
    One(Cow<'a, str>),
    Many(&'a [String]),
    Unknown,
}

/// A request's keys with those that follow from the caller and the resource.
pub(crate) struct Scope<'a> {
    pub(crate) request: &'a Request<'a>,
}

impl Scope<'_> {
    /// Looks a key up; it is given in lower case. What the context says goes before what follows
    /// from the caller.
    pub(crate) fn lookup(&self, key: &str) -> Lookup<'_> {
        match self.request.context.get(key) {
            Some(ContextValue::One(value)) => Lookup::One(Cow::Borrowed(value)),
            Some(ContextValue::Many(values)) => Lookup::Many(values),
            Some(ContextValue::Unknown) => Lookup::Unknown,
            None => match self.derived(key) {
                Some(value) => Lookup::One(value),
                None if self.request.context.unknown && !self.settled(key) => Lookup::Unknown,
                None => Lookup::Absent,
            },
        }
    }

    /// Keys that follow from the caller and the resource (AWS, "AWS global condition context
    /// keys").
    fn derived(&self, key: &str) -> Option<Cow<'_, str>> {
        let request = self.request;
        let of_caller = match &request.principal {
            Principal::Identity(identity) => match key {
                "aws:principalarn" => Some(identity.principal_arn()),
                "aws:principalaccount" => Some(Cow::Borrowed(identity.account.as_str())),
                "aws:principaltype" => Some(Cow::Borrowed(identity.kind.principal_type())),
                "aws:username" => match &identity.kind {
                    IdentityKind::User { name, .. } => Some(Cow::Borrowed(name.as_str())),
                    _ => None,
                },
                "aws:principalisawsservice" => Some(Cow::Borrowed("false")),
                _ => None,
            },
            Principal::Service(name) => match key {
                "aws:principalisawsservice" => Some(Cow::Borrowed("true")),
                "aws:principalservicename" => Some(Cow::Borrowed(name.as_str())),
                _ => None,
            },
            Principal::Anonymous => match key {
                "aws:principaltype" => Some(Cow::Borrowed("Anonymous")),
                "aws:principalaccount" => Some(Cow::Borrowed("anonymous")),
                "aws:principalisawsservice" => Some(Cow::Borrowed("false")),
                _ => None,
            },
            Principal::Federated(_) => None,
        };
        of_caller.or_else(|| match key {
            "aws:resourceaccount" => {
                request.resource_account().filter(|_| request.resource != "*").map(Cow::Borrowed)
            }
            "aws:requestedregion" => arn::part(request.resource, 3).map(Cow::Borrowed),
            _ => None,
        })
    }

    /// Keys whose absence the caller decides, also where the rest of the context is unknown.
    fn settled(&self, key: &str) -> bool {
        let service = matches!(self.request.principal, Principal::Service(_));
        match key {
            "aws:username" => match &self.request.principal {
                Principal::Identity(identity) => {
                    !matches!(identity.kind, IdentityKind::FederatedUser { .. })
                }
                _ => true,
            },
            "aws:principalservicename" | "aws:principalservicenameslist" => !service,
            "aws:principalarn" | "aws:principalaccount" => true,
            _ if key.starts_with("aws:principaltag/") || key == "aws:principalorgid" => {
                service || self.request.principal == Principal::Anonymous
            }
            _ => false,
        }
    }
}
