//! Requests for Security Hub's `BatchImportFindings`, in AWS Security Finding Format: each line
//! is the input of one call, made in one account and region, with at most 100 findings.
//! Source: the service model of Security Hub (botocore 1.44) and the limits in its text, seen
//! 2026-11; the tests hold the part we use. Nothing is sent from here.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use yagura_model::Verdict;

use crate::catalog::ControlEntry;
use crate::clean::{clean, clean_lines, shortened};
use crate::phrases;
use crate::scan_report::{ScanReport, Standing, verdict_id};
use crate::standards::{partition, region, requirements};
use crate::words::words;

/// Findings in one call.
pub(crate) const FINDINGS_MAX: usize = 100;

/// Requirements named in one finding.
const REQUIREMENTS_MAX: usize = 32;

/// Partitions that the shape accepts.
const PARTITIONS: [&str; 5] = ["aws", "aws-cn", "aws-us-gov", "aws-us-iso", "aws-us-iso-b"];

/// Findings gathered per account and region: Security Hub takes a call with the default product
/// only from the account and in the region of its findings.
#[derive(Default)]
pub(super) struct Requests(BTreeMap<(String, String), Vec<Value>>);

impl Requests {
    /// Adds a verdict; gives back a request when one is full. What a control does not speak about
    /// is no finding.
    pub(super) fn add(&mut self, report: &ScanReport<'_>, verdict: &Verdict) -> Option<Value> {
        if Standing::of(verdict) == Standing::NotApplicable {
            return None;
        }
        let place = (verdict.account.clone(), region(verdict));
        let findings = self.0.entry(place).or_default();
        findings.push(finding(report, verdict));
        (findings.len() == FINDINGS_MAX).then(|| json!({"Findings": std::mem::take(findings)}))
    }

    /// The requests that did not fill up.
    pub(super) fn rest(self) -> impl Iterator<Item = Value> {
        self.0
            .into_values()
            .filter(|findings| !findings.is_empty())
            .map(|findings| json!({"Findings": findings}))
    }
}

pub(crate) fn finding(report: &ScanReport<'_>, verdict: &Verdict) -> Value {
    let words = words(report.lang);
    let standing = Standing::of(verdict);
    let partition = partition(verdict);
    let region = region(verdict);
    let account = clean(&verdict.account);
    let entry = report.catalog.controls.get(&verdict.control);
    let title = clean(report.catalog.title(&verdict.control, report.lang));
    let label = verdict.severity.as_str();
    let description = description(report, verdict, entry);
    let mut finding = json!({
        "SchemaVersion": "2018-10-08",
        "Id": verdict_id(verdict),
        "ProductArn":
            format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default"),
        "ProductName": "Yagura",
        "CompanyName": "Yagura",
        "Region": limited(&region, 16),
        "GeneratorId": limited(&format!("yagura/{}", clean(&verdict.control)), 512),
        "AwsAccountId": account,
        "CreatedAt": report.scan.started.to_string(),
        "UpdatedAt": report.scan.finished.to_string(),
        "FindingProviderFields": {
            "Severity": {"Label": label.to_uppercase(), "Original": label},
            "Types": ["Software and Configuration Checks/AWS Security Best Practices"],
        },
        "Title": limited(&title, 256),
        "Description": limited(&description, 1024),
        "Resources": [resource(verdict, &partition, &region)],
        "Compliance": compliance(report, verdict, standing),
        "Workflow": {"Status": workflow(standing)},
        "RecordState": "ACTIVE",
        "ProductFields": product_fields(report, verdict),
    });
    let Some(fields) = finding.as_object_mut() else { return finding };
    if let Some(remediation) = entry.and_then(|entry| remediation(report, entry)) {
        fields.insert("Remediation".to_owned(), remediation);
    }
    if let Some(exception) = &verdict.exception {
        let until = phrases::day(exception.expires);
        let by = clean(&exception.owner);
        let text = words.fill("report.accepted_by", &[("by", &by), ("until", &until)]);
        let text = format!("{} ({text})", clean(&exception.reason));
        fields.insert(
            "Note".to_owned(),
            json!({
                "Text": limited(&text, 512),
                "UpdatedBy": limited(&by, 512),
                "UpdatedAt": report.scan.finished.to_string(),
            }),
        );
    }
    finding
}

fn description(report: &ScanReport<'_>, verdict: &Verdict, entry: Option<&ControlEntry>) -> String {
    let message = phrases::message(words(report.lang), report, verdict);
    match entry {
        Some(entry) => format!("{message} {}", clean(entry.why.get(report.lang))),
        None => message,
    }
}

fn resource(verdict: &Verdict, partition: &str, region: &str) -> Value {
    let mut resource = json!({
        "Type": resource_type(&verdict.type_name),
        "Id": clean(&verdict.key),
        "Region": limited(region, 16),
    });
    if let Some(fields) = resource.as_object_mut().filter(|_| PARTITIONS.contains(&partition)) {
        fields.insert("Partition".to_owned(), partition.into());
    }
    resource
}

fn compliance(report: &ScanReport<'_>, verdict: &Verdict, standing: Standing) -> Value {
    let words = words(report.lang);
    let status = match standing {
        Standing::Pass => "PASSED",
        Standing::Fail | Standing::Accepted => "FAILED",
        Standing::Unknown | Standing::NotApplicable => "NOT_AVAILABLE",
    };
    let mut compliance = Map::new();
    compliance.insert("Status".to_owned(), status.into());
    let entry = report.catalog.controls.get(&verdict.control);
    let mut requirements = requirements(entry);
    requirements.truncate(REQUIREMENTS_MAX);
    if !requirements.is_empty() {
        compliance.insert("RelatedRequirements".to_owned(), json!(requirements));
    }
    if standing == Standing::Unknown {
        let code = verdict.unread.first().map_or("UNKNOWN", |part| part.reason.as_str());
        let why = phrases::why_verdict_unknown(words, verdict);
        let reason = json!({"ReasonCode": code.to_uppercase(), "Description": limited(&why, 2048)});
        compliance.insert("StatusReasons".to_owned(), Value::Array(vec![reason]));
    }
    Value::Object(compliance)
}

fn workflow(standing: Standing) -> &'static str {
    match standing {
        Standing::Fail | Standing::Unknown => "NEW",
        Standing::Accepted => "SUPPRESSED",
        Standing::Pass | Standing::NotApplicable => "RESOLVED",
    }
}

fn remediation(report: &ScanReport<'_>, entry: &ControlEntry) -> Option<Value> {
    let text = match entry.fix.cli.trim() {
        "" => entry.fix.console(report.lang).join(" "),
        cli => cli.to_owned(),
    };
    if text.trim().is_empty() {
        return None;
    }
    let mut recommendation = Map::new();
    recommendation.insert("Text".to_owned(), limited(&clean_lines(&text), 512).into());
    if let Some(url) = entry.references.first() {
        recommendation.insert("Url".to_owned(), clean(url).into());
    }
    Some(json!({"Recommendation": recommendation}))
}

fn product_fields(report: &ScanReport<'_>, verdict: &Verdict) -> Value {
    let mut fields = Map::new();
    fields.insert("yagura/control".to_owned(), clean(&verdict.control).into());
    fields.insert("yagura/resource_type".to_owned(), limited(&verdict.type_name, 2048).into());
    fields.insert("yagura/version".to_owned(), clean(&report.scan.version).into());
    let evidence = phrases::evidence(verdict, 2048);
    if !evidence.trim().is_empty() {
        fields.insert("yagura/evidence".to_owned(), evidence.into());
    }
    Value::Object(fields)
}

/// A text that fits its field and is never blank (the shape wants one visible character).
pub(crate) fn limited(text: &str, chars_max: usize) -> String {
    let text = shortened(text, chars_max);
    if text.trim().is_empty() { "-".to_owned() } else { text.into_owned() }
}

/// Security Hub's name of a resource type, `Other` where it has none.
fn resource_type(type_name: &str) -> &'static str {
    let folded = match type_name {
        "AWS::ElasticLoadBalancingV2::LoadBalancer" => "awselbv2loadbalancer".to_owned(),
        "AWS::ElasticLoadBalancing::LoadBalancer" => "awselbloadbalancer".to_owned(),
        "AWS::IAM::ManagedPolicy" => "awsiampolicy".to_owned(),
        "AWS::EC2::VPCPeeringConnection" => "awsec2vpcpeeringconnection".to_owned(),
        "Yagura::Account::Account" => "awsaccount".to_owned(),
        other => other.replace("::", "").to_lowercase(),
    };
    TYPES.iter().find(|name| name.to_lowercase() == folded).copied().unwrap_or("Other")
}

/// The resource types that Security Hub knows. Source: the members of `ResourceDetails` in its
/// service model (botocore 1.44), and `AwsAccount`.
const TYPES: &[&str] = &[
    "AwsAccount",
    "AwsAmazonMqBroker",
    "AwsApiGatewayRestApi",
    "AwsApiGatewayStage",
    "AwsApiGatewayV2Api",
    "AwsApiGatewayV2Stage",
    "AwsAppSyncGraphQlApi",
    "AwsAthenaWorkGroup",
    "AwsAutoScalingAutoScalingGroup",
    "AwsAutoScalingLaunchConfiguration",
    "AwsBackupBackupPlan",
    "AwsBackupBackupVault",
    "AwsBackupRecoveryPoint",
    "AwsCertificateManagerCertificate",
    "AwsCloudFormationStack",
    "AwsCloudFrontDistribution",
    "AwsCloudTrailTrail",
    "AwsCloudWatchAlarm",
    "AwsCodeBuildProject",
    "AwsDmsEndpoint",
    "AwsDmsReplicationInstance",
    "AwsDmsReplicationTask",
    "AwsDynamoDbTable",
    "AwsEc2ClientVpnEndpoint",
    "AwsEc2Eip",
    "AwsEc2Instance",
    "AwsEc2LaunchTemplate",
    "AwsEc2NetworkAcl",
    "AwsEc2NetworkInterface",
    "AwsEc2RouteTable",
    "AwsEc2SecurityGroup",
    "AwsEc2Subnet",
    "AwsEc2TransitGateway",
    "AwsEc2Volume",
    "AwsEc2Vpc",
    "AwsEc2VpcEndpointService",
    "AwsEc2VpcPeeringConnection",
    "AwsEc2VpnConnection",
    "AwsEcrContainerImage",
    "AwsEcrRepository",
    "AwsEcsCluster",
    "AwsEcsContainer",
    "AwsEcsService",
    "AwsEcsTask",
    "AwsEcsTaskDefinition",
    "AwsEfsAccessPoint",
    "AwsEksCluster",
    "AwsElasticBeanstalkEnvironment",
    "AwsElasticsearchDomain",
    "AwsElbLoadBalancer",
    "AwsElbv2LoadBalancer",
    "AwsEventSchemasRegistry",
    "AwsEventsEndpoint",
    "AwsEventsEventbus",
    "AwsGuardDutyDetector",
    "AwsIamAccessKey",
    "AwsIamGroup",
    "AwsIamPolicy",
    "AwsIamRole",
    "AwsIamUser",
    "AwsKinesisStream",
    "AwsKmsKey",
    "AwsLambdaFunction",
    "AwsLambdaLayerVersion",
    "AwsMskCluster",
    "AwsNetworkFirewallFirewall",
    "AwsNetworkFirewallFirewallPolicy",
    "AwsNetworkFirewallRuleGroup",
    "AwsOpenSearchServiceDomain",
    "AwsRdsDbCluster",
    "AwsRdsDbClusterSnapshot",
    "AwsRdsDbInstance",
    "AwsRdsDbSecurityGroup",
    "AwsRdsDbSnapshot",
    "AwsRdsEventSubscription",
    "AwsRedshiftCluster",
    "AwsRoute53HostedZone",
    "AwsS3AccessPoint",
    "AwsS3AccountPublicAccessBlock",
    "AwsS3Bucket",
    "AwsS3Object",
    "AwsSageMakerNotebookInstance",
    "AwsSecretsManagerSecret",
    "AwsSnsTopic",
    "AwsSqsQueue",
    "AwsSsmPatchCompliance",
    "AwsStepFunctionStateMachine",
    "AwsWafRateBasedRule",
    "AwsWafRegionalRateBasedRule",
    "AwsWafRegionalRule",
    "AwsWafRegionalRuleGroup",
    "AwsWafRegionalWebAcl",
    "AwsWafRule",
    "AwsWafRuleGroup",
    "AwsWafWebAcl",
    "AwsWafv2RuleGroup",
    "AwsWafv2WebAcl",
    "AwsXrayEncryptionConfig",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cloudformation_names_become_those_of_security_hub() {
        for (ours, theirs) in [
            ("AWS::S3::Bucket", "AwsS3Bucket"),
            ("AWS::EC2::VPC", "AwsEc2Vpc"),
            ("AWS::RDS::DBInstance", "AwsRdsDbInstance"),
            ("AWS::IAM::ManagedPolicy", "AwsIamPolicy"),
            ("AWS::EFS::FileSystem", "Other"),
            ("Yagura::Account::Account", "AwsAccount"),
        ] {
            assert_eq!(resource_type(ours), theirs);
        }
    }
}
