//! Checks what a reviewer would otherwise check: that files mean something, together.
//! Whether a file can be read at all is found by the loader.

mod alert_site;
mod automation;
mod behaviors;
mod channels;
mod controls;
mod detections;
mod escalations;
mod event_actions;
mod facts;
mod frameworks;
mod intelligence;
mod ocsf;
mod paths;
mod prose;
mod queries;
mod resources;
mod routes;
mod sequences;
mod site;
mod sources;

use std::collections::BTreeMap;

use crate::format::{
    Behavior, Channel, Control, Detection, EscalationFile, EventActionsFile, Expression, Framework,
    IntelligenceRule, ResourceType, SavedQuery, Sequence, Source, Theme,
};
use crate::loader::{Content, Kind};
use crate::place::Place;
use crate::problem::{File, Problem};

pub use facts::{AccessLevel, ApiFacts};

/// One run of lint.
pub(crate) struct Lint<'c> {
    pub(crate) content: &'c Content,
    /// What is known of the AWS API, if the caller knows it.
    pub(crate) api: Option<&'c dyn ApiFacts>,
    pub(crate) problems: Vec<Problem>,
    /// Files by what the path makes of them.
    files: BTreeMap<String, &'c File>,
    nameless: File,
}

impl Content {
    /// Everything that is wrong with the loaded files, the loader's problems included, in order
    /// of file and line. Built-in files that loaded are not looked at again: the tests have.
    ///
    /// Without `api`, calls, paths into answers and IAM actions are not checked.
    pub fn lint(&self, api: Option<&dyn ApiFacts>) -> Vec<Problem> {
        let mut lint = Lint {
            content: self,
            api,
            problems: self.problems.clone(),
            files: BTreeMap::new(),
            nameless: File::nameless("(built in)"),
        };
        for (name, file) in &self.files {
            if let Some(
                Kind::Resource(id)
                | Kind::Control(id)
                | Kind::Framework(id)
                | Kind::Theme(id)
                | Kind::Source(id)
                | Kind::Query(id)
                | Kind::Detection(id)
                | Kind::Behavior(id)
                | Kind::Sequence(id)
                | Kind::Intelligence(id)
                | Kind::Escalation(id)
                | Kind::EventActions(id)
                | Kind::Channel(id),
            ) = Kind::of(name)
            {
                let folder = name.split('/').next().unwrap_or_default();
                lint.files.insert(format!("{folder}/{id}"), file);
            }
        }
        lint.run();
        let mut problems = lint.problems;
        problems
            .sort_by(|a, b| (&a.file, a.place, &a.message).cmp(&(&b.file, b.place, &b.message)));
        problems.dedup_by(|a, b| (&a.file, a.place, &a.message) == (&b.file, b.place, &b.message));
        problems
    }
}

impl<'c> Lint<'c> {
    fn run(&mut self) {
        let content = self.content;
        for resource in content.resources.values() {
            if self.has(&format!("resources/{}", resource.id)) {
                resources::check(self, resource);
            }
        }
        for control in content.controls.values() {
            if self.has(&format!("controls/{}", control.id)) {
                controls::check(self, control);
            }
        }
        for framework in content.frameworks.values() {
            if self.has(&format!("frameworks/{}", framework.id)) {
                frameworks::check(self, framework);
            }
        }
        for theme in content.themes.values() {
            if self.has(&format!("themes/{}", theme.id)) {
                frameworks::check_theme(self, theme);
            }
        }
        for source in content.sources.values() {
            if self.has(&format!("sources/{}", source.id)) {
                sources::check(self, source);
            }
        }
        for query in content.queries.values() {
            if self.has(&format!("queries/{}", query.id)) {
                queries::check(self, query);
            }
        }
        for detection in content.detections.values() {
            if self.has(&format!("detections/{}", detection.id)) {
                detections::check(self, detection);
            }
        }
        detections::check_together(self);
        for behavior in content.behaviors.values() {
            if self.has(&format!("behaviors/{}", behavior.id)) {
                behaviors::check(self, behavior);
            }
        }
        for sequence in content.sequences.values() {
            if self.has(&format!("sequences/{}", sequence.id)) {
                sequences::check(self, sequence);
            }
        }
        for rule in content.intelligence.values() {
            if self.has(&format!("intelligence/{}", rule.id)) {
                intelligence::check(self, rule);
            }
        }
        intelligence::check_site(self);
        for escalation in content.escalations.values() {
            if self.has(&format!("escalations/{}", escalation.id)) {
                escalations::check(self, escalation);
            }
        }
        for actions in content.event_actions.values() {
            if self.has(&format!("actions/{}", actions.id)) {
                event_actions::check(self, actions);
            }
        }
        for channel in content.channels.values() {
            if self.has(&format!("channels/{}", channel.id)) {
                channels::check(self, channel);
            }
        }
        site::check(self);
        alert_site::check(self);
        automation::check(self);
        routes::check(self);
    }

    fn has(&self, key: &str) -> bool {
        self.files.contains_key(key)
    }

    fn file(&self, key: &str) -> &File {
        self.files.get(key).copied().unwrap_or(&self.nameless)
    }

    /// The file of a resource type.
    pub(crate) fn resource_file(&self, resource: &ResourceType) -> File {
        self.file(&format!("resources/{}", resource.id)).clone()
    }

    /// The file of a control.
    pub(crate) fn control_file(&self, control: &Control) -> File {
        self.file(&format!("controls/{}", control.id)).clone()
    }

    /// The file of a framework.
    pub(crate) fn framework_file(&self, framework: &Framework) -> File {
        self.file(&format!("frameworks/{}", framework.id)).clone()
    }

    /// The file of a theme.
    pub(crate) fn theme_file(&self, theme: &Theme) -> File {
        self.file(&format!("themes/{}", theme.id)).clone()
    }

    /// The file of a log source.
    pub(crate) fn source_file(&self, source: &Source) -> File {
        self.file(&format!("sources/{}", source.id)).clone()
    }

    /// The file of a rule of threat intelligence.
    pub(crate) fn intelligence_file(&self, rule: &IntelligenceRule) -> File {
        self.file(&format!("intelligence/{}", rule.id)).clone()
    }

    /// The file of a saved query.
    pub(crate) fn query_file(&self, query: &SavedQuery) -> File {
        self.file(&format!("queries/{}", query.id)).clone()
    }

    /// The file of a detection.
    pub(crate) fn detection_file(&self, detection: &Detection) -> File {
        self.file(&format!("detections/{}", detection.id)).clone()
    }

    /// The file of a behaviour.
    pub(crate) fn behavior_file(&self, behavior: &Behavior) -> File {
        self.file(&format!("behaviors/{}", behavior.id)).clone()
    }

    /// The file of a sequence.
    pub(crate) fn sequence_file(&self, sequence: &Sequence) -> File {
        self.file(&format!("sequences/{}", sequence.id)).clone()
    }

    /// The file of an escalation.
    pub(crate) fn escalation_file(&self, escalation: &EscalationFile) -> File {
        self.file(&format!("escalations/{}", escalation.id)).clone()
    }

    /// The file of what events are called in IAM.
    pub(crate) fn event_actions_file(&self, actions: &EventActionsFile) -> File {
        self.file(&format!("actions/{}", actions.id)).clone()
    }

    /// The file of a channel.
    pub(crate) fn channel_file(&self, channel: &Channel) -> File {
        self.file(&format!("channels/{}", channel.id)).clone()
    }

    /// Notes an error.
    pub(crate) fn error(&mut self, file: &File, place: Place, message: impl Into<String>) {
        self.hinted(file, place, message, "");
    }

    /// Notes an error with advice.
    pub(crate) fn hinted(
        &mut self,
        file: &File,
        place: Place,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.problems.push(Problem::at(file, place, message).hint(hint));
    }

    /// Notes a warning with advice.
    pub(crate) fn warning(
        &mut self,
        file: &File,
        place: Place,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.problems.push(Problem::at(file, place, message).hint(hint).warning());
    }

    /// Checks that an id is made of lower-case words, digits and underscores.
    pub(crate) fn id(&mut self, file: &File, id: &str) {
        let fine = id.split('.').all(|part| {
            part.starts_with(|c: char| c.is_ascii_lowercase())
                && !part.ends_with('_')
                && !part.contains("__")
                && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        });
        if !fine {
            let message = format!("the path makes the id `{id}`, which is not lower_snake");
            self.error(file, Place { line: 1, column: 1, offset: 0 }, message);
        }
    }

    /// Checks that expressions compile; whether all do.
    pub(crate) fn compiles<'t>(
        &mut self,
        file: &File,
        expressions: impl IntoIterator<Item = &'t Expression>,
    ) -> bool {
        let mut all = true;
        for expression in expressions {
            if let Err(error) = expression.compile() {
                self.problems.push(expression.problem(file, &error));
                all = false;
            }
        }
        all
    }
}
