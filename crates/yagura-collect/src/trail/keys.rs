//! Where public keys come from: a file, or `cloudtrail:ListPublicKeys` of the region in question.
//! What is done with them is in `yagura_analyze::trail`.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use yagura_analyze::trail::{KeyFault, Keys};
use yagura_aws::{CallError, ReadClient, Target};

/// A digest may be signed by a key whose time began up to this long after the digest's hour.
const LATER: SignedDuration = SignedDuration::from_hours(2);

/// Where to take keys from.
#[derive(Clone, Debug, Default)]
pub struct KeySource {
    /// Keys at hand, from a file.
    pub keys: Keys,
    /// A client to ask, with the account whose session signs; none: no network.
    pub api: Option<(ReadClient, String)>,
}

/// Why a file of keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read.
    #[error("cannot read the public keys in `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It is not what `aws cloudtrail list-public-keys` prints.
    #[error("`{}` is not what `aws cloudtrail list-public-keys` prints", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: KeyFault,
    },
}

/// Reads a file of keys: what `aws cloudtrail list-public-keys` prints, or several of them one
/// after another. Keys that cannot be used are given beside the others.
///
/// # Errors
/// When the file cannot be read, or is something else.
pub fn read_keys(path: &Path) -> Result<(Keys, Vec<KeyFault>), KeyError> {
    let text =
        std::fs::read(path).map_err(|source| KeyError::Read { path: path.to_owned(), source })?;
    let wrong = |source| KeyError::Shape { path: path.to_owned(), source };
    let (mut keys, mut faults) = (Keys::default(), Vec::new());
    for answer in serde_json::Deserializer::from_slice(&text).into_iter::<Value>() {
        let answer = answer.map_err(|error| wrong(KeyFault::List(error.to_string())))?;
        faults.extend(keys.add_answer(&answer).map_err(wrong)?);
    }
    Ok((keys, faults))
}

/// The keys of one verification. Each region has keys of its own.
pub(super) struct KeyRing {
    given: Keys,
    api: Option<(ReadClient, String)>,
    regions: HashMap<String, Keys>,
    /// What AWS did not name when asked: region and fingerprint.
    unknown: HashSet<(String, String)>,
    /// None, but all that AWS has.
    none: Keys,
}

impl KeyRing {
    pub(super) fn new(source: KeySource) -> Self {
        let mut none = Keys::default();
        none.set_complete();
        Self {
            given: source.keys,
            api: source.api,
            regions: HashMap::new(),
            unknown: HashSet::new(),
            none,
        }
    }

    /// The keys to judge a digest of a region with.
    pub(super) fn for_digest(&self, region: &str, fingerprint: &str) -> &Keys {
        let keys = self.regions.get(region).unwrap_or(&self.given);
        let asked = || self.unknown.contains(&(region.to_owned(), fingerprint.to_owned()));
        if keys.get(fingerprint).is_none() && asked() { &self.none } else { keys }
    }

    /// Asks AWS for the key with a fingerprint, in a region and a span of time, unless it is at
    /// hand. Without an API there is nothing to ask, and what the file lacks stays pending.
    pub(super) async fn want(
        &mut self,
        region: &str,
        fingerprint: &str,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<(), CallError> {
        let name = (region.to_owned(), fingerprint.to_owned());
        let at_hand = self.regions.get(region).unwrap_or(&self.given);
        if at_hand.get(fingerprint).is_some() || self.unknown.contains(&name) {
            return Ok(());
        }
        let Some((client, account)) = &self.api else { return Ok(()) };
        let target = Target::new(account.clone(), region);
        let until = to.saturating_add(LATER).unwrap_or(to);
        let input = json!({"StartTime": from.to_string(), "EndTime": until.to_string()});
        let answer = client.call_all(&target, "cloudtrail", "ListPublicKeys", &input).await?;
        let mut keys = at_hand.clone();
        // A key of an unknown form is as good as none: its digests stay without a key.
        let readable = keys.add_answer(&answer).is_ok_and(|faults| faults.is_empty());
        if readable && keys.get(fingerprint).is_none() {
            self.unknown.insert(name);
        }
        self.regions.insert(region.to_owned(), keys);
        Ok(())
    }

    pub(super) fn into_keys(self) -> Keys {
        let mut all = Keys::default();
        for keys in self.regions.into_values().chain([self.given]) {
            // Its own answer is always readable.
            let _ = all.add_answer(&keys.to_answer());
        }
        all
    }
}
