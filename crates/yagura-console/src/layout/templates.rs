//! The templates, and what they may call. Every value is cleaned and escaped on its way out; a
//! template cannot forget it.
//! Words are in `locales/`; what stands on a page is the pages'.
//!
//! | in a template | gives |
//! | --- | --- |
//! | `t('console.nav.findings')`, `t('…', n=3)` | a word, with its placeholders filled |
//! | `tn('console.count.accounts', n)` | the word for a number of things |
//! | `prose` (filter) | the reader's half of `{en, ja}` |
//! | `ticked` (filter) | text whose parts between backticks are code |
//! | `moment`, `day`, `ago` (filters) | a time in the reader's zone |
//! | `exact` (filter) | a time as one part of an address |
//! | `encoded` (filter) | a text as one part of an address |
//! | `qr(label)` (filter) | a text as a picture that phones read |
//! | `grouped` (filter) | a number with its thousands apart |
//! | `asset('console.css')` | where a file is |
//! | `query(name=value, …)` | the page's own query, so changed (`none` removes) |

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use yagura_model::Lang;
use yagura_report::{clean, grouped, words};

use super::assets;
use crate::auth::totp;
use crate::layout::links;

include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// The environment of all pages.
pub(crate) fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_formatter(write_clean);
    environment.add_function("t", word);
    environment.add_function("tn", counted);
    environment.add_function("asset", |name: &str| assets::path(name));
    environment.add_function("query", query);
    environment.add_filter("prose", prose);
    environment.add_filter("ticked", ticked);
    environment.add_filter("moment", moment);
    environment.add_filter("day", day);
    environment.add_filter("ago", ago);
    environment.add_filter("exact", exact);
    environment.add_filter("encoded", |text: &str| links::encoded(text));
    environment.add_filter("grouped", |n: u64| grouped(n));
    environment.add_filter("qr", |text: &str, label: &str| totp::picture(text, label));
    super::charts::register(&mut environment);
    crate::pages::resources::register(&mut environment);
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}

/// INVARIANT: nothing from outside reaches a page but through here: what is not markup of ours
/// loses its control, direction and invisible characters and is escaped.
fn write_clean(
    out: &mut Output<'_>,
    _state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    let failed = |_| Error::new(ErrorKind::BadSerialization, "the page could not be written");
    if value.is_safe() {
        return out.write_str(value.as_str().unwrap_or_default()).map_err(failed);
    }
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Ok(()),
        ValueKind::String => {
            out.write_str(&escaped(value.as_str().unwrap_or_default())).map_err(failed)
        }
        _ => out.write_str(&escaped(&value.to_string())).map_err(failed),
    }
}

/// Text as it may stand in an element or an attribute. Line feeds stay: `pre` shows them.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            safe.push('\n');
        }
        for c in clean(&line.replace('\t', "    ")).chars() {
            match c {
                '&' => safe.push_str("&amp;"),
                '<' => safe.push_str("&lt;"),
                '>' => safe.push_str("&gt;"),
                '"' => safe.push_str("&quot;"),
                '\'' => safe.push_str("&#39;"),
                c => safe.push(c),
            }
        }
    }
    safe
}

/// What the shell hands to every page and what functions need: it is not seen inside macros, so
/// it is kept aside when the shell says its first word.
const SHARED: [&str; 4] = ["lang", "zone", "now", "asked"];

/// Keeps aside what macros do not see.
fn remember(state: &mut State<'_, '_>) {
    for name in SHARED {
        if let Some(value) = state.lookup(name).filter(|value| !value.is_undefined()) {
            state.set_temp(name, value);
        }
    }
}

/// A value of the shell's, inside a macro too.
fn shared(state: &State<'_, '_>, name: &str) -> Option<Value> {
    let seen = state.lookup(name).filter(|value| !value.is_undefined());
    seen.or_else(|| state.get_temp(name))
}

fn lang(state: &State<'_, '_>) -> Lang {
    match shared(state, "lang").as_ref().and_then(Value::as_str) {
        Some("ja") => Lang::Ja,
        _ => Lang::En,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "arguments are handed over by value")]
fn word(state: &mut State<'_, '_>, key: &str, values: Kwargs) -> Result<String, Error> {
    remember(state);
    let words = words(lang(state));
    let mut filled = Vec::new();
    for name in values.args() {
        filled.push((name, values.get::<Value>(name)?.to_string()));
    }
    let pairs: Vec<(&str, &dyn std::fmt::Display)> =
        filled.iter().map(|(name, value)| (*name, value as &dyn std::fmt::Display)).collect();
    values.assert_all_used()?;
    Ok(words.fill(key, &pairs))
}

fn counted(state: &State<'_, '_>, key: &str, n: u64) -> String {
    words(lang(state)).count(key, n)
}

fn prose(state: &State<'_, '_>, prose: &Value) -> Result<Value, Error> {
    if prose.is_undefined() || prose.is_none() {
        return Ok(Value::from(""));
    }
    prose.get_attr(lang(state).code())
}

fn ticked(state: &State<'_, '_>, text: &Value) -> Result<Value, Error> {
    let text = match text.kind() {
        ValueKind::Map => prose(state, text)?.to_string(),
        _ => text.to_string(),
    };
    let mut html = String::new();
    for (at, part) in text.split('`').enumerate() {
        let part = escaped(part);
        match at % 2 {
            0 => html.push_str(&part),
            _ => {
                let _ = write!(html, "<code>{part}</code>");
            }
        }
    }
    Ok(Value::from_safe_string(html))
}

/// A time from RFC 3339 text or from microseconds since 1970.
fn time_of(value: &Value) -> Option<Timestamp> {
    match i64::try_from(value.clone()) {
        Ok(microseconds) => Timestamp::from_microsecond(microseconds).ok(),
        Err(_) => value.as_str()?.parse().ok(),
    }
}

fn zone(state: &State<'_, '_>) -> TimeZone {
    let name = shared(state, "zone");
    let name = name.as_ref().and_then(Value::as_str).unwrap_or("UTC");
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

fn stamped(state: &State<'_, '_>, value: &Value, format: &str) -> Value {
    let Some(time) = time_of(value) else {
        return Value::from(value.to_string());
    };
    let local = time.to_zoned(zone(state));
    let shown = local.strftime(format).to_string();
    let exact = local.strftime("%Y-%m-%d %H:%M:%S %Z").to_string();
    let html = format!(
        "<time datetime=\"{time}\" title=\"{}\">{}</time>",
        escaped(&exact),
        escaped(&shown)
    );
    Value::from_safe_string(html)
}

fn moment(state: &State<'_, '_>, value: &Value) -> Value {
    stamped(state, value, "%Y-%m-%d %H:%M")
}

fn day(state: &State<'_, '_>, value: &Value) -> Value {
    stamped(state, value, "%Y-%m-%d")
}

/// A time as it stands in an address.
fn exact(value: &Value) -> String {
    time_of(value).map_or_else(String::new, |time| links::encoded(&time.to_string()))
}

/// How long ago, in the largest unit that fits: `3 hours ago`; with the exact time as its title.
fn ago(state: &State<'_, '_>, value: &Value) -> Value {
    let now = shared(state, "now").as_ref().and_then(time_of);
    let (Some(time), Some(now)) = (time_of(value), now) else {
        return Value::from(value.to_string());
    };
    let words = words(lang(state));
    let seconds = now.duration_since(time).as_secs();
    let future = seconds < 0;
    let seconds = seconds.unsigned_abs();
    let (unit, n) = match seconds {
        0..60 => ("moment", 0),
        60..3_600 => ("minutes", seconds / 60),
        3_600..86_400 => ("hours", seconds / 3_600),
        86_400..5_184_000 => ("days", seconds / 86_400),
        5_184_000..63_072_000 => ("months", seconds / 2_592_000),
        _ => ("years", seconds / 31_536_000),
    };
    let way = if future { "ahead" } else { "ago" };
    let shown = words.count(&format!("console.{way}.{unit}"), n);
    let exact = time.to_zoned(zone(state)).strftime("%Y-%m-%d %H:%M:%S %Z").to_string();
    let html = format!(
        "<time datetime=\"{time}\" title=\"{}\">{}</time>",
        escaped(&exact),
        escaped(&shown)
    );
    Value::from_safe_string(html)
}

/// The page's own query with some members changed; a change of anything but the cursor goes back
/// to the first page.
#[expect(clippy::needless_pass_by_value, reason = "arguments are handed over by value")]
fn query(state: &State<'_, '_>, changes: Kwargs) -> Result<String, Error> {
    let now = shared(state, "asked").unwrap_or_default();
    let changed: Vec<&str> = changes.args().collect();
    let mut pairs: Vec<(String, String)> = Vec::new();
    if let Ok(members) = now.try_iter() {
        for member in members {
            let name = member.get_item(&Value::from(0))?.to_string();
            let value = member.get_item(&Value::from(1))?.to_string();
            let stale = name == "after" && !changed.is_empty();
            if !stale && !changed.contains(&name.as_str()) && !value.is_empty() {
                pairs.push((name, value));
            }
        }
    }
    for name in &changed {
        let value: Value = changes.get(name)?;
        match value.kind() {
            ValueKind::None | ValueKind::Undefined => {}
            ValueKind::Seq => {
                for one in value.try_iter()? {
                    pairs.push(((*name).to_owned(), one.to_string()));
                }
            }
            _ => pairs.push(((*name).to_owned(), value.to_string())),
        }
    }
    changes.assert_all_used()?;
    Ok(format!("?{}", links::query(pairs)))
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    fn rendered(source: &str) -> String {
        let mut environment = environment().unwrap();
        environment.add_template_owned("page.html", source.to_owned()).unwrap();
        let asked = vec![("state", "new"), ("after", "7")];
        let values = context! { lang => "ja", zone => "Asia/Tokyo", now => 0, asked => asked };
        environment.get_template("page.html").unwrap().render(values).unwrap()
    }

    #[test]
    fn macros_speak_the_readers_language_and_know_the_query() {
        let begin = "{% import \"parts.html\" as parts %}{{ t('console.menu') }}";
        let text = rendered(&format!("{begin}{{{{ parts.state('new') }}}}"));
        assert!(text.contains(yagura_report::words(Lang::Ja).get("console.state.new")), "{text}");
        let text = rendered(&format!("{begin}{{{{ parts.pager('9', false) }}}}"));
        assert!(text.contains("?state=new&amp;after=9") || text.contains("?state=new&after=9"));
        assert!(text.contains("href=\"?state=new\""), "{text}");
    }

    #[test]
    fn hostile_text_is_escaped_wherever_it_stands() {
        let text = rendered("{{ '<b>\u{202e}\"' }}|{{ '`<i>`' | ticked }}|{{ query(x='<&') }}");
        assert!(!text.contains("<b>") && !text.contains("<i>") && !text.contains('\u{202e}'));
        assert!(text.contains("%3C%26"), "{text}");
    }
}
