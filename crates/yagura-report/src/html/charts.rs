//! Charts of the page as inline SVG: stacked bars and the map of the checklist.
//! Every chart only repeats figures that stand beside it in words.

use std::fmt::Write as _;

use yagura_model::RequirementState;

use super::{Both, escaped};

/// A stacked bar over the whole width; each part has a tone (a class of the style) and a number.
/// What is unknown is hatched, so that the bar reads without color.
pub(super) fn bar(parts: &[(String, u64)]) -> String {
    let all: u64 = parts.iter().map(|(_, n)| n).sum();
    let mut svg = String::from(
        "<svg class=\"bar\" aria-hidden=\"true\"><rect class=\"track\" width=\"100%\" \
         height=\"100%\"/>",
    );
    let mut before = 0;
    for (tone, n) in parts.iter().filter(|(_, n)| *n > 0) {
        let x = thousandths(before, all);
        before += n;
        let width = thousandths(before, all) - x;
        let fill = match tone.as_str() {
            "unknown" => "class=\"unknown\" fill=\"url(#hatch)\"".to_owned(),
            tone => format!("class=\"fill {}\"", escaped(tone)),
        };
        let _ = write!(
            svg,
            "<rect {fill} x=\"{}%\" width=\"{}%\" height=\"100%\"/>",
            tenths(x),
            tenths(width)
        );
    }
    svg.push_str("</svg>");
    svg
}

fn thousandths(n: u64, all: u64) -> u64 {
    n.saturating_mul(1000).checked_div(all).unwrap_or(0)
}

fn tenths(thousandths: u64) -> String {
    format!("{}.{}", thousandths / 10, thousandths % 10)
}

/// One cell of the map.
pub(super) struct Cell {
    pub(super) anchor: String,
    pub(super) title: Both,
    pub(super) state: RequirementState,
}

/// The checklist at a glance: a cell for each item, a gap between the areas.
pub(super) fn map(areas: &[Vec<Cell>]) -> String {
    const SIDE: usize = 36;
    const STEP: usize = 40;
    const GAP: usize = 12;
    let cells: usize = areas.iter().map(Vec::len).sum();
    let width = (cells * STEP + areas.len().saturating_sub(1) * GAP).saturating_sub(STEP - SIDE);
    let mut svg = format!("<svg class=\"map\" viewBox=\"-1 -1 {} {}\">", width + 2, SIDE + 2);
    let mut x = 0;
    for area in areas {
        for cell in area {
            let state = cell.state.as_str();
            let title = escaped(&format!("{} / {}", cell.title.en, cell.title.ja));
            let _ = write!(
                svg,
                "<a href=\"#{}\" class=\"{state}\"><title>{title}</title>\
                 <rect class=\"cell {state}\" x=\"{x}\" width=\"{SIDE}\" height=\"{SIDE}\" \
                 rx=\"5\"/><use href=\"#i-{state}\" x=\"{}\" y=\"9\" width=\"18\" \
                 height=\"18\"/></a>",
                escaped(&cell.anchor),
                x + 9
            );
            x += STEP;
        }
        x += GAP;
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_bar_fill_it_exactly() {
        let svg = bar(&[("fail".to_owned(), 1), ("pass".to_owned(), 1), ("unknown".to_owned(), 1)]);
        assert!(svg.contains("x=\"0.0%\" width=\"33.3%\""), "{svg}");
        assert!(svg.contains("x=\"66.6%\" width=\"33.4%\""), "{svg}");
        assert!(svg.contains("url(#hatch)"));
    }

    #[test]
    fn nothing_to_count_is_an_empty_bar() {
        assert!(!bar(&[("fail".to_owned(), 0)]).contains("fill fail"));
    }
}
