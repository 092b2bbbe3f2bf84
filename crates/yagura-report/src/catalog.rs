//! What a reader is told about controls and frameworks: titles, reasons, fixes, requirements.
//! A version of its own, free of compiled expressions; how content is read is not here.

use std::collections::BTreeMap;

use yagura_model::{Lang, Prose, Severity};

/// The prose of everything that a report can mention.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// Controls by id.
    pub controls: BTreeMap<String, ControlEntry>,
    /// Frameworks in the order they are shown; the checklist has the id
    /// [`Catalog::CHECKLIST`].
    pub frameworks: Vec<FrameworkEntry>,
}

impl Catalog {
    /// The framework that is shown first and item by item.
    pub const CHECKLIST: &str = "checklist";

    pub(crate) fn framework(&self, id: &str) -> Option<&FrameworkEntry> {
        self.frameworks.iter().find(|framework| framework.id == id)
    }

    /// A control's title; its id where the catalog does not know it (a control that was removed
    /// after the scan).
    pub(crate) fn title<'a>(&'a self, control: &'a str, lang: Lang) -> &'a str {
        self.controls.get(control).map_or(control, |entry| entry.title.get(lang))
    }
}

/// What a reader is told about one control.
#[derive(Clone, Debug)]
pub struct ControlEntry {
    /// The control's id (`s3.bucket_public_access_blocked`).
    pub id: String,
    /// The resource type it speaks about.
    pub type_name: String,
    /// Its severity before a site's overrides.
    pub severity: Severity,
    /// `mandatory`, `strongly_recommended` or `elective`.
    pub guidance: String,
    /// `customer`, `shared` or `aws`.
    pub responsible: String,
    /// The wanted condition as a sentence.
    pub title: Prose,
    /// Why it matters.
    pub why: Prose,
    /// How to mend it.
    pub fix: FixEntry,
    /// Framework id → requirement ids; other catalogs too.
    pub maps: BTreeMap<String, Vec<String>>,
    /// Where to read more (https).
    pub references: Vec<String>,
}

/// How to mend what a control found. Empty texts are not shown.
#[derive(Clone, Debug, Default)]
pub struct FixEntry {
    /// Steps in the AWS console, in English.
    pub console_en: Vec<String>,
    /// Steps in the AWS console, in Japanese.
    pub console_ja: Vec<String>,
    /// AWS CLI commands.
    pub cli: String,
    /// A `CloudFormation` snippet (YAML).
    pub cloudformation: String,
    /// A Terraform snippet.
    pub terraform: String,
}

impl FixEntry {
    pub(crate) fn console(&self, lang: Lang) -> &[String] {
        match lang {
            Lang::En => &self.console_en,
            Lang::Ja => &self.console_ja,
        }
    }
}

/// What a reader is told about one framework.
#[derive(Clone, Debug)]
pub struct FrameworkEntry {
    /// The framework's id (`cis_5_0`).
    pub id: String,
    /// Its title.
    pub title: Prose,
    /// Its version, as its publisher writes it.
    pub version: String,
    /// Where AWS's part of shared requirements is proven, where a requirement does not say.
    pub aws_part: Option<Prose>,
    /// Chapters (for the checklist: the five areas), in order.
    pub groups: Vec<GroupEntry>,
    /// Requirements, in the framework's own order.
    pub requirements: Vec<RequirementEntry>,
}

impl FrameworkEntry {
    pub(crate) fn requirement(&self, id: &str) -> Option<&RequirementEntry> {
        self.requirements.iter().find(|requirement| requirement.id == id)
    }
}

/// A chapter of a framework.
#[derive(Clone, Debug)]
pub struct GroupEntry {
    /// The chapter's id.
    pub id: String,
    /// Its title.
    pub title: Prose,
}

/// A requirement of a framework.
#[derive(Clone, Debug, Default)]
pub struct RequirementEntry {
    /// The requirement's id within the framework.
    pub id: String,
    /// The id of its chapter.
    pub group: String,
    /// Its title, in our own words.
    pub title: Prose,
    /// The profile level, where the framework has levels.
    pub level: Option<u8>,
    /// `automated`, `manual` or `not_covered`.
    pub assessment: String,
    /// `customer`, `shared` or `aws`.
    pub responsible: String,
    /// Where AWS's part is proven; none where the customer alone has to act.
    pub aws_part: Option<Prose>,
    /// What else a reader should know.
    pub note: Option<Prose>,
}
