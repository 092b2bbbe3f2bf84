//! STIX 1.x: observables of addresses, domains, URLs and digests, as XML. GuardDuty's `STIX`.
//! Nothing is made of entities and document types: both are refused.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

use super::entry::{ENTRY_BYTES_MAX, EntryFault};
use super::{EntryPlace, ListFault, Reading};

/// Elements inside one another.
const DEPTH_MAX: usize = 128;
/// Between the values of one element (CybOX 2.1, `delimiter`).
const COMMA: &str = "##comma##";

pub(super) fn read(bytes: &[u8], reading: &mut Reading) -> Result<(), ListFault> {
    let text = str::from_utf8(bytes).map_err(|error| {
        form(bytes.get(..error.valid_up_to()).unwrap_or_default(), "it is not UTF-8")
    })?;
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut document = Document::default();
    loop {
        let before = usize::try_from(reader.buffer_position()).unwrap_or_default();
        let at = |what: &str| form(bytes.get(..before).unwrap_or_default(), what);
        let event = reader.read_event().map_err(|error| at(&error.to_string()))?;
        match event {
            Event::Start(start) => {
                document.open(&start).map_err(at)?;
                if document.depth == 1 && start.local_name().into_inner() != "STIX_Package" {
                    return Err(ListFault::Foreign { format: "STIX" });
                }
            }
            Event::Empty(_) | Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::End(_) => {
                document.depth = document.depth.saturating_sub(1);
                if document.value.is_some() && !document.close(bytes, before, reading) {
                    return Ok(());
                }
            }
            Event::Text(piece) => document.text(&piece.xml10_content()),
            Event::CData(piece) => document.text(&piece.xml10_content()),
            Event::GeneralRef(reference) => {
                let character =
                    reference.resolve_char_ref().map_err(|error| at(&error.to_string()))?;
                match (character, resolve_predefined_entity(&reference)) {
                    (Some(character), _) => document.text(character.encode_utf8(&mut [0; 4])),
                    (None, Some(known)) => document.text(known),
                    (None, None) => return Err(at("an entity of the document's own is refused")),
                }
            }
            Event::DocType(_) => return Err(at("a document type is refused")),
            Event::Eof if document.depth > 0 => return Err(at("it ends in the middle")),
            Event::Eof if !document.seen => return Err(ListFault::Foreign { format: "STIX" }),
            Event::Eof => return Ok(()),
        }
    }
}

fn form(before: &[u8], what: &str) -> ListFault {
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    ListFault::Form {
        format: "XML",
        line: line as u64,
        column: column as u64,
        what: what.chars().take(200).collect(),
    }
}

/// The document while it is read.
#[derive(Default)]
struct Document {
    depth: usize,
    seen: bool,
    /// The element of a value that is being read.
    value: Option<Value>,
    /// Line breaks in the first `counted` bytes.
    lines: u64,
    counted: usize,
}

struct Value {
    condition: String,
    text: String,
}

impl Document {
    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), &'static str> {
        self.depth += 1;
        self.seen = true;
        if self.depth > DEPTH_MAX {
            return Err("the elements are nested too deeply");
        }
        // `Value` is the element of domains and of URLs; other objects have it too, and what they
        // hold is no entry, which is noted.
        let name = start.local_name().into_inner();
        if matches!(name, "Address_Value" | "Value" | "Simple_Hash_Value") {
            let condition = start
                .attributes()
                .flatten()
                .find(|attribute| attribute.key.into_inner() == "condition")
                .map(|attribute| attribute.value.into_owned());
            let condition = condition.unwrap_or_default();
            self.value = Some(Value { condition, text: String::new() });
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(value) = &mut self.value
            && value.text.len() <= 64 * ENTRY_BYTES_MAX
        {
            value.text.push_str(text);
        }
    }

    /// Takes the value that has ended; false when the list is full.
    fn close(&mut self, bytes: &[u8], at: usize, reading: &mut Reading) -> bool {
        let Some(value) = self.value.take() else { return true };
        if reading.is_full() {
            return false;
        }
        let passed = bytes.get(self.counted..at).unwrap_or_default();
        self.lines += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.counted = at;
        let place = EntryPlace::Line(self.lines + 1);
        let text = value.text.trim();
        match value.condition.as_str() {
            "" | "Equals" => {
                for part in text.split(COMMA) {
                    reading.add(place, part.trim());
                }
            }
            "InclusiveBetween" => match text.split_once(COMMA) {
                Some((first, last)) => {
                    let range = format!("{}-{}", first.trim(), last.trim());
                    reading.add(place, &range);
                }
                None => reading.bad(place, text, EntryFault::Range),
            },
            _ => reading.bad(place, text, EntryFault::Condition),
        }
        true
    }
}
