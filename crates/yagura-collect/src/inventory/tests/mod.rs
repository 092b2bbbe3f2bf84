//! Claims about how a scan runs, on small resource files and written-down answers.
//! What the real files say is claimed by their own cases; see `cases`.

mod bounds;
mod denial;
mod left_out;
mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::executor::block_on;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use serde_json::{Value, json};
use yagura_content::Content;
use yagura_model::UnreadReason;

use super::*;
use crate::caller::Identity;
use crate::cases::answers::Answers;
use crate::cases::{Seen, collect};
use crate::inventory::plan::Wanted;
use crate::organization::Account;

const CALLER: &str = "111122223333";
const OTHER: &str = "444455556666";

/// Written-down answers, with pages, and a token that is cancelled at the n-th call.
struct Script {
    answers: Answers,
    /// By `service:Operation`: the pages; a text is an error code.
    pages: BTreeMap<String, Vec<Value>>,
    cancel: Option<(usize, CancellationToken)>,
    pauses: Mutex<usize>,
}

impl Script {
    fn count(&self) {
        if let Some((after, token)) = &self.cancel
            && self.answers.asked().len() >= *after
        {
            token.cancel();
        }
    }
}

impl Caller for Script {
    fn identity(&self) -> BoxFuture<'_, Result<Identity, Failure>> {
        self.answers.identity()
    }

    fn call<'a>(
        &'a self,
        place: &'a Place,
        call: &'a CallName,
        input: &'a Value,
    ) -> BoxFuture<'a, Result<Value, Failure>> {
        async move {
            let answer = self.answers.call(place, call, input).await;
            self.count();
            answer
        }
        .boxed()
    }

    fn pages<'a>(
        &'a self,
        place: &'a Place,
        call: &'a CallName,
        input: &'a Value,
    ) -> BoxStream<'a, Result<Value, Failure>> {
        match self.pages.get(&call.to_string()) {
            None => futures::stream::once(self.call(place, call, input)).boxed(),
            Some(pages) => {
                let pages = pages.iter().enumerate();
                futures::stream::iter(pages)
                    .then(move |(n, page)| async move {
                        // The call is noted once, however many pages it has.
                        if n == 0 {
                            let _ = self.call(place, call, input).await;
                        }
                        match page.as_str() {
                            None => Ok(page.clone()),
                            Some(code) => {
                                Err(Failure::local(UnreadReason::Throttled, code, "page"))
                            }
                        }
                    })
                    .boxed()
            }
        }
    }

    fn pause(&self, _: Duration) -> BoxFuture<'_, ()> {
        *lock(&self.pauses) += 1;
        async {}.boxed()
    }
}

struct Scan {
    files: Vec<(&'static str, &'static str)>,
    answers: Value,
    pages: BTreeMap<String, Vec<Value>>,
    accounts: Vec<&'static str>,
    management: Option<&'static str>,
    accounts_left_out: Option<Unread>,
    regions_left_out: Option<Unread>,
    cancel_after: Option<usize>,
}

struct Ran {
    seen: Seen,
    blind: u64,
    asked: Vec<(Place, String, Value)>,
    pauses: usize,
}

impl Scan {
    fn of(files: &[(&'static str, &'static str)], answers: Value) -> Self {
        Self {
            files: files.to_vec(),
            answers,
            pages: BTreeMap::new(),
            accounts: vec![CALLER],
            management: None,
            accounts_left_out: None,
            regions_left_out: None,
            cancel_after: None,
        }
    }

    fn run(self) -> Ran {
        let content = content_of(&self.files);
        let plan = Plan::new(&content, &Wanted::Everything);
        let by_call = serde_json::from_value(self.answers).unwrap();
        let cancel = CancellationToken::new();
        let script = Arc::new(Script {
            answers: Answers::new(CALLER, "aws", by_call),
            pages: self.pages,
            cancel: self.cancel_after.map(|after| (after, cancel.clone())),
            pauses: Mutex::default(),
        });
        let organization = Organization {
            management: self.management.map(str::to_owned),
            accounts: self.accounts.iter().map(|id| Account::alone(id)).collect(),
            left_out: self.accounts_left_out,
            ..Organization::alone(CALLER, "aws")
        };
        let regions = self.accounts.iter().map(|id| (id.to_string(), vec!["eu-west-1".into()]));
        let left_out = self.regions_left_out.map(|unread| (CALLER.to_owned(), unread));
        let regions = Regions {
            by_account: regions.collect(),
            left_out: left_out.into_iter().collect(),
            notices: Vec::new(),
        };
        let ground =
            Ground { organization: &organization, regions: &regions, now: Timestamp::UNIX_EPOCH };
        let caller: Arc<dyn Caller> = Arc::<Script>::clone(&script);
        let (outcome, seen) = block_on(collect(caller, &plan, &ground, cancel));
        let pauses = *lock(&script.pauses);
        Ran { seen, blind: outcome.blind, asked: script.answers.asked(), pauses }
    }
}

fn content_of(files: &[(&str, &str)]) -> Content {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join("resources").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let content = Content::from_folder(folder.path());
    assert!(content.problems.is_empty(), "{:?}", content.problems);
    content
}

impl Ran {
    fn ids(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = self.seen.resources.iter().map(|r| r.id.as_str()).collect();
        ids.sort_unstable();
        ids
    }

    fn state(&self, type_name: &str) -> &CoverageState {
        let of_type = |coverage: &&Coverage| coverage.type_name == type_name;
        let mut found = self.seen.coverage.iter().filter(of_type);
        let coverage = found.next().unwrap();
        assert!(found.next().is_none(), "{type_name} is covered twice");
        &coverage.state
    }

    fn times(&self, call: &str) -> usize {
        self.asked.iter().filter(|(_, name, _)| name == call).count()
    }

    fn unread(&self, id: &str) -> Vec<(String, UnreadReason)> {
        let resource = self.seen.resources.iter().find(|resource| resource.id == id).unwrap();
        resource.unread.iter().map(|unread| (unread.path.to_string(), unread.reason)).collect()
    }
}

const USER: &str = "
type: AWS::IAM::User
title: {en: User, ja: ユーザー}
scope: account
list:
  - call: iam:GetAccountAuthorizationDetails
    each: output.UserDetailList
identity: {id: item.UserName}
";
const GROUP: &str = "
type: AWS::IAM::Group
title: {en: Group, ja: グループ}
scope: account
list:
  - call: iam:GetAccountAuthorizationDetails
    each: output.GroupDetailList
identity: {id: item.GroupName}
";
const BUCKET: &str = "
type: AWS::S3::Bucket
title: {en: Bucket, ja: バケット}
scope: account
list:
  - call: s3:ListBuckets
    action: s3:ListAllMyBuckets
    each: output.Buckets
identity: {id: item.Name, region: item.BucketRegion}
details:
  - call: s3:GetBucketVersioning
    input: {Bucket: '${id}'}
    properties: {VersioningConfiguration.Status: output.Status}
  - call: s3:GetBucketPolicy
    input: {Bucket: '${id}'}
    absent: [NoSuchBucketPolicy]
    properties: {BucketPolicy.PolicyDocument: json(output.Policy)}
";
const CLUSTER: &str = "
type: AWS::ECS::Cluster
title: {en: Cluster, ja: クラスター}
scope: region
list:
  - {call: ecs:ListClusters, each: output.clusterArns}
identity: {id: item}
";
const SERVICE: &str = "
type: AWS::ECS::Service
title: {en: Service, ja: サービス}
scope: region
list:
  - call: ecs:ListServices
    for: AWS::ECS::Cluster
    input: {cluster: '${parent.id}'}
    each: output.serviceArns
identity: {id: item}
lookups:
  - call: ecs:DescribeServices
    batch: {size: 10, ids: id, input: {cluster: '${parent.id}', services: '${ids}'}}
    each: output.services
    key: row.serviceArn
    match: id
    required: true
    properties: {DesiredCount: row.desiredCount}
";

fn buckets(names: &[&str]) -> Value {
    let list: Vec<Value> =
        names.iter().map(|name| json!({"Name": name, "BucketRegion": "eu-west-1"})).collect();
    json!({"Buckets": list})
}

#[test]
fn types_that_live_from_the_same_call_ask_it_once() {
    let details = json!({"UserDetailList": [{"UserName": "a"}],
        "GroupDetailList": [{"GroupName": "g"}]});
    let answers = json!({"iam:GetAccountAuthorizationDetails": details});
    let ran = Scan::of(&[("iam/user.yaml", USER), ("iam/group.yaml", GROUP)], answers).run();
    assert_eq!(ran.ids(), ["a", "g"]);
    assert_eq!(ran.asked.len(), 1);
    assert_eq!(*ran.state("AWS::IAM::User"), CoverageState::Complete);
    assert_eq!(*ran.state("AWS::IAM::Group"), CoverageState::Complete);
    assert_eq!(ran.seen.coverage[0].region, GLOBAL_REGION);
}

#[test]
fn one_resource_on_two_pages_is_one_resource() {
    let mut scan = Scan::of(&[("iam/user.yaml", USER)], json!({}));
    let page = |name: &str| json!({"UserDetailList": [{"UserName": name}]});
    scan.pages
        .insert("iam:GetAccountAuthorizationDetails".into(), vec![page("a"), page("a"), page("b")]);
    let ran = scan.run();
    assert_eq!(ran.ids(), ["a", "b"]);
    assert_eq!(ran.seen.coverage[0].count, 2);
}

#[test]
fn a_failed_page_keeps_the_pages_before_it_and_makes_the_listing_partial() {
    let mut scan = Scan::of(&[("iam/user.yaml", USER)], json!({}));
    let page = json!({"UserDetailList": [{"UserName": "a"}]});
    scan.pages.insert("iam:GetAccountAuthorizationDetails".into(), vec![page, json!("Throttling")]);
    let ran = scan.run();
    assert_eq!(ran.ids(), ["a"]);
    let CoverageState::Partial(unread) = ran.state("AWS::IAM::User") else { panic!() };
    assert_eq!(unread.reason, UnreadReason::Throttled);
}

#[test]
fn an_item_without_id_is_left_out_and_the_listing_is_not_complete() {
    let list = json!({"UserDetailList": [{}, {"UserName": "a"}, "x", {"UserName": ["b"]}, null]});
    let ran =
        Scan::of(&[("iam/user.yaml", USER)], json!({"iam:GetAccountAuthorizationDetails": list}))
            .run();
    assert_eq!(ran.ids(), ["a"]);
    assert!(matches!(ran.state("AWS::IAM::User"), CoverageState::Partial(_)));
    let kinds: Vec<_> = ran.seen.notices.iter().map(|notice| &notice.kind).collect();
    assert_eq!(kinds, [&NoticeKind::Answer { type_name: "AWS::IAM::User".into() }]);
}

#[test]
fn an_answer_that_is_no_list_is_not_an_empty_one() {
    for hostile in [json!({"UserDetailList": {"UserName": "a"}}), json!({"UserDetailList": 7})] {
        let answers = json!({"iam:GetAccountAuthorizationDetails": hostile});
        let ran = Scan::of(&[("iam/user.yaml", USER)], answers).run();
        assert_ne!(*ran.state("AWS::IAM::User"), CoverageState::Complete);
    }
}

#[test]
fn a_denied_call_makes_its_attributes_unread_and_no_other() {
    let answers = json!({
        "s3:ListBuckets": buckets(&["a"]),
        "s3:GetBucketVersioning": {"Status": "Enabled"},
        "s3:GetBucketPolicy": {"error": "AccessDenied"},
    });
    let ran = Scan::of(&[("s3/bucket.yaml", BUCKET)], answers).run();
    let path = "properties.BucketPolicy.PolicyDocument".to_owned();
    assert_eq!(ran.unread("a"), [(path, UnreadReason::Denied)]);
    let resource = &ran.seen.resources[0];
    assert_eq!(resource.unread[0].action, "s3:GetBucketPolicy");
    assert_eq!(resource.properties["VersioningConfiguration"]["Status"], "Enabled");
    assert_eq!(*ran.state("AWS::S3::Bucket"), CoverageState::Complete);
}

#[test]
fn a_denied_listing_names_the_action_of_the_file() {
    let answers = json!({"s3:ListBuckets": {"error": "AccessDenied"}});
    let ran = Scan::of(&[("s3/bucket.yaml", BUCKET)], answers).run();
    let CoverageState::Unread(unread) = ran.state("AWS::S3::Bucket") else { panic!() };
    assert_eq!((&*unread.call, &*unread.action), ("s3:ListBuckets", "s3:ListAllMyBuckets"));
}

#[test]
fn what_an_organization_forbids_is_asked_once_and_said_once() {
    let message = "with an explicit deny in a service control policy";
    let names: Vec<String> = (0..50).map(|n| format!("b{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let answers = json!({
        "s3:ListBuckets": buckets(&names),
        "s3:GetBucketVersioning": {"error": "AccessDenied", "message": message},
        "s3:GetBucketPolicy": {"error": "AccessDenied", "message": message},
    });
    let ran = Scan::of(&[("s3/bucket.yaml", BUCKET)], answers).run();
    assert_eq!(ran.times("s3:GetBucketVersioning"), 1);
    assert_eq!(ran.times("s3:GetBucketPolicy"), 1);
    assert_eq!(ran.seen.resources.len(), 50);
    assert!(ran.seen.resources.iter().all(|bucket| bucket.unread.len() == 2));
    let kinds: Vec<_> = ran.seen.notices.iter().map(|notice| &notice.kind).collect();
    assert_eq!(kinds, [&NoticeKind::Service { service: "s3".into() }]);
}

#[test]
fn what_the_own_permissions_deny_is_asked_for_each_resource() {
    let answers = json!({
        "s3:ListBuckets": buckets(&["a", "b"]),
        "s3:GetBucketVersioning": {"error": "AccessDenied"},
        "s3:GetBucketPolicy": {"error": "NoSuchBucketPolicy"},
    });
    let ran = Scan::of(&[("s3/bucket.yaml", BUCKET)], answers).run();
    assert_eq!(ran.times("s3:GetBucketVersioning"), 2);
    assert!(ran.seen.notices.is_empty());
}

#[test]
fn an_account_that_cannot_be_entered_is_asked_once_and_unread_as_a_whole() {
    let mut scan = Scan::of(
        &[("s3/bucket.yaml", BUCKET), ("ecs/cluster.yaml", CLUSTER)],
        json!({"sts:GetCallerIdentity": {"error": "AccessDenied"}}),
    );
    scan.accounts = vec![OTHER];
    let ran = scan.run();
    assert_eq!(ran.asked.len(), 1);
    let covered: BTreeSet<_> =
        ran.seen.coverage.iter().map(|c| (&*c.type_name, &*c.region)).collect();
    assert_eq!(
        covered,
        BTreeSet::from([("AWS::S3::Bucket", "global"), ("AWS::ECS::Cluster", "eu-west-1")])
    );
    assert!(ran.seen.coverage.iter().all(|c| matches!(c.state, CoverageState::Unread(_))));
    assert_eq!(ran.seen.notices[0].kind, NoticeKind::Account);
}

#[test]
fn details_go_to_the_region_where_the_resource_is() {
    let answers = json!({
        "s3:ListBuckets": buckets(&["a"]),
        "s3:GetBucketVersioning": {},
        "s3:GetBucketPolicy": {"error": "NoSuchBucketPolicy"},
    });
    let ran = Scan::of(&[("s3/bucket.yaml", BUCKET)], answers).run();
    let region_of = |call: &str| {
        let asked = ran.asked.iter().find(|(_, name, _)| name == call).unwrap();
        asked.0.region.clone()
    };
    assert_eq!(region_of("s3:ListBuckets"), "us-east-1");
    assert_eq!(region_of("s3:GetBucketPolicy"), "eu-west-1");
    assert!(ran.unread("a").is_empty());
}

#[test]
fn an_interruption_keeps_what_was_read_and_names_what_was_not() {
    let mut scan = Scan::of(
        &[("s3/bucket.yaml", BUCKET), ("ecs/cluster.yaml", CLUSTER)],
        json!({
            "s3:ListBuckets": buckets(&["a"]),
            "s3:GetBucketVersioning": {"Status": "Enabled"},
            "s3:GetBucketPolicy": {"error": "NoSuchBucketPolicy"},
            "ecs:ListClusters": {"clusterArns": ["c"]},
        }),
    );
    scan.cancel_after = Some(2);
    let ran = scan.run();
    assert_eq!(ran.asked.len(), 2);
    let bucket = &ran.seen.resources[0];
    assert_eq!(bucket.properties["VersioningConfiguration"]["Status"], "Enabled");
    let path = "properties.BucketPolicy.PolicyDocument".to_owned();
    assert_eq!(ran.unread("a"), [(path, UnreadReason::Interrupted)]);
    let CoverageState::Unread(unread) = ran.state("AWS::ECS::Cluster") else { panic!() };
    assert_eq!(unread.reason, UnreadReason::Interrupted);
}

#[test]
fn a_scan_that_nobody_listens_to_stops() {
    let content = content_of(&[("s3/bucket.yaml", BUCKET)]);
    let plan = Plan::new(&content, &Wanted::Everything);
    let by_call = serde_json::from_value(json!({"s3:ListBuckets": buckets(&["a", "b"])})).unwrap();
    let answers = Arc::new(Answers::new(CALLER, "aws", by_call));
    let organization = Organization::alone(CALLER, "aws");
    let regions = Regions::default();
    let ground =
        Ground { organization: &organization, regions: &regions, now: Timestamp::UNIX_EPOCH };
    let (sink, events) = mpsc::channel(1);
    drop(events);
    let caller: Arc<dyn Caller> = Arc::<Answers>::clone(&answers);
    let outcome = block_on(run(caller, &plan, &ground, sink, CancellationToken::new()));
    assert!(outcome.interrupted);
    assert!(answers.asked().is_empty());
}

fn services(count: usize) -> Value {
    json!((0..count).map(|n| format!("s{n:02}")).collect::<Vec<_>>())
}

#[test]
fn batches_hold_as_many_as_the_file_says_and_one_failure_is_one_batch() {
    let described = |from: usize| -> Value {
        let rows = from..from + 10;
        json!({"services": rows
            .map(|n| json!({"serviceArn": format!("s{n:02}"), "desiredCount": n}))
            .collect::<Vec<_>>()})
    };
    let first = (0..10).map(|n| format!("s{n:02}")).collect::<Vec<_>>();
    let last = (20..25).map(|n| format!("s{n:02}")).collect::<Vec<_>>();
    let answers = json!({
        "ecs:ListClusters": {"clusterArns": ["c"]},
        "ecs:ListServices": {"serviceArns": services(25)},
        "ecs:DescribeServices": [
            {"input": {"services": first}, "answer": described(0)},
            {"input": {"services": last}, "answer": described(20)},
            {"input": {"cluster": "c"}, "error": "AccessDenied"}],
    });
    let files = [("ecs/cluster.yaml", CLUSTER), ("ecs/service.yaml", SERVICE)];
    let ran = Scan::of(&files, answers).run();
    assert_eq!(ran.times("ecs:DescribeServices"), 3);
    for n in 0..25 {
        let unread = ran.unread(&format!("s{n:02}"));
        assert_eq!(unread.len(), usize::from((10..20).contains(&n)), "{n}");
    }
}

#[test]
fn a_required_row_that_is_missing_is_unread_not_absent() {
    let answers = json!({
        "ecs:ListClusters": {"clusterArns": ["c"]},
        "ecs:ListServices": {"serviceArns": ["gone"]},
        "ecs:DescribeServices": {"services": []},
    });
    let files = [("ecs/cluster.yaml", CLUSTER), ("ecs/service.yaml", SERVICE)];
    let ran = Scan::of(&files, answers).run();
    let path = "properties.DesiredCount".to_owned();
    assert_eq!(ran.unread("gone"), [(path, UnreadReason::Failed)]);
}

#[test]
fn children_of_parents_that_could_not_be_listed_are_not_none() {
    let answers = json!({"ecs:ListClusters": {"error": "AccessDeniedException"}});
    let files = [("ecs/cluster.yaml", CLUSTER), ("ecs/service.yaml", SERVICE)];
    let ran = Scan::of(&files, answers).run();
    let CoverageState::Unread(unread) = ran.state("AWS::ECS::Service") else { panic!() };
    assert_eq!(unread.call, "ecs:ListClusters");
}

#[test]
fn children_are_partial_where_one_parent_does_not_answer() {
    let answers = json!({
        "ecs:ListClusters": {"clusterArns": ["c", "d"]},
        "ecs:ListServices": [
            {"input": {"cluster": "c"}, "answer": {"serviceArns": []}},
            {"input": {"cluster": "d"}, "error": "AccessDeniedException"}],
    });
    let files = [("ecs/cluster.yaml", CLUSTER), ("ecs/service.yaml", SERVICE)];
    let ran = Scan::of(&files, answers).run();
    assert!(matches!(ran.state("AWS::ECS::Service"), CoverageState::Partial(_)));
    assert_eq!(*ran.state("AWS::ECS::Cluster"), CoverageState::Complete);
}

const UNIT: &str = "
type: AWS::Organizations::OrganizationalUnit
title: {en: Unit, ja: 組織単位}
scope: organization
list:
  - call: organizations:ListRoots
    each: output.Roots
  - call: organizations:ListOrganizationalUnitsForParent
    for: AWS::Organizations::OrganizationalUnit
    input: {ParentId: '${parent.id}'}
    each: output.OrganizationalUnits
identity: {id: item.Id}
";

#[test]
fn a_type_that_is_its_own_parent_is_followed_down_and_no_further() {
    let unit = |id: &str| json!({"OrganizationalUnits": [{"Id": id}]});
    let answers = json!({
        "organizations:ListRoots": {"Roots": [{"Id": "r"}]},
        "organizations:ListOrganizationalUnitsForParent": [
            {"input": {"ParentId": "r"}, "answer": unit("a")},
            {"input": {"ParentId": "a"}, "answer": unit("b")},
            {"input": {"ParentId": "b"}, "answer": unit("r")}],
    });
    let ran = Scan::of(&[("organizations/unit.yaml", UNIT)], answers).run();
    assert_eq!(ran.ids(), ["a", "b", "r"]);
    assert_eq!(ran.times("organizations:ListOrganizationalUnitsForParent"), 3);
    assert_eq!(*ran.state("AWS::Organizations::OrganizationalUnit"), CoverageState::Complete);
}

const KEY: &str = "
type: AWS::KMS::Key
title: {en: Key, ja: キー}
scope: region
list:
  - {call: kms:ListKeys, each: output.Keys}
identity: {id: item.KeyId}
details:
  - call: kms:GetKeyRotationStatus
    when: resource.runtime.KeyManager == 'CUSTOMER'
    input: {KeyId: '${id}'}
    properties: {EnableKeyRotation: output.KeyRotationEnabled}
  - call: kms:DescribeKey
    input: {KeyId: '${id}'}
    runtime: {KeyManager: output.KeyMetadata.KeyManager}
  - call: kms:ListGrants
    when: resource.runtime.KeyManager == 'CUSTOMER'
    input: {KeyId: '${id}'}
    runtime: {Grants: output.Grants}
";

#[test]
fn a_detail_sees_what_the_details_above_it_said() {
    let answers = json!({
        "kms:ListKeys": {"Keys": [{"KeyId": "k"}]},
        "kms:DescribeKey": {"KeyMetadata": {"KeyManager": "CUSTOMER"}},
        "kms:GetKeyRotationStatus": {"KeyRotationEnabled": true},
        "kms:ListGrants": {"Grants": []},
    });
    let ran = Scan::of(&[("kms/key.yaml", KEY)], answers).run();
    assert_eq!(ran.times("kms:ListGrants"), 1);
    // The one above the description sees nothing of it.
    assert_eq!(ran.times("kms:GetKeyRotationStatus"), 0);
}

#[test]
fn a_detail_whose_condition_is_unread_is_unread_for_the_same_reason() {
    let answers = json!({
        "kms:ListKeys": {"Keys": [{"KeyId": "k"}]},
        "kms:DescribeKey": {"error": "AccessDeniedException"},
    });
    let ran = Scan::of(&[("kms/key.yaml", KEY)], answers).run();
    let denied = |path: &str| (path.to_owned(), UnreadReason::Denied);
    assert_eq!(ran.unread("k"), [denied("runtime.KeyManager"), denied("runtime.Grants")]);
    assert_eq!(ran.times("kms:ListGrants"), 0);
}

const REPORT: &str = "
type: Yagura::Account::Account
title: {en: Account, ja: アカウント}
scope: account
list:
  - {each: '[{}]'}
identity: {id: account}
lookups:
  - call: iam:GetCredentialReport
    before: {call: iam:GenerateCredentialReport, until: output.State == 'COMPLETE'}
    each: csv(base64_decode(output.Content))
    key: row.user
    match: \"'root'\"
    runtime: {Mfa: row.mfa}
";

#[test]
fn a_report_that_is_never_done_times_out() {
    let answers = json!({"iam:GenerateCredentialReport": {"State": "STARTED"}});
    let ran = Scan::of(&[("account/account.yaml", REPORT)], answers).run();
    assert_eq!(ran.unread(CALLER), [("runtime.Mfa".to_owned(), UnreadReason::TimedOut)]);
    assert_eq!(ran.times("iam:GetCredentialReport"), 0);
    assert_eq!(ran.pauses + 1, ran.times("iam:GenerateCredentialReport"));
}

#[test]
fn a_report_is_made_once_and_its_row_found() {
    // user,mfa / root,true
    let answers = json!({
        "iam:GenerateCredentialReport": {"State": "COMPLETE"},
        "iam:GetCredentialReport": {"Content": "dXNlcixtZmEKcm9vdCx0cnVlCg=="},
    });
    let ran = Scan::of(&[("account/account.yaml", REPORT)], answers).run();
    assert_eq!(ran.seen.resources[0].runtime["Mfa"], "true");
    assert_eq!(ran.pauses, 0);
    assert_eq!(*ran.state("Yagura::Account::Account"), CoverageState::Complete);
}
