//! Results in SARIF 2.1.0, of any tool that writes them (a template scanner, Yagura).
//! Source: OASIS, SARIF 2.1.0 with errata 01, seen 2026-11.
//!
//! Only results of kind `fail` (which is what is meant where none is said), `open` and `review`
//! are findings; a result that says `pass` says that one is over.

use serde_json::Value;
use sha2::{Digest, Sha256};
use yagura_model::Severity;
use yagura_model::imported::{Imported, ImportedResource, ImportedState, OwnIdentity};

use super::keys;
use super::told::{self, BadFinding, Draft, account, first_text, list, number, text, texts};

/// What the results of a run share.
pub(super) struct Run<'v> {
    tool: &'v str,
    rules: Vec<&'v Value>,
    /// When the run ended, in microseconds since 1970.
    ended_us: Option<i64>,
}

impl<'v> Run<'v> {
    /// What stands before the results; `read_us` is the time of reading, in microseconds since
    /// 1970, for a run that tells no time.
    pub(super) fn of(run: &'v Value, read_us: i64) -> Result<Self, BadFinding> {
        let tool = text(run, "/tool/driver/name").ok_or(BadFinding::Missing("tool.driver.name"))?;
        let extensions = list(run, "/tool/extensions");
        let rules = list(run, "/tool/driver/rules")
            .chain(extensions.flat_map(|extension| list(extension, "/rules")))
            .collect();
        let ended =
            list(run, "/invocations").filter_map(|one| told::time_us(one, "/endTimeUtc")).max();
        Ok(Self { tool, rules, ended_us: Some(ended.unwrap_or(read_us)) })
    }

    fn rule(&self, result: &Value, id: &str) -> Option<&'v Value> {
        let at = result.pointer("/ruleIndex").and_then(Value::as_u64);
        let at = at.and_then(|at| usize::try_from(at).ok());
        let by_place = at.and_then(|at| self.rules.get(at)).copied();
        by_place
            .filter(|rule| text(rule, "/id") == Some(id))
            .or_else(|| self.rules.iter().find(|rule| text(rule, "/id") == Some(id)).copied())
    }

    /// One result.
    pub(super) fn map(&self, result: &Value) -> Result<Imported, BadFinding> {
        if !result.is_object() {
            return Err(BadFinding::NotAnObject);
        }
        let id = first_text(result, &["/ruleId", "/rule/id"]);
        let id = id.ok_or(BadFinding::Missing("ruleId"))?;
        let message = first_text(result, &["/message/text", "/message/markdown"]);
        let message = message.ok_or(BadFinding::Missing("message.text"))?;
        let rule = self.rule(result, id);
        let of_rule = |pointers: &[&str]| rule.and_then(|rule| first_text(rule, pointers));
        let owner = account(text(result, "/properties/account")).unwrap_or_default();
        let region = text(result, "/properties/region").unwrap_or_default();
        let resources = locations(result, owner, region);
        let place = resources.first().map(|one| one.key.clone()).unwrap_or_default();
        let distinction = line(result);
        let original =
            fingerprint(result).map_or_else(|| stand_in(id, &place, &distinction), str::to_owned);
        let (severity, said) = severity(result, rule);
        let product = self.tool.to_ascii_lowercase().replace(|c: char| !c.is_alphanumeric(), "-");
        let draft = Draft {
            product: &product,
            original: &original,
            type_name: id,
            title: of_rule(&["/shortDescription/text", "/name"]).unwrap_or(message),
            description: message,
            severity,
            severity_said: said,
            account: owner,
            region,
            resources,
            first_us: told::time_us(result, "/provenance/firstDetectionTimeUtc"),
            last_us: self.ended_us,
            updated_us: self.ended_us,
            state: state(result),
            raw: result,
        };
        let tags = rule.into_iter().flat_map(|rule| texts(rule, "/properties/tags"));
        let requirements = tags.filter(|tag| tag.contains('/')).take(100).map(str::to_owned);
        Ok(Imported {
            distinction,
            requirements: requirements.collect(),
            remedy: told::remedy(of_rule(&["/help/text"]), of_rule(&["/helpUri"])),
            own: own(self.tool, result, id, &place),
            ..draft.finish()
        })
    }
}

/// What stays the same from run to run, as the tool says; ours first.
fn fingerprint(result: &Value) -> Option<&str> {
    let members = |name: &str| result.get(name).and_then(Value::as_object);
    let prints = ["fingerprints", "partialFingerprints"];
    let mut prints = prints.into_iter().filter_map(members).flatten();
    prints.find_map(|(_, value)| value.as_str().filter(|value| !value.is_empty()))
}

/// A name for a result to which the tool gives none.
fn stand_in(rule: &str, place: &str, distinction: &str) -> String {
    let hash = Sha256::digest(format!("{rule}\n{place}\n{distinction}"));
    hex::encode(hash).chars().take(32).collect()
}

/// Where it is: a resource by name, else a file.
fn locations(result: &Value, owner: &str, region: &str) -> Vec<ImportedResource> {
    let type_name = text(result, "/properties/type");
    let logical = list(result, "/locations").flat_map(|one| list(one, "/logicalLocations"));
    let logical = logical.filter_map(|one| {
        let name = first_text(one, &["/fullyQualifiedName", "/name"])?;
        let mut resource = keys::of_typed(name, type_name, owner, region);
        if resource.name.is_none() {
            resource.name = text(one, "/name").map(str::to_owned);
        }
        Some(resource)
    });
    let files = list(result, "/locations")
        .filter_map(|one| text(one, "/physicalLocation/artifactLocation/uri"))
        .map(|uri| ImportedResource { key: uri.to_owned(), ..ImportedResource::default() });
    let all: Vec<ImportedResource> = logical.collect();
    if all.is_empty() { files.collect() } else { all }
}

/// The place in the file, where several of one rule may stand in it.
fn line(result: &Value) -> String {
    let region = "/locations/0/physicalLocation/region";
    let at = |member: &str| result.pointer(&format!("{region}/{member}")).and_then(Value::as_u64);
    match (at("startLine"), at("startColumn")) {
        (Some(line), Some(column)) => format!("{line}:{column}"),
        (Some(line), None) => line.to_string(),
        _ => String::new(),
    }
}

/// Our own word where we wrote it, else the number that code hosts rank by where the rule has
/// one, else the level.
fn severity(result: &Value, rule: Option<&Value>) -> (Severity, String) {
    let own = text(result, "/properties/yagura/severity");
    if let Some((severity, word)) = own.and_then(|word| Some((told::severity_word(word)?, word))) {
        return (severity, word.to_owned());
    }
    let place = "/properties/security-severity";
    let score = number(result, place).or_else(|| rule.and_then(|rule| number(rule, place)));
    if let Some(score) = score {
        let severity = match score {
            s if s >= 9.0 => Severity::Critical,
            s if s >= 7.0 => Severity::High,
            s if s >= 4.0 => Severity::Medium,
            s if s > 1.0 => Severity::Low,
            _ => Severity::Informational,
        };
        return (severity, score.to_string());
    }
    let default = "/defaultConfiguration/level";
    let level = text(result, "/level").or_else(|| rule.and_then(|rule| text(rule, default)));
    let level = level.unwrap_or("warning");
    let severity = match level {
        "error" => Severity::High,
        "warning" => Severity::Medium,
        "note" => Severity::Low,
        _ => Severity::Informational,
    };
    (severity, level.to_owned())
}

fn state(result: &Value) -> ImportedState {
    if matches!(text(result, "/kind"), Some("pass" | "notApplicable"))
        || text(result, "/baselineState") == Some("absent")
    {
        return ImportedState::Resolved;
    }
    let accepted = list(result, "/suppressions")
        .any(|one| !matches!(text(one, "/status"), Some("underReview" | "rejected")));
    if accepted { ImportedState::Suppressed } else { ImportedState::Active }
}

fn own(tool: &str, result: &Value, rule: &str, place: &str) -> Option<OwnIdentity> {
    if tool != "Yagura" {
        return None;
    }
    let named = |member: &str| text(result, &format!("/properties/yagura/{member}"));
    told::own(named, Some(rule), Some(place).filter(|place| !place.is_empty()))
}
