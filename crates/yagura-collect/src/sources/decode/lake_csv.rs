//! CloudTrail Lake query results as CSV: a header of column names, rows of RFC 4180.
//! What a row's fields become lives in `lake_row`.

use super::delimited::{Field, cut_doubled};
use super::envelope::Envelopes;
use super::lake_row;
use super::message::Messages;
use super::output::{Halt, Output};
use super::piece::BadReason;
use super::text::next_line;
use super::window::Window;

/// Whether a text's first line is the header of such rows.
pub(super) fn is_header(line: &str) -> bool {
    let names: Vec<String> = columns(line).iter().map(|name| name.to_ascii_lowercase()).collect();
    let has = |name: &str| names.iter().any(|own| own == name);
    has("eventjson") || (has("eventid") && (has("eventname") || has("useridentity")))
}

/// Reads the window to its end.
pub(super) fn run(
    window: &mut Window<'_>,
    out: &mut Output<'_>,
    messages: &mut Messages<'_>,
    envelopes: &Envelopes<'_>,
) -> Result<(), Halt> {
    let unfinished = |line: &[u8]| memchr::memchr_iter(b'"', line).count() % 2 == 1;
    let mut names: Vec<String> = Vec::new();
    while let Some(line) = next_line(window, out, &unfinished)? {
        if line.text.is_empty() {
            continue;
        }
        // The header comes again where files were put together.
        if is_header(&line.text) {
            names = columns(&line.text);
            continue;
        }
        let row = columns(&line.text);
        if names.is_empty() || row.len() != names.len() {
            let reason = match names.is_empty() {
                true => BadReason::MissingHeader,
                false => BadReason::MalformedLine,
            };
            out.bad(reason, line.offset, line.text.as_bytes())?;
            continue;
        }
        let whole = names.iter().position(|name| name.eq_ignore_ascii_case("eventJson"));
        let record = match whole.and_then(|at| row.get(at)).filter(|json| !json.is_empty()) {
            Some(json) => json.clone(),
            None => lake_row::record_of_fields(names.iter().cloned().zip(row.into_iter().map(Ok))),
        };
        messages.read(&record, None, None, line.offset, out, envelopes)?;
    }
    Ok(())
}

fn columns(line: &str) -> Vec<String> {
    let mut fields: Vec<Field> = Vec::new();
    if !cut_doubled(line.as_bytes(), b',', &mut fields) {
        return Vec::new();
    }
    let text = |field: &Field| {
        let text = line.get(field.place.clone()).unwrap_or_default();
        if field.quoted { text.replace("\"\"", "\"") } else { text.to_owned() }
    };
    fields.iter().map(text).collect()
}
