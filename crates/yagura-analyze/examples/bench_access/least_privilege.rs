//! A policy from use: what each of many calls needed is worked out and added up, and the policy
//! that covers all of it is written and proved.
//! Reading calls from a log is measured in `cargo xtask bench lake`.

use std::collections::BTreeMap;
use std::sync::Arc;

use yagura_analyze::access::least::{Breadth, Draft, DraftOptions, UsageLedger};
use yagura_analyze::access::usage::{ActionLevel, ActionTable, KnownAction, KnownResource, Naming};
use yagura_content::Content;
use yagura_model::usage::UsedCall;

use crate::Digest;
use crate::clock::cpu_time;

/// A million events within this time: ours, the issue names none for use.
const LIMIT_SECONDS: f64 = 20.0;

const ACCOUNT: &str = "444455556666";
const ROLE: &str = "arn:aws:iam::444455556666:role/app";

/// A parameter and its value; `#` stands for what differs from call to call.
type Named = (&'static str, &'static str);

/// An event source, an event, the parameters that name its resource, and how many different names
/// it is called with.
const CALLS: [(&str, &str, &[Named], u64); 8] = [
    ("s3", "GetObject", &[("bucketname", "reports"), ("key", "2026/#.csv")], 200_000),
    ("s3", "PutObject", &[("bucketname", "reports"), ("key", "out/#.csv")], 50_000),
    ("dynamodb", "GetItem", &[("tablename", "orders-#")], 20),
    ("lambda", "Invoke", &[("functionname", "step-#")], 3_000),
    ("ec2", "CreateVolume", &[("(tagged)", "volume")], 1),
    ("ec2", "StopInstances", &[("instanceid", "i-#")], 5_000),
    ("sqs", "SendMessage", &[("queueurl", "https://sqs/444455556666/q-#")], 100),
    ("sts", "GetCallerIdentity", &[], 1),
];

/// Adds up as many events as asked, each as a call of its own, and prints how long it took.
pub(crate) fn run(events: u64) -> Result<(), Box<dyn std::error::Error>> {
    let content = Content::builtin();
    let files = content.event_actions.values().map(|file| file.event_actions()).collect();
    let naming = Naming::new(files, table());
    let mut ledger = UsageLedger::default();
    let mut taking = std::time::Duration::ZERO;
    for from in (0..events).step_by(10_000) {
        let calls: Vec<UsedCall> = (from..events.min(from + 10_000)).map(call).collect();
        let started = cpu_time();
        for call in &calls {
            ledger.take(&naming, call);
        }
        taking += cpu_time().saturating_sub(started);
    }
    let options = DraftOptions { breadth: Breadth::Prefix, ..DraftOptions::default() };
    let started = cpu_time();
    let draft = Draft::of(&ledger, ROLE, options, None)?;
    let drafting = cpu_time().saturating_sub(started);
    if !draft.uncovered.is_empty() || ledger.all.count != events || !ledger.unnamed.is_empty() {
        let unnamed = &ledger.unnamed;
        return Err(format!("the draft is wrong: {:?}, {unnamed:?}", draft.uncovered).into());
    }
    let mut digest = Digest::default();
    digest.add(&draft.policy.to_string());
    println!("used_events {events} actions {}", ledger.used.len());
    println!("least_privilege_digest {:016x}", digest.0);
    println!("use_taken_ms {} draft_ms {}", taking.as_millis(), drafting.as_millis());
    println!("ratio_to_limit {:.2}", LIMIT_SECONDS / (taking + drafting).as_secs_f64());
    Ok(())
}

fn call(number: u64) -> UsedCall {
    let at = usize::try_from(number).unwrap_or_default() % CALLS.len();
    let (source, event, named, names) = CALLS.get(at).copied().unwrap_or(CALLS[0]);
    let name = format!("{:08x}", number % names);
    let named = named.iter();
    let parameters: BTreeMap<String, Vec<String>> = named
        .map(|(parameter, value)| ((*parameter).to_owned(), vec![value.replace('#', &name)]))
        .collect();
    let at_us = i64::try_from(number).unwrap_or_default() * 1_000_000;
    UsedCall {
        event_source: format!("{source}.amazonaws.com"),
        event_name: event.to_owned(),
        region: "ap-northeast-1".to_owned(),
        account: ACCOUNT.to_owned(),
        actor: "arn:aws:sts::444455556666:assumed-role/app/one".to_owned(),
        issuer: Some(ROLE.to_owned()),
        caller_account: Some(ACCOUNT.to_owned()),
        parameters,
        count: 1,
        first_us: at_us,
        last_us: at_us,
        ..UsedCall::default()
    }
}

/// What AWS's table says of these actions.
fn table() -> ActionTable {
    let of = |name: &str, arn: Option<&str>, tags_with: Option<&str>| KnownAction {
        name: name.into(),
        level: ActionLevel::Write,
        resources: arn
            .into_iter()
            .map(|arn| {
                let kind = arn.rsplit([':', '/']).nth(1).unwrap_or_default();
                KnownResource { name: kind.into(), required: true, arn: Some(arn.into()) }
            })
            .collect(),
        passes_role: false,
        tags_with: tags_with.map(Arc::from),
        has_operation: true,
    };
    let object = "arn:${Partition}:s3:::${BucketName}/${ObjectName}";
    let volume = "arn:${Partition}:ec2:${Region}:${Account}:volume/${VolumeId}";
    let table = "arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}";
    let function = "arn:${Partition}:lambda:${Region}:${Account}:function:${FunctionName}";
    let instance = "arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}";
    let queue = "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}";
    ActionTable::new([
        of("s3:GetObject", Some(object), None),
        of("s3:PutObject", Some(object), None),
        of("dynamodb:GetItem", Some(table), None),
        of("lambda:InvokeFunction", Some(function), None),
        of("ec2:CreateVolume", Some(volume), Some("ec2:CreateTags")),
        of("ec2:CreateTags", Some(volume), None),
        of("ec2:StopInstances", Some(instance), None),
        of("sqs:SendMessage", Some(queue), None),
        of("sts:GetCallerIdentity", None, None),
    ])
}
