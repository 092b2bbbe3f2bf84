//! The words of the reports and of the command line, in both languages.
//! Content (controls, frameworks, resource types) carries its own prose; it is not here.
//!
//! Words live in `locales/<language>/<file>.toml`. The key of a word is the file's name and the
//! path within it: `state.met` in `report.toml` is `report.state.met`. A word may hold
//! placeholders in braces (`{n}`), filled by [`Words::fill`] and [`Words::count`].
//! A test compares both languages, the placeholders, and the keys used anywhere in the sources.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::OnceLock;

use yagura_model::Lang;

include!(concat!(env!("OUT_DIR"), "/words_files.rs"));

/// All words of one language.
pub struct Words {
    lang: Lang,
    by_key: HashMap<String, String>,
}

/// The words of a language. Parsed at the first call.
pub fn words(lang: Lang) -> &'static Words {
    static ENGLISH: OnceLock<Words> = OnceLock::new();
    static JAPANESE: OnceLock<Words> = OnceLock::new();
    match lang {
        Lang::En => ENGLISH.get_or_init(|| Words::parse(lang, EN)),
        Lang::Ja => JAPANESE.get_or_init(|| Words::parse(lang, JA)),
    }
}

impl Words {
    fn parse(lang: Lang, files: &[(&str, &str)]) -> Self {
        let mut by_key = HashMap::new();
        for (name, text) in files {
            // A file that does not parse would leave its keys bare on the screen; the test
            // `every_word_file_parses` keeps such a file out of a build.
            if let Ok(table) = text.parse::<toml::Table>() {
                flatten(name, &table, &mut by_key);
            }
        }
        Self { lang, by_key }
    }

    /// The language of these words.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// The word for a key; the key itself where there is none.
    pub fn get<'a>(&'a self, key: &'a str) -> &'a str {
        self.by_key.get(key).map_or(key, String::as_str)
    }

    /// The word for a key with its placeholders filled.
    ///
    /// ```
    /// use yagura_model::Lang;
    /// let words = yagura_report::words(Lang::En);
    /// assert_eq!(words.fill("report.more", &[("n", &3)]), "and 3 more");
    /// ```
    pub fn fill(&self, key: &str, values: &[(&str, &dyn Display)]) -> String {
        fill(self.get(key), values)
    }

    /// The word for a number of things: `key.one` or `key.other`, with `{n}` filled.
    pub fn count(&self, key: &str, n: u64) -> String {
        let form = if n == 1 { "one" } else { "other" };
        fill(self.get(&format!("{key}.{form}")), &[("n", &grouped(n))])
    }

    /// All keys with their words, in no particular order.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_key.iter().map(|(key, word)| (key.as_str(), word.as_str()))
    }
}

fn flatten(prefix: &str, table: &toml::Table, into: &mut HashMap<String, String>) {
    for (name, value) in table {
        let key = format!("{prefix}.{name}");
        match value {
            toml::Value::Table(table) => flatten(&key, table, into),
            toml::Value::String(text) => {
                into.insert(key, text.clone());
            }
            other => {
                into.insert(key, other.to_string());
            }
        }
    }
}

/// Fills `{name}` placeholders in one pass, so that a value that looks like a placeholder stays
/// as it is.
pub(super) fn fill(text: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut filled = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        match values.iter().find(|(key, _)| *key == name) {
            Some((_, value)) => filled.push_str(&value.to_string()),
            None => {
                filled.push('{');
                filled.push_str(name);
                filled.push('}');
            }
        }
        rest = tail;
    }
    filled.push_str(rest);
    filled
}

/// A number with its thousands separated by commas, as both languages write it.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_file_parses() {
        for (name, text) in EN.iter().chain(JA) {
            assert!(
                text.parse::<toml::Table>().is_ok(),
                "{name}: {:?}",
                text.parse::<toml::Table>()
            );
        }
    }

    #[test]
    fn a_value_that_looks_like_a_placeholder_is_not_filled_again() {
        assert_eq!(fill("{a} {b} {c}", &[("a", &"{b}"), ("b", &2)]), "{b} 2 {c}");
        assert_eq!(fill("{", &[]), "{");
    }

    #[test]
    fn thousands_are_separated() {
        for (n, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(n), text);
        }
    }
}
