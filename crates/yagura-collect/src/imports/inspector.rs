//! Amazon Inspector: its findings through the API, and what their members mean.
//! Findings that Security Hub passes on are read in `asff`.

use serde_json::{Value, json};
use yagura_model::Severity;
use yagura_model::imported::{Imported, ImportedResource, ImportedState};

use super::keys;
use super::reading::{Reading, Stopped};
use super::told::{self, BadFinding, Draft, account, list, severity_word, text};

/// The product's word.
pub(super) const PRODUCT: &str = "inspector";

/// Reads what is active; where something is known already, whatever changed since.
pub(super) async fn read(reading: &mut Reading<'_>) -> Result<(), Stopped> {
    // A finding of an account where Inspector is off is no finding: it would be an empty list.
    let status = reading.call("inspector2", "BatchGetAccountStatus", &json!({})).await?;
    let on = list(&status, "/accounts").any(|account| {
        matches!(text(account, "/state/status"), Some("ENABLED" | "ENABLING" | "SUSPENDING"))
    });
    if !on {
        return Err(Stopped::Off);
    }
    let criteria = match reading.since_time() {
        None => json!({"findingStatus": [
            {"comparison": "EQUALS", "value": "ACTIVE"},
            {"comparison": "EQUALS", "value": "SUPPRESSED"},
        ]}),
        Some(since) => json!({"updatedAt": [{"startInclusive": since}]}),
    };
    let input = json!({"filterCriteria": criteria, "maxResults": 100});
    reading.each("inspector2", "ListFindings", &input, "/findings", map).await?;
    if reading.since_time().is_none() {
        reading.whole();
    }
    Ok(())
}

/// One finding as the API gives it.
pub(super) fn map(finding: &Value) -> Result<Imported, BadFinding> {
    if !finding.is_object() {
        return Err(BadFinding::NotAnObject);
    }
    let arn = text(finding, "/findingArn").ok_or(BadFinding::Missing("findingArn"))?;
    let kind = text(finding, "/type").ok_or(BadFinding::Missing("type"))?;
    let owner =
        account(text(finding, "/awsAccountId")).ok_or(BadFinding::Missing("awsAccountId"))?;
    let said = text(finding, "/severity").ok_or(BadFinding::Missing("severity"))?;
    let vulnerability = text(finding, "/packageVulnerabilityDetails/vulnerabilityId");
    let detector = text(finding, "/codeVulnerabilityDetails/detectorId");
    let region =
        text(finding, "/resources/0/region").or_else(|| arn.split(':').nth(3)).unwrap_or_default();
    let draft = Draft {
        product: PRODUCT,
        original: arn.rsplit('/').next().unwrap_or(arn),
        type_name: vulnerability.or(detector).unwrap_or(kind),
        title: text(finding, "/title").unwrap_or_default(),
        description: text(finding, "/description").unwrap_or_default(),
        severity: severity(said),
        severity_said: said.to_owned(),
        account: owner,
        region,
        resources: resources(finding, owner, region),
        first_us: told::time_us(finding, "/firstObservedAt"),
        last_us: told::time_us(finding, "/lastObservedAt"),
        updated_us: told::time_us(finding, "/updatedAt"),
        state: match text(finding, "/status") {
            Some("CLOSED") => ImportedState::Resolved,
            Some("SUPPRESSED") => ImportedState::Suppressed,
            _ => ImportedState::Active,
        },
        raw: finding,
    };
    let related = told::texts(finding, "/packageVulnerabilityDetails/relatedVulnerabilities");
    let vulnerabilities = vulnerability.into_iter().chain(related).map(str::to_owned).collect();
    Ok(Imported {
        distinction: distinction(finding),
        vulnerabilities,
        remedy: told::remedy(
            text(finding, "/remediation/recommendation/text").filter(|text| !is_none(text)),
            told::first_text(
                finding,
                &["/remediation/recommendation/Url", "/packageVulnerabilityDetails/sourceUrl"],
            ),
        ),
        ..draft.finish()
    })
}

fn is_none(text: &str) -> bool {
    text.eq_ignore_ascii_case("none provided")
}

/// Inspector User Guide, "Severity levels": a finding that is not triaged yet has no score. It is
/// not called harmless for that.
fn severity(said: &str) -> Severity {
    severity_word(said).unwrap_or(Severity::Medium)
}

/// A weakness of a package is mended once per resource; open ports and places in code one by one.
fn distinction(finding: &Value) -> String {
    let number = |pointer: &str| finding.pointer(pointer).and_then(Value::as_u64);
    let ports = "/networkReachabilityDetails/openPortRange";
    if let Some(begin) = number(&format!("{ports}/begin")) {
        let end = number(&format!("{ports}/end")).unwrap_or(begin);
        let protocol = text(finding, "/networkReachabilityDetails/protocol").unwrap_or_default();
        return format!("{protocol} {begin}-{end}");
    }
    let file = text(finding, "/codeVulnerabilityDetails/filePath/filePath");
    let line = number("/codeVulnerabilityDetails/filePath/startLine");
    match (file, line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => file.to_owned(),
        _ => String::new(),
    }
}

fn resources(finding: &Value, owner: &str, region: &str) -> Vec<ImportedResource> {
    let of = |resource: &Value| {
        let id = text(resource, "/id")?;
        let type_name = match text(resource, "/type") {
            Some("AWS_EC2_INSTANCE") => Some("AWS::EC2::Instance"),
            Some("AWS_ECR_REPOSITORY") => Some("AWS::ECR::Repository"),
            Some("AWS_LAMBDA_FUNCTION") => Some("AWS::Lambda::Function"),
            _ => None,
        };
        // A version of a function is mended in the function.
        let id = match (type_name, id.matches(':').count()) {
            (Some("AWS::Lambda::Function"), 7) => id.rsplit_once(':').map_or(id, |(id, _)| id),
            _ => id,
        };
        Some(keys::of_typed(id, type_name, owner, region))
    };
    list(finding, "/resources").filter_map(of).collect()
}
