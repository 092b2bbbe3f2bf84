//! Which activity somebody is told about.

use serde_json::{Value, json};
use yagura_model::Resource;

use crate::world::{World, resource, show};

const GROUP: &str = "arn:aws:logs:us-east-1:111122223333:log-group:trail:*";
const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:alerts";

/// Trail, filter, alarm and topic that together tell somebody.
fn chain() -> Vec<Resource> {
    let mut topic = resource(
        "AWS::SNS::Topic",
        "alerts",
        json!({"properties": {"Subscription": [{"Protocol": "email"}]}}),
    );
    topic.arn = Some(TOPIC.to_owned());
    vec![
        resource(
            "AWS::CloudTrail::Trail",
            "trail",
            json!({"properties": {"IsLogging": true, "IsMultiRegionTrail": true,
                "CloudWatchLogsLogGroupArn": GROUP}}),
        ),
        resource(
            "AWS::Logs::MetricFilter",
            "filter",
            json!({"properties": {"LogGroupName": "trail",
                "FilterPattern": "{ ($.eventName = \"StopLogging\") || $.eventName=DeleteTrail }",
                "MetricTransformations": [{"MetricName": "m", "MetricNamespace": "n"}]}}),
        ),
        resource(
            "AWS::CloudWatch::Alarm",
            "alarm",
            json!({"properties": {"MetricName": "m", "Namespace": "n", "ActionsEnabled": true,
                "AlarmActions": [TOPIC]}}),
        ),
        topic,
    ]
}

fn activity(resources: Vec<Resource>, denied: Vec<&'static str>) -> (Value, bool) {
    let account = resource("Yagura::Account::Account", "account", json!({}));
    let facts = World { resources, denied }.facts(&account);
    let unread = facts.unread.iter().any(|u| u.partial);
    (show(&facts, "alarmed_activity"), unread)
}

/// Takes the chain apart at one place and expects that nobody is told.
fn check_broken(at: usize, member: &str, value: Value) {
    let mut resources = chain();
    resources[at].properties.insert(member.to_owned(), value.clone());
    assert_eq!(activity(resources, Vec::new()), (json!([]), false), "{member} = {value}");
}

#[test]
fn a_whole_chain_tells_somebody() {
    let expected = json!([["$.eventName = DeleteTrail"], ["$.eventName = StopLogging"]]);
    assert_eq!(activity(chain(), Vec::new()), (expected, false));
}

#[test]
fn a_chain_that_is_broken_anywhere_tells_nobody() {
    check_broken(0, "IsLogging", json!(false));
    check_broken(0, "IsMultiRegionTrail", json!(false));
    check_broken(0, "CloudWatchLogsLogGroupArn", Value::Null);
    check_broken(0, "EventSelectors", json!([{"ReadWriteType": "WriteOnly"}]));
    check_broken(0, "EventSelectors", json!([{"IncludeManagementEvents": false}]));
    check_broken(1, "LogGroupName", json!("other"));
    check_broken(2, "ActionsEnabled", json!(false));
    check_broken(2, "AlarmActions", json!([]));
    check_broken(2, "MetricName", json!("other"));
    check_broken(3, "Subscription", json!([]));
}

#[test]
fn what_could_not_be_listed_leaves_the_fact_open() {
    for denied in ["AWS::CloudTrail::Trail", "AWS::Logs::MetricFilter", "AWS::CloudWatch::Alarm"] {
        let rest: Vec<_> = chain().into_iter().filter(|r| r.type_name != denied).collect();
        assert_eq!(activity(rest, vec![denied]), (json!([]), true), "{denied}");
    }
}

#[test]
fn an_unread_attribute_on_the_way_leaves_the_fact_open() {
    for (at, path) in [
        (0, "properties.IsLogging"),
        (0, "properties.EventSelectors"),
        (1, "properties.FilterPattern"),
        (2, "properties.ActionsEnabled"),
        (2, "properties.AlarmActions"),
        (3, "properties.Subscription"),
    ] {
        let mut resources = chain();
        resources[at].unread =
            serde_json::from_value(json!([{"path": path, "reason": "denied"}])).unwrap();
        assert_eq!(activity(resources, Vec::new()), (json!([]), true), "{path}");
    }
}
