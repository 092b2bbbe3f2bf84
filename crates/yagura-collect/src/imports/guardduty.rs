//! `GuardDuty`: its findings through the API, and what their members mean.
//! Findings that Security Hub passes on are read in `asff`.

use serde_json::{Value, json};
use yagura_model::Severity;
use yagura_model::imported::{Imported, ImportedResource, ImportedState};

use super::keys;
use super::reading::{Reading, Stopped};
use super::told::{self, BadFinding, Draft, account, count, first_text, list, number, text};

/// The product's word.
pub(super) const PRODUCT: &str = "guardduty";
/// Findings that `GetFindings` gives at once (`GuardDuty` API Reference, seen 2026-11).
const BATCH: usize = 50;

/// Reads every detector of the place (there is at most one). What is archived is asked for only
/// where something is known already: then what changed since is.
pub(super) async fn read(reading: &mut Reading<'_>) -> Result<(), Stopped> {
    let detectors = reading.call("guardduty", "ListDetectors", &json!({})).await?;
    let detectors: Vec<String> =
        told::texts(&detectors, "/DetectorIds").map(str::to_owned).collect();
    if detectors.is_empty() {
        return Err(Stopped::Off);
    }
    for detector in &detectors {
        let unarchived = json!({"service.archived": {"Equals": ["false"]}});
        let present = identifiers(reading, detector, &unarchived).await?;
        match reading.since_ms() {
            None => fetch(reading, detector, &present).await?,
            Some(since) => {
                let changed = json!({"updatedAt": {"GreaterThanOrEqual": since}});
                let changed = identifiers(reading, detector, &changed).await?;
                fetch(reading, detector, &changed).await?;
            }
        }
        reading.present(PRODUCT, present).await?;
    }
    reading.whole();
    Ok(())
}

async fn identifiers(
    reading: &mut Reading<'_>,
    detector: &str,
    criterion: &Value,
) -> Result<Vec<String>, Stopped> {
    let input = json!({
        "DetectorId": detector,
        "FindingCriteria": {"Criterion": criterion},
        "SortCriteria": {"AttributeName": "updatedAt", "OrderBy": "ASC"},
        "MaxResults": BATCH,
    });
    reading.identifiers("guardduty", "ListFindings", &input, "/FindingIds").await
}

async fn fetch(reading: &mut Reading<'_>, detector: &str, ids: &[String]) -> Result<(), Stopped> {
    for ids in ids.chunks(BATCH) {
        let input = json!({"DetectorId": detector, "FindingIds": ids});
        let answer = reading.call("guardduty", "GetFindings", &input).await?;
        for finding in list(&answer, "/Findings") {
            reading.found(map(finding)).await?;
        }
    }
    Ok(())
}

/// One finding as the API gives it.
pub(super) fn map(finding: &Value) -> Result<Imported, BadFinding> {
    if !finding.is_object() {
        return Err(BadFinding::NotAnObject);
    }
    let original = text(finding, "/Id").ok_or(BadFinding::Missing("Id"))?;
    let type_name = text(finding, "/Type").ok_or(BadFinding::Missing("Type"))?;
    let owner = account(text(finding, "/AccountId")).ok_or(BadFinding::Missing("AccountId"))?;
    let region = text(finding, "/Region").unwrap_or_default();
    let score = number(finding, "/Severity").ok_or(BadFinding::Missing("Severity"))?;
    let archived = finding.pointer("/Service/Archived").and_then(Value::as_bool).unwrap_or(false);
    let draft = Draft {
        product: PRODUCT,
        original,
        type_name,
        title: text(finding, "/Title").unwrap_or_default(),
        description: text(finding, "/Description").unwrap_or_default(),
        severity: severity(score),
        severity_said: score.to_string(),
        account: owner,
        region,
        resources: resources(finding, owner, region),
        first_us: told::time_us(finding, "/Service/EventFirstSeen")
            .or_else(|| told::time_us(finding, "/CreatedAt")),
        last_us: told::time_us(finding, "/Service/EventLastSeen")
            .or_else(|| told::time_us(finding, "/UpdatedAt")),
        updated_us: told::time_us(finding, "/UpdatedAt"),
        state: if archived { ImportedState::Suppressed } else { ImportedState::Active },
        raw: finding,
    };
    let (actor, address) = (actor(finding, owner, region), address(finding));
    let page =
        "https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_finding-types-active.html";
    Ok(Imported {
        actor,
        address,
        occurrences: count(finding, "/Service/Count"),
        attacks: attacks(finding),
        remedy: told::remedy(None, Some(page)),
        ..draft.finish()
    })
}

/// `GuardDuty` user guide, "Severity levels for `GuardDuty` findings", seen 2026-11.
fn severity(score: f64) -> Severity {
    match score {
        s if s >= 9.0 => Severity::Critical,
        s if s >= 7.0 => Severity::High,
        s if s >= 4.0 => Severity::Medium,
        s if s >= 1.0 => Severity::Low,
        _ => Severity::Informational,
    }
}

fn resources(finding: &Value, owner: &str, region: &str) -> Vec<ImportedResource> {
    let mut resources = Vec::new();
    let of_instance = |id: &str| keys::of_typed(id, Some("AWS::EC2::Instance"), owner, region);
    let instance = text(finding, "/Resource/InstanceDetails/InstanceId").map(of_instance);
    let bucket =
        list(finding, "/Resource/S3BucketDetails").filter_map(|bucket| text(bucket, "/Arn"));
    let named = [
        "/Resource/EksClusterDetails/Arn",
        "/Resource/EcsClusterDetails/Arn",
        "/Resource/LambdaDetails/FunctionArn",
        "/Resource/RdsDbInstanceDetails/DbInstanceArn",
        "/Resource/RdsLimitlessDbDetails/DbShardGroupArn",
        "/Resource/EbsSnapshotDetails/SnapshotArn",
        "/Resource/Ec2ImageDetails/ImageArn",
        "/Resource/RecoveryPointDetails/RecoveryPointArn",
        "/Resource/BedrockGuardrailDetails/GuardrailArn",
    ];
    let named = named.into_iter().filter_map(|pointer| text(finding, pointer));
    let volumes = list(finding, "/Resource/EbsVolumeDetails/ScannedVolumeDetails");
    let volumes = volumes.filter_map(|volume| text(volume, "/VolumeArn"));
    let told = list(finding, "/Service/Detection/Sequence/Resources");
    let told = told.filter_map(|resource| text(resource, "/Uid"));
    let about_a_key = text(finding, "/Resource/ResourceType") == Some("AccessKey");
    let principal = principal(finding, owner, region).map(|arn| keys::of(&arn));
    // The type of resource says what the finding is about where several are named.
    if about_a_key {
        resources.extend(principal.clone());
    }
    resources.extend(bucket.map(keys::of));
    resources.extend(instance);
    resources.extend(named.map(keys::of));
    resources.extend(volumes.map(keys::of));
    resources.extend(told.map(keys::of));
    if !about_a_key {
        resources.extend(principal);
    }
    let mut seen = std::collections::BTreeSet::new();
    resources.retain(|resource| seen.insert(resource.key.clone()));
    resources
}

/// The ARN of whoever's keys were used. A path of the name is not told; what has none is found.
fn principal(finding: &Value, owner: &str, region: &str) -> Option<String> {
    let name = text(finding, "/Resource/AccessKeyDetails/UserName");
    let partition = text(finding, "/Partition").unwrap_or(keys::partition(region));
    let kind = match text(finding, "/Resource/AccessKeyDetails/UserType")? {
        "Root" => return Some(format!("arn:{partition}:iam::{owner}:root")),
        "IAMUser" => "user",
        "AssumedRole" | "Role" => "role",
        _ => return None,
    };
    Some(format!("arn:{partition}:iam::{owner}:{kind}/{}", name?))
}

fn actor(finding: &Value, owner: &str, region: &str) -> Option<String> {
    let kubernetes = "/Resource/KubernetesDetails/KubernetesUserDetails/Username";
    principal(finding, owner, region)
        .or_else(|| text(finding, "/Resource/AccessKeyDetails/PrincipalId").map(str::to_owned))
        .or_else(|| text(finding, kubernetes).map(str::to_owned))
}

fn address(finding: &Value) -> Option<String> {
    let actions = [
        "AwsApiCallAction",
        "NetworkConnectionAction",
        "PortProbeAction/PortProbeDetails/0",
        "KubernetesApiCallAction",
        "RdsLoginAttemptAction",
    ];
    let places = actions.into_iter().flat_map(|action| {
        ["IpAddressV4", "IpAddressV6"]
            .map(|member| format!("/Service/Action/{action}/RemoteIpDetails/{member}"))
    });
    let sequence = "/Service/Detection/Sequence/Endpoints/0/Ip".to_owned();
    let mut places = places.chain([sequence]);
    places.find_map(|pointer| first_text(finding, &[&pointer]).map(str::to_owned))
}

/// ATT&CK techniques that an attack sequence names.
fn attacks(finding: &Value) -> Vec<String> {
    let indicators = list(finding, "/Service/Detection/Sequence/SequenceIndicators");
    let techniques = indicators.filter(|one| text(one, "/Key") == Some("ATTACK_TECHNIQUE"));
    techniques.flat_map(|one| told::texts(one, "/Values")).filter_map(told::attack_tag).collect()
}
