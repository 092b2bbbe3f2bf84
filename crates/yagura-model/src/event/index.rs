//! The JSON indexer: one pass over a value's bytes, strict after RFC 8259, writing one node per
//! name and value.
//! It neither copies nor converts; what a value means is read out later (`value`).

use super::fault::JsonFault;
use super::fault::JsonFaultKind::{
    BatchFull, Incomplete, InvalidUtf8, TooDeep, TooManyValues, Unexpected,
};
use super::node::{Kind, Node};
use super::scan::{self, At};

/// How many levels of arrays and objects a record may have. CloudTrail records have some ten.
pub const DEPTH_MAX: usize = 128;

/// How many names and values one record may have: bounds the index (16 bytes each) of a hostile
/// record. AWS cuts CloudTrail records at 256 KB, far below.
pub const VALUES_MAX: usize = 1 << 20;

/// Indexes the value that begins at the first byte of `text`; answers where it ends.
///
/// Nodes are appended with offsets raised by `base`. On a fault they are cut back to what they
/// were. `open` is room to work in, made once for many records. What follows the value is not
/// looked at, so a number that touches the end of the text counts as whole.
pub(crate) fn index<'a>(
    text: &'a [u8],
    base: u32,
    nodes: &mut Vec<Node>,
    open: &mut Vec<(usize, bool)>,
) -> Result<&'a str, JsonFault> {
    let before = nodes.len();
    open.clear();
    let mut indexer = Indexer { text, base, nodes, first: before, open };
    let outcome = indexer.value(0).and_then(|end| {
        let whole = text.get(..end).unwrap_or_default();
        std::str::from_utf8(whole).map_err(|error| (error.valid_up_to(), InvalidUtf8))
    });
    outcome.map_err(|(offset, kind)| {
        nodes.truncate(before);
        JsonFault { offset, kind }
    })
}

struct Indexer<'a> {
    text: &'a [u8],
    base: u32,
    nodes: &'a mut Vec<Node>,
    /// Index of the record's first node.
    first: usize,
    /// The arrays and objects that are not closed yet: node index, and whether an object.
    open: &'a mut Vec<(usize, bool)>,
}

impl Indexer<'_> {
    fn value(&mut self, start: usize) -> Result<usize, At> {
        // The text's length bounds every offset below.
        let length = u32::try_from(self.text.len()).map_err(|_| (0, BatchFull))?;
        self.base.checked_add(length).ok_or((0, BatchFull))?;
        let mut at = start;
        loop {
            at = self.begin(at)?;
            // A value has ended or a container has begun: go on to the next value's first byte.
            match self.advance(at)? {
                Next::Value(next) => at = next,
                Next::Done(end) => return Ok(end),
            }
        }
    }

    /// Takes the scalar at `at`, or opens the array or object there; answers the offset after
    /// it. A just opened container is the last node, with `next` zero.
    #[inline]
    fn begin(&mut self, at: usize) -> Result<usize, At> {
        let Some(&byte) = self.text.get(at) else { return Err((at, Incomplete)) };
        match byte {
            b'"' => self.string(at),
            b'{' | b'[' => {
                if self.open.len() == DEPTH_MAX {
                    return Err((at, TooDeep));
                }
                let object = byte == b'{';
                self.open.push((self.nodes.len(), object));
                let kind = if object { Kind::Object } else { Kind::Array };
                self.push(kind, at, at)?;
                Ok(at + 1)
            }
            b't' => self.word(Kind::Bool, at, b"true"),
            b'f' => self.word(Kind::Bool, at, b"false"),
            b'n' => self.word(Kind::Null, at, b"null"),
            b'-' | b'0'..=b'9' => {
                let end = scan::number(self.text, at)?;
                self.push(Kind::Number, at, end)?;
                Ok(end)
            }
            _ => Err((at, Unexpected)),
        }
    }

    /// From after a value or an opening bracket to the first byte of the next value, closing
    /// what closes on the way and taking the next member's name.
    #[inline]
    fn advance(&mut self, mut at: usize) -> Result<Next, At> {
        loop {
            let Some(&(container, object)) = self.open.last() else { return Ok(Next::Done(at)) };
            at = scan::skip_space(self.text, at);
            let Some(&byte) = self.text.get(at) else { return Err((at, Incomplete)) };
            let just_opened = container + 1 == self.nodes.len();
            if byte == if object { b'}' } else { b']' } {
                self.close(container, at);
                at += 1;
                continue;
            }
            if !just_opened {
                if byte != b',' {
                    return Err((at, Unexpected));
                }
                at = scan::skip_space(self.text, at + 1);
            }
            if object {
                at = self.name(at)?;
            }
            return Ok(Next::Value(at));
        }
    }

    /// Takes a member's name and colon; answers the offset of the value's first byte.
    #[inline]
    fn name(&mut self, at: usize) -> Result<usize, At> {
        match self.text.get(at) {
            Some(b'"') => {}
            Some(_) => return Err((at, Unexpected)),
            None => return Err((at, Incomplete)),
        }
        let at = self.string(at)?;
        let at = scan::skip_space(self.text, at);
        match self.text.get(at) {
            Some(b':') => Ok(scan::skip_space(self.text, at + 1)),
            Some(_) => Err((at, Unexpected)),
            None => Err((at, Incomplete)),
        }
    }

    #[inline]
    fn string(&mut self, quote: usize) -> Result<usize, At> {
        let (end, escaped) = scan::string(self.text, quote + 1)?;
        self.push(Kind::String, quote + 1, end)?;
        if escaped && let Some(node) = self.nodes.last_mut() {
            node.escaped = true;
        }
        Ok(end + 1)
    }

    fn word(&mut self, kind: Kind, at: usize, word: &[u8]) -> Result<usize, At> {
        let end = scan::word(self.text, at, word)?;
        self.push(kind, at, end)?;
        Ok(end)
    }

    #[inline]
    fn push(&mut self, kind: Kind, start: usize, end: usize) -> Result<(), At> {
        if self.nodes.len() - self.first == VALUES_MAX {
            return Err((start, TooManyValues));
        }
        let next = self.node_index(start)? + 1;
        let (start, end) = (self.base + start as u32, self.base + end as u32);
        self.nodes.push(Node::new(kind, start, end, next));
        Ok(())
    }

    fn close(&mut self, container: usize, at: usize) {
        let next = self.nodes.len() as u32;
        let end = self.base + at as u32 + 1;
        if let Some(node) = self.nodes.get_mut(container) {
            node.end = end;
            node.next = next;
        }
        self.open.pop();
    }

    #[inline]
    fn node_index(&self, at: usize) -> Result<u32, At> {
        u32::try_from(self.nodes.len()).map_err(|_| (at, BatchFull))
    }
}

enum Next {
    Value(usize),
    Done(usize),
}
