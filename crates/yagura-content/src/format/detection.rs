//! Detections: Sigma rules with one key of ours, `yagura`, beside what every Sigma tool reads.
//! They are compiled and run in `yagura-judge`; their cases are in `detection_case.rs`.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use yagura_model::alert::EntityKind;
use yagura_model::{Prose, Severity};

use super::control::Steps;
use super::span::Span;
use crate::place::{Place, Placed};
use crate::problem::{File, Problem};
use crate::yaml;

/// A detection: `content/detections/<source>/<what_happened>.yaml`.
///
/// Kept as text and read at first use: a scan of controls does not pay for it.
#[derive(Debug)]
pub struct Detection {
    /// `<source>.<what_happened>`, from the path.
    pub id: String,
    /// The file, relative to the content folder.
    pub path: String,
    /// Whether names of rules are the file's own. A user's rule files may refer to each other.
    own_names: bool,
    text: Arc<str>,
    parts: OnceLock<DetectionParts>,
}

/// What a file of detections holds.
#[derive(Debug)]
pub struct DetectionParts {
    /// Rules and correlations. Names are made the file's own by putting its id before them.
    pub sigma: sigma::Parsed,
    /// What is known of each document that may alert, in the order of the file: of every rule and
    /// correlation that no correlation of the file refers to.
    pub heads: Vec<DetectionHead>,
    /// What is wrong with the key `yagura`: place and message.
    pub(crate) problems: Vec<(Place, String, &'static str)>,
}

/// What is known of a document that alerts.
#[derive(Clone, Debug)]
pub struct DetectionHead {
    /// Where the document begins.
    pub place: sigma::Place,
    /// Its UUID.
    pub uuid: Option<String>,
    /// What happened. A rule without Japanese shows its English.
    pub title: Prose,
    /// What it means and why it matters.
    pub description: Prose,
    /// When it is harmless.
    pub falsepositives: Steps,
    /// What to do, in order.
    pub respond: Steps,
    /// How bad it is; `medium` where the rule does not say.
    pub severity: Severity,
    /// ATT&CK tags and others.
    pub tags: Vec<String>,
    /// Where to read on.
    pub references: Vec<String>,
    /// Who or what an alert is about.
    pub entity: DetectionEntity,
    /// The grouping window.
    pub window: Span,
    /// It feeds sequences and never alerts alone.
    pub weak: bool,
    /// Raised and kept, told to nobody.
    pub shadow: bool,
    /// By catalog: the ids that it serves.
    pub maps: BTreeMap<String, Vec<Placed<String>>>,
    /// Whether the document has the key `yagura`.
    pub has_settings: bool,
}

/// Who or what an alert is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DetectionEntity {
    /// What the source's table calls so.
    Kind(EntityKind),
    /// The value at a path of the record, in Sigma's writing.
    Field(String),
}

/// The key `yagura`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    ja: Option<Japanese>,
    #[serde(default)]
    respond: Option<Steps>,
    #[serde(default)]
    entity: Option<Placed<String>>,
    #[serde(default)]
    window: Option<Span>,
    #[serde(default)]
    weak: bool,
    #[serde(default)]
    shadow: bool,
    #[serde(default)]
    maps: BTreeMap<String, Vec<Placed<String>>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Japanese {
    title: String,
    description: String,
    #[serde(default)]
    falsepositives: Vec<String>,
}

/// A document, as far as it is ours.
#[derive(Clone, Debug, Deserialize)]
struct Document {
    #[serde(default)]
    yagura: Option<Settings>,
}

/// Documents of one file.
const DOCUMENTS_MAX: usize = 256;

impl Detection {
    /// A detection of the content.
    pub(crate) fn of_content(id: &str, path: &str, text: &str) -> Self {
        Self::new(id, path, text, true)
    }

    /// A file of rules that a user names: public Sigma rules, which need no key of ours.
    pub fn of_user(path: &str, text: &str) -> Self {
        Self::new(path, path, text, false)
    }

    fn new(id: &str, path: &str, text: &str, own_names: bool) -> Self {
        let (id, path) = (id.to_owned(), path.to_owned());
        Self { id, path, own_names, text: Arc::from(text), parts: OnceLock::new() }
    }

    /// Whether it is a user's rule file rather than content.
    pub fn is_users(&self) -> bool {
        !self.own_names
    }

    /// The file's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the file holds, with what is wrong in it.
    pub fn parts(&self) -> &DetectionParts {
        self.parts.get_or_init(|| read(self))
    }

    /// What is known of the detection: of its first document that alerts.
    pub fn head(&self) -> Option<&DetectionHead> {
        self.parts().heads.first()
    }

    /// Everything wrong with the file by itself, errors and warnings.
    pub fn problems(&self) -> Vec<Problem> {
        let file = File::new(&self.path, &self.text);
        let parts = self.parts();
        let sigma = parts.sigma.problems.iter().map(|problem| of_sigma(&file, problem));
        let ours = parts
            .problems
            .iter()
            .map(|(place, message, hint)| Problem::at(&file, *place, message.as_str()).hint(*hint));
        sigma.chain(ours).collect()
    }

    /// Where a top-level key of the document at a place stands, for problems with its value.
    pub(crate) fn place_of(&self, document: sigma::Place, key: &str) -> Place {
        let mut offset = 0;
        for (number, line) in (1_u32..).zip(self.text.split_inclusive('\n')) {
            let rest = line.strip_prefix(key).unwrap_or_default();
            if number >= document.line && rest.starts_with(':') {
                return Place { line: number, column: 1, offset };
            }
            if number > document.line && line.starts_with("---") {
                break;
            }
            offset = offset.saturating_add(u32::try_from(line.len()).unwrap_or(u32::MAX));
        }
        Place { line: document.line, column: document.column, offset: 0 }
    }
}

/// A problem of the Sigma engine as one of content.
pub(crate) fn of_sigma(file: &File, problem: &sigma::Problem) -> Problem {
    let place = file.place_of_line(problem.place.line, problem.place.column);
    let ours = Problem::at(file, place, problem.message.as_str()).hint(problem.hint);
    match problem.weight {
        sigma::Weight::Error => ours,
        sigma::Weight::Warning => ours.warning(),
    }
}

fn read(detection: &Detection) -> DetectionParts {
    let mut parsed = sigma::parse(&detection.path, &detection.text);
    let mut problems = Vec::new();
    let settings = settings(detection, &mut problems);
    let referred: Vec<String> = parsed
        .correlations
        .iter()
        .filter(|correlation| !correlation.generate)
        .flat_map(|correlation| correlation.rules.iter().cloned())
        .collect();
    let rules = parsed.rules.iter().map(|rule| &rule.metadata);
    let correlations = parsed.correlations.iter().map(|correlation| &correlation.metadata);
    let mut heads: Vec<DetectionHead> = rules
        .chain(correlations)
        .filter(|metadata| !referred.iter().any(|reference| metadata.is_called(reference)))
        .map(|metadata| {
            let own = settings.iter().find(|(line, _)| *line == metadata.place.line);
            head(metadata, own.map(|(_, settings)| settings), &mut problems)
        })
        .collect();
    heads.sort_by_key(|head| head.place);
    if detection.own_names {
        scope(&mut parsed, &detection.id);
    }
    DetectionParts { sigma: parsed, heads, problems }
}

/// The keys of ours with the lines that their documents begin in.
fn settings(
    detection: &Detection,
    problems: &mut Vec<(Place, String, &'static str)>,
) -> Vec<(u32, Settings)> {
    // Public rules are not to be read twice, nor to fail for what only our reader minds.
    if !detection.text.lines().any(|line| line.starts_with("yagura:")) {
        return Vec::new();
    }
    match yaml::documents::<Placed<Document>>(&detection.text, DOCUMENTS_MAX) {
        Ok(documents) => documents
            .into_iter()
            .filter_map(|document| Some((document.place.line, document.value.yagura?)))
            .collect(),
        Err((place, message, hint)) => {
            problems.push((place, message, hint));
            Vec::new()
        }
    }
}

fn head(
    metadata: &sigma::Metadata,
    settings: Option<&Settings>,
    problems: &mut Vec<(Place, String, &'static str)>,
) -> DetectionHead {
    let english = metadata.description.clone().unwrap_or_default();
    let japanese = settings.and_then(|settings| settings.ja.as_ref());
    let entity = settings.and_then(|settings| settings.entity.as_ref());
    let entity = match entity.map(read_entity) {
        None => DetectionEntity::Kind(EntityKind::Actor),
        Some(Ok(entity)) => entity,
        Some(Err((place, message))) => {
            problems.push((
                place,
                message,
                "actor, resource, account, address, instance or a path",
            ));
            DetectionEntity::Kind(EntityKind::Actor)
        }
    };
    DetectionHead {
        place: metadata.place,
        uuid: metadata.id.clone(),
        title: Prose {
            en: metadata.title.clone(),
            ja: japanese.map_or_else(|| metadata.title.clone(), |ja| ja.title.clone()),
        },
        description: Prose {
            ja: japanese.map_or_else(|| english.clone(), |ja| ja.description.clone()),
            en: english,
        },
        falsepositives: Steps {
            en: metadata.false_positives.clone(),
            ja: japanese
                .map_or_else(|| metadata.false_positives.clone(), |ja| ja.falsepositives.clone()),
        },
        respond: settings
            .and_then(|settings| settings.respond.clone())
            .unwrap_or_else(|| Steps { en: Vec::new(), ja: Vec::new() }),
        severity: metadata.level.map_or(Severity::Medium, severity),
        tags: metadata.tags.clone(),
        references: metadata.references.clone(),
        entity,
        window: settings.and_then(|settings| settings.window).unwrap_or(Span::days(1)),
        weak: settings.is_some_and(|settings| settings.weak),
        shadow: settings.is_some_and(|settings| settings.shadow),
        maps: settings.map(|settings| settings.maps.clone()).unwrap_or_default(),
        has_settings: settings.is_some(),
    }
}

fn read_entity(text: &Placed<String>) -> Result<DetectionEntity, (Place, String)> {
    match text.value.parse::<EntityKind>() {
        Ok(EntityKind::Other) | Err(_) => {}
        Ok(kind) => return Ok(DetectionEntity::Kind(kind)),
    }
    let fine = !text.is_empty() && !text.contains(char::is_whitespace);
    // A path has a dot, or a letter that no kind has.
    if fine && text.value != EntityKind::Other.as_str() {
        return Ok(DetectionEntity::Field(text.value.clone()));
    }
    Err((text.place, format!("`{}` is no kind of entity and no path", text.value)))
}

fn severity(level: sigma::Level) -> Severity {
    match level {
        sigma::Level::Informational => Severity::Informational,
        sigma::Level::Low => Severity::Low,
        sigma::Level::Medium => Severity::Medium,
        sigma::Level::High => Severity::High,
        sigma::Level::Critical => Severity::Critical,
    }
}

/// Makes names the file's own: two detections may both call a rule `failure`.
fn scope(parsed: &mut sigma::Parsed, id: &str) {
    let rules = parsed.rules.iter().map(|rule| &rule.metadata);
    let correlations = parsed.correlations.iter().map(|correlation| &correlation.metadata);
    let names: Vec<String> =
        rules.chain(correlations).filter_map(|metadata| metadata.name.clone()).collect();
    let scoped = |name: &mut String| {
        if names.contains(name) {
            *name = format!("{id}/{name}");
        }
    };
    let metadata = |metadata: &mut sigma::Metadata| {
        if let Some(name) = &mut metadata.name {
            scoped(name);
        }
    };
    for rule in &mut parsed.rules {
        metadata(&mut rule.metadata);
    }
    for correlation in &mut parsed.correlations {
        metadata(&mut correlation.metadata);
        correlation.rules.iter_mut().for_each(scoped);
        for (_, fields) in &mut correlation.aliases {
            fields.iter_mut().for_each(|(rule, _)| scoped(rule));
        }
    }
    for filter in &mut parsed.filters {
        filter.rules.iter_mut().flatten().for_each(scoped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "title: Failure\nname: failure\nlogsource: {product: aws}\n\
        detection: {s: {errorCode: AccessDenied}, condition: s}\n---\n\
        title: Many failures\nid: 6cbc2d6d-3cf9-4cd5-a86f-5c1c78378f81\n\
        correlation: {type: event_count, rules: [failure], timespan: 1m, condition: {gte: 3}}\n\
        level: high\nyagura:\n  ja: {title: 失敗が多い, description: 説明}\n  \
        entity: requestParameters.bucketName\n  window: 1h\n  weak: true\n";

    #[test]
    fn the_document_that_alerts_has_the_settings_and_names_are_the_files_own() {
        let detection = Detection::of_content("cloudtrail.x", "detections/cloudtrail/x.yaml", TWO);
        assert!(detection.problems().is_empty(), "{:?}", detection.problems());
        let parts = detection.parts();
        assert_eq!(parts.heads.len(), 1);
        let head = detection.head().unwrap();
        assert_eq!(
            (head.title.en.as_str(), head.title.ja.as_str()),
            ("Many failures", "失敗が多い")
        );
        assert_eq!(head.severity, Severity::High);
        assert!(head.weak && head.has_settings && !head.shadow);
        assert_eq!(head.window, Span::hours(1));
        assert_eq!(head.entity, DetectionEntity::Field("requestParameters.bucketName".into()));
        assert_eq!(parts.sigma.rules[0].metadata.name.as_deref(), Some("cloudtrail.x/failure"));
        assert_eq!(parts.sigma.correlations[0].rules, ["cloudtrail.x/failure"]);
    }

    #[test]
    fn a_public_rule_needs_no_key_of_ours() {
        let text = "title: Plain\nlogsource: {product: aws}\ndate: 2020/1/9\n\
            detection: {s: {eventName: X}, condition: s}\n";
        let detection = Detection::of_user("rules/plain.yml", text);
        assert!(detection.problems().is_empty(), "{:?}", detection.problems());
        let head = detection.head().unwrap();
        assert_eq!((head.title.ja.as_str(), head.severity), ("Plain", Severity::Medium));
        assert_eq!(head.entity, DetectionEntity::Kind(EntityKind::Actor));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let check = |from: &str, to: &str, line: u32, message: &str| {
            let text = TWO.replace(from, to);
            let detection = Detection::of_content("cloudtrail.x", "x.yaml", &text);
            let problems = detection.problems();
            let told = problems.first().map(|problem| (problem.place.line, &problem.message));
            let told = told.map(|(line, message)| (line, message.as_str()));
            assert!(
                told.is_some_and(|(at, text)| at == line && text.contains(message)),
                "{problems:?}"
            );
        };
        check("weak: true", "weka: true", 14, "weka");
        check("window: 1h", "window: soon", 13, "soon");
        check("entity: requestParameters.bucketName", "entity: other", 12, "other");
        check("errorCode: AccessDenied", "errorCode|contans: x", 4, "contans");
    }
}
