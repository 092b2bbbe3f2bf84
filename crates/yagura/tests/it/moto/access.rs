//! Who can do what in an organization of moto: what was written there is what is answered here.
//! The rules of evaluation are proved in `iam-policy`.

use serde_json::{Value, json};
use yagura_testkit::moto::MOTO_ACCOUNT;
use yagura_testkit::writer::Writer;

use super::{Ground, write};
use crate::program::{Home, Ran};

fn document(statements: Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn allow(action: Value, resource: &str) -> Value {
    json!({"Sid": "Given", "Effect": "Allow", "Action": action, "Resource": resource})
}

fn trusting(principal: Value) -> String {
    document(json!([{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]))
}

async fn user(writer: &Writer, name: &str, statements: Value) {
    write(writer, "iam:CreateUser", json!({"UserName": name})).await;
    let policy =
        json!({"UserName": name, "PolicyName": "own", "PolicyDocument": document(statements)});
    write(writer, "iam:PutUserPolicy", policy).await;
}

async fn role(writer: &Writer, name: &str, trust: Value, statements: Value) {
    let made = json!({"RoleName": name, "AssumeRolePolicyDocument": trusting(trust)});
    write(writer, "iam:CreateRole", made).await;
    let policy =
        json!({"RoleName": name, "PolicyName": "own", "PolicyDocument": document(statements)});
    write(writer, "iam:PutRolePolicy", policy).await;
}

async fn bucket(writer: &Writer, name: &str, statements: Value) {
    write(writer, "s3:CreateBucket", json!({"Bucket": name})).await;
    let policy = json!({"Bucket": name, "Policy": document(statements)});
    write(writer, "s3:PutBucketPolicy", policy).await;
}

/// The id of a new member with people, roles and a bucket, under a policy of the organization.
async fn organization(ground: &Ground) -> (String, Writer) {
    let all = json!({"FeatureSet": "ALL"});
    write(&ground.writer, "organizations:CreateOrganization", all).await;
    let member = json!({"Email": "shop@example.com", "AccountName": "shop"});
    let made = write(&ground.writer, "organizations:CreateAccount", member).await;
    let account = made["CreateAccountStatus"]["AccountId"].as_str().unwrap().to_owned();
    let roots = write(&ground.writer, "organizations:ListRoots", json!({})).await;
    let root = roots["Roots"][0]["Id"].clone();
    let kind = json!({"RootId": root, "PolicyType": "SERVICE_CONTROL_POLICY"});
    write(&ground.writer, "organizations:EnablePolicyType", kind).await;
    let never = json!([{"Sid": "KeepBuckets", "Effect": "Deny", "Action": "s3:DeleteBucket",
        "Resource": "*"}]);
    let policy = json!({"Name": "keep-buckets", "Description": "kept",
        "Type": "SERVICE_CONTROL_POLICY", "Content": document(never)});
    let made = write(&ground.writer, "organizations:CreatePolicy", policy).await;
    let id = made["Policy"]["PolicySummary"]["Id"].clone();
    let target = json!({"PolicyId": id, "TargetId": account});
    write(&ground.writer, "organizations:AttachPolicy", target).await;
    let writer = ground.writer.account(&account).await.unwrap();
    (account, writer)
}

async fn populate(writer: &Writer, account: &str) {
    let arn = |rest: &str| format!("arn:aws:iam::{account}:{rest}");
    let objects = "arn:aws:s3:::ledger/*";
    user(writer, "alice", json!([allow(json!("s3:*"), objects)])).await;
    let mfa = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": objects,
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}});
    user(writer, "bob", json!([mfa, allow(json!(["iam:PassRole", "lambda:*"]), "*")])).await;
    role(
        writer,
        "admin",
        json!({"Service": "lambda.amazonaws.com"}),
        json!([allow(json!("*"), "*")]),
    )
    .await;
    // Each may become the next, and the last the first.
    for (name, next) in [("ring-a", "ring-b"), ("ring-b", "ring-c"), ("ring-c", "ring-a")] {
        let before = match name {
            "ring-a" => "ring-c",
            "ring-b" => "ring-a",
            _ => "ring-b",
        };
        let trust = json!({"AWS": format!("arn:aws:iam::{account}:role/{before}")});
        // The principal of a trust policy must exist; moto does not ask.
        let next = arn(&format!("role/{next}"));
        role(writer, name, trust, json!([allow(json!("sts:AssumeRole"), &next)])).await;
    }
    let statements = json!([
        {"Sid": "Partner", "Effect": "Allow", "Principal": {"AWS": "999988887777"},
         "Action": "s3:GetObject", "Resource": objects},
        {"Sid": "NotAlice", "Effect": "Deny", "Principal": {"AWS": arn("user/alice")},
         "Action": "s3:DeleteObject", "Resource": objects}]);
    bucket(writer, "ledger", statements).await;
}

async fn ask(home: &Home, arguments: &[&str]) -> Ran {
    home.run(&[&["access"], arguments, &["--format", "json"]].concat()).await
}

#[tokio::test]
async fn what_was_written_in_an_organization_is_what_is_answered() {
    let ground = Ground::start().await;
    let (account, writer) = organization(&ground).await;
    populate(&writer, &account).await;
    let home = Home::before(&ground.moto.url());
    home.scan(&["--full"]).await;
    let user = |name: &str| format!("arn:aws:iam::{account}:user/{name}");
    let (alice, bob) = (user("alice"), user("bob"));
    let object = "arn:aws:s3:::ledger/2026.csv";

    let check = async |who: &str, action: &str, resource: &str, verdict: &str, by: &str| {
        let answer = ask(&home, &["can", who, action, resource]).await.records().remove(0);
        assert_eq!(answer["verdict"], verdict, "{answer}");
        assert!(answer.to_string().contains(by), "{by} is not in {answer}");
    };
    check(&alice, "s3:GetObject", object, "allowed", "Given").await;
    check(&alice, "s3:DeleteObject", object, "denied", "NotAlice").await;
    check(&bob, "s3:GetObject", object, "depends", "aws:MultiFactorAuthPresent").await;
    check(&bob, "s3:PutObject", object, "denied", "identity").await;
    let admin = format!("arn:aws:iam::{account}:role/admin");
    check(&admin, "s3:DeleteBucket", "arn:aws:s3:::ledger", "denied", "keep-buckets").await;
    check(&admin, "s3:PutBucketPolicy", "arn:aws:s3:::ledger", "allowed", "own").await;

    let asked = ["access", "explain", &admin, "s3:DeleteBucket", "arn:aws:s3:::ledger"];
    let told = home.run(&asked).await.exits(0).out;
    assert!(told.contains("denied by service control policy `keep-buckets`"), "{told}");
    assert!(told.contains("statement 1 `KeepBuckets`"), "{told}");

    let found = ask(&home, &["who-can", "s3:GetObject", object]).await.exits(0).records();
    let name = |one: &Value| one["principal"].as_str().unwrap().to_owned();
    let outside: Vec<String> = found.iter().filter(|it| it["inside"] == false).map(name).collect();
    assert_eq!(outside, ["arn:aws:iam::999988887777:root"]);
    let inside: Vec<String> = found.iter().filter(|it| it["inside"] == true).map(name).collect();
    for expected in [&admin, &alice, &bob] {
        assert!(inside.contains(expected), "{expected} is not in {inside:?}");
    }
    assert!(!inside.iter().any(|arn| arn.contains("ring-")), "{inside:?}");

    let rows = ask(&home, &["principal", &bob]).await.records();
    let lambda = rows.iter().find(|row| row["service"] == "lambda").unwrap();
    assert_eq!(lambda["write"].as_u64().map(|writes| writes > 10), Some(true), "{lambda}");
    assert!(rows.iter().all(|row| row["service"] != "dynamodb"));
    escalations(&home, &bob, &account).await;
    remarks(&home, MOTO_ACCOUNT).await;
}

/// Bob hands the administrator's role to a function; the ring of roles leads nowhere, and ends.
async fn escalations(home: &Home, bob: &str, account: &str) {
    let paths = ask(home, &["escalations"]).await.records();
    let own: Vec<&Value> = paths.iter().filter(|path| path["principal"] == bob).collect();
    assert_eq!(own.len(), 1, "{paths:?}");
    assert!(own[0].to_string().contains("iam:PassRole"), "{}", own[0]);
    assert!(!paths.iter().any(|path| path["principal"].to_string().contains("ring-")));
    // From each of the ring every other one is reached, and what nobody can do is found nowhere.
    let ring = |name: &str| format!("arn:aws:iam::{account}:role/{name}");
    let target = ring("ring-a");
    let becoming = ["escalations", "--action", "sts:AssumeRole", "--resource", target.as_str()];
    let paths = ask(home, &becoming).await.records();
    let from: Vec<&str> = paths.iter().filter_map(|path| path["principal"].as_str()).collect();
    assert!(from.contains(&ring("ring-a").as_str()), "{from:?}");
}

/// The review of what is in force names policies by their resource.
async fn remarks(home: &Home, management: &str) {
    let rows = ask(home, &["lint", "--least", "security"]).await.exits(0).records();
    let coded: Vec<(&str, &str)> = rows
        .iter()
        .map(|row| (row["code"].as_str().unwrap(), row["of"].as_str().unwrap()))
        .collect();
    let has = |code: &str, of: &str| coded.iter().any(|(c, o)| *c == code && o.contains(of));
    assert!(has("everything_allowed", "role/admin"), "{coded:?}");
    assert!(has("pass_role_anywhere", "user/bob"), "{coded:?}");
    assert!(!coded.iter().any(|(_, of)| of.contains("user/alice") && of.contains(management)));
}

#[tokio::test]
async fn a_generated_policy_is_taken_by_the_server_and_keeps_others_out() {
    let ground = Ground::start().await;
    let (account, writer) = organization(&ground).await;
    populate(&writer, &account).await;
    let alice = format!("arn:aws:iam::{account}:user/alice");
    let home = Home::before(&ground.moto.url());
    let generated = home
        .run(&["access", "generate", "bucket", "ledger", "--account", &account, "--reader", &alice])
        .await
        .exits(0);
    assert!(generated.err.contains("DenyPlainText: "), "{}", generated.err);
    let policy = json!({"Bucket": "ledger", "Policy": generated.out});
    write(&writer, "s3:PutBucketPolicy", policy).await;
    home.scan(&["--full"]).await;
    let tls = ["--context", "aws:SecureTransport=true", "--context", "s3:TlsVersion=1.3"];
    let verdict = async |who: &str, action: &str| {
        let object = "arn:aws:s3:::ledger/2026.csv";
        let asked = [&["can", who, action, object][..], &tls].concat();
        ask(&home, &asked).await.records().remove(0)["verdict"].clone()
    };
    let admin = format!("arn:aws:iam::{account}:role/admin");
    assert_eq!(verdict(&alice, "s3:GetObject").await, "allowed");
    assert_eq!(verdict(&alice, "s3:PutObject").await, "denied");
    assert_eq!(verdict(&admin, "s3:GetObject").await, "denied");
    let found = ask(&home, &["who-can", "s3:GetObject", "arn:aws:s3:::ledger/2026.csv"]).await;
    let who: Vec<Value> = found.records().iter().map(|one| one["principal"].clone()).collect();
    assert_eq!(who, [json!(alice)]);
}
