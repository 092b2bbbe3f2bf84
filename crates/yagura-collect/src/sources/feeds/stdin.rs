//! Standard input, or any other stream that can be read once: copied into a spool folder first.
//! From there on it is an ordinary file.

use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::FeedError;
use super::folder::Folder;
use super::spool::{Leftovers, Spool};

/// Copies a stream into a spool folder and hands out a feed of it.
///
/// The file is named by its content, so that the same content piped in twice is one object; it is
/// deleted once it is in the lake. Memory does not grow with the stream.
///
/// # Errors
/// Where the stream cannot be read or the folder not written; nothing is left behind then.
pub fn spool(
    mut input: impl Read,
    folder: &Path,
    source: Option<String>,
) -> Result<Folder, FeedError> {
    let fail = |error| FeedError::of_io("copy", "standard input", error);
    // A folder of its own for each content: other content waiting there is another run's.
    let spool = Spool::open(folder, Leftovers::Remove)?;
    let mut file = spool.begin(&format!("stdin-{}", std::process::id())).map_err(fail)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                let bytes = buffer.get(..read).unwrap_or_default();
                digest.update(bytes);
                file.write(bytes).map_err(fail)?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(fail(error)),
        }
    }
    let name: String = hex::encode(digest.finalize()).chars().take(32).collect();
    let path = file.finish_as(&format!("stdin-{name}")).map_err(fail)?;
    Folder::spool(&path, source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::feeds::{Feed as _, Scope};
    use futures::StreamExt as _;

    #[tokio::test]
    async fn the_same_content_has_the_same_place() {
        let folder = tempfile::tempdir().unwrap();
        let place = async |content: &'static [u8]| {
            let feed = spool(content, folder.path(), None).unwrap();
            let pages: Vec<_> = feed.list(Scope::Full).collect().await;
            pages.into_iter().next().unwrap().unwrap().remove(0).location
        };
        let first = place(b"{}").await;
        assert_eq!(place(b"{}").await, first);
        assert_ne!(place(b"[]").await, first);
    }

    #[test]
    fn a_stream_that_breaks_leaves_nothing() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("unplugged"))
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let error = spool(Broken, folder.path(), None).unwrap_err();
        assert!(error.chain().contains("unplugged"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
