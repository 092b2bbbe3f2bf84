//! Forms in the making: what columns took from a record is left out of its text.
//! Which blanks there are is the plan's (`rows/plan.rs`).

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use arrow::array::{DictionaryArray, Int32Array, StringArray};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;

use twox_hash::xxhash64::State;

use super::blank::{MARK, Style};
use super::written::{decimal, iso};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// What was taken from where.
#[derive(Clone, Copy, Debug)]
struct Cut {
    start: usize,
    end: usize,
    blank: usize,
}

/// Makes the form of one record after the other.
#[derive(Debug, Default)]
pub(crate) struct FormMaker {
    cuts: Vec<Cut>,
    form: String,
}

impl FormMaker {
    /// Begins a record.
    pub(crate) fn begin(&mut self) {
        self.cuts.clear();
    }

    /// A column took these words. Only those that stand in the record are left out of it.
    pub(crate) fn took(&mut self, raw: &str, words: &str, blank: usize) {
        // Addresses are compared, not followed.
        let start = words.as_ptr().addr().wrapping_sub(raw.as_ptr().addr());
        let end = start.wrapping_add(words.len());
        if !words.is_empty() && start < end && end <= raw.len() {
            self.cuts.push(Cut { start, end, blank });
        }
    }

    /// The form of the record; none where it cannot have one. `marked` has what stands in place
    /// of each blank.
    pub(crate) fn form(&mut self, raw: &str, marked: &[String]) -> Option<&str> {
        if memchr::memchr(MARK as u8, raw.as_bytes()).is_some() {
            return None;
        }
        // Of words within words the outer ones are taken.
        self.cuts.sort_unstable_by_key(|cut| (cut.start, usize::MAX - cut.end, cut.blank));
        self.form.clear();
        let mut done = 0;
        for cut in &self.cuts {
            let (Some(before), Some(mark)) = (raw.get(done..cut.start), marked.get(cut.blank))
            else {
                continue;
            };
            self.form.push_str(before);
            self.form.push_str(mark);
            done = cut.end;
        }
        self.form.push_str(raw.get(done..)?);
        Some(&self.form)
    }
}

/// Whether a value is written in this way: whoever writes it so again gets the same words.
pub(crate) fn is_written(style: Style, words: &str, value: i64) -> bool {
    let is_decimal = |number: i64| {
        let mut digits = [0; 20];
        decimal(number, &mut digits) == words.as_bytes()
    };
    match style {
        Style::Text => true,
        Style::Whole => is_decimal(value),
        Style::Iso => iso(value).is_some_and(|text| text == words.as_bytes()),
        Style::Seconds => value % MICROS_PER_SECOND == 0 && is_decimal(value / MICROS_PER_SECOND),
        Style::Millis => value % 1_000 == 0 && is_decimal(value / 1_000),
    }
}

/// Texts of which most come again: each is kept once, and rows have its number.
#[derive(Debug)]
pub(crate) struct TextPool {
    /// Forms are long, and this hash is quick for long texts.
    numbers: HashMap<Arc<str>, i32, State>,
    texts: Vec<Arc<str>>,
    bytes: usize,
    /// Numbers of rows; below zero where there is none.
    rows: Vec<i32>,
    last: i32,
}

impl Default for TextPool {
    fn default() -> Self {
        // Nobody who writes logs knows the seed.
        let seed = RandomState::new().hash_one(0);
        Self {
            numbers: HashMap::with_hasher(State::with_seed(seed)),
            texts: Vec::new(),
            bytes: 0,
            rows: Vec::new(),
            last: -1,
        }
    }
}

impl TextPool {
    /// Adds a row; answers the number of its text.
    pub(crate) fn push(&mut self, text: Option<&str>) -> i32 {
        let number = text.map_or(-1, |text| self.number(text));
        self.rows.push(number);
        number
    }

    /// The number of a text.
    pub(crate) fn number(&mut self, text: &str) -> i32 {
        // Often that of the row before: records of an object, of a session.
        let last = usize::try_from(self.last).ok().and_then(|last| self.texts.get(last));
        if last.is_some_and(|last| **last == *text) {
            return self.last;
        }
        self.last = self.looked_up(text);
        self.last
    }

    fn looked_up(&mut self, text: &str) -> i32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = i32::try_from(self.texts.len()).unwrap_or(i32::MAX);
        let text = Arc::<str>::from(text);
        self.bytes += text.len() + size_of::<(Arc<str>, i32, Arc<str>)>();
        self.numbers.insert(Arc::clone(&text), number);
        self.texts.push(text);
        number
    }

    /// Bytes that are held, without those of rows.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The place of each text in the order of texts.
    pub(crate) fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<usize> = (0..self.texts.len()).collect();
        order.sort_unstable_by(|a, b| self.texts.get(*a).cmp(&self.texts.get(*b)));
        let mut ranks = vec![0; order.len()];
        for (rank, at) in order.into_iter().enumerate() {
            if let Some(place) = ranks.get_mut(at) {
                *place = u32::try_from(rank + 1).unwrap_or(u32::MAX);
            }
        }
        ranks
    }

    /// The column; the pool is empty afterwards.
    pub(crate) fn finish(&mut self) -> Result<DictionaryArray<Int32Type>, ArrowError> {
        let rows = std::mem::take(&mut self.rows);
        let nulls: NullBuffer = rows.iter().map(|number| *number >= 0).collect();
        let keys: ScalarBuffer<i32> = rows.into_iter().map(|number| number.max(0)).collect();
        let mut bytes = Vec::with_capacity(self.bytes);
        let mut lengths = Vec::with_capacity(self.texts.len());
        for text in &self.texts {
            bytes.extend_from_slice(text.as_bytes());
            lengths.push(text.len());
        }
        // Keys of rows without a text are zero and must lead somewhere.
        lengths.extend(lengths.is_empty().then_some(0));
        let offsets = OffsetBuffer::from_lengths(lengths);
        let texts = StringArray::try_new(offsets, bytes.into(), None)?;
        self.clear();
        DictionaryArray::try_new(Int32Array::try_new(keys, Some(nulls))?, Arc::new(texts))
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.numbers.clear();
        self.texts.clear();
        self.rows.clear();
        (self.bytes, self.last) = (0, -1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_left_out_where_they_stand_and_nowhere_else() {
        let raw = r#"{"a":"one","b":{"c":"two"},"d":"one"}"#;
        let marked = ["A".to_owned(), "B".to_owned(), "C".to_owned()];
        let mut maker = FormMaker::default();
        let words =
            |text: &str| raw.find(text).and_then(|at| raw.get(at..at + text.len())).unwrap();
        maker.begin();
        maker.took(raw, words("two"), 2);
        maker.took(raw, words("one"), 0);
        maker.took(raw, words(r#"{"c":"two"}"#), 1);
        maker.took(raw, "one", 0);
        assert_eq!(maker.form(raw, &marked), Some(r#"{"a":"A","b":B,"d":"one"}"#));
        maker.begin();
        assert_eq!(maker.form(raw, &marked), Some(raw));
        assert_eq!(maker.form("a\u{1}b", &marked), None);
    }

    #[test]
    fn only_what_would_be_written_the_same_counts_as_written() {
        let check = |style, words: &str, value, expected| {
            assert_eq!(is_written(style, words, value), expected, "{words}");
        };
        check(Style::Whole, "17", 17, true);
        check(Style::Whole, "-17", -17, true);
        check(Style::Whole, "0", 0, true);
        check(Style::Whole, "-9223372036854775808", i64::MIN, true);
        check(Style::Whole, "017", 17, false);
        check(Style::Whole, "+17", 17, false);
        check(Style::Whole, "1e1", 10, false);
        check(Style::Seconds, "12", 12_000_000, true);
        check(Style::Seconds, "12", 12_000_001, false);
        check(Style::Millis, "12", 12_000, true);
        check(Style::Iso, "2026-11-21T05:12:01Z", 1_795_237_921_000_000, true);
        check(Style::Iso, "2026-11-21T05:12:01.0Z", 1_795_237_921_000_000, false);
        check(Style::Iso, "2026-11-21 05:12:01Z", 1_795_237_921_000_000, false);
        check(Style::Iso, "2026-12-31T23:59:60Z", 1_798_761_599_000_000, false);
    }

    #[test]
    fn a_pool_keeps_each_text_once() {
        let mut pool = TextPool::default();
        let numbers: Vec<i32> =
            [Some("b"), None, Some("a"), Some("b")].map(|text| pool.push(text)).into();
        assert_eq!(numbers, [0, -1, 1, 0]);
        assert_eq!(pool.ranks(), [2, 1]);
        let column = pool.finish().unwrap();
        let texts: Vec<Option<&str>> =
            column.downcast_dict::<StringArray>().unwrap().into_iter().collect();
        assert_eq!(texts, [Some("b"), None, Some("a"), Some("b")]);
        assert_eq!(pool.push(Some("c")), 0);
    }
}
