//! Claims about reading the enabled regions, against written-down answers.
//! Not about accounts: those are in `organization_tests`.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::executor::block_on;
use serde_json::{Value, json};

use super::*;
use crate::cases::answers::Answers;
use crate::organization::{self, Extent};

const CALLER: &str = "111122223333";

fn read_with(answers: Value, wanted: &[&str]) -> Result<Regions, CollectError> {
    let by_call: BTreeMap<String, Value> = serde_json::from_value(answers).unwrap();
    let caller: Arc<dyn Caller> = Arc::new(Answers::new(CALLER, "aws", by_call));
    let organization = block_on(organization::read(&caller, Extent::OwnAccount)).unwrap();
    let wanted: Vec<String> = wanted.iter().map(|&name| name.to_owned()).collect();
    block_on(read(&caller, &organization, &wanted, "eu-central-1"))
}

fn listed(names: &[&str]) -> Value {
    let regions: Vec<Value> = names.iter().map(|name| json!({"RegionName": name})).collect();
    json!({"Regions": regions})
}

fn denied() -> Value {
    json!({"error": "AccessDeniedException"})
}

#[test]
fn enabled_regions_are_read_in_order() {
    let answers = json!({"account:ListRegions": listed(&["us-east-1", "ap-northeast-1"])});
    let regions = read_with(answers, &[]).unwrap();
    assert_eq!(regions.by_account[CALLER], ["ap-northeast-1", "us-east-1"]);
    assert!(regions.notices.is_empty() && regions.left_out.is_empty());
}

#[test]
fn ec2_is_asked_where_account_management_is_denied() {
    let answers = json!({
        "account:ListRegions": denied(),
        "ec2:DescribeRegions": listed(&["us-west-2"]),
    });
    assert_eq!(read_with(answers, &[]).unwrap().by_account[CALLER], ["us-west-2"]);
}

#[test]
fn where_nobody_says_the_own_region_is_tried_and_said() {
    let answers = json!({"account:ListRegions": denied(), "ec2:DescribeRegions": denied()});
    let regions = read_with(answers.clone(), &[]).unwrap();
    assert_eq!(regions.by_account[CALLER], ["eu-central-1"]);
    assert_eq!(regions.notices.len(), 1);
    assert_eq!(regions.left_out[CALLER].reason, UnreadReason::Denied);
    assert_eq!(regions.left_out[CALLER].action, "account:ListRegions");
    let regions = read_with(answers, &["us-west-1", "us-west-1"]).unwrap();
    assert_eq!(regions.by_account[CALLER], ["us-west-1"]);
    assert_eq!(regions.left_out[CALLER].reason, UnreadReason::NotRequested);
}

#[test]
fn an_answer_without_regions_is_not_an_account_without_regions() {
    let answers = json!({"account:ListRegions": {}, "ec2:DescribeRegions": {"Regions": []}});
    let regions = read_with(answers, &[]).unwrap();
    assert_eq!(regions.notices[0].unread.reason, UnreadReason::Failed);
}

#[test]
fn a_wanted_region_that_nobody_enabled_is_an_error() {
    let answers = json!({"account:ListRegions": listed(&["us-east-1"])});
    let error = read_with(answers, &["mars-1"]).unwrap_err().to_string();
    assert_eq!(error, "region `mars-1` is not enabled in any account (enabled: us-east-1)");
}

#[test]
fn wanted_regions_cut_the_enabled_ones_down() {
    let answers = json!({"account:ListRegions": listed(&["us-east-1", "us-west-2"])});
    let regions = read_with(answers.clone(), &["us-west-2"]).unwrap();
    assert_eq!(regions.by_account[CALLER], ["us-west-2"]);
    assert_eq!(regions.left_out[CALLER].reason, UnreadReason::NotRequested);
    let regions = read_with(answers, &["us-west-2", "us-east-1"]).unwrap();
    assert!(regions.left_out.is_empty(), "{regions:?}");
}

#[test]
fn an_account_that_cannot_be_entered_is_left_to_the_inventory_to_say() {
    let mut failure = Failure::local(UnreadReason::Denied, "sts:AssumeRole", "no");
    assert!(is_closed(&failure));
    failure.unread.call = "account:ListRegions".into();
    assert!(!is_closed(&failure));
}
