//! Ways to power in an organization of many principals: a few of them may hand on roles, assume
//! each other or rewrite policies, and some roles are administrators'. The ways are content's.
//! Who can do one thing is in `who_can`.

use serde_json::{Value, json};
use yagura_analyze::access::World;
use yagura_analyze::access::escalation::{Certainty, Goal};
use yagura_content::Content;
use yagura_model::Resource;
use yagura_model::escalation::Escalation;

use crate::Digest;
use crate::clock::cpu_time;
use crate::who_can::{document, resource_of};

/// "10,000 principals in seconds": this many at most.
const LIMIT_SECONDS: f64 = 10.0;
/// Users and roles of one account.
const PER_ACCOUNT: usize = 2_000;

/// Searches once, and prints how long it took.
pub(crate) fn run(principals: usize) -> Result<(), Box<dyn std::error::Error>> {
    let resources: Vec<Resource> = (0..principals).map(principal).collect();
    let content = Content::builtin();
    let ways: Vec<Escalation> = content.escalations.values().map(|it| it.escalation()).collect();
    let world = World::new(&resources, &[]);
    let started = cpu_time();
    let found = world.escalations(&ways, &resources, &Goal::Administrator);
    let spent = cpu_time().saturating_sub(started);
    let mut digest = Digest::default();
    for path in &found.paths {
        digest.add(&path.from);
        for hop in &path.hops {
            digest.add(&hop.escalation);
            digest.add(&format!("{:?}", hop.to));
        }
    }
    let sure = found.there.iter().filter(|(_, how)| *how == Certainty::Certain).count();
    let expected = (0..principals).filter(|number| is_administrator(*number)).count();
    if sure != expected || (principals > 100 && found.paths.is_empty()) {
        let paths = found.paths.len();
        return Err(format!("{sure} administrators of {expected}, {paths} ways").into());
    }
    println!("escalation_ways {} administrators {sure} paths {}", ways.len(), found.paths.len());
    println!("escalation_steps_left_out {}", found.left_out);
    println!("escalations_digest {:016x}", digest.0);
    println!("escalations_ms {}", spent.as_millis());
    println!("ratio_to_limit {:.2}", LIMIT_SECONDS / spent.as_secs_f64());
    Ok(())
}

fn is_administrator(number: usize) -> bool {
    number % 100 == 1
}

/// Every fifth is a user, the others are roles; what each may do, and whom a role trusts, follows
/// from its number.
fn principal(number: usize) -> Resource {
    let account = format!("{:012}", 100_000_000_000_usize + number / PER_ACCOUNT);
    let any = |action: Value| json!({"Effect": "Allow", "Action": action, "Resource": "*"});
    let own = match number % 100 {
        1 => any(json!("*")),
        20 => any(json!(["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"])),
        21 => any(json!(["iam:PassRole", "ec2:RunInstances"])),
        30 | 31 => any(json!("sts:AssumeRole")),
        40 => any(json!("iam:CreateAccessKey")),
        41 => any(json!(["iam:UpdateAssumeRolePolicy", "sts:AssumeRole"])),
        50 => any(json!(["iam:PutRolePolicy", "iam:AttachUserPolicy"])),
        51 => any(json!("iam:CreatePolicyVersion")),
        _ => any(json!(["s3:Get*", "s3:List*", "dynamodb:Get*", "logs:*"])),
    };
    let policies = json!([{"PolicyName": "own", "PolicyDocument": document(&json!([own]))}]);
    let name = format!("p-{number}");
    if number.is_multiple_of(5) {
        let key = format!("arn:aws:iam::{account}:user/{name}");
        let properties = json!({"Policies": policies});
        return resource_of("AWS::IAM::User", &account, &key, &properties);
    }
    let trusted = match number % 10 {
        1 => json!({"Service": "lambda.amazonaws.com"}),
        2 => json!({"Service": "ec2.amazonaws.com"}),
        3 | 4 => json!({"AWS": format!("arn:aws:iam::{account}:root")}),
        6 => json!({"AWS": format!("arn:aws:iam::{account}:role/p-{}", number + 1)}),
        _ => json!({"Service": "ecs-tasks.amazonaws.com"}),
    };
    let trust = json!([{"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}]);
    let key = format!("arn:aws:iam::{account}:role/{name}");
    let properties = json!({"Policies": policies, "AssumeRolePolicyDocument": document(&trust)});
    resource_of("AWS::IAM::Role", &account, &key, &properties)
}
