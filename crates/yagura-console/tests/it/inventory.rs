//! What the pages of the inventory are tested over: two accounts with a few resources, seen by
//! two scans, judged by the second.

use jiff::Timestamp;
use serde_json::json;
use yagura_model::finding::{FindingKind, Observation, Rank, Scope};
use yagura_model::{
    Coverage, CoverageState, Exception, Prose, Relation, Resource, Severity, Unread, UnreadReason,
    Verdict, VerdictStatus,
};
use yagura_store::{Account, ScanId, ScanOutcome, ScanStart, Store};

pub(crate) const PROD: &str = "111122223333";
pub(crate) const DEV: &str = "444455556666";
pub(crate) const REGION: &str = "ap-northeast-1";
/// A name that somebody chose to do harm.
pub(crate) const HOSTILE: &str = "\"><script>alert('x')</script>\u{202e}";
/// A control that has verdicts.
pub(crate) const CONTROL: &str = "s3.bucket_versioned";

pub(crate) fn bucket(account: &str, name: &str, properties: serde_json::Value) -> Resource {
    Resource {
        key: format!("arn:aws:s3:::{name}"),
        arn: Some(format!("arn:aws:s3:::{name}")),
        id: name.to_owned(),
        type_name: "AWS::S3::Bucket".to_owned(),
        account: account.to_owned(),
        region: REGION.to_owned(),
        name: name.to_owned(),
        tags: [("Env".to_owned(), "Prod".to_owned())].into(),
        properties: properties.as_object().unwrap().clone(),
        ..Resource::default()
    }
}

fn instance(account: &str, id: &str) -> Resource {
    Resource {
        key: format!("arn:aws:ec2:{REGION}:{account}:instance/{id}"),
        arn: Some(format!("arn:aws:ec2:{REGION}:{account}:instance/{id}")),
        id: id.to_owned(),
        type_name: "AWS::EC2::Instance".to_owned(),
        account: account.to_owned(),
        region: REGION.to_owned(),
        name: HOSTILE.to_owned(),
        properties: json!({HOSTILE: HOSTILE}).as_object().unwrap().clone(),
        relations: vec![
            Relation {
                name: "security_groups".to_owned(),
                type_name: "AWS::EC2::SecurityGroup".to_owned(),
                target: "sg-1".to_owned(),
            },
            Relation {
                name: "image".to_owned(),
                type_name: "AWS::EC2::Image".to_owned(),
                target: HOSTILE.to_owned(),
            },
        ],
        unread: vec![Unread {
            path: "properties.UserData".parse().unwrap(),
            partial: false,
            reason: UnreadReason::Denied,
            call: "ec2:DescribeInstanceAttribute".to_owned(),
            action: "ec2:DescribeInstanceAttribute".to_owned(),
            detail: String::new(),
        }],
        ..Resource::default()
    }
}

fn group(account: &str) -> Resource {
    Resource {
        key: format!("arn:aws:ec2:{REGION}:{account}:security-group/sg-1"),
        arn: Some(format!("arn:aws:ec2:{REGION}:{account}:security-group/sg-1")),
        id: "sg-1".to_owned(),
        type_name: "AWS::EC2::SecurityGroup".to_owned(),
        account: account.to_owned(),
        region: REGION.to_owned(),
        name: "web".to_owned(),
        properties: json!({"GroupName": "web", "SecurityGroupIngress": [
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}
        ]})
        .as_object()
        .unwrap()
        .clone(),
        ..Resource::default()
    }
}

fn accounts() -> Vec<Account> {
    let account = |id: &str, name: &str, ou: &str| Account {
        id: id.to_owned(),
        name: name.to_owned(),
        ou: ou.to_owned(),
    };
    vec![account(PROD, "production", "/Workloads/Production"), account(DEV, "develop", "/Sandbox")]
}

async fn scan(store: &Store, started: &str, seen: &[Resource]) -> ScanId {
    let started: Timestamp = started.parse().unwrap();
    let start = ScanStart {
        started,
        accounts: accounts(),
        regions: vec![REGION.to_owned()],
        controls: vec![CONTROL.to_owned()],
        full: true,
    };
    let scan = store.begin_scan(&start).await.unwrap();
    store.put_resources(scan, seen).await.unwrap();
    let mut coverage = Vec::new();
    for account in [PROD, DEV] {
        for type_name in ["AWS::S3::Bucket", "AWS::EC2::Instance", "AWS::EC2::SecurityGroup"] {
            coverage.push(Coverage {
                account: account.to_owned(),
                region: REGION.to_owned(),
                type_name: type_name.to_owned(),
                state: CoverageState::Complete,
                count: 1,
            });
        }
    }
    coverage.push(Coverage {
        account: PROD.to_owned(),
        region: "us-east-1".to_owned(),
        type_name: "AWS::EC2::Instance".to_owned(),
        state: CoverageState::Unread(Unread {
            action: "ec2:DescribeInstances".to_owned(),
            call: "ec2:DescribeInstances".to_owned(),
            ..Unread::of("".parse().unwrap(), UnreadReason::Denied)
        }),
        count: 0,
    });
    store.put_coverage(scan, &coverage).await.unwrap();
    store.finish_scan(scan, ScanOutcome::Complete, started).await.unwrap();
    scan
}

pub(crate) fn verdict(account: &str, name: &str, status: VerdictStatus) -> Verdict {
    Verdict {
        control: CONTROL.to_owned(),
        status,
        severity: Severity::High,
        key: format!("arn:aws:s3:::{name}"),
        type_name: "AWS::S3::Bucket".to_owned(),
        account: account.to_owned(),
        region: REGION.to_owned(),
        name: name.to_owned(),
        evidence: match status {
            VerdictStatus::Fail => {
                vec![("properties.VersioningConfiguration.Status".to_owned(), json!(HOSTILE))]
            }
            _ => Vec::new(),
        },
        unread: match status {
            VerdictStatus::Unknown => vec![Unread {
                action: "s3:GetBucketVersioning".to_owned(),
                ..Unread::of("properties".parse().unwrap(), UnreadReason::Denied)
            }],
            _ => Vec::new(),
        },
        exception: None,
    }
}

pub(crate) fn finding(account: &str, name: &str) -> Observation {
    let resource = bucket(account, name, json!({}));
    Observation {
        kind: FindingKind::Control,
        content: CONTROL.to_owned(),
        path: None,
        key: resource.key,
        sub_key: String::new(),
        title: Prose { en: "Versioning is on".to_owned(), ja: "バージョニング".to_owned() },
        severity: Severity::High,
        account: account.to_owned(),
        region: REGION.to_owned(),
        resource_type: Some(resource.type_name),
        resource_name: Some(resource.name),
        cause: format!("{CONTROL}@{account}"),
        first_us: 1_790_000_000_000_000,
        last_us: 1_790_000_000_000_000,
        occurrences: 1,
        rank: Rank::default(),
        marks: Vec::new(),
        suppression: None,
        evidence: json!({}),
    }
}

/// Fills a store. `logs` loses its versioning between the scans; `old` disappears.
pub(crate) async fn fill(store: &Store) -> ScanId {
    let on = json!({
        "VersioningConfiguration": {"Status": "Enabled"},
        "Rules": [{"Id": "a", "Days": 30}, {"Id": "b", "Days": 60}],
    });
    let off = json!({
        "VersioningConfiguration": {"Status": "Suspended"},
        "Rules": [{"Id": "b", "Days": 61}, {"Id": "c", "Days": 9}],
    });
    let first = [
        bucket(PROD, "logs", on.clone()),
        bucket(PROD, "old", on.clone()),
        bucket(DEV, "scratch", on.clone()),
    ];
    scan(store, "2026-11-20T00:00:00Z", &first).await;
    let second =
        [bucket(PROD, "logs", off), bucket(DEV, "scratch", on), instance(PROD, "i-1"), group(PROD)];
    let newest = scan(store, "2026-11-21T00:00:00Z", &second).await;
    let accepted = Verdict {
        exception: Some(Exception {
            owner: "platform".to_owned(),
            reason: HOSTILE.to_owned(),
            expires: "2027-01-01T00:00:00Z".parse().unwrap(),
        }),
        ..verdict(PROD, "kept", VerdictStatus::Fail)
    };
    let verdicts = [
        verdict(PROD, "logs", VerdictStatus::Fail),
        accepted,
        verdict(DEV, "scratch", VerdictStatus::Unknown),
    ];
    store.put_verdicts(newest, &verdicts).await.unwrap();
    let now = "2026-11-21T00:00:00Z".parse().unwrap();
    let seen = [finding(PROD, "logs"), finding(DEV, "scratch")];
    let actor = yagura_model::finding::Actor::Yagura("scan".to_owned());
    store.findings(Scope::All).observe(&seen, &actor, now).await.unwrap();
    newest
}
