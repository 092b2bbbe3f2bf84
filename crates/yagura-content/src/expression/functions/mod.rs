//! The functions of the language: their names, how many arguments they take, and what they do.
//! Macros (`has`, `exists`, `map`, …) are nodes of the tree; what reaches other resources too.

mod collections;
mod network;
mod text;
mod time;

use super::evaluate::Machine;
use super::value::{Causes, Val, join};

pub(crate) use text::pattern_of;

/// A function. Called as `name(x, y)` or `x.name(y)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// As written.
    pub(crate) name: &'static str,
    /// Fewest and most arguments, the receiver counted.
    arguments: (usize, usize),
    /// What absent and unknown arguments do.
    rule: Rule,
    id: Id,
}

/// What a function makes of arguments that are absent or unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Any absent argument gives absent, any unknown one unknown.
    Strict,
    /// As strict, but an absent first argument is handed to the function.
    FirstMayBeAbsent,
    /// The function sees everything.
    Sees,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Id {
    Size,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    Int,
    Double,
    String,
    Bool,
    Timestamp,
    Duration,
    Days,
    Type,
    Lower,
    Upper,
    Split,
    Join,
    Replace,
    Trim,
    Json,
    UrlDecode,
    Base64Decode,
    Csv,
    First,
    Last,
    Pascal,
    Flatten,
    Unique,
    Merge,
    Keys,
    Values,
    Entries,
    List,
    OrElse,
    Arn,
    CidrContains,
}

const fn strict(name: &'static str, count: usize, id: Id) -> Function {
    Function { name, arguments: (count, count), rule: Rule::Strict, id }
}

const fn seeing(name: &'static str, count: usize, id: Id) -> Function {
    Function { name, arguments: (count, count), rule: Rule::Sees, id }
}

/// Every function. The reference in docs/internals/content.md lists the same names (tested).
pub(crate) const FUNCTIONS: [Function; 38] = [
    seeing("size", 1, Id::Size),
    strict("contains", 2, Id::Contains),
    strict("startsWith", 2, Id::StartsWith),
    strict("endsWith", 2, Id::EndsWith),
    strict("matches", 2, Id::Matches),
    strict("int", 1, Id::Int),
    strict("uint", 1, Id::Int),
    strict("double", 1, Id::Double),
    strict("string", 1, Id::String),
    strict("bool", 1, Id::Bool),
    strict("timestamp", 1, Id::Timestamp),
    strict("duration", 1, Id::Duration),
    strict("days", 1, Id::Days),
    Function { name: "type", arguments: (1, 1), rule: Rule::FirstMayBeAbsent, id: Id::Type },
    strict("lower", 1, Id::Lower),
    strict("lowerAscii", 1, Id::Lower),
    strict("upper", 1, Id::Upper),
    strict("split", 2, Id::Split),
    Function { name: "join", arguments: (1, 2), rule: Rule::Strict, id: Id::Join },
    strict("replace", 3, Id::Replace),
    strict("trim", 1, Id::Trim),
    strict("json", 1, Id::Json),
    strict("url_decode", 1, Id::UrlDecode),
    strict("base64_decode", 1, Id::Base64Decode),
    strict("csv", 1, Id::Csv),
    strict("first", 1, Id::First),
    strict("last", 1, Id::Last),
    strict("pascal", 1, Id::Pascal),
    strict("flatten", 1, Id::Flatten),
    strict("unique", 1, Id::Unique),
    seeing("merge", 2, Id::Merge),
    strict("keys", 1, Id::Keys),
    strict("values", 1, Id::Values),
    strict("entries", 1, Id::Entries),
    seeing("list", 1, Id::List),
    seeing("or_else", 2, Id::OrElse),
    strict("arn", 1, Id::Arn),
    strict("cidr_contains", 2, Id::CidrContains),
];

/// A function by its name.
pub(crate) fn find(name: &str) -> Option<Function> {
    FUNCTIONS.into_iter().find(|function| function.name == name)
}

impl Function {
    /// Whether it takes so many arguments.
    pub(crate) fn takes(self, count: usize) -> bool {
        (self.arguments.0..=self.arguments.1).contains(&count)
    }

    /// How many arguments it takes, for a message.
    pub(crate) fn arity(self) -> String {
        match self.arguments {
            (1, 1) => "1 argument".into(),
            (low, high) if low == high => format!("{low} arguments"),
            (low, high) => format!("{low} or {high} arguments"),
        }
    }

    /// Whether the result is the first argument, or elements of it, seen from another side; see
    /// `reads.rs`.
    pub(crate) fn flow(self) -> Flow {
        match self.id {
            Id::First | Id::Last => Flow::Element,
            Id::Pascal => Flow::Pascal,
            Id::Flatten => Flow::Flattened,
            Id::Unique => Flow::Same,
            Id::List => Flow::ListOf,
            Id::Values => Flow::Values,
            Id::Entries => Flow::Entries,
            Id::OrElse | Id::Merge => Flow::Either,
            Id::Keys | Id::Size => Flow::Shallow,
            _ => Flow::Consumed,
        }
    }

    /// Calls it.
    pub(crate) fn call<'a>(self, machine: &mut Machine<'_, 'a>, arguments: &[Val<'a>]) -> Val<'a> {
        if self.rule != Rule::Sees {
            let mut unknown: Option<Causes<'a>> = None;
            for argument in arguments {
                if let Some(why) = argument.causes() {
                    unknown = Some(join(unknown, why));
                }
            }
            if let Some(why) = unknown {
                return Val::Unknown(why);
            }
            let absent = |argument: &Val<'a>| matches!(argument, Val::Absent);
            if self.rule == Rule::Strict && arguments.iter().any(absent) {
                return Val::Absent;
            }
        }
        match arguments {
            [x] => self.call_1(machine, x),
            [x, y] => self.call_2(machine, x, y),
            [x, y, z] if self.id == Id::Replace => text::replace(machine, x, y, z),
            _ => Val::problem(format!("`{}` takes {}", self.name, self.arity())),
        }
    }

    fn call_1<'a>(self, machine: &mut Machine<'_, 'a>, x: &Val<'a>) -> Val<'a> {
        match self.id {
            Id::Size => collections::size(machine, x),
            Id::Int => text::int(x),
            Id::Double => text::double(x),
            Id::String => text::string(machine, x),
            Id::Bool => text::bool(x),
            Id::Timestamp => time::timestamp(x),
            Id::Duration => time::duration(x),
            Id::Days => time::days(x),
            Id::Type => Val::Str(x.kind()),
            Id::Lower => text::map_text(machine, x, "lower", str::to_lowercase),
            Id::Upper => text::map_text(machine, x, "upper", str::to_uppercase),
            Id::Trim => text::map_text(machine, x, "trim", |text| text.trim().to_owned()),
            Id::Join => collections::join_texts(machine, x, ""),
            Id::Json => text::json(machine, x),
            Id::UrlDecode => text::url_decode(machine, x),
            Id::Base64Decode => text::base64_decode(machine, x),
            Id::Csv => text::csv(machine, x),
            Id::First => collections::first(machine, x),
            Id::Last => collections::last(machine, x),
            Id::Pascal => collections::pascal(machine, x),
            Id::Flatten => collections::flatten(machine, x),
            Id::Unique => collections::unique(machine, x),
            Id::Keys => collections::keys(machine, x),
            Id::Values => collections::values(machine, x),
            Id::Entries => collections::entries(machine, x),
            Id::List => collections::list(x),
            Id::Arn => text::arn(x),
            _ => Val::problem(format!("`{}` takes {}", self.name, self.arity())),
        }
    }

    fn call_2<'a>(self, machine: &mut Machine<'_, 'a>, x: &Val<'a>, y: &Val<'a>) -> Val<'a> {
        match self.id {
            Id::Contains => text::contains(machine, x, y),
            Id::StartsWith => text::test(x, y, "startsWith", |text, part| text.starts_with(part)),
            Id::EndsWith => text::test(x, y, "endsWith", |text, part| text.ends_with(part)),
            Id::Matches => text::matches(machine, x, y),
            Id::Split => text::split(machine, x, y),
            Id::Join => match y.as_text() {
                Some(separator) => collections::join_texts(machine, x, separator),
                None => mismatch("join", y),
            },
            Id::Merge => collections::merge(machine, x, y),
            Id::OrElse => match x {
                Val::Absent => y.clone(),
                Val::Hole(_) => x.causes().map_or(Val::Absent, Val::Unknown),
                present => present.clone(),
            },
            Id::CidrContains => network::cidr_contains(x, y),
            _ => Val::problem(format!("`{}` takes {}", self.name, self.arity())),
        }
    }
}

/// How the result of a function relates to its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It is computed; the arguments are looked at as a whole.
    Consumed,
    /// Only which members or how many elements there are.
    Shallow,
    /// The first argument.
    Same,
    /// An element of the first argument.
    Element,
    /// The first argument with members renamed.
    Pascal,
    /// A list of elements of elements.
    Flattened,
    /// A list of the first argument or of its elements.
    ListOf,
    /// A list of the members' values.
    Values,
    /// A list of `{key, value}`.
    Entries,
    /// Either argument.
    Either,
}

/// A function got what it cannot work with.
pub(crate) fn mismatch<'a>(function: &str, got: &Val<'_>) -> Val<'a> {
    Val::problem(format!("`{function}` cannot work with a `{}`", got.kind()))
}
