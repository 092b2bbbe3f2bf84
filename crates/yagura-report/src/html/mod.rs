//! The HTML report: one self-contained page in both languages that loads nothing from elsewhere.
//! What stands on the page is gathered in `page.rs` and its siblings; how it looks is in
//! `templates/`. The page of alerts (`alerts/page.rs`) shares its style and its functions.

mod charts;
mod data;
mod findings;
mod frameworks;
mod page;

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, context};
use serde::Serialize;
use sha2::{Digest, Sha256};
use yagura_model::Lang;

use crate::clean::clean;
use crate::error::ReportError;
use crate::scan_report::ScanReport;
use crate::words::{Words, words};

const TEMPLATE: &str = include_str!("../../templates/report.html");
pub(crate) const STYLE: &str = include_str!("../../templates/report.css");
const ALERTS: &str = include_str!("../../templates/alerts.html");
const SCRIPT: &str = include_str!("../../templates/report.js");

/// Writes the page.
pub(crate) fn write(report: &ScanReport<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
    let page = page::Page::of(report);
    let data = data::json(report)?;
    let environment = environment()?;
    let template = environment.get_template("report.html")?;
    // INVARIANT: the policy allows this style and this script by their hashes, and nothing else:
    // no other script could run even if escaping failed somewhere.
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; \
         form-action 'none'",
        source_hash(STYLE),
        source_hash(SCRIPT)
    );
    let values = context! {
        page => Value::from(minijinja::value::Serde(&page)),
        lang => report.lang.code(),
        policy => Value::from_safe_string(policy),
        style => Value::from_safe_string(STYLE.to_owned()),
        script => Value::from_safe_string(SCRIPT.to_owned()),
        data => Value::from_safe_string(data),
    };
    template.render_captured_to(values, &mut *out)?;
    out.write_all(b"\n")?;
    Ok(())
}

/// The templates, with what they may call.
pub(crate) fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_function("t", |key: &str| Value::from_safe_string(word(key)));
    environment.add_function("word", |key: &str, lang: &str| {
        words(if lang == "ja" { Lang::Ja } else { Lang::En }).get(key).to_owned()
    });
    environment.add_function("bar", bar);
    environment.add_function("ticked", ticked);
    environment.add_template("report.html", TEMPLATE)?;
    environment.add_template("alerts.html", ALERTS)?;
    Ok(environment)
}

/// A text in both languages whose parts between backticks are code.
fn ticked(text: &Value) -> Result<Value, Error> {
    let mut html = String::new();
    for lang in Lang::ALL {
        let text = escaped(&text.get_attr(lang.code())?.to_string());
        html.push_str(&format!("<span lang=\"{}\">", lang.code()));
        for (at, part) in text.split('`').enumerate() {
            match at % 2 {
                0 => html.push_str(part),
                _ => html.push_str(&format!("<code>{part}</code>")),
            }
        }
        html.push_str("</span>");
    }
    Ok(Value::from_safe_string(html))
}

fn bar(segments: &Value) -> Result<Value, Error> {
    let mut parts = Vec::new();
    for segment in segments.try_iter()? {
        let tone = segment.get_attr("tone")?.to_string();
        let n = u64::try_from(segment.get_attr("n")?)
            .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))?;
        parts.push((tone, n));
    }
    Ok(Value::from_safe_string(charts::bar(&parts)))
}

/// A word of the page in both languages; the style shows one of them.
fn word(key: &str) -> String {
    let texts = Both::of(|words| words.get(key).to_owned());
    if texts.en == texts.ja {
        return escaped(&texts.en);
    }
    format!(
        "<span lang=\"en\">{}</span><span lang=\"ja\">{}</span>",
        escaped(&texts.en),
        escaped(&texts.ja)
    )
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// How a content security policy names an inline source.
pub(crate) fn source_hash(source: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(source.as_bytes())))
}

/// The same text in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Both {
    pub(crate) en: String,
    pub(crate) ja: String,
}

impl Both {
    /// The same phrase, made with the words of each language.
    pub(crate) fn of(phrase: impl Fn(&Words) -> String) -> Self {
        Self { en: phrase(words(Lang::En)), ja: phrase(words(Lang::Ja)) }
    }

    /// Prose of the content, cleaned.
    pub(crate) fn prose(prose: &yagura_model::Prose) -> Self {
        Self { en: clean(&prose.en).into_owned(), ja: clean(&prose.ja).into_owned() }
    }

    /// A text that is the same in both languages, cleaned.
    pub(crate) fn same(text: &str) -> Self {
        let text = clean(text).into_owned();
        Self { en: text.clone(), ja: text }
    }
}
