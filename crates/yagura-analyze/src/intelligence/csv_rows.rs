//! CSV: rows of which one column or several hold entries.
//! The CSV formats of vendors are in `vendor.rs`, which reads their rows through here.

use csv::{ReaderBuilder, StringRecord, Trim};
use yagura_model::indicator::CsvLayout;

use super::entry::EntryFault;
use super::{EntryPlace, ListFault, Reading};

pub(super) fn read(
    bytes: &[u8],
    layout: &CsvLayout,
    reading: &mut Reading,
) -> Result<(), ListFault> {
    let mut columns: Option<Vec<usize>> = None;
    if !layout.header {
        columns = Some(numbers(&layout.columns)?);
    }
    rows(bytes, layout.separator, layout.comment, reading, |place, row, reading| {
        let Some(columns) = &columns else {
            columns = Some(named(&layout.columns, row)?);
            return Ok(());
        };
        let mut present = false;
        for column in columns {
            let Some(cell) = row.get(*column) else { continue };
            present = true;
            if !cell.is_empty() {
                reading.add(place, cell);
            }
        }
        if !present {
            let text: Vec<&str> = row.iter().take(4).collect();
            reading.bad(place, &text.join(","), EntryFault::Column);
        }
        Ok(())
    })
}

/// Calls `each` for every row, until enough entries are taken.
pub(super) fn rows(
    bytes: &[u8],
    separator: char,
    comment: Option<char>,
    reading: &mut Reading,
    mut each: impl FnMut(EntryPlace, &StringRecord, &mut Reading) -> Result<(), ListFault>,
) -> Result<(), ListFault> {
    let byte = |c: char| u8::try_from(c).ok().filter(u8::is_ascii);
    let separator = byte(separator)
        .ok_or_else(|| ListFault::Column(format!("(the separator `{separator}` is no ASCII)")))?;
    let mut rows = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .comment(comment.and_then(byte))
        .trim(Trim::All)
        .from_reader(bytes);
    let mut row = StringRecord::new();
    loop {
        match rows.read_record(&mut row) {
            Ok(false) => return Ok(()),
            Ok(true) => {
                let place = EntryPlace::Line(row.position().map_or(0, csv::Position::line));
                if row.iter().all(str::is_empty) {
                    continue;
                }
                if reading.is_full() {
                    return Ok(());
                }
                each(place, &row, reading)?;
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                let fault = match error.kind() {
                    csv::ErrorKind::Utf8 { .. } => EntryFault::Encoding,
                    _ => EntryFault::Row,
                };
                reading.bad(EntryPlace::Line(line), "", fault);
                // Reading a slice fails in no other way than by one row.
                if !matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) {
                    return Ok(());
                }
            }
        }
    }
}

/// Columns by number, where there is no header.
fn numbers(columns: &[String]) -> Result<Vec<usize>, ListFault> {
    let number = |text: &String| {
        let number = text.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        number.ok_or_else(|| ListFault::Column(text.clone()))
    };
    columns.iter().map(number).collect()
}

/// Columns by name, else by number, where there is a header.
fn named(columns: &[String], header: &StringRecord) -> Result<Vec<usize>, ListFault> {
    let find = |name: &String| {
        let plain = |text: &str| text.trim_matches(['"', '#', ' ']).to_lowercase();
        let at = header.iter().position(|cell| plain(cell) == plain(name));
        match at {
            Some(at) => Ok(at),
            None => numbers(std::slice::from_ref(name)).map(|numbers| numbers.iter().sum()),
        }
    };
    columns.iter().map(find).collect()
}
