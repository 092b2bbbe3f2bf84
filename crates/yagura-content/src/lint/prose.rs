//! Both languages or neither: prose is there, and is in the language that it claims.
//! How good it is, a reader judges.

use yagura_model::Prose;

use super::Lint;
use crate::place::{Place, Placed};
use crate::problem::File;

/// Checks prose of one paragraph.
pub(crate) fn check(lint: &mut Lint<'_>, file: &File, what: &str, prose: &Placed<Prose>) {
    texts(lint, file, what, prose.place, &prose.en, &prose.ja);
}

/// Checks a text in both languages.
pub(crate) fn texts(
    lint: &mut Lint<'_>,
    file: &File,
    what: &str,
    place: Place,
    en: &str,
    ja: &str,
) {
    if en.trim().is_empty() || ja.trim().is_empty() {
        lint.error(file, place, format!("`{what}` is empty in one language"));
        return;
    }
    if has_japanese(en) {
        lint.error(file, place, format!("the English `{what}` contains Japanese"));
    }
    if !has_japanese(ja) && !is_name(ja) {
        lint.error(file, place, format!("the Japanese `{what}` contains no Japanese"));
    }
    for text in [en, ja] {
        let todo = ["TODO", "FIXME", "XXX"].into_iter().find(|word| text.contains(word));
        if let Some(word) = todo {
            lint.error(file, place, format!("`{what}` contains `{word}`"));
        }
    }
}

/// Whether a text has a Japanese letter: hiragana, katakana or a Chinese character.
pub(crate) fn has_japanese(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}'))
}

/// Whether a text is a product's name, which Japanese leaves as it is: few words, no sentence.
fn is_name(text: &str) -> bool {
    text.split_whitespace().count() <= 5
        && !text.ends_with('.')
        && text
            .split_whitespace()
            .all(|word| word.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_apart() {
        for text in ["日本語", "バケット", "ひらがな", "S3 バケット"] {
            assert!(has_japanese(text), "{text}");
        }
        for text in ["", "S3 bucket", "…", "“quoted”", "é"] {
            assert!(!has_japanese(text), "{text}");
        }
        assert!(is_name("AWS CloudTrail") && is_name("VPC"));
        assert!(!is_name("Buckets are encrypted") && !is_name("Encrypted."));
    }
}
