//! Documents nobody should send, and what is said of them; bounded time whatever the size.

use std::fmt::Write as _;

use iam_policy::{Context, Layers, Outcome, Policy, Principal, Request, evaluate};

use crate::case::{ACCOUNT, USER};

fn refused(text: &str) -> String {
    Policy::parse(text).unwrap_err().to_string()
}

#[test]
fn what_is_no_policy_is_refused_with_its_place() {
    assert!(refused("{").starts_with("the policy is no JSON: EOF"));
    assert_eq!(refused("[]"), "the policy is no JSON object (line 1, column 1)");
    assert_eq!(refused("{}"), "the policy has no `Statement` (line 1, column 1)");
    let old = r#"{"Version": "2020-01-01", "Statement": []}"#;
    assert_eq!(refused(old), "there is no policy version `2020-01-01` (line 1, column 1)");
    let one = |statement: &str| refused(&format!("{{\"Statement\":\n{statement}}}"));
    assert_eq!(one("{}"), "the statement has no `Effect` (line 2, column 1)");
    assert_eq!(
        one(r#"{"Effect": "allow", "Action": "*"}"#),
        "`Effect` is `allow`, not Allow or Deny (line 2, column 12)"
    );
    assert_eq!(
        one(r#"{"Effect": "Allow", "Resource": "*"}"#),
        "the statement has neither `Action` nor `NotAction` (line 2, column 1)"
    );
    assert_eq!(
        one(r#"{"Effect": "Allow", "Action": "*", "NotAction": "*"}"#),
        "the statement has two `Action` (line 2, column 49)"
    );
    assert_eq!(
        one(r#"{"Effect": "Allow", "Action": [1]}"#),
        "`Action` is no text (line 2, column 32)"
    );
    assert_eq!(
        one(r#"{"Effect": "Allow", "Action": "*", "Condition": {"Bool": {"k": null}}}"#),
        "a condition value is a text, a number, true or false (line 2, column 64)"
    );
}

#[test]
fn what_is_odd_is_reported_and_the_rest_is_read() {
    let text = r#"{"Statement": {"Effect": "Allow", "Action": "s3", "Resource": "*", "Colour": 1},
        "Comment": "x"}"#;
    let policy = Policy::parse(text).unwrap();
    let said: Vec<String> =
        policy.problems.iter().map(|problem| problem.oddity.to_string()).collect();
    assert_eq!(
        said,
        [
            "`Comment` is no element of a policy",
            "the action `s3` matches nothing",
            "`Colour` is no element of a statement"
        ]
    );
}

#[test]
fn ten_thousand_statements_of_stars_are_decided_in_bounded_time() {
    let mut text = String::from(r#"{"Version": "2012-10-17", "Statement": ["#);
    let stars = "*a".repeat(100);
    for at in 0..10_000 {
        let comma = if at == 0 { "" } else { "," };
        write!(
            text,
            r#"{comma}{{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::{stars}b{at}"}}"#
        )
        .unwrap();
    }
    text.push_str("]}");
    assert!(text.len() > 1_000_000);
    let policy = Policy::parse(&text).unwrap();
    let resource = format!("arn:aws:s3:::{}", "a".repeat(200));
    let request = Request {
        principal: Principal::from_arn(USER),
        action: "s3:GetObject",
        resource: &resource,
        resource_account: Some(ACCOUNT),
        context: Context::new(),
        overlap: false,
    };
    let layers = Layers { identity: &[&policy], ..Layers::default() };
    assert_eq!(evaluate(&request, &layers).outcome, Outcome::ImplicitlyDenied);
}

/// How often the parser looks at its text is bounded: a thousand times the length takes about a
/// thousand times the work, whatever the document is made of.
#[test]
fn a_megabyte_of_anything_is_read_or_refused() {
    let many = |one: &str, count: usize| vec![one; count].join(",");
    let of_statement = |inner: String| {
        format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{inner}}}}}"#)
    };
    let actions = of_statement(format!(
        r#""Action":[{}],"Resource":"*""#,
        many(r#""s3:*a*a*a*a*b""#, 70_000)
    ));
    let unknown: Vec<String> = (0..60_000).map(|at| format!(r#""Element{at}":1"#)).collect();
    let unknown = of_statement(format!(r#""Action":"*","Resource":"*",{}"#, unknown.join(",")));
    let keys: Vec<String> = (0..40_000).map(|at| format!(r#""aws:TagKeys/{at}":"a""#)).collect();
    let keys = of_statement(format!(
        r#""Action":"*","Resource":"*","Condition":{{"StringLike":{{{}}}}}"#,
        keys.join(",")
    ));
    let variables = of_statement(format!(
        r#""Action":"*","Resource":"arn:aws:s3:::{}""#,
        "${aws:username}*".repeat(60_000)
    ));
    for (text, problems) in [(actions, 0), (unknown, 60_000), (keys, 0), (variables, 0)] {
        assert!(text.len() > 900_000, "{}", text.len());
        let policy = Policy::parse(&text).unwrap();
        assert_eq!(policy.problems.len(), problems);
        let outcome = decided(&policy);
        assert!(matches!(outcome, Outcome::Allowed | Outcome::ImplicitlyDenied), "{outcome:?}");
    }
    let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    assert!(refused(&deep).contains("no JSON"));
    let inside = format!(r#"{{"Statement": {deep}}}"#);
    assert!(!refused(&inside).is_empty());
    let odd = format!(r#"{{"Version": "2012-10-17", "Statement": [], "Deep": {deep}}}"#);
    let odd = Policy::parse(&odd);
    assert!(odd.is_err() || odd.is_ok_and(|policy| policy.problems.len() == 1));
}

/// One request, which a policy that reads allows or not.
fn decided(policy: &Policy) -> Outcome {
    let request = Request {
        principal: Principal::from_arn(USER),
        action: "s3:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
        resource: "arn:aws:s3:::mikamikamika",
        resource_account: Some(ACCOUNT),
        context: Context::new(),
        overlap: false,
    };
    evaluate(&request, &Layers { identity: &[policy], ..Layers::default() }).outcome
}

#[test]
fn places_are_right_however_long_the_lines_are() {
    let statements: Vec<String> = (0..2_000)
        .map(|at| format!(r#"{{"Sid":"名{at}","Effect":"Allow","Action":"*"}}"#))
        .collect();
    let one_line = format!(r#"{{"Statement":[{}]}}"#, statements.join(","));
    let policy = Policy::parse(&one_line).unwrap();
    let expected = |at: usize| {
        let before: usize = statements[..at].iter().map(|one| one.chars().count() + 1).sum();
        (1, u32::try_from(r#"{"Statement":["#.len() + before + 1).unwrap())
    };
    for at in [0, 1, 999, 1_999] {
        let position = policy.statements[at].position;
        assert_eq!((position.line, position.column), expected(at));
    }
    let lines = format!("{{\"Statement\":[\n{}]}}", statements.join(",\n"));
    let policy = Policy::parse(&lines).unwrap();
    let position = policy.statements[1_999].position;
    assert_eq!((position.line, position.column), (2_001, 1));
}

#[test]
fn a_review_of_a_megabyte_ends() {
    let actions: Vec<String> = (0..50_000).map(|at| format!(r#""s3:Get*{at}""#)).collect();
    let text = format!(
        r#"{{"Version":"2012-10-17",
            "Statement":{{"Effect":"Allow","Action":[{}],"Resource":"*"}}}}"#,
        actions.join(",")
    );
    let found = iam_policy::review(&text, iam_policy::PolicyKind::Identity, None);
    let codes: Vec<&str> = found.iter().map(|remark| remark.kind.code()).collect();
    assert_eq!(codes, ["too_long"]);
}
