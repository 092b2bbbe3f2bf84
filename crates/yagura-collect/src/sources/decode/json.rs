//! JSON objects of any size: values one after the other, lists, and lists inside objects, cut
//! into records in bounded memory; after damage it goes on with the next record.
//! What a record is wrapped in lives in `envelope`; where to go on after damage in `resync`.

use yagura_model::event::{BatchBuilder, JsonFault, JsonFaultKind, Kind, Value};

use super::envelope::{Envelopes, Unwrapped, unwrap};
use super::message::Messages;
use super::output::{Halt, Output, reason_of};
use super::piece::BadReason;
use super::resync::{Damage, Place, Signatures};
use super::tolerant::{Scan, Tolerant};
use super::window::Window;

/// How deep envelopes may lie in one another: an object of a subscription in Lambda's wrapper in
/// a list is three.
const NESTED_MAX: u8 = 4;

/// How far every object is searched for a list of records, whatever was searched before it.
const SEARCHED_BYTES_MIN: usize = 256;

/// Reads the records of JSON text.
pub(super) struct JsonReader<'s> {
    envelopes: Envelopes<'s>,
    signatures: Signatures,
    /// How messages inside envelopes are read.
    messages: Messages<'s>,
    /// For values that are looked at and not kept.
    scratch: BatchBuilder,
    /// How much may still be scanned in vain after damage.
    patience: usize,
    /// How many bytes may still be searched for lists in objects that turn out to have none.
    search: usize,
    nested: u8,
}

impl<'s> JsonReader<'s> {
    pub(super) fn new(
        envelopes: Envelopes<'s>,
        names: Vec<String>,
        messages: Messages<'s>,
    ) -> Self {
        Self {
            envelopes,
            signatures: Signatures::new(names),
            messages,
            scratch: BatchBuilder::default(),
            patience: 64 << 20,
            search: 64 << 20,
            nested: 0,
        }
    }

    /// Reads the window to its end.
    pub(super) fn run(
        &mut self,
        window: &mut Window<'_>,
        out: &mut Output<'_>,
    ) -> Result<(), Halt> {
        if window.at_least(3)? && window.bytes().starts_with(b"\xef\xbb\xbf") {
            window.consume(3);
        }
        while let Some(byte) = next_byte(window)? {
            match byte {
                b'[' => {
                    window.consume(1);
                    self.elements(window, out)?;
                }
                b'{' => self.object(window, out, Place::Top)?,
                _ => self.stray(window, out, Place::Top)?,
            }
        }
        Ok(())
    }

    /// Reads the elements of a list after its `[`, and its `]`. Lists in it are read through.
    /// False if the text ends before that.
    fn elements(&mut self, window: &mut Window<'_>, out: &mut Output<'_>) -> Result<bool, Halt> {
        let mut depth = 1_u32;
        while depth > 0 {
            let Some(byte) = next_byte(window)? else {
                unfinished(window, out)?;
                return Ok(false);
            };
            match byte {
                b'[' => {
                    window.consume(1);
                    depth += 1;
                }
                b']' => {
                    window.consume(1);
                    depth -= 1;
                }
                b'{' => self.object(window, out, Place::List)?,
                _ => self.stray(window, out, Place::List)?,
            }
        }
        Ok(true)
    }

    /// Reads an object: a record, or an envelope around a list of them.
    fn object(
        &mut self,
        window: &mut Window<'_>,
        out: &mut Output<'_>,
        place: Place,
    ) -> Result<(), Halt> {
        // A record begins as those before it: it need not be searched for a list.
        while !self.envelopes.arrays.is_empty() && !self.signatures.begins(window.bytes()) {
            let bytes = window.bytes();
            let reach = bytes.len().min(self.search.max(SEARCHED_BYTES_MIN));
            match find_array(bytes.get(..reach).unwrap_or_default(), &self.envelopes.arrays) {
                Walk::Array(begin) => {
                    window.consume(begin);
                    let closed = self.elements(window, out)?;
                    return if closed { self.rest_of_object(window, out, place) } else { Ok(()) };
                }
                Walk::NoArray(searched) => {
                    self.search = self.search.saturating_sub(searched);
                    break;
                }
                Walk::More if reach < bytes.len() || reach > out.limits.record_bytes_max => {
                    self.search = self.search.saturating_sub(reach);
                    break;
                }
                Walk::More => {
                    if !window.more()? {
                        break;
                    }
                }
            }
        }
        loop {
            match out.builder.push_json_prefix(window.bytes(), window.ended()) {
                Ok(length) => return self.value(window, out, length),
                Err(fault) if fault.kind == JsonFaultKind::Incomplete => {
                    if window.bytes().len() > out.limits.record_bytes_max {
                        return Damage::too_large(window, &mut self.patience).skip(
                            window,
                            out,
                            &mut self.signatures,
                            place,
                        );
                    }
                    if !window.more()? {
                        return self.damaged(window, out, &fault, place);
                    }
                }
                Err(fault) => return self.damaged(window, out, &fault, place),
            }
        }
    }

    /// The value of `length` bytes at the window's beginning is whole, and in the builder.
    fn value(
        &mut self,
        window: &mut Window<'_>,
        out: &mut Output<'_>,
        length: usize,
    ) -> Result<(), Halt> {
        let offset = window.offset();
        let bytes = window.bytes().get(..length).unwrap_or_default();
        if length > out.limits.record_bytes_max {
            out.builder.discard_last();
            out.bad(BadReason::RecordTooLarge, offset, bytes)?;
            window.consume(length);
            return Ok(());
        }
        let Some(record) = out.builder.last() else { return Ok(()) };
        let unwrapped = if record.root().kind() == Kind::Object {
            if let Some((name, _)) = record.root().entries().next() {
                self.signatures.learn(&name);
            }
            unwrap(record.root(), &self.envelopes)
        } else {
            Unwrapped::Nothing(BadReason::NotARecord)
        };
        match unwrapped {
            Unwrapped::Record => out.added()?,
            Unwrapped::Detail(context) => {
                out.builder.set_context(Some(context));
                out.builder.narrow_last(|root| root.get("detail"));
                out.builder.set_context(None);
                out.added()?;
            }
            Unwrapped::Nothing(reason) => {
                out.builder.discard_last();
                out.bad(reason, offset, bytes)?;
            }
            Unwrapped::Messages(messages) => {
                out.builder.discard_last();
                self.messages.of_envelope(messages, offset, out, &self.envelopes)?;
            }
            Unwrapped::Objects(objects) => {
                out.builder.discard_last();
                self.objects(objects, offset, out)?;
            }
        }
        window.consume(length);
        Ok(())
    }

    /// Reads objects that lay inside an envelope as if each were an object of its own.
    fn objects(
        &mut self,
        objects: Vec<Result<Vec<u8>, BadReason>>,
        offset: u64,
        out: &mut Output<'_>,
    ) -> Result<(), Halt> {
        for object in objects {
            match object {
                Ok(text) if self.nested < NESTED_MAX => {
                    self.nested += 1;
                    let vain = self.signatures.begin_text();
                    let outer = out.begin_nested(offset);
                    let outcome = self.run(&mut Window::whole(text), out);
                    out.end_nested(outer);
                    self.signatures.end_text(vain);
                    self.nested -= 1;
                    outcome?;
                }
                Ok(text) => out.bad(BadReason::MalformedEnvelope, offset, &text)?,
                Err(reason) => out.bad(reason, offset, &[])?,
            }
        }
        Ok(())
    }

    /// After the list of an envelope: the other members, and the closing brace.
    fn rest_of_object(
        &mut self,
        window: &mut Window<'_>,
        out: &mut Output<'_>,
        place: Place,
    ) -> Result<(), Halt> {
        loop {
            let Some(byte) = next_byte(window)? else { return unfinished(window, out) };
            match byte {
                b'}' => {
                    window.consume(1);
                    return Ok(());
                }
                b'"' => {
                    let name = match self.look(window, out)? {
                        Ok((name, length)) => {
                            window.consume(length);
                            name
                        }
                        Err(fault) => return self.damaged(window, out, &fault, place),
                    };
                    let colon = next_byte(window)?;
                    if colon == Some(b':') {
                        window.consume(1);
                    }
                    let next = next_byte(window)?;
                    if colon != Some(b':') {
                        return self.stray(window, out, place);
                    }
                    if next == Some(b'[') && self.envelopes.arrays.iter().any(|own| **own == name) {
                        window.consume(1);
                        if !self.elements(window, out)? {
                            return Ok(());
                        }
                        continue;
                    }
                    match self.look(window, out)? {
                        Ok((_, length)) => window.consume(length),
                        Err(fault) => return self.damaged(window, out, &fault, place),
                    }
                }
                _ => return self.stray(window, out, place),
            }
        }
    }

    /// Looks at the value at the window's beginning: its text if it is a string, and its length.
    fn look(
        &mut self,
        window: &mut Window<'_>,
        out: &Output<'_>,
    ) -> Result<Result<(String, usize), JsonFault>, Halt> {
        loop {
            self.scratch.clear();
            match self.scratch.push_json_prefix(window.bytes(), window.ended()) {
                Ok(length) => {
                    let text = |value: Value<'_>| value.as_str().unwrap_or_default().into_owned();
                    let text = self.scratch.last().map(|record| text(record.root()));
                    return Ok(Ok((text.unwrap_or_default(), length)));
                }
                Err(fault)
                    if fault.kind == JsonFaultKind::Incomplete
                        && window.bytes().len() <= out.limits.record_bytes_max
                        && window.more()? => {}
                Err(fault) => return Ok(Err(fault)),
            }
        }
    }

    fn damaged(
        &mut self,
        window: &mut Window<'_>,
        out: &mut Output<'_>,
        fault: &JsonFault,
        place: Place,
    ) -> Result<(), Halt> {
        Damage::of(window, reason_of(fault), fault, place, &mut self.patience)?.skip(
            window,
            out,
            &mut self.signatures,
            place,
        )
    }

    /// Something that is not an object stands where a record should.
    fn stray(
        &mut self,
        window: &mut Window<'_>,
        out: &mut Output<'_>,
        place: Place,
    ) -> Result<(), Halt> {
        match self.look(window, out)? {
            Ok((_, length)) if place == Place::List => {
                let bytes = window.bytes().get(..length).unwrap_or_default();
                out.bad(BadReason::NotARecord, window.offset(), bytes)?;
                window.consume(length);
                Ok(())
            }
            Ok(_) => {
                let fault = JsonFault { offset: 0, kind: JsonFaultKind::Unexpected };
                Damage::of(window, BadReason::NotARecord, &fault, place, &mut self.patience)?.skip(
                    window,
                    out,
                    &mut self.signatures,
                    place,
                )
            }
            Err(fault) => self.damaged(window, out, &fault, place),
        }
    }
}

/// The first byte of the next value: white space, commas and the record separators of JSON text
/// sequences (RFC 7464) are stepped over.
fn next_byte(window: &mut Window<'_>) -> Result<Option<u8>, Halt> {
    loop {
        let bytes = window.bytes();
        let skipped = bytes
            .iter()
            .position(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b',' | 0x1e));
        match skipped {
            Some(length) => {
                let byte = bytes.get(length).copied();
                window.consume(length);
                return Ok(byte);
            }
            None => {
                window.consume(window.bytes().len());
                if !window.more()? {
                    return Ok(None);
                }
            }
        }
    }
}

/// The text ends inside a list or an envelope, and not inside a record.
fn unfinished(window: &mut Window<'_>, out: &mut Output<'_>) -> Result<(), Halt> {
    // Where compressed data broke off, or a record did, that is told already.
    if window.broke_off() || out.is_told_up_to(window.offset()) {
        return Ok(());
    }
    out.bad_piece(super::piece::BadPiece {
        reason: BadReason::TruncatedRecord,
        offset: window.offset(),
        length: 0,
        bytes: Vec::new(),
        records_lost: None,
    })
}

enum Walk {
    /// A list of records begins after this many bytes.
    Array(usize),
    /// There is none, as far as these many bytes tell.
    NoArray(usize),
    More,
}

/// Searches the members of the object at the beginning of `text` for a list of records.
fn find_array(text: &[u8], arrays: &[&str]) -> Walk {
    let mut at = match text.first() {
        Some(b'{') => 1,
        _ => return Walk::NoArray(0),
    };
    loop {
        at = skip_space(text, at);
        match text.get(at) {
            None => return Walk::More,
            Some(b',') => {
                at += 1;
                continue;
            }
            Some(b'"') => {}
            Some(_) => return Walk::NoArray(at),
        }
        let name_end = match Tolerant::new().feed(text.get(at..).unwrap_or_default()) {
            Scan::End(length) => at + length,
            Scan::More => return Walk::More,
            Scan::Broken(length) => return Walk::NoArray(at + length),
        };
        let name = text.get(at + 1..name_end - 1).unwrap_or_default();
        at = skip_space(text, name_end);
        match text.get(at) {
            None => return Walk::More,
            Some(b':') => at = skip_space(text, at + 1),
            Some(_) => return Walk::NoArray(at),
        }
        if text.get(at) == Some(&b'[') && arrays.iter().any(|own| own.as_bytes() == name) {
            return Walk::Array(at + 1);
        }
        match Tolerant::new().feed(text.get(at..).unwrap_or_default()) {
            Scan::End(length) => at += length,
            Scan::More => return Walk::More,
            Scan::Broken(length) => return Walk::NoArray(at + length),
        }
    }
}

fn skip_space(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let space = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
    at + space.count()
}
