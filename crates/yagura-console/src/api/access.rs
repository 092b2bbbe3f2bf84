//! Who can do what: one principal's answer with its reasons, and everybody who can.
//! Policies are weighed by `yagura-analyze`; what is asked about must be in the asker's accounts.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use yagura_analyze::access::{Answer, Ask, Verdict};
use yagura_model::finding::Scope;

use super::endpoint::{Endpoints, Reader, Said};
use crate::fault::Fault;
use crate::pages::{self, Known};
use crate::state::Console;
use crate::viewer::{Permission, Role};

/// Principals of an answer at most.
const PRINCIPALS_MAX: usize = 1_000;

pub(super) fn register(all: Endpoints) -> Endpoints {
    let ask = |path, id, summary| Said {
        path,
        role: Role::Viewer,
        permission: Permission::AccessRead,
        id,
        summary,
    };
    all.get(
        ask("/access/can", "canPrincipal", "Whether a principal may do something, and why"),
        can,
    )
    .get(ask("/access/who-can", "whoCan", "Everybody who may do something"), who_can)
}

/// A question about one principal.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CanAsked {
    /// ARN of a user or a role.
    pub(crate) principal: String,
    /// `s3:GetObject`.
    pub(crate) action: String,
    /// An ARN, or a form with wildcards; not needed where the action works on no resource.
    #[serde(default)]
    pub(crate) resource: Option<String>,
}

/// A question about everybody.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhoCanAsked {
    /// `s3:GetObject`.
    pub(crate) action: String,
    /// An ARN, or a form with wildcards; not needed where the action works on no resource.
    #[serde(default)]
    pub(crate) resource: Option<String>,
}

/// A statement that decided.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct StatementView {
    /// In which kind of policy: identity, resource, scp, …
    layer: String,
    /// The policy, as people know it.
    policy: Option<String>,
    /// Which statement, from one.
    statement: usize,
    sid: Option<String>,
    /// Allow or Deny.
    effect: String,
}

/// A condition that nobody can decide beforehand.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ConditionView {
    operator: String,
    key: String,
    values: Vec<String>,
}

/// Something unread that the answer may hang on.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct MissingView {
    layer: String,
    of: String,
    reason: String,
    call: String,
}

/// An answer with its reasons.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct AccessView {
    principal: String,
    action: String,
    resource: String,
    /// allowed, denied, depends, unknown.
    verdict: String,
    /// Layers that stand in the way.
    blocked_by: Vec<String>,
    statements: Vec<StatementView>,
    conditions: Vec<ConditionView>,
    missing: Vec<MissingView>,
}

/// Everybody who may, may under conditions, or of whom it is not known.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct WhoCanView {
    items: Vec<WhoView>,
    /// Whether there are more than 1,000.
    cut: bool,
}

/// One of them.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct WhoView {
    /// Whether they are of the inventory; otherwise the resource's policy names them.
    inside: bool,
    #[serde(flatten)]
    answer: AccessView,
}

/// The action as AWS writes it, and the resource to ask about.
fn asked(
    console: &Console,
    action: &str,
    resource: Option<&str>,
) -> Result<(String, String), Fault> {
    let known = console.parts().actions.action(action).ok_or_else(|| {
        Fault::BadRequest(format!("`{action}` is no IAM action; write s3:GetObject"))
    })?;
    match resource {
        _ if known.resources.is_empty() => Ok((known.name, "*".to_owned())),
        Some(resource) => Ok((known.name, resource.to_owned())),
        None => {
            let example = known.resources.first().map_or("arn:aws:…", String::as_str);
            let text = format!("`{}` works on a resource: name an ARN, as {example}", known.name);
            Err(Fault::BadRequest(text))
        }
    }
}

/// The account in an ARN; none where it has none.
fn account(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}

/// What the newest scan knows of access. Where nothing was scanned nobody can say who may what.
async fn known(reader: &Reader) -> Result<Arc<Known>, Fault> {
    pages::known(&reader.console).await?.ok_or_else(|| {
        Fault::Unavailable("nothing was scanned yet: `yagura scan` reads policies".to_owned())
    })
}

/// Whether what is asked about is within the scope. A form that names no account stands for
/// everybody's, so it needs everybody's accounts.
fn is_within(scope: &Scope, account: Option<&str>, resource: &str) -> bool {
    *scope == Scope::All || resource == "*" || account.is_some_and(|one| scope.admits(one))
}

pub(crate) async fn can(reader: Reader, question: CanAsked) -> Result<AccessView, Fault> {
    let (action, resource) =
        asked(&reader.console, &question.action, question.resource.as_deref())?;
    let scope = &reader.viewer.scope;
    if !account(&question.principal).is_some_and(|account| scope.admits(account)) {
        return Err(Fault::NotFound);
    }
    let known = known(&reader).await?;
    if !is_within(scope, known.account_of(&resource).as_deref(), &resource) {
        return Err(Fault::NotFound);
    }
    let ask = ask(&question.principal, &action, &resource);
    let answer = known.world.ask(&ask).map_err(|error| Fault::BadRequest(error.to_string()))?;
    Ok(view(&ask, &answer))
}

pub(crate) async fn who_can(reader: Reader, question: WhoCanAsked) -> Result<WhoCanView, Fault> {
    let (action, resource) =
        asked(&reader.console, &question.action, question.resource.as_deref())?;
    let known = known(&reader).await?;
    let scope = reader.viewer.scope.clone();
    if !is_within(&scope, known.account_of(&resource).as_deref(), &resource) {
        return Err(Fault::NotFound);
    }
    let all = tokio::task::spawn_blocking(move || {
        let question = ask("", &action, &resource);
        let outside = known.world.outsiders(&question).into_iter().map(|one| {
            let answer = view(&ask(&one.principal, &action, &resource), &one.answer);
            WhoView { inside: false, answer }
        });
        let own = |arn: &str| account(arn).is_some_and(|account| scope.admits(account));
        let inside = known.world.who_can(&question).into_iter().filter(|(arn, _)| own(arn)).map(
            |(arn, answer)| {
                let answer = view(&ask(arn, &action, &resource), &answer);
                WhoView { inside: true, answer }
            },
        );
        outside.chain(inside).take(PRINCIPALS_MAX + 1).collect::<Vec<_>>()
    });
    let mut items =
        all.await.map_err(|_| Fault::Unavailable("weighing policies broke off".to_owned()))?;
    let cut = items.len() > PRINCIPALS_MAX;
    items.truncate(PRINCIPALS_MAX);
    Ok(WhoCanView { items, cut })
}

fn ask<'a>(principal: &'a str, action: &'a str, resource: &'a str) -> Ask<'a> {
    Ask { principal, action, resource, resource_account: None, context: Vec::new() }
}

fn view(ask: &Ask<'_>, answer: &Answer) -> AccessView {
    let decision = &answer.decision;
    let statements = decision.statements.iter().map(|one| {
        let mut names = answer.policies.iter();
        let named = names.find(|name| {
            (name.layer, &name.level, name.policy) == (one.layer, &one.level, one.policy)
        });
        StatementView {
            layer: one.layer.name().to_owned(),
            policy: named.map(|name| name.name.clone()),
            statement: one.statement + 1,
            sid: one.sid.clone(),
            effect: format!("{:?}", one.effect),
        }
    });
    let conditions = decision.remaining.iter().map(|one| ConditionView {
        operator: one.operator.clone(),
        key: one.key.clone(),
        values: one.values.clone(),
    });
    let missing = answer.missing.iter().map(|one| MissingView {
        layer: one.layer.name().to_owned(),
        of: one.of.clone(),
        reason: one.unread.reason.as_str().to_owned(),
        call: one.unread.call.clone(),
    });
    let verdict = match answer.verdict {
        Verdict::Allowed => "allowed",
        Verdict::Denied => "denied",
        Verdict::Depends => "depends",
        Verdict::Unknown => "unknown",
    };
    AccessView {
        principal: ask.principal.to_owned(),
        action: ask.action.to_owned(),
        resource: ask.resource.to_owned(),
        verdict: verdict.to_owned(),
        blocked_by: decision.blocked_by.iter().map(|layer| layer.name().to_owned()).collect(),
        statements: statements.collect(),
        conditions: conditions.collect(),
        missing: missing.collect(),
    }
}
