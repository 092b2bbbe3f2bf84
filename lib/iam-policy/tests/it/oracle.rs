//! A second evaluator, slow and obvious: straight from JSON, with plain recursion and no compiled
//! form. It knows the parts that the property tests mix.

use serde_json::Value;

use crate::case::Case;

const ACCOUNT_AT: usize = 4;

/// Allowed, implicitly denied, explicitly denied.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Allowed,
    Silent,
    Denied,
}

fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    }
}

fn glob(pattern: &str, text: &str) -> bool {
    let mut pattern_chars = pattern.chars();
    match pattern_chars.next() {
        None => text.is_empty(),
        Some('*') => (0..=text.len())
            .filter(|at| text.is_char_boundary(*at))
            .any(|at| glob(pattern_chars.as_str(), &text[at..])),
        Some(wanted) => {
            let mut text_chars = text.chars();
            text_chars.next().is_some_and(|found| wanted == '?' || wanted == found)
                && glob(pattern_chars.as_str(), text_chars.as_str())
        }
    }
}

fn arn_glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<&str> = pattern.splitn(6, ':').collect();
    let text: Vec<&str> = text.splitn(pattern.len(), ':').collect();
    pattern == ["*"]
        || pattern.len() == text.len()
            && pattern.iter().zip(&text).all(|(pattern, text)| glob(pattern, text))
}

fn one_of(values: &Value, test: impl Fn(&str) -> bool) -> bool {
    list(values).iter().any(|value| test(value.as_str().unwrap()))
}

/// 0: not named, 1: its account, 2: the role behind it, 3: itself.
fn named(principals: &Value, caller: &str) -> u8 {
    if principals == "*" {
        return 3;
    }
    list(&principals["AWS"])
        .iter()
        .map(|entry| {
            let entry = entry.as_str().unwrap();
            let account = caller.split(':').nth(ACCOUNT_AT).unwrap();
            if entry == "*" || entry == caller {
                3
            } else if role_of(caller).is_some_and(|role| role == entry) {
                2
            } else {
                u8::from(entry == account)
            }
        })
        .max()
        .unwrap_or(0)
}

fn role_of(caller: &str) -> Option<String> {
    let role = caller.split(":assumed-role/").nth(1)?.split('/').next()?;
    let account = caller.split(':').nth(ACCOUNT_AT)?;
    Some(format!("arn:aws:iam::{account}:role/{role}"))
}

fn condition(operator: &str, wanted: &Value, found: &Value) -> bool {
    let (quantifier, base) = operator.split_once(':').unwrap_or(("", operator));
    let if_exists = base.ends_with("IfExists");
    let base = base.trim_end_matches("IfExists");
    let negated = base.contains("Not");
    let one = |value: &str| {
        let hit = one_of(wanted, |wanted| match base {
            "StringEquals" | "StringNotEquals" => wanted == value,
            _ => glob(wanted, value),
        });
        hit != negated
    };
    let values: Vec<&str> = list(found).iter().map(|value| value.as_str().unwrap()).collect();
    match (base, quantifier, values.as_slice()) {
        ("Null", _, values) => one_of(wanted, |asked| (asked == "true") == values.is_empty()),
        (_, "ForAllValues", values) => values.iter().all(|value| one(value)),
        (_, "ForAnyValue", []) => if_exists,
        (_, "ForAnyValue", values) => values.iter().any(|value| one(value)),
        (_, _, []) => if_exists || negated,
        (_, _, [value]) => one(value),
        _ => false,
    }
}

fn applies(statement: &Value, case: &Value) -> bool {
    let action = case["action"].as_str().unwrap().to_lowercase();
    let resource = case["resource"].as_str().unwrap();
    let does = |patterns: &Value| {
        one_of(patterns, |pattern| pattern == "*" || glob(&pattern.to_lowercase(), &action))
    };
    let about = |patterns: &Value| one_of(patterns, |pattern| arn_glob(pattern, resource));
    let action_fits = match statement.get("NotAction") {
        Some(not) => !does(not),
        None => does(&statement["Action"]),
    };
    let resource_fits = match statement.get("NotResource") {
        Some(not) => !about(not),
        None => about(&statement["Resource"]),
    };
    let conditions = statement["Condition"].as_object().into_iter().flatten();
    action_fits
        && resource_fits
        && conditions.into_iter().all(|(operator, keys)| {
            keys.as_object()
                .unwrap()
                .iter()
                .all(|(key, wanted)| condition(operator, wanted, &case["context"][key]))
        })
}

fn says(policies: &[&Value], effect: &str, case: &Value, at_least: Option<u8>) -> bool {
    let caller = case["principal"].as_str().unwrap();
    policies.iter().flat_map(|policy| list(&policy["Statement"])).any(|statement| {
        statement["Effect"] == effect
            && applies(statement, case)
            && at_least.is_none_or(|least| named(&statement["Principal"], caller) >= least)
    })
}

/// The whole decision, for callers that are users or sessions.
pub(crate) fn answer(case: &Case) -> Answer {
    let case = &case.value;
    let identity = list(&case["identity"]);
    let boundary = list(&case["boundaries"]);
    let session = list(&case["session"]);
    let resource = list(&case["resource_policy"]);
    let levels = list(&case["scps"]);
    let endpoint = list(&case["endpoint"]);
    let own: Vec<&Value> = identity.iter().chain(&boundary).chain(&session).copied().collect();
    let scp_denies = levels.iter().any(|level| says(&list(&level["policies"]), "Deny", case, None));
    // `RCPFullAWSAccess` is there at every level: what such policies allow changes nothing.
    let rcp_denies = list(&case["rcps"])
        .iter()
        .any(|level| says(&list(&level["policies"]), "Deny", case, Some(1)));
    if says(&own, "Deny", case, None)
        || says(&resource, "Deny", case, Some(1))
        || says(&endpoint, "Deny", case, Some(1))
        || scp_denies
        || rcp_denies
    {
        return Answer::Denied;
    }
    let scp_allows =
        levels.iter().all(|level| says(&list(&level["policies"]), "Allow", case, None));
    let within = |limit: &[&Value]| limit.is_empty() || says(limit, "Allow", case, None);
    let limits = within(&boundary) && within(&session);
    let allowed_by_own = says(&identity, "Allow", case, None) && limits;
    let by_resource = |least| says(&resource, "Allow", case, Some(least));
    let same = case["principal"].as_str().unwrap().split(':').nth(ACCOUNT_AT)
        == case["resource_account"].as_str();
    let allowed = if same {
        allowed_by_own || by_resource(3) || (by_resource(2) && limits)
    } else {
        allowed_by_own && by_resource(1)
    };
    let let_through = endpoint.is_empty() || says(&endpoint, "Allow", case, Some(1));
    if allowed && scp_allows && let_through { Answer::Allowed } else { Answer::Silent }
}
