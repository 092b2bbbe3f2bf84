//! Statements over many rows or many values at once, in a few fixed sizes so that the database
//! reuses what it prepared. What the statements say is handed in.

use std::fmt::Write as _;

use crate::database::{Param, Row, Session};
use crate::error::StoreError;

/// Sizes of one statement, largest first.
const SIZES: [usize; 5] = [256, 64, 16, 4, 1];

/// Cuts a list into the fixed sizes.
fn pieces<T>(mut items: Vec<T>) -> Vec<Vec<T>> {
    let mut pieces = Vec::new();
    for size in SIZES {
        while items.len() >= size {
            let rest = items.split_off(size);
            pieces.push(std::mem::replace(&mut items, rest));
        }
    }
    pieces
}

/// `($1,$2),($3,$4)`; nameless for `SQLite`, where finding a parameter by its name takes time in
/// proportion to their number, so that thousands of names cost more than the insertion itself.
fn tuples(rows: usize, columns: usize, named: bool) -> String {
    let mut text = String::new();
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ",(" });
        for column in 0..columns {
            text.push_str(if column == 0 { "" } else { "," });
            if named {
                // Writing into a String cannot fail.
                let _ = write!(text, "${}", row * columns + column + 1);
            } else {
                text.push('?');
            }
        }
        text.push(')');
    }
    text
}

/// Runs `before VALUES (…),(…) after` over all rows, each with the same number of values.
pub(crate) async fn insert(
    session: &mut Session,
    before: &'static str,
    rows: Vec<Vec<Param>>,
    after: &'static str,
) -> Result<Vec<Row>, StoreError> {
    let columns = rows.first().map_or(0, Vec::len);
    let mut returned = Vec::new();
    for piece in pieces(rows) {
        let sql = format!(
            "{before} VALUES {} {after}",
            tuples(piece.len(), columns, !session.is_sqlite())
        );
        returned.extend(session.fetch(sql, piece.into_iter().flatten().collect()).await?);
    }
    Ok(returned)
}

/// Runs `UPDATE … FROM (VALUES (…),(…)) AS v after`; the columns of `v` are `column1`, ….
pub(crate) async fn update(
    session: &mut Session,
    before: &'static str,
    rows: Vec<Vec<Param>>,
    after: &'static str,
) -> Result<(), StoreError> {
    let columns = rows.first().map_or(0, Vec::len);
    for piece in pieces(rows) {
        let values = tuples(piece.len(), columns, !session.is_sqlite());
        let sql = format!("{before} FROM (VALUES {values}) AS v {after}");
        session.execute(sql, piece.into_iter().flatten().collect()).await?;
    }
    Ok(())
}

/// Runs `before IN ($n, …) after` for all values; `fixed` are the parameters before them.
pub(crate) async fn select_in(
    session: &mut Session,
    before: &str,
    fixed: &[Param],
    values: Vec<Param>,
    after: &str,
) -> Result<Vec<Row>, StoreError> {
    let mut rows = Vec::new();
    for piece in pieces(values) {
        let sql = in_list(before, fixed.len(), piece.len(), after);
        let params = fixed.iter().cloned().chain(piece).collect();
        rows.extend(session.fetch(sql, params).await?);
    }
    Ok(rows)
}

/// As `select_in`, for a statement that answers nothing.
pub(crate) async fn execute_in(
    session: &mut Session,
    before: &str,
    fixed: &[Param],
    values: Vec<Param>,
) -> Result<(), StoreError> {
    for piece in pieces(values) {
        let sql = in_list(before, fixed.len(), piece.len(), "");
        let params = fixed.iter().cloned().chain(piece).collect();
        session.execute(sql, params).await?;
    }
    Ok(())
}

/// `before IN ($4,$5) after`, the first placeholder following `fixed` others.
pub(crate) fn in_list(before: &str, fixed: usize, values: usize, after: &str) -> String {
    let mut sql = format!("{before} IN (");
    for value in 1..=values {
        let comma = if value == 1 { "" } else { "," };
        let _ = write!(sql, "{comma}${}", fixed + value);
    }
    let _ = write!(sql, ") {after}");
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_in_exactly_one_piece() {
        for count in [0, 1, 5, 255, 256, 257, 1_000] {
            let all: Vec<usize> = pieces((0..count).collect()).into_iter().flatten().collect();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn placeholders_are_numbered_through() {
        assert_eq!(tuples(2, 2, true), "($1,$2),($3,$4)");
        assert_eq!(tuples(2, 1, false), "(?),(?)");
        assert_eq!(in_list("x", 1, 2, "LIMIT 1"), "x IN ($2,$3) LIMIT 1");
    }
}
