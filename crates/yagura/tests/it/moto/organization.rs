//! An organization: the management account assumes the role in each member, and each account is
//! judged by what it holds. A member that cannot be entered is unknown, and said once.

use serde_json::{Value, json};
use yagura_testkit::faults::{Fault, Faults, Rule};
use yagura_testkit::moto::MOTO_ACCOUNT;

use super::{Ground, write};
use crate::api;
use crate::program::{Home, Said};

const CONTROLS: &str = "s3.bucket_versioned,account.password_length_enforced";

/// The id of a new member.
async fn member(ground: &Ground, name: &str) -> String {
    let email = format!("{name}@example.com");
    let input = json!({"Email": email, "AccountName": name});
    let made = write(&ground.writer, "organizations:CreateAccount", input).await;
    let id = made["CreateAccountStatus"]["AccountId"].as_str();
    id.unwrap_or_else(|| panic!("{made}")).to_owned()
}

fn of<'a>(said: &'a [Said], account: &str) -> Vec<(&'a str, &'a str, &'a str)> {
    let own = said.iter().filter(|said| said.account == account);
    own.map(|said| (&*said.control, &*said.name, &*said.status)).collect()
}

#[tokio::test]
async fn each_account_is_judged_by_what_it_holds_and_a_closed_one_is_unknown() {
    let ground = Ground::start().await;
    let feature_set = json!({"FeatureSet": "ALL"});
    write(&ground.writer, "organizations:CreateOrganization", feature_set).await;
    let (good, bad) = (member(&ground, "good").await, member(&ground, "bad").await);
    for (account, versioned) in [(&good, true), (&bad, false)] {
        let writer = ground.writer.account(account).await.unwrap();
        let bucket = format!("bucket-of-{account}");
        write(&writer, "s3:CreateBucket", json!({"Bucket": bucket})).await;
        write(&writer, "iam:CreateUser", json!({"UserName": "someone"})).await;
        if versioned {
            let versioning =
                json!({"Bucket": bucket, "VersioningConfiguration": {"Status": "Enabled"}});
            write(&writer, "s3:PutBucketVersioning", versioning).await;
            let password = json!({"MinimumPasswordLength": 14});
            write(&writer, "iam:UpdateAccountPasswordPolicy", password).await;
        }
    }
    let services = ["iam", "s3", "organizations", "account"];
    let faults = Faults::before(&ground.moto.url(), &api(), &services, MOTO_ACCOUNT).await.unwrap();
    let home = Home::before(&faults.url());
    let scanned = home.scan(&["--controls", CONTROLS]).await;
    let said = scanned.said();
    let bucket = |account: &str| format!("bucket-of-{account}");
    let (length, versioned) = ("account.password_length_enforced", "s3.bucket_versioned");
    assert_eq!(of(&said, MOTO_ACCOUNT), [(length, MOTO_ACCOUNT, "not_applicable")]);
    let bucket_good = bucket(&good);
    assert_eq!(of(&said, &good), [(length, &*good, "pass"), (versioned, &bucket_good, "pass")]);
    let bucket_bad = bucket(&bad);
    assert_eq!(of(&said, &bad), [(length, &*bad, "fail"), (versioned, &bucket_bad, "fail")]);
    assert_eq!(scanned.head()["accounts"], 3);
    scanned.ran.exits(0);

    // The third request for a role in order of accounts is not known, so deny them all but let
    // the caller's own account, which needs none, go on.
    let arn = format!("arn:aws:iam::{MOTO_ACCOUNT}:user/auditor");
    let message = format!("User: {arn} is not authorized to perform: sts:AssumeRole");
    faults.inject(Rule::new(Fault::Denied(message)).operation("AssumeRole").times(1));
    let scanned = home.scan(&["--controls", CONTROLS, "--concurrency", "1"]).await;
    let said = scanned.said();
    let (closed, open) = closed_and_open(&said, [&good, &bad]);
    let unknown = of(&said, closed);
    assert_eq!(unknown.len(), 2, "{unknown:?}");
    assert!(unknown.iter().all(|(.., status)| *status == "unknown"), "{unknown:?}");
    assert_eq!(of(&said, open).len(), 2);
    assert!(of(&said, open).iter().all(|(.., status)| *status != "unknown"));
    let actions: Vec<&Value> = scanned
        .verdicts()
        .filter(|verdict| verdict["account"] == closed)
        .map(|verdict| &verdict["unread"][0]["action"])
        .collect();
    assert_eq!(actions, ["sts:AssumeRole", "sts:AssumeRole"]);
    let remarks = scanned.ran.err.lines().filter(|line| line.contains(closed)).count();
    assert_eq!(remarks, 1, "said once: {}", scanned.ran.err);
    scanned.ran.exits(3);
}

fn closed_and_open<'a>(said: &[Said], members: [&'a str; 2]) -> (&'a str, &'a str) {
    let is_closed =
        |account: &str| of(said, account).iter().any(|(.., status)| *status == "unknown");
    let [one, other] = members;
    if is_closed(one) { (one, other) } else { (other, one) }
}
