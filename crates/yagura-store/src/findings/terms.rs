//! Terms: which findings of a chunk have a letter, a pair of letters, a mark or a label.
//! What a finding's text is, is said in `text.rs`; questions are answered in `matching.rs`.

use std::collections::{BTreeMap, HashMap};

use yagura_model::finding::{Finding, MarkKind};

use super::column::{CHUNK, chunk_of, number_of, slot_of};
use super::rows;
use super::text::{Gram, grams_of, is_triple, lines_of};
use crate::batch;
use crate::database::{Param, Session};
use crate::encode::digest;
use crate::error::StoreError;

/// Something that a finding has. Grams below, digests of marks and labels in the upper half.
pub(super) type Term = u128;
const DIGESTS: Term = 1 << 127;
/// What is set in a gram that stands for triples.
const TRIPLE_TERM: Term = 1 << 63;
/// The word that stands before a label's digest, where marks have their kind.
const LABEL: &str = "label";
/// Above so many terms to change, all of a chunk's are read.
const READ_ALL: usize = 1_000;
/// As many bytes as a set of bits takes; a list of findings is shorter.
const BITS_BYTES: usize = CHUNK / 8;

/// A set of findings of one chunk.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Members([u64; CHUNK / 64]);

impl Members {
    pub(super) fn none() -> Self {
        Self([0; CHUNK / 64])
    }

    /// The slots whose values are meant, at most [`CHUNK`].
    pub(super) fn which(values: &[i64], is_meant: impl Fn(i64) -> bool) -> Self {
        let mut members = Self::none();
        for (word, values) in members.0.iter_mut().zip(values.chunks(64)) {
            let bit = |bits: u64, value: &i64| bits << 1 | u64::from(is_meant(*value));
            *word = values.iter().rev().fold(0, bit);
        }
        members
    }

    pub(super) fn set(&mut self, slot: usize, there: bool) {
        if let Some(word) = self.0.get_mut(slot / 64) {
            let bit = 1_u64 << (slot % 64);
            *word = if there { *word | bit } else { *word & !bit };
        }
    }

    pub(super) fn intersect(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= other);
    }

    pub(super) fn unite(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// The slots in the set, ascending.
    pub(super) fn slots(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(place, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = usize::try_from(rest.trailing_zeros()).ok().filter(|bit| *bit < 64)?;
                rest &= rest - 1;
                Some(place * 64 + bit)
            })
        })
    }

    pub(super) fn count(&self) -> usize {
        self.0.iter().map(|word| usize::try_from(word.count_ones()).unwrap_or_default()).sum()
    }

    /// A list of slots where that is shorter, else all bits.
    pub(super) fn encode(&self) -> Vec<u8> {
        if self.count() * 2 < BITS_BYTES {
            let slot = |slot: usize| u16::try_from(slot).unwrap_or_default().to_le_bytes();
            self.slots().flat_map(slot).collect()
        } else {
            self.0.iter().flat_map(|word| word.to_le_bytes()).collect()
        }
    }

    pub(super) fn decode(data: &[u8]) -> Option<Self> {
        let mut members = Self::none();
        if data.len() == BITS_BYTES {
            let words = data.as_chunks::<8>().0;
            members.0.iter_mut().zip(words).for_each(|(word, b)| *word = u64::from_le_bytes(*b));
            return Some(members);
        }
        let (slots, rest) = data.as_chunks::<2>();
        for slot in slots {
            let slot = usize::from(u16::from_le_bytes(*slot));
            if slot >= CHUNK {
                return None;
            }
            members.set(slot, true);
        }
        (rest.is_empty() && data.len() < BITS_BYTES).then_some(members)
    }
}

pub(super) fn gram_term(gram: Gram) -> Term {
    Term::from(gram)
}

pub(super) fn mark_term(kind: MarkKind, value: &str) -> Term {
    digest_term(kind.as_str(), value)
}

pub(super) fn label_term(label: &str) -> Term {
    digest_term(LABEL, label)
}

fn digest_term(kind: &str, value: &str) -> Term {
    let bytes = digest(format!("{kind}\n{value}").as_bytes());
    let number = bytes.iter().fold(0, |number: Term, byte| (number << 8) | Term::from(*byte));
    number | DIGESTS
}

/// A term as its column holds it: letters in UTF-8 (at most 8 bytes), the place of triples in three
/// bytes, a digest's 16 bytes.
pub(super) fn term_bytes(term: Term) -> Vec<u8> {
    if term & DIGESTS != 0 {
        return term.to_be_bytes().to_vec();
    }
    if term & TRIPLE_TERM != 0 {
        // No letters begin so in UTF-8.
        let place = u16::try_from(term & 0xffff).unwrap_or_default();
        return [&[0xff][..], &place.to_be_bytes()].concat();
    }
    let letter = |bits: Term| u32::try_from(bits & 0xffff_ffff).ok().and_then(char::from_u32);
    let letters = [letter(term >> 32), letter(term).filter(|c| *c != '\0')];
    letters.into_iter().flatten().collect::<String>().into_bytes()
}

/// The letters, pairs and triples of a finding's text, sorted.
fn grams_of_all(finding: &Finding) -> Vec<Gram> {
    let mut grams = Vec::with_capacity(512);
    for line in lines_of(finding) {
        grams_of(&line, &mut grams);
    }
    grams.sort_unstable();
    grams.dedup();
    grams
}

/// Everything that a finding has, sorted.
pub(super) fn terms_of(finding: &Finding) -> Vec<Term> {
    let mut terms: Vec<Term> = grams_of_all(finding).into_iter().map(gram_term).collect();
    let marks = finding.observation.marks.iter().map(|(kind, value)| mark_term(*kind, value));
    let mut digests: Vec<Term> = marks.collect();
    digests.extend(finding.labels.iter().map(|label| label_term(label)));
    digests.sort_unstable();
    digests.dedup();
    terms.extend(digests);
    terms
}

/// Writes the places of all findings' triples in a database that has none, within a transaction.
pub(crate) async fn write_triples(session: &mut Session) -> Result<(), StoreError> {
    let find = "SELECT number, document FROM findings WHERE number >= $1 AND number < $2";
    let chunks = "SELECT chunk FROM finding_chunks ORDER BY chunk";
    for chunk in session.fetch_as(chunks, vec![], |row| row.int(0)).await? {
        let bounds = vec![number_of(chunk, 0).into(), number_of(chunk, CHUNK).into()];
        let mut edits = TermEdits::default();
        for row in &session.fetch(find, bounds).await? {
            let (number, finding) = rows::decode(session, row)?;
            let mut grams = grams_of_all(&finding);
            grams.retain(|gram| is_triple(*gram));
            let triples: Vec<Term> = grams.into_iter().map(gram_term).collect();
            edits.note(number, &[], &triples);
        }
        edits.write(session).await?;
    }
    Ok(())
}

/// What is to be changed of a chunk's terms: slots, with [`LEAVES`] where the term goes. Two bytes
/// each and a quick hash, because a page of new findings has a million of them.
type Edits = HashMap<Term, Vec<u16>, foldhash::fast::RandomState>;
/// Set in a slot that no longer has the term.
const LEAVES: u16 = 1 << 15;

/// What is to be changed of which terms.
#[derive(Default)]
pub(super) struct TermEdits {
    chunks: BTreeMap<i64, Edits>,
}

impl TermEdits {
    /// Notes what a finding had and has; both sorted.
    pub(super) fn note(&mut self, number: i64, before: &[Term], after: &[Term]) {
        let (mut gone, mut come) = (before.iter().peekable(), after.iter().peekable());
        let edits = self.chunks.entry(chunk_of(number)).or_default();
        let slot = u16::try_from(slot_of(number)).unwrap_or_default();
        loop {
            let (term, there) = match (gone.peek(), come.peek()) {
                (None, None) => return,
                (Some(a), Some(b)) if a == b => {
                    gone.next();
                    come.next();
                    continue;
                }
                (Some(a), Some(b)) if a < b => (**a, false),
                (Some(a), None) => (**a, false),
                (_, Some(b)) => (**b, true),
            };
            if there {
                come.next();
            } else {
                gone.next();
            }
            edits.entry(term).or_default().push(if there { slot } else { slot | LEAVES });
        }
    }

    /// Changes the rows of the database.
    pub(super) async fn write(self, session: &mut Session) -> Result<(), StoreError> {
        for (chunk, edits) in self.chunks {
            if edits.is_empty() {
                continue;
            }
            let mut known = read(session, chunk, &edits).await?;
            let mut rows = Vec::with_capacity(edits.len());
            let mut gone = Vec::new();
            for (term, changes) in edits {
                let term = term_bytes(term);
                let mut members = known.remove(&term).unwrap_or_else(Members::none);
                let set = |edit: &u16| members.set(usize::from(edit & !LEAVES), edit & LEAVES == 0);
                changes.iter().for_each(set);
                if members.is_empty() {
                    gone.push(Param::from(term));
                } else {
                    rows.push((term, members.encode()));
                }
            }
            // In their order, so that pages of the index are written one after the other.
            rows.sort_unstable();
            let row = |(term, members): (Vec<u8>, Vec<u8>)| {
                vec![chunk.into(), term.into(), members.into()]
            };
            let rows = rows.into_iter().map(row).collect();
            let insert = "INSERT INTO finding_terms (chunk, term, members)";
            let after = "ON CONFLICT (chunk, term) DO UPDATE SET members = excluded.members";
            batch::insert(session, insert, rows, after).await?;
            let delete = "DELETE FROM finding_terms WHERE chunk = $1 AND term";
            batch::execute_in(session, delete, &[chunk.into()], gone).await?;
        }
        Ok(())
    }
}

/// What is there of the terms that are to be changed.
async fn read(
    session: &mut Session,
    chunk: i64,
    edits: &Edits,
) -> Result<HashMap<Vec<u8>, Members>, StoreError> {
    let rows = if edits.len() > READ_ALL {
        let all = "SELECT term, members FROM finding_terms WHERE chunk = $1";
        session.fetch(all, vec![chunk.into()]).await?
    } else {
        let some = "SELECT term, members FROM finding_terms WHERE chunk = $1 AND term";
        let terms = edits.keys().map(|term| term_bytes(*term).into()).collect();
        batch::select_in(session, some, &[chunk.into()], terms, "").await?
    };
    let mut known = HashMap::with_capacity(rows.len());
    for row in &rows {
        let read = || Ok::<_, sqlx::Error>((row.blob(0)?, row.blob(1)?));
        let (term, members) = read().map_err(|error| session.fail(error))?;
        let members = Members::decode(&members)
            .ok_or_else(|| session.damaged(format!("a term of chunk {chunk} of findings")))?;
        known.insert(term, members);
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(slots: &[usize]) -> Members {
        let mut members = Members::none();
        slots.iter().for_each(|slot| members.set(*slot, true));
        members
    }

    #[test]
    fn members_come_back_as_a_list_and_as_bits() {
        for count in [0, 1, 255, 256, 257, CHUNK] {
            let slots: Vec<usize> = (0..count).map(|n| n * (CHUNK / count.max(1))).collect();
            let members = of(&slots);
            let data = members.encode();
            assert!(data.len() <= BITS_BYTES);
            assert!(Members::decode(&data).unwrap() == members, "{count}");
            assert_eq!(members.slots().collect::<Vec<_>>(), slots);
        }
    }

    #[test]
    fn broken_members_are_refused() {
        assert!(Members::decode(&[1]).is_none());
        assert!(Members::decode(&[0, 16]).is_none(), "slot 4,096");
        assert!(Members::decode(&[0; BITS_BYTES + 2]).is_none());
    }

    #[test]
    fn only_differences_are_noted() {
        let mut edits = TermEdits::default();
        edits.note(CHUNK as i64 + 3, &[1, 2, 5], &[2, 4, 5, 9]);
        let mut noted: Vec<_> = edits.chunks[&1].iter().map(|(t, e)| (*t, e.clone())).collect();
        noted.sort_unstable();
        let expected = [(1, 3 | LEAVES), (4, 3), (9, 3)];
        assert_eq!(noted, expected.map(|(term, edit)| (term, vec![edit])));
    }

    #[test]
    fn a_term_has_one_form() {
        assert_eq!(
            term_bytes(gram_term(u64::from('権') << 32 | u64::from('限'))),
            "権限".as_bytes()
        );
        assert_eq!(term_bytes(gram_term(u64::from('a') << 32)), b"a");
        assert_eq!(term_bytes(label_term("a")).len(), 16);
        assert_eq!(term_bytes(TRIPLE_TERM | 0x102), [0xff, 1, 2]);
        assert_ne!(mark_term(MarkKind::Tag, "a"), label_term("a"));
    }
}
