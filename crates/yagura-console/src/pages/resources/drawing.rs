//! The neighborhood of a resource drawn as SVG: who points at it on the left, what it points at on
//! the right. The same stands in a list beside it.
//! What its neighbors are is the store's.

use std::fmt::Write as _;

use minijinja::value::Value;
use minijinja::{Environment, Error};

use crate::layout::templates::escaped;

/// Boxes on one side; the list beside the drawing has all.
const BOXES_MAX: usize = 8;
/// Half-width letters that fit into a box.
const LETTERS_MAX: usize = 29;
const WIDTH: usize = 720;
const BOX: usize = 208;
const ROW: usize = 52;
const TALL: usize = 42;

/// Makes `neighborhood(center, incoming, outgoing, label)` callable from templates: `center` is
/// `{name, note}`, the others lists of `{name, note, relation, href}`, `href` empty where there is
/// no page.
pub(crate) fn register(environment: &mut Environment<'static>) {
    environment.add_function("neighborhood", neighborhood);
}

struct Drawn {
    name: String,
    note: String,
    relation: String,
    href: String,
}

fn drawn(value: &Value) -> Result<Drawn, Error> {
    let member = |name: &str| -> Result<String, Error> {
        let value = value.get_attr(name)?;
        let absent = value.is_undefined() || value.is_none();
        Ok(if absent { String::new() } else { value.to_string() })
    };
    Ok(Drawn {
        name: member("name")?,
        note: member("note")?,
        relation: member("relation")?,
        href: member("href")?,
    })
}

fn side(values: &Value) -> Result<Vec<Drawn>, Error> {
    values.try_iter()?.take(BOXES_MAX).map(|value| drawn(&value)).collect()
}

/// Text that fits into a box; letters of full width count twice.
fn fitted(text: &str) -> String {
    let mut room = LETTERS_MAX;
    let mut fitted = String::new();
    for c in text.chars() {
        let wide = if c.is_ascii() || ('\u{80}'..'\u{1100}').contains(&c) { 1 } else { 2 };
        if room < wide {
            fitted.push('…');
            return fitted;
        }
        room -= wide;
        fitted.push(c);
    }
    fitted
}

fn neighborhood(
    center: &Value,
    incoming: &Value,
    outgoing: &Value,
    label: &str,
) -> Result<Value, Error> {
    let (center, left, right) = (drawn(center)?, side(incoming)?, side(outgoing)?);
    let rows = left.len().max(right.len()).max(1);
    let height = rows * ROW + 8;
    let mut svg = format!(
        "<svg class=\"hood\" viewBox=\"0 0 {WIDTH} {height}\" role=\"group\" aria-label=\"{}\">",
        escaped(label)
    );
    let middle = (WIDTH - BOX) / 2;
    let center_y = (height - TALL) / 2;
    let top = |at: usize, count: usize| (height - count * ROW) / 2 + at * ROW + (ROW - TALL) / 2;
    for (at, one) in left.iter().enumerate() {
        let y = top(at, left.len());
        line(&mut svg, (BOX, y + TALL / 2), (middle, center_y + TALL / 2), &one.relation);
    }
    for (at, one) in right.iter().enumerate() {
        let y = top(at, right.len());
        let from = (middle + BOX, center_y + TALL / 2);
        line(&mut svg, from, (WIDTH - BOX, y + TALL / 2), &one.relation);
    }
    for (at, one) in left.iter().enumerate() {
        boxed(&mut svg, one, (0, top(at, left.len())), "node");
    }
    for (at, one) in right.iter().enumerate() {
        boxed(&mut svg, one, (WIDTH - BOX, top(at, right.len())), "node");
    }
    boxed(&mut svg, &center, (middle, center_y), "node center");
    svg.push_str("</svg>");
    Ok(Value::from_safe_string(svg))
}

/// A line with an arrow's head at its end; what it means is its title.
fn line(svg: &mut String, from: (usize, usize), to: (usize, usize), relation: &str) {
    let half = usize::midpoint(from.0, to.0);
    let _ = write!(
        svg,
        "<g class=\"edge\"><title>{}</title><path d=\"M{} {}C{half} {} {half} {} {} {}\"/>\
         <path class=\"head\" d=\"M{} {}l-6 -4v8z\"/></g>",
        escaped(relation),
        from.0,
        from.1,
        from.1,
        to.1,
        to.0,
        to.1,
        to.0,
        to.1
    );
}

fn boxed(svg: &mut String, one: &Drawn, (x, y): (usize, usize), class: &str) {
    let (open, close) = if one.href.is_empty() {
        (String::new(), "")
    } else {
        (format!("<a href=\"{}\">", escaped(&one.href)), "</a>")
    };
    let _ = write!(
        svg,
        "{open}<g class=\"{class}\"><title>{}</title>\
         <rect x=\"{x}\" y=\"{y}\" width=\"{BOX}\" height=\"{TALL}\" rx=\"5\"/>\
         <text x=\"{}\" y=\"{}\">{}</text><text class=\"note\" x=\"{}\" y=\"{}\">{}</text></g>\
         {close}",
        escaped(&one.name),
        x + 8,
        y + 17,
        escaped(&fitted(&one.name)),
        x + 8,
        y + 33,
        escaped(&fitted(&one.note)),
    );
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    fn draw(name: &str) -> String {
        let one = context! { name, note => name, relation => name, href => name };
        let list = Value::from(vec![one.clone()]);
        neighborhood(&one, &list, &list, name).unwrap().to_string()
    }

    #[test]
    fn a_hostile_name_draws_nothing_of_its_own() {
        let svg = draw("\"><script>alert(1)</script>\u{202e}");
        assert!(!svg.contains("<script") && !svg.contains('\u{202e}'), "{svg}");
        assert!(!svg.contains("=\"\">"), "{svg}");
        assert!(svg.contains("&lt;script&gt;"), "{svg}");
    }

    #[test]
    fn a_long_name_is_cut_and_whole_in_its_title() {
        let long = "長".repeat(40);
        let svg = draw(&long);
        assert!(svg.contains(&format!(">{}…</text>", "長".repeat(14))), "{svg}");
        assert!(svg.contains(&format!("<title>{long}</title>")));
    }

    #[test]
    fn no_more_boxes_than_fit() {
        let one = context! { name => "a", note => "", relation => "r", href => "" };
        let many = Value::from(vec![one.clone(); 30]);
        let svg = neighborhood(&one, &many, &many, "x").unwrap().to_string();
        assert_eq!(svg.matches("<rect").count(), 2 * BOXES_MAX + 1);
    }
}
