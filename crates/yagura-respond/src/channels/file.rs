//! A file of JSON lines: one line for each message, whole or not at all.
//! Who reads the file, and when it is rotated, is the site's business: it is opened anew each time.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde_json::Value;
use yagura_content::format::Judged;

use super::{Sent, Settings};

/// Appends a line.
pub(super) async fn send(settings: &Settings, line: Value) -> Sent {
    let Some(path) = settings.text("path") else {
        return Sent::refused("`path` is missing");
    };
    let written = tokio::task::spawn_blocking(move || {
        // Characters that could disturb a reader's terminal are written as escapes.
        let text = format!("{}\n", yagura_model::escape_unsafe(&line.to_string()));
        append(Path::new(&path), &text).map_err(|error| format!("`{path}`: {error}"))
    });
    match written.await {
        Ok(Ok(bytes)) => Sent::new(Judged::Accepted, None, format!("{bytes} bytes")),
        Ok(Err(why)) => Sent::retry(why),
        Err(error) => Sent::retry(error.to_string()),
    }
}

/// Appends a line under a lock that other processes of ours take too, and makes it lasting. A line
/// that could not be written whole is taken back; one that an earlier process left torn is ended,
/// so that the new one stands by itself.
fn append(path: &Path, line: &str) -> io::Result<usize> {
    let mut file = open(path)?;
    file.lock()?;
    let length = file.seek(SeekFrom::End(0))?;
    let mut text = String::new();
    if length > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            text.push('\n');
        }
    }
    text.push_str(line);
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_data());
    if let Err(error) = written {
        // Nothing more can be done if this fails too.
        let _ = file.set_len(length);
        return Err(error);
    }
    Ok(text.len())
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    // Findings are a map for an attacker.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_of_an_earlier_process_does_not_spoil_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("messages.jsonl");
        std::fs::write(&path, "{\"a\":1}\n{\"b\":").unwrap();
        append(&path, "{\"c\":3}\n").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "{\"a\":1}\n{\"b\":\n{\"c\":3}\n");
    }

    #[test]
    fn many_writers_lose_and_mix_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("messages.jsonl");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    for n in 0..25 {
                        let line = format!("{{\"writer\":{writer},\"n\":{n}}}\n");
                        append(path, &line).unwrap();
                    }
                });
            }
        });
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: std::collections::BTreeSet<&str> = text.lines().collect();
        assert_eq!(lines.len(), 100);
        assert!(lines.iter().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(append(folder.path(), "x\n").is_err());
    }
}
