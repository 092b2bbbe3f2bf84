//! Charts as SVG made here: a stacked bar, columns over days, a line. Every chart carries its text
//! alternative; figures stand beside it in words or in a table.
//! Colors are classes of the style, so that both looks and print follow.

use std::fmt::Write as _;

use minijinja::value::Value;
use minijinja::{Environment, Error};

use super::templates::escaped;

/// Makes the charts callable from templates.
///
/// | call | draws |
/// | --- | --- |
/// | `bar(parts)` | one stacked bar over the whole width; parts are `{tone, n}` |
/// | `columns(days, label)` | a column for each `{label, parts: [{tone, n}]}`, stacked; a part's |
/// | | `word` stands for its tone where it is read out |
/// | `line(points, label)` | a line through `{label, n}`; `none` breaks it |
pub(crate) fn register(environment: &mut Environment<'static>) {
    environment.add_function("bar", bar);
    environment.add_function("columns", columns);
    environment.add_function("line", line);
}

/// A part: its tone (a class of the style) and its number.
fn parts_of(value: &Value) -> Result<Vec<(String, u64)>, Error> {
    let mut parts = Vec::new();
    for part in value.try_iter()? {
        let n = u64::try_from(part.get_attr("n")?)?;
        parts.push((part.get_attr("tone")?.to_string(), n));
    }
    Ok(parts)
}

/// The parts read out, those of nothing left out: `critical 3, high 1`.
fn said_of(value: &Value) -> Result<String, Error> {
    let mut said = Vec::new();
    for part in value.try_iter()? {
        let (n, word) = (part.get_attr("n")?, part.get_attr("word")?);
        let word = if word.is_undefined() { part.get_attr("tone")? } else { word };
        if n != Value::from(0) {
            said.push(format!("{word} {n}"));
        }
    }
    Ok(if said.is_empty() { "0".to_owned() } else { said.join(", ") })
}

/// A share in tenths of a percent.
fn thousandths(n: u64, all: u64) -> u64 {
    n.saturating_mul(1000).checked_div(all).unwrap_or(0)
}

fn tenths(thousandths: u64) -> String {
    format!("{}.{}", thousandths / 10, thousandths % 10)
}

fn bar(parts: &Value) -> Result<Value, Error> {
    let parts = parts_of(parts)?;
    let all: u64 = parts.iter().map(|(_, n)| n).sum();
    let mut svg = String::from(
        "<svg class=\"bar\" aria-hidden=\"true\" focusable=\"false\"><rect class=\"track\" \
         width=\"100%\" height=\"100%\"/>",
    );
    let mut before = 0;
    for (tone, n) in parts.iter().filter(|(_, n)| *n > 0) {
        let x = thousandths(before, all);
        before += n;
        let width = thousandths(before, all).saturating_sub(x);
        let _ = write!(
            svg,
            "<rect class=\"tone-{}\" x=\"{}%\" width=\"{}%\" height=\"100%\"/>",
            escaped(tone),
            tenths(x),
            tenths(width)
        );
    }
    svg.push_str("</svg>");
    Ok(Value::from_safe_string(svg))
}

/// The height of the drawing and of what stands under it, in its own units.
const HEIGHT: u64 = 120;
const FOOT: u64 = 18;
/// The width of one column with its gap, and of the column alone.
const STEP: u64 = 20;
const COLUMN: u64 = 14;
/// Of more columns than this each is narrower, so that what is written below stays readable.
const WIDE_MAX: usize = 46;
const NARROW: (u64, u64) = (10, 8);
/// Labels that fit under a chart.
const LABELS_MAX: usize = 6;

fn columns(days: &Value, label: &str) -> Result<Value, Error> {
    let mut drawn = Vec::new();
    for day in days.try_iter()? {
        let parts = day.get_attr("parts")?;
        let said = said_of(&parts)?;
        drawn.push((day.get_attr("label")?.to_string(), parts_of(&parts)?, said));
    }
    let most = drawn.iter().map(|(_, parts, _)| parts.iter().map(|(_, n)| n).sum()).max();
    let most: u64 = most.unwrap_or(0).max(1);
    let (step, column) = if drawn.len() > WIDE_MAX { NARROW } else { (STEP, COLUMN) };
    let width = (drawn.len() as u64).max(1) * step;
    let mut svg = opened(width, label, "columns");
    let every = every(drawn.iter().map(|(name, ..)| name.as_str()), step);
    for (at, (name, parts, said)) in drawn.iter().enumerate() {
        let x = at as u64 * step + (step - column) / 2;
        let mut y = HEIGHT;
        let _ = write!(svg, "<g><title>{}: {}</title>", escaped(name), escaped(said));
        for (tone, n) in parts.iter().filter(|(_, n)| *n > 0) {
            let height = (n * HEIGHT / most).max(1);
            y = y.saturating_sub(height);
            let _ = write!(
                svg,
                "<rect class=\"tone-{}\" x=\"{x}\" y=\"{y}\" width=\"{column}\" \
                 height=\"{height}\"/>",
                escaped(tone)
            );
        }
        svg.push_str("</g>");
        if at % every == 0 {
            foot(&mut svg, x, &fitted(name, every as u64 * step));
        }
    }
    svg.push_str("</svg>");
    Ok(Value::from_safe_string(svg))
}

fn line(points: &Value, label: &str) -> Result<Value, Error> {
    let mut drawn = Vec::new();
    for point in points.try_iter()? {
        let n = point.get_attr("n")?;
        let n = if n.is_none() { None } else { Some(u64::try_from(n)?) };
        drawn.push((point.get_attr("label")?.to_string(), n));
    }
    let most = drawn.iter().filter_map(|(_, n)| *n).max().unwrap_or(0).max(1);
    let width = (drawn.len() as u64).max(1) * STEP;
    let mut svg = opened(width, label, "line");
    let every = every(drawn.iter().map(|(name, _)| name.as_str()), STEP);
    let mut path = String::new();
    let mut broken = true;
    for (at, (name, n)) in drawn.iter().enumerate() {
        let x = at as u64 * STEP + STEP / 2;
        if let Some(n) = n {
            let y = HEIGHT - n * (HEIGHT - 6) / most;
            let _ = write!(path, "{}{x} {y}", if broken { 'M' } else { 'L' });
            let _ = write!(
                svg,
                "<circle class=\"point\" cx=\"{x}\" cy=\"{y}\" r=\"3\"><title>{}: {n}</title>\
                 </circle>",
                escaped(name)
            );
        }
        broken = n.is_none();
        if at % every == 0 {
            foot(&mut svg, x.saturating_sub(COLUMN / 2), &fitted(name, every as u64 * STEP));
        }
    }
    let _ = write!(svg, "<path class=\"stroke\" d=\"{path}\"/></svg>");
    Ok(Value::from_safe_string(svg))
}

fn opened(width: u64, label: &str, class: &str) -> String {
    format!(
        "<svg class=\"chart {class}\" viewBox=\"0 0 {width} {}\" role=\"img\" aria-label=\"{}\" \
         preserveAspectRatio=\"xMinYMin meet\"><path class=\"axis\" d=\"M0 {HEIGHT}H{width}\"/>",
        HEIGHT + FOOT,
        escaped(label)
    )
}

/// Each how many labels are written, so that whole ones fit beside one another where they are not
/// long.
fn every<'n>(names: impl ExactSizeIterator<Item = &'n str>, step: u64) -> usize {
    let few = names.len().div_ceil(LABELS_MAX).max(1);
    let longest = names.map(width_of).max().unwrap_or(0).min(LABEL_MAX);
    few.max(usize::try_from(longest.div_ceil(step)).unwrap_or(few))
}

fn width_of(name: &str) -> u64 {
    name.chars().map(|c| if c.is_ascii() { LETTER } else { 2 * LETTER }).sum()
}

/// About how wide a letter is; letters beyond ASCII are taken for twice as wide.
const LETTER: u64 = 6;
/// Labels are given room up to this width.
const LABEL_MAX: u64 = 10 * LETTER;

/// As much of a label as fits before the next one.
fn fitted(name: &str, width: u64) -> String {
    let size = |c: char| if c.is_ascii() { LETTER } else { 2 * LETTER };
    if width_of(name) <= width {
        return name.to_owned();
    }
    let mut left = width.saturating_sub(LETTER);
    let fits = |c: &char| {
        let fits = size(*c) <= left;
        left = left.saturating_sub(size(*c));
        fits
    };
    let mut short: String = name.chars().take_while(fits).collect();
    short.push('…');
    short
}

fn foot(svg: &mut String, x: u64, name: &str) {
    let y = HEIGHT + FOOT - 5;
    let _ = write!(svg, "<text class=\"label\" x=\"{x}\" y=\"{y}\">{}</text>", escaped(name));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_cut_where_the_next_one_begins() {
        for (name, width, shown) in [
            ("11-22", 30, "11-22"),
            ("2026-11-22", 36, "2026-…"),
            ("検出結果", 36, "検出…"),
            ("abc", 0, "…"),
            ("", 0, ""),
        ] {
            assert_eq!(fitted(name, width), shown, "{name}");
        }
    }
}
