//! Decisions of the engine for one caller: five identity policies of thirty statements together,
//! three levels of service control policies, a resource control policy and a bucket policy.
//! Questions over an inventory are in `who_can`.

use iam_policy::{Context, Layers, Level, Outcome, Policy, Principal, Request, evaluate};

use crate::Digest;
use crate::clock::cpu_time;

/// What the issue asks for, for each core.
const LIMIT_PER_SECOND: f64 = 200_000.0;

const SERVICES: [&str; 10] =
    ["ec2", "dynamodb", "sqs", "sns", "lambda", "logs", "kms", "s3", "ssm", "ecs"];

/// What is asked: action, resource, and whether it must be allowed.
const QUESTIONS: [(&str, &str, bool); 4] = [
    ("s3:GetObject", "arn:aws:s3:::reports/2026/11/21.csv", true),
    ("s3:PutObject", "arn:aws:s3:::reports/mika/draft.csv", false),
    ("dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:111122223333:table/orders", true),
    ("iam:CreateUser", "arn:aws:iam::111122223333:user/new", false),
];

/// Decides as often as asked, and prints how often a second.
pub(crate) fn run(rounds: u64) -> Result<(), Box<dyn std::error::Error>> {
    let identity: Vec<Policy> = (0..5).map(identity_policy).collect::<Result<_, _>>()?;
    let levels: Vec<Vec<Policy>> = (0..3).map(control_policies).collect::<Result<_, _>>()?;
    let names = ["root", "workloads", "account"];
    let statements: usize = identity.iter().map(|policy| policy.statements.len()).sum();
    let identity: Vec<&Policy> = identity.iter().collect();
    let levels: Vec<Vec<&Policy>> = levels.iter().map(|level| level.iter().collect()).collect();
    let named = names.iter().zip(&levels);
    let scps: Vec<Level<'_>> = named.map(|(name, policies)| Level { name, policies }).collect();
    let perimeter = Policy::parse(PERIMETER)?;
    let rcps = [Level { name: "root", policies: &[&perimeter] }];
    let bucket = Policy::parse(BUCKET)?;
    let layers = Layers {
        identity: &identity,
        resource: Some(&bucket),
        scps: &scps,
        rcps: &rcps,
        ..Layers::default()
    };
    let requests: Vec<Request<'_>> = QUESTIONS.iter().map(request).collect();
    let mut digest = Digest::default();
    for (request, (action, _, allowed)) in requests.iter().zip(QUESTIONS) {
        let decision = evaluate(request, &layers);
        if (decision.outcome == Outcome::Allowed) != allowed {
            return Err(format!("`{action}` was decided wrongly: {decision:?}").into());
        }
        digest.add(&format!("{decision:?}"));
    }
    let started = cpu_time();
    let (mut decisions, mut allowed) = (0_u64, 0_u64);
    for _ in 0..rounds {
        for request in &requests {
            let decision = evaluate(std::hint::black_box(request), &layers);
            allowed += u64::from(decision.outcome == Outcome::Allowed);
            decisions += 1;
        }
    }
    let spent = cpu_time().saturating_sub(started);
    let per_second = decisions as f64 / spent.as_secs_f64();
    println!("decisions {decisions} allowed {allowed} identity_statements {statements}");
    println!("decisions_digest {:016x}", digest.0);
    println!("decisions_ms {}", spent.as_millis());
    println!("decisions_per_second_per_core {per_second:.0}");
    println!("ratio_to_limit {:.2}", per_second / LIMIT_PER_SECOND);
    Ok(())
}

fn request<'a>((action, resource, _): &'a (&str, &str, bool)) -> Request<'a> {
    Request {
        principal: Principal::from_arn(
            "arn:aws:sts::111122223333:assumed-role/analyst/mika@example.com",
        ),
        action,
        resource,
        resource_account: Some("111122223333"),
        context: Context::new()
            .with_one("aws:PrincipalOrgID", "o-example1234")
            .with_one("aws:SourceIp", "198.51.100.7")
            .with_one("aws:SecureTransport", "true")
            .with_one("aws:RequestedRegion", "us-east-1"),
        overlap: false,
    }
}

fn identity_policy(number: usize) -> Result<Policy, iam_policy::ParseError> {
    let statements: Vec<String> = (0..6)
        .map(|at| {
            let service = SERVICES.get((number * 6 + at) % SERVICES.len()).copied().unwrap_or("s3");
            let condition = if at % 3 == 0 {
                r#","Condition":{"Bool":{"aws:SecureTransport":"true"},
                   "StringEquals":{"aws:RequestedRegion":["us-east-1","ap-northeast-1"]}}"#
            } else {
                ""
            };
            format!(
                r#"{{"Sid":"S{at}","Effect":"Allow",
                   "Action":["{service}:Get*","{service}:List*","{service}:Describe*"],
                   "Resource":["arn:aws:{service}:*:111122223333:*/team-{number}-*",
                   "arn:aws:{service}:::reports/${{aws:PrincipalTag/team, 'none'}}/*",
                   "arn:aws:{service}:*:111122223333:table/orders","arn:aws:s3:::reports/*"]
                   {condition}}}"#
            )
        })
        .collect();
    Policy::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(",")))
}

fn control_policies(level: usize) -> Result<Vec<Policy>, iam_policy::ParseError> {
    let all = r#"{"Version":"2012-10-17","Statement":
        {"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let denies = format!(
        r#"{{"Version":"2012-10-17","Statement":[
        {{"Sid":"Regions{level}","Effect":"Deny","NotAction":["iam:*","sts:*","support:*"],
          "Resource":"*","Condition":{{"StringNotEquals":
          {{"aws:RequestedRegion":["us-east-1","ap-northeast-1"]}},
          "ArnNotLike":{{"aws:PrincipalArn":"arn:aws:iam::*:role/breakglass"}}}}}},
        {{"Effect":"Deny","Action":["cloudtrail:StopLogging","cloudtrail:DeleteTrail",
          "guardduty:Delete*","organizations:LeaveOrganization"],"Resource":"*"}}]}}"#
    );
    Ok(vec![Policy::parse(all)?, Policy::parse(&denies)?])
}

const PERIMETER: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny",
    "Principal":"*","Action":"s3:*","Resource":"*","Condition":{
    "StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-example1234"},
    "BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}}"#;

const BUCKET: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::reports",
    "arn:aws:s3:::reports/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}},
    {"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:role/analyst",
    "444455556666"]},"Action":["s3:GetObject","s3:ListBucket"],
    "Resource":["arn:aws:s3:::reports","arn:aws:s3:::reports/*"]}]}"#;
