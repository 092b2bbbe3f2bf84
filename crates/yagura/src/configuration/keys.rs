//! Keys of the file with their values, and whether a flag can take a value.
//! Which keys there may be is asked of the command line in `check`.

use std::ops::Range;

use clap::{Arg, ArgAction, Command};
use toml::Spanned;
use toml::de::DeValue;

/// One key of the file that is a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// The command whose table it stands in.
    pub(crate) table: Option<String>,
    /// The setting.
    pub(crate) name: String,
    /// What it is set to.
    pub(crate) value: Value,
    /// Where the key is, in bytes.
    pub(crate) span: Range<usize>,
    /// Where the value is.
    pub(crate) value_span: Range<usize>,
}

/// What a setting can be set to in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Truth(bool),
    One(String),
    Many(Vec<String>),
}

impl Value {
    /// Reads a value of TOML; the words name what it is where no setting can be that.
    pub(super) fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, &'static str> {
        match value.get_ref() {
            DeValue::Boolean(truth) => Ok(Self::Truth(*truth)),
            DeValue::Array(list) => {
                let one = |value: &Spanned<DeValue<'_>>| match Self::read(value)? {
                    Self::One(text) => Ok(text),
                    Self::Truth(_) => Err("a list of truth values"),
                    Self::Many(_) => Err("a list of lists"),
                };
                list.iter().map(one).collect::<Result<_, _>>().map(Self::Many)
            }
            DeValue::String(text) => Ok(Self::One(text.clone().into_owned())),
            DeValue::Integer(number) => Ok(Self::One(decimal(number))),
            DeValue::Float(number) => Ok(Self::One(number.as_str().to_owned())),
            DeValue::Datetime(_) => Err("a date (write it in quotes)"),
            DeValue::Table(_) => Err("a table"),
        }
    }

    /// As flags take them.
    pub(crate) fn texts(&self) -> Vec<String> {
        match self {
            Self::Truth(truth) => vec![truth.to_string()],
            Self::One(text) => vec![text.clone()],
            Self::Many(texts) => texts.clone(),
        }
    }
}

/// A number as flags read it, however the file wrote it (`1_000`, `0x1f`).
fn decimal(number: &toml::de::DeInteger<'_>) -> String {
    let text = number.as_str();
    match i128::from_str_radix(text, number.radix()) {
        Ok(value) => value.to_string(),
        Err(_) => text.to_owned(),
    }
}

/// What a flag takes.
enum Takes {
    Truth,
    One,
    Many,
}

fn takes(argument: &Arg) -> Takes {
    match argument.get_action() {
        ArgAction::SetTrue | ArgAction::SetFalse => Takes::Truth,
        ArgAction::Append => Takes::Many,
        _ if argument.get_value_delimiter().is_some() => Takes::Many,
        _ if argument.get_num_args().is_some_and(|range| range.max_values() > 1) => Takes::Many,
        _ => Takes::One,
    }
}

/// Whether a flag can take a value; else what it takes.
///
/// # Errors
/// What is wrong, in lower case and without the value.
pub(super) fn accepts(argument: &Arg, value: &Value) -> Result<(), String> {
    let wrong_kind = |wanted: &str| Err(format!("must be {wanted}"));
    match (takes(argument), value) {
        (Takes::Truth, Value::Truth(_)) => return Ok(()),
        (Takes::Truth, _) => return wrong_kind("true or false"),
        (Takes::One, Value::Many(_)) => return wrong_kind("one value, not a list"),
        (Takes::One, Value::Truth(_)) if !takes_truth_by_word(argument) => {
            return wrong_kind("a text or a number, not a truth value");
        }
        (Takes::Many, Value::Truth(_)) => return wrong_kind("a list of texts"),
        _ => {}
    }
    value.texts().iter().try_for_each(|text| takes_text(argument, text))
}

fn takes_truth_by_word(argument: &Arg) -> bool {
    argument.get_possible_values().iter().any(|value| value.get_name() == "true")
}

/// Asks the flag's own parser, in a command of its own: nothing else of the flag matters here.
fn takes_text(argument: &Arg, text: &str) -> Result<(), String> {
    let mut alone = Arg::new("value")
        .long("value")
        .action(ArgAction::Append)
        .value_parser(argument.get_value_parser().clone());
    if let Some(delimiter) = argument.get_value_delimiter() {
        alone = alone.value_delimiter(delimiter);
    }
    let command = Command::new("probe").no_binary_name(true).arg(alone);
    let Err(error) = command.try_get_matches_from([format!("--value={text}")]) else {
        return Ok(());
    };
    let possible: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !possible.is_empty() {
        return Err(format!("must be one of {}", possible.join(", ")));
    }
    match std::error::Error::source(&error) {
        // A parser's own words may repeat the value between backticks or at their beginning.
        Some(why) => Err(format!("this value is refused: {}", without(&why.to_string(), text))),
        None => Err("this value is refused".to_owned()),
    }
}

/// A message without the value that it repeats. Short values say nothing and stay: `0 is not in
/// 1..=1000` is what a reader needs.
fn without(message: &str, value: &str) -> String {
    const SHORT_MAX: usize = 6;
    if value.chars().count() <= SHORT_MAX {
        message.to_owned()
    } else {
        message.replace(value, "…")
    }
}
