//! A folder copied from a bucket as the archive of a trail.
//! S3's metadata is taken from `<key>.metadata.json` beside a file, where there is one.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use serde_json::Value;
use yagura_model::UnreadReason;

use super::archive::{Archive, Entry, ReadFault, Whole};

/// What follows the key in the name of a file that holds its metadata.
const SIDECAR: &str = ".metadata.json";
const SIDECAR_SIZE_BYTES_MAX: u64 = 1 << 20;

/// A folder.
#[derive(Clone, Debug)]
pub struct FolderArchive {
    root: PathBuf,
}

impl FolderArchive {
    /// A folder that holds, at whatever depth, what the bucket held.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn open(path: &Path) -> io::Result<Self> {
        let root = path.canonicalize()?;
        match root.is_dir() {
            true => Ok(Self { root }),
            false => Err(io::Error::from(io::ErrorKind::NotADirectory)),
        }
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        // Keys come from digests too: none may lead out of the folder.
        let plain = key.split('/').all(|part| !matches!(part, "" | "." | ".."));
        (plain && !key.contains(['\\', '\0'])).then(|| self.root.join(key))
    }
}

fn fault(error: &io::Error) -> ReadFault {
    let reason = match error.kind() {
        io::ErrorKind::PermissionDenied => UnreadReason::Denied,
        _ => UnreadReason::Failed,
    };
    ReadFault { reason, detail: error.to_string(), too_large: false }
}

/// Runs file work where it may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReadFault> + Send + 'static,
) -> Result<T, ReadFault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(fault(&io::Error::other(error.to_string()))),
    }
}

/// The names in a folder, sorted: `true` for folders. Symbolic links are not followed.
fn names(path: &Path) -> io::Result<Vec<(String, bool, u64)>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if kind.is_dir() {
            names.push((format!("{name}/"), true, 0));
        } else if kind.is_file() && !name.ends_with(SIDECAR) {
            names.push((name, false, entry.metadata()?.len()));
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The files below a folder in the order of their keys.
fn collect(root: &Path, folder: &str, after: Option<&str>) -> Result<Vec<Entry>, ReadFault> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        let names = match names(&root.join(&folder)) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(fault(&error)),
        };
        for (name, is_folder, size_bytes) in names {
            let key = format!("{folder}{name}");
            // A folder wholly before the wanted key holds nothing behind it.
            let before = after.is_some_and(|after| match is_folder {
                true => key.as_str() < after && !after.starts_with(&key),
                false => key.as_str() <= after,
            });
            match (before, is_folder) {
                (true, _) => {}
                (false, true) => waiting.push(key),
                (false, false) => found.push(Entry { key, size_bytes }),
            }
        }
    }
    found.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    Ok(found)
}

fn metadata_of(path: &Path) -> BTreeMap<String, String> {
    let mut name = path.as_os_str().to_owned();
    name.push(SIDECAR);
    let small = std::fs::metadata(&name).is_ok_and(|found| found.len() <= SIDECAR_SIZE_BYTES_MAX);
    let text = if small { std::fs::read(&name).unwrap_or_default() } else { Vec::new() };
    let parsed: Value = serde_json::from_slice(&text).unwrap_or_default();
    let members = parsed.get("Metadata").and_then(Value::as_object).into_iter().flatten();
    members
        .filter_map(|(name, value)| Some((name.to_lowercase(), value.as_str()?.to_owned())))
        .collect()
}

fn read(path: &Path, size_bytes_max: usize) -> Result<Option<Whole>, ReadFault> {
    let size = match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => found.len(),
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(&error)),
    };
    if usize::try_from(size).map_or(true, |size| size > size_bytes_max) {
        let detail = format!("it is larger than {size_bytes_max} bytes");
        return Err(ReadFault { reason: UnreadReason::Failed, detail, too_large: true });
    }
    let body = std::fs::read(path).map_err(|error| fault(&error))?;
    Ok(Some(Whole { body, metadata: metadata_of(path) }))
}

impl Archive for FolderArchive {
    fn bucket(&self) -> Option<&str> {
        None
    }

    fn root(&self) -> &str {
        ""
    }

    fn location(&self, key: &str) -> String {
        self.root.join(key).to_string_lossy().into_owned()
    }

    fn folders<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>, ReadFault>> {
        let (path, folder) = (self.root.join(folder), folder.to_owned());
        blocking(move || {
            let names = names(&path).map_err(|error| fault(&error))?;
            let folders = names.into_iter().filter(|(_, is_folder, _)| *is_folder);
            Ok(folders.map(|(name, ..)| format!("{folder}{name}")).collect())
        })
        .boxed()
    }

    fn files<'a>(
        &'a self,
        folder: &'a str,
        after: Option<String>,
    ) -> BoxStream<'a, Result<Entry, ReadFault>> {
        let (root, folder) = (self.root.clone(), folder.to_owned());
        let found = blocking(move || collect(&root, &folder, after.as_deref()));
        stream::once(found)
            .flat_map(|found| {
                stream::iter(match found {
                    Ok(entries) => entries.into_iter().map(Ok).collect(),
                    Err(fault) => vec![Err(fault)],
                })
            })
            .boxed()
    }

    fn read<'a>(
        &'a self,
        key: &'a str,
        size_bytes_max: usize,
    ) -> BoxFuture<'a, Result<Option<Whole>, ReadFault>> {
        let path = self.path(key);
        async move {
            match path {
                Some(path) => blocking(move || read(&path, size_bytes_max)).await,
                None => Ok(None),
            }
        }
        .boxed()
    }
}
