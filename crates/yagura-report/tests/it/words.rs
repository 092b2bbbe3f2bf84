//! Both languages say the same things, and say nothing that nobody reads.
//! The words of content are checked with the content.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use yagura_model::Lang;
use yagura_report::words;

fn all(lang: Lang) -> BTreeMap<&'static str, &'static str> {
    words(lang).all().collect()
}

fn placeholders(word: &str) -> BTreeSet<&str> {
    word.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

/// The text of every source and template that may name a word.
fn sources() -> String {
    let mut text = String::new();
    read_into(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut text);
    text
}

fn read_into(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() && !path.ends_with("target") && !path.ends_with("snapshots") {
            read_into(&path, text);
        } else if matches!(extension, Some("rs" | "html")) {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn both_languages_have_the_same_words() {
    let keys = |lang| all(lang).into_keys().collect::<BTreeSet<_>>();
    assert_eq!(keys(Lang::En), keys(Lang::Ja));
}

#[test]
fn both_languages_fill_the_same_placeholders() {
    let japanese = all(Lang::Ja);
    for (key, english) in all(Lang::En) {
        assert_eq!(placeholders(english), placeholders(japanese[key]), "{key}");
    }
}

#[test]
fn no_word_is_empty() {
    for lang in Lang::ALL {
        for (key, word) in all(lang) {
            assert!(!word.trim().is_empty(), "{key}");
        }
    }
}

#[test]
fn every_word_is_used_somewhere() {
    let sources = sources();
    // Words whose last part is computed: `report.reason.<reason>` and the like.
    let computed = ["report.reason.", "report.gap.remedy.", "html.about.", "report.state."];
    // Words of a number are named without their form.
    let stem = |key: &str| {
        let stem = key.strip_suffix(".one").or_else(|| key.strip_suffix(".other"));
        stem.unwrap_or(key).to_owned()
    };
    let unused: Vec<_> = all(Lang::En)
        .into_keys()
        .filter(|key| {
            ["report.", "html.", "alerts.", "messages."].iter().any(|own| key.starts_with(own))
        })
        .filter(|key| !sources.contains(&format!("\"{}\"", stem(key))))
        .filter(|key| !computed.iter().any(|prefix| key.starts_with(prefix)))
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn every_word_that_is_used_exists() {
    let sources = sources();
    let known = all(Lang::En);
    let mut missing = BTreeSet::new();
    for prefix in ["\"report.", "\"html.", "\"alerts.", "\"messages."] {
        for (at, _) in sources.match_indices(prefix) {
            let key = sources[at + 1..].split('"').next().unwrap();
            let is_key = key.chars().all(|c| c.is_ascii_lowercase() || c == '.' || c == '_');
            let is_file =
                ["html", "css", "js", "json", "jsonl", "csv", "xml", "txt", "toml", "sarif"]
                    .iter()
                    .any(|end| key.ends_with(&format!(".{end}")));
            let counted = known.contains_key(format!("{key}.other").as_str());
            if is_key && !is_file && !key.ends_with('.') && !counted && !known.contains_key(key) {
                missing.insert(key.to_owned());
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn japanese_is_japanese() {
    // Words that are the same in both languages: signs, names and figures.
    let same = |word: &str| {
        let fixed: String = word.split('{').map(|part| part.rsplit('}').next().unwrap()).collect();
        !fixed.chars().any(char::is_alphabetic) || word.is_ascii()
    };
    let wrong: Vec<_> = all(Lang::Ja)
        .into_iter()
        .filter(|(_, word)| !same(word))
        .filter(|(_, word)| !word.chars().any(|c| ('\u{3040}'..='\u{9fff}').contains(&c)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let english = all(Lang::En);
    let left: Vec<_> = all(Lang::Ja)
        .into_iter()
        .filter(|(key, word)| {
            let letters = word.chars().filter(|c| c.is_alphabetic()).count();
            let letters = if word.contains('{') { 0 } else { letters };
            letters > 12 && english[key] == *word
        })
        .collect();
    assert!(left.is_empty(), "left in English: {left:?}");
}
