//! STIX 2.x: bundles, TAXII envelopes, and objects one after the other, as JSON.
//! Patterns are read in `stix_pattern.rs`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use yagura_model::indicator::Validity;

use super::entry::EntryFault;
use super::stix_pattern::indicators_of_pattern;
use super::{EntryPlace, ListFault, Reading};

pub(super) fn read(bytes: &[u8], reading: &mut Reading) -> Result<(), ListFault> {
    let mut state = State { reading, number: 0, known: false };
    let mut rest = bytes;
    // One document, or several with or without blanks between: lines of objects.
    while let Some(start) = rest.iter().position(|byte| !byte.is_ascii_whitespace()) {
        rest = rest.get(start..).unwrap_or_default();
        let mut document = serde_json::Deserializer::from_slice(rest);
        Document { state: &mut state }.deserialize(&mut document).map_err(|error| {
            let before = bytes.len() - rest.len();
            fault(bytes.get(..before).unwrap_or_default(), &error)
        })?;
        if document.end().is_ok() {
            break;
        }
        // Something follows. Where it begins only the stream tells, which reads once more.
        let mut again = serde_json::Deserializer::from_slice(rest).into_iter::<IgnoredAny>();
        let _ = again.next();
        rest = rest.get(again.byte_offset().max(1)..).unwrap_or_default();
    }
    if state.known { Ok(()) } else { Err(ListFault::Foreign { format: "STIX" }) }
}

fn fault(before: &[u8], error: &serde_json::Error) -> ListFault {
    let lines = before.iter().filter(|byte| **byte == b'\n').count();
    let what = error.to_string();
    let what = what.split(" at line ").next().unwrap_or_default();
    ListFault::Form {
        format: "JSON",
        line: (error.line() + lines) as u64,
        column: error.column() as u64,
        what: what.chars().take(200).collect(),
    }
}

/// What has been read so far.
struct State<'r> {
    reading: &'r mut Reading,
    number: u64,
    /// Whether something that STIX has was seen.
    known: bool,
}

impl State<'_> {
    fn object(&mut self, object: &Object) {
        self.number += 1;
        self.known |= object.kind.as_ref().is_some_and(Value::is_string);
        let text =
            |value: &Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
        if text(&object.kind).as_deref() != Some("indicator") {
            return;
        }
        if object.revoked == Some(Value::Bool(true)) {
            self.reading.read.revoked_total += 1;
            return;
        }
        if self.reading.is_full() {
            return;
        }
        let place = EntryPlace::Object(self.number);
        let shown = text(&object.pattern).or_else(|| text(&object.id)).unwrap_or_default();
        if let Err(fault) = self.indicator(object) {
            self.reading.bad(place, &shown, fault);
        }
    }

    fn indicator(&mut self, object: &Object) -> Result<(), EntryFault> {
        let pattern = object.pattern.as_ref().and_then(Value::as_str).ok_or(EntryFault::Object)?;
        let language = object.pattern_type.as_ref().and_then(Value::as_str).unwrap_or("stix");
        if language != "stix" {
            return Err(EntryFault::Language);
        }
        let validity =
            Validity { from_s: time(&object.valid_from)?, until_s: time(&object.valid_until)? };
        let whole = self.reading.whole;
        indicators_of_pattern(pattern, whole, validity, &mut self.reading.read.entries)
    }
}

fn time(value: &Option<Value>) -> Result<Option<i64>, EntryFault> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => {
            let time: jiff::Timestamp = text.parse().map_err(|_| EntryFault::Time)?;
            Ok(Some(time.as_second()))
        }
        Some(_) => Err(EntryFault::Time),
    }
}

/// What of an object is looked at.
#[derive(Default)]
struct Object {
    kind: Option<Value>,
    id: Option<Value>,
    pattern: Option<Value>,
    pattern_type: Option<Value>,
    valid_from: Option<Value>,
    valid_until: Option<Value>,
    revoked: Option<Value>,
}

/// A document: a bundle with `objects`, a list of objects, or one object.
struct Document<'s, 'r> {
    state: &'s mut State<'r>,
}

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a STIX bundle, a list of objects, or an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut object = Object::default();
        let mut bundle = false;
        while let Some(name) = map.next_key::<String>()? {
            let field = match name.as_str() {
                "objects" => {
                    bundle = true;
                    map.next_value_seed(Objects { state: &mut *self.state })?;
                    continue;
                }
                "type" => &mut object.kind,
                "id" => &mut object.id,
                "pattern" => &mut object.pattern,
                "pattern_type" => &mut object.pattern_type,
                "valid_from" => &mut object.valid_from,
                "valid_until" => &mut object.valid_until,
                "revoked" => &mut object.revoked,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *field = Some(map.next_value()?);
        }
        if bundle {
            self.state.known = true;
        } else {
            self.state.object(&object);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Element { state: &mut *self.state })?.is_some() {}
        Ok(())
    }
}

/// The objects of a bundle.
struct Objects<'s, 'r> {
    state: &'s mut State<'r>,
}

impl<'de> DeserializeSeed<'de> for Objects<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(Document { state: self.state })
    }
}

/// One element of a list; one that is no object is noted.
struct Element<'s, 'r> {
    state: &'s mut State<'r>,
}

impl<'de> DeserializeSeed<'de> for Element<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match object_of(deserializer)? {
            Some(object) => self.state.object(&object),
            None => {
                self.state.number += 1;
                let place = EntryPlace::Object(self.state.number);
                self.state.reading.bad(place, "", EntryFault::Object);
            }
        }
        Ok(())
    }
}

/// An object, or none where a list has anything else.
fn object_of<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Object>, D::Error> {
    let Value::Object(mut map) = serde::Deserialize::deserialize(from)? else {
        return Ok(None);
    };
    // The map keeps its order, and taking a member out of the middle must not cost its length.
    let mut take = |name: &str| map.swap_remove(name);
    Ok(Some(Object {
        kind: take("type"),
        id: take("id"),
        pattern: take("pattern"),
        pattern_type: take("pattern_type"),
        valid_from: take("valid_from"),
        valid_until: take("valid_until"),
        revoked: take("revoked"),
    }))
}
