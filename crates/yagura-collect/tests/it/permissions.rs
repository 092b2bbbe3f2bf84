//! What a full scan of the built-in files may do: read, by IAM actions that exist.
//! What the printed policies look like is claimed beside them.

use yagura_aws::Aws;
use yagura_collect::permissions::{LogPlace, actions, log_policy, policies};
use yagura_collect::{Plan, Wanted};

use crate::resource_files::content;
use crate::tables;

#[test]
fn every_action_of_a_full_scan_exists_and_only_reads() {
    let content = content();
    let plan = Plan::new(&content, &Wanted::Everything);
    let (_, table) = tables();
    let wrong: Vec<String> = actions(&plan)
        .iter()
        .filter_map(|name| match table.action(name) {
            None => Some(format!("`{name}` is no IAM action")),
            Some(action) if !action.access_level.is_read_only() => {
                Some(format!("`{name}` is {:?}", action.access_level))
            }
            Some(_) => None,
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // A role takes at most ten managed policies (IAM quotas).
    assert!(policies(&actions(&plan)).len() <= 10);
}

#[tokio::test]
async fn the_read_client_sends_every_call_of_a_full_scan() {
    let content = content();
    let plan = Plan::new(&content, &Wanted::Everything);
    let (api, table) = tables();
    let builder = Aws::builder(api, table).isolated().keys("AKIAIOSFODNN7EXAMPLE", "secret", None);
    let aws = builder.region("us-east-1").build().await.unwrap();
    let client = aws.read(plan.calls().into_iter().collect());
    let refused: Vec<String> = plan
        .calls()
        .into_iter()
        .filter(|call| {
            let (service, operation) = call.split_once(':').unwrap();
            client.refusal(service, operation).is_some()
        })
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
}

/// All places, and the actions that change something: those of the queue and the lake.
#[test]
fn every_action_of_log_places_exists_and_only_queue_and_lake_are_changed() {
    let text = String::new;
    let arn = || "arn:aws:kms:us-east-1:111122223333:key/k".to_owned();
    let places = [
        LogPlace::Bucket { bucket: "b".into(), prefix: text() },
        LogPlace::Queue { arn: "arn:aws:sqs:us-east-1:111122223333:q".into() },
        LogPlace::LogGroups { account: text(), region: text(), prefix: text() },
        LogPlace::LookupEvents,
        LogPlace::TrailKeys,
        LogPlace::Lake { bucket: "b".into(), prefix: "lake".into() },
        LogPlace::Key { arn: arn(), writes: false },
        LogPlace::Key { arn: arn(), writes: true },
    ];
    let policy = log_policy("aws", &places).unwrap();
    let (_, table) = tables();
    let mut changing = std::collections::BTreeSet::new();
    for statement in policy["Statement"].as_array().unwrap() {
        for name in statement["Action"].as_array().unwrap() {
            let name = name.as_str().unwrap();
            let action = table.action(name).unwrap_or_else(|| panic!("`{name}` is no action"));
            if !action.access_level.is_read_only() {
                changing.insert(name.to_owned());
            }
        }
    }
    let wanted = [
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:PutObject",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:ReceiveMessage",
    ];
    // SQS calls the receiving of messages a read; it hides them from others.
    let of_queue = |name: &&str| changing.contains(*name) || *name == "sqs:ReceiveMessage";
    assert!(wanted.iter().all(of_queue), "{changing:?}");
    assert!(changing.iter().all(|name| wanted.contains(&name.as_str())), "{changing:?}");
}
