//! Pipelines: which rules run over which records, and what their fields are called there.
//! Applying them is `matcher/`.

mod read;

use crate::problem::Place;
use crate::rule::{LogSource, Search};

pub use read::ParsedPipelines;

/// How rules are run over one kind of records.
///
/// ```yaml
/// source: auditd                     # the caller's name of the kind
/// logsources:                        # a rule runs if it asks for no more than one of these
///   - product: linux
///     service: auditd
///   - product: linux
///     category: process_creation
///     where: {type: EXECVE}          # required beside the rule's own condition
///     fields: {CommandLine: cmd}     # wins over the fields below
/// fields:                            # name in rules → path in records, or several
///   User: [acct, uid]
/// placeholders:                      # `%name%` under the modifier `expand`
///   Administrators: [root, 'adm_*']
/// ```
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// The caller's name of the kind of records.
    pub source: String,
    /// What the records are.
    pub log_sources: Vec<Mapping>,
    /// Names in rules, and the paths they stand for.
    pub fields: Vec<(String, Vec<String>)>,
    /// Names of placeholders, and the texts (with wildcards) they stand for.
    pub placeholders: Vec<(String, Vec<String>)>,
}

/// One log source that the records are.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// `None` takes every rule, whatever it is about.
    pub log_source: Option<LogSource>,
    /// What a record must meet to be of this log source.
    pub condition: Option<Search>,
    /// Where the condition stands.
    pub place: Place,
    /// Paths for this log source only.
    pub fields: Vec<(String, Vec<String>)>,
}

impl Pipeline {
    /// Runs every rule over the records, with fields as the rules call them.
    #[must_use]
    pub fn plain(source: &str) -> Self {
        let everything =
            Mapping { log_source: None, condition: None, place: Place::default(), fields: vec![] };
        Self {
            source: source.to_owned(),
            log_sources: vec![everything],
            fields: Vec::new(),
            placeholders: Vec::new(),
        }
    }

    /// Reads pipelines, one per YAML document. `origin` is what the caller calls the file.
    #[must_use]
    pub fn parse(origin: &str, text: &str) -> ParsedPipelines {
        read::parse(origin, text)
    }

    /// The paths of a rule's field.
    pub(crate) fn paths(&self, mapping: &Mapping, field: &str) -> Vec<String> {
        let named = |fields: &[(String, Vec<String>)]| {
            fields.iter().find(|(name, _)| name == field).map(|(_, paths)| paths.clone())
        };
        named(&mapping.fields)
            .or_else(|| named(&self.fields))
            .unwrap_or_else(|| vec![field.to_owned()])
    }

    /// The texts of a placeholder.
    pub(crate) fn placeholder(&self, name: &str) -> Option<&[String]> {
        let found = self.placeholders.iter().find(|(known, _)| known == name);
        found.map(|(_, texts)| texts.as_slice())
    }
}
