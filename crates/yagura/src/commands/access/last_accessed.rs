//! What IAM says of when principals last asked each service that their policies allow, for
//! `yagura access unused --last-accessed`.
//! Asking is collect's, judging analyze's.

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use yagura_analyze::access::is_service_linked;
use yagura_analyze::access::unused::idle_services;
use yagura_model::usage::ServiceAccess;
use yagura_model::{Lang, Resource, Unread};
use yagura_report::access::reason;

use crate::options::AwsOptions;
use crate::reach;

/// Services that are named in a row of a table.
const NAMED_MAX: usize = 5;

/// A principal with the services that it did not ask since a time.
pub(super) struct IdleServices {
    pub(super) principal: String,
    /// How many services its policies allow.
    allowed: usize,
    /// Those that it did not ask, or why that is not known.
    pub(super) idle: Result<Vec<ServiceAccess>, Unread>,
}

/// Asks IAM about all users and roles of the inventory, or one of them.
pub(super) async fn ask(
    options: &AwsOptions,
    resources: &[Resource],
    since: Timestamp,
    principal: Option<&str>,
) -> anyhow::Result<Vec<IdleServices>> {
    let is_principal = |one: &&Resource| {
        matches!(one.type_name.as_str(), "AWS::IAM::User" | "AWS::IAM::Role")
            // AWS's own roles cannot be changed.
            && !is_service_linked(&one.key)
            && principal.is_none_or(|only| only == one.key)
    };
    let made = |one: &Resource| {
        let text = one.runtime.get("CreateDate").and_then(Value::as_str);
        text.and_then(|text| text.parse().ok())
    };
    let principals: Vec<&Resource> = resources.iter().filter(is_principal).collect();
    let arns: Vec<String> = principals.iter().map(|one| one.key.clone()).collect();
    let client = reach::client(options, CancellationToken::new()).await?;
    let mut told = yagura_collect::last_accessed(&client, &arns).await;
    let judged = principals.into_iter().filter_map(|one| {
        let told = told.remove(&one.key)?;
        let allowed = told.as_ref().map_or(0, Vec::len);
        let idle = |all: Vec<ServiceAccess>| {
            idle_services(&all, made(one), since).into_iter().cloned().collect()
        };
        Some(IdleServices { principal: one.key.clone(), allowed, idle: told.map(idle) })
    });
    Ok(judged.collect())
}

impl IdleServices {
    /// Whether something lies unused, or is not known.
    pub(super) fn is_worth_a_row(&self) -> bool {
        self.idle.as_ref().map_or(true, |idle| !idle.is_empty())
    }

    /// When the last of the idle services was asked.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        self.idle.as_ref().ok()?.iter().filter_map(|one| one.last).max()
    }

    /// The idle services, those never asked first, or why they are not known.
    pub(super) fn words(&self, lang: Lang) -> String {
        let idle = match (&self.idle, lang) {
            (Ok(idle), _) => idle,
            (Err(unread), Lang::En) => {
                return format!("IAM was not read ({})", reason(lang, unread.reason));
            }
            (Err(unread), Lang::Ja) => {
                return format!("IAM から読み取れません（{}）", reason(lang, unread.reason));
            }
        };
        let (some, all) = (idle.len(), self.allowed);
        let named: Vec<&str> =
            idle.iter().take(NAMED_MAX).map(|one| one.service.as_str()).collect();
        let (named, more) = (named.join(", "), some.saturating_sub(NAMED_MAX));
        match lang {
            Lang::En => {
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("{some} of {all} services that it may use: {named}{more}")
            }
            Lang::Ja => {
                let more = if more > 0 { format!(" ほか {more}") } else { String::new() };
                format!("許可された {all} サービスのうち {some}: {named}{more}")
            }
        }
    }

    /// The names of members are promises.
    pub(super) fn json(&self) -> Value {
        let service = |one: &ServiceAccess| json!({"service": one.service, "last_used": one.last});
        let unread = self
            .idle
            .as_ref()
            .err()
            .map(|unread| json!({"reason": unread.reason.as_str(), "action": unread.action}));
        json!({
            "kind": "services",
            "principal": self.principal,
            "verdict": match &self.idle {
                Ok(idle) if idle.is_empty() => "used",
                Ok(_) => "unused",
                Err(_) => "unknown",
            },
            "allowed": self.allowed,
            "services": self.idle.iter().flatten().map(service).collect::<Vec<_>>(),
            "unread": unread,
        })
    }
}

#[cfg(test)]
mod tests {
    use yagura_model::{Path, UnreadReason};

    use super::*;

    fn idle(services: &[(&str, Option<&str>)]) -> IdleServices {
        let access = |(service, last): &(&str, Option<&str>)| ServiceAccess {
            service: (*service).to_owned(),
            last: last.map(|time| time.parse().unwrap()),
        };
        IdleServices {
            principal: "arn:aws:iam::111122223333:role/app".to_owned(),
            allowed: 9,
            idle: Ok(services.iter().map(access).collect()),
        }
    }

    #[test]
    fn idle_services_are_named_in_both_languages() {
        let two = idle(&[("iam", None), ("ec2", Some("2026-01-01T00:00:00Z"))]);
        assert_eq!(two.words(Lang::En), "2 of 9 services that it may use: iam, ec2");
        assert_eq!(two.words(Lang::Ja), "許可された 9 サービスのうち 2: iam, ec2");
        assert_eq!(two.newest().unwrap().to_string(), "2026-01-01T00:00:00Z");
        let many = idle(&["a", "b", "c", "d", "e", "f", "g"].map(|name| (name, None)));
        assert!(many.words(Lang::En).ends_with("a, b, c, d, e and 2 more"));
        assert!(many.words(Lang::Ja).ends_with("a, b, c, d, e ほか 2"));
        assert!(!idle(&[]).is_worth_a_row());
        assert_eq!(idle(&[]).json()["verdict"], "used");
    }

    #[test]
    fn what_iam_does_not_tell_is_unknown_and_never_unused() {
        let unread = Unread {
            path: Path::default(),
            partial: false,
            reason: UnreadReason::Denied,
            call: "iam:GetServiceLastAccessedDetails".to_owned(),
            action: "iam:GetServiceLastAccessedDetails".to_owned(),
            detail: String::new(),
        };
        let unknown = IdleServices { idle: Err(unread), ..idle(&[]) };
        assert!(unknown.is_worth_a_row());
        let json = unknown.json();
        assert_eq!((&json["verdict"], &json["services"]), (&json!("unknown"), &json!([])));
        assert_eq!(json["unread"]["action"], "iam:GetServiceLastAccessedDetails");
        assert!(unknown.words(Lang::Ja).starts_with("IAM から読み取れません"));
    }
}
