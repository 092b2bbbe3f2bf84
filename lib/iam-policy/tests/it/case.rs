//! One request with its policies as JSON, so that a case reads like what AWS stores.
//! What the answers should be is in the files beside this one.

use iam_policy::{
    BlockPublicAccess, Context, ContextValue, Decision, KmsGrant, Layers, Level, Outcome, Policy,
    Principal, Request, evaluate,
};
use serde_json::{Value, json};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const OTHER: &str = "444455556666";
pub(crate) const USER: &str = "arn:aws:iam::111122223333:user/mika";
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/deploy";
pub(crate) const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/deploy/build-7";
pub(crate) const OBJECT: &str = "arn:aws:s3:::reports/2026.csv";

/// A case: `s3:GetObject` on an object of the caller's own account unless said otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) value: Value,
    pub(crate) unknown_elsewhere: bool,
}

pub(crate) fn case(principal: impl Into<Value>) -> Case {
    let value = json!({
        "principal": principal.into(),
        "action": "s3:GetObject",
        "resource": OBJECT,
        "resource_account": ACCOUNT,
    });
    Case { value, unknown_elsewhere: false }
}

pub(crate) fn allow(action: &str, resource: &str) -> Value {
    statement(json!({"Effect": "Allow", "Action": action, "Resource": resource}))
}

pub(crate) fn deny(action: &str, resource: &str) -> Value {
    statement(json!({"Effect": "Deny", "Action": action, "Resource": resource}))
}

pub(crate) fn grant(principal: impl Into<Value>) -> Value {
    statement(json!({
        "Effect": "Allow", "Principal": principal.into(), "Action": "*", "Resource": "*"}))
}

pub(crate) fn statement(statement: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

impl Case {
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.value[name] = value.into();
        self
    }

    pub(crate) fn key(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.value["context"][key] = value.into();
        self
    }

    pub(crate) fn identity(self, policy: Value) -> Self {
        self.with("identity", json!([policy]))
    }

    pub(crate) fn scp(mut self, level: &str, policy: Value) -> Self {
        let mut levels = self.value["scps"].as_array().cloned().unwrap_or_default();
        levels.push(json!({"level": level, "policies": [policy]}));
        self.value["scps"] = levels.into();
        self
    }

    pub(crate) fn decide(&self) -> Decision {
        let value = &self.value;
        let mut context = match self.unknown_elsewhere {
            true => Context::unknown_elsewhere(),
            false => Context::new(),
        };
        for (key, value) in value["context"].as_object().into_iter().flatten() {
            context.set(key, context_value(value));
        }
        let identity = policies(&value["identity"]);
        let resource = policies(&value["resource_policy"]);
        let boundaries = policies(&value["boundaries"]);
        let session = policies(&value["session"]);
        let endpoint = policies(&value["endpoint"]);
        let (scps, rcps) = (levels(&value["scps"]), levels(&value["rcps"]));
        let (scps, rcps) = (named(&scps), named(&rcps));
        let scps: Vec<Level<'_>> = scps.iter().map(level).collect();
        let rcps: Vec<Level<'_>> = rcps.iter().map(level).collect();
        let grants: Vec<KmsGrant> =
            value["grants"].as_array().into_iter().flatten().map(kms_grant).collect();
        let layers = Layers {
            identity: &refs(&identity),
            resource: resource.first(),
            scps: &scps,
            rcps: &rcps,
            boundaries: &refs(&boundaries),
            session: session.first(),
            endpoint: &refs(&endpoint),
            management_account: value["management_account"].as_str(),
            block_public_access: BlockPublicAccess {
                restrict_public_buckets: value["restrict_public_buckets"] == true,
            },
            kms_grants: &grants,
            ..Layers::default()
        };
        let request = Request {
            principal: principal(&value["principal"]),
            action: value["action"].as_str().unwrap(),
            resource: value["resource"].as_str().unwrap(),
            resource_account: value["resource_account"].as_str(),
            context,
            overlap: value["overlap"] == true,
        };
        evaluate(&request, &layers)
    }

    pub(crate) fn outcome(&self) -> Outcome {
        self.decide().outcome
    }

    #[track_caller]
    pub(crate) fn is_allowed(&self) {
        let decision = self.decide();
        assert_eq!(decision.outcome, Outcome::Allowed, "{decision:?}");
        assert!(decision.blocked_by.is_empty());
    }

    #[track_caller]
    pub(crate) fn is_denied(&self, blocked_by: &[&str]) {
        self.is(Outcome::ImplicitlyDenied, blocked_by);
    }

    #[track_caller]
    pub(crate) fn is_explicitly_denied(&self, blocked_by: &[&str]) {
        self.is(Outcome::ExplicitlyDenied, blocked_by);
        assert!(!self.decide().statements.is_empty());
    }

    #[track_caller]
    fn is(&self, outcome: Outcome, blocked_by: &[&str]) {
        let decision = self.decide();
        assert_eq!(decision.outcome, outcome, "{decision:?}");
        let names: Vec<&str> = decision.blocked_by.iter().map(|layer| layer.name()).collect();
        assert_eq!(names, blocked_by);
    }
}

fn refs(policies: &[Policy]) -> Vec<&Policy> {
    policies.iter().collect()
}

fn named(levels: &[(String, Vec<Policy>)]) -> Vec<(&str, Vec<&Policy>)> {
    levels.iter().map(|(name, policies)| (name.as_str(), refs(policies))).collect()
}

fn level<'a>((name, policies): &'a (&'a str, Vec<&'a Policy>)) -> Level<'a> {
    Level { name, policies }
}

fn levels(value: &Value) -> Vec<(String, Vec<Policy>)> {
    let read =
        |level: &Value| (level["level"].as_str().unwrap().to_owned(), policies(&level["policies"]));
    value.as_array().into_iter().flatten().map(read).collect()
}

pub(crate) fn policies(value: &Value) -> Vec<Policy> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list.iter().flat_map(policies).collect(),
        one => vec![Policy::parse(&one.to_string()).unwrap()],
    }
}

pub(crate) fn principal(value: &Value) -> Principal {
    match (value.as_str(), value["service"].as_str(), value["federated"].as_str()) {
        (Some(arn), ..) => Principal::from_arn(arn),
        (_, Some(service), _) => Principal::Service(service.to_owned()),
        (.., Some(provider)) => Principal::Federated(provider.to_owned()),
        _ => Principal::Anonymous,
    }
}

fn kms_grant(value: &Value) -> KmsGrant {
    let operations = value["operations"].as_array().into_iter().flatten();
    KmsGrant {
        grantee: value["grantee"].as_str().unwrap().to_owned(),
        operations: operations.map(|name| name.as_str().unwrap().to_owned()).collect(),
        encryption_context_subset: pairs(&value["subset"]),
        encryption_context_equals: value["equals"].is_object().then(|| pairs(&value["equals"])),
    }
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    let pair = |(name, value): (&String, &Value)| (name.clone(), value.as_str().unwrap().into());
    value.as_object().into_iter().flatten().map(pair).collect()
}

fn context_value(value: &Value) -> ContextValue {
    match value {
        Value::Null => ContextValue::Unknown,
        Value::Array(values) => {
            ContextValue::Many(values.iter().map(|v| v.as_str().unwrap().to_owned()).collect())
        }
        Value::String(text) => ContextValue::One(text.clone()),
        other => ContextValue::One(other.to_string()),
    }
}
