//! The `Condition` element: operators, set qualifiers, and what a missing key means.
//! Comparing single values is in `compare`.

mod compare;
pub(crate) mod fixed;

use crate::context::{Lookup, Scope};
use crate::parse::Oddity;
use crate::truth::Truth;
use compare::{Hit, Wanted};

/// `ForAllValues:` or `ForAnyValue:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// Each value of the request must match; no value at all matches too.
    All,
    /// One value of the request must match.
    Any,
}

/// What an operator compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Family {
    Text { like: bool, ignore_case: bool },
    Number(Order),
    Date(Order),
    Boolean,
    Binary,
    Address,
    Arn,
    Null,
}

/// How numbers and dates compare: the request's value against the policy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A condition operator as written: `ForAnyValue:StringNotEqualsIfExists`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operator {
    pub(crate) family: Family,
    /// `StringNotEquals` and its kin.
    pub negated: bool,
    /// `…IfExists`
    pub if_exists: bool,
    /// `ForAllValues:` or `ForAnyValue:`
    pub quantifier: Option<Quantifier>,
}

impl Operator {
    /// Reads an operator's name; letter case does not count. `None` where AWS has no such one.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        let (quantifier, rest) = match lower.split_once(':') {
            Some(("forallvalues", rest)) => (Some(Quantifier::All), rest),
            Some(("foranyvalue", rest)) => (Some(Quantifier::Any), rest),
            Some(_) => return None,
            None => (None, lower.as_str()),
        };
        let (base, if_exists) = match rest.strip_suffix("ifexists") {
            Some(base) => (base, true),
            None => (rest, false),
        };
        let text = |like, ignore_case| Family::Text { like, ignore_case };
        let (family, negated) = match base {
            "stringequals" => (text(false, false), false),
            "stringnotequals" => (text(false, false), true),
            "stringequalsignorecase" => (text(false, true), false),
            "stringnotequalsignorecase" => (text(false, true), true),
            "stringlike" => (text(true, false), false),
            "stringnotlike" => (text(true, false), true),
            "numericequals" => (Family::Number(Order::Equal), false),
            "numericnotequals" => (Family::Number(Order::Equal), true),
            "numericlessthan" => (Family::Number(Order::Less), false),
            "numericlessthanequals" => (Family::Number(Order::LessOrEqual), false),
            "numericgreaterthan" => (Family::Number(Order::Greater), false),
            "numericgreaterthanequals" => (Family::Number(Order::GreaterOrEqual), false),
            "dateequals" => (Family::Date(Order::Equal), false),
            "datenotequals" => (Family::Date(Order::Equal), true),
            "datelessthan" => (Family::Date(Order::Less), false),
            "datelessthanequals" => (Family::Date(Order::LessOrEqual), false),
            "dategreaterthan" => (Family::Date(Order::Greater), false),
            "dategreaterthanequals" => (Family::Date(Order::GreaterOrEqual), false),
            "bool" => (Family::Boolean, false),
            "binaryequals" => (Family::Binary, false),
            "ipaddress" => (Family::Address, false),
            "notipaddress" => (Family::Address, true),
            "arnequals" | "arnlike" => (Family::Arn, false),
            "arnnotequals" | "arnnotlike" => (Family::Arn, true),
            "null" if !if_exists => (Family::Null, false),
            _ => return None,
        };
        Some(Self { family, negated, if_exists, quantifier })
    }

    /// Whether it holds where the request lacks the key.
    pub(crate) fn holds_absent(self) -> Truth {
        Truth::from(match self.quantifier {
            Some(Quantifier::All) => true,
            Some(Quantifier::Any) => self.if_exists,
            None => self.if_exists || self.negated,
        })
    }

    /// Whether it holds for every value of the request, and so also where there is none.
    pub(crate) fn may_be_empty(self) -> bool {
        self.quantifier == Some(Quantifier::All)
    }
}

/// One key of one operator.
#[derive(Clone, Debug)]
pub struct Condition {
    /// As written.
    pub operator_text: String,
    /// As written.
    pub key: String,
    /// As written: one of them must match (none of them, for a negated operator).
    pub values: Vec<String>,
    operator: Option<Operator>,
    key_lower: String,
    wanted: Vec<Wanted>,
}

impl Condition {
    /// Compiles; the second value tells what can never match.
    pub(crate) fn new(
        operator_text: &str,
        operator: Option<Operator>,
        key: &str,
        values: Vec<String>,
        variables: bool,
    ) -> (Self, Option<Oddity>) {
        let mut odd = None;
        let mut wanted = Vec::with_capacity(values.len());
        if let Some(operator) = operator {
            for value in &values {
                match Wanted::new(operator.family, value, variables) {
                    Some(compiled) => wanted.push(compiled),
                    None => {
                        let (value, operator) = (value.clone(), operator_text.to_owned());
                        odd = Some(Oddity::Value { value, operator });
                    }
                }
            }
        }
        let condition = Self {
            operator_text: operator_text.to_owned(),
            key: key.to_owned(),
            values,
            operator,
            key_lower: key.to_ascii_lowercase(),
            wanted,
        };
        (condition, odd)
    }

    /// The compiled operator; `None` for one that AWS does not have, which never matches.
    #[must_use]
    pub fn operator(&self) -> Option<Operator> {
        self.operator
    }

    /// Whether the request satisfies it (AWS, "IAM JSON policy elements: Condition operators").
    pub(crate) fn holds(&self, scope: &Scope<'_>) -> Truth {
        let Some(operator) = self.operator else { return Truth::False };
        let found = scope.lookup(&self.key_lower);
        if operator.family == Family::Null {
            return self.is_null(&found);
        }
        match (found, operator.quantifier) {
            (Lookup::Unknown, _) => Truth::Depends,
            (Lookup::Absent, _) => operator.holds_absent(),
            (Lookup::One(value), _) => self.one(operator, &value, scope),
            (Lookup::Many([]), _) => operator.holds_absent(),
            (Lookup::Many(values), Some(Quantifier::All)) => values
                .iter()
                .map(|value| self.one(operator, value, scope))
                .fold(Truth::True, Truth::and),
            (Lookup::Many(values), Some(Quantifier::Any)) => values
                .iter()
                .map(|value| self.one(operator, value, scope))
                .fold(Truth::False, Truth::or),
            (Lookup::Many([value]), None) => self.one(operator, value, scope),
            // Several values need a set operator; without one nothing matches, negated or not.
            (Lookup::Many(_), None) => Truth::False,
        }
    }

    /// The key in lower case.
    pub(crate) fn key_lower(&self) -> &str {
        &self.key_lower
    }

    fn is_null(&self, found: &Lookup<'_>) -> Truth {
        let absent = match found {
            Lookup::Unknown => return Truth::Depends,
            Lookup::Absent => true,
            Lookup::Many(values) => values.is_empty(),
            Lookup::One(_) => false,
        };
        self.asks_null(absent)
    }

    /// Whether a `Null` asks for a key that is absent, or for one that is there.
    pub(crate) fn asks_null(&self, absent: bool) -> Truth {
        let asked = |wanted: &Wanted| matches!(wanted, Wanted::Boolean(null) if *null == absent);
        Truth::from(self.wanted.iter().any(asked))
    }

    /// One value of the request against the values of the policy: any of them, or for a negated
    /// operator none of them.
    pub(crate) fn one(&self, operator: Operator, value: &str, scope: &Scope<'_>) -> Truth {
        let mut found = Truth::False;
        let mut never = false;
        for wanted in &self.wanted {
            match wanted.compare(operator.family, value, scope) {
                Hit::Is(truth) => found = found.or(truth),
                // A variable that stands for nothing makes the element match nothing, and that
                // is so for `StringNotEquals` as well.
                Hit::Never => never = true,
            }
        }
        match operator.negated {
            false => found,
            true if never => Truth::False,
            true => !found,
        }
    }
}
