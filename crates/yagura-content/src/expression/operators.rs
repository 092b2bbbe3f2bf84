//! Equality, order and arithmetic, in three values.
//! Logic and membership are in `evaluate.rs`.

use std::cmp::Ordering;
use std::rc::Rc;

use super::evaluate::Machine;
use super::tree::{Arithmetic, Comparison};
use super::value::{Causes, ListBuilder, Val, join};

/// `==`, `!=`, `<`, `<=`, `>`, `>=`.
pub(crate) fn compare<'a>(
    machine: &mut Machine<'_, 'a>,
    comparison: Comparison,
    left: &Val<'a>,
    right: &Val<'a>,
) -> Val<'a> {
    match comparison {
        Comparison::Equal => equal(machine, left, right),
        Comparison::NotEqual => match equal(machine, left, right) {
            Val::Bool(same) => Val::Bool(!same),
            unknown => unknown,
        },
        ordered => order(ordered, left, right),
    }
}

/// Whether two values are the same. Values of different kinds are not; numbers are compared by
/// their amount.
pub(crate) fn equal<'a>(machine: &mut Machine<'_, 'a>, left: &Val<'a>, right: &Val<'a>) -> Val<'a> {
    if let Some(unknown) = either_unknown(left, right) {
        return unknown;
    }
    match (left, right) {
        (Val::Absent, Val::Absent) => Val::Bool(true),
        (Val::Resource(left, _), Val::Resource(right, _)) => Val::Bool(left.key == right.key),
        (left, right) if is_list(left) && is_list(right) => equal_lists(machine, left, right),
        (left, right) if is_map(left) && is_map(right) => equal_maps(machine, left, right),
        (left, right) => {
            let size = left.as_text().map_or(0, str::len);
            match machine.spend(size / 64) {
                Ok(()) => Val::Bool(same_scalar(left, right)),
                Err(exhausted) => exhausted,
            }
        }
    }
}

/// Whether two scalars are the same.
pub(crate) fn same_scalar(left: &Val<'_>, right: &Val<'_>) -> bool {
    match (left, right) {
        (Val::Bool(left), Val::Bool(right)) => left == right,
        (Val::Time(left), Val::Time(right)) => left == right,
        (Val::Span(left), Val::Span(right)) => left == right,
        (left, right) => match (left.as_text(), right.as_text()) {
            (Some(left), Some(right)) => left == right,
            _ => order_numbers(left, right) == Some(Ordering::Equal),
        },
    }
}

fn is_list(value: &Val<'_>) -> bool {
    matches!(value, Val::Array(..) | Val::List(_) | Val::Listing(_))
}

fn is_map(value: &Val<'_>) -> bool {
    matches!(value, Val::Object(..) | Val::Tags(..) | Val::Map(_))
}

fn either_unknown<'a>(left: &Val<'a>, right: &Val<'a>) -> Option<Val<'a>> {
    match (left.causes(), right.causes()) {
        (None, None) => None,
        (Some(why), None) | (None, Some(why)) => Some(Val::Unknown(why)),
        (Some(left), Some(right)) => Some(Val::Unknown(join(Some(left), right))),
    }
}

/// Lists are equal element by element. One that may have more elements is never known to be
/// equal or unequal.
fn equal_lists<'a>(machine: &mut Machine<'_, 'a>, left: &Val<'a>, right: &Val<'a>) -> Val<'a> {
    let (left, right) = match (machine.items(left), machine.items(right)) {
        (Ok(left), Ok(right)) => (left, right),
        (Err(unknown), _) | (_, Err(unknown)) => return unknown,
    };
    if let Some(why) = left.partial.clone().or_else(|| right.partial.clone()) {
        return Val::Unknown(why);
    }
    if left.len() != right.len() {
        return Val::Bool(false);
    }
    let mut unknown: Option<Causes<'a>> = None;
    for n in 0..left.len() {
        if let Err(exhausted) = machine.spend(1) {
            return exhausted;
        }
        match equal(machine, &left.get(n), &right.get(n)) {
            Val::Bool(true) => {}
            Val::Unknown(why) => unknown = Some(join(unknown, why)),
            different => return different,
        }
    }
    unknown.map_or(Val::Bool(true), Val::Unknown)
}

/// Maps are equal when they have the same members with the same values.
fn equal_maps<'a>(machine: &mut Machine<'_, 'a>, left: &Val<'a>, right: &Val<'a>) -> Val<'a> {
    let (left_keys, right_keys) = match (machine.items(left), machine.items(right)) {
        (Ok(left), Ok(right)) => (left, right),
        (Err(unknown), _) | (_, Err(unknown)) => return unknown,
    };
    if let Some(why) = left_keys.partial.clone().or_else(|| right_keys.partial.clone()) {
        return Val::Unknown(why);
    }
    if left_keys.len() != right_keys.len() {
        return Val::Bool(false);
    }
    let mut unknown: Option<Causes<'a>> = None;
    for n in 0..left_keys.len() {
        if let Err(exhausted) = machine.spend(1) {
            return exhausted;
        }
        let key = left_keys.get(n);
        let Some(name) = key.as_text() else {
            return Val::problem("maps with keys that are not strings cannot be compared");
        };
        let (left, right) = (machine.member(left, name), machine.member(right, name));
        match equal(machine, &left, &right) {
            Val::Bool(true) => {}
            Val::Unknown(why) => unknown = Some(join(unknown, why)),
            different => return different,
        }
    }
    unknown.map_or(Val::Bool(true), Val::Unknown)
}

/// Order between numbers, between texts, between times and between durations. Absent is neither
/// before nor after anything.
fn order<'a>(comparison: Comparison, left: &Val<'a>, right: &Val<'a>) -> Val<'a> {
    if let Some(unknown) = either_unknown(left, right) {
        return unknown;
    }
    let ordering = match (left, right) {
        (Val::Absent, _) | (_, Val::Absent) => return Val::Bool(false),
        (Val::Time(left), Val::Time(right)) => Some(left.cmp(right)),
        (Val::Span(left), Val::Span(right)) => Some(left.cmp(right)),
        (left, right) => match (left.as_text(), right.as_text()) {
            (Some(left), Some(right)) => Some(left.cmp(right)),
            _ => order_numbers(left, right),
        },
    };
    let Some(ordering) = ordering else {
        return Val::problem(format!("a `{}` and a `{}` have no order", left.kind(), right.kind()));
    };
    Val::Bool(match comparison {
        Comparison::Less => ordering.is_lt(),
        Comparison::LessOrEqual => ordering.is_le(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::GreaterOrEqual => ordering.is_ge(),
        Comparison::Equal => ordering.is_eq(),
        Comparison::NotEqual => ordering.is_ne(),
    })
}

fn order_numbers(left: &Val<'_>, right: &Val<'_>) -> Option<Ordering> {
    match (left, right) {
        (Val::Int(left), Val::Int(right)) => Some(left.cmp(right)),
        _ => number(left)?.partial_cmp(&number(right)?),
    }
}

/// A number as a double. Beyond 2^53 neighbors become equal; AWS has no such quantities that are
/// compared with fractions.
#[expect(clippy::cast_precision_loss, reason = "said above")]
fn number(value: &Val<'_>) -> Option<f64> {
    match value {
        Val::Int(value) => Some(*value as f64),
        Val::Double(value) => Some(*value),
        _ => None,
    }
}

/// `-x`.
pub(crate) fn negate<'a>(value: &Val<'a>) -> Val<'a> {
    if let Some(why) = value.causes() {
        return Val::Unknown(why);
    }
    match value {
        Val::Absent => Val::Absent,
        Val::Int(value) => {
            value.checked_neg().map_or_else(|| Val::problem("a number is too large"), Val::Int)
        }
        Val::Double(value) => Val::Double(-value),
        Val::Span(span) => {
            span.checked_neg().map_or_else(|| Val::problem("a duration is too long"), Val::Span)
        }
        other => Val::problem(format!("a `{}` has no negative", other.kind())),
    }
}

/// `+`, `-`, `*`, `/`, `%`; with an absent operand the result is absent.
pub(crate) fn arithmetic<'a>(
    machine: &mut Machine<'_, 'a>,
    operation: Arithmetic,
    left: &Val<'a>,
    right: &Val<'a>,
) -> Val<'a> {
    if let Some(unknown) = either_unknown(left, right) {
        return unknown;
    }
    match (left, right) {
        (Val::Absent, _) | (_, Val::Absent) => Val::Absent,
        (Val::Int(left), Val::Int(right)) => integers(operation, *left, *right),
        (Val::Time(_) | Val::Span(_), _) | (_, Val::Time(_) | Val::Span(_)) => {
            times(operation, left, right)
        }
        (left, right) if operation == Arithmetic::Add => add(machine, left, right),
        (left, right) => doubles(operation, left, right),
    }
}

fn integers<'a>(operation: Arithmetic, left: i64, right: i64) -> Val<'a> {
    let result = match operation {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Divide => left.checked_div(right),
        Arithmetic::Remainder => left.checked_rem(right),
    };
    result.map_or_else(|| Val::problem("division by zero, or a number is too large"), Val::Int)
}

fn doubles<'a>(operation: Arithmetic, left: &Val<'a>, right: &Val<'a>) -> Val<'a> {
    let (Some(a), Some(b)) = (number(left), number(right)) else {
        return Val::problem(format!(
            "no arithmetic between a `{}` and a `{}`",
            left.kind(),
            right.kind()
        ));
    };
    Val::Double(match operation {
        Arithmetic::Add => a + b,
        Arithmetic::Subtract => a - b,
        Arithmetic::Multiply => a * b,
        Arithmetic::Divide => a / b,
        Arithmetic::Remainder => a % b,
    })
}

/// `+` joins texts and lists.
fn add<'a>(machine: &mut Machine<'_, 'a>, left: &Val<'a>, right: &Val<'a>) -> Val<'a> {
    if let (Some(a), Some(b)) = (left.as_text(), right.as_text()) {
        return match machine.spend((a.len() + b.len()) / 32) {
            Ok(()) => Val::Text([a, b].concat().into()),
            Err(exhausted) => exhausted,
        };
    }
    if !is_list(left) || !is_list(right) {
        return doubles(Arithmetic::Add, left, right);
    }
    let mut list = ListBuilder::default();
    for side in [left, right] {
        let items = match machine.items(side) {
            Ok(items) => items,
            Err(unknown) => return unknown,
        };
        if let Err(exhausted) = machine.spend(items.len() * 4) {
            return exhausted;
        }
        if let Some(why) = &items.partial {
            list.maybe(Rc::clone(why));
        }
        (0..items.len()).for_each(|n| list.push(items.get(n)));
    }
    list.finish()
}

/// Times and durations: a difference of times is a duration.
fn times<'a>(operation: Arithmetic, left: &Val<'a>, right: &Val<'a>) -> Val<'a> {
    let result = match (operation, left, right) {
        (Arithmetic::Add, Val::Time(time), Val::Span(span))
        | (Arithmetic::Add, Val::Span(span), Val::Time(time)) => {
            time.checked_add(*span).ok().map(Val::Time)
        }
        (Arithmetic::Subtract, Val::Time(time), Val::Span(span)) => {
            time.checked_sub(*span).ok().map(Val::Time)
        }
        (Arithmetic::Subtract, Val::Time(left), Val::Time(right)) => {
            Some(Val::Span(left.duration_since(*right)))
        }
        (Arithmetic::Add, Val::Span(left), Val::Span(right)) => {
            left.checked_add(*right).map(Val::Span)
        }
        (Arithmetic::Subtract, Val::Span(left), Val::Span(right)) => {
            left.checked_sub(*right).map(Val::Span)
        }
        _ => {
            return Val::problem(format!(
                "no arithmetic between a `{}` and a `{}`",
                left.kind(),
                right.kind()
            ));
        }
    };
    result.unwrap_or_else(|| Val::problem("a time or duration is out of range"))
}
