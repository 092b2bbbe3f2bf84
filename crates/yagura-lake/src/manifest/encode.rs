//! Commits and checkpoints as bytes: zstd of JSON in which files are short rows of numbers.
//! A format of its own, so that the types in memory may change; `log.rs` puts the bytes.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::LakeError;
use crate::layout::partition::{file_name, partition_path};
use crate::manifest::commit::{
    Commit, CommitId, CommitKind, Deletion, Hold, ObjectReceipt, QuarantineFile, Removal,
};
use crate::manifest::state::{Buried, State};
use crate::manifest::{Bloom, LakeFile, RegionHours, RowGroup};

/// The format that this program writes, and the newest that it reads.
pub(crate) const FORMAT: u32 = 1;
/// Level 3 halves level 1's time to read at S3 speeds and costs milliseconds to write.
const ZSTD_LEVEL: i32 = 3;
/// A manifest file that unpacks to more than this is not ours.
const UNPACKED_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct StoredCommit {
    format: u32,
    commit: CommitId,
    kind: CommitKind,
    time: Timestamp,
    writer: String,
    #[serde(default, skip_serializing_if = "StoredFiles::is_empty")]
    files: StoredFiles,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    removed: Vec<Removal>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    objects: Vec<ObjectReceipt>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    quarantine: Vec<QuarantineFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    deletions: Vec<Deletion>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    holds_placed: Vec<Hold>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    holds_lifted: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fenced: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredCheckpoint {
    format: u32,
    commit: CommitId,
    time: Timestamp,
    files: StoredFiles,
    buried: Vec<Buried>,
    quarantine: Vec<QuarantineFile>,
    deletions: Vec<Deletion>,
    holds: Vec<Hold>,
    fenced: Vec<String>,
}

/// Files, with every text that repeats written once.
#[derive(Default, Serialize, Deserialize)]
struct StoredFiles {
    names: Vec<String>,
    lookups: Vec<Vec<u32>>,
    rows: Vec<StoredFile>,
}

/// Source, day, account, file name, (rows, bytes, footer bytes, first time, last time),
/// (commit, compacted, schema, lookups), regions, row groups.
#[derive(Serialize, Deserialize)]
struct StoredFile(
    u32,
    Date,
    u32,
    String,
    (u64, u64, u64, i64, i64),
    (CommitId, u8, u32, u32),
    Vec<(u32, u32)>,
    Vec<StoredRowGroup>,
);

/// Rows, bytes, first time and last time from the file's first time, then per lookup column the
/// number of blocks (0: no filter) and the place of its filter.
#[derive(Serialize, Deserialize)]
struct StoredRowGroup(u64, u64, i64, i64, Vec<(u32, u64)>);

impl StoredFiles {
    fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn of<'f>(files: impl Iterator<Item = &'f Arc<LakeFile>>) -> Self {
        let mut writer = Interner::default();
        let mut lookups: Vec<(Arc<[String]>, Vec<u32>)> = Vec::new();
        let rows = files.map(|file| writer.file(file, &mut lookups)).collect();
        let lookups = lookups.into_iter().map(|(_, names)| names).collect();
        Self { names: writer.names, lookups, rows }
    }

    fn files(self, path: &str) -> Result<Vec<Arc<LakeFile>>, LakeError> {
        let names: Vec<Arc<str>> = self.names.into_iter().map(Arc::from).collect();
        let broken = || LakeError::manifest(path, "a file refers to a name that is not there");
        let name = |at: u32| names.get(at as usize).cloned().ok_or_else(broken);
        let mut lookups: Vec<Arc<[String]>> = Vec::new();
        for columns in self.lookups {
            let columns: Result<Vec<_>, _> =
                columns.into_iter().map(|at| Ok(name(at)?.to_string())).collect();
            lookups.push(columns?.into());
        }
        let read = |row: StoredFile| {
            let StoredFile(source, day, account, file, sizes, origin, regions, groups) = row;
            let (rows, bytes, footer_bytes, time_min_us, time_max_us) = sizes;
            let (commit, compacted, schema, columns) = origin;
            let (source, account) = (name(source)?, name(account)?);
            let regions: Result<Vec<_>, LakeError> = regions
                .into_iter()
                .map(|(region, hours)| Ok(RegionHours { region: name(region)?, hours }))
                .collect();
            Ok(Arc::new(LakeFile {
                path: format!("{}/{file}", partition_path(&source, day, &account)),
                source,
                day,
                account,
                rows,
                bytes,
                footer_bytes,
                time_min_us,
                time_max_us,
                lookups: lookups.get(columns as usize).cloned().ok_or_else(broken)?,
                row_groups: groups.into_iter().map(|group| group.read(time_min_us)).collect(),
                regions: regions?,
                schema: name(schema)?,
                commit,
                compacted: compacted != 0,
            }))
        };
        self.rows.into_iter().map(read).collect()
    }
}

impl StoredRowGroup {
    fn of(group: &RowGroup, file_min_us: i64) -> Self {
        let blooms = group
            .blooms
            .iter()
            .map(|bloom| bloom.map_or((0, 0), |bloom| (bloom.blocks, bloom.offset)));
        Self(
            group.rows,
            group.bytes,
            group.time_min_us.saturating_sub(file_min_us),
            group.time_max_us.saturating_sub(file_min_us),
            blooms.collect(),
        )
    }

    fn read(self, file_min_us: i64) -> RowGroup {
        let Self(rows, bytes, first, last, blooms) = self;
        let bloom = |(blocks, offset)| (blocks > 0).then_some(Bloom { offset, blocks });
        RowGroup {
            rows,
            bytes,
            time_min_us: file_min_us.saturating_add(first),
            time_max_us: file_min_us.saturating_add(last),
            blooms: blooms.into_iter().map(bloom).collect(),
        }
    }
}

/// Gives every text a number.
#[derive(Default)]
struct Interner {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Interner {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    fn file(
        &mut self,
        file: &LakeFile,
        lookups: &mut Vec<(Arc<[String]>, Vec<u32>)>,
    ) -> StoredFile {
        let known = lookups.iter().position(|(columns, _)| *columns == file.lookups);
        let columns = known.unwrap_or_else(|| {
            let numbers = file.lookups.iter().map(|name| self.number(name)).collect();
            lookups.push((Arc::clone(&file.lookups), numbers));
            lookups.len() - 1
        });
        let columns = u32::try_from(columns).unwrap_or(u32::MAX);
        StoredFile(
            self.number(&file.source),
            file.day,
            self.number(&file.account),
            file_name(&file.path).to_owned(),
            (file.rows, file.bytes, file.footer_bytes, file.time_min_us, file.time_max_us),
            (file.commit, u8::from(file.compacted), self.number(&file.schema), columns),
            file.regions.iter().map(|at| (self.number(&at.region), at.hours)).collect(),
            file.row_groups.iter().map(|at| StoredRowGroup::of(at, file.time_min_us)).collect(),
        )
    }
}

/// A commit as the bytes of its file.
pub(crate) fn commit_bytes(commit: &Commit) -> Result<Vec<u8>, LakeError> {
    pack(&StoredCommit {
        format: FORMAT,
        commit: commit.id,
        kind: commit.kind,
        time: commit.time,
        writer: commit.writer.clone(),
        files: StoredFiles::of(commit.added.iter()),
        removed: commit.removed.clone(),
        objects: commit.objects.clone(),
        quarantine: commit.quarantine.clone(),
        deletions: commit.deletions.clone(),
        holds_placed: commit.holds_placed.clone(),
        holds_lifted: commit.holds_lifted.clone(),
        fenced: commit.fenced.clone(),
    })
}

/// The commit in a file's bytes; `path` is for the error.
pub(crate) fn read_commit(path: &str, bytes: &[u8]) -> Result<Commit, LakeError> {
    let stored: StoredCommit = unpack(path, bytes)?;
    Ok(Commit {
        id: stored.commit,
        kind: stored.kind,
        time: stored.time,
        writer: stored.writer,
        added: stored.files.files(path)?,
        removed: stored.removed,
        objects: stored.objects,
        quarantine: stored.quarantine,
        deletions: stored.deletions,
        holds_placed: stored.holds_placed,
        holds_lifted: stored.holds_lifted,
        fenced: stored.fenced,
    })
}

/// The sum of all commits up to one, as the bytes of a checkpoint.
pub(crate) fn checkpoint_bytes(state: &State) -> Result<Vec<u8>, LakeError> {
    pack(&StoredCheckpoint {
        format: FORMAT,
        commit: state.commit,
        time: state.time,
        files: StoredFiles::of(state.files.values()),
        buried: state.buried.clone(),
        quarantine: state.quarantine.clone(),
        deletions: state.deletions.clone(),
        holds: state.holds.clone(),
        fenced: state.fenced.iter().cloned().collect(),
    })
}

/// The sum in a checkpoint's bytes; `path` is for the error.
pub(crate) fn read_checkpoint(path: &str, bytes: &[u8]) -> Result<State, LakeError> {
    let stored: StoredCheckpoint = unpack(path, bytes)?;
    let files = stored.files.files(path)?;
    Ok(State {
        commit: stored.commit,
        time: stored.time,
        files: files.into_iter().map(|file| (file.path.clone(), file)).collect(),
        buried: stored.buried,
        quarantine: stored.quarantine,
        deletions: stored.deletions,
        holds: stored.holds,
        fenced: stored.fenced.into_iter().collect(),
    })
}

fn pack<T: Serialize>(stored: &T) -> Result<Vec<u8>, LakeError> {
    let json = serde_json::to_vec(stored).map_err(|error| LakeError::manifest("commit", error))?;
    zstd::encode_all(json.as_slice(), ZSTD_LEVEL)
        .map_err(|error| LakeError::manifest("commit", error))
}

fn unpack<T: for<'de> Deserialize<'de>>(path: &str, bytes: &[u8]) -> Result<T, LakeError> {
    #[derive(Deserialize)]
    struct FormatOnly {
        format: u32,
    }
    let fail = |what: String| LakeError::manifest(path, what);
    let decoder = zstd::Decoder::new(bytes).map_err(|error| fail(error.to_string()))?;
    let mut json = Vec::new();
    std::io::Read::take(decoder, UNPACKED_BYTES_MAX)
        .read_to_end(&mut json)
        .map_err(|error| fail(error.to_string()))?;
    let read = serde_json::from_slice(&json);
    read.map_err(|error| match serde_json::from_slice::<FormatOnly>(&json) {
        Ok(FormatOnly { format }) if format > FORMAT => {
            LakeError::NewerFormat { found: format, known: FORMAT }
        }
        _ => fail(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(files: u64) -> State {
        let lookups: Arc<[String]> =
            ["actor", "address", "event_name", "resources.list.element.arn"]
                .map(str::to_owned)
                .into();
        let mut state = State { commit: 7, ..State::default() };
        for n in 0..files {
            let day = Date::constant(2026, 11, 1 + (n % 20) as i8);
            let account = format!("{:012}", n % 50);
            let begin = 1_793_577_600_000_000 + n as i64 * 977_000_000;
            let group = |at: u64| RowGroup {
                rows: 131_072,
                bytes: 14_000_000 + n * 31,
                time_min_us: begin + at as i64,
                time_max_us: begin + 3_600_000_000,
                blooms: vec![Some(Bloom { offset: 13_000_000 + n * 7, blocks: 64 }), None],
            };
            let file = LakeFile {
                path: format!("{}/{n:016x}-000000.parquet", partition_path("trail", day, &account)),
                source: "trail".into(),
                day,
                account: account.into(),
                rows: 262_144,
                bytes: 28_000_000 + n,
                footer_bytes: 31_000,
                time_min_us: begin,
                time_max_us: begin + 3_600_000_000,
                lookups: Arc::clone(&lookups),
                row_groups: vec![group(0), group(1_800_000_000)],
                regions: vec![RegionHours { region: "eu-west-1".into(), hours: 0xff_ffff }],
                schema: "0a1b2c".into(),
                commit: n / 3,
                compacted: n % 2 == 0,
            };
            state.files.insert(file.path.clone(), Arc::new(file));
        }
        state
    }

    #[test]
    fn a_checkpoint_comes_back_and_is_small() {
        let state = state(2000);
        let bytes = checkpoint_bytes(&state).unwrap();
        assert_eq!(read_checkpoint("c", &bytes).unwrap(), state);
        // So a hundred thousand files are read in one request of some megabytes.
        assert!(bytes.len() < 2000 * 120, "{}", bytes.len());
    }

    #[test]
    fn a_commit_comes_back() {
        let files: Vec<_> = state(3).files.into_values().collect();
        let commit = Commit {
            id: 9,
            writer: "w".into(),
            added: files,
            removed: vec![Removal { path: "gone".into() }],
            holds_lifted: vec!["case".into()],
            fenced: vec!["dead".into()],
            ..Commit::default()
        };
        assert_eq!(read_commit("c", &commit_bytes(&commit).unwrap()).unwrap(), commit);
    }

    #[test]
    fn what_is_damaged_or_newer_is_told_apart() {
        let newer = zstd::encode_all(br#"{"format":2,"all":"new"}"#.as_slice(), 1).unwrap();
        let error = read_commit("c", &newer).unwrap_err();
        assert!(matches!(error, LakeError::NewerFormat { found: 2, known: 1 }), "{error}");
        let mut damaged = commit_bytes(&Commit::default()).unwrap();
        damaged.truncate(damaged.len() / 2);
        for bytes in [damaged, b"{}".to_vec(), Vec::new()] {
            let error = read_commit("c", &bytes).unwrap_err();
            assert!(matches!(error, LakeError::Manifest { .. }), "{error}");
        }
    }
}
