//! How many decisions a core makes in a second, for a caller with five identity policies of thirty
//! statements together, three levels of service control policies, a resource control policy and a
//! bucket policy. `cargo xtask bench access` runs it.

use std::time::{Duration, Instant};

use iam_policy::{Context, Layers, Level, Outcome, Policy, Principal, Request, evaluate};

/// The loop stops by itself.
const RUN: Duration = Duration::from_secs(3);

const SERVICES: [&str; 10] =
    ["ec2", "dynamodb", "sqs", "sns", "lambda", "logs", "kms", "s3", "ssm", "ecs"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let identity: Vec<Policy> = (0..5).map(identity_policy).collect::<Result<_, _>>()?;
    let levels: Vec<Vec<Policy>> = (0..3).map(control_policies).collect::<Result<_, _>>()?;
    let names = ["root", "workloads", "account"];
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
    let requests: Vec<Request<'_>> = [
        ("s3:GetObject", "arn:aws:s3:::reports/2026/11/21.csv"),
        ("s3:PutObject", "arn:aws:s3:::reports/mika/draft.csv"),
        ("dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:111122223333:table/orders"),
        ("iam:CreateUser", "arn:aws:iam::111122223333:user/new"),
    ]
    .into_iter()
    .map(|(action, resource)| Request {
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
    })
    .collect();
    let started = Instant::now();
    let (mut decisions, mut allowed) = (0u64, 0u64);
    while started.elapsed() < RUN {
        for _ in 0..1_000 {
            for request in &requests {
                let decision = evaluate(request, &layers);
                allowed += u64::from(decision.outcome == Outcome::Allowed);
                decisions += 1;
            }
        }
    }
    let rate = u128::from(decisions) * 1_000 / started.elapsed().as_millis().max(1);
    #[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
    {
        println!("decisions_per_second {rate}");
        println!("allowed_per_mille {}", allowed * 1_000 / decisions.max(1));
    }
    Ok(())
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
