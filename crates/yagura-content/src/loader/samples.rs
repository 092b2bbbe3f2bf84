//! Samples of log sources: files that are logs, not YAML, kept beside the source's own file.
//! They are run through recognition, decoding and rows in `yagura-collect`.

use crate::format::Source;
use crate::loader::Content;

/// Whether a path is that of a sample or of expected rows: `sources/<source>/samples/<file>`.
pub(crate) fn is_sample(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    matches!(parts.as_slice(), ["sources", _, "samples", _])
}

impl Content {
    /// A file of a source's samples.
    pub fn sample(&self, source: &Source, file: &str) -> Option<&str> {
        let path = format!("sources/{}/samples/{file}", source.id);
        self.samples.get(&path).map(AsRef::as_ref)
    }
}
