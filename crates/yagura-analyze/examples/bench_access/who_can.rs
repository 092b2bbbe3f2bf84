//! Who can read a bucket, of many principals of an organization: laying the inventory out, and the
//! question. Each principal has three policies, some a boundary; the bucket names a few.
//! Single decisions are in `decisions`.

use serde_json::{Value, json};
use yagura_analyze::access::{Ask, Verdict, World};
use yagura_model::Resource;

use crate::Digest;
use crate::clock::{cpu_time, peak_memory_kb};

/// "10,000 principals in seconds": this many at most.
const LIMIT_SECONDS: f64 = 5.0;

const ACCOUNT: &str = "444455556666";
const MANAGED: usize = 50;

/// Asks once, and prints how long it took.
pub(crate) fn run(principals: usize) -> Result<(), Box<dyn std::error::Error>> {
    let resources = organization(principals);
    let started = cpu_time();
    let world = World::new(&resources, &[]);
    let laid_out = cpu_time().saturating_sub(started);
    let ask = Ask {
        principal: "",
        action: "s3:GetObject",
        resource: "arn:aws:s3:::reports/2026.csv",
        resource_account: None,
        context: Vec::new(),
    };
    let started = cpu_time();
    let found = world.who_can(&ask);
    let asked = cpu_time().saturating_sub(started);
    let mut digest = Digest::default();
    let mut counts = [0_usize; 3];
    for (principal, answer) in &found {
        digest.add(principal);
        digest.add(&format!("{:?}", answer.verdict));
        match answer.verdict {
            Verdict::Allowed => counts[0] += 1,
            Verdict::Depends => counts[1] += 1,
            Verdict::Unknown | Verdict::Denied => counts[2] += 1,
        }
    }
    let [allowed, depends, unknown] = counts;
    if allowed == 0 || depends == 0 || unknown > 0 {
        return Err(format!("the answers are wrong: {counts:?}").into());
    }
    println!("principals {principals} allowed {allowed} depends {depends}");
    println!("who_can_digest {:016x}", digest.0);
    println!("laid_out_ms {}", laid_out.as_millis());
    println!("who_can_ms {}", asked.as_millis());
    let seconds = (laid_out + asked).as_secs_f64();
    println!("ratio_to_limit {:.2}", LIMIT_SECONDS / seconds);
    println!("peak_memory_mb {}", peak_memory_kb().unwrap_or_default() / 1024);
    Ok(())
}

fn resource(type_name: &str, key: &str, properties: &Value) -> Resource {
    resource_of(type_name, ACCOUNT, key, properties)
}

/// A global resource of an account, with its ARN for a key.
pub(crate) fn resource_of(
    type_name: &str,
    account: &str,
    key: &str,
    properties: &Value,
) -> Resource {
    let id = key.rsplit('/').next().unwrap_or(key);
    Resource {
        key: key.to_owned(),
        arn: Some(key.to_owned()),
        id: id.to_owned(),
        type_name: type_name.to_owned(),
        account: account.to_owned(),
        region: "global".to_owned(),
        name: id.to_owned(),
        properties: properties.as_object().cloned().unwrap_or_default(),
        ..Resource::default()
    }
}

pub(crate) fn document(statements: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn managed(number: usize) -> String {
    format!("arn:aws:iam::{ACCOUNT}:policy/team-{number}")
}

/// Roles, managed policies, and one bucket.
fn organization(principals: usize) -> Vec<Resource> {
    let mut resources: Vec<Resource> = (0..MANAGED).map(policy).collect();
    resources.extend((0..principals).map(role));
    let bucket = document(&json!([
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
         "Condition": {"Bool": {"aws:PrincipalIsAWSService": "true"},
            "StringNotEquals": {"aws:SourceAccount": ACCOUNT}}},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*",
         "Principal": {"AWS": [format!("arn:aws:iam::{ACCOUNT}:role/app/role-7")]}}]));
    let properties = json!({"BucketPolicy": {"PolicyDocument": bucket}});
    resources.push(resource("AWS::S3::Bucket", "arn:aws:s3:::reports", &properties));
    resources
}

fn policy(number: usize) -> Resource {
    let statements: Vec<Value> = ["ec2", "sqs", "logs", "dynamodb", "lambda", "s3"]
        .into_iter()
        .map(|service| {
            json!({"Effect": "Allow", "Action": [format!("{service}:Get*"),
                format!("{service}:List*")],
                "Resource": format!("arn:aws:{service}:::team-{number}-*")})
        })
        .collect();
    let document = document(&json!(statements));
    resource("AWS::IAM::ManagedPolicy", &managed(number), &json!({"PolicyDocument": document}))
}

/// Every fifth role may read the bucket, every tenth from one network only, every seventh of those
/// is held back by its boundary.
fn role(number: usize) -> Resource {
    let reads = json!({"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::home-${aws:PrincipalAccount}/*"});
    let reads = match number % 10 {
        0 => json!({"Effect": "Allow", "Action": "s3:Get*", "Resource": "*",
            "Condition": {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}}),
        5 => json!({"Effect": "Allow", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::reports/*"}),
        _ => reads,
    };
    let mut properties = json!({
        "Policies": [{"PolicyName": "own", "PolicyDocument": document(&json!([reads]))}],
        "ManagedPolicyArns": [managed(number % MANAGED), managed((number + 7) % MANAGED)],
    });
    if let Some(members) = properties.as_object_mut()
        && number.is_multiple_of(35)
    {
        let boundary = json!(managed(number % MANAGED));
        members.insert("PermissionsBoundary".to_owned(), boundary);
    }
    let key = format!("arn:aws:iam::{ACCOUNT}:role/app/role-{number}");
    resource("AWS::IAM::Role", &key, &properties)
}
