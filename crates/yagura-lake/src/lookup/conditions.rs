//! What a filter demands of a lookup column: the value is one of these texts.
//! Everything that is not understood here demands nothing, so that no row is ever lost.

use std::collections::BTreeSet;

use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::functions::literal_text;

/// At most so many values are looked for by their blocks; longer lists are left to the scan.
const VALUES_MAX: usize = 64;

/// A column, a member of a struct, or the elements of a list must hold one of some texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    /// The way to the value, without the levels that Parquet adds for lists.
    pub(crate) path: Vec<String>,
    /// The texts, without repeats.
    pub(crate) values: BTreeSet<String>,
}

/// A column's path in a Parquet schema as SQL names it: `resources.list.element.arn` is
/// `resources`, `arn`.
pub(crate) fn plain_path(path: &str) -> Vec<String> {
    let mut plain = Vec::new();
    let mut steps = path.split('.').peekable();
    while let Some(step) = steps.next() {
        if step == "list" && matches!(steps.peek(), Some(&"element" | &"item")) {
            steps.next();
            continue;
        }
        plain.push(step.to_owned());
    }
    plain
}

/// The conditions that all must hold for the filters to hold.
pub(crate) fn conditions(filters: &[Expr]) -> Vec<Condition> {
    let mut found = Vec::new();
    for filter in filters {
        collect(filter, &mut found);
    }
    found.retain(|condition: &Condition| condition.values.len() <= VALUES_MAX);
    found
}

fn collect(filter: &Expr, found: &mut Vec<Condition>) {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            collect(left, found);
            collect(right, found);
        }
        other => found.extend(condition(other)),
    }
}

fn condition(filter: &Expr) -> Option<Condition> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            let (place, value) = match (place(left), text(right)) {
                (Some(place), Some(value)) => (place, value),
                _ => (place(right)?, text(left)?),
            };
            Some(Condition { path: place, values: BTreeSet::from([value]) })
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let (mut left, right) = (condition(left)?, condition(right)?);
            (left.path == right.path).then(|| {
                left.values.extend(right.values);
                left
            })
        }
        Expr::InList(InList { expr, list, negated: false }) => {
            let values = list.iter().map(text).collect::<Option<BTreeSet<_>>>()?;
            Some(Condition { path: place(expr)?, values })
        }
        Expr::ScalarFunction(call) => of_list(call),
        Expr::Alias(alias) => condition(&alias.expr),
        _ => None,
    }
}

/// `array_has(list, 'x')` and `array_has_any(list, ['x', 'y'])`.
fn of_list(call: &ScalarFunction) -> Option<Condition> {
    let [list, sought] = call.args.as_slice() else { return None };
    let values = match call.func.name() {
        "array_has" => BTreeSet::from([text(sought)?]),
        "array_has_any" => texts(sought)?,
        _ => return None,
    };
    Some(Condition { path: place(list)?, values })
}

/// The texts of a constant list.
fn texts(list: &Expr) -> Option<BTreeSet<String>> {
    match list {
        Expr::ScalarFunction(call) if call.func.name() == "make_array" => {
            call.args.iter().map(text).collect()
        }
        Expr::Literal(datafusion::scalar::ScalarValue::List(list), _) => {
            use arrow::array::Array as _;
            let items = list.value(0);
            (0..items.len())
                .map(|at| {
                    let item = datafusion::scalar::ScalarValue::try_from_array(&items, at).ok()?;
                    literal_text(&item).map(str::to_owned)
                })
                .collect()
        }
        Expr::Cast(cast) => texts(&cast.expr),
        _ => None,
    }
}

/// The way to a value: a column, `get_field(…)` of one, `pluck(…)` of one.
fn place(expr: &Expr) -> Option<Vec<String>> {
    match expr {
        Expr::Column(column) => Some(vec![column.name.clone()]),
        Expr::ScalarFunction(call) if matches!(call.func.name(), "get_field" | "pluck") => {
            let (of, names) = call.args.split_first()?;
            let mut path = place(of)?;
            for name in names {
                path.push(text(name)?);
            }
            Some(path)
        }
        // A cast between kinds of text changes nothing; any other cast is not followed.
        Expr::Cast(cast) if cast.field.data_type().is_string() => place(&cast.expr),
        Expr::Alias(alias) => place(&alias.expr),
        _ => None,
    }
}

fn text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(value, _) => literal_text(value).map(str::to_owned),
        Expr::Cast(cast) if cast.field.data_type().is_string() => text(&cast.expr),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{col, lit};

    use super::*;

    fn check(filter: Expr, expected: &[(&str, &[&str])]) {
        let found = conditions(&[filter]);
        let expected: Vec<Condition> = expected
            .iter()
            .map(|(path, values)| Condition {
                path: path.split('.').map(Into::into).collect(),
                values: values.iter().map(|value| (*value).to_owned()).collect(),
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn equality_lists_and_alternatives_of_one_column_are_conditions() {
        check(col("a").eq(lit("x")), &[("a", &["x"])]);
        check(lit("x").eq(col("a")), &[("a", &["x"])]);
        check(col("a").in_list(vec![lit("x"), lit("y")], false), &[("a", &["x", "y"])]);
        check(col("a").eq(lit("x")).or(col("a").eq(lit("y"))), &[("a", &["x", "y"])]);
        let both = col("a").eq(lit("x")).and(col("b").eq(lit("y")));
        check(both, &[("a", &["x"]), ("b", &["y"])]);
        let has = datafusion::functions_nested::expr_fn::array_has(col("a"), lit("x"));
        check(has, &[("a", &["x"])]);
    }

    #[test]
    fn what_does_not_demand_a_value_is_no_condition() {
        check(col("a").not_eq(lit("x")), &[]);
        check(col("a").in_list(vec![lit("x")], true), &[]);
        check(col("a").eq(lit("x")).or(col("b").eq(lit("y"))), &[]);
        check(col("a").eq(lit("x")).or(col("a").gt(lit("y"))), &[]);
        check(col("a").eq(col("b")), &[]);
        check(col("a").like(lit("x%")), &[]);
        check(datafusion::logical_expr::not(col("a").eq(lit("x"))), &[]);
    }

    #[test]
    fn the_levels_of_lists_are_not_part_of_a_path() {
        assert_eq!(plain_path("resources.list.element.arn"), ["resources", "arn"]);
        assert_eq!(plain_path("arns.list.element"), ["arns"]);
        assert_eq!(plain_path("list.element"), Vec::<String>::new());
        assert_eq!(plain_path("user_identity.arn"), ["user_identity", "arn"]);
    }
}
