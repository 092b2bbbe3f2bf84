//! Unpacks the content that `build.rs` has packed into the binary.
//! The packed bytes are not touched until content is first asked for.

use crate::Place;
use crate::problem::{File, Problem};

/// zstd of `<path>\n<length>\n<bytes>` for every file.
static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/content.zst"));

/// The built-in files, as (relative path, text).
pub(crate) fn files() -> Result<Vec<(String, String)>, Problem> {
    let damaged = || {
        let file = File::nameless("(built in)");
        Problem::at(&file, Place::default(), "the content built into this binary is damaged")
    };
    let bytes = zstd::decode_all(PACKED).map_err(|_| damaged())?;
    let text = String::from_utf8(bytes).map_err(|_| damaged())?;
    unpack(&text).ok_or_else(damaged)
}

fn unpack(mut text: &str) -> Option<Vec<(String, String)>> {
    let mut files = Vec::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once('\n')?;
        let (length, rest) = rest.split_once('\n')?;
        let (body, rest) = rest.split_at_checked(length.parse().ok()?)?;
        files.push((name.to_owned(), body.to_owned()));
        text = rest;
    }
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncated_pack_is_refused_whole() {
        assert_eq!(unpack("a\n2\nxyb\n1\nz").unwrap().len(), 2);
        for damaged in ["a\n3\nxy", "a\n", "a", "a\nx\ny"] {
            assert!(unpack(damaged).is_none(), "{damaged}");
        }
    }

    #[test]
    fn the_binary_carries_content() {
        let files = files().unwrap();
        assert!(files.iter().any(|(name, _)| name == "frameworks/checklist.yaml"));
    }
}
