//! Policies that nobody should send, given to `yagura access`: each is read or refused by name,
//! and no run hangs. Time is bounded by the runs' own limit and by the work that they report.

use serde_json::json;

use crate::program::{Home, Ran};

const READER: &str = "arn:aws:iam::444455556666:role/reader";

async fn lint(home: &Home, name: &str, bytes: &[u8]) -> Ran {
    let file = home.write(name, "");
    std::fs::write(&file, bytes).unwrap();
    home.run(&["access", "lint", file.to_str().unwrap(), "--format", "json"]).await
}

fn codes(ran: &Ran) -> Vec<String> {
    let mut codes: Vec<String> =
        ran.records().iter().map(|row| row["code"].as_str().unwrap().to_owned()).collect();
    codes.dedup();
    codes
}

#[tokio::test]
async fn a_review_of_anything_ends_with_a_word_on_it() {
    let home = Home::offline();
    let invalid = b"{\"Version\": \"2012-10-17\", \"Statement\": \xff\xfe}";
    let ran = lint(&home, "utf8.json", invalid).await.exits(2);
    assert!(ran.err.contains("utf8.json") && ran.err.contains("could not read"), "{}", ran.err);
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(codes(&lint(&home, "deep.json", deep.as_bytes()).await.exits(0)), ["not_a_policy"]);
    let deep = format!(r#"{{"Statement": [{deep}]}}"#);
    assert_eq!(
        codes(&lint(&home, "inside.json", deep.as_bytes()).await.exits(0)),
        ["not_a_policy"]
    );
    assert_eq!(codes(&lint(&home, "cut.json", b"{\"Statement\": [").await), ["not_a_policy"]);
    assert_eq!(codes(&lint(&home, "empty.json", b"").await), ["not_a_policy"]);

    let star = format!("arn:aws:s3:::{}b", "*a".repeat(50));
    let statements: Vec<_> = (0..10_000)
        .map(|at| {
            json!({"Sid": format!("S{at}"), "Effect": "Allow", "Action": "s3:GetObject",
                "Resource": star})
        })
        .collect();
    let long = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    assert!(long.len() > 1_000_000);
    let ran = lint(&home, "long.json", long.as_bytes()).await.exits(0);
    assert_eq!(codes(&ran), ["too_long"]);
    let actions: Vec<String> = (0..50_000).map(|at| format!("s3:Get*a*a*a*a*{at}")).collect();
    let many = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": actions, "Resource": "*"}});
    let ran = lint(&home, "many.json", many.to_string().as_bytes()).await.exits(0);
    assert_eq!(codes(&ran), ["too_long", "action_unknown"]);
}

#[tokio::test]
async fn cases_of_a_megabyte_are_decided() {
    let home = Home::offline();
    let stars = "*a".repeat(100);
    let statements: Vec<_> = (0..5_000)
        .map(|at| {
            json!({"Effect": "Allow", "Action": "s3:*",
                "Resource": format!("arn:aws:s3:::{stars}b{at}")})
        })
        .collect();
    let case = json!({
        "id": "long", "request": {"principal": READER, "action": "s3:GetObject",
            "resource": format!("arn:aws:s3:::{}", "a".repeat(1_000)),
            "resource_account": "444455556666", "context": {}},
        "identity_policies": [{"Version": "2012-10-17", "Statement": statements}],
        "resource_policy": null, "scps": [], "rcps": [], "permission_boundaries": null,
        "session_policy": null, "endpoint_policies": null,
    });
    let mut text = case.to_string();
    assert!(text.len() > 1_000_000);
    text.push_str("\n\u{0}\n{\"id\": \"deep\", \"request\": ");
    text.push_str(&"[".repeat(10_000));
    text.push('\n');
    let file = home.write("cases.jsonl", "");
    // The last line is no UTF-8.
    let bytes = [text.as_bytes(), b"{\"id\": \"\xff\xfe\"}\n"].concat();
    std::fs::write(&file, bytes).unwrap();
    let ran = home.run(&["access", "evaluate", "--cases", file.to_str().unwrap()]).await.exits(2);
    let answers = ran.records();
    assert_eq!(answers[0]["decision"], "ImplicitlyDenied");
    assert_eq!(answers.len(), 4, "{}", ran.out);
    assert!(answers[1..].iter().all(|answer| answer["error"].is_string()), "{}", ran.out);
}
