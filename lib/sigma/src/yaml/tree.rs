//! Builds trees from parser events, within a budget: anchors and aliases are copied, repeated
//! keys are errors, and a broken document does not take its neighbours with it.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::{Entry, Kind, Node, scalar};
use crate::problem::{Place, Problem};

/// Bytes of one file. The largest public rule has a fiftieth of it.
const TEXT_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Values of one file, with those that aliases copy.
const NODES_MAX: usize = 200_000;
/// Nesting.
const DEPTH_MAX: usize = 48;

/// Reads every document of a text: the good ones, and what was wrong with the others.
pub(crate) fn documents(text: &str) -> (Vec<Node>, Vec<Problem>) {
    if text.len() > TEXT_BYTES_MAX {
        let place = Place { line: 1, column: 1 };
        return (Vec::new(), vec![Problem::error(place, "the file is larger than 2 MiB")]);
    }
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut parser = Parser::new_from_str(text);
    let (mut good, mut problems) = (Vec::new(), Vec::new());
    let mut builder = Builder::default();
    loop {
        let fault = match parser.next() {
            None => return (good, problems),
            Some(Ok((event, span))) => match builder.take(event, &span) {
                Ok(Some(document)) => {
                    good.push(document);
                    None
                }
                Ok(None) => None,
                Err(problem) => Some(problem),
            },
            Some(Err(error)) => Some(of_scan(&error)),
        };
        let Some(problem) = fault else { continue };
        problems.push(problem);
        builder = Builder { nodes: builder.nodes, ..Builder::default() };
        if builder.nodes > NODES_MAX || !matches!(parser.proceed_next_document(), Ok(true)) {
            return (good, problems);
        }
    }
}

fn of_scan(error: &ScanError) -> Problem {
    let mark = error.marker();
    let place = place_at(mark.line(), mark.col());
    Problem::error(place, format!("not YAML: {}", error.info()))
}

fn place_at(line: usize, column: usize) -> Place {
    let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Place { line: narrow(line), column: narrow(column.saturating_add(1)) }
}

/// A collection whose end has not come.
struct Open {
    place: Place,
    anchor: usize,
    items: Vec<Node>,
    entries: Vec<Entry>,
    /// Of a map: the key whose value is awaited.
    key: Option<(String, Place)>,
    is_map: bool,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    document: Option<Node>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<Option<Node>, Problem> {
        let place = place_at(span.start.line(), span.start.col());
        match event {
            Event::DocumentStart(..) => {
                self.anchors.clear();
                self.document = None;
            }
            Event::DocumentEnd => return Ok(self.document.take()),
            Event::Scalar(text, style, anchor, tag) => {
                let quoted = style != ScalarStyle::Plain
                    || tag.as_ref().is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
                let kind =
                    if quoted { Kind::Text(text.into_owned()) } else { scalar::resolve(&text) };
                return self.place(Node { place, kind }, anchor).map(|()| None);
            }
            Event::SequenceStart(_, anchor, _) => return self.begin(place, anchor, false),
            Event::MappingStart(_, anchor, _) => return self.begin(place, anchor, true),
            Event::SequenceEnd | Event::MappingEnd => return self.end(),
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id) else {
                    return Err(Problem::error(place, "an alias of the value it stands in"));
                };
                let copy = Node { place, kind: node.kind.clone() };
                self.count(size(&copy), place)?;
                return self.place(copy, 0).map(|()| None);
            }
            _ => {}
        }
        Ok(None)
    }

    fn begin(
        &mut self,
        place: Place,
        anchor: usize,
        is_map: bool,
    ) -> Result<Option<Node>, Problem> {
        if self.open.len() >= DEPTH_MAX {
            return Err(Problem::error(place, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        let open = Open { place, anchor, items: vec![], entries: vec![], key: None, is_map };
        self.open.push(open);
        Ok(None)
    }

    fn end(&mut self) -> Result<Option<Node>, Problem> {
        let Some(done) = self.open.pop() else { return Ok(None) };
        let kind =
            if done.is_map { Kind::Map(merged(done.entries)) } else { Kind::List(done.items) };
        self.place(Node { place: done.place, kind }, done.anchor).map(|()| None)
    }

    /// Puts a finished value where it belongs.
    fn place(&mut self, node: Node, anchor: usize) -> Result<(), Problem> {
        self.count(1, node.place)?;
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(parent) = self.open.last_mut() else {
            self.document = Some(node);
            return Ok(());
        };
        if !parent.is_map {
            parent.items.push(node);
            return Ok(());
        }
        match parent.key.take() {
            Some((key, place)) => parent.entries.push(Entry { key, place, value: node }),
            None => {
                let key = node.expect_text("a key")?;
                if key != "<<" && parent.entries.iter().any(|entry| entry.key == key) {
                    return Err(Problem::error(node.place, format!("the key `{key}` is repeated")));
                }
                parent.key = Some((key, node.place));
            }
        }
        Ok(())
    }

    fn count(&mut self, more: usize, place: Place) -> Result<(), Problem> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > NODES_MAX {
            return Err(Problem::error(
                place,
                format!("the file has more than {NODES_MAX} values"),
            ));
        }
        Ok(())
    }
}

fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Kind::Map(entries) => 1 + entries.iter().map(|entry| size(&entry.value)).sum::<usize>(),
        _ => 1,
    }
}

/// Resolves merge keys (`<<`): the map's own keys win.
fn merged(entries: Vec<Entry>) -> Vec<Entry> {
    if !entries.iter().any(|entry| entry.key == "<<") {
        return entries;
    }
    let (merges, mut own): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| entry.key == "<<" && entry.value.map().is_some());
    for merge in merges {
        let Kind::Map(inherited) = merge.value.kind else { continue };
        for entry in inherited {
            if !own.iter().any(|mine| mine.key == entry.key) {
                own.push(entry);
            }
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_place_and_writing() {
        let (documents, problems) = documents("a: 'x'\nb:\n  - 1\n  - '1'\n");
        assert_eq!(problems, []);
        let b = documents[0].get("b").unwrap();
        let Kind::List(items) = &b.kind else { panic!("{b:?}") };
        assert!(matches!(items[0].kind, Kind::Number(_)));
        assert!(matches!(items[1].kind, Kind::Text(_)));
        assert_eq!(items[1].place, Place { line: 4, column: 5 });
    }

    #[test]
    fn a_broken_document_leaves_the_others() {
        let (good, problems) =
            documents("a: 1\n---\nb: [1,\n---\nc: 2\n---\nd: 1\nd: 2\n---\ne: 1\n");
        let keys: Vec<_> = good.iter().map(|node| node.map().unwrap()[0].key.clone()).collect();
        assert_eq!(keys, ["a", "c", "e"]);
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[1].message, "the key `d` is repeated");
        assert_eq!(problems[1].place, Place { line: 8, column: 1 });
    }

    #[test]
    fn anchors_are_copied_and_merged_within_the_budget() {
        let (good, problems) = documents("a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}\nc: *x\n");
        assert_eq!(problems, []);
        let b = good[0].get("b").unwrap();
        assert_eq!(b.get("k").unwrap().expect_text("k").unwrap(), "3");
        assert_eq!(b.get("l").unwrap().expect_text("l").unwrap(), "2");
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for n in 1..9 {
            let last = n - 1;
            bomb += &format!("a{n}: &a{n} [*a{last}, *a{last}, *a{last}, *a{last}, *a{last}]\n");
        }
        let (_, problems) = documents(&bomb);
        assert_eq!(problems.len(), 1, "{problems:?}");
    }

    #[test]
    fn what_is_too_deep_is_refused() {
        let (good, problems) = documents(&("[".repeat(100) + &"]".repeat(100)));
        assert!(good.is_empty());
        assert_eq!(problems[0].message, "nested deeper than 48 levels");
    }
}
