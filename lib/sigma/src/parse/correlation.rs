//! Reads correlation rules.
//! Whether the rules they refer to exist is checked when a set is compiled.

use super::condition::{self, Tree};
use super::required;
use crate::number::Numeric;
use crate::problem::{Place, Problem};
use crate::rule::{Aggregate, Correlation, Limit, Measure, Metadata, Operator, RuleExpression};
use crate::yaml::{Kind, Node};

/// Keys of the section.
const KNOWN: [&str; 7] =
    ["type", "rules", "aliases", "group-by", "timespan", "condition", "generate"];
/// Longest time span: more than a year of state is a mistake in a rule.
const TIMESPAN_SECONDS_MAX: i64 = 400 * 86_400;

/// Reads a correlation whose head is read already.
///
/// # Errors
/// The first thing that is malformed.
pub(super) fn read(document: &Node, metadata: Metadata) -> Result<Correlation, Problem> {
    let section = required(document, "correlation")?;
    for entry in section.expect_map("correlation")? {
        if !KNOWN.contains(&entry.key.as_str()) {
            let message = format!("`{}` is not known in a correlation", entry.key);
            return Err(Problem::error(entry.place, message));
        }
    }
    let rules = rules(required(section, "rules")?)?;
    let group_by = match section.get("group-by") {
        Some(node) => node.expect_texts("group-by")?,
        None => Vec::new(),
    };
    Ok(Correlation {
        metadata,
        aggregate: aggregate(section, &rules)?,
        aliases: aliases(section, &rules)?,
        timespan_seconds: timespan(required(section, "timespan")?)?,
        generate: generate(document)? || generate(section)?,
        rules,
        group_by,
    })
}

fn rules(node: &Node) -> Result<Vec<String>, Problem> {
    let rules = node.expect_texts("rules")?;
    if rules.is_empty() {
        return Err(Problem::error(node.place, "`rules` names no rule"));
    }
    let mut seen = rules.iter().enumerate();
    match seen.find(|(at, rule)| rules.iter().take(*at).any(|before| before == *rule)) {
        Some((_, twice)) => Err(Problem::error(node.place, format!("`{twice}` is named twice"))),
        None => Ok(rules),
    }
}

fn generate(node: &Node) -> Result<bool, Problem> {
    match node.get("generate") {
        None => Ok(false),
        Some(Node { kind: Kind::Boolean(value), .. }) => Ok(*value),
        Some(other) => {
            let message = format!("`generate` must be true or false, not {}", other.what());
            Err(Problem::error(other.place, message))
        }
    }
}

/// `90m`: a number and one of s, m, h, d, w.
fn timespan(node: &Node) -> Result<i64, Problem> {
    let text = node.expect_text("timespan")?;
    let wrong = || {
        Problem::error(node.place, format!("`{text}` is not a time span"))
            .hint("a number and a letter: `30s`, `5m`, `1h`, `7d`")
    };
    let unit = match text.chars().last().ok_or_else(wrong)? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(wrong()),
    };
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if digits.len() + 1 != text.len() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let count: i64 = digits.parse().map_err(|_| wrong())?;
    let seconds = count.checked_mul(unit).filter(|s| (1..=TIMESPAN_SECONDS_MAX).contains(s));
    seconds.ok_or_else(|| Problem::error(node.place, "a time span is from 1 second to 400 days"))
}

type Aliases = Vec<(String, Vec<(String, String)>)>;

fn aliases(section: &Node, rules: &[String]) -> Result<Aliases, Problem> {
    let Some(node) = section.get("aliases") else { return Ok(Vec::new()) };
    let mut aliases = Vec::new();
    for alias in node.expect_map("aliases")? {
        let mut fields = Vec::new();
        for entry in alias.value.expect_map(&alias.key)? {
            if !rules.contains(&entry.key) {
                let message = format!("`{}` is not among the `rules`", entry.key);
                return Err(Problem::error(entry.place, message));
            }
            fields.push((entry.key.clone(), entry.value.expect_text(&entry.key)?));
        }
        aliases.push((alias.key.clone(), fields));
    }
    Ok(aliases)
}

fn aggregate(section: &Node, rules: &[String]) -> Result<Aggregate, Problem> {
    let node = required(section, "type")?;
    let name = node.expect_text("type")?;
    let condition = section.get("condition");
    match name.as_str() {
        "temporal" => {
            let everything = || {
                let value = Numeric::Integer(i128::try_from(rules.len()).unwrap_or(0));
                RuleExpression::Count(vec![Limit { operator: Operator::AtLeast, value }])
            };
            Ok(Aggregate::Temporal(match condition {
                None => everything(),
                Some(node) if node.map().is_some() => {
                    RuleExpression::Count(terms(node, false)?.limits)
                }
                Some(node) => expression(node, rules)?,
            }))
        }
        "temporal_ordered" => Ok(Aggregate::Ordered(match condition {
            None => {
                let value = Numeric::Integer(i128::try_from(rules.len()).unwrap_or(0));
                vec![Limit { operator: Operator::AtLeast, value }]
            }
            Some(node) if node.map().is_some() => terms(node, false)?.limits,
            Some(node) => ordered(node, rules)?,
        })),
        _ => measure(&name, node.place, condition, section.place),
    }
}

fn measure(
    name: &str,
    place: Place,
    condition: Option<&Node>,
    section: Place,
) -> Result<Aggregate, Problem> {
    let known = [
        "event_count",
        "value_count",
        "value_sum",
        "value_avg",
        "value_percentile",
        "value_median",
    ];
    if !known.contains(&name) {
        let problem = Problem::error(place, format!("`{name}` is not a type of correlation"));
        return Err(problem.hint(
            "the types are `event_count`, `value_count`, `value_sum`, \
            `value_avg`, `value_percentile`, `value_median`, `temporal` and `temporal_ordered`",
        ));
    }
    let missing = || Problem::error(section, "`condition` is missing");
    let node = condition.ok_or_else(missing)?;
    node.expect_map("condition")?;
    let terms = terms(node, name == "value_percentile")?;
    let fault = |message: &str| Problem::error(node.place, message);
    let fields = terms.fields;
    if name == "event_count" {
        if !fields.is_empty() {
            return Err(fault("`event_count` has no `field`; `value_count` has"));
        }
        return Ok(Aggregate::Measure(Measure::Events, terms.limits));
    }
    if name == "value_count" {
        if fields.is_empty() {
            return Err(fault("`value_count` wants a `field`"));
        }
        return Ok(Aggregate::Measure(Measure::Values(fields), terms.limits));
    }
    let [field] = fields.as_slice() else {
        return Err(fault("this type of correlation wants one `field`"));
    };
    let field = field.clone();
    let measure = match name {
        "value_sum" => Measure::Sum(field),
        "value_avg" => Measure::Average(field),
        "value_median" => Measure::Percentile(field, 50.0),
        _ => match terms.percentile {
            Some(percentile) => Measure::Percentile(field, percentile),
            None => return Err(fault("`value_percentile` wants `percentile: 0` to `100`")),
        },
    };
    Ok(Aggregate::Measure(measure, terms.limits))
}

/// What a condition map says.
#[derive(Default)]
struct Terms {
    fields: Vec<String>,
    limits: Vec<Limit>,
    percentile: Option<f64>,
}

fn terms(node: &Node, percentile: bool) -> Result<Terms, Problem> {
    let mut terms = Terms::default();
    for entry in node.expect_map("condition")? {
        match entry.key.as_str() {
            "field" => terms.fields = entry.value.expect_texts("field")?,
            "percentile" if percentile => {
                let value = number(&entry.value)?.as_f64();
                if !(0.0..=100.0).contains(&value) {
                    return Err(Problem::error(entry.value.place, "a percentile is 0 to 100"));
                }
                terms.percentile = Some(value);
            }
            key => {
                let Some(operator) = Operator::read(key) else {
                    let message = format!("`{key}` is not known in this condition");
                    return Err(Problem::error(entry.place, message)
                        .hint("the comparisons are `gt`, `gte`, `lt`, `lte`, `eq` and `neq`"));
                };
                terms.limits.push(Limit { operator, value: number(&entry.value)? });
            }
        }
    }
    if terms.limits.is_empty() {
        return Err(Problem::error(node.place, "the condition compares with nothing"));
    }
    Ok(terms)
}

fn number(node: &Node) -> Result<Numeric, Problem> {
    match &node.kind {
        Kind::Number(number) => Ok(number.value),
        _ => {
            let message = format!("a number is wanted here, not {}", node.what());
            Err(Problem::error(node.place, message))
        }
    }
}

/// `rule_a and not rule_b` over the names in `rules`.
fn expression(node: &Node, rules: &[String]) -> Result<RuleExpression, Problem> {
    let text = node.expect_text("condition")?;
    let names: Vec<&str> = rules.iter().map(String::as_str).collect();
    Ok(lower(condition::read(&text, node.place, &names)?))
}

fn lower(tree: Tree) -> RuleExpression {
    match tree {
        Tree::Name(at) => RuleExpression::Rule(at),
        Tree::All(parts) => RuleExpression::All(parts.into_iter().map(lower).collect()),
        Tree::Any(parts) => RuleExpression::Any(parts.into_iter().map(lower).collect()),
        Tree::Not(inner) => RuleExpression::Not(Box::new(lower(*inner))),
    }
}

/// In order there is one expression that means something: every rule, joined by `and`.
fn ordered(node: &Node, rules: &[String]) -> Result<Vec<Limit>, Problem> {
    let named = match expression(node, rules)? {
        RuleExpression::All(parts) => parts,
        one => vec![one],
    };
    let all = (0..rules.len()).all(|at| named.contains(&RuleExpression::Rule(at)));
    if !all || named.len() != rules.len() {
        let message = "the condition of an ordered correlation joins all its rules with `and`";
        return Err(Problem::error(node.place, message));
    }
    let value = Numeric::Integer(i128::try_from(rules.len()).unwrap_or(0));
    Ok(vec![Limit { operator: Operator::AtLeast, value }])
}
