//! Questions about a resource's policy before anybody asks for anything: could somebody who is not
//! meant get in? An outsider is a kind of caller of whom it is known only what it is *not*.
//! Requests of known callers are decided in `evaluate`.

use crate::condition::fixed::{can_name_somebody, is_fixed, is_fixed_subject, names_somebody};
use crate::condition::{Condition, Family};
use crate::context::{Context, Scope};
use crate::evaluate::Request;
use crate::policy::{Effect, Statement};
use crate::principal::{Entry, Principal};
use crate::truth::Truth;

/// A kind of caller from whom a policy should be safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outsider<'a> {
    /// Anybody in the world: with an account, organization, network and ARN of its own, none of
    /// which a policy names.
    Stranger,
    /// Somebody of this account.
    OfAccount {
        /// Twelve digits.
        account: &'a str,
        /// An organization that the account is known not to belong to.
        not_in: Option<&'a str>,
    },
    /// This AWS service, on behalf of a stranger (the confused deputy).
    Service(&'a str),
    /// Somebody with a token of this identity provider (host and path, without `https://`) that
    /// was made out for a stranger.
    Bearer(&'a str),
    /// Anybody whose request is not encrypted on its way.
    InPlainText,
}

/// What is known of an outsider's value of a condition key.
enum Has<'a> {
    /// Whatever suits it.
    Anything,
    /// This.
    One(&'a str),
    /// Nothing.
    Absent,
    /// Something, or nothing, for which `names` said no of every value that names somebody else.
    NoneOf(fn(&str, &str, &Outsider<'_>) -> bool),
}

/// Whose a condition says that callers must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'s> {
    /// An account, or what belongs to it.
    Account(&'s str),
    /// An organization.
    Organization(&'s str),
}

impl Statement {
    /// Whether the statement lets the outsider in: it allows, its conditions can be met, and no
    /// denial beside it (statements of the same resource) takes back all it gives. Whether it
    /// names the outsider at all is asked with [`Statement::is_about_everybody`] and
    /// [`Statement::principals_written`].
    pub fn admits<'s>(
        &self,
        outsider: &Outsider<'_>,
        beside: impl IntoIterator<Item = &'s Statement>,
    ) -> bool {
        self.effect == Effect::Allow
            && self.conditions_met_by(outsider) != Truth::False
            && !self.is_taken_back(outsider, beside)
    }

    /// Whether some denial beside it reaches the outsider for certain, and speaks of all that the
    /// statement gives.
    pub fn is_taken_back<'s>(
        &self,
        outsider: &Outsider<'_>,
        beside: impl IntoIterator<Item = &'s Statement>,
    ) -> bool {
        beside.into_iter().any(|deny| {
            deny.effect == Effect::Deny
                && deny.reaches(outsider)
                && deny.covers(self)
                && deny.conditions_met_by(outsider) == Truth::True
        })
    }

    /// Whether the outsider meets all conditions: for certain, never, or if it takes care to.
    #[must_use]
    pub fn conditions_met_by(&self, outsider: &Outsider<'_>) -> Truth {
        self.conditions
            .iter()
            .fold(Truth::True, |met, condition| met.and(condition.met_by(outsider, self.effect)))
    }

    /// Whether some condition needs one of the keys (in lower case) to be there, with values that
    /// do not begin with a wildcard or variable.
    #[must_use]
    pub fn fixes(&self, keys: &[&str]) -> bool {
        let set = |value: &String| {
            !value.is_empty() && !value.starts_with(['*', '?']) && !value.starts_with("${")
        };
        self.conditions.iter().any(|condition| {
            condition.needs_text() && keys.contains(&condition.key_lower()) && condition.all(set)
        })
    }

    /// Whether a trust statement fixes the subject of a provider's tokens, up to its owner.
    #[must_use]
    pub fn fixes_token_subject(&self, provider: &str) -> bool {
        let key = format!("{}:sub", provider.to_ascii_lowercase());
        self.conditions.iter().any(|condition| {
            condition.needs_text()
                && condition.key_lower() == key
                && condition.all(|value| is_fixed_subject(value))
        })
    }

    /// For each condition that needs a key to be there and says whose callers must be: whose.
    #[must_use]
    pub fn owners_named(&self) -> Vec<Vec<Owner<'_>>> {
        self.conditions.iter().filter(|c| c.needs_text()).filter_map(Condition::owners).collect()
    }

    /// Whether a denial speaks of the outsider for certain.
    fn reaches(&self, outsider: &Outsider<'_>) -> bool {
        let Some(element) = &self.principals else { return false };
        let named = |entry: &Entry| match (entry, outsider) {
            (Entry::Account(of), Outsider::OfAccount { account, .. }) => of == account,
            (Entry::Arn(of), Outsider::OfAccount { account, .. }) => of.account == *account,
            (Entry::Service(of), Outsider::Service(name)) => of == name,
            (Entry::Federated(of), Outsider::Bearer(provider)) => of.ends_with(provider),
            _ => false,
        };
        if element.negated {
            return !element.entries.iter().any(|entry| named(entry) || entry.is_everybody());
        }
        let whole = |entry: &Entry| !matches!(entry, Entry::Arn(_)) && named(entry);
        element.entries.iter().any(|entry| entry.is_everybody() || whole(entry))
    }
}

impl Condition {
    /// Whether the outsider meets it. What hangs on the outsider's choice is `Depends`.
    fn met_by(&self, outsider: &Outsider<'_>, effect: Effect) -> Truth {
        let Some(operator) = self.operator() else { return Truth::False };
        let has = outsider.has(self.key_lower(), effect);
        if operator.family == Family::Null {
            let present = matches!(has, Has::One(_)) || self.is_of_deputy(outsider);
            return match has {
                Has::Absent => self.asks_null(true),
                _ if present => self.asks_null(false),
                _ => Truth::Depends,
            };
        }
        match has {
            Has::Anything => Truth::Depends,
            Has::Absent => operator.holds_absent(),
            Has::One(value) => {
                let request = outsider.request();
                self.one(operator, value, &Scope { request: &request })
            }
            Has::NoneOf(names) => {
                let comparable = match operator.family {
                    Family::Text { .. } | Family::Arn => self.key_lower() != "aws:sourceip",
                    Family::Address => self.key_lower() == "aws:sourceip",
                    _ => false,
                };
                let key = self.key_lower();
                if !comparable || !self.all(|value| names(key, value, outsider)) {
                    return Truth::Depends;
                }
                // A value of its own matches none of them, and the key may be absent too.
                let own = Truth::from(operator.negated);
                if own == operator.holds_absent() { own } else { Truth::Depends }
            }
        }
    }

    /// A service that says for whom it acts says `aws:SourceAccount`: the guard that AWS writes
    /// into control policies rests on it (AWS Organizations, "Example resource control policies").
    fn is_of_deputy(&self, outsider: &Outsider<'_>) -> bool {
        matches!(outsider, Outsider::Service(_)) && self.key_lower() == "aws:sourceaccount"
    }

    /// Whether it holds only where its key is there and equal or alike.
    fn needs_text(&self) -> bool {
        self.operator().is_some_and(|operator| {
            let text = matches!(operator.family, Family::Text { .. } | Family::Arn);
            text && !operator.negated && !operator.if_exists && !operator.may_be_empty()
        })
    }

    /// Whether there are values and something is so of each.
    fn all(&self, so: impl Fn(&String) -> bool) -> bool {
        !self.values.is_empty() && self.values.iter().all(so)
    }

    /// `None` where it names places or things that do not tell whose they are.
    fn owners(&self) -> Option<Vec<Owner<'_>>> {
        let values = || self.values.iter().map(String::as_str);
        match self.key_lower() {
            "aws:sourceaccount"
            | "aws:sourceowner"
            | "aws:principalaccount"
            | "kms:calleraccount"
            | "s3:dataaccesspointaccount"
            | "aws:vpceaccount" => Some(values().map(Owner::Account).collect()),
            "aws:sourcearn" | "aws:principalarn" | "s3:dataaccesspointarn" => values()
                .map(|arn| crate::arn::account(arn).filter(|it| is_account(it)))
                .map(|account| account.map(Owner::Account))
                .collect(),
            "aws:principalorgid" | "aws:sourceorgid" | "aws:vpceorgid" => {
                Some(values().map(Owner::Organization).collect())
            }
            "aws:principalorgpaths" | "aws:sourceorgpaths" | "aws:vpceorgpaths" => {
                Some(values().map(organization_of).map(Owner::Organization).collect())
            }
            _ => None,
        }
    }
}

/// The organization of a path `o-…/r-…/ou-…/`.
fn organization_of(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Keys with which a service says for whom it acts.
fn says_whose(key: &str) -> bool {
    matches!(
        key,
        "aws:sourceaccount"
            | "aws:sourceowner"
            | "aws:sourcearn"
            | "aws:sourceorgid"
            | "aws:sourceorgpaths"
    ) || key.starts_with("kms:encryptioncontext:aws:")
}

/// Providers whose subjects are people of all the world: what fixes whom they let in is the
/// application that a token was made out for.
fn is_of_applications(provider: &str) -> bool {
    matches!(
        provider,
        "cognito-identity.amazonaws.com"
            | "accounts.google.com"
            | "graph.facebook.com"
            | "www.amazon.com"
    )
}

impl<'a> Outsider<'a> {
    fn has(&self, key: &str, effect: Effect) -> Has<'a> {
        let denied = effect == Effect::Deny;
        match self {
            Self::Stranger => match key {
                "elasticfilesystem:accessedviamounttarget" => Has::One("false"),
                // A stranger may come through a service, and need not: a denial of those who come
                // by themselves reaches it, and who comes through a service comes for anybody.
                "aws:principalisawsservice" | "aws:viaawsservice" if denied => Has::One("false"),
                _ if can_name_somebody(key) => {
                    Has::NoneOf(|key, value, _| names_somebody(key, value))
                }
                _ => Has::Anything,
            },
            Self::OfAccount { account, .. } => match key {
                "aws:principalaccount" | "kms:calleraccount" => Has::One(account),
                "aws:principalisawsservice" => Has::One("false"),
                "aws:principalarn" | "aws:principalorgid" | "aws:principalorgpaths" => {
                    Has::NoneOf(is_elsewhere)
                }
                _ => Has::Anything,
            },
            Self::Service(name) => match key {
                "aws:principalisawsservice" => Has::One("true"),
                "aws:principalservicename" => Has::One(name),
                "aws:principalaccount"
                | "aws:principalarn"
                | "aws:principalorgid"
                | "aws:principalorgpaths"
                | "aws:username" => Has::Absent,
                key if says_whose(key) => Has::NoneOf(|key, value, _| names_somebody(key, value)),
                _ => Has::Anything,
            },
            Self::Bearer(provider) => {
                let provider = provider.to_ascii_lowercase();
                match key.strip_prefix(&provider) {
                    Some(":sub") => Has::NoneOf(|_, value, _| is_fixed_subject(value)),
                    Some(":aud" | ":app_id" | ":oaud") if is_of_applications(&provider) => {
                        Has::NoneOf(|_, value, _| is_fixed(value))
                    }
                    _ => Has::Anything,
                }
            }
            Self::InPlainText => match key {
                "aws:securetransport" => Has::One("false"),
                _ => Has::Anything,
            },
        }
    }

    /// A request of the outsider, of which nothing is known but who makes it: for variables.
    fn request(&self) -> Request<'static> {
        let principal = match self {
            Self::OfAccount { account, .. } => {
                Principal::from_arn(&format!("arn:aws:iam::{account}:root"))
            }
            Self::Service(name) => Principal::Service((*name).to_owned()),
            _ => Principal::Anonymous,
        };
        Request {
            principal,
            action: "",
            resource: "",
            resource_account: None,
            context: Context::unknown_elsewhere(),
            overlap: false,
        }
    }
}

/// Whether a value at a key on the caller's identity names others than an outsider of an account.
fn is_elsewhere(key: &str, value: &str, outsider: &Outsider<'_>) -> bool {
    let Outsider::OfAccount { account, not_in } = outsider else { return false };
    names_somebody(key, value)
        && match key {
            "aws:principalarn" => value.split(':').nth(4) != Some(account),
            _ => not_in.is_some() && value.split('/').next() == *not_in,
        }
}

#[cfg(test)]
mod tests;
