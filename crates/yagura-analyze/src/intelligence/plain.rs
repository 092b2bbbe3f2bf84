//! Plain lists: one entry a line, comments after `#`, `;` or `//`, and `hosts` files.
//! What an entry means is in `entry.rs`.

use super::entry::{ENTRY_BYTES_MAX, EntryFault};
use super::{EntryPlace, Reading, canonical};

pub(super) fn read(bytes: &[u8], reading: &mut Reading) {
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let place = EntryPlace::Line(number);
        if line.len() > 4 * ENTRY_BYTES_MAX {
            reading.bad(place, "", EntryFault::Long);
            continue;
        }
        let Ok(line) = str::from_utf8(line) else {
            reading.bad(place, &String::from_utf8_lossy(line), EntryFault::Encoding);
            continue;
        };
        let entry = without_comment(line);
        if entry.is_empty() {
            continue;
        }
        if reading.is_full() {
            return;
        }
        one_line(place, entry, reading);
    }
}

fn one_line(place: EntryPlace, line: &str, reading: &mut Reading) {
    let mut words = line.split_whitespace();
    let (Some(first), second) = (words.next(), words.next()) else { return };
    let Some(second) = second else { return reading.add(place, first) };
    // `192.0.2.1 - 192.0.2.9` is one entry.
    if second == "-" {
        return reading.add(place, line);
    }
    // A line of a `hosts` file sends names to nowhere.
    let nowhere = canonical::address(first)
        .is_some_and(|address| address.is_unspecified() || address.is_loopback());
    if nowhere {
        for name in std::iter::once(second).chain(words) {
            let known = ["localhost", "localhost.localdomain", "broadcasthost", "0.0.0.0"];
            if !known.contains(&name) && canonical::domain(name).is_some() {
                reading.add(place, name);
            }
        }
        return;
    }
    // Some lists count beside the entry.
    if second.bytes().all(|byte| byte.is_ascii_digit()) && words.next().is_none() {
        return reading.add(place, first);
    }
    reading.bad(place, line, EntryFault::Words);
}

/// The line without its comment. A `#` inside a word is part of a URL.
fn without_comment(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with(['#', ';', '!']) || line.starts_with("//") {
        return "";
    }
    let comment = line
        .match_indices(['#', ';'])
        .map(|(at, _)| at)
        .find(|at| line.get(..*at).is_some_and(|before| before.ends_with(char::is_whitespace)));
    comment.and_then(|at| line.get(..at)).unwrap_or(line).trim()
}
