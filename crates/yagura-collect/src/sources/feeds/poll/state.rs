//! The folder of a poller: how far it came, what it took lately, and the files not yet in the
//! lake.
//! INVARIANT: files of a span that the state does not count are never listed.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use yagura_model::object::LogObject;

use super::super::{FeedError, Page};

const STATE: &str = "state.json";
const ENDING: &str = ".jsonl";

/// How far a poller came. A stored form: version 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    version: u32,
    /// Spans kept so far.
    pub(super) span: u64,
    /// Everything before this time was asked for.
    pub(super) until: Timestamp,
    /// What was taken of the time that will be asked for again: id (short hash) and time in
    /// milliseconds.
    taken: HashMap<String, i64>,
}

/// A span under way.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) from: Timestamp,
    next: State,
    /// From here on ids are remembered.
    overlap_from: i64,
    files: u32,
}

impl State {
    /// The next span, up to `end`.
    pub(super) fn begin(&self, overlap: SignedDuration, end: Timestamp) -> Span {
        let back = |time: Timestamp| time.saturating_sub(overlap).unwrap_or(time);
        let from = if self.span == 0 { self.until } else { back(self.until) };
        let overlap_from = back(end).as_millisecond();
        let mut next = self.clone();
        next.version = 1;
        next.span += 1;
        next.until = end;
        Span { from, next, overlap_from, files: 0 }
    }
}

impl Span {
    /// Whether an event is new; it is not from then on.
    pub(super) fn take(&mut self, id: &str, time: Timestamp) -> bool {
        let short = hex::encode(Sha256::digest(id.as_bytes())).chars().take(32).collect();
        self.next.taken.insert(short, time.as_millisecond()).is_none()
    }

    pub(super) fn into_state(self) -> State {
        let mut state = self.next;
        state.taken.retain(|_, time| *time >= self.overlap_from);
        state
    }

    fn prefix(&self) -> String {
        format!("{:010}-", self.next.span)
    }
}

/// The folder.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    folder: PathBuf,
}

fn of_io(attempt: &'static str, path: &Path) -> impl Fn(io::Error) -> FeedError {
    let shown = path.display().to_string();
    move |error| FeedError::of_io(attempt, &shown, error)
}

impl Folder {
    /// Makes the folder where it is missing, reads its state, and removes what a killed process
    /// left unfinished.
    pub(super) fn open(folder: &Path, since: Timestamp) -> Result<(Self, State), FeedError> {
        fs::create_dir_all(folder).map_err(of_io("make", folder))?;
        let folder = folder.canonicalize().map_err(of_io("open", folder))?;
        let path = folder.join(STATE);
        let state = match fs::read(&path) {
            Ok(text) => serde_json::from_slice::<State>(&text)
                .map_err(|error| of_io("read", &path)(io::Error::other(error)))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                State { until: since, ..State::default() }
            }
            Err(error) => return Err(of_io("read", &path)(error)),
        };
        let own = Self { folder };
        for (name, path) in own.names()? {
            let counted = name
                .strip_suffix(ENDING)
                .and_then(|name| name.split_once('-')?.0.parse::<u64>().ok())
                .is_none_or(|span| span <= state.span);
            if name.ends_with(".part") || !counted {
                fs::remove_file(&path).map_err(of_io("clear", &path))?;
            }
        }
        Ok((own, state))
    }

    fn names(&self) -> Result<Vec<(String, PathBuf)>, FeedError> {
        let fail = of_io("list", &self.folder);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(&fail)? {
            let entry = entry.map_err(&fail)?;
            if let Ok(name) = entry.file_name().into_string() {
                names.push((name, entry.path()));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), FeedError> {
        let (path, part) = (self.folder.join(name), self.folder.join(format!("{name}.part")));
        let written = || -> io::Result<()> {
            let mut file = File::create(&part)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&part, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        written().map_err(of_io("write", &path))
    }

    /// Keeps one answer of a span.
    pub(super) fn write(&self, span: &mut Span, lines: &[u8]) -> Result<(), FeedError> {
        let name = format!("{}{:06}{ENDING}", span.prefix(), span.files);
        self.keep(&name, lines)?;
        span.files += 1;
        Ok(())
    }

    /// Makes a span count; gives its files.
    pub(super) fn commit(&self, span: &Span) -> Result<Page, FeedError> {
        let state = span.clone().into_state();
        let text = serde_json::to_vec(&state)
            .map_err(|error| of_io("write", &self.folder)(io::Error::other(error)))?;
        let prefix = span.prefix();
        let page = self.list(|name| name.starts_with(&prefix))?;
        self.keep(STATE, &text)?;
        Ok(page)
    }

    /// Removes the files of a span that failed; what cannot be removed is removed at the next
    /// start or replaced by the next try.
    pub(super) fn abandon(&self, span: &Span) {
        let prefix = span.prefix();
        for (name, path) in self.names().unwrap_or_default() {
            if name.starts_with(&prefix) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// All files that are not in the lake yet.
    pub(super) fn objects(&self) -> Result<Page, FeedError> {
        self.list(|_| true)
    }

    fn list(&self, wanted: impl Fn(&str) -> bool) -> Result<Page, FeedError> {
        let mut page = Page::new();
        for (name, path) in self.names()? {
            if !name.ends_with(ENDING) || !wanted(&name) {
                continue;
            }
            let found = fs::metadata(&path).map_err(of_io("list", &path))?;
            page.push(LogObject {
                location: path.display().to_string(),
                key: name.clone(),
                version: None,
                etag: Some(format!("{name}-{}", found.len())),
                size_bytes: found.len(),
                modified: None,
            });
        }
        Ok(page)
    }

    fn is_own(&self, path: &Path) -> bool {
        path.parent() == Some(&self.folder)
            && path.extension().is_some_and(|ending| ending == "jsonl")
    }

    pub(super) fn read(&self, path: &Path) -> Result<Box<dyn Read + Send>, FeedError> {
        if !self.is_own(path) {
            let reason = "it is not in the folder of this feed".to_owned();
            return Err(FeedError::Request { text: path.display().to_string(), reason });
        }
        Ok(Box::new(File::open(path).map_err(of_io("open", path))?))
    }

    pub(super) fn forget(&self, path: &Path) -> Result<(), FeedError> {
        if !self.is_own(path) {
            return Ok(());
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(of_io("delete", path)(error))
            }
            _ => Ok(()),
        }
    }
}
