//! How our words map to those of other tools' formats: requirements, partitions, home regions.
//! The formats themselves are in `rows/`, `sarif.rs` and `junit.rs`.

use yagura_model::{Arn, GLOBAL_REGION, Lang, Verdict};

use crate::catalog::{Catalog, ControlEntry};
use crate::clean::clean;

/// The frameworks a control serves, by title; never empty (OCSF wants at least one standard).
pub(crate) fn standards(
    catalog: &Catalog,
    entry: Option<&ControlEntry>,
    lang: Lang,
) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(entry) = entry {
        for framework in &catalog.frameworks {
            if entry.maps.get(&framework.id).is_some_and(|ids| !ids.is_empty()) {
                names.push(clean(framework.title.get(lang)).into_owned());
            }
        }
    }
    if names.is_empty() {
        names.push("Yagura".to_owned());
    }
    names
}

/// The requirements a control serves, as `framework/requirement`.
pub(crate) fn requirements(entry: Option<&ControlEntry>) -> Vec<String> {
    let maps = entry.iter().flat_map(|entry| &entry.maps);
    maps.flat_map(|(framework, ids)| ids.iter().map(move |id| format!("{framework}/{id}")))
        .map(|requirement| clean(&requirement).into_owned())
        .collect()
}

/// The partition of a verdict's resource: from its ARN, else from its region.
pub(crate) fn partition(verdict: &Verdict) -> String {
    if let Ok(arn) = verdict.key.parse::<Arn>() {
        return arn.partition;
    }
    let partition = match verdict.region.as_str() {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        region if region.starts_with("us-isob-") => "aws-us-iso-b",
        region if region.starts_with("us-iso-") => "aws-us-iso",
        _ => "aws",
    };
    partition.to_owned()
}

/// A region that other tools accept: for global resources the one where their partition keeps
/// global services. Source: AWS General Reference, "Service endpoints" of IAM, seen 2026-11.
pub(crate) fn region(verdict: &Verdict) -> String {
    if verdict.region != GLOBAL_REGION && !verdict.region.is_empty() {
        return clean(&verdict.region).into_owned();
    }
    let home = match partition(verdict).as_str() {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        "aws-us-iso" => "us-iso-east-1",
        "aws-us-iso-b" => "us-isob-east-1",
        _ => "us-east-1",
    };
    home.to_owned()
}
