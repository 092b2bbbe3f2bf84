//! A trail to tamper with, and the verdicts on it.
//! The trail is written by the testkit, which knows nothing of how it is verified.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use yagura_analyze::trail::Keys;
use yagura_collect::trail::{
    Archive, FolderArchive, KeySource, ObjectKind, ObjectVerdict, Options, Reason, Selection,
    Summary, Verdict, verify,
};
use yagura_testkit::trail::{
    Encoding, SigningKey, Stock, TrailNames, TrailWriter, key_list, write_folder,
};

/// Two keys: making one takes a moment.
pub(crate) static KEYS: LazyLock<[SigningKey; 2]> =
    LazyLock::new(|| [SigningKey::from_seed(1), SigningKey::from_seed(2)]);

pub(crate) fn at(text: &str) -> Timestamp {
    format!("2026-11-21T{text}:00Z").parse().unwrap()
}

/// The keys of AWS, as a file holds them.
pub(crate) fn keys() -> Keys {
    let mut keys = Keys::default();
    let answer = key_list(KEYS.iter(), Encoding::Pkcs1);
    assert!(keys.add_answer(&answer).unwrap().is_empty());
    keys
}

/// Three hours of a trail, from 09:00 to 12:00, with two log files each.
pub(crate) struct Bed {
    pub(crate) stock: Stock,
    pub(crate) trail: TrailWriter,
    pub(crate) logs: Vec<String>,
    pub(crate) digests: Vec<String>,
}

impl Bed {
    pub(crate) fn empty(names: TrailNames) -> Self {
        let trail = TrailWriter::new(names, KEYS[0].clone(), at("09:00"));
        Self { stock: Stock::new(), trail, logs: Vec::new(), digests: Vec::new() }
    }

    pub(crate) fn new() -> Self {
        let mut bed = Self::empty(TrailNames::default());
        bed.hours(3);
        bed
    }

    pub(crate) fn hours(&mut self, hours: usize) {
        for _ in 0..hours {
            for minute in [10, 40] {
                self.logs.push(self.trail.log(&mut self.stock, minute, 3, 5));
            }
            self.digests.push(self.trail.digest(&mut self.stock));
        }
    }

    /// Changes the bytes of an object.
    pub(crate) fn tamper(&mut self, key: &str, change: impl FnOnce(&mut Vec<u8>)) {
        change(&mut self.stock.get_mut(key).unwrap().body);
    }
}

/// What a verification came to, by key.
pub(crate) struct Outcome {
    pub(crate) verdicts: BTreeMap<String, (Verdict, Reason)>,
    pub(crate) all: Vec<ObjectVerdict>,
    pub(crate) summary: Summary,
}

impl Outcome {
    pub(crate) fn of(&self, key: &str) -> (Verdict, Reason) {
        let found = self.verdicts.get(key);
        *found.unwrap_or_else(|| panic!("no verdict on `{key}`: {:?}", self.verdicts))
    }

    /// The verdicts other than *verified*.
    pub(crate) fn trouble(&self) -> Vec<(&str, Verdict, Reason)> {
        let all = self.verdicts.iter().filter(|(_, (verdict, _))| *verdict != Verdict::Verified);
        all.map(|(key, (verdict, reason))| (key.as_str(), *verdict, *reason)).collect()
    }

    pub(crate) fn gaps(&self) -> Vec<Reason> {
        let chains = self.summary.chains.iter();
        chains.flat_map(|chain| chain.gaps.iter().map(|gap| gap.reason)).collect()
    }
}

pub(crate) async fn run(
    archive: Arc<dyn Archive>,
    keys: KeySource,
    selection: &Selection,
    now: Timestamp,
) -> Outcome {
    let (sink, mut verdicts) = mpsc::channel(4);
    let root = archive.location("");
    let options = Options::at(now);
    let cancel = CancellationToken::new();
    let verify = verify(archive, keys, selection, &options, sink, cancel);
    let receive = async {
        let mut all = Vec::new();
        while let Some(verdict) = verdicts.recv().await {
            all.push(verdict);
        }
        all
    };
    let (summary, all) = tokio::join!(verify, receive);
    let mut verdicts = BTreeMap::new();
    for one in &all {
        let key = one.location.strip_prefix(&root).unwrap_or(&one.location);
        let key = key.trim_start_matches('/').to_owned();
        let before = verdicts.insert(key, (one.verdict, one.reason));
        assert_eq!(before, None, "two verdicts on `{}`", one.location);
    }
    let count = |kind| all.iter().filter(|one| one.kind == kind).count() as u64;
    assert_eq!(summary.logs.values().sum::<u64>(), count(ObjectKind::Log));
    assert_eq!(summary.digests.values().sum::<u64>(), count(ObjectKind::Digest));
    Outcome { verdicts, all, summary }
}

/// Verifies a copy with all metadata beside it, half an hour after noon.
pub(crate) async fn with_metadata(stock: &Stock) -> Outcome {
    in_folder(stock, true, keys()).await
}

pub(crate) async fn in_folder(stock: &Stock, sidecars: bool, keys: Keys) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    write_folder(stock, folder.path(), sidecars).unwrap();
    let archive = Arc::new(FolderArchive::open(folder.path()).unwrap());
    let keys = KeySource { keys, api: None };
    run(archive, keys, &Selection::default(), at("12:30")).await
}
