//! Loads content: what is built into the binary, and a site folder laid over it.
//! What the loaded files mean together is checked in `crate::lint`.

mod embedded;
mod folder;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use serde::de::DeserializeOwned;

use crate::format::{Control, Expression, Framework, ResourceType, Site};
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
    /// What the site says.
    pub site: Arc<Site>,
    /// Files that disabled themselves, and what else is wrong.
    pub problems: Vec<Problem>,
    /// The files, for problems that are found later.
    pub(crate) files: BTreeMap<String, File>,
}

/// What kind of file a path is, and the id that the path gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Resource(String),
    Control(String),
    Framework(String),
    Exceptions,
    Attestations,
    Parameters,
    Selection,
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

    fn add_folder(&mut self, folder: &Path) {
        let (files, problems) = folder::files(folder);
        self.problems.extend(problems);
        self.add_all(&files);
    }

    /// Adds files written by people. Every expression is compiled, so that a broken one disables
    /// its file.
    pub(crate) fn add_all(&mut self, files: &[(String, String)]) {
        let mut site = Site::clone(&self.site);
        for (name, text) in files {
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
                         exceptions.yaml, attestations.yaml, parameters.yaml, selection.yaml";
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
            Kind::Exceptions => site.exceptions = list(file, text, form)?,
            Kind::Attestations => site.attestations = list(file, text, form)?,
            Kind::Parameters => site.parameters = yaml::read(file, text, form)?,
            Kind::Selection => site.selection = yaml::read(file, text, form)?,
        }
        Ok(())
    }
}

/// A list, empty where the file is.
fn list<T: DeserializeOwned>(file: &File, text: &str, form: Form) -> Result<Vec<T>, Box<Problem>> {
    yaml::read(file, text, form)
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
        let stem = name.strip_suffix(".yaml")?;
        let parts: Vec<&str> = stem.split('/').collect();
        match parts.as_slice() {
            ["resources", service, thing] => Some(Self::Resource(format!("{service}.{thing}"))),
            ["controls", service, condition] => {
                Some(Self::Control(format!("{service}.{condition}")))
            }
            ["frameworks", id] => Some(Self::Framework((*id).to_owned())),
            ["exceptions"] => Some(Self::Exceptions),
            ["attestations"] => Some(Self::Attestations),
            ["parameters"] => Some(Self::Parameters),
            ["selection"] => Some(Self::Selection),
            _ => None,
        }
    }
}
