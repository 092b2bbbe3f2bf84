//! `yagura access generate`: what it writes, our own review has nothing to say about, with every
//! action of it known; wishes that no safe policy fulfils are refused with a remedy.
//! What the policies decide is proved in `yagura-analyze`.

use serde_json::Value;

use crate::program::{Home, Ran};

const READER: &str = "arn:aws:iam::444455556666:role/reader";
const WRITER: &str = "arn:aws:iam::444455556666:role/writer";
const KEEPER: &str = "arn:aws:iam::444455556666:role/keeper";
const HOME: [&str; 4] = ["--account", "444455556666", "--organization", "o-abcdefghij"];

async fn generate(home: &Home, arguments: &[&str]) -> Ran {
    home.run(&[&["access", "generate"], arguments, &HOME].concat()).await
}

#[tokio::test]
async fn every_kind_is_written_explained_and_sound() {
    let home = Home::offline();
    let who = ["--reader", READER, "--writer", WRITER, "--administrator", KEEPER];
    let resource = |start: &[&'static str]| [start, &who].concat();
    let (queue, topic) =
        ("arn:aws:sqs:us-east-1:444455556666:jobs", "arn:aws:sns:us-east-1:444455556666:news");
    let trust = |flags: &[&'static str]| [&["role-trust"], flags].concat();
    for (arguments, kind) in [
        (resource(&["bucket", "reports"]), "resource"),
        (resource(&["queue", queue]), "resource"),
        (resource(&["topic", topic]), "resource"),
        (resource(&["secret"]), "resource"),
        (vec!["key", "--administrator", KEEPER, "--user", READER, "--grants"], "resource"),
        (trust(&["--service", "codebuild.amazonaws.com"]), "trust"),
        (trust(&["--principal", "999988887777", "--with-external-id", "c0ffee"]), "trust"),
        (trust(&["--github", "acme/app", "--branch", "main"]), "trust"),
        (trust(&["--saml", "okta"]), "trust"),
        (trust(&["--permission-set", "Audit"]), "trust"),
        (trust(&["--oidc", "id.example.com", "--subject", "a", "--audience", "b"]), "trust"),
    ] {
        let ran = generate(&home, &arguments).await.exits(0);
        let policy: Value = serde_json::from_str(&ran.out).unwrap();
        for statement in policy["Statement"].as_array().unwrap() {
            let sid = statement["Sid"].as_str().unwrap();
            assert!(ran.err.contains(&format!("{sid}: ")), "{sid} is not explained: {}", ran.err);
        }
        assert!(!ran.err.contains("generate."), "a word is missing: {}", ran.err);
        let file = home.write("policy.json", &ran.out);
        let path = file.to_str().unwrap();
        let review = ["access", "lint", path, "--kind", kind, "--format", "json"];
        assert_eq!(home.run(&review).await.exits(0).out, "", "{arguments:?}");
        let japanese = generate(&home, &[&arguments[..], &["--lang", "ja"]].concat()).await;
        assert_eq!(japanese.exits(0).out, ran.out, "words change nothing in the policy");
    }
}

#[tokio::test]
async fn a_wish_that_no_safe_policy_fulfils_is_refused_with_a_remedy() {
    let home = Home::offline();
    let check = async |arguments: &[&str], wanted: &str| {
        let ran = generate(&home, arguments).await.exits(2);
        assert_eq!(ran.out, "", "nothing half written");
        assert!(ran.err.contains(wanted), "{arguments:?}: {}", ran.err);
    };
    check(&["bucket", "reports"], "nobody is named").await;
    check(&["bucket", "Reports", "--reader", READER], "a bucket's name must be exact").await;
    check(&["bucket", "reports", "--reader", "*"], "`*` is no account").await;
    check(&["key", "--administrator", KEEPER, "--user", KEEPER], "both administer").await;
    check(&["role-trust", "--github", "acme/app"], "--branch main").await;
    check(&["role-trust", "--github", "acme/*", "--branch", "main"], "must be exact").await;
    check(&["role-trust"], "--service").await;
    let mfa = ["role-trust", "--service", "ec2.amazonaws.com", "--mfa"];
    check(&mfa, "--mfa would be passed over").await;
    let queue = "arn:aws:sqs:us-east-1:111122223333:jobs";
    check(&["queue", queue, "--reader", READER], "no ARN of a queue of the account").await;
    let stranger = ["access", "generate", "role-trust", "--principal", "999988887777"];
    let ran = home.run(&[&stranger[..], &["--account", "444455556666"]].concat()).await.exits(2);
    assert!(ran.err.contains("needs an external id"), "{}", ran.err);
}
