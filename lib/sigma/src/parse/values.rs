//! Applies modifiers to the values of a line, which gives its tests.
//! Which modifiers go together was checked in `modifier.rs`.

use super::modifier::{Key, Step, TestKind};
use crate::number::Number;
use crate::problem::Problem;
use crate::rule::{FieldPlace, Operator, Test, TextTest};
use crate::text::cidr::Cidr;
use crate::text::encode;
use crate::text::pattern::{Part, Pattern};
use crate::text::regexp::{self, Expression};
use crate::yaml::{Kind, Node};

/// Texts that one value may become by `windash` before an encoding.
const TEXTS_MAX: usize = 25;

/// The tests of one value: several where a modifier spreads it.
///
/// # Errors
/// A value that the modifiers do not go with.
pub(super) fn tests(key: &Key, value: &Node) -> Result<Vec<Test>, Problem> {
    let fault = |message: String| Problem::error(value.place, message);
    match key.kind {
        TestKind::Value if key.time.is_none() => plain(key, value).map_err(fault),
        TestKind::Value => {
            let number = number(value).map_err(fault)?;
            let test = key.time.map(|part| Test::Time(part, Operator::Equal, number));
            Ok(test.into_iter().collect())
        }
        TestKind::Compare(operator) => {
            let number = number(value).map_err(fault)?;
            Ok(vec![match key.time {
                Some(part) => Test::Time(part, operator, number),
                None => Test::Compare(operator, number),
            }])
        }
        TestKind::Exists => match value.kind {
            Kind::Boolean(there) => Ok(vec![Test::Exists(there)]),
            _ => Err(fault(format!("`exists` wants true or false, not {}", value.what()))),
        },
        TestKind::Expression { insensitive, lines, dot_all } => {
            let source = text(value, "re").map_err(fault)?;
            let expression = Expression { source, insensitive, lines, dot_all };
            regexp::compile(&expression).map_err(fault)?;
            Ok(vec![Test::Expression(expression)])
        }
        TestKind::Cidr => cidr(key, value).map_err(fault).map(|test| vec![test]),
        TestKind::Field => {
            let name = text(value, "fieldref").map_err(fault)?;
            let place = key.place.unwrap_or(FieldPlace::Whole);
            Ok(vec![Test::Field { name, place, cased: key.cased }])
        }
    }
}

fn text(value: &Node, modifier: &str) -> Result<String, String> {
    match &value.kind {
        Kind::Text(text) => Ok(text.clone()),
        Kind::Number(number) => Ok(number.text.clone()),
        _ => Err(format!("`{modifier}` wants a text, not {}", value.what())),
    }
}

fn number(value: &Node) -> Result<Number, String> {
    match &value.kind {
        Kind::Number(number) => Ok(number.clone()),
        // `gt: '10'` says a number all the same.
        Kind::Text(text) => crate::number::Numeric::read(text)
            .map(|value| Number { text: text.clone(), value })
            .ok_or_else(|| format!("a number is wanted here, not `{text}`")),
        _ => Err(format!("a number is wanted here, not {}", value.what())),
    }
}

fn cidr(key: &Key, value: &Node) -> Result<Test, String> {
    let text = text(value, "cidr")?;
    if !key.expand {
        return Cidr::read(&text).map(Test::Cidr);
    }
    match Pattern::read_with_placeholders(&text).parts.as_slice() {
        [Part::Placeholder(name)] => Ok(Test::CidrPlaceholder(name.clone())),
        _ => Err("under `cidr` a placeholder is the whole value".to_owned()),
    }
}

fn plain(key: &Key, value: &Node) -> Result<Vec<Test>, String> {
    let changed = !key.steps.is_empty() || key.place.is_some() || key.field.is_none();
    let text = match &value.kind {
        Kind::Null if changed || key.cased || key.expand => {
            return Err("null is no text for these modifiers".to_owned());
        }
        Kind::Null => return Ok(vec![Test::Null]),
        Kind::Number(number) if !changed => return Ok(vec![Test::Number(number.clone())]),
        Kind::Number(number) => number.text.clone(),
        Kind::Boolean(value) => value.to_string(),
        Kind::Text(text) => text.clone(),
        Kind::List(_) | Kind::Map(_) => {
            return Err(format!("a value is wanted here, not {}", value.what()));
        }
    };
    let read = if key.expand { Pattern::read_with_placeholders } else { Pattern::read };
    let pattern = read(&text);
    let patterns = encoded(pattern, &key.steps)?;
    let place = if key.field.is_none() { Some(FieldPlace::Within) } else { key.place };
    let cased = key.cased;
    let tests = patterns.into_iter().map(|mut pattern| {
        if matches!(place, Some(FieldPlace::Within | FieldPlace::End)) {
            pattern.open_start();
        }
        if matches!(place, Some(FieldPlace::Within | FieldPlace::Start)) {
            pattern.open_end();
        }
        Test::Text(TextTest { pattern, cased })
    });
    Ok(tests.collect())
}

/// A value on its way through the encodings.
enum Form {
    Pattern(Pattern),
    Bytes(Vec<u8>),
}

fn encoded(pattern: Pattern, steps: &[Step]) -> Result<Vec<Pattern>, String> {
    let mut forms = vec![Form::Pattern(pattern)];
    for step in steps {
        let mut next = Vec::with_capacity(forms.len());
        for form in forms {
            take(form, *step, &mut next)?;
        }
        forms = next;
    }
    forms
        .into_iter()
        .map(|form| match form {
            Form::Pattern(pattern) => Ok(pattern),
            Form::Bytes(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Pattern::plain(&text)),
                Err(_) => {
                    Err("the encoded value is no text; add `base64` or `base64offset`".to_owned())
                }
            },
        })
        .collect()
}

fn take(form: Form, step: Step, next: &mut Vec<Form>) -> Result<(), String> {
    let pattern = match (form, step) {
        (Form::Pattern(pattern), Step::Dashes) => {
            next.push(Form::Pattern(encode::spread_dashes(&pattern)));
            return Ok(());
        }
        (Form::Bytes(_), Step::Dashes | Step::Utf16(_)) => {
            return Err("this encoding wants a text, and the value is encoded already".to_owned());
        }
        (Form::Bytes(bytes), Step::Base64 | Step::Base64Offset) => {
            base64(&bytes, step, next);
            return Ok(());
        }
        (Form::Pattern(pattern), Step::Utf16(_) | Step::Base64 | Step::Base64Offset) => pattern,
    };
    let texts = encode::plain_texts(&pattern, TEXTS_MAX).ok_or_else(|| {
        "a value with wildcards, placeholders or many dashes cannot be encoded".to_owned()
    })?;
    for text in texts {
        match step {
            Step::Utf16(form) => next.push(Form::Bytes(encode::utf16(&text, form))),
            _ => base64(text.as_bytes(), step, next),
        }
    }
    Ok(())
}

fn base64(bytes: &[u8], step: Step, next: &mut Vec<Form>) {
    let texts = match step {
        Step::Base64Offset => encode::base64_offsets(bytes),
        _ => vec![encode::base64(bytes)],
    };
    next.extend(texts.iter().map(|text| Form::Pattern(Pattern::plain(text))));
}
