//! Errors in the reader's language. An error is written once, in English, where it arises; its
//! Japanese stands in `locales/ja/errors/` by that English text. `cargo xtask tidy` holds that
//! none is missing, and none too many.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::OnceLock;

use yagura_model::Lang;

use super::words::fill;

include!(concat!(env!("OUT_DIR"), "/error_files.rs"));

/// What fills a text may be such a text again, so deep at most.
const DEPTH_MAX: usize = 4;
/// Places at which a text may end and its cause begin that are tried.
const CAUSES_MAX: usize = 8;

/// An error's text (or its remedy) as the reader reads it; as it is where nobody translated it,
/// which is so for what libraries and AWS say.
pub fn error_in(lang: Lang, text: &str) -> Cow<'_, str> {
    match lang {
        Lang::En => Cow::Borrowed(text),
        Lang::Ja => japanese().told(text, 0).map_or(Cow::Borrowed(text), |told| told.text.into()),
    }
}

/// The catalog. Parsed at the first call.
fn japanese() -> &'static Catalog {
    static JAPANESE: OnceLock<Catalog> = OnceLock::new();
    // A file that does not parse would leave its errors in English; the test
    // `every_file_of_errors_parses` keeps such a file out of a build.
    let pairs = || ERRORS_JA.iter().filter_map(|(_, text)| text.parse::<toml::Table>().ok());
    JAPANESE.get_or_init(|| Catalog::new(pairs().flatten()))
}

/// A text in this language.
struct Told {
    text: String,
    /// Letters in it that are English still.
    left: usize,
}

impl Told {
    /// A text that stays as it is.
    fn as_is(text: &str) -> Self {
        Self { text: text.to_owned(), left: english(text) }
    }

    /// The one with less English in it, else the first.
    fn better(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.left < self.left => other,
            _ => self,
        }
    }
}

/// Texts of one language by their English.
#[derive(Default)]
struct Catalog {
    /// Those that are always the same.
    whole: HashMap<String, String>,
    /// Those with places that are filled, with most letters of their own first.
    templates: Vec<Template>,
}

/// A text with places that are filled.
struct Template {
    /// What comes before the first place.
    begin: String,
    /// The places, each with what comes after it.
    holes: Vec<Hole>,
    said: String,
}

struct Hole {
    name: String,
    /// In backticks stand names, which have no language.
    is_name: bool,
    after: String,
}

impl Catalog {
    fn new(pairs: impl Iterator<Item = (String, toml::Value)>) -> Self {
        let mut catalog = Self::default();
        for (english, said) in pairs {
            let toml::Value::String(said) = said else { continue };
            // Lines are looked for one by one, without their indent.
            let bare = |text: &str| match text.strip_prefix('\n') {
                Some(line) => line.trim_start().to_owned(),
                None => text.to_owned(),
            };
            let (english, said) = (bare(&english), bare(&said));
            match Template::new(&english, &said) {
                Some(template) => catalog.templates.push(template),
                None => {
                    catalog.whole.insert(english, said);
                }
            }
        }
        catalog.templates.sort_by_key(|template| std::cmp::Reverse(template.letters()));
        catalog
    }

    /// A text in this language: it is known, or of several in it at least one is.
    fn told(&self, text: &str, depth: usize) -> Option<Told> {
        if let Some(said) = self.whole.get(text) {
            return Some(Told { text: said.clone(), left: 0 });
        }
        if depth >= DEPTH_MAX || text.is_empty() {
            return None;
        }
        let known = self.known(text, depth);
        if known.as_ref().is_some_and(|known| known.left == 0) {
            return known;
        }
        let parts = match text.contains('\n') {
            true => self.lines(text, depth),
            false => self.causes(text, depth),
        };
        match known {
            Some(known) => Some(known.better(parts)),
            None => parts,
        }
    }

    /// The text itself, or the template that fits: one whose places are understood too comes
    /// before one that has more letters of its own.
    fn known(&self, text: &str, depth: usize) -> Option<Told> {
        if let Some(said) = self.whole.get(text) {
            return Some(Told { text: said.clone(), left: 0 });
        }
        let mut best: Option<Told> = None;
        for template in &self.templates {
            let Some(values) = template.values(text) else { continue };
            let told = self.filled(template, values, depth);
            if told.left == 0 {
                return Some(told);
            }
            best = Some(match best {
                Some(best) => best.better(Some(told)),
                None => told,
            });
        }
        best
    }

    fn filled(&self, template: &Template, values: Vec<(&Hole, &str)>, depth: usize) -> Told {
        let mut left = 0;
        let mut filled = Vec::with_capacity(values.len());
        for (hole, value) in values {
            let told = (!hole.is_name).then(|| self.told(value, depth + 1)).flatten();
            let told = told.unwrap_or_else(|| Told::as_is(value));
            left += if hole.is_name { 0 } else { told.left };
            filled.push((hole.name.as_str(), told.text));
        }
        let values: Vec<(&str, &dyn Display)> =
            filled.iter().map(|(name, value)| (*name, value as &dyn Display)).collect();
        Told { text: fill(&template.said, &values), left }
    }

    /// Texts on lines of their own.
    fn lines(&self, text: &str, depth: usize) -> Option<Told> {
        let told: Vec<(&str, Option<Told>)> =
            text.split('\n').map(|line| (line, self.line(line, depth + 1))).collect();
        told.iter().any(|(_, told)| told.is_some()).then(|| {
            let told = told.into_iter();
            let lines = told.map(|(line, told)| told.unwrap_or_else(|| Told::as_is(line)));
            joined(lines, "\n")
        })
    }

    fn line(&self, line: &str, depth: usize) -> Option<Told> {
        let (indent, text) = line.split_at(line.len() - line.trim_start().len());
        let told = self.told(text, depth)?;
        Some(Told { text: format!("{indent}{}", told.text), ..told })
    }

    /// A text and its cause.
    fn causes(&self, text: &str, depth: usize) -> Option<Told> {
        let mut best: Option<Told> = None;
        for (at, mark) in text.match_indices(": ").take(CAUSES_MAX) {
            let (Some(before), Some(after)) = (text.get(..at), text.get(at + mark.len()..)) else {
                continue;
            };
            let told = (self.known(before, depth + 1), self.told(after, depth + 1));
            if told.0.is_none() && told.1.is_none() {
                continue;
            }
            let before = told.0.unwrap_or_else(|| Told::as_is(before));
            let after = told.1.unwrap_or_else(|| Told::as_is(after));
            let both = joined([before, after].into_iter(), mark);
            best = Some(match best {
                Some(best) => best.better(Some(both)),
                None => both,
            });
        }
        best
    }
}

fn joined(texts: impl Iterator<Item = Told>, mark: &str) -> Told {
    let (texts, left): (Vec<String>, Vec<usize>) = texts.map(|told| (told.text, told.left)).unzip();
    Told { text: texts.join(mark), left: left.into_iter().sum() }
}

/// How many letters of a text are English; names and numbers, of one word, have no language.
fn english(text: &str) -> usize {
    let words = if text.contains(' ') { text } else { "" };
    words.chars().filter(char::is_ascii_alphabetic).count()
}

impl Template {
    /// None where nothing is filled.
    fn new(english: &str, said: &str) -> Option<Self> {
        let mut parts = english.split('{');
        let begin = parts.next()?.to_owned();
        let mut before = begin.as_str();
        let mut holes = Vec::new();
        for part in parts {
            let (name, after) = part.split_once('}')?;
            let is_name = before.ends_with('`') && after.starts_with('`');
            holes.push(Hole { name: name.to_owned(), is_name, after: after.to_owned() });
            before = after;
        }
        (!holes.is_empty()).then(|| Self { begin, holes, said: said.to_owned() })
    }

    fn has_lines(&self) -> bool {
        let mut own = self.holes.iter().map(|hole| &hole.after).chain([&self.begin]);
        own.any(|text| text.contains('\n'))
    }

    /// How many letters are its own: of two that fit, the one with more says more exactly what
    /// happened.
    fn letters(&self) -> usize {
        let own = self.holes.iter().map(|hole| hole.after.as_str());
        own.chain([self.begin.as_str()]).flat_map(str::chars).filter(|c| !c.is_whitespace()).count()
    }

    /// What fills its places, where a text is this one.
    fn values<'t>(&self, text: &'t str) -> Option<Vec<(&Hole, &'t str)>> {
        if text.contains('\n') && !self.has_lines() {
            return None;
        }
        let mut rest = text.strip_prefix(self.begin.as_str())?;
        let mut values = Vec::with_capacity(self.holes.len());
        let (last, holes) = self.holes.split_last()?;
        for hole in holes {
            let (value, after) = match hole.after.as_str() {
                // Two places side by side: the first has all that the second does not need.
                "" => (rest, ""),
                after => rest.split_once(after)?,
            };
            values.push((hole, value));
            rest = after;
        }
        values.push((last, rest.strip_suffix(last.after.as_str())?));
        let is_name = |(hole, value): &(&Hole, &str)| !hole.is_name || !value.contains('`');
        values.iter().all(is_name).then_some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&str, &str)], text: &str, expected: Option<&str>) {
        let pairs = pairs.iter().map(|(en, ja)| ((*en).to_owned(), toml::Value::from(*ja)));
        let told = Catalog::new(pairs).told(text, 0).map(|told| told.text);
        assert_eq!(told.as_deref(), expected, "{text}");
    }

    #[test]
    fn every_file_of_errors_parses() {
        for (name, text) in ERRORS_JA {
            let parsed = text.parse::<toml::Table>();
            assert!(parsed.is_ok(), "{name}: {parsed:?}");
        }
    }

    /// None is hidden by another that fits too.
    #[test]
    fn every_error_is_found_again() {
        let pairs = ERRORS_JA.iter().flat_map(|(_, text)| text.parse::<toml::Table>().unwrap());
        for (english, said) in pairs {
            let names = english.split('{').skip(1).filter_map(|part| part.split_once('}'));
            let names: Vec<(&str, &dyn Display)> =
                names.map(|(name, _)| (name, &"x-1" as &dyn Display)).collect();
            let text = fill(&english, &names);
            let expected = fill(said.as_str().unwrap(), &names);
            assert_eq!(error_in(Lang::Ja, &text), expected, "{english}");
        }
    }

    #[test]
    fn a_text_is_found_by_what_is_its_own() {
        let pairs = [
            ("cannot read `{path}`", "`{path}` を読み取れません"),
            ("cannot read `{path}` of the lake", "レイクの `{path}` を読み取れません"),
            ("{place}: {what}", "{place}: {what}"),
            ("access is denied", "拒否されました"),
        ];
        check(&pairs, "access is denied", Some("拒否されました"));
        check(&pairs, "cannot read `a b`", Some("`a b` を読み取れません"));
        check(&pairs, "cannot read `a` of the lake", Some("レイクの `a` を読み取れません"));
        check(&pairs, "x.yaml: access is denied", Some("x.yaml: 拒否されました"));
        check(&pairs, "cannot read `a`: it is odd", Some("`a` を読み取れません: it is odd"));
        check(&pairs, "cannot write `a`", None);
        check(&pairs, "", None);
    }

    #[test]
    fn what_fills_a_text_is_translated_unless_it_is_a_name() {
        let pairs = [
            ("cannot {attempt} `{name}`: {why}", "`{name}` を{attempt}できません: {why}"),
            ("list", "一覧表示"),
            ("gone", "ありません"),
        ];
        check(&pairs, "cannot list `list`: gone", Some("`list` を一覧表示できません: ありません"));
        check(&pairs, "cannot list `{why}`: x", Some("`{why}` を一覧表示できません: x"));
    }

    #[test]
    fn lines_are_translated_one_by_one() {
        let pairs = [("there is no `{x}`", "`{x}` はありません")];
        check(&pairs, "there is no `a`\nother", Some("`a` はありません\nother"));
        check(&pairs, "one\nother", None);
    }

    #[test]
    fn english_stays_as_it_is() {
        assert_eq!(error_in(Lang::En, "cannot read `x`"), "cannot read `x`");
    }
}
