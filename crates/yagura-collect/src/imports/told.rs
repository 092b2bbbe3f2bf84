//! Reading what a product tells out of JSON: texts, times, numbers and lists, of which any may be
//! missing or of another type. What they mean is known by the module of the product.

use jiff::Timestamp;
use serde_json::Value;
use yagura_model::finding::{FindingKind, FindingSuppression};
use yagura_model::imported::{
    Imported, ImportedResource, ImportedState, OwnIdentity, RAW_BYTES_MAX, RESOURCES_MAX, Remedy,
    TEXT_CHARS_MAX, TITLE_CHARS_MAX,
};
use yagura_model::{GLOBAL_REGION, Lang, Severity};

use super::keys;

/// Why a record is no finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadFinding {
    /// It is no JSON object.
    NotAnObject,
    /// A member without which it says nothing is missing or of another type.
    Missing(&'static str),
    /// It is of a format or class that is not read.
    Unknown(String),
    /// It cannot be told apart from the rest of a damaged file.
    Damaged(String),
}

impl BadFinding {
    /// One line for a person.
    pub fn text(&self, lang: Lang) -> String {
        match (lang, self) {
            (Lang::En, Self::NotAnObject) => "is no JSON object".to_owned(),
            (Lang::Ja, Self::NotAnObject) => "JSON オブジェクトではありません".to_owned(),
            (Lang::En, Self::Missing(name)) => format!("has no usable `{name}`"),
            (Lang::Ja, Self::Missing(name)) => format!("使用できる `{name}` がありません"),
            (Lang::En, Self::Unknown(what)) => format!("is of no known format (`{what}`)"),
            (Lang::Ja, Self::Unknown(what)) => format!("未対応の形式です（`{what}`）"),
            (Lang::En, Self::Damaged(why)) => format!("is damaged: {why}"),
            (Lang::Ja, Self::Damaged(why)) => format!("壊れています: {why}"),
        }
    }
}

/// The text at a JSON pointer; none where it is missing, of another type, or blank.
pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// The first text among several places.
pub(super) fn first_text<'v>(value: &'v Value, pointers: &[&str]) -> Option<&'v str> {
    pointers.iter().find_map(|pointer| text(value, pointer))
}

/// The elements of the list at a pointer; none where there is no list.
pub(super) fn list<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// The texts of the list at a pointer.
pub(super) fn texts<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v str> {
    list(value, pointer).filter_map(Value::as_str).filter(|text| !text.is_empty())
}

/// A time at a pointer, in microseconds since 1970: a text of RFC 3339, or a number of seconds or
/// milliseconds (a number of seconds of this century has ten digits, of milliseconds thirteen).
pub(super) fn time_us(value: &Value, pointer: &str) -> Option<i64> {
    match value.pointer(pointer)? {
        Value::String(text) => time_of(text),
        Value::Number(number) => {
            let number = number.as_f64().filter(|number| (0.0..1e17).contains(number))?;
            let us = match number {
                n if n < 1e11 => n * 1e6,
                n if n < 1e14 => n * 1e3,
                n => n,
            };
            #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
            Some(us.round() as i64)
        }
        _ => None,
    }
}

/// A time in words, in microseconds since 1970. A time without a zone is taken for UTC.
pub(super) fn time_of(text: &str) -> Option<i64> {
    let text = text.trim();
    let time = text.parse::<Timestamp>().ok().or_else(|| {
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })?;
    Some(time.as_microsecond())
}

/// A number at a pointer, be it a number or a text of one.
pub(super) fn number(value: &Value, pointer: &str) -> Option<f64> {
    match value.pointer(pointer)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A count at a pointer, at least 1.
pub(super) fn count(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(1).max(1)
}

/// Twelve digits, or nothing.
pub(super) fn account(text: Option<&str>) -> Option<&str> {
    text.filter(|text| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A text cut to what is kept of it.
pub(super) fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// A severity by one of the words that products share, in any case.
pub(super) fn severity_word(word: &str) -> Option<Severity> {
    Some(match word.to_ascii_lowercase().as_str() {
        "informational" | "info" | "none" => Severity::Informational,
        "low" => Severity::Low,
        "medium" | "moderate" => Severity::Medium,
        "high" | "important" => Severity::High,
        "critical" | "fatal" => Severity::Critical,
        _ => return None,
    })
}

/// An ATT&CK technique as Sigma tags write it: `T1110.001` becomes `attack.t1110.001`.
pub(super) fn attack_tag(technique: &str) -> Option<String> {
    let begin = technique.split([' ', ':', '/', '-']).next()?.to_ascii_lowercase();
    let digits = begin.strip_prefix('t')?;
    let shaped = digits.len() >= 4 && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    shaped.then(|| format!("attack.{begin}"))
}

/// What every finding has, before it is brought into bounds.
pub(super) struct Draft<'v> {
    pub(super) product: &'v str,
    pub(super) original: &'v str,
    pub(super) type_name: &'v str,
    pub(super) title: &'v str,
    pub(super) description: &'v str,
    pub(super) severity: Severity,
    pub(super) severity_said: String,
    pub(super) account: &'v str,
    pub(super) region: &'v str,
    pub(super) resources: Vec<ImportedResource>,
    pub(super) first_us: Option<i64>,
    pub(super) last_us: Option<i64>,
    pub(super) updated_us: Option<i64>,
    pub(super) state: ImportedState,
    pub(super) raw: &'v Value,
}

impl Draft<'_> {
    /// The finding, within bounds; what only some products tell is left empty. A finding without a
    /// resource is about its account.
    pub(super) fn finish(self) -> Imported {
        let known = [self.last_us, self.updated_us, self.first_us];
        let updated_us = known.into_iter().flatten().max().unwrap_or(0);
        let last_us = self.last_us.or(self.updated_us).or(self.first_us).unwrap_or(0);
        let first_us = self.first_us.unwrap_or(last_us).min(last_us);
        let mut resources = self.resources;
        resources.retain(|resource| !resource.key.is_empty());
        if resources.is_empty() && !self.account.is_empty() {
            resources.push(keys::of_account(self.account));
        }
        resources.truncate(RESOURCES_MAX);
        let region = if self.region.is_empty() { GLOBAL_REGION } else { self.region };
        let title = if self.title.is_empty() { self.type_name } else { self.title };
        Imported {
            product: self.product.to_owned(),
            original: cut(self.original, TEXT_CHARS_MAX),
            type_name: cut(self.type_name, TITLE_CHARS_MAX),
            distinction: String::new(),
            title: cut(title, TITLE_CHARS_MAX),
            description: cut(self.description, TEXT_CHARS_MAX),
            severity: self.severity,
            severity_said: cut(&self.severity_said, 64),
            account: self.account.to_owned(),
            region: region.to_owned(),
            resources,
            actor: None,
            address: None,
            first_us,
            last_us,
            updated_us: self.updated_us.unwrap_or(updated_us),
            occurrences: 1,
            state: self.state,
            checks: Vec::new(),
            requirements: Vec::new(),
            attacks: Vec::new(),
            vulnerabilities: Vec::new(),
            remedy: None,
            own: None,
            raw: bounded(self.raw),
        }
    }
}

/// The identity of a finding that Yagura wrote, from what it wrote beside it; `named` reads one of
/// the members. See `yagura-report`, `findings/own.rs`.
pub(super) fn own<'v>(
    named: impl Fn(&str) -> Option<&'v str>,
    content: Option<&str>,
    key: Option<&str>,
) -> Option<OwnIdentity> {
    let kind = named("kind").unwrap_or("control").parse::<FindingKind>().ok()?;
    let suppression = || {
        Some(FindingSuppression {
            until_us: time_of(named("suppressed_until")?)?,
            owner: named("suppressed_by")?.to_owned(),
            reason: named("suppressed_reason")?.to_owned(),
        })
    };
    Some(OwnIdentity {
        kind,
        content: named("content").or(content)?.to_owned(),
        key: named("key").or(key)?.to_owned(),
        sub_key: named("sub_key").unwrap_or_default().to_owned(),
        suppression: suppression(),
    })
}

/// A remedy within bounds; none where nothing is said.
pub(super) fn remedy(text: Option<&str>, url: Option<&str>) -> Option<Remedy> {
    let url = url.filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    (text.is_some() || url.is_some()).then(|| Remedy {
        text: cut(text.unwrap_or_default(), TEXT_CHARS_MAX),
        url: url.map(|url| cut(url, TEXT_CHARS_MAX)),
    })
}

fn bounded(raw: &Value) -> Value {
    let bytes = raw.to_string().len();
    if bytes <= RAW_BYTES_MAX {
        return raw.clone();
    }
    Value::String(format!("{bytes} bytes: more than {RAW_BYTES_MAX} are not kept"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_however_they_are_written() {
        let check = |value: Value, us: Option<i64>| {
            assert_eq!(time_us(&json!({"t": value}), "/t"), us, "{value}");
        };
        check(json!("2026-11-22T00:00:00Z"), Some(1_795_305_600_000_000));
        check(json!("2026-11-22T09:00:00+09:00"), Some(1_795_305_600_000_000));
        check(json!("2026-11-22 00:00:00.5"), Some(1_795_305_600_500_000));
        check(json!(1_795_305_600), Some(1_795_305_600_000_000));
        check(json!(1_795_305_600_000_i64), Some(1_795_305_600_000_000));
        check(json!(-5), None);
        check(json!("yesterday"), None);
        check(json!([]), None);
    }

    #[test]
    fn an_original_that_is_too_large_leaves_a_note() {
        let large = json!({"a": "x".repeat(RAW_BYTES_MAX)});
        assert!(bounded(&large).is_string());
        assert_eq!(bounded(&json!({"a": 1})), json!({"a": 1}));
    }

    #[test]
    fn only_web_addresses_are_links() {
        assert_eq!(remedy(None, Some("javascript:alert(1)")), None);
        assert_eq!(remedy(Some("do"), Some("file:///x")).unwrap().url, None);
    }
}
