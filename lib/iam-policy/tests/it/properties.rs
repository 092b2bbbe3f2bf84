//! Whatever is mixed: the engine agrees with the obvious evaluator, and what is unknown only ever
//! leaves a question open, never turns an answer.

use iam_policy::Outcome;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use crate::case::*;
use crate::oracle::{Answer, answer};

fn conditions() -> impl Strategy<Value = Value> {
    let operator = select(vec![
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringNotLike",
        "StringEqualsIfExists",
        "StringNotEqualsIfExists",
        "ForAllValues:StringEquals",
        "ForAllValues:StringNotLike",
        "ForAnyValue:StringLike",
        "ForAnyValue:StringNotEquals",
        "ForAnyValue:StringEqualsIfExists",
        "Null",
    ]);
    let key = select(vec!["app:a", "app:b"]);
    let one = (operator, key, subsequence(vec!["x", "y", "x*", "?"], 1..3), any::<bool>());
    prop::collection::vec(one, 0..3).prop_map(|list| {
        let mut conditions = Map::new();
        for (operator, key, values, null) in list {
            let value = match operator {
                "Null" => json!(null.to_string()),
                _ => json!(values),
            };
            conditions.insert(operator.to_owned(), json!({key: value}));
        }
        Value::Object(conditions)
    })
}

fn one_statement(principals: bool) -> impl Strategy<Value = Value> {
    let actions = subsequence(vec!["s3:GetObject", "s3:Get*", "ec2:*", "*", "s3:Put?bject"], 1..3);
    let resources = subsequence(
        vec![OBJECT, "arn:aws:s3:::reports/*", "*", "arn:aws:s3:::*6.csv", "arn:aws:sqs:*"],
        1..3,
    );
    let names = subsequence(vec![USER, ROLE, SESSION, ACCOUNT, OTHER, "*"], 1..3);
    let effect = prop_oneof![3 => Just("Allow"), 1 => Just("Deny")];
    let not = (prop::bool::weighted(0.1), prop::bool::weighted(0.1));
    (effect, actions, resources, names, conditions(), not).prop_map(
        move |(effect, actions, resources, names, conditions, (not_action, not_resource))| {
            let mut statement = json!({"Effect": effect, "Condition": conditions});
            let action = if not_action { "NotAction" } else { "Action" };
            let resource = if not_resource { "NotResource" } else { "Resource" };
            statement[action] = json!(actions);
            statement[resource] = json!(resources);
            if principals {
                statement["Principal"] = json!({"AWS": names});
            }
            statement
        },
    )
}

fn policy(principals: bool) -> impl Strategy<Value = Value> {
    prop::collection::vec(one_statement(principals), 1..4)
        .prop_map(|statements| json!({"Version": "2012-10-17", "Statement": statements}))
}

/// A policy of the kinds whose statements speak of everybody.
fn policy_for_all() -> impl Strategy<Value = Value> {
    policy(false).prop_map(|mut policy| {
        for statement in policy["Statement"].as_array_mut().into_iter().flatten() {
            statement["Principal"] = json!("*");
        }
        policy
    })
}

fn maybe(policy: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop_oneof![2 => Just(Value::Null), 1 => policy]
}

fn cases() -> impl Strategy<Value = Case> {
    let caller = select(vec![USER, SESSION, "arn:aws:iam::444455556666:user/far"]);
    let values = prop_oneof![
        Just(Value::Null),
        select(vec!["x", "y", "z"]).prop_map(|value| json!(value)),
        subsequence(vec!["x", "y", "z"], 0..4).prop_map(|values| json!(values)),
    ];
    let scps = prop::collection::vec(prop::collection::vec(policy(false), 1..3), 0..3);
    let rcps = prop::collection::vec(prop::collection::vec(policy_for_all(), 1..3), 0..2);
    let others = (maybe(policy(false)), maybe(policy(false)), maybe(policy(true)), scps);
    let around = (rcps, maybe(policy_for_all()));
    let context = (values.clone(), values);
    (caller, prop::collection::vec(policy(false), 0..3), others, around, context).prop_map(
        |(caller, identity, (boundary, session, resource, scps), (rcps, endpoint), (a, b))| {
            let mut context = Map::new();
            for (key, value) in [("app:a", a), ("app:b", b)] {
                if !value.is_null() {
                    context.insert(key.to_owned(), value);
                }
            }
            let levels = |levels: Vec<Vec<Value>>| -> Vec<Value> {
                let level = |policies| json!({"level": "one", "policies": policies});
                levels.into_iter().map(level).collect()
            };
            case(caller)
                .with("identity", identity)
                .with("boundaries", boundary)
                .with("session", session)
                .with("resource_policy", resource)
                .with("scps", levels(scps))
                .with("rcps", levels(rcps))
                .with("endpoint", endpoint)
                .with("context", context)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_the_obvious_evaluator(case in cases()) {
        let wanted = match answer(&case) {
            Answer::Allowed => Outcome::Allowed,
            Answer::Silent => Outcome::ImplicitlyDenied,
            Answer::Denied => Outcome::ExplicitlyDenied,
        };
        prop_assert_eq!(case.outcome(), wanted);
    }

    #[test]
    fn what_is_certain_with_a_key_unknown_holds_for_every_value_of_it(
        case in cases(), value in select(vec!["x", "y", "z", ""])
    ) {
        let open = case.clone().key("app:a", Value::Null).outcome();
        let closed = match value {
            "" => {
                let mut closed = case;
                if let Some(context) = closed.value["context"].as_object_mut() {
                    context.remove("app:a");
                }
                closed
            }
            value => case.key("app:a", value),
        };
        if open != Outcome::Depends {
            let closed = closed.outcome();
            let allowed = (open == Outcome::Allowed, closed == Outcome::Allowed);
            prop_assert_eq!(allowed.0, allowed.1, "{:?} then {:?}", open, closed);
        }
    }

    #[test]
    fn a_deny_never_opens_anything(case in cases(), added in one_statement(false)) {
        let mut more = case.clone();
        let mut denying = added;
        denying["Effect"] = json!("Deny");
        let identity = more.value["identity"].as_array_mut().unwrap();
        identity.push(json!({"Version": "2012-10-17", "Statement": denying}));
        if case.outcome() != Outcome::Allowed {
            prop_assert_ne!(more.outcome(), Outcome::Allowed);
        }
    }

    #[test]
    fn any_text_is_a_policy_or_is_refused(text in "\\PC{0,80}") {
        let _ = iam_policy::Policy::parse(&text).map_err(|error| error.to_string());
    }
}
