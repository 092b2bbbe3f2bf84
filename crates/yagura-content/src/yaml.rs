//! Reads YAML into the types of `format/`, within a budget: content files are small, and a file
//! that is not small is not content. What the values mean is not checked here.

use serde::de::DeserializeOwned;

use crate::place::Place;
use crate::problem::{File, Problem};

/// Bytes of one content file. The largest of ours has a tenth of it.
pub(crate) const FILE_BYTES_MAX: usize = 1024 * 1024;

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// By a person.
    Yaml,
    /// By `build.rs`, from YAML; places are lost.
    Json,
}

/// Reads a file's text.
///
/// # Errors
/// What is not YAML, repeats a key, has an unknown key or a value of the wrong kind, or is
/// larger or deeper than any content file.
pub(crate) fn read<T: DeserializeOwned>(
    file: &File,
    text: &str,
    form: Form,
) -> Result<T, Box<Problem>> {
    match form {
        Form::Yaml => read_yaml(file, text),
        Form::Json => serde_json::from_str(text)
            .map_err(|error| Box::new(Problem::at(file, Place::default(), error.to_string()))),
    }
}

fn read_yaml<T: DeserializeOwned>(file: &File, text: &str) -> Result<T, Box<Problem>> {
    if text.len() > FILE_BYTES_MAX {
        let message = "the file is larger than 1 MiB";
        return Err(Box::new(Problem::at(file, Place::default(), message)));
    }
    serde_saphyr::from_str_with_options(text, options(1)).map_err(|error| {
        let place = error.location().map(Place::from).unwrap_or_default();
        Box::new(Problem::at(file, place, sentence(&error)).hint(hint(&error)))
    })
}

/// Reads each document of a text that holds several.
///
/// # Errors
/// The first that cannot be read: its place, a message and a hint.
pub(crate) fn documents<T: DeserializeOwned>(
    text: &str,
    documents_max: usize,
) -> Result<Vec<T>, (Place, String, &'static str)> {
    if text.len() > FILE_BYTES_MAX {
        return Err((Place::default(), "the file is larger than 1 MiB".to_owned(), ""));
    }
    serde_saphyr::from_multiple_with_options(text, options(documents_max)).map_err(|error| {
        let place = error.location().map(Place::from).unwrap_or_default();
        (place, sentence(&error), hint(&error))
    })
}

fn options(documents_max: usize) -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 64,
            max_nodes: 100_000,
            max_events: 300_000,
            max_anchors: 16,
            max_aliases: 64,
            max_documents: documents_max,
        },
        with_snippet: false,
        strict_booleans: true,
        // A text that looks like a number is quoted, so that YAML read by anyone means the same.
        no_schema: true,
    }
}

/// The message without the place, which is shown apart.
fn sentence(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let text = text.lines().next().unwrap_or_default();
    // The place is shown apart, and how to configure the parser is not the reader's business.
    let text = [" at line ", ", set DuplicateKeyPolicy"]
        .into_iter()
        .fold(text, |text, end| text.split_once(end).map_or(text, |(before, _)| before));
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).take(300).collect()
}

fn hint(error: &serde_saphyr::Error) -> &'static str {
    let text = error.to_string();
    if text.contains("unknown field") {
        "docs/internals/content.md lists the keys of each format"
    } else if text.contains("mapping values are not allowed") {
        "a text with `: ` in it is written in quotes"
    } else {
        ""
    }
}
