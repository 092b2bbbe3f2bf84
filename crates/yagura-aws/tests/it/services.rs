//! One list or describe operation of each of many services, answered by moto and read by us.
//! What the answers mean is not looked at, only that they fit AWS's own model.

use futures::StreamExt;
use serde_json::{Value, json};
use yagura_aws::{CallError, CallErrorKind, Declared, Target};
use yagura_testkit::faults::{Fault, Faults, Rule};
use yagura_testkit::moto::Moto;
use yagura_testkit::writer::Writer;

use crate::{ACCESS_KEY, OWN, builder, tables};

/// What moto answers.
enum Wanted {
    /// An output of this operation, with this member.
    Member(&'static str),
    /// This error of AWS.
    Error(&'static str),
    /// It lacks the operation and says so as no service of AWS would: with a bare status. That
    /// must never look like "there is none".
    Bare,
}

use Wanted::{Bare, Error, Member};

/// Service, operation, input, wanted.
fn calls() -> Vec<(&'static str, &'static str, Value, Wanted)> {
    vec![
        ("accessanalyzer", "ListAnalyzers", json!({}), Bare),
        (
            "account",
            "GetAlternateContact",
            json!({"AlternateContactType": "SECURITY"}),
            Error("ResourceNotFoundException"),
        ),
        ("acm", "ListCertificates", json!({}), Member("CertificateSummaryList")),
        ("apigateway", "GetRestApis", json!({}), Member("items")),
        ("apigatewayv2", "GetApis", json!({}), Member("Items")),
        (
            "application-autoscaling",
            "DescribeScalableTargets",
            json!({"ServiceNamespace": "ecs"}),
            Member("ScalableTargets"),
        ),
        ("athena", "ListWorkGroups", json!({}), Member("WorkGroups")),
        ("autoscaling", "DescribeAutoScalingGroups", json!({}), Member("AutoScalingGroups")),
        ("backup", "ListBackupVaults", json!({}), Member("BackupVaultList")),
        ("batch", "DescribeComputeEnvironments", json!({}), Member("computeEnvironments")),
        ("cloudformation", "DescribeStacks", json!({}), Member("Stacks")),
        ("cloudfront", "ListDistributions", json!({}), Member("DistributionList")),
        ("cloudtrail", "DescribeTrails", json!({}), Member("trailList")),
        ("cloudwatch", "DescribeAlarms", json!({}), Member("MetricAlarms")),
        ("codebuild", "ListProjects", json!({}), Member("projects")),
        ("cognito-idp", "ListUserPools", json!({"MaxResults": 10}), Member("UserPools")),
        ("config", "DescribeConfigurationRecorders", json!({}), Member("ConfigurationRecorders")),
        ("dax", "DescribeClusters", json!({}), Member("Clusters")),
        ("directconnect", "DescribeConnections", json!({}), Member("connections")),
        ("dms", "DescribeReplicationInstances", json!({}), Member("ReplicationInstances")),
        ("dynamodb", "ListTables", json!({}), Member("TableNames")),
        ("ec2", "DescribeVpcs", json!({}), Member("Vpcs")),
        ("ec2", "DescribeInstances", json!({}), Member("Reservations")),
        ("ecr", "DescribeRepositories", json!({}), Member("repositories")),
        ("ecs", "ListClusters", json!({}), Member("clusterArns")),
        ("efs", "DescribeFileSystems", json!({}), Member("FileSystems")),
        ("eks", "ListClusters", json!({}), Member("clusters")),
        ("elasticache", "DescribeCacheClusters", json!({}), Member("CacheClusters")),
        ("elasticbeanstalk", "DescribeEnvironments", json!({}), Member("Environments")),
        ("elb", "DescribeLoadBalancers", json!({}), Member("LoadBalancerDescriptions")),
        ("elbv2", "DescribeLoadBalancers", json!({}), Member("LoadBalancers")),
        ("emr", "ListClusters", json!({}), Member("Clusters")),
        ("events", "ListRules", json!({}), Member("Rules")),
        ("firehose", "ListDeliveryStreams", json!({}), Member("DeliveryStreamNames")),
        ("fsx", "DescribeFileSystems", json!({}), Member("FileSystems")),
        ("glue", "GetDatabases", json!({}), Member("DatabaseList")),
        ("guardduty", "ListDetectors", json!({}), Member("DetectorIds")),
        ("iam", "ListUsers", json!({}), Member("Users")),
        ("iam", "GetAccountSummary", json!({}), Member("SummaryMap")),
        ("iam", "GetUser", json!({"UserName": "nobody"}), Error("NoSuchEntity")),
        ("inspector2", "BatchGetAccountStatus", json!({}), Member("accounts")),
        ("kafka", "ListClustersV2", json!({}), Member("ClusterInfoList")),
        ("kinesis", "ListStreams", json!({}), Member("StreamNames")),
        ("kms", "ListKeys", json!({}), Member("Keys")),
        (
            "kms",
            "DescribeKey",
            json!({"KeyId": "00000000-0000-0000-0000-000000000000"}),
            Error("NotFoundException"),
        ),
        ("lambda", "ListFunctions", json!({}), Member("Functions")),
        (
            "lambda",
            "GetPolicy",
            json!({"FunctionName": "nothing"}),
            Error("ResourceNotFoundException"),
        ),
        ("logs", "DescribeLogGroups", json!({}), Member("logGroups")),
        ("macie2", "GetMacieSession", json!({}), Member("status")),
        ("mq", "ListBrokers", json!({}), Member("BrokerSummaries")),
        ("network-firewall", "ListFirewalls", json!({}), Member("Firewalls")),
        ("opensearch", "ListDomainNames", json!({}), Member("DomainNames")),
        (
            "organizations",
            "DescribeOrganization",
            json!({}),
            Error("AWSOrganizationsNotInUseException"),
        ),
        ("ram", "ListResources", json!({"resourceOwner": "SELF"}), Bare),
        ("rds", "DescribeDBInstances", json!({}), Member("DBInstances")),
        ("redshift", "DescribeClusters", json!({}), Member("Clusters")),
        ("resourcegroupstaggingapi", "GetResources", json!({}), Member("ResourceTagMappingList")),
        ("route53", "ListHostedZones", json!({}), Member("HostedZones")),
        ("route53resolver", "ListResolverRules", json!({}), Member("ResolverRules")),
        ("s3", "ListBuckets", json!({}), Member("Buckets")),
        ("s3", "GetBucketPolicy", json!({"Bucket": "seeded"}), Error("NoSuchBucketPolicy")),
        ("s3", "GetBucketVersioning", json!({"Bucket": "nowhere"}), Error("NoSuchBucket")),
        (
            "s3control",
            "GetPublicAccessBlock",
            json!({"AccountId": OWN}),
            Error("NoSuchPublicAccessBlockConfiguration"),
        ),
        ("sagemaker", "ListNotebookInstances", json!({}), Member("NotebookInstances")),
        ("secretsmanager", "ListSecrets", json!({}), Member("SecretList")),
        ("securityhub", "GetFindings", json!({}), Member("Findings")),
        ("servicecatalog", "ListPortfolios", json!({}), Member("PortfolioDetails")),
        ("servicediscovery", "ListNamespaces", json!({}), Member("Namespaces")),
        ("ses", "ListIdentities", json!({}), Member("Identities")),
        ("sesv2", "ListEmailIdentities", json!({}), Member("EmailIdentities")),
        ("shield", "ListProtections", json!({}), Member("Protections")),
        ("sns", "ListTopics", json!({}), Member("Topics")),
        ("sqs", "ListQueues", json!({}), Member("QueueUrls")),
        ("ssm", "DescribeParameters", json!({}), Member("Parameters")),
        ("sso-admin", "ListInstances", json!({}), Member("Instances")),
        ("stepfunctions", "ListStateMachines", json!({}), Member("stateMachines")),
        ("sts", "GetCallerIdentity", json!({}), Member("Account")),
        ("wafv2", "ListWebACLs", json!({"Scope": "REGIONAL"}), Member("WebACLs")),
        ("workspaces", "DescribeWorkspaces", json!({}), Member("Workspaces")),
    ]
}

/// The call gave what was wanted, and an output fits AWS's model; else what it gave.
fn complaint(
    service: &str,
    operation: &str,
    wanted: &Wanted,
    result: Result<Value, CallError>,
) -> Option<String> {
    let (api, _) = tables();
    let service = api.service(service).unwrap();
    let operation = service.operation(operation).unwrap();
    let found = match (wanted, result) {
        (Member(name), Ok(output)) => match operation.check_output(&output) {
            Ok(()) if output.get(name).is_some() => return None,
            Ok(()) => format!("no `{name}` in {output}"),
            Err(problems) => format!("{problems:?}"),
        },
        (Error(code), Err(error)) if error.is(code) => return None,
        (Bare, Err(error)) if error.kind == CallErrorKind::Failed && error.code().is_empty() => {
            return None;
        }
        (_, Ok(output)) => output.to_string(),
        (_, Err(error)) => error.to_string(),
    };
    Some(format!("{}:{}: {found}", service.name(), operation.name()))
}

#[tokio::test]
async fn operations_of_many_services_are_answered_and_read() {
    let moto = Moto::start().await.unwrap();
    let (api, _) = tables();
    let seed = Writer::new(moto.url(), &api, ACCESS_KEY);
    seed.call("us-east-1", "s3", "CreateBucket", json!({"Bucket": "seeded"})).await.unwrap();
    seed.call("us-east-1", "sqs", "CreateQueue", json!({"QueueName": "q"})).await.unwrap();
    let client = builder(&moto.url()).build().await.unwrap().read(Declared::none());
    let target = Target::new(OWN, "us-east-1");
    let calls = calls();
    let services: std::collections::BTreeSet<_> = calls.iter().map(|call| call.0).collect();
    assert!(services.len() >= 60, "{}", services.len());
    let complaints: Vec<String> = futures::stream::iter(calls)
        .map(|(service, operation, input, wanted)| {
            let (client, target) = (client.clone(), target.clone());
            async move {
                let result = client.call_all(&target, service, operation, &input).await;
                complaint(service, operation, &wanted, result)
            }
        })
        .buffered(8)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn table(name: &str) -> Value {
    json!({
        "TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    })
}

#[tokio::test]
async fn what_was_written_is_read_over_every_protocol_and_page() {
    let moto = Moto::start().await.unwrap();
    let (api, _) = tables();
    let seed = Writer::new(moto.url(), &api, ACCESS_KEY);
    for n in 0..5 {
        let name = format!("t-{n}");
        seed.call("us-east-1", "dynamodb", "CreateTable", table(&name)).await.unwrap();
        let queue = json!({"QueueName": format!("q-{n}")});
        seed.call("us-east-1", "sqs", "CreateQueue", queue).await.unwrap();
    }
    seed.call("us-east-1", "s3", "CreateBucket", json!({"Bucket": "tagged"})).await.unwrap();
    let tags = json!({"Bucket": "tagged", "Tagging": {"TagSet": [{"Key": "k", "Value": "<&>"}]}});
    seed.call("us-east-1", "s3", "PutBucketTagging", tags).await.unwrap();
    let group = json!({"GroupName": "g", "Description": "d"});
    seed.call("eu-west-1", "ec2", "CreateSecurityGroup", group).await.unwrap();

    let client = builder(&moto.url()).build().await.unwrap().read(Declared::none());
    let at = |region: &str| Target::new(OWN, region);
    let here = at("us-east-1");
    for (service, operation, limit, member) in [
        ("dynamodb", "ListTables", "Limit", "TableNames"),
        ("sqs", "ListQueues", "MaxResults", "QueueUrls"),
    ] {
        let input = json!({limit: 2});
        let pages: Vec<_> = client.pages(&here, service, operation, &input).collect().await;
        assert_eq!(pages.len(), 3, "{service}");
        let all = client.call_all(&here, service, operation, &input).await.unwrap();
        assert_eq!(all[member].as_array().unwrap().len(), 5, "{service}");
    }
    // The testkit's proxy makes pages small although the client asks for none.
    let faults = Faults::before(&moto.url(), &api, &["dynamodb"], OWN).await.unwrap();
    faults.inject(Rule::new(Fault::PageLimit(2)).operation("ListTables"));
    let small = builder(&faults.url()).build().await.unwrap().read(Declared::none());
    let all = small.call_all(&here, "dynamodb", "ListTables", &json!({})).await.unwrap();
    assert_eq!(all["TableNames"].as_array().unwrap().len(), 5);
    assert_eq!(faults.seen().iter().filter(|call| call.operation == "ListTables").count(), 3);

    let tags = client.call(&here, "s3", "GetBucketTagging", &json!({"Bucket": "tagged"})).await;
    assert_eq!(tags.unwrap()["TagSet"], json!([{"Key": "k", "Value": "<&>"}]));
    let table = client.call(&here, "dynamodb", "DescribeTable", &json!({"TableName": "t-0"})).await;
    assert_eq!(table.unwrap()["Table"]["TableStatus"], "ACTIVE");
    let groups = json!({"Filters": [{"Name": "group-name", "Values": ["g"]}]});
    for (region, count) in [("us-east-1", 0), ("eu-west-1", 1)] {
        let found = client.call(&at(region), "ec2", "DescribeSecurityGroups", &groups).await;
        assert_eq!(found.unwrap()["SecurityGroups"].as_array().unwrap().len(), count, "{region}");
    }
}
