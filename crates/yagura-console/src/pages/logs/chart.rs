//! An answer as a chart: which columns can be drawn, and the columns of the drawing.
//! How it is drawn is the layout's (`charts.rs`).

use serde::Serialize;
use serde_json::Value;

use super::view::text_of;
use crate::ports::Table;

/// Columns of a drawing at most; more rows are drawn together.
const POINTS_MAX: usize = 60;
/// Letters of a label at most.
const LABEL_MAX: usize = 24;

/// A part of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Part {
    tone: &'static str,
    n: u64,
}

/// A column of the drawing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Point {
    pub(super) label: String,
    pub(super) parts: [Part; 1],
}

/// A chart, and what it can be drawn from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Chart {
    pub(super) x: String,
    pub(super) y: String,
    /// Columns that can stand below.
    pub(super) labels: Vec<String>,
    /// Columns that hold numbers.
    pub(super) numbers: Vec<String>,
    pub(super) points: Vec<Point>,
    /// Rows that one column of the drawing stands for.
    pub(super) together: usize,
    /// Whether the numbers are not whole.
    pub(super) rounded: bool,
}

fn is_number(kind: &str) -> bool {
    matches!(kind, "integer" | "real") || kind.starts_with("decimal")
}

/// A number that can be drawn: not below zero.
fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Null => 0.0,
        Value::String(text) => text.parse().ok()?,
        other => other.as_f64()?,
    };
    (number.is_finite() && number >= 0.0).then_some(number)
}

/// The chart of a table; none where there is nothing to draw.
pub(super) fn chart(table: &Table, x: Option<&str>, y: Option<&str>) -> Option<Chart> {
    let drawable = |at: usize| {
        table.rows.iter().all(|row| row.get(at).is_some_and(|value| number(value).is_some()))
    };
    let columns = || table.columns.iter().enumerate();
    let numbers: Vec<usize> = columns()
        .filter(|(at, (_, kind))| is_number(kind) && drawable(*at))
        .map(|(at, _)| at)
        .collect();
    let labels: Vec<usize> = columns()
        .filter(|(_, (_, kind))| matches!(kind.as_str(), "time" | "date" | "text" | "integer"))
        .map(|(at, _)| at)
        .collect();
    let name = |at: usize| table.columns.get(at).map(|(name, _)| name.clone()).unwrap_or_default();
    let chosen = |wanted: Option<&str>, among: &[usize]| {
        wanted.and_then(|wanted| among.iter().copied().find(|at| name(*at) == wanted))
    };
    let is_time = |at: &usize| {
        table.columns.get(*at).is_some_and(|(_, kind)| matches!(kind.as_str(), "time" | "date"))
    };
    let is_text = |at: &usize| table.columns.get(*at).is_some_and(|(_, kind)| kind == "text");
    let usual = labels.iter().copied().find(is_time);
    let usual = usual.or_else(|| labels.iter().copied().find(is_text));
    let x = chosen(x, &labels).or(usual)?;
    let y = chosen(y, &numbers).or_else(|| numbers.iter().copied().find(|at| *at != x))?;
    if table.rows.len() < 2 {
        return None;
    }
    let mut pairs: Vec<(String, f64)> = table
        .rows
        .iter()
        .filter_map(|row| {
            let label = row.get(x).map(text_of).unwrap_or_default();
            Some((label, row.get(y).and_then(number)?))
        })
        .collect();
    if is_time(&x) {
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        // Where all are midnights, the days say it all.
        if pairs.iter().all(|(label, _)| label.ends_with("T00:00:00Z")) {
            for (label, _) in &mut pairs {
                label.truncate(label.len() - "T00:00:00Z".len());
            }
        }
    }
    let together = pairs.len().div_ceil(POINTS_MAX).max(1);
    let points = pairs.chunks(together).map(point).collect();
    let rounded = pairs.iter().any(|(_, n)| n.fract() != 0.0);
    Some(Chart {
        x: name(x),
        y: name(y),
        labels: labels.into_iter().map(name).collect(),
        numbers: numbers.into_iter().map(name).collect(),
        points,
        together,
        rounded,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and what is below zero is not drawn"
)]
fn point(rows: &[(String, f64)]) -> Point {
    let label = rows.first().map(|(label, _)| label.chars().take(LABEL_MAX).collect());
    let sum: f64 = rows.iter().map(|(_, n)| n).sum();
    let part = Part { tone: "accent", n: sum.round() as u64 };
    Point { label: label.unwrap_or_default(), parts: [part] }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(columns: &[(&str, &str)], rows: Vec<Vec<Value>>) -> Table {
        let columns = columns.iter().map(|(name, kind)| ((*name).into(), (*kind).into()));
        Table { columns: columns.collect(), rows, ..Table::default() }
    }

    #[test]
    fn the_first_time_and_the_first_number_are_drawn_in_order() {
        let columns = [("who", "text"), ("hour", "time"), ("calls", "integer")];
        let rows =
            vec![vec![json!("b"), json!("2"), json!(3)], vec![json!("a"), json!("1"), json!(4)]];
        let drawn = chart(&table(&columns, rows), None, None).unwrap();
        assert_eq!((drawn.x.as_str(), drawn.y.as_str()), ("hour", "calls"));
        let seen: Vec<_> = drawn.points.iter().map(|one| (&*one.label, one.parts[0].n)).collect();
        assert_eq!(seen, [("1", 4), ("2", 3)]);
    }

    #[test]
    fn nothing_is_drawn_where_numbers_cannot_be() {
        let columns = [("who", "text"), ("n", "integer")];
        for rows in [
            vec![vec![json!("a"), json!(-1)], vec![json!("b"), json!(2)]],
            vec![vec![json!("a"), json!(1)]],
            vec![],
        ] {
            assert_eq!(chart(&table(&columns, rows), None, None), None);
        }
        let words = [("who", "text"), ("what", "text")];
        let rows = vec![vec![json!("a"), json!("b")]; 3];
        assert_eq!(chart(&table(&words, rows), None, None), None);
    }

    #[test]
    fn many_rows_are_drawn_together_and_nothing_is_lost() {
        let rows = (0..601).map(|n| vec![json!(format!("{n:04}")), json!(1)]).collect();
        let drawn = chart(&table(&[("x", "text"), ("n", "integer")], rows), None, None).unwrap();
        assert!(drawn.points.len() <= POINTS_MAX && drawn.together == 11, "{}", drawn.together);
        assert_eq!(drawn.points.iter().map(|point| point.parts[0].n).sum::<u64>(), 601);
    }
}
