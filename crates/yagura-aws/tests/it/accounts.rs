//! Several accounts of one organization: the role is assumed, each account shows its own things.
//! How sessions are kept and renewed is tested beside the code.

use serde_json::json;
use yagura_aws::{Declared, MemberRole, Target};
use yagura_testkit::faults::{Fault, Faults, Rule};
use yagura_testkit::moto::Moto;
use yagura_testkit::writer::Writer;

use crate::{ACCESS_KEY, OWN, builder, tables};

const OTHER: &str = "444455556666";
const CLOSED: &str = "777788889999";

#[tokio::test]
async fn each_account_shows_its_own_users_and_a_closed_one_says_why() {
    let moto = Moto::start().await.unwrap();
    let (api, _) = tables();
    let seed = Writer::new(moto.url(), &api, ACCESS_KEY);
    let there = seed.account(OTHER).await.unwrap();
    seed.call("us-east-1", "iam", "CreateUser", json!({"UserName": "own"})).await.unwrap();
    there.call("us-east-1", "iam", "CreateUser", json!({"UserName": "other"})).await.unwrap();

    let faults = Faults::before(&moto.url(), &api, &["iam"], OWN).await.unwrap();
    let mut role = MemberRole::named("yagura/Read");
    role.external_id = Some("x-1".into());
    let aws = builder(&faults.url()).member_role(role).build().await.unwrap();
    let client = aws.read(Declared::none());
    assert_eq!(client.caller_identity().await.unwrap().account, OWN);
    for (account, name) in [(OWN, "own"), (OTHER, "other")] {
        let target = Target::new(account, "us-east-1");
        let users = client.call_all(&target, "iam", "ListUsers", &json!({})).await.unwrap();
        let users = users["Users"].as_array().unwrap();
        assert_eq!(users.len(), 1, "{account}");
        assert_eq!(users[0]["UserName"], name);
        assert!(users[0]["Arn"].as_str().unwrap().contains(account));
    }
    let seen = faults.seen();
    assert!(seen.iter().any(|call| call.operation == "ListUsers" && call.account == OTHER));

    let message = "User: arn:aws:iam::1:user/u is not authorized to perform: sts:AssumeRole";
    faults.inject(Rule::new(Fault::Denied(message.into())).operation("AssumeRole"));
    let target = Target::new(CLOSED, "us-east-1");
    for _ in 0..3 {
        let error = client.call(&target, "iam", "ListUsers", &json!({})).await.unwrap_err();
        let unread = error.unread("properties".parse().unwrap());
        assert_eq!(unread.reason, yagura_model::UnreadReason::Denied);
        assert_eq!(unread.call, "sts:AssumeRole");
        assert_eq!(unread.action, "sts:AssumeRole");
    }
    let asked = faults.seen().iter().filter(|call| call.operation == "AssumeRole").count();
    assert_eq!(asked, 2, "one for each account, the denied one included");
}
