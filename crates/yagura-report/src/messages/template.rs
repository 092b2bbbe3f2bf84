//! Fills the templates of channels: addresses, forms and JSON bodies. Whatever is filled in is
//! written so that it cannot become anything but a value, whoever chose it.
//! The templates are content; which values they may name is documented in
//! docs/internals/channels.md.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in a part of an address: RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a template could not be filled.
#[derive(Debug, thiserror::Error)]
pub enum TemplateFault {
    /// It is no template, or names what is not there.
    #[error("the template cannot be filled: {0}")]
    Template(String),
    /// What came of it is not JSON.
    #[error("the template does not give JSON: {0}")]
    NotJson(#[from] serde_json::Error),
}

impl From<Error> for TemplateFault {
    fn from(error: Error) -> Self {
        let line = error.line().map_or_else(String::new, |line| format!(" (line {line})"));
        let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        Self::Template(format!("{detail}{line}"))
    }
}

/// Fills a template of JSON: each value becomes a JSON value, texts with their quotes.
///
/// # Errors
/// What is no template, names a value that is not there, or does not give JSON.
pub fn fill_json(
    template: &str,
    values: &serde_json::Value,
) -> Result<serde_json::Value, TemplateFault> {
    let environment = environment(AutoEscape::Json);
    let text = environment.render_str(template, Value::from(Serde(values)))?;
    Ok(serde_json::from_str(&text)?)
}

/// Fills a template of plain text: a field of a form, a header field.
///
/// # Errors
/// What is no template, or names a value that is not there.
pub fn fill_text(template: &str, values: &serde_json::Value) -> Result<String, TemplateFault> {
    let environment = environment(AutoEscape::None);
    Ok(environment.render_str(template, Value::from(Serde(values)))?)
}

/// Fills a template of an address. Values are percent-encoded, so that none can add a path, a
/// parameter or a host; only `settings` that are named as addresses stand as they are.
///
/// # Errors
/// What is no template, or names a value that is not there.
pub fn fill_url(
    template: &str,
    values: &serde_json::Value,
    addresses: &[&str],
) -> Result<String, TemplateFault> {
    let mut environment = environment(AutoEscape::Custom("url".into()));
    environment.set_formatter(|out, _, value| {
        let written = if value.is_none() || value.is_undefined() {
            Ok(())
        } else if value.is_safe() {
            write!(out, "{value}")
        } else {
            write!(out, "{}", utf8_percent_encode(&value.to_string(), RESERVED))
        };
        written.map_err(|_| Error::new(ErrorKind::WriteFailure, "the address cannot be written"))
    });
    let members = values.as_object().into_iter().flatten();
    let context = Value::from_pairs(members.map(|(name, value)| {
        match value.as_object().filter(|_| name == "settings") {
            Some(settings) => (name.as_str(), with_addresses(settings, addresses)),
            None => (name.as_str(), Value::from(Serde(value))),
        }
    }));
    Ok(environment.render_str(template, context)?)
}

/// Settings in which addresses stand as they are, without a slash at their end.
fn with_addresses(
    settings: &serde_json::Map<String, serde_json::Value>,
    addresses: &[&str],
) -> Value {
    Value::from_pairs(settings.iter().map(|(name, value)| {
        match value.as_str().filter(|_| addresses.contains(&name.as_str())) {
            Some(address) => {
                let base = address.trim_end_matches('/').to_owned();
                (name.as_str(), Value::from_safe_string(base))
            }
            None => (name.as_str(), Value::from(Serde(value))),
        }
    }))
}

fn environment(escape: AutoEscape) -> Environment<'static> {
    let mut environment = Environment::new();
    // A value that is not there is a mistake of the template, not an empty text.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_recursion_limit(50);
    environment.set_auto_escape_callback(move |_| escape.clone());
    environment
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_cannot_break_out_of_json() {
        let values = json!({"title": "\", \"admin\": true, \"x\": \"\n<!channel>"});
        let filled = fill_json(r#"{"text": {{ title }}}"#, &values).unwrap();
        assert_eq!(filled, json!({"text": "\", \"admin\": true, \"x\": \"\n<!channel>"}));
    }

    #[test]
    fn lists_become_lists() {
        let values = json!({"items": [{"a": "1"}, {"a": "2"}], "none": null});
        let template = r#"{"all": [{% for item in items %}{"a": {{ item.a }}}
            {{ "," if not loop.last }}{% endfor %}]}"#;
        // A comma is a text, and texts get quotes: separators stand outside of expressions.
        assert!(fill_json(template, &values).is_err());
        let template = r#"{"all": [{% for item in items %}{% if not loop.first %},{% endif %}
            {"a": {{ item.a }}}{% endfor %}], "none": {{ none }}}"#;
        let filled = fill_json(template, &values).unwrap();
        assert_eq!(filled, json!({"all": [{"a": "1"}, {"a": "2"}], "none": null}));
    }

    #[test]
    fn a_value_cannot_leave_its_part_of_an_address() {
        let values = json!({
            "settings": {"url": "https://a.example/base/", "key": "../x?y=z#@evil.example/"},
            "id": "日本",
        });
        let filled = |template: &str| fill_url(template, &values, &["url"]).unwrap();
        assert_eq!(
            filled("{{ settings.url }}/v2/{{ settings.key }}"),
            "https://a.example/base/v2/..%2Fx%3Fy%3Dz%23%40evil.example%2F"
        );
        assert_eq!(filled("https://b.example/{{ id }}"), "https://b.example/%E6%97%A5%E6%9C%AC");
    }

    #[test]
    fn a_name_that_is_not_there_is_an_error_with_its_line() {
        let error = fill_text("a\n{{ nothing.at.all }}", &json!({})).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
        assert!(fill_json("{{ x ", &json!({})).is_err());
        assert!(fill_json("not json", &json!({})).is_err());
    }
}
