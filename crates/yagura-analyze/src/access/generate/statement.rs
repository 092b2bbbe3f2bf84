//! A statement on its way: what it says, and why; and the denials that every resource gets.
//! Which resource gets which actions is in `resource` and `key`.

use serde_json::{Map, Value, json};

use super::guest::{Deputy, Guest, Source};
use super::{Home, Reason};

/// One statement.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) reason: Reason,
    effect: &'static str,
    principal: Value,
    actions: Vec<String>,
    /// Empty in a trust policy.
    resources: Vec<String>,
    conditions: Map<String, Value>,
}

impl Statement {
    fn new(sid: &str, code: &'static str, effect: &'static str) -> Self {
        let about = String::new();
        Self {
            reason: Reason { sid: sid.to_owned(), code, about },
            effect,
            principal: json!("*"),
            actions: Vec::new(),
            resources: Vec::new(),
            conditions: Map::new(),
        }
    }

    /// Denies everybody.
    pub(super) fn deny(sid: &str, code: &'static str) -> Self {
        Self::new(sid, code, "Deny")
    }

    /// Allows nobody yet.
    pub(super) fn allow(sid: &str, code: &'static str) -> Self {
        Self::new(sid, code, "Allow")
    }

    pub(super) fn to(self, principal: Value) -> Self {
        Self { principal, ..self }
    }

    pub(super) fn about(mut self, about: &str) -> Self {
        about.clone_into(&mut self.reason.about);
        self
    }

    pub(super) fn actions(self, actions: &[&str]) -> Self {
        Self { actions: actions.iter().map(|action| (*action).to_owned()).collect(), ..self }
    }

    pub(super) fn on(self, resources: &[String]) -> Self {
        Self { resources: resources.to_vec(), ..self }
    }

    /// Adds a condition; several must all hold.
    pub(super) fn when(mut self, operator: &str, key: &str, values: &[String]) -> Self {
        let value = match values {
            [one] => json!(one),
            many => json!(many),
        };
        let keys = self.conditions.entry(operator).or_insert_with(|| json!({}));
        if let Some(keys) = keys.as_object_mut() {
            keys.insert(key.to_owned(), value);
        }
        self
    }

    /// The same with one value.
    pub(super) fn when_one(self, operator: &str, key: &str, value: &str) -> Self {
        self.when(operator, key, &[value.to_owned()])
    }

    pub(super) fn into_json(self) -> Value {
        let one_or_many = |texts: Vec<String>| match texts.as_slice() {
            [one] => json!(one),
            _ => json!(texts),
        };
        let mut members = Map::new();
        members.insert("Sid".to_owned(), json!(self.reason.sid));
        members.insert("Effect".to_owned(), json!(self.effect));
        members.insert("Principal".to_owned(), self.principal);
        members.insert("Action".to_owned(), one_or_many(self.actions));
        if !self.resources.is_empty() {
            members.insert("Resource".to_owned(), one_or_many(self.resources));
        }
        if !self.conditions.is_empty() {
            members.insert("Condition".to_owned(), self.conditions.into());
        }
        Value::Object(members)
    }
}

/// The root of an account: the account itself, as a principal.
pub(super) fn root(home: &Home, account: &str) -> String {
    format!("arn:{}:iam::{account}:root", home.partition)
}

/// Denies whoever is not of our organization; services come for somebody, and are looked at by
/// [`deny_services_for_others`].
///
/// Source: AWS whitepaper "Building a Data Perimeter on AWS" (seen 2026-11).
pub(super) fn deny_outsiders(
    home: &Home,
    guests: &[Guest],
    actions: &[&str],
    resources: &[String],
) -> Statement {
    const UNLESS: &str = "StringNotEqualsIfExists";
    let statement = match &home.organization {
        Some(organization) => {
            let deny = Statement::deny("DenyOutsideOrganization", "outside_organization")
                .about(organization)
                .when_one(UNLESS, "aws:PrincipalOrgID", organization);
            match home.partners.is_empty() {
                true => deny,
                false => deny.when(UNLESS, "aws:PrincipalAccount", &home.partners),
            }
        }
        None => {
            let mut accounts = vec![home.account.clone()];
            let named = guests.iter().map(|guest| guest.account().to_owned());
            accounts.extend(named.chain(home.partners.iter().cloned()));
            accounts.sort_unstable();
            accounts.dedup();
            Statement::deny("DenyOutsideAccounts", "outside_accounts")
                .about(&accounts.join(", "))
                .when(UNLESS, "aws:PrincipalAccount", &accounts)
        }
    };
    statement.actions(actions).on(resources).when_one(
        "BoolIfExists",
        "aws:PrincipalIsAWSService",
        "false",
    )
}

/// Denies services that come for others than us (the confused deputy).
///
/// Source: AWS Organizations User Guide, "Example resource control policies" (seen 2026-11).
pub(super) fn deny_services_for_others(
    home: &Home,
    deputies: &[Deputy],
    actions: &[&str],
    resources: &[String],
) -> Statement {
    const UNLESS: &str = "StringNotEqualsIfExists";
    let mut deny = Statement::deny("DenyServicesForOthers", "services_for_others");
    let mut accounts = home.partners.clone();
    if let Some(organization) = &home.organization {
        deny = deny.when_one(UNLESS, "aws:SourceOrgID", organization);
    } else {
        accounts.push(home.account.clone());
        accounts.extend(deputies.iter().filter_map(Deputy::account).map(str::to_owned));
    }
    accounts.sort_unstable();
    accounts.dedup();
    if !accounts.is_empty() {
        deny = deny.when(UNLESS, "aws:SourceAccount", &accounts);
    }
    deny.actions(actions).on(resources).when_one("Null", "aws:SourceAccount", "false").when_one(
        "Bool",
        "aws:PrincipalIsAWSService",
        "true",
    )
}

/// Denies everybody but some principals; services are not principals of IAM.
pub(super) fn deny_but(
    sid: &str,
    code: &'static str,
    guests: &[Guest],
    actions: &[&str],
    resources: &[String],
) -> Statement {
    let mut deny = Statement::deny(sid, code).actions(actions).on(resources);
    let arns: Vec<String> = guests
        .iter()
        .filter_map(|guest| match guest {
            Guest::Named(arn) | Guest::Form(arn) => Some(arn.clone()),
            Guest::Account(_) => None,
        })
        .collect();
    if !arns.is_empty() {
        deny = deny.when("ArnNotLike", "aws:PrincipalArn", &arns);
    }
    let accounts: Vec<String> = guests
        .iter()
        .filter_map(|guest| match guest {
            Guest::Account(account) => Some(account.clone()),
            Guest::Named(_) | Guest::Form(_) => None,
        })
        .collect();
    if !accounts.is_empty() {
        deny = deny.when("StringNotEquals", "aws:PrincipalAccount", &accounts);
    }
    deny.when_one("Bool", "aws:PrincipalIsAWSService", "false")
}

/// Allows guests: those by name in one statement, forms of names in one for each account.
pub(super) fn allow_guests(
    home: &Home,
    (sid, code): (&str, &'static str),
    guests: &[Guest],
    actions: &[&str],
    resources: &[String],
) -> Vec<Statement> {
    let mut allowed = Vec::new();
    let whole = |guest: &Guest| match guest {
        Guest::Account(account) => Some(root(home, account)),
        Guest::Named(arn) => Some(arn.clone()),
        Guest::Form(_) => None,
    };
    let named: Vec<String> = guests.iter().filter_map(whole).collect();
    let allow = |sid: &str, about: &[String]| {
        Statement::allow(sid, code).about(&about.join(", ")).actions(actions).on(resources)
    };
    if !named.is_empty() {
        let aws = if let [one] = named.as_slice() { json!(one) } else { json!(named) };
        allowed.push(allow(sid, &named).to(json!({"AWS": aws})));
    }
    let mut forms: Vec<(&str, Vec<String>)> = Vec::new();
    for guest in guests {
        let Guest::Form(arn) = guest else { continue };
        match forms.iter_mut().find(|(account, _)| *account == guest.account()) {
            Some((_, arns)) => arns.push(arn.clone()),
            None => forms.push((guest.account(), vec![arn.clone()])),
        }
    }
    for (account, arns) in forms {
        let sid = format!("{sid}ByForm{account}");
        let statement = allow(&sid, &arns).to(json!({"AWS": root(home, account)})).when(
            "ArnLike",
            "aws:PrincipalArn",
            &arns,
        );
        allowed.push(statement);
    }
    allowed
}

/// Allows services, each for its source only.
pub(super) fn allow_deputies(
    deputies: &[Deputy],
    actions: &[&str],
    resources: &[String],
) -> Vec<Statement> {
    let number = |at: usize| if deputies.len() == 1 { String::new() } else { (at + 1).to_string() };
    deputies
        .iter()
        .enumerate()
        .map(|(at, deputy)| {
            let allow = Statement::allow(&format!("Service{}", number(at)), "service")
                .to(json!({"Service": deputy.service}))
                .actions(actions)
                .on(resources);
            for_source(allow, deputy).about(&deputy.service)
        })
        .collect()
}

/// Holds a statement for a service to those for whom it may come.
pub(super) fn for_source(statement: Statement, deputy: &Deputy) -> Statement {
    let statement = match deputy.account() {
        Some(account) => statement.when_one("StringEquals", "aws:SourceAccount", account),
        None => statement,
    };
    match &deputy.source {
        Source::Account(_) => statement,
        Source::Arn(arn) => statement.when_one("ArnLike", "aws:SourceArn", arn),
    }
}
