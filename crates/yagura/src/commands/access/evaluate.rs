//! `yagura access evaluate`: requests with all their policies in, decisions out, a line each.
//! The format is a contract with whoever drives the engine from outside; the engine itself is
//! `iam-policy`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use anyhow::{Context as _, anyhow};
use iam_policy::{
    BlockPublicAccess, Context, ContextValue, Decision, KmsGrant, Layers, Level, Outcome, Policy,
    Principal, Request, StatementRef,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use yagura_aws::Actions;

/// A line longer than this is no case: policies of AWS are some kilobytes.
const LINE_BYTES_MAX: usize = 64 << 20;

/// One line in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case<'a> {
    id: Value,
    request: CaseRequest,
    #[serde(borrow, default)]
    identity_policies: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    resource_policy: Option<&'a RawValue>,
    #[serde(borrow, default)]
    scps: Vec<CaseLevel<'a>>,
    #[serde(borrow, default)]
    rcps: Vec<CaseLevel<'a>>,
    #[serde(borrow, default)]
    permission_boundaries: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    session_policy: Option<&'a RawValue>,
    #[serde(borrow, default)]
    endpoint_policies: Option<Vec<&'a RawValue>>,
    #[serde(default)]
    management_account: Option<String>,
    #[serde(default)]
    s3_bpa: Option<CaseBlock>,
    #[serde(default)]
    kms_grants: Option<Vec<CaseGrant>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseRequest {
    principal: Value,
    action: String,
    resource: String,
    #[serde(default)]
    resource_account: Option<String>,
    #[serde(default)]
    context: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseLevel<'a> {
    #[serde(default)]
    level: Value,
    #[serde(borrow)]
    policies: Vec<&'a RawValue>,
}

/// The settings of S3 as AWS names them, or only the one that decides.
#[derive(Deserialize)]
#[serde(untagged)]
enum CaseBlock {
    On(bool),
    Settings(BTreeMap<String, bool>),
}

/// A grant as `kms:ListGrants` gives it; names in either spelling.
#[derive(Deserialize)]
struct CaseGrant {
    #[serde(alias = "GranteePrincipal", alias = "grantee")]
    grantee_principal: String,
    #[serde(alias = "Operations")]
    operations: Vec<String>,
    #[serde(alias = "Constraints", default)]
    constraints: CaseConstraints,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct CaseConstraints {
    #[serde(alias = "EncryptionContextSubset", default)]
    encryption_context_subset: BTreeMap<String, String>,
    #[serde(alias = "EncryptionContextEquals", default)]
    encryption_context_equals: Option<BTreeMap<String, String>>,
}

/// One line out.
#[derive(Serialize)]
struct Answer<'a> {
    id: &'a Value,
    decision: &'static str,
    blocked_by: Vec<&'static str>,
    statements: Vec<AnswerStatement<'a>>,
}

#[derive(Serialize)]
struct AnswerStatement<'a> {
    layer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<&'a str>,
    policy: usize,
    statement: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    effect: &'static str,
    line: u32,
    column: u32,
}

/// A case that could not be decided.
#[derive(Serialize)]
struct Failure<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    line: usize,
    error: &'a str,
}

/// Decides every line. Returns how many could not be decided; each of those is answered with its
/// error, and the others go on.
pub(super) fn run(
    actions: &Actions,
    mut cases: impl BufRead,
    out: &mut dyn Write,
) -> anyhow::Result<usize> {
    let (mut failures, mut number, mut line) = (0, 0, Vec::new());
    loop {
        line.clear();
        number += 1;
        let mut bounded = std::io::Read::take(&mut cases, LINE_BYTES_MAX as u64);
        let read = bounded.read_until(b'\n', &mut line).context("could not read the cases")?;
        if read == 0 {
            return Ok(failures);
        }
        anyhow::ensure!(
            read < LINE_BYTES_MAX,
            "line {number} of the cases is longer than {LINE_BYTES_MAX} bytes"
        );
        if line.trim_ascii().is_empty() {
            continue;
        }
        if let Err(error) = answer(actions, &line, out) {
            if error.downcast_ref::<std::io::Error>().is_some() {
                return Err(error);
            }
            failures += 1;
            let text = format!("{error:#}");
            let id = serde_json::from_slice::<Value>(&line)
                .ok()
                .and_then(|case| case.get("id").cloned());
            serde_json::to_writer(&mut *out, &Failure { id, line: number, error: &text })?;
            out.write_all(b"\n")?;
        }
    }
}

fn answer(actions: &Actions, line: &[u8], out: &mut dyn Write) -> anyhow::Result<()> {
    let case: Case<'_> = serde_json::from_slice(line).context("the case cannot be read")?;
    let decision = decide(actions, &case)?;
    let answer = Answer {
        id: &case.id,
        decision: outcome_name(decision.outcome),
        blocked_by: decision.blocked_by.iter().map(|layer| layer.name()).collect(),
        statements: decision.statements.iter().map(answer_statement).collect(),
    };
    // One write a line: a reader never sees half an answer.
    let mut text = serde_json::to_vec(&answer)?;
    text.push(b'\n');
    out.write_all(&text)?;
    Ok(())
}

fn decide(actions: &Actions, case: &Case<'_>) -> anyhow::Result<Decision> {
    let identity = policies(&case.identity_policies, "identity policy")?;
    let resource = case.resource_policy.map(|one| policy(one, "resource policy")).transpose()?;
    let boundaries = case.permission_boundaries.as_deref().unwrap_or_default();
    let boundaries = policies(boundaries, "permissions boundary")?;
    let session = case.session_policy.map(|one| policy(one, "session policy")).transpose()?;
    let endpoint = case.endpoint_policies.as_deref().unwrap_or_default();
    let endpoint = policies(endpoint, "endpoint policy")?;
    let scps = levels(&case.scps, "service control policy")?;
    let rcps = levels(&case.rcps, "resource control policy")?;
    let (scps, rcps) = (named(&scps), named(&rcps));
    let (scps, rcps) = (borrowed(&scps), borrowed(&rcps));
    let grants: Vec<KmsGrant> = case.kms_grants.iter().flatten().map(CaseGrant::to_grant).collect();
    let layers = Layers {
        identity: &references(&identity),
        resource: resource.as_ref(),
        scps: &scps,
        rcps: &rcps,
        boundaries: &references(&boundaries),
        session: session.as_ref(),
        endpoint: &references(&endpoint),
        management_account: case.management_account.as_deref(),
        block_public_access: case.s3_bpa.as_ref().map(CaseBlock::settings).unwrap_or_default(),
        kms_grants: &grants,
        ..Layers::default()
    };
    let request = Request {
        principal: principal(&case.request.principal)?,
        action: &case.request.action,
        resource: resource_asked(actions, &case.request),
        resource_account: case.request.resource_account.as_deref(),
        context: context(&case.request.context)?,
        overlap: true,
    };
    Ok(iam_policy::evaluate(&request, &layers))
}

/// An action without resource-level permissions is allowed for `*` or not at all, whatever
/// resource was named with it.
fn resource_asked<'a>(actions: &Actions, request: &'a CaseRequest) -> &'a str {
    match actions.action(&request.action) {
        Some(action) if action.resource_types.is_empty() => "*",
        _ => &request.resource,
    }
}

fn policy(raw: &RawValue, what: &str) -> anyhow::Result<Policy> {
    // A policy may be a document or, as many AWS answers carry it, the text of one.
    let text: Cow<'_, str> = if raw.get().starts_with('"') {
        Cow::Owned(serde_json::from_str(raw.get())?)
    } else {
        Cow::Borrowed(raw.get())
    };
    Policy::parse(&text).with_context(|| format!("the {what} cannot be read"))
}

fn policies(raw: &[&RawValue], what: &str) -> anyhow::Result<Vec<Policy>> {
    raw.iter().map(|one| policy(one, what)).collect()
}

fn levels(levels: &[CaseLevel<'_>], what: &str) -> anyhow::Result<Vec<(String, Vec<Policy>)>> {
    levels
        .iter()
        .map(|level| {
            let name = match &level.level {
                Value::String(name) => name.clone(),
                other => other.to_string(),
            };
            Ok((name, policies(&level.policies, what)?))
        })
        .collect()
}

fn references(policies: &[Policy]) -> Vec<&Policy> {
    policies.iter().collect()
}

fn named(levels: &[(String, Vec<Policy>)]) -> Vec<(&str, Vec<&Policy>)> {
    levels.iter().map(|(name, policies)| (name.as_str(), references(policies))).collect()
}

fn borrowed<'a>(levels: &'a [(&'a str, Vec<&'a Policy>)]) -> Vec<Level<'a>> {
    levels.iter().map(|(name, policies)| Level { name, policies }).collect()
}

fn principal(value: &Value) -> anyhow::Result<Principal> {
    let member = |name: &str| value.get(name).and_then(Value::as_str);
    match (value.as_str(), member("service"), member("federated"), member("type")) {
        (Some(arn), ..) if arn.starts_with("arn:") => Ok(Principal::from_arn(arn)),
        (_, Some(service), ..) => Ok(Principal::Service(service.to_owned())),
        (_, _, Some(provider), _) => Ok(Principal::Federated(provider.to_owned())),
        (_, _, _, Some("Anonymous")) => Ok(Principal::Anonymous),
        _ => Err(anyhow!(
            "the principal `{value}` is neither an ARN, {{\"type\": \"Anonymous\"}}, \
             {{\"service\": …}} nor {{\"federated\": …}}"
        )),
    }
}

fn context(keys: &BTreeMap<String, Value>) -> anyhow::Result<Context> {
    let mut context = Context::new();
    for (key, value) in keys {
        let value = match value {
            Value::Null => continue,
            Value::Array(values) => ContextValue::Many(
                values.iter().map(|value| scalar(key, value)).collect::<Result<_, _>>()?,
            ),
            one => ContextValue::One(scalar(key, one)?),
        };
        context.set(key, value);
    }
    Ok(context)
}

fn scalar(key: &str, value: &Value) -> anyhow::Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => Err(anyhow!("the context key `{key}` has a value that is no text, number or boolean")),
    }
}

impl CaseBlock {
    fn settings(&self) -> BlockPublicAccess {
        const NAMES: [&str; 2] = ["restrictpublicbuckets", "restrict_public_buckets"];
        let restrict_public_buckets = match self {
            Self::On(on) => *on,
            Self::Settings(settings) => settings
                .iter()
                .any(|(name, on)| *on && NAMES.contains(&name.to_ascii_lowercase().as_str())),
        };
        BlockPublicAccess { restrict_public_buckets }
    }
}

impl CaseGrant {
    fn to_grant(&self) -> KmsGrant {
        let pairs = |map: &BTreeMap<String, String>| {
            map.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
        };
        KmsGrant {
            grantee: self.grantee_principal.clone(),
            operations: self.operations.clone(),
            encryption_context_subset: pairs(&self.constraints.encryption_context_subset),
            encryption_context_equals: self
                .constraints
                .encryption_context_equals
                .as_ref()
                .map(pairs),
        }
    }
}

fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allowed => "Allowed",
        Outcome::ImplicitlyDenied => "ImplicitlyDenied",
        Outcome::ExplicitlyDenied => "ExplicitlyDenied",
        // No key of a case is unknown and a part counts as the whole, so nothing is left open.
        Outcome::Depends => "Depends",
    }
}

fn answer_statement(reference: &StatementRef) -> AnswerStatement<'_> {
    AnswerStatement {
        layer: reference.layer.name(),
        level: reference.level.as_deref(),
        policy: reference.policy,
        statement: reference.statement,
        sid: reference.sid.as_deref(),
        effect: match reference.effect {
            iam_policy::Effect::Allow => "Allow",
            iam_policy::Effect::Deny => "Deny",
        },
        line: reference.position.line,
        column: reference.position.column,
    }
}
