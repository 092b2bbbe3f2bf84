//! How public Sigma rules are run over a log source: `content/sources/<source>/sigma.yaml`, a
//! pipeline of `lib/sigma`. Which fields a record has is in `source.rs`.

use std::sync::{Arc, OnceLock};

use crate::problem::{File, Problem};

/// Which log sources of Sigma a source is, and what fields of rules are called there. A source
/// without one runs no rules.
#[derive(Debug)]
pub struct SigmaMapping {
    /// The source's id, from the path.
    pub source: String,
    /// The file, relative to the content folder.
    pub path: String,
    text: Arc<str>,
    parsed: OnceLock<sigma::ParsedPipelines>,
}

impl SigmaMapping {
    pub(crate) fn new(source: &str, path: &str, text: &str) -> Self {
        let (source, path) = (source.to_owned(), path.to_owned());
        Self { source, path, text: Arc::from(text), parsed: OnceLock::new() }
    }

    /// The pipelines, one of each YAML document.
    pub fn pipelines(&self) -> &[sigma::Pipeline] {
        &self.parsed().pipelines
    }

    /// What is wrong with the file.
    pub fn problems(&self) -> Vec<Problem> {
        let file = File::new(&self.path, &self.text);
        let sigma = self.parsed().problems.iter();
        let mut problems: Vec<Problem> =
            sigma.map(|problem| super::detection::of_sigma(&file, problem)).collect();
        for pipeline in self.pipelines().iter().filter(|pipeline| pipeline.source != self.source) {
            let message = format!("`source` is `{}`, and the folder another", pipeline.source);
            problems.push(Problem::at(&file, file.place_of_line(1, 1), message));
        }
        problems
    }

    fn parsed(&self) -> &sigma::ParsedPipelines {
        self.parsed.get_or_init(|| sigma::Pipeline::parse(&self.path, &self.text))
    }
}
