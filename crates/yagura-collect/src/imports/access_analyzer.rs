//! IAM Access Analyzer: its findings through the API, and what their members mean.
//! Findings that Security Hub passes on are read in `asff`. Our own analysis of access is in
//! `yagura-analyze`.

use serde_json::{Value, json};
use yagura_model::imported::{Imported, ImportedState};
use yagura_model::{Arn, Severity};

use super::keys;
use super::reading::{Reading, Stopped};
use super::told::{self, BadFinding, Draft, list, text};

/// The product's word.
pub(super) const PRODUCT: &str = "access-analyzer";

/// Reads what every active analyzer found. The listing tells everything but the details, which
/// are asked for where something is active and new or changed.
pub(super) async fn read(reading: &mut Reading<'_>) -> Result<(), Stopped> {
    let analyzers = reading.call("accessanalyzer", "ListAnalyzers", &json!({})).await?;
    let active = list(&analyzers, "/analyzers")
        .filter(|analyzer| text(analyzer, "/status") == Some("ACTIVE"))
        .filter_map(|analyzer| text(analyzer, "/arn"));
    let active: Vec<String> = active.map(str::to_owned).collect();
    if active.is_empty() {
        return Err(Stopped::Off);
    }
    for analyzer in &active {
        analyzed(reading, analyzer).await?;
    }
    reading.whole();
    Ok(())
}

async fn analyzed(reading: &mut Reading<'_>, analyzer: &str) -> Result<(), Stopped> {
    let filter = json!({"status": {"eq": ["ACTIVE"]}});
    let input = json!({"analyzerArn": analyzer, "filter": filter, "maxResults": 100});
    let since = reading.since_us();
    let mut present = Vec::new();
    let listed = reading.gather("accessanalyzer", "ListFindingsV2", &input, "/findings").await?;
    for finding in &listed {
        let Some(id) = text(finding, "/id") else {
            reading.found(Err(BadFinding::Missing("id"))).await?;
            continue;
        };
        let updated = told::time_us(finding, "/updatedAt");
        if since.is_some_and(|since| updated.is_some_and(|updated| updated < since)) {
            present.push(original(analyzer, id));
            continue;
        }
        let input = json!({"analyzerArn": analyzer, "id": id});
        let whole = match reading.call("accessanalyzer", "GetFindingV2", &input).await {
            Ok(whole) => whole,
            // Without details the finding is still one: whose principal it is stays unsaid.
            Err(Stopped::Failed(_)) => finding.clone(),
            Err(stopped) => return Err(stopped),
        };
        reading.found(map(&whole, analyzer)).await?;
    }
    reading.present(PRODUCT, present).await
}

/// Ids are unique within an analyzer.
fn original(analyzer: &str, id: &str) -> String {
    format!("{analyzer}/{id}")
}

/// One finding of an analyzer, listed or whole.
pub(super) fn map(finding: &Value, analyzer: &str) -> Result<Imported, BadFinding> {
    if !finding.is_object() {
        return Err(BadFinding::NotAnObject);
    }
    let id = text(finding, "/id").ok_or(BadFinding::Missing("id"))?;
    let kind = text(finding, "/findingType").unwrap_or("ExternalAccess");
    let owner = told::account(text(finding, "/resourceOwnerAccount"))
        .ok_or(BadFinding::Missing("resourceOwnerAccount"))?;
    let place = analyzer.parse::<Arn>().map_err(|_| BadFinding::Missing("analyzerArn"))?;
    let resource = text(finding, "/resource");
    let own_region = resource.and_then(|arn| arn.parse::<Arn>().ok()).map(|arn| arn.region);
    let region = own_region.filter(|region| !region.is_empty()).unwrap_or(place.region);
    let resource_type = text(finding, "/resourceType");
    let is_public = list(finding, "/findingDetails").any(|details| {
        details.pointer("/externalAccessDetails/isPublic").and_then(Value::as_bool) == Some(true)
    });
    let severity = severity(kind, is_public);
    let title = title(kind, is_public);
    let draft = Draft {
        product: PRODUCT,
        original: &original(analyzer, id),
        type_name: kind,
        title,
        description: &description(finding),
        severity,
        severity_said: String::new(),
        account: owner,
        region: &region,
        resources: resource
            .map(|name| keys::of_typed(name, resource_type, owner, &region))
            .into_iter()
            .collect(),
        first_us: told::time_us(finding, "/createdAt"),
        last_us: told::time_us(finding, "/analyzedAt"),
        updated_us: told::time_us(finding, "/updatedAt"),
        state: match text(finding, "/status") {
            Some("ARCHIVED") => ImportedState::Suppressed,
            Some("RESOLVED") => ImportedState::Resolved,
            _ => ImportedState::Active,
        },
        raw: finding,
    };
    Ok(draft.finish())
}

/// Access Analyzer gives no severity of its own; this is ours.
fn severity(kind: &str, is_public: bool) -> Severity {
    match kind {
        "ExternalAccess" if is_public => Severity::High,
        "ExternalAccess" => Severity::Medium,
        _ => Severity::Low,
    }
}

fn title(kind: &str, is_public: bool) -> &'static str {
    match kind {
        "ExternalAccess" if is_public => "Anybody has access to the resource",
        "ExternalAccess" => "Somebody outside the zone of trust has access to the resource",
        "InternalAccess" => "Somebody within the organization has access to the resource",
        "UnusedIAMRole" => "The role is not used",
        "UnusedIAMUserAccessKey" => "An access key of the user is not used",
        "UnusedIAMUserPassword" => "The password of the user is not used",
        "UnusedPermission" => "Permissions are not used",
        _ => "",
    }
}

/// Who may do what, or what is not used, in one line per detail.
fn description(finding: &Value) -> String {
    let line = |details: &Value| {
        let external =
            details.get("externalAccessDetails").or_else(|| details.get("internalAccessDetails"));
        if let Some(access) = external {
            let principals = access.get("principal").and_then(Value::as_object);
            let principals = principals
                .into_iter()
                .flatten()
                .filter_map(|(kind, name)| Some(format!("{kind}: {}", name.as_str()?)));
            let actions = told::texts(access, "/action").map(str::to_owned);
            let parts: Vec<String> = principals.chain(actions).take(50).collect();
            return parts.join(", ");
        }
        if let Some(unused) = details.get("unusedPermissionDetails") {
            let actions = list(unused, "/actions").filter_map(|action| text(action, "/action"));
            let service = text(unused, "/serviceNamespace");
            return service.into_iter().chain(actions).take(50).collect::<Vec<_>>().join(", ");
        }
        text(details, "/unusedIamUserAccessKeyDetails/accessKeyId").unwrap_or_default().to_owned()
    };
    let lines: Vec<String> = list(finding, "/findingDetails").map(line).collect();
    lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
