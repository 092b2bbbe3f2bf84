//! Reads a folder of content files from disk: YAML, and the samples of sources.
//! What is in them is not looked at here.

use std::io::Read as _;
use std::path::Path;

use walkdir::WalkDir;

use crate::Place;
use crate::loader::samples;
use crate::problem::{File, Problem};
use crate::yaml::FILE_BYTES_MAX;

/// Files of one site folder. Beyond this it is not a site folder but the wrong folder.
const FILES_MAX: usize = 20_000;
/// The folder of the sample organization.
const DEMO: &str = "demo";
/// Folders inside one another.
const DEPTH_MAX: usize = 6;

/// The YAML files and samples below a folder, as (relative path with `/`, text), in order of
/// their paths, and what could not be read.
pub(crate) fn files(folder: &Path) -> (Vec<(String, String)>, Vec<Problem>) {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    if !folder.exists() {
        return (files, problems);
    }
    let walk = WalkDir::new(folder).max_depth(DEPTH_MAX).sort_by_file_name().into_iter();
    // Hidden files are editors' and version control's. The sources of the demo are YAML too, but
    // answers of AWS and no content; they are checked when the recording is made from them.
    let visible = walk.filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !(name.starts_with('.') || (entry.depth() == 1 && name == DEMO))
    });
    for entry in visible {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let at = error.path().unwrap_or(folder);
                problems.push(unreadable(&relative(folder, at), &error.to_string()));
                continue;
            }
        };
        if entry.file_type().is_dir() {
            continue;
        }
        let name = relative(folder, entry.path());
        let sample = samples::is_sample(&name);
        if name.ends_with(".yml") && !sample {
            problems.push(unreadable(&name, "content files end in `.yaml`"));
            continue;
        }
        if !name.ends_with(".yaml") && !sample {
            continue;
        }
        if files.len() >= FILES_MAX {
            problems.push(unreadable(&name, "the folder has more than 20000 content files"));
            break;
        }
        match read(entry.path()) {
            Ok(text) => files.push((name, text)),
            Err(why) => problems.push(unreadable(&name, &why)),
        }
    }
    (files, problems)
}

/// The text of a file; never more of it than a content file may have.
fn read(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    // A named pipe or device would be read for ever.
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err("it is not a file".to_owned());
    }
    let mut bytes = Vec::new();
    let limit = FILE_BYTES_MAX as u64 + 1;
    file.take(limit).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err("it is larger than 1 MiB".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

fn unreadable(name: &str, why: &str) -> Problem {
    Problem::at(&File::nameless(name), Place::default(), format!("cannot be read: {why}"))
}

fn relative(folder: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}
