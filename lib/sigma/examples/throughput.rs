//! How many records a second one thread matches, with 10 to 3,000 rules and with correlations.
//! Seconds are CPU seconds where Linux tells them, so that other work on the machine counts less.
//! `cargo run --release -p sigma --example throughput`; the rules and records are synthetic.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::fmt::Write as _;
use std::time::Instant;

use serde_json::{Value as Json, json};
use sigma::{Correlator, JsonRecord, Matcher, Options, Pipeline, RuleSet, parse};

/// Services and verbs that names of API calls are made of.
const SERVICES: [&str; 24] = [
    "iam",
    "ec2",
    "s3",
    "kms",
    "sts",
    "lambda",
    "rds",
    "ecs",
    "eks",
    "logs",
    "events",
    "config",
    "cloudtrail",
    "guardduty",
    "ssm",
    "sns",
    "sqs",
    "dynamodb",
    "route53",
    "elasticache",
    "glue",
    "athena",
    "backup",
    "organizations",
];
const VERBS: [&str; 10] =
    ["Create", "Delete", "Describe", "Get", "List", "Put", "Update", "Attach", "Modify", "Start"];
const NOUNS: [&str; 12] = [
    "User", "Role", "Policy", "Key", "Bucket", "Instance", "Function", "Cluster", "Rule", "Trail",
    "Snapshot", "Group",
];

/// A small generator of numbers: the same ones in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list.get(self.below(list.len())).copied().unwrap_or_default()
    }

    fn call(&mut self) -> String {
        format!(
            "{}{}{}",
            self.of(&VERBS),
            self.of(&NOUNS),
            ["", "V2", "Tags"].get(self.below(3)).unwrap_or(&"")
        )
    }
}

/// Rules in the proportions of public ones: most name a service and a few calls.
fn rules(count: usize) -> String {
    let mut dice = Dice(7);
    let mut text = String::new();
    for at in 0..count {
        let detection = match at % 20 {
            0..14 => format!(
                "s: {{eventSource: {}.amazonaws.com, eventName: [{}, \
                 {}]}}\n  f: {{errorCode: '*'}}\n  condition: s and not f",
                dice.of(&SERVICES),
                dice.call(),
                dice.call()
            ),
            14..16 => format!(
                "s: {{eventSource: {}.amazonaws.com, \
                 eventName|startswith: {}}}\n  \
                 f: {{userIdentity.invokedBy|endswith: .amazonaws.com}}\n  condition: s and not f",
                dice.of(&SERVICES),
                dice.of(&VERBS)
            ),
            16 => format!(
                "s: {{eventName: {}, requestParameters|contains: ['secret-{at}', \
                 '0.0.0.0/{at}']}}\n  condition: s",
                dice.call()
            ),
            17 => format!("s: {{userAgent|contains: 'tool-{at}/'}}\n  condition: s"),
            18 => format!(
                "s: {{eventName: {}, userIdentity.arn|re: 'user/x{at}[0-9]+$'}}\n  condition: s",
                dice.call()
            ),
            _ => format!(
                "s: {{eventName: {}, sourceIPAddress|cidr: 10.{}.0.0/16}}\n  condition: s",
                dice.call(),
                at % 256
            ),
        };
        let _ = writeln!(
            text,
            "title: r{at}\nname: r{at}\nlogsource: {{product: aws, \
             service: cloudtrail}}\ndetection:\n  {detection}\n---"
        );
    }
    text
}

fn records(count: usize) -> Vec<Json> {
    let mut dice = Dice(11);
    let role = "arn:aws:sts::111122223333:assumed-role/app";
    (0..count)
        .map(|at| {
            let service = dice.of(&SERVICES);
            json!({
                "eventVersion": "1.11",
                "eventID": format!("{at:08x}-0000"),
                "eventTime": 1_700_000_000 + at / 20,
                "eventSource": format!("{service}.amazonaws.com"),
                "eventName": dice.call(),
                "awsRegion": "eu-central-1",
                "sourceIPAddress": format!("10.{}.{}.7", dice.below(256), dice.below(256)),
                "userAgent": "aws-cli/2.17.1 md/awscrt#0.20.11 ua/2.0 os/linux#6.1 \
                 lang/python#3.11",
                "userIdentity": {
                    "type": "AssumedRole",
                    "arn": format!("{role}/{}", dice.below(500)),
                    "accountId": "111122223333",
                    "sessionContext": {"attributes": {"mfaAuthenticated": "false"}},
                },
                "requestParameters": {
                    "name": format!("thing-{}", dice.below(9_999)),
                    "tags": [{"Key": "a", "Value": "b"}],
                },
                "responseElements": null,
                "readOnly": dice.below(2) == 0,
                "recipientAccountId": "111122223333",
            })
        })
        .collect()
}

const CORRELATIONS: &str = "
title: many
correlation: {type: event_count, rules: [r0, r1, r2, r3], group-by: [userIdentity.arn],
  timespan: 1h, condition: {gte: 5}}
---
title: order
correlation: {type: temporal_ordered, rules: [r4, r5], group-by: [userIdentity.arn], timespan: 1h}
";

/// Seconds of CPU that this process has used; by the wall where they are not told.
fn seconds(begun: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| begun.elapsed().as_secs_f64(), |nanoseconds| nanoseconds / 1e9)
}

fn measure(count: usize, correlate: bool, records: &[Json]) {
    let mut set = RuleSet::default();
    set.add(parse("synthetic", &rules(count)));
    if correlate {
        set.add(parse("correlations", CORRELATIONS));
    }
    let wall = Instant::now();
    let begun = seconds(wall);
    let compiled = Matcher::compile(set, &[Pipeline::plain("cloudtrail")]);
    let compile = (seconds(wall) - begun) * 1e3;
    let matcher = compiled.matcher;
    let Some(source) = matcher.source("cloudtrail") else { return };
    let mut scratch = matcher.scratch();
    let mut correlator = Correlator::new(&matcher, Options::default());
    let rounds = (200_000 / records.len()).max(1);
    let (mut matches, mut alerts) = (0, 0);
    let begun = seconds(wall);
    for _ in 0..rounds {
        for record in records {
            let record = JsonRecord::with_fields(record, "eventID", "eventTime");
            let found = matcher.matches(source, &record, &mut scratch);
            matches += found.len();
            if correlate {
                correlator.observe(source, &record, found);
            }
        }
        alerts += correlator.drain().len();
    }
    alerts += correlator.finish().len();
    let taken = seconds(wall) - begun;
    #[expect(clippy::cast_precision_loss, reason = "a figure to be read")]
    let rate = (rounds * records.len()) as f64 / taken;
    let (units, always) = matcher.size(source);
    println!(
        "{units:>5} rules, {always:>3} always tried, correlations {correlate:>5}: {rate:>9.0} \
         records/s, {matches} matches, {alerts} alerts, compiled in {compile:.0} ms, {} problems",
        compiled.problems.len(),
    );
}

fn main() {
    let records = records(20_000);
    for count in [10, 60, 100, 1_000, 3_000] {
        measure(count, false, &records);
    }
    measure(1_000, true, &records);
}
