//! Loads content: what is built into the binary, and a site folder laid over it.
//! What the loaded files mean together is checked in `crate::lint`.

mod embedded;
mod folder;
mod samples;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use yagura_model::source::Table;

use crate::expression::ScopeKind;
use crate::format::{
    AllowRule, AutomationRule, Behavior, Channel, Control, Detection, DetectionCases,
    EscalationFile, EventActionsFile, Expression, Framework, IndicatorFields, IntelligenceRule,
    ResourceType, Routes, SavedQuery, Sequence, SigmaMapping, Site, Source, SourceExtension, Theme,
};
use crate::mapping::Mappings;
use crate::problem::{File, Problem};
use crate::yaml::{self, Form};

/// Everything loaded. Cheap to clone in parts: files are shared.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// By type name (`AWS::S3::Bucket`).
    pub resources: BTreeMap<String, Arc<ResourceType>>,
    /// By id (`s3.bucket_encrypted`).
    pub controls: BTreeMap<String, Arc<Control>>,
    /// By id (`cis_5_0`).
    pub frameworks: BTreeMap<String, Arc<Framework>>,
    /// Themes by id (`data_encrypted_at_rest`).
    pub themes: BTreeMap<String, Arc<Theme>>,
    /// Log sources by id (`cloudtrail`).
    pub sources: BTreeMap<String, Arc<Source>>,
    /// Saved queries by id (`s3.object_readers`).
    pub queries: BTreeMap<String, Arc<SavedQuery>>,
    /// Behaviours by id (`behaviors.iam.api_first_seen`).
    pub behaviors: BTreeMap<String, Arc<Behavior>>,
    /// Sequences by id (`sequences.credentials_compromised`).
    pub sequences: BTreeMap<String, Arc<Sequence>>,
    /// Ways from few permissions to many, by id (`escalations.iam.access_key_created`).
    pub escalations: BTreeMap<String, Arc<EscalationFile>>,
    /// What events are called in IAM, by id (`actions.s3`).
    pub event_actions: BTreeMap<String, Arc<EventActionsFile>>,
    /// Detections by id (`cloudtrail.trail_logging_stopped`).
    pub detections: BTreeMap<String, Arc<Detection>>,
    /// The cases of detections, by the detections' ids.
    pub detection_cases: BTreeMap<String, Arc<DetectionCases>>,
    /// How Sigma rules are run over sources, by the sources' ids.
    pub sigma_mappings: BTreeMap<String, Arc<SigmaMapping>>,
    /// The records that events of cases are laid over, by the sources' ids.
    pub case_records: BTreeMap<String, Arc<Map<String, Value>>>,
    /// What being on a threat list means, by id (`intelligence.command_and_control_called`).
    pub intelligence: BTreeMap<String, Arc<IntelligenceRule>>,
    /// Channels over HTTP by id (`slack_webhook`).
    pub channels: BTreeMap<String, Arc<Channel>>,
    /// The fields of sources that can be on a list, by the sources' ids.
    pub indicator_fields: BTreeMap<String, Arc<IndicatorFields>>,
    /// Samples of sources and their expected rows, by path (`sources/waf/samples/a.json`).
    pub samples: BTreeMap<String, Arc<str>>,
    /// What the site says.
    pub site: Arc<Site>,
    /// Files that disabled themselves, and what else is wrong.
    pub problems: Vec<Problem>,
    /// The files, for problems that are found later.
    pub(crate) files: BTreeMap<String, File>,
    /// Which controls serve which requirements, worked out at first use.
    pub(crate) mappings: OnceLock<Mappings>,
}

/// What kind of file a path is, and the id that the path gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Resource(String),
    Control(String),
    Framework(String),
    Theme(String),
    Source(String),
    SourceExtension(String),
    Query(String),
    Behavior(String),
    Sequence(String),
    Detection(String),
    DetectionCases(String),
    SigmaMapping(String),
    CaseRecord(String),
    Intelligence(String),
    Escalation(String),
    EventActions(String),
    Channel(String),
    IndicatorFields(String),
    IntelligenceSite,
    Sample,
    Exceptions,
    Attestations,
    Parameters,
    Selection,
    Suppressions,
    Allow,
    AlertContext,
    AutomationRules,
    Routes,
}

/// The content built into the binary, loaded once per process, at first use.
static BUILTIN: OnceLock<Content> = OnceLock::new();

impl Content {
    /// What is built into the binary.
    pub fn builtin() -> &'static Self {
        BUILTIN.get_or_init(|| {
            let mut content = Self::default();
            match embedded::files() {
                Ok(files) => {
                    let mut site = Site::default();
                    for embedded::Packed { name, form, text } in files {
                        let file = File::nameless(&name);
                        if let Err(problem) = content.add(&file, &text, form, &mut site, false) {
                            content.problems.push(*problem);
                        }
                    }
                }
                Err(problem) => content.problems.push(problem),
            }
            content
        })
    }

    /// What is built in, with a site folder laid over it. A file of the site replaces the
    /// built-in file of the same id; a broken file disables itself and is told in `problems`.
    ///
    /// A folder that does not exist adds nothing.
    pub fn load(site: Option<&Path>) -> Self {
        let mut content = Self::builtin().clone();
        if let Some(folder) = site {
            content.add_folder(folder);
        }
        content
    }

    /// Only what is in a folder of the layout of `content/`; for tests and for authors.
    pub fn from_folder(folder: &Path) -> Self {
        let mut content = Self::default();
        content.add_folder(folder);
        content
    }

    /// The tables of all sources, in order of their ids.
    pub fn tables(&self) -> Vec<Table> {
        self.sources.values().map(|source| source.table().clone()).collect()
    }

    fn add_folder(&mut self, folder: &Path) {
        let (files, problems) = folder::files(folder);
        self.problems.extend(problems);
        self.add_all(&files);
    }

    /// Adds files written by people. Every expression is compiled, so that a broken one disables
    /// its file.
    pub(crate) fn add_all(&mut self, files: &[(String, String)]) {
        self.mappings = OnceLock::new();
        let mut site = Site::clone(&self.site);
        // A site's own source may be extended by the same site: sources are read first.
        let extends = |name: &str| matches!(Kind::of(name), Some(Kind::SourceExtension(_)));
        let (last, first): (Vec<_>, Vec<_>) = files.iter().partition(|(name, _)| extends(name));
        for (name, text) in first.into_iter().chain(last) {
            let file = File::new(name, text);
            if let Err(problem) = self.add(&file, text, Form::Yaml, &mut site, true) {
                self.problems.push(*problem);
            }
            self.files.insert(name.clone(), file);
        }
        self.site = Arc::new(site);
    }

    fn add(
        &mut self,
        file: &File,
        text: &str,
        form: Form,
        site: &mut Site,
        eager: bool,
    ) -> Result<(), Box<Problem>> {
        let Some(kind) = Kind::of(&file.name) else {
            let known = "known are resources/<service>/<thing>.yaml, \
                         controls/<service>/<condition>.yaml, frameworks/<id>.yaml, \
                         themes/<id>.yaml, \
                         sources/<source>/source.yaml, sources/<source>/extend.yaml, \
                         sources/<source>/sigma.yaml, sources/<source>/case.yaml, \
                         detections/<source>/<what_happened>.yaml, \
                         detections/<source>/<what_happened>.cases.yaml, \
                         queries/<topic>/<question>.yaml, behaviors/<topic>/<what>.yaml, \
                         sequences/<what>.yaml, intelligence/<what_happened>.yaml, \
                         escalations/<service>/<how>.yaml, actions/<service>.yaml, \
                         channels/<id>.yaml, sources/<source>/indicators.yaml, \
                         intelligence.yaml, \
                         exceptions.yaml, attestations.yaml, parameters.yaml, selection.yaml, \
                         suppressions.yaml, allow.yaml, context.yaml, rules.yaml, \
                         routes.yaml";
            let problem = Problem::at(file, crate::Place::default(), "no content has this path");
            return Err(Box::new(problem.hint(known)));
        };
        match kind {
            Kind::Resource(id) => {
                let mut resource: ResourceType = yaml::read(file, text, form)?;
                resource.settle(&id);
                if eager {
                    compile(file, resource.expressions())?;
                }
                let name = resource.type_name.value.clone();
                self.resources.insert(name, Arc::new(resource));
            }
            Kind::Control(id) => {
                let mut control: Control = yaml::read(file, text, form)?;
                control.settle(&id);
                if eager {
                    compile(file, control.expressions())?;
                }
                self.controls.insert(id, Arc::new(control));
            }
            Kind::Framework(id) => {
                let mut framework: Framework = yaml::read(file, text, form)?;
                framework.id.clone_from(&id);
                self.frameworks.insert(id, Arc::new(framework));
            }
            Kind::Theme(id) => {
                let mut theme: Theme = yaml::read(file, text, form)?;
                theme.id.clone_from(&id);
                self.themes.insert(id, Arc::new(theme));
            }
            Kind::Source(id) => {
                let mut source: Source = yaml::read(file, text, form)?;
                source.settle(&id).map_err(|fault| at_fault(file, fault))?;
                self.sources.insert(id, Arc::new(source));
            }
            Kind::SourceExtension(id) => {
                let extension: SourceExtension = yaml::read(file, text, form)?;
                let Some(source) = self.sources.get(&id) else {
                    let place = crate::Place { line: 1, column: 1, offset: 0 };
                    let message = format!("there is no source `{id}` to extend");
                    let hint = "a source of your own is in `source.yaml`";
                    return Err(Box::new(Problem::at(file, place, message).hint(hint)));
                };
                let source = source.extended(&extension).map_err(|fault| at_fault(file, fault))?;
                self.sources.insert(id, Arc::new(source));
            }
            Kind::Query(id) => {
                let mut query: SavedQuery = yaml::read(file, text, form)?;
                query.id.clone_from(&id);
                self.queries.insert(id, Arc::new(query));
            }
            Kind::Behavior(id) => {
                let mut behavior: Behavior = yaml::read(file, text, form)?;
                behavior.id.clone_from(&id);
                self.behaviors.insert(id, Arc::new(behavior));
            }
            Kind::Sequence(id) => {
                let mut sequence: Sequence = yaml::read(file, text, form)?;
                sequence.id.clone_from(&id);
                self.sequences.insert(id, Arc::new(sequence));
            }
            Kind::Detection(id) => {
                let detection = Detection::of_content(&id, &file.name, text);
                if eager {
                    whole(detection.problems(), &mut self.problems)?;
                }
                self.detections.insert(id, Arc::new(detection));
            }
            Kind::DetectionCases(id) => {
                let cases = DetectionCases::new(&id, &file.name, text, form);
                self.detection_cases.insert(id, Arc::new(cases));
            }
            Kind::SigmaMapping(id) => {
                let mapping = SigmaMapping::new(&id, &file.name, text);
                if eager {
                    whole(mapping.problems(), &mut self.problems)?;
                }
                self.sigma_mappings.insert(id, Arc::new(mapping));
            }
            Kind::CaseRecord(id) => {
                self.case_records.insert(id, Arc::new(yaml::read(file, text, form)?));
            }
            Kind::Escalation(id) => {
                let mut escalation: EscalationFile = yaml::read(file, text, form)?;
                escalation.id.clone_from(&id);
                self.escalations.insert(id, Arc::new(escalation));
            }
            Kind::EventActions(id) => {
                let mut actions: EventActionsFile = yaml::read(file, text, form)?;
                actions.id.clone_from(&id);
                self.event_actions.insert(id, Arc::new(actions));
            }
            Kind::Channel(id) => {
                let mut channel: Channel = yaml::read(file, text, form)?;
                channel.settle(&id);
                if eager {
                    compile(file, channel.expressions())?;
                }
                self.channels.insert(id, Arc::new(channel));
            }
            Kind::Intelligence(id) => {
                let mut rule: IntelligenceRule = yaml::read(file, text, form)?;
                rule.id.clone_from(&id);
                self.intelligence.insert(id, Arc::new(rule));
            }
            Kind::IndicatorFields(id) => {
                let fields: IndicatorFields = yaml::read(file, text, form)?;
                self.indicator_fields.insert(id, Arc::new(fields));
            }
            Kind::IntelligenceSite => site.intelligence = yaml::read(file, text, form)?,
            Kind::Sample => {
                self.samples.insert(file.name.clone(), Arc::from(text));
            }
            Kind::Exceptions => site.exceptions = list(file, text, form)?,
            Kind::Attestations => site.attestations = list(file, text, form)?,
            Kind::Parameters => site.parameters = yaml::read(file, text, form)?,
            Kind::Selection => site.selection = yaml::read(file, text, form)?,
            Kind::Suppressions => site.suppressions = list(file, text, form)?,
            Kind::AlertContext => site.context = yaml::read(file, text, form)?,
            Kind::Allow => {
                let mut rules: Vec<AllowRule> = list(file, text, form)?;
                // A rule that is broken disables itself, and not the others of the file.
                rules.retain_mut(|rule| {
                    rule.when.set_scope(ScopeKind::Alert);
                    let compiled = rule.when.compile().map(|_| ());
                    if let Err(error) = &compiled {
                        self.problems.push(rule.when.problem(file, error));
                    }
                    compiled.is_ok()
                });
                site.allow = rules.into_iter().map(Arc::new).collect();
            }
            Kind::AutomationRules => site.rules = self.automation(file, text, form)?,
            Kind::Routes => site.routes = self.routes(file, text, form)?,
        }
        Ok(())
    }
}

impl Content {
    /// Automation rules, in the order in which they are applied. One that is broken disables
    /// itself, and not the others of the file.
    fn automation(
        &mut self,
        file: &File,
        text: &str,
        form: Form,
    ) -> Result<Vec<Arc<AutomationRule>>, Box<Problem>> {
        let mut rules: Vec<AutomationRule> = list(file, text, form)?;
        rules.retain_mut(|rule| {
            rule.when.set_scope(ScopeKind::Automation);
            let compiled = rule.when.compile().map(|_| ());
            if let Err(error) = &compiled {
                self.problems.push(rule.when.problem(file, error));
            }
            compiled.is_ok()
        });
        rules.sort_by_key(|rule| rule.order);
        Ok(rules.into_iter().map(Arc::new).collect())
    }
}

impl Content {
    /// Routes. One whose condition is broken stays: it has no result, and is followed. A site
    /// that hears too much mends its file; one that hears nothing does not know.
    fn routes(&mut self, file: &File, text: &str, form: Form) -> Result<Routes, Box<Problem>> {
        let mut routes: Routes = yaml::read(file, text, form)?;
        for route in &mut routes.routes {
            let when = Arc::get_mut(route).and_then(|route| route.when.as_mut());
            let Some(when) = when else { continue };
            when.set_scope(ScopeKind::Route);
            if let Err(error) = when.compile() {
                self.problems.push(when.problem(file, &error));
            }
        }
        Ok(routes)
    }
}

/// What is wrong with a source's columns, as a problem of its file.
fn at_fault(file: &File, (place, message): (crate::Place, String)) -> Box<Problem> {
    Box::new(Problem::at(file, place, message))
}

/// A list, empty where the file is.
fn list<T: DeserializeOwned>(file: &File, text: &str, form: Form) -> Result<Vec<T>, Box<Problem>> {
    yaml::read(file, text, form)
}

/// Whether a file that has problems can be used: the first error disables it, and the others are
/// told beside it.
fn whole(problems: Vec<Problem>, told: &mut Vec<Problem>) -> Result<(), Box<Problem>> {
    let first = problems.iter().position(Problem::is_error);
    let mut fatal = None;
    for (at, problem) in problems.into_iter().enumerate() {
        if Some(at) == first {
            fatal = Some(Box::new(problem));
        } else {
            told.push(problem);
        }
    }
    fatal.map_or(Ok(()), Err)
}

/// Compiles every expression of a file.
fn compile<'t>(
    file: &File,
    expressions: impl IntoIterator<Item = &'t Expression>,
) -> Result<(), Box<Problem>> {
    for expression in expressions {
        if let Err(error) = expression.compile() {
            return Err(Box::new(expression.problem(file, &error)));
        }
    }
    Ok(())
}

impl Kind {
    /// From a path relative to the content folder.
    pub(crate) fn of(name: &str) -> Option<Self> {
        if samples::is_sample(name) {
            return Some(Self::Sample);
        }
        let stem = name.strip_suffix(".yaml")?;
        let parts: Vec<&str> = stem.split('/').collect();
        match parts.as_slice() {
            ["resources", service, thing] => Some(Self::Resource(format!("{service}.{thing}"))),
            ["controls", service, condition] => {
                Some(Self::Control(format!("{service}.{condition}")))
            }
            ["frameworks", id] => Some(Self::Framework((*id).to_owned())),
            ["themes", id] => Some(Self::Theme((*id).to_owned())),
            ["sources", id, "source"] => Some(Self::Source((*id).to_owned())),
            ["sources", id, "extend"] => Some(Self::SourceExtension((*id).to_owned())),
            ["sources", id, "sigma"] => Some(Self::SigmaMapping((*id).to_owned())),
            ["sources", id, "case"] => Some(Self::CaseRecord((*id).to_owned())),
            ["detections", source, what] => Some(match what.strip_suffix(".cases") {
                Some(what) => Self::DetectionCases(format!("{source}.{what}")),
                None => Self::Detection(format!("{source}.{what}")),
            }),
            ["sources", id, "indicators"] => Some(Self::IndicatorFields((*id).to_owned())),
            ["intelligence", what] => Some(Self::Intelligence(format!("intelligence.{what}"))),
            ["intelligence"] => Some(Self::IntelligenceSite),
            ["escalations", service, how] => {
                Some(Self::Escalation(format!("escalations.{service}.{how}")))
            }
            ["actions", service] => Some(Self::EventActions(format!("actions.{service}"))),
            ["queries", topic, question] => Some(Self::Query(format!("{topic}.{question}"))),
            ["behaviors", topic, what] => Some(Self::Behavior(format!("behaviors.{topic}.{what}"))),
            ["sequences", what] => Some(Self::Sequence(format!("sequences.{what}"))),
            ["channels", id] => Some(Self::Channel((*id).to_owned())),
            ["exceptions"] => Some(Self::Exceptions),
            ["attestations"] => Some(Self::Attestations),
            ["parameters"] => Some(Self::Parameters),
            ["selection"] => Some(Self::Selection),
            ["suppressions"] => Some(Self::Suppressions),
            ["allow"] => Some(Self::Allow),
            ["context"] => Some(Self::AlertContext),
            ["rules"] => Some(Self::AutomationRules),
            ["routes"] => Some(Self::Routes),
            _ => None,
        }
    }
}
