//! A scan end to end: our client, our codecs and our resource files against moto, which
//! implements AWS independently of us. What moto lacks is not claimed here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use yagura_aws::{Aws, ReadClient};
use yagura_collect::{Event, Extent, Ground, Outcome, Plan, Wanted};
use yagura_model::{Coverage, CoverageState, Resource};
use yagura_testkit::moto::{MOTO_ACCOUNT, Moto};
use yagura_testkit::writer::Writer;

use crate::resource_files::content;
use crate::tables;

const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const REGION: &str = "us-east-1";

async fn client(moto: &Moto, plan: &Plan<'_>) -> ReadClient {
    let (api, actions) = tables();
    let builder = Aws::builder(api, actions)
        .isolated()
        .keys(ACCESS_KEY, "secret", None)
        .region(REGION)
        .endpoint_url(moto.url())
        .seed(1);
    builder.build().await.unwrap().read(plan.calls().into_iter().collect())
}

struct Scanned {
    resources: Vec<Resource>,
    coverage: Vec<Coverage>,
    outcome: Outcome,
}

async fn scan(client: &ReadClient, plan: &Plan<'_>) -> Scanned {
    let organization = yagura_collect::organization(client, Extent::Everything).await.unwrap();
    let regions =
        yagura_collect::regions(client, &organization, &[REGION.to_owned()]).await.unwrap();
    let now = Timestamp::UNIX_EPOCH;
    let ground = Ground { organization: &organization, regions: &regions, now };
    let (sink, mut events) = mpsc::channel(64);
    let cancel = CancellationToken::new();
    let receive = async {
        let (mut resources, mut coverage) = (Vec::new(), Vec::new());
        while let Some(event) = events.recv().await {
            match event {
                Event::Resource(resource) => resources.push(*resource),
                Event::Coverage(one) => coverage.push(one),
                Event::Notice(_) | Event::Progress(_) => {}
            }
        }
        (resources, coverage)
    };
    let inventory = yagura_collect::inventory(client, plan, &ground, sink, cancel);
    let (outcome, (resources, coverage)) = tokio::join!(inventory, receive);
    Scanned { resources, coverage, outcome }
}

#[tokio::test]
async fn what_was_made_in_moto_is_found_as_it_was_made() {
    let moto = Moto::start().await.unwrap();
    let (api, _) = tables();
    let seed = Writer::new(moto.url(), &api, ACCESS_KEY);
    let write = async |service: &str, operation: &str, input| {
        seed.call(REGION, service, operation, input).await.unwrap()
    };
    write("s3", "CreateBucket", json!({"Bucket": "ledger"})).await;
    let versioning = json!({"Bucket": "ledger", "VersioningConfiguration": {"Status": "Enabled"}});
    write("s3", "PutBucketVersioning", versioning).await;
    write("s3", "CreateBucket", json!({"Bucket": "bare"})).await;
    write("iam", "CreateUser", json!({"UserName": "alice"})).await;
    let policy =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let inline = json!({"UserName": "alice", "PolicyName": "all", "PolicyDocument": policy});
    write("iam", "PutUserPolicy", inline).await;
    let group = json!({"GroupName": "web", "Description": "front"});
    let group = write("ec2", "CreateSecurityGroup", group).await["GroupId"].clone();
    let ingress = json!({"GroupId": group, "IpPermissions": [{"IpProtocol": "tcp",
        "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]});
    write("ec2", "AuthorizeSecurityGroupIngress", ingress).await;

    let content = content();
    let types = ["AWS::S3::Bucket", "AWS::IAM::User", "AWS::EC2::SecurityGroup"];
    let plan = Plan::new(&content, &Wanted::Types(&types));
    let client = client(&moto, &plan).await;
    let scanned = scan(&client, &plan).await;

    assert!(!scanned.outcome.interrupted);
    let states: BTreeMap<&str, &CoverageState> =
        scanned.coverage.iter().map(|one| (&*one.type_name, &one.state)).collect();
    assert!(states.values().all(|state| **state == CoverageState::Complete), "{states:?}");
    let find = |id: &str| {
        let found = scanned.resources.iter().find(|resource| resource.id == id);
        found.unwrap_or_else(|| panic!("`{id}` was not found"))
    };
    let ledger = find("ledger");
    assert_eq!(ledger.account, MOTO_ACCOUNT);
    assert_eq!(ledger.region, REGION);
    assert_eq!(ledger.properties["VersioningConfiguration"]["Status"], "Enabled");
    assert!(find("bare").properties.get("VersioningConfiguration").is_none());
    let alice = find("alice");
    assert_eq!(alice.properties["Policies"][0]["PolicyDocument"]["Statement"]["Action"], "*");
    assert_eq!(alice.runtime["MfaActive"], false);
    let web = find(group.as_str().unwrap());
    assert_eq!(web.properties["SecurityGroupIngress"][0]["CidrIp"], "0.0.0.0/0");
    assert_eq!(web.properties["SecurityGroupIngress"][0]["FromPort"], 22);
    for resource in &scanned.resources {
        let blind: Vec<_> = resource
            .unread
            .iter()
            .filter(|unread| unread.reason.is_blind())
            .map(|unread| format!("{} ({})", unread.path, unread.detail))
            .collect();
        assert!(blind.is_empty(), "{}: {blind:?}", resource.key);
    }
}
