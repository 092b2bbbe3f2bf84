//! What the claims of a provider mean here: who somebody is, their role and their accounts.
//! Nothing here asks a provider or trusts an unverified token.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::auth::OidcSettings;
use crate::viewer::Role;

/// Values of one claim that are looked at; a person is in hundreds of groups at most.
const VALUES_MAX: usize = 2_000;

/// The claims of an address, and whether it is its bearer's (OpenID Connect Core 1.0, 5.1).
const EMAIL: &str = "email";
const VERIFIED: &str = "email_verified";

/// Somebody, as a provider describes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) name: String,
    pub(super) role: Role,
    /// None: all.
    pub(super) accounts: Option<BTreeSet<String>>,
}

/// Why somebody may not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("no claim names the person")]
    Nameless,
    #[error("the address is not of a domain that may come in, or is not verified")]
    Domain,
    #[error("the provider says that the address by which the person is named is not verified")]
    Unverified,
    #[error("no claim gives a role")]
    Roleless,
}

impl Refusal {
    /// A word for the record of actions.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Nameless => "name",
            Self::Domain => "domain",
            Self::Unverified => "unverified",
            Self::Roleless => "role",
        }
    }
}

/// Reads claims.
pub(super) fn described(
    settings: &OidcSettings,
    claims: &Map<String, Value>,
) -> Result<Described, Refusal> {
    let names = values(claims, &settings.name_claim);
    let name = names.first().filter(|name| crate::auth::first::fit_for_name(name));
    let name = name.ok_or(Refusal::Nameless)?.clone();
    // Whoever types an address at the provider would else stand in our records as its owner. Many
    // providers say nothing about it, and have it from a directory.
    if settings.name_claim == EMAIL && claims.contains_key(VERIFIED) && !is_verified(claims) {
        return Err(Refusal::Unverified);
    }
    if !settings.domains.is_empty() && !is_of(&settings.domains, claims) {
        return Err(Refusal::Domain);
    }
    let role = role(settings, claims).ok_or(Refusal::Roleless)?;
    Ok(Described { name, role, accounts: accounts(settings, claims) })
}

/// Whether the verified address of claims is of one of these domains. The whole domain counts:
/// `example.com` is not `sub.example.com`, and never `notexample.com`.
fn is_of(domains: &BTreeSet<String>, claims: &Map<String, Value>) -> bool {
    let email = claims.get(EMAIL).and_then(Value::as_str).unwrap_or_default();
    let domain = email.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase());
    is_verified(claims) && domain.is_some_and(|domain| domains.iter().any(|one| *one == domain))
}

/// Whether the provider says that the address is its bearer's.
fn is_verified(claims: &Map<String, Value>) -> bool {
    match claims.get(VERIFIED) {
        Some(Value::Bool(verified)) => *verified,
        // Cognito writes it as text (Amazon Cognito, "Understanding the identity (ID) token").
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

/// The claims of a token, with those of the user info that it lacks.
///
/// INVARIANT: an address and whether it is verified come together, from one of the two: otherwise
/// the one could vouch for the address of the other.
pub(super) fn joined(
    mut token: Map<String, Value>,
    mut more: Map<String, Value>,
) -> Map<String, Value> {
    match token.get(EMAIL) {
        None => drop(token.remove(VERIFIED)),
        Some(email) if more.get(EMAIL) != Some(email) => drop(more.remove(VERIFIED)),
        Some(_) => {}
    }
    for (name, value) in more {
        token.entry(name).or_insert(value);
    }
    token
}

fn role(settings: &OidcSettings, claims: &Map<String, Value>) -> Option<Role> {
    let said = settings.role_claim.iter().flat_map(|claim| values(claims, claim));
    let given = said.filter_map(|value| settings.roles.get(&value).copied()).max();
    given.or(settings.role_default)
}

fn accounts(settings: &OidcSettings, claims: &Map<String, Value>) -> Option<BTreeSet<String>> {
    let claim = settings.account_claim.as_ref()?;
    let mut accounts = BTreeSet::new();
    for value in values(claims, claim) {
        match settings.accounts.get(&value) {
            Some(listed) if listed.contains("*") => return None,
            Some(listed) => accounts.extend(listed.iter().cloned()),
            None if is_account(&value) => {
                accounts.insert(value);
            }
            None => {}
        }
    }
    Some(accounts)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether all claims that the settings name are there.
pub(super) fn are_whole(settings: &OidcSettings, claims: &Map<String, Value>) -> bool {
    let named = [Some(&settings.name_claim), settings.role_claim.as_ref()];
    let named = named.into_iter().chain([settings.account_claim.as_ref()]).flatten();
    let address = [EMAIL, VERIFIED].iter().all(|claim| claims.contains_key(*claim));
    let email = settings.domains.is_empty() || address;
    email && named.into_iter().all(|claim| at(claims, claim).is_some())
}

/// A claim by its name, or by the names of its members with `/` between them. A name that itself
/// has a `/` is found first: providers like addresses as names.
fn at<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let mut members = path.split('/');
    let mut value = claims.get(members.next()?)?;
    for member in members {
        value = value.get(member)?;
    }
    Some(value)
}

/// The values of a claim that is a text or a list of texts.
fn values(claims: &Map<String, Value>, path: &str) -> Vec<String> {
    match at(claims, path) {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(list)) => {
            let texts = list.iter().take(VALUES_MAX).filter_map(Value::as_str);
            texts.map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn settings() -> OidcSettings {
        OidcSettings {
            issuer: "https://id.example.com".into(),
            client_id: "yagura".into(),
            client_secret: None,
            scopes: vec![],
            name_claim: "email".into(),
            role_claim: Some("groups".into()),
            roles: BTreeMap::from([
                ("sec".into(), Role::Admin),
                ("dev".into(), Role::Analyst),
                ("all".into(), Role::Viewer),
            ]),
            role_default: None,
            account_claim: None,
            accounts: BTreeMap::new(),
            label: None,
            domains: BTreeSet::new(),
            answer_time: std::time::Duration::from_secs(10),
        }
    }

    fn check(
        settings: &OidcSettings,
        claims: impl std::borrow::Borrow<Value>,
    ) -> Result<Described, Refusal> {
        described(settings, claims.borrow().as_object().unwrap())
    }

    #[test]
    fn of_several_groups_the_greatest_role_counts() {
        let claims = json!({"email": "a@x.example", "groups": ["all", "dev", "other"]});
        assert_eq!(check(&settings(), claims).unwrap().role, Role::Analyst);
        let one = json!({"email": "a@x.example", "groups": "sec"});
        assert_eq!(check(&settings(), one).unwrap().role, Role::Admin);
    }

    #[test]
    fn who_has_no_role_or_no_name_stays_outside() {
        for groups in [json!([]), json!(["other"]), json!({"sec": true}), json!(null), json!([1])] {
            let claims = json!({"email": "a@x.example", "groups": groups});
            assert_eq!(check(&settings(), claims), Err(Refusal::Roleless));
        }
        for email in [json!(null), json!(""), json!("a b@x"), json!(["a\u{202e}b"]), json!(7)] {
            let claims = json!({"email": email, "groups": "sec"});
            assert_eq!(check(&settings(), claims), Err(Refusal::Nameless), "{email}");
        }
        let lenient = OidcSettings { role_default: Some(Role::Viewer), ..settings() };
        assert_eq!(check(&lenient, json!({"email": "a@x.example"})).unwrap().role, Role::Viewer);
    }

    #[test]
    fn keycloaks_nested_roles_and_names_with_slashes_are_found() {
        let nested = OidcSettings { role_claim: Some("realm_access/roles".into()), ..settings() };
        let claims = json!({"email": "a@x.example", "realm_access": {"roles": ["sec"]}});
        assert_eq!(check(&nested, claims).unwrap().role, Role::Admin);
        let named = OidcSettings { role_claim: Some("https://x/roles".into()), ..settings() };
        let claims = json!({"email": "a@x.example", "https://x/roles": ["dev"]});
        assert_eq!(check(&named, claims).unwrap().role, Role::Analyst);
    }

    #[test]
    fn accounts_follow_groups_and_an_absent_claim_gives_none() {
        let settings = OidcSettings {
            account_claim: Some("groups".into()),
            accounts: BTreeMap::from([
                ("dev".into(), BTreeSet::from(["111122223333".into()])),
                ("sec".into(), BTreeSet::from(["*".into()])),
            ]),
            role_default: Some(Role::Viewer),
            ..settings()
        };
        let of = |groups: Value| {
            check(&settings, json!({"email": "a@x.example", "groups": groups})).unwrap().accounts
        };
        let two = BTreeSet::from(["111122223333".to_owned(), "444455556666".to_owned()]);
        assert_eq!(of(json!(["dev", "444455556666", "44445555666x"])), Some(two));
        assert_eq!(of(json!(["dev", "sec"])), None);
        assert_eq!(of(json!([])), Some(BTreeSet::new()));
        let claims = json!({"email": "a@x.example"});
        assert_eq!(check(&settings, claims).unwrap().accounts, Some(BTreeSet::new()));
    }

    #[test]
    fn nobody_is_named_by_an_address_that_the_provider_does_not_vouch_for() {
        let of = |verified: Value| {
            let claims =
                json!({"email": "a@x.example", "email_verified": verified, "groups": "all"});
            check(&settings(), claims)
        };
        assert!(of(json!(true)).is_ok());
        assert!(of(json!("true")).is_ok());
        for verified in [json!(false), json!("false"), json!(null), json!(1), json!(["true"])] {
            assert_eq!(of(verified.clone()), Err(Refusal::Unverified), "{verified}");
        }
        let other = OidcSettings { name_claim: "nick".into(), ..settings() };
        let claims = json!({"nick": "a", "email_verified": false, "groups": "all"});
        assert!(check(&other, claims).is_ok(), "the address names nobody here");
    }

    #[test]
    fn user_info_vouches_for_no_address_of_the_token() {
        let map = |value: Value| value.as_object().unwrap().clone();
        let join = |token, more| Value::Object(joined(map(token), map(more)));
        let same = json!({"email": "a@x.example", "email_verified": true});
        assert_eq!(join(json!({"email": "a@x.example"}), same.clone()), same);
        assert_eq!(join(json!({}), same.clone()), same);
        assert_eq!(
            join(json!({"email_verified": true}), json!({"email": "a@x.example"})),
            json!({"email": "a@x.example"})
        );
        assert_eq!(join(json!({"email": "b@x.example"}), same), json!({"email": "b@x.example"}));
    }

    #[test]
    fn odd_shapes_of_a_role_claim_give_no_role() {
        for groups in [
            json!({"sec": "sec"}),
            json!([["sec"]]),
            json!([{"name": "sec"}]),
            json!("sec,dev"),
            json!("SEC"),
            json!(" sec"),
            json!("sec\u{0}"),
            json!(true),
            json!(0),
            json!(""),
            json!([null]),
            json!("[\"sec\"]"),
        ] {
            let claims = json!({"email": "a@x.example", "groups": groups});
            assert_eq!(check(&settings(), &claims), Err(Refusal::Roleless), "{groups}");
        }
        let many: Vec<_> = (0..VALUES_MAX).map(|n| format!("g{n}")).chain(["sec".into()]).collect();
        let claims = json!({"email": "a@x.example", "groups": many});
        assert_eq!(check(&settings(), claims), Err(Refusal::Roleless), "after the limit");
    }

    #[test]
    fn only_a_verified_address_of_the_very_domain_comes_in() {
        let settings = OidcSettings { domains: BTreeSet::from(["x.example".into()]), ..settings() };
        let of = |email: &str, verified: Value| {
            let claims = json!({"email": email, "email_verified": verified, "groups": "all"});
            check(&settings, claims).is_ok()
        };
        assert!(of("a@x.example", json!(true)));
        assert!(of("a@X.EXAMPLE", json!("true")));
        assert!(!of("a@x.example", json!(false)));
        assert!(!of("a@x.example", json!(null)));
        assert!(!of("a@notx.example", json!(true)));
        assert!(!of("a@sub.x.example", json!(true)));
        assert!(!of("x.example", json!(true)));
    }
}
