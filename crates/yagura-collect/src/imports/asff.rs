//! The AWS Security Finding Format: what its members mean, in answers of Security Hub and in files.
//! Source: AWS Security Hub user guide, "AWS Security Finding Format (ASFF)", and the examples of
//! the integrations, seen 2026-11.
//!
//! Security Hub passes on what other products found. Such a finding keeps its product and the name
//! that the product gave it, so that it is one finding with what the product itself told.

use serde_json::Value;
use yagura_model::Severity;
use yagura_model::imported::{Imported, ImportedState, OwnIdentity};

use super::told::{
    self, BadFinding, Draft, account, first_text, list, number, severity_word, text, texts,
};
use super::{access_analyzer, config, guardduty, inspector, keys, macie, security_hub};

/// One finding.
pub(super) fn map(finding: &Value) -> Result<Imported, BadFinding> {
    if !finding.is_object() {
        return Err(BadFinding::NotAnObject);
    }
    let id = text(finding, "/Id").ok_or(BadFinding::Missing("Id"))?;
    let product_arn = text(finding, "/ProductArn").ok_or(BadFinding::Missing("ProductArn"))?;
    let owner =
        account(text(finding, "/AwsAccountId")).ok_or(BadFinding::Missing("AwsAccountId"))?;
    let title = text(finding, "/Title").ok_or(BadFinding::Missing("Title"))?;
    if list(finding, "/Resources").all(|resource| text(resource, "/Id").is_none()) {
        return Err(BadFinding::Missing("Resources"));
    }
    let (severity, severity_said) =
        severity(finding).ok_or(BadFinding::Missing("FindingProviderFields.Severity"))?;
    let product = product(finding, product_arn);
    let region = first_text(finding, &["/Region", "/Resources/0/Region"]).unwrap_or_default();
    let draft = Draft {
        product: &product,
        original: original(&product, id),
        type_name: &type_name(finding, &product),
        title,
        description: text(finding, "/Description").unwrap_or_default(),
        severity,
        severity_said,
        account: owner,
        region,
        resources: list(finding, "/Resources").filter_map(|one| resource(one, owner)).collect(),
        first_us: told::time_us(finding, "/FirstObservedAt")
            .or_else(|| told::time_us(finding, "/CreatedAt")),
        last_us: told::time_us(finding, "/LastObservedAt")
            .or_else(|| told::time_us(finding, "/UpdatedAt")),
        updated_us: told::time_us(finding, "/UpdatedAt"),
        state: state(finding),
        raw: finding,
    };
    let (actor, address) = (actor(finding), address(finding));
    Ok(Imported {
        distinction: distinction(finding, &product),
        actor,
        address,
        occurrences: count(finding),
        checks: checks(finding, &product),
        requirements: requirements(finding),
        vulnerabilities: vulnerabilities(finding),
        remedy: told::remedy(
            text(finding, "/Remediation/Recommendation/Text"),
            text(finding, "/Remediation/Recommendation/Url"),
        ),
        own: own(finding),
        ..draft.finish()
    })
}

/// The product in one word, from the ARN under which it tells Security Hub
/// (`…:product/aws/guardduty`); of a product that has none of its own, its name.
fn product(finding: &Value, arn: &str) -> String {
    let path = arn.split_once(":product/").map_or(arn, |(_, path)| path);
    let (company, name) = path.split_once('/').unwrap_or(("", path));
    let known = match (company, name) {
        ("aws", "macie2") => macie::PRODUCT,
        ("aws", "inspector2") => inspector::PRODUCT,
        ("aws", "iam-access-analyzer") => access_analyzer::PRODUCT,
        (_, "default") => text(finding, "/ProductName").unwrap_or("custom"),
        _ => name,
    };
    let mut word = String::new();
    for c in known.chars().take(64) {
        word.push(if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    }
    word
}

/// What the product itself calls the finding.
fn original<'v>(product: &str, id: &'v str) -> &'v str {
    let last = |id: &'v str| id.rsplit('/').next().filter(|last| !last.is_empty()).unwrap_or(id);
    match product {
        guardduty::PRODUCT | inspector::PRODUCT | macie::PRODUCT => last(id),
        _ => id,
    }
}

fn type_name(finding: &Value, product: &str) -> String {
    let types = || texts(finding, "/Types").chain(texts(finding, "/FindingProviderFields/Types"));
    let last_of_type = || types().next().map(|one| one.splitn(3, '/').last().unwrap_or(one));
    let generator = || text(finding, "/GeneratorId");
    let said = match product {
        security_hub::PRODUCT => control(finding).map(str::to_owned),
        // `TTPs/Discovery/Recon:EC2-PortProbeUnprotectedPort` is `Recon:EC2/PortProbe…`.
        guardduty::PRODUCT | macie::PRODUCT => {
            last_of_type().map(|one| match one.split_once('-') {
                Some((begin, rest)) if begin.contains(':') => format!("{begin}/{rest}"),
                _ => one.to_owned(),
            })
        }
        inspector::PRODUCT => text(finding, "/Vulnerabilities/0/Id")
            .map(str::to_owned)
            .or_else(|| last_of_type().map(str::to_owned)),
        config::PRODUCT => product_field(finding, "aws/config/ConfigRuleName")
            .or_else(|| text(finding, "/Title"))
            .map(str::to_owned),
        access_analyzer::PRODUCT => Some("ExternalAccess".to_owned()),
        _ => generator().map(str::to_owned),
    };
    said.or_else(|| generator().map(str::to_owned)).unwrap_or_else(|| "finding".to_owned())
}

/// A control as Security Hub numbers it (`S3.8`): said outright where control findings are
/// consolidated, else by the standard's own number.
fn control(finding: &Value) -> Option<&str> {
    text(finding, "/Compliance/SecurityControlId")
        .or_else(|| product_field(finding, "ControlId"))
        .or_else(|| product_field(finding, "RuleId"))
        .or_else(|| text(finding, "/GeneratorId")?.rsplit('/').next())
}

fn product_field<'v>(finding: &'v Value, name: &str) -> Option<&'v str> {
    let fields = finding.get("ProductFields")?.as_object()?;
    fields.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// What a customer set goes before what the product said. A number alone is read by Security
/// Hub's own steps ("Severity", "Normalized").
fn severity(finding: &Value) -> Option<(Severity, String)> {
    let places = ["/Severity/Label", "/FindingProviderFields/Severity/Label"];
    for place in places {
        if let Some((severity, word)) =
            text(finding, place).and_then(|word| Some((severity_word(word)?, word)))
        {
            return Some((severity, word.to_owned()));
        }
    }
    let number = number(finding, "/Severity/Normalized")?;
    let severity = match number {
        n if n >= 90.0 => Severity::Critical,
        n if n >= 70.0 => Severity::High,
        n if n >= 40.0 => Severity::Medium,
        n if n >= 1.0 => Severity::Low,
        _ => Severity::Informational,
    };
    Some((severity, number.to_string()))
}

/// What passes, is settled or is archived is over; what somebody there suppressed is accepted.
fn state(finding: &Value) -> ImportedState {
    if text(finding, "/RecordState") == Some("ARCHIVED") {
        return ImportedState::Resolved;
    }
    match (text(finding, "/Compliance/Status"), text(finding, "/Workflow/Status")) {
        (Some("PASSED"), _) | (_, Some("RESOLVED")) => ImportedState::Resolved,
        (_, Some("SUPPRESSED")) => ImportedState::Suppressed,
        _ => ImportedState::Active,
    }
}

fn resource(resource: &Value, owner: &str) -> Option<yagura_model::imported::ImportedResource> {
    let id = text(resource, "/Id")?;
    // Keys are told by a name of their own; whose they are stands in the details.
    let details = "/Details/AwsIamAccessKey";
    if text(resource, "/Type") == Some("AwsIamAccessKey")
        && let Some(name) = text(resource, &format!("{details}/PrincipalName"))
            .or_else(|| text(resource, &format!("{details}/UserName")))
    {
        let partition = text(resource, "/Partition").unwrap_or("aws");
        let kind = match text(resource, &format!("{details}/PrincipalType")) {
            Some("Root") => return Some(keys::of_account(owner)),
            Some("AssumedRole" | "Role") => "role",
            _ => "user",
        };
        return Some(keys::of(&format!("arn:{partition}:iam::{owner}:{kind}/{name}")));
    }
    Some(keys::of(id))
}

/// Of one weakness or one open way there is one finding per resource, but of objects in a bucket
/// one each: the object is named beside its bucket.
fn distinction(finding: &Value, product: &str) -> String {
    if product != macie::PRODUCT {
        return String::new();
    }
    let object = list(finding, "/Resources")
        .find(|resource| text(resource, "/Type") == Some("AwsS3Object"))
        .and_then(|resource| text(resource, "/Id"));
    let key = object.and_then(|arn| arn.split_once(":::")?.1.split_once('/'));
    key.map(|(_, key)| told::cut(key, 1_024)).unwrap_or_default()
}

fn actor(finding: &Value) -> Option<String> {
    let key = "/Resources/0/Details/AwsIamAccessKey";
    let named = ["PrincipalName", "UserName"].map(|member| format!("{key}/{member}"));
    let named: Vec<&str> = named.iter().map(String::as_str).collect();
    first_text(finding, &named).map(str::to_owned)
}

fn address(finding: &Value) -> Option<String> {
    let places = [
        "/Action/AwsApiCallAction/RemoteIpDetails/IpAddressV4",
        "/Action/NetworkConnectionAction/RemoteIpDetails/IpAddressV4",
        "/Action/PortProbeAction/PortProbeDetails/0/RemoteIpDetails/IpAddressV4",
        "/Network/SourceIpV4",
        "/Network/SourceIpV6",
    ];
    first_text(finding, &places).map(str::to_owned)
}

fn count(finding: &Value) -> u64 {
    let said = product_field(finding, "aws/guardduty/service/count");
    said.and_then(|text| text.parse().ok()).unwrap_or(1).max(1)
}

fn checks(finding: &Value, product: &str) -> Vec<(String, String)> {
    match product {
        security_hub::PRODUCT => {
            // A number with letters before a dot is a control's; a bare one is a standard's own.
            let is_control = |id: &&str| id.starts_with(|c: char| c.is_ascii_alphabetic());
            let controls = control(finding).filter(is_control);
            let pairs = |id: &str| {
                [("fsbp".to_owned(), id.to_owned()), ("securityhub".to_owned(), id.to_owned())]
            };
            controls.into_iter().flat_map(pairs).collect()
        }
        _ => Vec::new(),
    }
}

fn requirements(finding: &Value) -> Vec<String> {
    let related = texts(finding, "/Compliance/RelatedRequirements").map(str::to_owned);
    let standards = list(finding, "/Compliance/AssociatedStandards")
        .filter_map(|standard| text(standard, "/StandardsId").map(str::to_owned));
    let mut all: Vec<String> = related.chain(standards).take(100).collect();
    all.sort();
    all.dedup();
    all
}

fn vulnerabilities(finding: &Value) -> Vec<String> {
    let ids = list(finding, "/Vulnerabilities").filter_map(|one| text(one, "/Id"));
    ids.take(100).map(str::to_owned).collect()
}

/// Findings that Yagura wrote name their content; see `yagura-report`.
fn own(finding: &Value) -> Option<OwnIdentity> {
    if text(finding, "/ProductName") != Some("Yagura") {
        return None;
    }
    let named = |member: &str| product_field(finding, &format!("yagura/{member}"));
    told::own(named, named("control"), text(finding, "/Resources/0/Id"))
}
