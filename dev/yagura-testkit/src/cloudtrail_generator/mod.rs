//! CloudTrail files as an organization's trail delivers them, from a seed: key layout, envelope,
//! gzip, and a plausible mix of calls. For benchmarks and for tests that need much of it.
//! Nothing here is real: accounts, names and addresses are those that documentation may use.

mod catalog; // which calls there are, how often, with which members
mod pattern; // texts with slots
mod record; // one record
mod world; // who and what exists in an account

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use catalog::Catalog;
use record::Recorder;
use world::{LANES, Lane, World};

/// Records of one file, at least.
const FILE_RECORDS_MIN: u64 = 500;
/// Records of one file, at most.
const FILE_RECORDS_MAX: u64 = 2_000;
/// What one file covers.
const FILE_SPAN_S: u64 = 300;
/// AWS delivers some records twice: one of this many files begins with the first records of the
/// file before it in the same account and region.
const REDELIVERED_EVERY: u64 = 41;
const REDELIVERED_RECORDS: u64 = 40;
/// What AWS's own files come closest to (measured on real ones).
const GZIP_LEVEL: i32 = 6;

/// How much to make, and of what.
#[derive(Clone, Debug)]
pub struct CloudTrailPlan {
    /// Records in all, the repeated ones among them.
    pub events: u64,
    /// The same seed gives the same bytes.
    pub seed: u64,
    /// When the first file begins.
    pub begin: Timestamp,
    /// Over how many days the files are spread.
    pub days: u32,
    /// Threads; the result does not depend on it.
    pub workers: usize,
}

impl CloudTrailPlan {
    /// A plan of this many records over a week.
    pub fn of(events: u64) -> Self {
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        // 2026-11-02T00:00:00Z, a Monday.
        let begin = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_793_577_600);
        Self { events, seed: 20_261_102, begin, days: 7, workers }
    }
}

/// What was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloudTrailMade {
    /// Files written.
    pub files: u64,
    /// Records in them.
    pub events: u64,
    /// Of these, records that an earlier file has too.
    pub repeats: u64,
    /// Bytes of JSON.
    pub raw_bytes: u64,
    /// Bytes of the files.
    pub gzip_bytes: u64,
    /// SHA-256 over keys and JSON of all files, the first 16 hex digits.
    pub digest: String,
}

/// Why the files could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CloudTrailError {
    /// A pattern of the catalog is broken.
    #[error("the catalog of calls is broken: {0}")]
    Catalog(String),
    /// A file could not be written.
    #[error("could not write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The compressor refused.
    #[error("could not compress a file: {0}")]
    Compress(String),
}

/// One file of the plan, before it is written.
#[derive(Clone, Debug)]
struct FilePlan {
    number: u64,
    records: u64,
    repeats: u64,
    lane: &'static Lane,
    begin: Timestamp,
}

/// The world, the calls and the plan: what every worker reads.
struct Generator<'a> {
    plan: &'a CloudTrailPlan,
    catalog: Catalog,
    world: World,
    files: Vec<FilePlan>,
}

/// Writes the planned files below `folder`, as `AWSLogs/<account>/CloudTrail/<region>/…`.
///
/// # Errors
/// When a file cannot be written.
pub fn generate(plan: &CloudTrailPlan, folder: &Path) -> Result<CloudTrailMade, CloudTrailError> {
    let generator = Generator::new(plan)?;
    let next = AtomicU64::new(0);
    let done: Mutex<Vec<(u64, Written)>> = Mutex::new(Vec::new());
    let failed: Mutex<Option<CloudTrailError>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..plan.workers.max(1) {
            scope.spawn(|| {
                let mut worker = Worker::new(&generator);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = generator.file(number) else { break };
                    match worker.write(file, folder) {
                        Ok(written) => keep(&done, |done| done.push((number, written))),
                        Err(error) => {
                            keep(&failed, |failed| *failed = Some(error));
                            next.store(u64::MAX / 2, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    if let Some(error) = failed.into_inner().unwrap_or_default() {
        return Err(error);
    }
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(number, _)| *number);
    Ok(summed(&generator, &done))
}

/// The keys and JSON texts of the plan, for a caller that wants them in memory.
///
/// # Errors
/// When the catalog is broken.
pub fn generate_texts(plan: &CloudTrailPlan) -> Result<Vec<(String, String)>, CloudTrailError> {
    let generator = Generator::new(plan)?;
    let mut worker = Worker::new(&generator);
    Ok(generator
        .files
        .iter()
        .map(|file| {
            worker.fill(file);
            (key(file, plan.seed), worker.text.clone())
        })
        .collect())
}

fn keep<T>(shared: &Mutex<T>, change: impl FnOnce(&mut T)) {
    change(&mut shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
}

/// What came of one file.
struct Written {
    raw_bytes: u64,
    gzip_bytes: u64,
    digest: [u8; 32],
}

fn summed(generator: &Generator<'_>, done: &[(u64, Written)]) -> CloudTrailMade {
    let mut made = CloudTrailMade::default();
    let mut hash = Sha256::new();
    for (file, (_, written)) in generator.files.iter().zip(done) {
        made.files += 1;
        made.events += file.records;
        made.repeats += file.repeats;
        made.raw_bytes += written.raw_bytes;
        made.gzip_bytes += written.gzip_bytes;
        hash.update(written.digest);
    }
    made.digest = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    made
}

impl<'a> Generator<'a> {
    fn new(plan: &'a CloudTrailPlan) -> Result<Self, CloudTrailError> {
        let catalog = Catalog::built_in().map_err(CloudTrailError::Catalog)?;
        Ok(Self { plan, catalog, world: World::of(plan.seed), files: files(plan) })
    }

    fn file(&self, number: u64) -> Option<&FilePlan> {
        self.files.get(usize::try_from(number).ok()?)
    }

    /// The file before this one in the same account and region.
    fn before(&self, file: &FilePlan) -> Option<&FilePlan> {
        let lanes = u64::try_from(LANES.len()).ok()?;
        self.file(file.number.checked_sub(lanes)?)
    }
}

/// The files, each with its share of the records and of the time.
fn files(plan: &CloudTrailPlan) -> Vec<FilePlan> {
    let mut files = Vec::new();
    let mut left = plan.events;
    let mut number = 0;
    for lane in LANES.iter().cycle() {
        if left == 0 {
            break;
        }
        let mut random = random_of(plan.seed, number, 1);
        // Their mean is 1,280, as in the trail that the measurement used.
        let records = random.u64(FILE_RECORDS_MIN + 60..=FILE_RECORDS_MAX).min(left);
        left -= records;
        let lanes = u64::try_from(LANES.len()).unwrap_or(1);
        let redelivers = number % REDELIVERED_EVERY == REDELIVERED_EVERY - 1 && number >= lanes;
        let repeats = if redelivers { REDELIVERED_RECORDS.min(records) } else { 0 };
        files.push(FilePlan { number, records, repeats, lane, begin: plan.begin });
        number += 1;
    }
    let step_s = u64::from(plan.days) * 86_400 / number.max(1);
    for file in &mut files {
        let offset_s = i64::try_from(file.number * step_s).unwrap_or_default();
        file.begin += SignedDuration::from_secs(offset_s);
    }
    files
}

/// A random source of its own for each file and purpose, so that order does not matter.
fn random_of(seed: u64, file: u64, purpose: u64) -> fastrand::Rng {
    fastrand::Rng::with_seed(mixed(seed ^ mixed(file) ^ mixed(purpose << 32)))
}

/// The finalizer of `SplitMix64` (public domain): neighbors become strangers.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The key that AWS would give the file: delivered at the end of its span, with a random suffix.
fn key(file: &FilePlan, seed: u64) -> String {
    let (account, region) = (file.lane.account, file.lane.region);
    let end = file.begin + SignedDuration::from_secs(FILE_SPAN_S.cast_signed());
    let mut random = random_of(seed, file.number, 2);
    let suffix: String = (0..16).map(|_| random.alphanumeric()).collect();
    format!(
        "AWSLogs/{account}/CloudTrail/{region}/{}/{account}_CloudTrail_{region}_{}_{suffix}\
         .json.gz",
        end.strftime("%Y/%m/%d"),
        end.strftime("%Y%m%dT%H%MZ"),
    )
}

/// One thread's buffers.
struct Worker<'a> {
    generator: &'a Generator<'a>,
    text: String,
    compressor: libdeflater::Compressor,
    packed: Vec<u8>,
}

impl<'a> Worker<'a> {
    fn new(generator: &'a Generator<'a>) -> Self {
        let level = libdeflater::CompressionLvl::new(GZIP_LEVEL).unwrap_or_default();
        let compressor = libdeflater::Compressor::new(level);
        Self { generator, text: String::new(), compressor, packed: Vec::new() }
    }

    /// Puts the JSON of a file into the buffer.
    fn fill(&mut self, file: &FilePlan) {
        let Generator { plan, catalog, world, .. } = self.generator;
        self.text.clear();
        self.text.push_str("{\"Records\":[");
        if file.repeats > 0
            && let Some(before) = self.generator.before(file)
        {
            let mut recorder = Recorder::new(catalog, world, before, plan.seed);
            for _ in 0..file.repeats {
                recorder.write(&mut self.text);
                self.text.push(',');
            }
        }
        let mut recorder = Recorder::new(catalog, world, file, plan.seed);
        for _ in file.repeats..file.records {
            recorder.write(&mut self.text);
            self.text.push(',');
        }
        self.text.pop();
        self.text.push_str("]}");
    }

    fn write(&mut self, file: &FilePlan, folder: &Path) -> Result<Written, CloudTrailError> {
        self.fill(file);
        let key = key(file, self.generator.plan.seed);
        let raw = self.text.as_bytes();
        self.packed.resize(self.compressor.gzip_compress_bound(raw.len()), 0);
        let size = self
            .compressor
            .gzip_compress(raw, &mut self.packed)
            .map_err(|error| CloudTrailError::Compress(error.to_string()))?;
        self.packed.truncate(size);
        let path = folder.join(&key);
        write(&path, &self.packed).map_err(|source| CloudTrailError::Write { path, source })?;
        let mut hash = Sha256::new();
        hash.update(key.as_bytes());
        hash.update(raw);
        Ok(Written {
            raw_bytes: u64::try_from(raw.len()).unwrap_or(u64::MAX),
            gzip_bytes: u64::try_from(size).unwrap_or(u64::MAX),
            digest: hash.finalize().into(),
        })
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, bytes)
}
