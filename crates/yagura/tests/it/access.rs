//! `yagura access`: who can do what in the sample organization, and batches of cases.
//! The rules of evaluation are proved in `iam-policy`.

use serde_json::{Value, json};

use crate::prepared;
use crate::program::{Home, Ran};

const ADMINISTRATOR: &str = "arn:aws:iam::444455556666:role/aws-reserved/sso.amazonaws.com/\
                             ap-northeast-1/AWSReservedSSO_AdministratorAccess_47ed33a696785495";

async fn demo() -> Home {
    prepared::demo().await.0
}

async fn ask(home: &Home, arguments: &[&str]) -> Ran {
    let data = home.data().join("demo");
    home.run(&[&["access"], arguments, &["--data-dir", data.to_str().unwrap()]].concat()).await
}

#[tokio::test]
async fn an_administrator_is_stopped_by_the_organization_only() {
    let home = demo().await;
    let ran = ask(&home, &["can", ADMINISTRATOR, "ec2:DescribeInstances", "--format", "json"]);
    let answer = ran.await.exits(0).records().remove(0);
    assert_eq!(answer["verdict"], "allowed", "{answer}");
    assert_eq!(answer["statements"][0]["policy"], "AdministratorAccess");
    let ran = ask(&home, &["can", ADMINISTRATOR, "organizations:LeaveOrganization"]);
    let said = ran.await.exits(0).out;
    assert!(said.starts_with("denied: "), "{said}");
    assert!(said.contains("denied by service control policy `deny-leaving`"), "{said}");
    let ran =
        ask(&home, &["can", ADMINISTRATOR, "organizations:LeaveOrganization", "--lang", "ja"]);
    let said = ran.await.exits(0).out;
    assert!(
        said.starts_with("拒否: ") && said.contains("サービスコントロールポリシー「deny-leaving」")
    );
}

#[tokio::test]
async fn whoever_may_pass_any_role_is_listed() {
    let home = demo().await;
    let ran = ask(&home, &["who-can", "iam:PassRole", ADMINISTRATOR, "--format", "json"]).await;
    let found = ran.records();
    assert!(found.iter().any(|one| one["principal"] == ADMINISTRATOR), "{}", ran.out);
    assert!(found.iter().all(|one| one["verdict"] != "denied"));
}

#[tokio::test]
async fn what_a_principal_may_do_is_counted_by_service() {
    let home = demo().await;
    let ran = ask(&home, &["principal", ADMINISTRATOR, "--format", "json"]).await;
    let rows = ran.records();
    let iam = rows.iter().find(|row| row["service"] == "iam").unwrap();
    assert!(iam["permissions"].as_u64().unwrap() > 10, "{iam}");
    let last = rows.last().unwrap();
    let changing = last["permissions_management"].as_array().unwrap();
    assert!(changing.contains(&json!("iam:AttachRolePolicy")), "{last}");
}

#[tokio::test]
async fn a_question_that_makes_no_sense_says_what_would() {
    let home = demo().await;
    let check = async |arguments: &[&str], wanted: &str| {
        let ran = ask(&home, arguments).await.exits(2);
        assert!(ran.err.contains(wanted), "{}", ran.err);
    };
    check(&["can", ADMINISTRATOR, "s3:Fly", "x"], "`s3:Fly` is no IAM action").await;
    check(&["can", ADMINISTRATOR, "s3:GetObject"], "name which one").await;
    let nobody = "arn:aws:iam::444455556666:role/nobody";
    check(&["can", nobody, "ec2:DescribeInstances"], "no user or role of the inventory").await;
}

#[tokio::test]
async fn cases_are_decided_line_by_line_and_a_broken_one_stops_no_other() {
    let home = Home::offline();
    let allow = json!({"Version": "2012-10-17", "Statement": {
        "Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}});
    let case = |id: &str, action: &str, resource: &str| {
        json!({
            "id": id,
            "request": {
                "principal": "arn:aws:iam::111122223333:user/mika", "action": action,
                "resource": resource, "resource_account": "111122223333",
                "context": {"aws:SourceIp": "198.51.100.7", "aws:TagKeys": ["a"]}},
            "identity_policies": [allow], "resource_policy": null,
            "scps": [], "rcps": [], "permission_boundaries": [], "session_policy": null,
            "endpoint_policies": null,
        })
    };
    let mut bounded = case("bounded", "s3:GetObject", "arn:aws:s3:::reports/a");
    bounded["permission_boundaries"] = json!([{"Statement": []}]);
    let mut odd = case("odd", "s3:GetObject", "arn:aws:s3:::reports/a");
    odd["identity_policies"] = json!([{"Statement": {"Effect": "Maybe"}}]);
    let lines: Vec<String> = [
        case("yes", "s3:GetObject", "arn:aws:s3:::reports/a"),
        case("no", "s3:PutObject", "arn:aws:s3:::reports/a"),
        odd,
        bounded,
    ]
    .iter()
    .map(Value::to_string)
    .collect();
    let file = home.write("cases.jsonl", &lines.join("\n"));
    let ran = home.run(&["access", "evaluate", "--cases", file.to_str().unwrap()]).await.exits(2);
    let answers = ran.records();
    let decisions: Vec<(&str, &Value)> = answers
        .iter()
        .map(|answer| (answer["id"].as_str().unwrap(), &answer["decision"]))
        .collect();
    assert_eq!(decisions[0], ("yes", &json!("Allowed")));
    assert_eq!(decisions[1], ("no", &json!("ImplicitlyDenied")));
    assert_eq!(answers[1]["blocked_by"], json!(["identity"]));
    assert_eq!(answers[0]["statements"][0]["sid"], "Read");
    assert!(answers[2]["error"].as_str().unwrap().contains("`Effect` is `Maybe`"));
    assert_eq!(answers[2]["line"], 3);
    assert_eq!(answers[3]["blocked_by"], json!(["boundary"]));
}

#[tokio::test]
async fn ways_to_power_are_told_with_proof_and_cut() {
    let home = demo().await;
    let ran = ask(&home, &["escalations", "--format", "json"]).await;
    let paths = ran.records();
    assert!(!paths.is_empty(), "{}", ran.err);
    for path in &paths {
        let hops = path["hops"].as_array().unwrap();
        assert!(!hops.is_empty(), "{path}");
        for hop in hops {
            let proofs = hop["proofs"].as_array().unwrap();
            assert!(!proofs.is_empty(), "{hop}");
            assert!(proofs.iter().all(|proof| proof["verdict"] != "denied"), "{hop}");
        }
    }
    assert!(paths.iter().all(|path| path["principal"] != ADMINISTRATOR), "{}", ran.out);
    let from = paths[0]["principal"].as_str().unwrap();
    let told = ask(&home, &["escalations", "--from", from]).await.out;
    assert!(told.starts_with(from) && told.contains("1. "), "{told}");
    let told = ask(&home, &["escalations", "--from", from, "--lang", "ja"]).await.out;
    assert!(told.contains("ロール") || told.contains("ポリシー"), "{told}");
}

#[tokio::test]
async fn policies_are_reviewed_before_they_are_in_force() {
    let home = Home::offline();
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["iam:PassRole", "s3:Fly"], "Resource": "*"}]});
    let file = home.data().join("policy.json");
    std::fs::create_dir_all(home.data()).unwrap();
    std::fs::write(&file, policy.to_string()).unwrap();
    let path = file.to_str().unwrap();
    let lint = ["access", "lint", path, "--format", "json", "--fail-on", "error"];
    let codes: Vec<Value> =
        home.run(&lint).await.exits(1).records().iter().map(|row| row["code"].clone()).collect();
    assert_eq!(codes, ["action_unknown", "pass_role_anywhere"]);
    let japanese = [&lint[..], &["--lang", "ja"]].concat();
    assert_eq!(home.run(&japanese).await.out, home.run(&lint).await.out);
    let only = ["access", "lint", path, "--least", "error", "--lang", "ja"];
    let said = home.run(&only).await.exits(0).out;
    assert!(said.contains("どのサービスにもありません") && !said.contains("PassRole"), "{said}");
    let demo = demo().await;
    let all = ask(&demo, &["lint", "--format", "json"]).await.exits(0);
    assert!(all.records().iter().all(|row| row["code"] != "not_a_policy"), "{}", all.out);
}

/// Every table that a person may see, asked of the sample organization and a small log of it.
#[tokio::test]
async fn every_table_is_headed_in_japanese_and_its_json_stays() {
    let home = demo().await;
    let log = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/vendor-trail.json");
    let vendor = "arn:aws:iam::555566667777:user/vendor-nextstep";
    let scp = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": "ec2:ModifySnapshotAttribute", "Resource": "*"}]});
    let scp = home.write("scp.json", &scp.to_string());
    let odd = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3",
        "Resource": "*", "Colour": 1, "Condition": {"StringSounds": {"k": "v"}}}]});
    let odd = home.write("odd.json", &odd.to_string());
    let (scp, odd) = (scp.to_str().unwrap(), odd.to_str().unwrap());
    let since = ["--since", "2026-11-01", "--logs", log];
    let tables: [&[&str]; 7] = [
        &["who-can", "iam:PassRole", ADMINISTRATOR],
        &["principal", ADMINISTRATOR],
        &["escalations"],
        &["unused", "--credentials-only"],
        &["least-privilege", vendor, "--format", "table", since[0], since[1], since[2], since[3]],
        &["preview-scp", scp, since[0], since[1], since[2], since[3]],
        &["lint", odd],
    ];
    for asked in tables {
        let told = ask(&home, &[asked, &["--lang", "ja"]].concat()).await.out;
        let heading = told.lines().next().unwrap_or_default();
        assert!(!heading.is_empty(), "{asked:?}");
        let english = heading.chars().any(|letter| letter.is_ascii_alphabetic());
        assert!(!english, "{asked:?}: {heading}");
        let json = |told: &Ran| {
            let first = told.records().remove(0);
            first.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        let asked: Vec<&str> =
            asked.iter().map(|it| if *it == "table" { "json" } else { it }).collect();
        let asked = if asked.contains(&"json") {
            asked
        } else {
            [&asked[..], &["--format", "json"]].concat()
        };
        let english = json(&ask(&home, &[&asked[..], &["--lang", "en"]].concat()).await);
        let japanese = json(&ask(&home, &[&asked[..], &["--lang", "ja"]].concat()).await);
        assert_eq!(english, japanese, "{asked:?}");
    }
    let told = ask(&home, &["lint", odd, "--lang", "ja"]).await.out;
    for remark in [
        "アクション `s3` は何にも一致しません",
        "`Colour` はステートメントの要素ではありません",
        "条件演算子 `StringSounds` はありません",
    ] {
        assert!(told.contains(remark), "{told}");
    }
    let told = ask(&home, &["unused", "--credentials-only", "--lang", "ja"]).await.out;
    assert!(told.contains("アクセスキー") && !told.contains("access_key"), "{told}");
    assert!(!told.contains("denied"), "{told}");
    let nowhere = "arn:aws:s3:::not-there/a.csv";
    let told = ask(&home, &["can", ADMINISTRATOR, "s3:GetObject", nowhere, "--lang", "ja"]).await;
    assert!(told.exits(3).out.contains("リソースがインベントリにありません"));
}
