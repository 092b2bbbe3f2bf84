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
/// Longer texts are left as they are: whoever wrote so much is no error of ours.
const BYTES_MAX: usize = 4_096;
/// Lines of a text beyond these are left as they are.
const LINES_MAX: usize = 50;
/// A template with fewer letters of its own fits too much.
const LETTERS_MIN: usize = 8;
/// What fills these places may be a single word of ours; elsewhere it is somebody's name.
const FRAGMENTS: [&str; 6] = ["attempt", "has", "holds", "setting", "state", "what"];
/// What fills this place is a piece of somebody's file.
const EXCERPT: &str = "shown";
/// Places at which a text may end and its cause begin that are tried.
const CAUSES_MAX: usize = 8;

/// An error's text (or its remedy) as the reader reads it; as it is where nobody translated it,
/// which is so for what libraries and AWS say.
pub fn error_in(lang: Lang, text: &str) -> Cow<'_, str> {
    match lang {
        Lang::En => Cow::Borrowed(text),
        Lang::Ja if text.len() > BYTES_MAX => Cow::Borrowed(text),
        Lang::Ja => japanese()
            .told(text, 0, SingleWord::Told)
            .map_or(Cow::Borrowed(text), |told| told.text.into()),
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

/// Whether a single word is told, or left as the name that it may be.
#[derive(Clone, Copy, PartialEq)]
enum SingleWord {
    Told,
    Left,
}

/// Whether names may have backticks in them.
#[derive(Clone, Copy, PartialEq)]
enum Names {
    Strict,
    Loose,
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
}

/// The one with less English in it, else the first.
fn better(one: Option<Told>, other: Option<Told>) -> Option<Told> {
    match (one, other) {
        (Some(one), Some(other)) if other.left < one.left => Some(other),
        (Some(one), _) => Some(one),
        (None, other) => other,
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
    /// How many letters are its own: of two that fit, the one with more says more exactly what
    /// happened.
    letters: usize,
}

struct Hole {
    name: String,
    /// Between backticks or quotes stand names, which have no language.
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
        catalog.templates.sort_by_key(|template| std::cmp::Reverse(template.letters));
        catalog
    }

    /// A text in this language: it is known, or of several in it at least one is.
    fn told(&self, text: &str, depth: usize, single: SingleWord) -> Option<Told> {
        if let Some(said) = self.same(text, single) {
            return Some(said);
        }
        if depth >= DEPTH_MAX || text.is_empty() {
            return None;
        }
        let known = self.known(text, depth, Names::Strict);
        if known.as_ref().is_some_and(|known| known.left == 0) {
            return known;
        }
        let parts = match text.contains('\n') {
            true => self.lines(text, depth),
            false => self.causes(text, depth),
        };
        better(known, parts).or_else(|| self.known(text, depth, Names::Loose))
    }

    /// A text that is always the same.
    fn same(&self, text: &str, single: SingleWord) -> Option<Told> {
        let said = self.whole.get(text)?;
        let is_word = english(text) == 0;
        (!is_word || single == SingleWord::Told).then(|| Told { text: said.clone(), left: 0 })
    }

    /// By the template that fits: one whose places are understood too comes before one that has
    /// more letters of its own.
    fn known(&self, text: &str, depth: usize, names: Names) -> Option<Told> {
        let mut best = None;
        for template in &self.templates {
            let Some(values) = template.values(text, names) else { continue };
            let Some(told) = self.filled(template, values, depth) else { continue };
            if told.left == 0 {
                return Some(told);
            }
            best = better(best, Some(told));
        }
        best
    }

    /// None where so much of the text stays English that it is another's, which only begins or
    /// ends alike.
    fn filled(
        &self,
        template: &Template,
        values: Vec<(&Hole, &str)>,
        depth: usize,
    ) -> Option<Told> {
        let mut left = 0;
        let mut filled = Vec::with_capacity(values.len());
        for (at, (hole, value)) in values.into_iter().enumerate() {
            if hole.is_name {
                filled.push((hole.name.as_str(), value.to_owned()));
                continue;
            }
            let single = match FRAGMENTS.contains(&hole.name.as_str()) {
                true => SingleWord::Told,
                false => SingleWord::Left,
            };
            let told = self.told(value, depth + 1, single).unwrap_or_else(|| Told::as_is(value));
            let begins = at == 0 && template.begin.is_empty();
            if told.left > 0 && (begins || template.letters < LETTERS_MIN) {
                return None;
            }
            left += told.left;
            filled.push((hole.name.as_str(), told.text));
        }
        let values: Vec<(&str, &dyn Display)> =
            filled.iter().map(|(name, value)| (*name, value as &dyn Display)).collect();
        Some(Told { text: fill(&template.said, &values), left })
    }

    /// Texts on lines of their own. A line with a mark below it is an excerpt.
    fn lines(&self, text: &str, depth: usize) -> Option<Told> {
        let marks = text.split('\n').skip(1).map(is_mark).chain([false]);
        let told: Vec<(&str, Option<Told>)> = text
            .split('\n')
            .zip(marks)
            .enumerate()
            .map(|(at, (line, marked))| {
                let is_left = marked || at >= LINES_MAX;
                (line, (!is_left).then(|| self.line(line, depth + 1)).flatten())
            })
            .collect();
        told.iter().any(|(_, told)| told.is_some()).then(|| {
            let told = told.into_iter();
            let lines = told.map(|(line, told)| told.unwrap_or_else(|| Told::as_is(line)));
            joined(lines, "\n")
        })
    }

    fn line(&self, line: &str, depth: usize) -> Option<Told> {
        let (indent, text) = line.split_at(line.len() - line.trim_start().len());
        let told = self.told(text, depth, SingleWord::Left)?;
        Some(Told { text: format!("{indent}{}", told.text), ..told })
    }

    /// A text and its cause.
    fn causes(&self, text: &str, depth: usize) -> Option<Told> {
        let mut best = None;
        for (at, mark) in text.match_indices(": ").take(CAUSES_MAX) {
            let (Some(before), Some(after)) = (text.get(..at), text.get(at + mark.len()..)) else {
                continue;
            };
            let said = self.same(before, SingleWord::Left);
            let said = said.or_else(|| self.known(before, depth + 1, Names::Strict));
            let cause = self.told(after, depth + 1, SingleWord::Left);
            if said.is_none() && cause.is_none() {
                continue;
            }
            let said = said.unwrap_or_else(|| Told::as_is(before));
            let cause = cause.unwrap_or_else(|| Told::as_is(after));
            best = better(best, Some(joined([said, cause].into_iter(), mark)));
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

/// Whether a line marks a place in the line above it.
fn is_mark(line: &str) -> bool {
    line.contains('^') && line.chars().all(|c| matches!(c, ' ' | '^'))
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
            let quoted = |mark: char| before.ends_with(mark) && after.starts_with(mark);
            let is_name = name == EXCERPT || ['`', '\'', '"'].into_iter().any(quoted);
            holes.push(Hole { name: name.to_owned(), is_name, after: after.to_owned() });
            before = after;
        }
        let own = holes.iter().map(|hole| hole.after.as_str()).chain([begin.as_str()]);
        let letters = own.flat_map(str::chars).filter(|c| !c.is_whitespace()).count();
        (!holes.is_empty()).then(|| Self { begin, holes, said: said.to_owned(), letters })
    }

    fn has_lines(&self) -> bool {
        let mut own = self.holes.iter().map(|hole| &hole.after).chain([&self.begin]);
        own.any(|text| text.contains('\n'))
    }

    /// What fills its places, where a text is this one.
    fn values<'t>(&self, text: &'t str, names: Names) -> Option<Vec<(&Hole, &'t str)>> {
        let is_loose = names == Names::Loose;
        if text.contains('\n') && !self.has_lines() && !is_loose {
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
        let is_name = |(hole, value): &(&Hole, &str)| !hole.is_name || is_name(value);
        (is_loose || values.iter().all(is_name)).then_some(values)
    }
}

/// Whether a text can stand between backticks: it is a name, or several with backticks of their
/// own between them.
fn is_name(text: &str) -> bool {
    let between = ["`, `", "` or `", "` and `"];
    !between.into_iter().fold(text.to_owned(), |text, mark| text.replace(mark, "")).contains('`')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&str, &str)], text: &str, expected: Option<&str>) {
        let pairs = pairs.iter().map(|(en, ja)| ((*en).to_owned(), toml::Value::from(*ja)));
        let told = Catalog::new(pairs).told(text, 0, SingleWord::Told).map(|told| told.text);
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
            ("it is gone", "もうありません"),
        ];
        check(
            &pairs,
            "cannot list `list`: it is gone",
            Some("`list` を一覧表示できません: もうありません"),
        );
        check(&pairs, "cannot list `{why}`: x", Some("`{why}` を一覧表示できません: x"));
    }

    #[test]
    fn what_somebody_wrote_is_left() {
        let pairs = [
            ("list", "一覧の取得"),
            ("cannot {attempt}", "{attempt}できません"),
            ("found: {0}", "実際: {0}"),
            ("there is no `{x}`", "`{x}` はありません"),
            ("{said} in `{region}`", "{said}（`{region}`）"),
            ("line {line} | {shown}", "{line} 行 | {shown}"),
        ];
        check(&pairs, "found: list", Some("実際: list"));
        check(&pairs, "x: list", None);
        check(&pairs, "cannot list", Some("一覧の取得できません"));
        check(&pairs, "cannot connect to host", None);
        check(&pairs, "lookup failed in `eu`", None);
        check(&pairs, "there is no `a` in `eu`", Some("`a` はありません（`eu`）"));
        check(&pairs, "line 1 | there is no `a`", Some("1 行 | there is no `a`"));
        check(
            &pairs,
            "there is no `a`\nthere is no `b`\n  ^",
            Some("`a` はありません\nthere is no `b`\n  ^"),
        );
        check(&pairs, "there is no `a`, `b` or `c`", Some("`a`, `b` or `c` はありません"));
        check(&pairs, "there is no `a` b`", Some("`a` b` はありません"));
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
