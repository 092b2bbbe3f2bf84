//! Arguments that are refused, told in the reader's language and in the shape of every other
//! error: what is wrong, what to do.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use yagura_model::Lang;
use yagura_report::{Words, words};

use crate::output::Hinted;

/// What clap refused, for a person; none where it is no refusal (help, the version).
pub(super) fn told(error: &clap::Error, lang: Lang) -> Option<Hinted> {
    let refusal = Refusal { error, words: words(lang) };
    let message = refusal.message()?;
    let hints: Vec<String> = [refusal.advice(), refusal.usage()].into_iter().flatten().collect();
    Some(Hinted::new(message, hints.join("\n")))
}

struct Refusal<'e> {
    error: &'e clap::Error,
    words: &'static Words,
}

impl Refusal<'_> {
    /// What clap says of the error, as text.
    fn text(&self, kind: ContextKind) -> Option<String> {
        let text = match self.error.get(kind)? {
            ContextValue::String(text) => text.clone(),
            ContextValue::Strings(texts) => texts.join(self.words.get("cli.between")),
            ContextValue::StyledStr(text) => text.to_string(),
            ContextValue::StyledStrs(texts) => {
                texts.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
            }
            ContextValue::Number(number) => number.to_string(),
            ContextValue::Bool(_) | ContextValue::None => return None,
            other => other.to_string(),
        };
        (!text.is_empty()).then_some(text)
    }

    fn message(&self) -> Option<String> {
        let text = |kind| self.text(kind).unwrap_or_default();
        let argument = self.text(ContextKind::InvalidArg);
        // A command may be what stands beside an argument that forbids it.
        let argument = argument.unwrap_or_else(|| text(ContextKind::InvalidSubcommand));
        let value = text(ContextKind::InvalidValue);
        let said = |name: &str| {
            let key = format!("cli.refused.{name}");
            let prior = text(ContextKind::PriorArg);
            let command = text(ContextKind::InvalidSubcommand);
            let (wanted, min) =
                (text(ContextKind::ExpectedNumValues), text(ContextKind::MinValues));
            self.words.fill(
                &key,
                &[
                    ("argument", &argument),
                    ("value", &value),
                    ("prior", &prior),
                    ("command", &command),
                    ("wanted", &wanted),
                    ("min", &min),
                    ("found", &text(ContextKind::ActualNumValues)),
                ],
            )
        };
        Some(match self.error.kind() {
            ErrorKind::UnknownArgument => said("unknown_argument"),
            ErrorKind::InvalidSubcommand => said("unknown_command"),
            ErrorKind::InvalidValue if value.is_empty() => said("no_value"),
            ErrorKind::InvalidValue => said("value"),
            // Why it was refused is an error's text as any: whoever prints it, finds its words.
            ErrorKind::ValueValidation => match std::error::Error::source(self.error) {
                Some(cause) => format!("{}: {cause}", said("value")),
                None => said("value"),
            },
            ErrorKind::ArgumentConflict if text(ContextKind::PriorArg) == argument => said("twice"),
            ErrorKind::ArgumentConflict => said("conflict"),
            ErrorKind::MissingRequiredArgument => said("missing"),
            ErrorKind::NoEquals => said("no_equals"),
            ErrorKind::TooManyValues => said("too_many"),
            ErrorKind::TooFewValues => said("too_few"),
            ErrorKind::WrongNumberOfValues => said("number_of_values"),
            ErrorKind::InvalidUtf8 => said("not_utf8"),
            _ => return None,
        })
    }

    fn usage(&self) -> Option<String> {
        let usage = self.text(ContextKind::Usage)?;
        let lines = usage.trim().trim_start_matches("Usage:").lines().map(str::trim);
        let forms = lines.collect::<Vec<_>>().join(self.words.get("cli.or"));
        Some(self.words.fill("cli.usage", &[("usage", &forms)]))
    }

    fn advice(&self) -> Option<String> {
        let said = |key: &str, what: &str| Some(self.words.fill(key, &[("what", &what)]));
        let suggestions = [
            ContextKind::SuggestedArg,
            ContextKind::SuggestedSubcommand,
            ContextKind::SuggestedValue,
        ];
        if let Some(suggestion) = suggestions.into_iter().find_map(|kind| self.text(kind)) {
            return said("cli.hint.similar", &suggestion);
        }
        self.text(ContextKind::ValidValue).and_then(|valid| said("cli.hint.choices", &valid))
    }
}
