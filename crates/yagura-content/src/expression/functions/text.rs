//! Functions on texts: tests, cutting and joining, conversions and decoders.
//! Patterns that are constant are compiled with the expression, see `lower.rs`.

use base64::Engine as _;
use serde_json::Value;

use super::mismatch;
use crate::expression::evaluate::Machine;
use crate::expression::value::{ListBuilder, Val};

/// Bytes a text may grow to.
const TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of a compiled pattern.
pub(crate) const PATTERN_BYTES_MAX: usize = 256 * 1024;
/// Rows of a table.
const ROWS_MAX: usize = 1_000_000;

/// A text made of a text.
pub(super) fn map_text<'a>(
    machine: &mut Machine<'_, 'a>,
    x: &Val<'a>,
    function: &str,
    make: impl Fn(&str) -> String,
) -> Val<'a> {
    match x.as_text() {
        Some(text) => match machine.spend(text.len() / 32) {
            Ok(()) => Val::Text(make(text).into()),
            Err(exhausted) => exhausted,
        },
        None => mismatch(function, x),
    }
}

/// A question about two texts.
pub(super) fn test<'a>(
    x: &Val<'a>,
    y: &Val<'a>,
    function: &str,
    ask: impl Fn(&str, &str) -> bool,
) -> Val<'a> {
    match (x.as_text(), y.as_text()) {
        (Some(text), Some(part)) => Val::Bool(ask(text, part)),
        (None, _) => mismatch(function, x),
        (_, None) => mismatch(function, y),
    }
}

/// Whether a text contains a text, or a list an element.
pub(super) fn contains<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>, y: &Val<'a>) -> Val<'a> {
    match x.as_text() {
        None if matches!(x, Val::Array(..) | Val::List(_)) => machine.is_in(y, x),
        None => mismatch("contains", x),
        Some(text) => match machine.spend(text.len() / 64) {
            Ok(()) => test(x, y, "contains", |text, part| text.contains(part)),
            Err(exhausted) => exhausted,
        },
    }
}

/// `matches` with a pattern that is computed.
pub(super) fn matches<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>, y: &Val<'a>) -> Val<'a> {
    let Some(pattern) = y.as_text() else { return mismatch("matches", y) };
    if let Err(exhausted) = machine.spend(1_000 + pattern.len()) {
        return exhausted;
    }
    match pattern_of(pattern) {
        Ok(pattern) => machine.matches(x, &pattern),
        Err(_) => Val::problem("`matches` got a pattern that cannot be compiled"),
    }
}

/// Compiles a pattern within the size limit.
pub(crate) fn pattern_of(pattern: &str) -> Result<regex::Regex, regex::Error> {
    regex::RegexBuilder::new(pattern)
        .size_limit(PATTERN_BYTES_MAX)
        .dfa_size_limit(PATTERN_BYTES_MAX)
        .nest_limit(50)
        .build()
}

/// A number, or a text of digits, as an integer; a fraction is cut off.
pub(super) fn int<'a>(x: &Val<'a>) -> Val<'a> {
    match x {
        Val::Int(value) => Val::Int(*value),
        Val::Time(time) => Val::Int(time.as_second()),
        Val::Double(value) => cut(*value),
        other => match other.as_text() {
            Some(text) => match text.trim().parse() {
                Ok(value) => Val::Int(value),
                Err(_) => Val::problem("`int` got a text that is no whole number"),
            },
            None => mismatch("int", x),
        },
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn cut<'a>(value: f64) -> Val<'a> {
    if value.abs() < 9.0e18 {
        Val::Int(value as i64)
    } else {
        Val::problem("`int` got a number that is too large")
    }
}

/// A number, or a text of one, as a double.
#[expect(clippy::cast_precision_loss, reason = "what a double is")]
pub(super) fn double<'a>(x: &Val<'a>) -> Val<'a> {
    match x {
        Val::Int(value) => Val::Double(*value as f64),
        Val::Double(value) => Val::Double(*value),
        other => match other.as_text().map(|text| text.trim().parse::<f64>()) {
            Some(Ok(value)) if value.is_finite() => Val::Double(value),
            Some(_) => Val::problem("`double` got a text that is no number"),
            None => mismatch("double", x),
        },
    }
}

/// A scalar as text.
pub(super) fn string<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>) -> Val<'a> {
    match x {
        Val::Str(_) | Val::Text(_) => x.clone(),
        Val::Bool(value) => Val::Str(if *value { "true" } else { "false" }),
        Val::Int(value) => Val::Text(value.to_string().into()),
        Val::Double(value) => Val::Text(value.to_string().into()),
        Val::Time(time) => Val::Text(time.to_string().into()),
        Val::Span(span) => Val::Text(span.to_string().into()),
        // The text of a document, as `json` reads it.
        other => match crate::expression::json::to_json(other) {
            Err(why) => Val::Unknown(why),
            Ok(value) => {
                let text = value.unwrap_or(Value::Null).to_string();
                match machine.spend(text.len() / 8) {
                    Ok(()) => Val::Text(text.into()),
                    Err(exhausted) => exhausted,
                }
            }
        },
    }
}

/// `true` and `false`, also as text.
pub(super) fn bool<'a>(x: &Val<'a>) -> Val<'a> {
    match x {
        Val::Bool(value) => Val::Bool(*value),
        other => match other.as_text() {
            Some(text) if text.eq_ignore_ascii_case("true") => Val::Bool(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Val::Bool(false),
            Some(_) => Val::problem("`bool` got a text that is neither `true` nor `false`"),
            None => mismatch("bool", x),
        },
    }
}

/// The parts of a text between separators.
pub(super) fn split<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>, y: &Val<'a>) -> Val<'a> {
    let (Some(text), Some(separator)) = (x.as_text(), y.as_text()) else {
        return mismatch("split", if x.as_text().is_none() { x } else { y });
    };
    if separator.is_empty() {
        return Val::problem("`split` got an empty separator");
    }
    if let Err(exhausted) = machine.spend(text.len()) {
        return exhausted;
    }
    if let Val::Str(text) = x {
        return Val::list(text.split(separator).map(Val::Str).collect());
    }
    Val::list(text.split(separator).map(|part| Val::Text(part.into())).collect())
}

/// A text with every occurrence of a part replaced.
pub(super) fn replace<'a>(
    machine: &mut Machine<'_, 'a>,
    x: &Val<'a>,
    y: &Val<'a>,
    z: &Val<'a>,
) -> Val<'a> {
    let (Some(text), Some(from), Some(to)) = (x.as_text(), y.as_text(), z.as_text()) else {
        return Val::problem("`replace` works with three strings");
    };
    if from.is_empty() {
        return Val::problem("`replace` got an empty text to look for");
    }
    let size = text.len() + text.matches(from).count().saturating_mul(to.len());
    if size > TEXT_BYTES_MAX {
        return Val::problem("`replace` would make a text of more than 16 MiB");
    }
    match machine.spend(size / 16) {
        Ok(()) => Val::Text(text.replace(from, to).into()),
        Err(exhausted) => exhausted,
    }
}

/// A JSON text as a value.
pub(super) fn json<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>) -> Val<'a> {
    let text = match x {
        // Already parsed, as some services answer.
        Val::Object(..) | Val::Array(..) | Val::Map(_) | Val::List(_) => return x.clone(),
        other => match other.as_text() {
            Some(text) => text,
            None => return mismatch("json", x),
        },
    };
    if let Err(exhausted) = machine.spend(text.len() / 4) {
        return exhausted;
    }
    serde_json::from_str(text)
        .map_or_else(|_| Val::problem("`json` got a text that is not JSON"), Val::owned)
}

/// A percent-encoded text, as IAM returns policy documents.
pub(super) fn url_decode<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>) -> Val<'a> {
    let Some(text) = x.as_text() else { return mismatch("url_decode", x) };
    if let Err(exhausted) = machine.spend(text.len() / 16) {
        return exhausted;
    }
    percent_encoding::percent_decode_str(text).decode_utf8().map_or_else(
        |_| Val::problem("`url_decode` got a text that is not UTF-8"),
        |text| Val::Text(text.into()),
    )
}

/// Base64 of a text.
pub(super) fn base64_decode<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>) -> Val<'a> {
    let Some(text) = x.as_text() else { return mismatch("base64_decode", x) };
    if let Err(exhausted) = machine.spend(text.len() / 16) {
        return exhausted;
    }
    base64::engine::general_purpose::STANDARD
        .decode(text.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map_or_else(
            || Val::problem("`base64_decode` got what is not base64 of a text"),
            |text| Val::Text(text.into()),
        )
}

/// A table with a header as a list of maps; every value is a text.
pub(super) fn csv<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>) -> Val<'a> {
    let Some(text) = x.as_text() else { return mismatch("csv", x) };
    if let Err(exhausted) = machine.spend(text.len()) {
        return exhausted;
    }
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let Ok(header) = reader.headers().cloned() else {
        return Val::problem("`csv` got a text that is no table");
    };
    let header: Vec<Val<'a>> = header.iter().map(|name| Val::Text(name.into())).collect();
    let mut rows = ListBuilder::default();
    for row in reader.records().take(ROWS_MAX) {
        let Ok(row) = row else { return Val::problem("`csv` got a row of another length") };
        rows.push(Val::map(
            header.iter().cloned().zip(row.iter().map(|cell| Val::Text(cell.into()))),
        ));
    }
    rows.finish()
}

/// The parts of an ARN as `{partition, service, region, account, resource}`; empty parts are
/// left out. What is no ARN is absent, since AWS writes `*` or a name in the same place.
pub(super) fn arn<'a>(x: &Val<'a>) -> Val<'a> {
    let Some(text) = x.as_text() else { return mismatch("arn", x) };
    let Ok(arn) = text.parse::<yagura_model::Arn>() else { return Val::Absent };
    let parts = [
        ("partition", arn.partition),
        ("service", arn.service),
        ("region", arn.region),
        ("account", arn.account),
        ("resource", arn.resource),
    ];
    Val::map(
        parts
            .into_iter()
            .filter(|(_, part)| !part.is_empty())
            .map(|(name, part)| (Val::Str(name), Val::Text(part.into()))),
    )
}
