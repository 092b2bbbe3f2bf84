//! Fetches the bytes of a list from where it is: a file, a web address, a bucket.
//! Whether they replace the copy is decided in `refresh.rs`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use yagura_analyze::intelligence::LIST_BYTES_MAX;
use yagura_aws::{CallError, Content, ReadClient, Target, Web, WebAnswer, WebError, WebRequest};

use super::shelf::KeptNote;

/// How long a fetch may take where nobody says otherwise.
pub(super) const DEADLINE: Duration = Duration::from_secs(120);

/// Where a list is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListPlace {
    /// A file.
    File(PathBuf),
    /// An `http://` or `https://` address.
    Web(String),
    /// An object of a bucket.
    Bucket {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
}

/// What reaches other places than files; each is made when it is first needed.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Web addresses.
    pub web: Option<Web>,
    /// Buckets: a client that may read objects, and the account whose session signs.
    pub bucket: Option<(ReadClient, Target)>,
}

/// Fetches lists.
#[derive(Clone, Debug)]
pub struct Fetcher {
    reach: Reach,
    deadline: Duration,
    size_bytes_max: u64,
}

/// What a fetch came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The copy is still the newest.
    Unchanged,
    /// Something else, with the marks that came with it.
    Bytes {
        /// The bytes, inflated where they were compressed with gzip.
        bytes: Vec<u8>,
        /// The entity tag.
        etag: Option<String>,
        /// When it was last modified, as it was answered.
        modified: Option<String>,
    },
}

/// Why a list could not be fetched.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FetchError {
    /// A file that cannot be read.
    #[error("cannot read `{path}`")]
    File {
        /// The file.
        path: String,
        /// What was said.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// A web address that cannot be read.
    #[error("cannot fetch `{url}`")]
    Web {
        /// The address, without what may be secret in it.
        url: String,
        /// What was said.
        #[source]
        source: WebError,
    },
    /// An object that cannot be read.
    #[error("cannot fetch `s3://{bucket}/{key}`")]
    Bucket {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
        /// What was said.
        #[source]
        source: Box<CallError>,
    },
    /// More bytes than a list may have, before or after they are inflated.
    #[error("the list is larger than {0} bytes")]
    Large(u64),
    /// Bytes that begin as gzip and cannot be inflated.
    #[error("what was fetched cannot be inflated")]
    Compressed(#[source] Arc<std::io::Error>),
    /// The caller gave no way to reach such places.
    #[error("nothing was prepared to reach `{0}`")]
    Unreachable(String),
}

impl ListPlace {
    /// From a site's setting; a file is relative to the site folder.
    pub fn of(text: &str, site: &Path) -> Self {
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
            return Self::Bucket { bucket: bucket.to_owned(), key: key.to_owned() };
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return Self::Web(text.to_owned());
        }
        Self::File(site.join(text))
    }

    /// As people see it: without the question of a web address and without user and password,
    /// where keys for feeds often stand.
    pub fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Web(url) => {
                let plain = url.split(['?', '#']).next().unwrap_or_default();
                match plain.split_once("://") {
                    Some((scheme, rest)) => {
                        let end = rest.find('/').unwrap_or(rest.len());
                        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
                        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
                        format!("{scheme}://{host}{path}")
                    }
                    None => plain.to_owned(),
                }
            }
            Self::Bucket { bucket, key } => format!("s3://{bucket}/{key}"),
        }
    }
}

impl Fetcher {
    /// With what reaches places, and the usual limits.
    pub fn new(reach: Reach) -> Self {
        Self { reach, deadline: DEADLINE, size_bytes_max: LIST_BYTES_MAX as u64 }
    }

    /// With other limits: how long a fetch may take, and its bytes.
    #[must_use]
    pub fn limited(self, deadline: Duration, size_bytes_max: u64) -> Self {
        Self { deadline, size_bytes_max, ..self }
    }

    /// Fetches a list. `kept` tells what is there already; its marks are sent along.
    ///
    /// # Errors
    /// Why there are no whole bytes.
    pub async fn fetch(
        &self,
        place: &ListPlace,
        headers: &[(String, String)],
        kept: Option<&KeptNote>,
    ) -> Result<Fetched, FetchError> {
        let fetched = match place {
            ListPlace::File(path) => {
                let bytes = self.file(path)?;
                return Ok(Fetched::Bytes { bytes, etag: None, modified: None });
            }
            ListPlace::Web(url) => self.web(place, url, headers, kept).await?,
            ListPlace::Bucket { bucket, key } => self.bucket(bucket, key, kept).await?,
        };
        match fetched {
            Fetched::Bytes { bytes, etag, modified } => {
                let bytes = inflated(bytes, self.size_bytes_max)?;
                Ok(Fetched::Bytes { bytes, etag, modified })
            }
            Fetched::Unchanged => Ok(Fetched::Unchanged),
        }
    }

    /// Reads a file, inflated where it was compressed with gzip.
    ///
    /// # Errors
    /// Why there are no whole bytes.
    pub(super) fn file(&self, path: &Path) -> Result<Vec<u8>, FetchError> {
        let failed = |error: std::io::Error| FetchError::File {
            path: path.display().to_string(),
            source: Arc::new(error),
        };
        let file = std::fs::File::open(path).map_err(failed)?;
        // A named pipe or device would be read for ever.
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(failed(std::io::Error::other("it is not a file")));
        }
        let mut bytes = Vec::new();
        file.take(self.size_bytes_max + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > self.size_bytes_max {
            return Err(FetchError::Large(self.size_bytes_max));
        }
        inflated(bytes, self.size_bytes_max)
    }

    async fn web(
        &self,
        place: &ListPlace,
        url: &str,
        headers: &[(String, String)],
        kept: Option<&KeptNote>,
    ) -> Result<Fetched, FetchError> {
        let web = self.reach.web.as_ref();
        let web = web.ok_or_else(|| FetchError::Unreachable(place.shown()))?;
        let request = WebRequest {
            url: url.to_owned(),
            headers: headers.to_vec(),
            etag: kept.and_then(|note| note.etag.clone()),
            modified: kept.and_then(|note| note.modified.clone()),
            deadline: self.deadline,
            size_bytes_max: self.size_bytes_max,
        };
        match web.get(&request).await {
            Ok(WebAnswer::Unchanged) => Ok(Fetched::Unchanged),
            Ok(WebAnswer::Found(found)) => {
                Ok(Fetched::Bytes { bytes: found.body, etag: found.etag, modified: found.modified })
            }
            Err(source) => Err(FetchError::Web { url: place.shown(), source }),
        }
    }

    async fn bucket(
        &self,
        bucket: &str,
        key: &str,
        kept: Option<&KeptNote>,
    ) -> Result<Fetched, FetchError> {
        let failed = |source: CallError| FetchError::Bucket {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            source: Box::new(source),
        };
        let (client, target) = self
            .reach
            .bucket
            .as_ref()
            .ok_or_else(|| FetchError::Unreachable(format!("s3://{bucket}/{key}")))?;
        let opened = client.bucket(target, bucket, false).map_err(failed)?;
        let found = opened.fetch(key, Content::default()).await.map_err(failed)?;
        let etag = found.etag.clone();
        if etag.is_some() && kept.is_some_and(|note| note.etag == etag) {
            return Ok(Fetched::Unchanged);
        }
        if found.size_bytes.is_some_and(|size| size > self.size_bytes_max) {
            return Err(FetchError::Large(self.size_bytes_max));
        }
        let limit = usize::try_from(self.size_bytes_max).unwrap_or(usize::MAX);
        let bytes = found.whole(limit).await.map_err(failed)?;
        Ok(Fetched::Bytes { bytes, etag, modified: None })
    }
}

/// Lists are often published compressed with gzip.
fn inflated(bytes: Vec<u8>, size_bytes_max: u64) -> Result<Vec<u8>, FetchError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut plain = Vec::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(bytes.as_slice()).take(size_bytes_max + 1);
    decoder.read_to_end(&mut plain).map_err(|error| FetchError::Compressed(Arc::new(error)))?;
    if plain.len() as u64 > size_bytes_max {
        return Err(FetchError::Large(size_bytes_max));
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn places_are_told_apart_and_shown_without_secrets() {
        let check = |text: &str, expected: &str| {
            assert_eq!(ListPlace::of(text, Path::new("site")).shown(), expected, "{text}");
        };
        check("lists/a.txt", "site/lists/a.txt");
        check("s3://bucket/a/b.txt", "s3://bucket/a/b.txt");
        check("https://me:secret@a.example/list?key=secret#x", "https://a.example/list");
    }

    #[test]
    fn what_inflates_without_end_is_refused() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
        let bomb = encoder.finish().unwrap();
        assert_eq!(inflated(bomb.clone(), 1 << 20).unwrap().len(), 1 << 20);
        assert!(matches!(inflated(bomb.clone(), 1000), Err(FetchError::Large(1000))));
        let cut = bomb[..bomb.len() - 4].to_vec();
        assert!(matches!(inflated(cut, 1 << 20), Err(FetchError::Compressed(_))));
        assert_eq!(inflated(b"plain".to_vec(), 10).unwrap(), b"plain");
    }
}
