//! What a full scan of the built-in files may do: read, by IAM actions that exist.
//! What the printed policies look like is claimed beside them.

use yagura_aws::Aws;
use yagura_collect::permissions::{actions, policies};
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
