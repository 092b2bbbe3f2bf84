//! Reads the key of a line: field and modifiers, and which modifiers go together.
//! What they do to values is `values.rs`.

use crate::problem::{Place, Problem};
use crate::rule::{FieldPlace, Operator};
use crate::text::encode::Utf16;
use crate::text::time::TimePart;

/// A key as `User|contains|all`.
#[derive(Clone, Debug, Default)]
pub(super) struct Key {
    /// `None` for keywords.
    pub(super) field: Option<String>,
    /// What happens to each value, in the order written.
    pub(super) steps: Vec<Step>,
    /// What kind of test the value becomes.
    pub(super) kind: TestKind,
    /// Where it must stand.
    pub(super) place: Option<FieldPlace>,
    pub(super) all: bool,
    pub(super) negated: bool,
    pub(super) cased: bool,
    pub(super) expand: bool,
    pub(super) time: Option<TimePart>,
}

/// A change to a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Dashes,
    Utf16(Utf16),
    Base64,
    Base64Offset,
}

/// What kind of test a value becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TestKind {
    #[default]
    Value,
    Expression {
        insensitive: bool,
        lines: bool,
        dot_all: bool,
    },
    Cidr,
    Exists,
    Field,
    Compare(Operator),
}

/// Reads a key.
///
/// # Errors
/// A modifier that Sigma does not know, or two that do not go together.
pub(super) fn read(written: &str, place: Place) -> Result<Key, Problem> {
    let mut names = written.split('|');
    let field = names.next().unwrap_or_default();
    let mut key = Key::default();
    if !field.is_empty() {
        key.field = Some(field.to_owned());
    }
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        let fault = |message: String| Problem::error(place, message);
        if seen.contains(&name) {
            return Err(fault(format!("the modifier `{name}` is repeated")));
        }
        add(&mut key, name, &seen).map_err(fault)?;
        seen.push(name);
    }
    check(&key, written).map_err(|message| Problem::error(place, message))?;
    Ok(key)
}

fn add(key: &mut Key, name: &str, before: &[&str]) -> Result<(), String> {
    if let Some(step) = step(name) {
        // Public rules write `contains|windash` as well; only encodings need a bare text.
        if key.place.is_some() && step != Step::Dashes {
            return Err(format!("`{name}` must stand before `contains` and its like"));
        }
        key.steps.push(step);
        return Ok(());
    }
    if let Some(part) = time_part(name) {
        if key.time.replace(part).is_some() {
            return Err("a value has one calendar part".to_owned());
        }
        return Ok(());
    }
    match name {
        "all" => key.all = true,
        "cased" => key.cased = true,
        "expand" => key.expand = true,
        "neq" => key.negated = true,
        "contains" => set_place(key, FieldPlace::Within)?,
        "startswith" => set_place(key, FieldPlace::Start)?,
        "endswith" => set_place(key, FieldPlace::End)?,
        "re" => {
            let plain = TestKind::Expression { insensitive: false, lines: false, dot_all: false };
            set_kind(key, plain)?;
        }
        "cidr" => set_kind(key, TestKind::Cidr)?,
        "exists" => set_kind(key, TestKind::Exists)?,
        "fieldref" => set_kind(key, TestKind::Field)?,
        "gt" | "gte" | "lt" | "lte" => {
            let operator = Operator::read(name).ok_or_else(String::new)?;
            set_kind(key, TestKind::Compare(operator))?;
        }
        "i" | "ignorecase" | "m" | "multiline" | "s" | "dotall" => flag(key, name, before)?,
        "" => return Err("a modifier is missing behind `|`".to_owned()),
        other => return Err(format!("`{other}` is not a modifier of Sigma")),
    }
    Ok(())
}

fn step(name: &str) -> Option<Step> {
    Some(match name {
        "windash" => Step::Dashes,
        "wide" | "utf16le" => Step::Utf16(Utf16::Little),
        "utf16be" => Step::Utf16(Utf16::Big),
        "utf16" => Step::Utf16(Utf16::Marked),
        "base64" => Step::Base64,
        "base64offset" => Step::Base64Offset,
        _ => return None,
    })
}

fn time_part(name: &str) -> Option<TimePart> {
    Some(match name {
        "minute" => TimePart::Minute,
        "hour" => TimePart::Hour,
        "day" => TimePart::Day,
        "week" => TimePart::Week,
        "month" => TimePart::Month,
        "year" => TimePart::Year,
        _ => return None,
    })
}

fn set_place(key: &mut Key, place: FieldPlace) -> Result<(), String> {
    match key.place.replace(place) {
        None => Ok(()),
        Some(_) => Err("only one of `contains`, `startswith` and `endswith` can hold".to_owned()),
    }
}

fn set_kind(key: &mut Key, kind: TestKind) -> Result<(), String> {
    if key.kind != TestKind::Value {
        return Err("these modifiers ask for two kinds of test at once".to_owned());
    }
    key.kind = kind;
    Ok(())
}

fn flag(key: &mut Key, name: &str, before: &[&str]) -> Result<(), String> {
    let TestKind::Expression { insensitive, lines, dot_all } = &mut key.kind else {
        return Err(format!("`{name}` has a meaning only behind `re`"));
    };
    debug_assert!(before.contains(&"re"), "the kind was set by `re`");
    match name {
        "i" | "ignorecase" => *insensitive = true,
        "m" | "multiline" => *lines = true,
        _ => *dot_all = true,
    }
    Ok(())
}

/// What does not go together.
fn check(key: &Key, written: &str) -> Result<(), String> {
    let together = |present: bool, why: &str| match present {
        true => Err(format!("`{written}`: {why}")),
        false => Ok(()),
    };
    let textual = key.kind == TestKind::Value;
    let plain_value = textual && key.time.is_none();
    together(!key.steps.is_empty() && !plain_value, "encodings apply to texts only")?;
    let placed = key.place.is_some();
    together(
        placed && !(plain_value || key.kind == TestKind::Field),
        "`contains` and its like apply to texts only",
    )?;
    together(
        key.cased && !(plain_value || key.kind == TestKind::Field),
        "`cased` applies to texts only",
    )?;
    together(
        key.expand && !(plain_value || key.kind == TestKind::Cidr),
        "`expand` applies to texts and address ranges only",
    )?;
    together(key.all && key.kind == TestKind::Exists, "`exists` has one value")?;
    together(key.negated && key.kind == TestKind::Exists, "`exists: false` says that")?;
    together(key.negated && key.all, "`neq` already means none of the values")?;
    together(
        key.negated && matches!(key.kind, TestKind::Compare(_)),
        "`neq` is a comparison of its own",
    )?;
    let comparable = textual || matches!(key.kind, TestKind::Compare(_));
    together(key.time.is_some() && !comparable, "calendar parts are compared as numbers")?;
    let keyword = key.field.is_none();
    let ordinary = matches!(key.kind, TestKind::Value | TestKind::Expression { .. });
    together(
        keyword && (!ordinary || key.time.is_some() || key.negated),
        "keywords are texts, without a field there is nothing to compare",
    )?;
    together(
        keyword && matches!(key.place, Some(FieldPlace::Start | FieldPlace::End)),
        "keywords are sought anywhere in a value",
    )
}
