//! The text of a finding as questions see it: normalized, cut into letters and pairs of letters.
//! Where the pairs are kept is in `terms.rs`.
//!
//! Letters and pairs are what languages without spaces can be found by: 権限昇格 is found by 権限
//! and by 昇格. Words of English are found by any part of them in the same way.

use unicode_normalization::UnicodeNormalization as _;
use yagura_model::finding::Finding;

use super::question::WORDS_MAX;

/// Letters of one line of a finding's text that are looked at; evidence is never part of it.
const LINE_CHARS_MAX: usize = 2_000;

/// A letter or a pair of letters, as a number: the first letter's in the upper half.
pub(super) type Gram = u64;

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
    lines
        .into_iter()
        .filter(|line| !line.is_empty())
        .map(|line| match line.char_indices().nth(LINE_CHARS_MAX) {
            None => normalized(line),
            Some((end, _)) => normalized(line.get(..end).unwrap_or_default()),
        })
        .collect()
}

/// The letters and pairs of letters within the words of a line.
pub(super) fn grams_of(line: &str, into: &mut Vec<Gram>) {
    let mut before: Option<char> = None;
    for c in line.chars() {
        if c == ' ' {
            before = None;
            continue;
        }
        into.push(Gram::from(u32::from(c)) << 32);
        if let Some(before) = before {
            into.push((Gram::from(u32::from(before)) << 32) | Gram::from(u32::from(c)));
        }
        before = Some(c);
    }
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
    /// its pairs.
    pub(super) fn grams(&self) -> Vec<Gram> {
        let mut grams = Vec::new();
        for piece in self.words.iter().flat_map(|word| word.split(' ')) {
            let mut all = Vec::new();
            grams_of(piece, &mut all);
            let single = piece.chars().nth(1).is_none();
            grams.extend(all.into_iter().filter(|gram| single == (gram & 0xffff_ffff == 0)));
        }
        grams.sort_unstable();
        grams.dedup();
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
        assert_eq!(count("権限昇格"), 3);
        assert_eq!(count("\"a bc\""), 2);
        assert!(!Question::of("権限 s3").needs_text());
        assert!(Question::of("権限昇").needs_text());
        assert!(Question::of("\"a b\"").needs_text());
    }

    #[test]
    fn pairs_do_not_cross_words() {
        let mut grams = Vec::new();
        grams_of("ab c", &mut grams);
        assert_eq!(grams.len(), 4, "a, b, ab, c");
    }
}
