//! Columns: one number of each finding of a chunk, and how a chunk of them lies in the database.
//! Reading and writing rows of the database is in `chunks.rs`.

use yagura_model::Severity;
use yagura_model::finding::{Finding, FindingKind, FindingState};

/// Findings of one chunk.
pub(super) const CHUNK: usize = 4_096;
/// In the state's column: there is no such finding (any more).
pub(super) const GONE: i64 = 255;

/// What a column holds. INVARIANT: the numbers are stored; they never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Column {
    /// The state's place in [`FindingState::ALL`], or [`GONE`].
    State = 1,
    /// The severity's place in [`Severity::ALL`].
    Severity = 2,
    /// The kind's place in [`FindingKind::ALL`].
    Kind = 3,
    /// A code of `finding_names`.
    Account = 4,
    /// A code.
    Region = 5,
    /// A code.
    Content = 6,
    /// A code.
    ResourceType = 7,
    /// A code.
    Cause = 8,
    /// A code.
    Assignee = 9,
    /// Points.
    Rank = 10,
    /// Microseconds since 1970.
    FirstSeen = 11,
    /// Microseconds since 1970.
    LastSeen = 12,
    /// How often.
    Occurrences = 13,
    /// 32 bits of a digest of the key.
    Key = 14,
    /// Microseconds since 1970; 0 where it is not suppressed.
    SuppressedUntil = 15,
    /// Microseconds since 1970; 0 where there is no date.
    Due = 16,
    /// Microseconds since 1970; 0 where it is not resolved.
    Resolved = 17,
}

impl Column {
    pub(super) const ALL: [Self; 17] = [
        Self::State,
        Self::Severity,
        Self::Kind,
        Self::Account,
        Self::Region,
        Self::Content,
        Self::ResourceType,
        Self::Cause,
        Self::Assignee,
        Self::Rank,
        Self::FirstSeen,
        Self::LastSeen,
        Self::Occurrences,
        Self::Key,
        Self::SuppressedUntil,
        Self::Due,
        Self::Resolved,
    ];

    /// The number that is stored.
    pub(super) fn number(self) -> i64 {
        self as i64
    }

    pub(super) fn of_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.number() == number)
    }
}

pub(super) fn chunk_of(number: i64) -> i64 {
    number.div_euclid(CHUNK as i64)
}

pub(super) fn slot_of(number: i64) -> usize {
    usize::try_from(number.rem_euclid(CHUNK as i64)).unwrap_or_default()
}

pub(super) fn number_of(chunk: i64, slot: usize) -> i64 {
    chunk.saturating_mul(CHUNK as i64).saturating_add(i64::try_from(slot).unwrap_or_default())
}

fn place<T: PartialEq>(all: &[T], one: &T) -> i64 {
    let place = all.iter().position(|other| other == one);
    place.and_then(|place| i64::try_from(place).ok()).unwrap_or_default()
}

pub(super) fn state_number(state: FindingState) -> i64 {
    place(&FindingState::ALL, &state)
}

pub(super) fn severity_number(severity: Severity) -> i64 {
    place(&Severity::ALL, &severity)
}

pub(super) fn kind_number(kind: FindingKind) -> i64 {
    place(&FindingKind::ALL, &kind)
}

fn at<T: Copy>(all: &[T], number: i64) -> Option<T> {
    usize::try_from(number).ok().and_then(|place| all.get(place)).copied()
}

pub(super) fn state_of(number: i64) -> Option<FindingState> {
    at(&FindingState::ALL, number)
}

pub(super) fn severity_of(number: i64) -> Option<Severity> {
    at(&Severity::ALL, number)
}

pub(super) fn kind_of(number: i64) -> Option<FindingKind> {
    at(&FindingKind::ALL, number)
}

/// 32 bits that stand for a key; whoever finds one compares the key itself.
pub(super) fn key_number(key: &str) -> i64 {
    let bytes = crate::encode::digest(key.as_bytes());
    bytes.iter().take(4).fold(0, |number, byte| (number << 8) | i64::from(*byte))
}

/// The columns of a finding that hold no code of a name.
pub(super) fn plain_values(finding: &Finding) -> [(Column, i64); 11] {
    let until_us = match finding.state {
        FindingState::Suppressed => finding.suppression.as_ref().map_or(0, |by| by.until_us),
        _ => 0,
    };
    [
        (Column::State, state_number(finding.state)),
        (Column::Severity, severity_number(finding.severity)),
        (Column::Kind, kind_number(finding.observation.kind)),
        (Column::Rank, i64::from(finding.observation.rank.points)),
        (Column::FirstSeen, finding.first_seen_us),
        (Column::LastSeen, finding.last_seen_us),
        (Column::Occurrences, i64::try_from(finding.occurrences).unwrap_or(i64::MAX)),
        (Column::Key, key_number(&finding.observation.key)),
        (Column::SuppressedUntil, until_us),
        (Column::Due, finding.due_us.unwrap_or_default()),
        (Column::Resolved, finding.resolved_us.unwrap_or_default()),
    ]
}

/// Writes the values of a chunk: how many bytes each has (0, 1, 2, 4 or 8), how many there are
/// (two bytes), the least of them (eight bytes), then what each is above it; all little-endian.
pub(super) fn encode(values: &[i64]) -> Vec<u8> {
    let least = values.iter().copied().min().unwrap_or_default();
    let above = |value: i64| value.cast_unsigned().wrapping_sub(least.cast_unsigned());
    let most = values.iter().copied().map(above).max().unwrap_or_default();
    let width: u8 = match most {
        0 => 0,
        1..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    let mut data = Vec::with_capacity(11 + values.len() * usize::from(width));
    data.push(width);
    data.extend(u16::try_from(values.len()).unwrap_or_default().to_le_bytes());
    data.extend(least.to_le_bytes());
    for value in values {
        let bytes = above(*value).to_le_bytes();
        data.extend(bytes.iter().take(usize::from(width)));
    }
    data
}

/// Reads what [`encode`] wrote; none where it is something else.
pub(super) fn decode(data: &[u8]) -> Option<Vec<i64>> {
    let mut values = Vec::new();
    decode_into(data, &mut values)?;
    Some(values)
}

/// As [`decode`], into a list whose memory is used again.
pub(super) fn decode_into(data: &[u8], values: &mut Vec<i64>) -> Option<()> {
    let (width, rest) = data.split_first()?;
    let (count, rest) = rest.split_first_chunk::<2>()?;
    let (least, rest) = rest.split_first_chunk::<8>()?;
    let count = usize::from(u16::from_le_bytes(*count));
    let least = i64::from_le_bytes(*least);
    let width = usize::from(*width);
    if count > CHUNK || rest.len() != count * width {
        return None;
    }
    let add = |above: u64| least.wrapping_add(above.cast_signed());
    values.clear();
    match width {
        0 => values.resize(count, least),
        1 => values.extend(rest.iter().map(|byte| add(u64::from(*byte)))),
        2 => values.extend(words(rest).map(|bytes| add(u64::from(u16::from_le_bytes(bytes))))),
        4 => values.extend(words(rest).map(|bytes| add(u64::from(u32::from_le_bytes(bytes))))),
        8 => values.extend(words(rest).map(|bytes| add(u64::from_le_bytes(bytes)))),
        _ => return None,
    }
    Some(())
}

/// Between what the values of a chunk with so many slots lie, as far as can be told without
/// reading them. Slots beyond the last value have 0.
pub(super) fn bounds(data: &[u8], slots: usize) -> Option<(i64, i64)> {
    let (width, rest) = data.split_first()?;
    let (count, rest) = rest.split_first_chunk::<2>()?;
    let least = i64::from_le_bytes(*rest.first_chunk::<8>()?);
    let above = match width {
        0 => 0,
        1 => i64::from(u8::MAX),
        2 => i64::from(u16::MAX),
        4 => i64::from(u32::MAX),
        // Above the least may even be what is below it.
        _ => return Some((i64::MIN, i64::MAX)),
    };
    let most = least.checked_add(above).unwrap_or(i64::MAX);
    let is_full = usize::from(u16::from_le_bytes(*count)) >= slots;
    Some(if is_full { (least, most) } else { (least.min(0), most.max(0)) })
}

fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.as_chunks::<N>().0.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_whatever_their_range() {
        for values in [
            vec![],
            vec![7],
            vec![5; CHUNK],
            vec![-3, 0, 252],
            vec![0, 65_535],
            vec![1_790_000_000_000_000, 1_790_000_000_000_001],
            vec![0, 1_790_000_000_000_000],
            vec![i64::MIN, i64::MAX, 0],
        ] {
            let data = encode(&values);
            assert_eq!(decode(&data).unwrap(), values);
            let (least, most) = bounds(&data, values.len()).unwrap();
            assert!(values.iter().all(|value| (least..=most).contains(value)), "{values:?}");
            let (least, most) = bounds(&data, values.len() + 1).unwrap();
            assert!((least..=most).contains(&0), "{values:?}: a slot beyond them has 0");
        }
    }

    #[test]
    fn a_column_of_one_value_takes_no_room_for_each() {
        assert_eq!(encode(&[9; CHUNK]).len(), 11);
    }

    #[test]
    fn broken_columns_are_refused() {
        let whole = encode(&[1, 2, 300]);
        for cut in 0..whole.len() {
            assert!(decode(&whole[..cut]).is_none(), "{cut}");
        }
        let mut wider = whole;
        wider[0] = 3;
        assert!(decode(&wider).is_none());
    }

    #[test]
    fn stored_numbers_of_columns_are_a_promise() {
        let numbers: Vec<i64> = Column::ALL.iter().map(|column| column.number()).collect();
        assert_eq!(numbers, (1..=17).collect::<Vec<_>>());
        assert!(Column::ALL.iter().all(|one| Column::of_number(one.number()) == Some(*one)));
    }
}
