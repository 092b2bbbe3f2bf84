//! The text of a finding as questions see it: normalized, cut into letters and pairs of letters.
//! Where the pairs are kept is in `terms.rs`.
//!
//! Letters and pairs are what languages without spaces can be found by: 権限昇格 is found by 権限
//! and by 昇格. Words of English are found by any part of them in the same way.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;
use yagura_model::finding::Finding;

use super::question::WORDS_MAX;

/// Letters of one line of a finding's text that are looked at; evidence is never part of it.
const LINE_CHARS_MAX: usize = 2_000;

/// A letter or a pair of letters, as a number: the first letter's in the upper half; or the place
/// of a triple among [`TRIPLES`], with [`TRIPLE`] set.
pub(super) type Gram = u64;
/// Triples of letters share so many places. There are too many of them to be kept each by itself;
/// a finding has about a tenth of the places, so that a few triples tell a name apart.
const TRIPLES: u64 = 1_024;
/// Higher than any letter reaches.
const TRIPLE: Gram = 1 << 63;

/// Case, width and compatibility forms set aside (NFKC, lower case), white space one blank.
pub(super) fn normalized(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut blank = false;
    let mut push = |c: char| {
        if c.is_whitespace() || c.is_control() {
            blank = true;
        } else {
            if blank && !line.is_empty() {
                line.push(' ');
            }
            blank = false;
            line.push(c);
        }
    };
    if text.is_ascii() {
        text.chars().map(|c| c.to_ascii_lowercase()).for_each(&mut push);
    } else {
        // Lower-casing may bring forth what NFKC composes (İ).
        text.nfkc().flat_map(char::to_lowercase).nfkc().for_each(&mut push);
    }
    line
}

/// The lines of a finding's text.
pub(super) fn lines_of(finding: &Finding) -> Vec<String> {
    let seen = &finding.observation;
    let mut lines: Vec<&str> =
        vec![&seen.title.en, &seen.title.ja, &seen.content, &seen.key, &seen.account];
    lines.extend([&seen.sub_key, &seen.region].map(String::as_str));
    lines.extend([&seen.resource_name, &seen.resource_type].into_iter().flatten().map(|s| &**s));
    lines.extend(seen.marks.iter().map(|(_, value)| value.as_str()));
    lines.extend(finding.labels.iter().map(String::as_str));
    lines.extend(finding.tickets.iter().map(|ticket| ticket.key.as_str()));
    lines.extend(finding.commented.iter().map(String::as_str));
    lines
        .into_iter()
        .filter(|line| !line.is_empty())
        .map(|line| match line.char_indices().nth(LINE_CHARS_MAX) {
            None => normalized(line),
            Some((end, _)) => normalized(line.get(..end).unwrap_or_default()),
        })
        .collect()
}

/// The letters, pairs and triples of letters within the words of a line.
pub(super) fn grams_of(line: &str, into: &mut Vec<Gram>) {
    let (mut before, mut earlier): (Option<Gram>, Option<Gram>) = (None, None);
    for c in line.chars() {
        if c == ' ' {
            (before, earlier) = (None, None);
            continue;
        }
        let letter = Gram::from(u32::from(c));
        into.push(letter << 32);
        if let Some(before) = before {
            into.push((before << 32) | letter);
            if let Some(earlier) = earlier {
                into.push(TRIPLE | triple(earlier, before, letter));
            }
        }
        (earlier, before) = (before, Some(letter));
    }
}

/// The triples within a word that a digit is part of.
fn triples_with_digits(word: &str) -> impl Iterator<Item = Gram> {
    let letters: Vec<char> = word.chars().collect();
    let with = letters.array_windows::<3>().filter(|three| three.iter().any(char::is_ascii_digit));
    let with: Vec<[char; 3]> = with.copied().collect();
    with.into_iter().map(|three| {
        let [first, second, third] = three.map(|c| Gram::from(u32::from(c)));
        TRIPLE | triple(first, second, third)
    })
}

/// INVARIANT: stored; another place would need a step of the schema that writes all anew.
fn triple(first: Gram, second: Gram, third: Gram) -> Gram {
    let letters = (first << 42) ^ (second << 21) ^ third;
    // Of a product only the uppermost bits depend on every letter.
    letters.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - TRIPLES.ilog2())
}

/// Whether a gram stands for triples.
pub(super) fn is_triple(gram: Gram) -> bool {
    gram & TRIPLE != 0
}

/// Whether a gram is one letter.
fn is_letter(gram: Gram) -> bool {
    !is_triple(gram) && gram & 0xffff_ffff == 0
}

/// Many scripts have many letters; Latin letters are few, and digits fewer still but in no order.
fn commonness(gram: Gram) -> u8 {
    if is_triple(gram) {
        return 1;
    }
    let latin = [gram >> 32, gram & 0xffff_ffff].into_iter().filter(|c| *c > 0 && *c < 0x80);
    if latin.count() == 0 { 0 } else { 2 }
}

/// A text that is asked for: words and phrases, all of which must be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Question {
    /// Normalized words and phrases.
    pub(super) words: Vec<String>,
}

impl Question {
    /// Reads a question. What stands between `"` is one phrase; an open one ends with the text.
    pub(super) fn of(text: &str) -> Self {
        let mut words: Vec<String> = Vec::new();
        // The quotes of Japanese input methods are taken for the plain one.
        let plain = text.replace(['“', '”', '＂', '„'], "\"");
        for (place, part) in plain.split('"').enumerate() {
            let part = normalized(part);
            if place % 2 == 1 {
                words.push(part);
            } else {
                words.extend(part.split(' ').map(str::to_owned));
            }
        }
        words.retain(|word| !word.is_empty());
        words.truncate(WORDS_MAX);
        Self { words }
    }

    /// What a finding must have at the least: of a word of one letter the letter, of a longer one
    /// its pairs and triples, the rarer ones first.
    pub(super) fn grams(&self) -> Vec<Gram> {
        let (mut grams, mut of_digits) = (Vec::new(), BTreeSet::new());
        for piece in self.words.iter().flat_map(|word| word.split(' ')) {
            let mut all = Vec::new();
            grams_of(piece, &mut all);
            of_digits.extend(triples_with_digits(piece));
            let single = piece.chars().nth(1).is_none();
            grams.extend(all.into_iter().filter(|gram| single == is_letter(*gram)));
        }
        // The rarest are likely among those of scripts with many letters, then among triples: of
        // names that begin alike (`web-server-0171`) it is the digits that tell them apart.
        grams.sort_unstable_by_key(|gram| std::cmp::Reverse(*gram));
        grams.dedup();
        grams.sort_by_key(|gram| (commonness(*gram), !of_digits.contains(gram)));
        grams
    }

    /// Whether having the letters and pairs may mean less than having the words: three letters
    /// have two pairs, which may stand apart.
    pub(super) fn needs_text(&self) -> bool {
        self.words.iter().any(|word| word.chars().nth(2).is_some())
    }

    /// Whether a finding has all words.
    pub(super) fn matches(&self, finding: &Finding) -> bool {
        let lines = lines_of(finding);
        let there = |word: &String| lines.iter().any(|line| line.contains(word.as_str()));
        self.words.iter().all(there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        Question::of(text).words
    }

    #[test]
    fn forms_of_one_letter_are_one() {
        for (given, same) in [
            ("ＩＡＭ　ユーザー", "iam ユーザー"),
            ("ｱｸｾｽｷｰ", "アクセスキー"),
            ("ﾊﾞｹｯﾄ", "バケット"),
            ("カ\u{3099}", "ガ"),
            ("  Public\tBucket\n", "public bucket"),
            ("ﬁle", "file"),
            ("", ""),
        ] {
            assert_eq!(normalized(given), same);
        }
    }

    #[test]
    fn quotes_keep_words_together() {
        assert_eq!(words("public bucket"), ["public", "bucket"]);
        assert_eq!(words("\"public bucket\" s3"), ["public bucket", "s3"]);
        assert_eq!(words("”権限 昇格”　S3"), ["権限 昇格", "s3"]);
        assert_eq!(words("\"open phrase"), ["open phrase"]);
        assert!(words(" \"\" 　").is_empty());
        assert_eq!(words(&"a ".repeat(99)).len(), WORDS_MAX);
    }

    #[test]
    fn one_letter_is_looked_up_by_itself_and_more_by_pairs() {
        let count = |text: &str| Question::of(text).grams().len();
        assert_eq!(count("権"), 1);
        assert_eq!(count("権限"), 1);
        assert_eq!(count("権限昇格"), 5, "three pairs and two triples");
        assert_eq!(count("\"a bc\""), 2);
        assert!(!Question::of("権限 s3").needs_text());
        assert!(Question::of("権限昇").needs_text());
        assert!(Question::of("\"a b\"").needs_text());
    }

    #[test]
    fn of_names_that_begin_alike_the_digits_are_asked_first() {
        let asked = Question::of("server-0171").grams();
        let with: Vec<Gram> = triples_with_digits("server-0171").collect();
        assert_eq!(with.len(), 4, "r-0, -01, 017, 171");
        assert!(asked.iter().take(with.len()).all(|gram| with.contains(gram)));
    }

    #[test]
    fn pairs_and_triples_do_not_cross_words() {
        let mut grams = Vec::new();
        grams_of("ab c", &mut grams);
        assert_eq!(grams.len(), 4, "a, b, ab, c");
        grams.clear();
        grams_of("abc", &mut grams);
        assert_eq!(grams.len(), 6, "a, b, ab, c, bc, abc");
    }

    fn place(three: [char; 3]) -> Gram {
        let [first, second, third] = three.map(Gram::from);
        triple(first, second, third)
    }

    #[test]
    fn places_of_triples_are_a_promise() {
        let some = [['a', 'b', 'c'], ['1', '2', '3'], ['3', '2', '1'], ['権', '限', '昇']];
        assert_eq!(some.map(place), [207, 333, 427, 999]);
    }

    #[test]
    fn every_letter_of_a_triple_has_a_say_in_its_place() {
        for changed in 0..3 {
            let with = |c: char| {
                let mut three = ['1', '2', '3'];
                three[changed] = c;
                place(three)
            };
            let places: BTreeSet<Gram> = ('0'..='9').chain('a'..='z').map(with).collect();
            assert!(places.len() > 30, "letter {changed}: 36 triples in {} places", places.len());
        }
    }
}
