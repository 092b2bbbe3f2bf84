//! Which source an object belongs to: told by its key, by the log group it was delivered from,
//! and by what its first record looks like.
//! What sources look like is content; how their objects are read is `decode`'s business.

use std::collections::BTreeMap;
use std::sync::Arc;

use yagura_content::format::{ContentMark, KeyPattern, Source};
use yagura_model::event::{Record, Value};
use yagura_model::source::FieldStep;

use super::decode::sniff::{Sniffed, sniff};
use super::decode::{Envelopes, origin_of_key};

/// The source of an object whose key and first bytes (see [`HEAD_BYTES`]) are given; nothing if
/// none fits.
///
/// The key decides first: of the patterns that match, the one that says most. Where the first
/// record contradicts it (a file that was named so by chance), or where no pattern matches, the
/// content decides: of the sources whose marks fit, the one with the highest rank.
///
/// [`HEAD_BYTES`]: super::decode::HEAD_BYTES
pub fn recognize<'s>(
    sources: &'s BTreeMap<String, Arc<Source>>,
    key: &str,
    head: &[u8],
) -> Option<&'s Arc<Source>> {
    let envelopes = Envelopes::of_all(sources.values().map(|source| &**source));
    let sniffed = sniff(head, &envelopes, Arc::new(origin_of_key(None, "", key)));
    let mut by_key: Vec<(usize, &Arc<Source>)> = sources
        .values()
        .filter_map(|source| {
            let matching = source.keys.0.iter().filter(|pattern| pattern.matches(key).is_some());
            Some((matching.map(KeyPattern::weight).max()?, source))
        })
        .collect();
    // Of patterns that say as much, the source of higher rank; then by name.
    by_key.sort_by_key(|(weight, source)| (std::cmp::Reverse((*weight, source.rank)), &source.id));
    let named = by_key.first().map(|(_, source)| *source);
    let empty = sniffed.record.is_none() && sniffed.lines.is_empty();
    if named.is_some() && empty {
        return named;
    }
    let fitting = by_key.iter().map(|(_, source)| *source).find(|source| {
        source.content.is_empty() || source.content.iter().any(|mark| fits(mark, &sniffed))
    });
    fitting.or_else(|| by_content(sources, &sniffed)).or(named)
}

/// The source whose log group and marks fit; else whose marks fit; else whose log group does.
fn by_content<'s>(
    sources: &'s BTreeMap<String, Arc<Source>>,
    sniffed: &Sniffed,
) -> Option<&'s Arc<Source>> {
    let record = sniffed.record.as_ref().and_then(|batch| batch.record(0));
    let group = record.and_then(|record| record.key_field("log_group"));
    let stream = record.and_then(|record| record.key_field("log_stream")).unwrap_or_default();
    let of_group = |source: &Source| {
        group.is_some_and(|group| {
            source.log_groups.iter().any(|own| {
                own.group.matches(group)
                    && own.stream.as_ref().is_none_or(|own| own.matches(stream))
            })
        })
    };
    let score = |source: &&Arc<Source>| {
        let marked = source.content.iter().any(|mark| fits(mark, sniffed));
        let grouped = of_group(source);
        (marked || grouped).then_some((marked && grouped, marked, source.rank))
    };
    let scored = sources.values().filter_map(|source| Some((score(&source)?, source)));
    // The first of equals: sources are in the order of their names.
    let best = scored.reduce(|best, other| if other.0 > best.0 { other } else { best });
    best.map(|(_, source)| source)
}

/// Whether an object begins as a mark says.
fn fits(mark: &ContentMark, sniffed: &Sniffed) -> bool {
    let of_record =
        !(mark.members.0.is_empty() && mark.absent.0.is_empty() && mark.equals.0.is_empty());
    if of_record {
        let record = sniffed.record.as_ref().and_then(|batch| batch.record(0));
        if !record.is_some_and(|record| record_fits(mark, record)) {
            return false;
        }
    }
    let names = header(&sniffed.lines);
    let headed = mark.header.0.iter().all(|name| names.contains(&name.as_str()));
    let of_line = mark
        .line
        .as_ref()
        .is_none_or(|pattern| sniffed.lines.first().is_some_and(|line| pattern.matches(line)));
    let says_anything = of_record || !mark.header.0.is_empty() || mark.line.is_some();
    says_anything && headed && of_line
}

fn record_fits(mark: &ContentMark, record: Record<'_>) -> bool {
    let root = record.root();
    let has = |steps: &[FieldStep]| member(root, steps);
    mark.members.0.iter().all(|path| has(&path.steps).is_some())
        && mark.absent.0.iter().all(|path| has(&path.steps).is_none())
        && mark.equals.0.iter().all(|(path, patterns)| {
            path.value.parse::<yagura_model::source::FieldPath>().is_ok_and(|path| {
                let found = path.find(root, record);
                found.is_some_and(|found| {
                    let text = found.text();
                    patterns.0.iter().any(|pattern| pattern.matches(&text))
                })
            })
        })
}

/// The value at the end of a way, null or not; of lists the first that has it.
fn member<'a>(from: Value<'a>, steps: &[FieldStep]) -> Option<Value<'a>> {
    let Some((step, rest)) = steps.split_first() else { return Some(from) };
    match step {
        FieldStep::Key(name) => member(from.get(name)?, rest),
        FieldStep::Index(place) => member(from.item(*place)?, rest),
        FieldStep::Each => from.items().find_map(|item| member(item, rest)),
    }
}

/// The names in a text's header: those of `#Fields:`, else the fields of the first line.
fn header(lines: &[String]) -> Vec<&str> {
    let directive = lines.iter().find_map(|line| line.strip_prefix("#Fields:"));
    match directive.or_else(|| lines.first().map(String::as_str)) {
        Some(line) => line
            .split([' ', '\t', ','])
            .map(|name| name.trim().trim_matches('"'))
            .filter(|name| !name.is_empty())
            .collect(),
        None => Vec::new(),
    }
}
