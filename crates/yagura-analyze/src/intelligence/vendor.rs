//! The vendors' formats that GuardDuty takes ("Customizing threat detection with entity lists and
//! IP address lists", list formats, seen 2026-11).
//! STIX, which GuardDuty takes too, is in `stix1.rs` and `stix2.rs`.

use super::csv_rows::rows;
use super::entry::EntryFault;
use super::{EntryPlace, ListFault, Reading};

/// `Indicator type, Indicator, Description`.
pub(super) fn otx(bytes: &[u8], reading: &mut Reading) -> Result<(), ListFault> {
    let mut column = 1;
    let mut first = true;
    rows(bytes, ',', None, reading, |place, row, reading| {
        let header = std::mem::take(&mut first)
            && row.iter().any(|cell| cell.eq_ignore_ascii_case("indicator type"));
        if header {
            let named = row.iter().position(|cell| cell.eq_ignore_ascii_case("indicator"));
            column = named.unwrap_or(1);
            return Ok(());
        }
        match row.get(column) {
            Some(cell) => reading.add(place, cell),
            None => reading.bad(place, row.get(0).unwrap_or_default(), EntryFault::Column),
        }
        Ok(())
    })
}

/// `ip, category, score, first_seen, last_seen, ports (|)`, or `domain, …`.
pub(super) fn proof_point(bytes: &[u8], reading: &mut Reading) -> Result<(), ListFault> {
    let mut first = true;
    rows(bytes, ',', Some('#'), reading, |place, row, reading| {
        let cell = row.get(0).unwrap_or_default();
        let header = std::mem::take(&mut first)
            && ["ip", "domain"].iter().any(|name| cell.eq_ignore_ascii_case(name));
        if !header {
            reading.add(place, cell);
        }
        Ok(())
    })
}

/// `198.51.100.1#4#2#Malicious Host#US##0.0,0.0#3`: the entry is before the first `#`.
pub(super) fn alien_vault(bytes: &[u8], reading: &mut Reading) {
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let place = EntryPlace::Line(number);
        let entry = line.split(|byte| *byte == b'#').next().unwrap_or_default();
        match str::from_utf8(entry) {
            // A line that begins with `#` is a comment.
            Ok(entry) if entry.trim().is_empty() => {}
            Ok(entry) => {
                if reading.is_full() {
                    return;
                }
                reading.add(place, entry.trim());
            }
            Err(_) => reading.bad(place, &String::from_utf8_lossy(entry), EntryFault::Encoding),
        }
    }
}

/// Columns that hold what can be matched. `sourceIp`, `sourceDomain` and the like tell where a
/// mail came from, and `reportLink` is the vendor's own page.
const FIRE_EYE: [&str; 7] = ["cidr", "domain", "ip", "url", "md5", "sha1", "sha256"];

/// A header that names some fifty columns; the row is an indicator of each that is not empty.
pub(super) fn fire_eye(bytes: &[u8], reading: &mut Reading) -> Result<(), ListFault> {
    let mut columns: Option<Vec<usize>> = None;
    rows(bytes, ',', None, reading, |place, row, reading| {
        let Some(columns) = &columns else {
            let at = |name: &&str| row.iter().position(|cell| cell.eq_ignore_ascii_case(name));
            let found: Vec<usize> = FIRE_EYE.iter().filter_map(at).collect();
            if found.is_empty() {
                return Err(ListFault::Foreign { format: "the FireEye CSV" });
            }
            columns = Some(found);
            return Ok(());
        };
        let cells = columns.iter().filter_map(|column| row.get(*column));
        let mut any = false;
        for cell in cells.filter(|cell| !cell.is_empty()) {
            any = true;
            reading.add(place, cell);
        }
        if !any {
            reading.bad(place, row.get(0).unwrap_or_default(), EntryFault::Column);
        }
        Ok(())
    })
}
