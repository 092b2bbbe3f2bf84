//! Unpacks the content that `build.rs` has packed into the binary.
//! The packed bytes are not touched until content is first asked for.

use crate::Place;
use crate::problem::{File, Problem};
use crate::yaml::Form;

/// zstd of `<path>\n<form>\n<length>\n<bytes>` for every file.
static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/content.zst"));

/// The built-in files.
pub(crate) fn files() -> Result<Vec<Packed>, Problem> {
    let damaged = || {
        let file = File::nameless("(built in)");
        Problem::at(&file, Place::default(), "the content built into this binary is damaged")
    };
    let bytes = zstd::decode_all(PACKED).map_err(|_| damaged())?;
    let text = String::from_utf8(bytes).map_err(|_| damaged())?;
    unpack(&text).ok_or_else(damaged)
}

/// One file.
#[derive(Debug)]
pub(crate) struct Packed {
    /// Relative to the content folder, with `/`; of content it ends in `.yaml` whatever the form.
    pub(crate) name: String,
    pub(crate) form: Form,
    pub(crate) text: String,
}

fn unpack(mut text: &str) -> Option<Vec<Packed>> {
    let mut files = Vec::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once('\n')?;
        let (form, rest) = rest.split_once('\n')?;
        let form = match form {
            "json" => Form::Json,
            "yaml" => Form::Yaml,
            _ => return None,
        };
        let (length, rest) = rest.split_once('\n')?;
        let (body, rest) = rest.split_at_checked(length.parse().ok()?)?;
        files.push(Packed { name: name.to_owned(), form, text: body.to_owned() });
        text = rest;
    }
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncated_pack_is_refused_whole() {
        assert_eq!(unpack("a\njson\n2\nxyb\nyaml\n1\nz").unwrap().len(), 2);
        for damaged in ["a\njson\n3\nxy", "a\n", "a", "a\njson\nx\ny", "a\nxml\n1\nz"] {
            assert!(unpack(damaged).is_none(), "{damaged}");
        }
    }

    #[test]
    fn the_binary_carries_content() {
        let files = files().unwrap();
        assert!(files.iter().any(|file| file.name == "frameworks/checklist.yaml"));
    }
}
