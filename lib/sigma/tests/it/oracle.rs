//! A second evaluator, slow and obvious: it follows the specification sentence by sentence over
//! `serde_json` values and shares nothing with the engine but the parsed rules.
//! The property tests that compare the two are `agreeing.rs`.

use serde_json::Value as Json;
use sigma::{
    Condition, FieldPlace, Item, Numeric, Operator, Part, Pattern, Rule, Search, Test, TimePart,
};

/// Whether a rule matches a record.
pub(crate) fn rule_matches(rule: &Rule, record: &Json) -> bool {
    condition(&rule.detection.condition, rule, record)
}

fn condition(condition: &Condition, rule: &Rule, record: &Json) -> bool {
    let holds = |part: &Condition| self::condition(part, rule, record);
    match condition {
        Condition::Selection(at) => search(&rule.detection.selections[*at].search, record),
        Condition::All(parts) => parts.iter().all(holds),
        Condition::Any(parts) => parts.iter().any(holds),
        Condition::Not(inner) => !holds(inner),
    }
}

fn search(search: &Search, record: &Json) -> bool {
    match search {
        Search::All(parts) => parts.iter().all(|part| self::search(part, record)),
        Search::Any(parts) => parts.iter().any(|part| self::search(part, record)),
        Search::Item(item) => line(item, record),
    }
}

fn line(item: &Item, record: &Json) -> bool {
    let values = match &item.field {
        Some(field) => reached(record, field),
        None => leaves(record),
    };
    let value_holds = |tests: &Vec<Test>| tests.iter().any(|test| holds(test, &values, record));
    let outcome = if item.every {
        item.values.iter().all(value_holds)
    } else {
        item.values.iter().any(value_holds)
    };
    outcome != item.negated
}

/// Every value that a dotted path reaches, arrays taken apart.
fn reached<'a>(record: &'a Json, field: &str) -> Vec<&'a Json> {
    let mut here = vec![record];
    for segment in field.split('.') {
        let objects = here.into_iter().flat_map(|value| apart(value, false));
        here = objects.filter_map(|value| value.get(segment)).collect();
    }
    here.into_iter().flat_map(|value| apart(value, true)).collect()
}

/// The elements of an array, of arrays within it as well; an empty one is itself, if wanted.
fn apart(value: &Json, empty: bool) -> Vec<&Json> {
    match value {
        Json::Array(items) if items.is_empty() => {
            if empty {
                vec![value]
            } else {
                vec![]
            }
        }
        Json::Array(items) => items.iter().flat_map(|item| apart(item, empty)).collect(),
        other => vec![other],
    }
}

fn leaves(value: &Json) -> Vec<&Json> {
    match value {
        Json::Array(items) => items.iter().flat_map(leaves).collect(),
        Json::Object(members) => members.values().flat_map(leaves).collect(),
        Json::Null => vec![],
        other => vec![other],
    }
}

fn text(value: &Json) -> Option<String> {
    match value {
        Json::Null | Json::Array(_) => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn holds(test: &Test, values: &[&Json], record: &Json) -> bool {
    let any = |accepts: &dyn Fn(&str) -> bool| {
        values.iter().filter_map(|value| text(value)).any(|text| accepts(&text))
    };
    match test {
        Test::Null => values.is_empty() || values.iter().any(|value| value.is_null()),
        Test::Exists(there) => values.is_empty() != *there,
        Test::Text(wanted) => any(&|text| {
            let (pattern, text) = if wanted.cased {
                (characters(&wanted.pattern, false), text.chars().collect())
            } else {
                (characters(&wanted.pattern, true), lower(text))
            };
            glob(&pattern, &text)
        }),
        Test::Number(number) => any(&|text| {
            text == number.text || Numeric::read(text).is_some_and(|value| value == number.value)
        }),
        Test::Compare(operator, number) => any(&|text| {
            Numeric::read(text).is_some_and(|value| compare(*operator, value, number.value))
        }),
        Test::Expression(expression) => any(&|text| {
            regex::RegexBuilder::new(&expression.source)
                .case_insensitive(expression.insensitive)
                .multi_line(expression.lines)
                .dot_matches_new_line(expression.dot_all)
                .build()
                .unwrap()
                .is_match(text)
        }),
        Test::Cidr(range) => any(&|text| {
            let bits = |address: std::net::IpAddr| match address {
                std::net::IpAddr::V4(v4) => format!("{:032b}", v4.to_bits()),
                std::net::IpAddr::V6(v6) => format!("{:0128b}", v6.to_bits()),
            };
            let network = bits(range.network);
            let prefix = &network[..usize::from(range.prefix)];
            text.parse().is_ok_and(|address: std::net::IpAddr| {
                let address = bits(address.to_canonical());
                address.len() == network.len() && address.starts_with(prefix)
            })
        }),
        Test::Time(part, operator, number) => any(&|text| {
            let found = digits(*part, text).and_then(|digits| Numeric::read(&digits));
            found.is_some_and(|value| compare(*operator, value, number.value))
        }),
        Test::Field { name, place, cased } => {
            let others: Vec<String> = reached(record, name).into_iter().filter_map(text).collect();
            any(&|text| others.iter().any(|other| refers(text, other, *place, *cased)))
        }
        Test::CidrPlaceholder(_) => panic!("the generated rules have no placeholders"),
    }
}

fn compare(operator: Operator, left: Numeric, right: Numeric) -> bool {
    let (left, right) = (left.as_f64(), right.as_f64());
    match operator {
        Operator::Greater => left > right,
        Operator::AtLeast => left >= right,
        Operator::Less => left < right,
        Operator::AtMost => left <= right,
        Operator::Equal => (left - right).abs() < f64::EPSILON,
        Operator::Different => (left - right).abs() >= f64::EPSILON,
    }
}

/// For the alphabet of the generated rules lower case is the folded case.
fn lower(text: &str) -> Vec<char> {
    text.to_lowercase().chars().collect()
}

/// A pattern as characters and wildcards.
enum Piece {
    One,
    Many,
    Dash,
    Char(char),
}

fn characters(pattern: &Pattern, folded: bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for part in &pattern.parts {
        match part {
            Part::One => pieces.push(Piece::One),
            Part::Many => pieces.push(Piece::Many),
            Part::Dash => pieces.push(Piece::Dash),
            Part::Text(text) if folded => pieces.extend(lower(text).into_iter().map(Piece::Char)),
            Part::Text(text) => pieces.extend(text.chars().map(Piece::Char)),
            Part::Placeholder(_) => panic!("the generated rules have no placeholders"),
        }
    }
    pieces
}

/// Recursive matching by definition.
fn glob(pattern: &[Piece], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((Piece::Many, rest)) => (0..=text.len()).any(|skip| glob(rest, &text[skip..])),
        Some((piece, rest)) => text.split_first().is_some_and(|(first, others)| {
            let fits = match piece {
                Piece::Char(c) => c == first,
                Piece::Dash => "-/\u{2013}\u{2014}\u{2015}".contains(*first),
                Piece::One | Piece::Many => true,
            };
            fits && glob(rest, others)
        }),
    }
}

fn refers(text: &str, other: &str, place: FieldPlace, cased: bool) -> bool {
    let (text, other) = if cased {
        (text.to_owned(), other.to_owned())
    } else {
        (text.to_lowercase(), other.to_lowercase())
    };
    match place {
        FieldPlace::Whole => text == other,
        FieldPlace::Start => text.starts_with(&other),
        FieldPlace::End => text.ends_with(&other),
        FieldPlace::Within => text.contains(&other),
    }
}

/// The digits of a part in `2026-11-21T22:39:00Z`, without leading zeros.
fn digits(part: TimePart, text: &str) -> Option<String> {
    if text.len() != 20 || !text.ends_with('Z') {
        return None;
    }
    let range = match part {
        TimePart::Year => 0..4,
        TimePart::Month => 5..7,
        TimePart::Day => 8..10,
        TimePart::Hour => 11..13,
        TimePart::Minute => 14..16,
        TimePart::Week => panic!("the generated rules have no weeks"),
    };
    text.get(range)?.parse::<u32>().ok().map(|number| number.to_string())
}
