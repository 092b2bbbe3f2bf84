//! Reading the one block of a bloom filter that decides over a value, and testing it.
//! The whole filter and the footer of the file stay unread.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use twox_hash::XxHash64;

use super::Condition;
use super::conditions::plain_path;
use crate::manifest::LakeFile;

/// Files, or single blocks on a store over the network, asked at once. S3 answers a small read in
/// some 20 ms, so a thousand take about a third of a second.
const REQUESTS_AT_ONCE: usize = 64;

/// The odd constants of the format: one bit in each of a block's eight words.
/// Source: `BloomFilter.md` of apache/parquet-format, "Technical Approach", seen 2026-11.
const SALT: [u32; 8] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

/// A file with the row groups that are still in question.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) file: Arc<LakeFile>,
    /// Where the file is in the store.
    pub(crate) location: Path,
    /// Which row groups may hold wanted rows.
    pub(crate) keep: Vec<bool>,
}

/// What checking cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checked {
    /// Blocks read.
    pub(crate) blocks: u64,
    /// Row groups left out.
    pub(crate) pruned: u64,
}

/// The hash of a text as bloom filters of Parquet take it.
pub(crate) fn hash(value: &str) -> u64 {
    XxHash64::oneshot(0, value.as_bytes())
}

/// Whether a block says that a value may be there. A block of another size says nothing.
pub(crate) fn may_hold(block: &[u8], hash: u64) -> bool {
    let (words, []) = block.as_chunks::<4>() else { return true };
    if words.len() != SALT.len() {
        return true;
    }
    // The lower half picks the bits, the upper half picked the block.
    let Ok(key) = u32::try_from(hash & u64::from(u32::MAX)) else { return true };
    words.iter().zip(SALT).all(|(word, salt)| {
        let bit = key.wrapping_mul(salt) >> 27;
        u32::from_le_bytes(*word) & (1_u32 << bit) != 0
    })
}

/// Leaves out the row groups that cannot hold what a condition wants.
///
/// `local` says that the store is a folder: there all blocks of a file are read in one go, whereas
/// over a network each is a request of its own (joining them would fetch what lies between).
pub(crate) async fn check(
    store: &Arc<dyn ObjectStore>,
    local: bool,
    targets: &mut [Target],
    condition: &Condition,
) -> Result<Checked, (Path, object_store::Error)> {
    let hashes: Vec<u64> = condition.values.iter().map(|value| hash(value)).collect();
    let mut questions: Vec<Question> = Vec::new();
    for (at, target) in targets.iter().enumerate() {
        questions.extend(questions_of(at, target, condition, &hashes));
    }
    let mut checked = Checked::default();
    let asked = questions.into_iter().map(|question| ask(store, local, question));
    let mut answers = futures::stream::iter(asked).buffer_unordered(REQUESTS_AT_ONCE);
    while let Some((question, blocks)) = answers.try_next().await? {
        checked.blocks += blocks.len() as u64;
        let Some(target) = targets.get_mut(question.target) else { continue };
        for (group, places) in &question.groups {
            let held = places
                .iter()
                .any(|(place, hash)| blocks.get(*place).is_none_or(|block| may_hold(block, *hash)));
            if let Some(keep) = target.keep.get_mut(*group).filter(|keep| **keep && !held) {
                *keep = false;
                checked.pruned += 1;
            }
        }
    }
    Ok(checked)
}

/// What is asked of one file.
struct Question {
    target: usize,
    location: Path,
    ranges: Vec<std::ops::Range<u64>>,
    /// Row group, and which of the ranges decide with which hash.
    groups: Vec<(usize, Vec<(usize, u64)>)>,
}

fn questions_of(
    at: usize,
    target: &Target,
    condition: &Condition,
    hashes: &[u64],
) -> Option<Question> {
    let column = target.file.lookups.iter().position(|path| plain_path(path) == condition.path)?;
    let mut ranges = Vec::new();
    let mut groups = Vec::new();
    for (number, group) in target.file.row_groups.iter().enumerate() {
        let kept = target.keep.get(number).copied().unwrap_or(false);
        let Some(bloom) = group.blooms.get(column).copied().flatten().filter(|_| kept) else {
            continue;
        };
        let mut places = Vec::with_capacity(hashes.len());
        for hash in hashes {
            places.push((ranges.len(), *hash));
            ranges.push(bloom.block(*hash));
        }
        groups.push((number, places));
    }
    let location = target.location.clone();
    (!groups.is_empty()).then_some(Question { target: at, location, ranges, groups })
}

async fn ask(
    store: &Arc<dyn ObjectStore>,
    local: bool,
    question: Question,
) -> Result<(Question, Vec<Bytes>), (Path, object_store::Error)> {
    let location = &question.location;
    let blocks = if local {
        store.get_ranges(location, &question.ranges).await
    } else {
        let reads = question.ranges.iter().cloned().map(|range| store.get_range(location, range));
        futures::stream::iter(reads).buffered(REQUESTS_AT_ONCE).try_collect().await
    };
    match blocks {
        Ok(blocks) => Ok((question, blocks)),
        Err(error) => Err((question.location.clone(), error)),
    }
}

#[cfg(test)]
mod tests {
    use parquet::bloom_filter::Sbbf;
    use proptest::prelude::*;

    use super::*;
    use crate::manifest::Bloom;

    /// The block of a written filter that our arithmetic points at.
    fn block_of(filter: &Sbbf, hash: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        filter.write_bitset(&mut bytes).unwrap();
        let bloom = Bloom { offset: 0, blocks: u32::try_from(bytes.len() / 32).unwrap() };
        let range = bloom.block(hash);
        bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].to_vec()
    }

    proptest! {
        #[test]
        fn one_block_says_what_the_whole_filter_says(
            held in proptest::collection::vec("[a-zA-Z0-9:/._-]{0,40}", 1..200),
            asked in proptest::collection::vec("[a-zA-Z0-9:/._-]{0,40}", 1..100),
            blocks in 0_u32..8,
        ) {
            let mut filter = Sbbf::new_with_num_of_bytes(32 << blocks);
            for value in &held {
                filter.insert(value.as_str());
            }
            for value in held.iter().chain(&asked) {
                let hash = hash(value);
                let ours = may_hold(&block_of(&filter, hash), hash);
                prop_assert_eq!(ours, filter.check(value.as_str()), "{}", value);
            }
            for value in &held {
                let hash = hash(value);
                prop_assert!(may_hold(&block_of(&filter, hash), hash));
            }
        }
    }

    #[test]
    fn a_block_of_a_wrong_size_never_hides_rows() {
        assert!(may_hold(&[0; 31], 1));
        assert!(may_hold(&[], 1));
        assert!(!may_hold(&[0; 32], 1));
    }
}
