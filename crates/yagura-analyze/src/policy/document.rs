//! Policy documents, read leniently: one or many, text or list, JSON text or parsed.
//! What a statement means for a fact is decided by the files beside this one.

use std::borrow::Cow;

use serde_json::Value;

use crate::read::as_list;

/// One statement of a policy.
#[derive(Debug)]
pub(crate) struct Statement<'d> {
    /// Its `Sid`, else its number from one.
    pub(crate) label: String,
    /// `Allow`, not `Deny`.
    pub(crate) allow: bool,
    /// Whether the principals are those that are *not* meant (`NotPrincipal`).
    pub(crate) principals_negated: bool,
    /// Kind (`AWS`, `Service`, `Federated`, `CanonicalUser`) and value; `("*", "*")` for `"*"`.
    pub(crate) principals: Vec<(&'d str, &'d str)>,
    /// Whether the actions are those that are *not* meant (`NotAction`).
    pub(crate) actions_negated: bool,
    /// Action patterns as written.
    pub(crate) actions: Vec<&'d str>,
    /// Whether the resources are those that are *not* meant (`NotResource`).
    pub(crate) resources_negated: bool,
    /// Resource patterns as written; empty in trust policies.
    pub(crate) resources: Vec<&'d str>,
    /// All of them must hold.
    pub(crate) conditions: Vec<Condition<'d>>,
}

/// One key of one operator block of a statement's `Condition`.
#[derive(Debug)]
pub(crate) struct Condition<'d> {
    /// `forallvalues`, `foranyvalue` or empty.
    pub(crate) qualifier: String,
    /// The operator in lower case, without qualifier and `IfExists`.
    pub(crate) operator: String,
    /// Whether a missing key satisfies it.
    pub(crate) if_exists: bool,
    /// The condition key in lower case.
    pub(crate) key: String,
    /// The values, of which one must match.
    pub(crate) values: Vec<Cow<'d, str>>,
}

/// Parses policy text where the document was left as text.
pub(crate) fn parsed(document: &Value) -> Result<Cow<'_, Value>, String> {
    match document {
        Value::String(text) => serde_json::from_str(text)
            .map(Cow::Owned)
            .map_err(|error| format!("the policy document is not JSON: {error}")),
        Value::Object(_) => Ok(Cow::Borrowed(document)),
        _ => Err("the policy document is not an object".to_owned()),
    }
}

/// The statements of a parsed document. A statement that AWS would not accept makes the whole
/// document unreadable: nothing is guessed about it.
pub(crate) fn statements(document: &Value) -> Result<Vec<Statement<'_>>, String> {
    as_list(document.get("Statement"))
        .iter()
        .enumerate()
        .map(|(at, statement)| read_statement(at + 1, statement))
        .collect()
}

fn read_statement(number: usize, statement: &Value) -> Result<Statement<'_>, String> {
    let sid = statement.get("Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty());
    let label = sid.map_or_else(|| format!("statement {number}"), |sid| format!("`{sid}`"));
    let broken = |what: &str| format!("{what} of statement {number} of the policy is not readable");
    let allow = match statement.get("Effect").and_then(Value::as_str) {
        Some("Allow") => true,
        Some("Deny") => false,
        _ => return Err(broken("the effect")),
    };
    let (principals_negated, principals) = match statement.get("NotPrincipal") {
        Some(principal) => (true, read_principals(principal)),
        None => (false, statement.get("Principal").map_or(Some(Vec::new()), read_principals)),
    };
    let texts = |name: &str, negative: &str| -> Option<(bool, Vec<&str>)> {
        let (negated, value) = match statement.get(negative) {
            Some(value) => (true, Some(value)),
            None => (false, statement.get(name)),
        };
        let texts = as_list(value).iter().map(Value::as_str).collect::<Option<_>>()?;
        Some((negated, texts))
    };
    let (actions_negated, actions) =
        texts("Action", "NotAction").ok_or_else(|| broken("an action"))?;
    let (resources_negated, resources) =
        texts("Resource", "NotResource").ok_or_else(|| broken("a resource"))?;
    Ok(Statement {
        label,
        allow,
        principals_negated,
        principals: principals.ok_or_else(|| broken("the principal"))?,
        actions_negated,
        actions,
        resources_negated,
        resources,
        conditions: read_conditions(statement.get("Condition"))
            .ok_or_else(|| broken("the condition"))?,
    })
}

fn read_principals(principal: &Value) -> Option<Vec<(&str, &str)>> {
    match principal {
        Value::String(all) if all == "*" => Some(vec![("*", "*")]),
        Value::Object(kinds) => kinds
            .iter()
            .flat_map(|(kind, values)| as_list(Some(values)).iter().map(move |v| (kind, v)))
            .map(|(kind, value)| Some((kind.as_str(), value.as_str()?)))
            .collect(),
        _ => None,
    }
}

fn read_conditions(block: Option<&Value>) -> Option<Vec<Condition<'_>>> {
    let mut conditions = Vec::new();
    let Some(block) = block.filter(|block| !block.is_null()) else { return Some(conditions) };
    for (operator, keys) in block.as_object()? {
        let lower = operator.to_ascii_lowercase();
        let (qualifier, name) = lower.split_once(':').unwrap_or(("", &lower));
        let bare = name.strip_suffix("ifexists");
        for (key, values) in keys.as_object()? {
            conditions.push(Condition {
                qualifier: qualifier.to_owned(),
                operator: bare.unwrap_or(name).to_owned(),
                if_exists: bare.is_some(),
                key: key.to_ascii_lowercase(),
                values: as_list(Some(values)).iter().map(scalar).collect::<Option<_>>()?,
            });
        }
    }
    Some(conditions)
}

fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(_) | Value::Number(_) => Some(Cow::Owned(value.to_string())),
        _ => None,
    }
}

/// Whether an IAM pattern (`*` any run, `?` any one character) matches a text.
/// Runs in time proportional to the product of the lengths; `*` does not nest.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(b'?') => {
                p += 1;
                t += 1;
            }
            Some(byte) if Some(byte) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after, from)) = star else { return false };
                star = Some((after, from + 1));
                p = after;
                t = from + 1;
            }
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

impl Statement<'_> {
    /// Whether the statement speaks about everyone.
    pub(crate) fn is_about_everyone(&self) -> bool {
        self.principals_negated || self.principals.iter().any(|(kind, value)| everyone(kind, value))
    }

    /// Whether it covers an action (`s3:GetObject`). Actions compare without regard to case.
    pub(crate) fn covers_action(&self, action: &str) -> bool {
        let action = action.to_ascii_lowercase();
        let named = self.actions.iter().any(|pattern| glob(&pattern.to_ascii_lowercase(), &action));
        named != self.actions_negated
    }

    /// Whether it covers every action there is, by name.
    pub(crate) fn covers_all_actions(&self) -> bool {
        !self.actions_negated && self.actions.iter().any(|action| matches!(*action, "*" | "*:*"))
    }

    /// Whether it covers every action of a service, by name.
    pub(crate) fn covers_service(&self, service: &str) -> bool {
        let whole = |action: &&str| {
            action.split_once(':').is_some_and(|(prefix, name)| {
                prefix.eq_ignore_ascii_case(service)
                    && !name.is_empty()
                    && name.bytes().all(|byte| byte == b'*')
            })
        };
        self.covers_all_actions() || (!self.actions_negated && self.actions.iter().any(whole))
    }

    /// Whether it covers every resource, by name.
    pub(crate) fn covers_all_resources(&self) -> bool {
        !self.resources_negated
            && self
                .resources
                .iter()
                .any(|pattern| !pattern.is_empty() && pattern.bytes().all(|byte| byte == b'*'))
    }
}

/// `"*"`, `{"AWS": "*"}`, any kind with `*`, or an ARN whose account is a wildcard (AWS refuses
/// most of those, but what it once accepted stands).
fn everyone(kind: &str, value: &str) -> bool {
    value == "*"
        || (kind == "AWS"
            && value.starts_with("arn:")
            && value.split(':').nth(4).is_some_and(|account| account.contains('*')))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_statement_reads_like_a_list_of_one() {
        let one = json!({"Statement": {"Effect": "Allow", "Action": "a:B", "Resource": ["*"]}});
        let read = statements(&one).unwrap();
        assert_eq!(read.len(), 1);
        assert!(read[0].covers_action("A:b") && read[0].covers_all_resources());
        assert!(!read[0].covers_action("a:Bc"));
    }

    #[test]
    fn what_is_not_a_policy_is_refused_and_not_read_as_empty() {
        for document in [json!("{"), json!(1), json!([])] {
            assert!(parsed(&document).is_err(), "{document}");
        }
        for statement in [
            json!({"Effect": "allow"}),
            json!({"Action": "*"}),
            json!({"Effect": "Allow", "Action": [1]}),
            json!({"Effect": "Allow", "Principal": {"AWS": [{}]}}),
            json!({"Effect": "Allow", "Principal": "arn"}),
            json!({"Effect": "Allow", "Condition": []}),
            json!({"Effect": "Allow", "Condition": {"Bool": {"a": {}}}}),
            json!("x"),
        ] {
            let document = json!({"Statement": [statement]});
            assert!(statements(&document).is_err(), "{document}");
        }
    }

    #[test]
    fn operators_lose_qualifier_and_suffix() {
        let document = json!({"Statement": [{
            "Effect": "Deny",
            "Condition": {"ForAllValues:StringLikeIfExists": {"aws:TagKeys": [true, 1, "x"]}},
        }]});
        let read = statements(&document).unwrap();
        let condition = &read[0].conditions[0];
        assert_eq!(condition.qualifier, "forallvalues");
        assert_eq!(condition.operator, "stringlike");
        assert!(condition.if_exists);
        assert_eq!(condition.values, ["true", "1", "x"]);
    }

    #[test]
    fn globs_match_as_iam_does() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*a*", "banana", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
