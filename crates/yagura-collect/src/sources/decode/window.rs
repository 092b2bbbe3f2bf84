//! The part of an object's text that is being looked at: it grows while something unfinished
//! stands in it, and forgets what was consumed.
//! What stands in the text is found out elsewhere.

use std::io;

use super::inflate::Inflater;
use super::limits::Limits;
use super::piece::BadPiece;

enum Source<'a> {
    Stream(Box<Inflater<'a>>),
    /// All of the text is in the buffer.
    Whole,
}

pub(super) struct Window<'a> {
    source: Source<'a>,
    buffer: Vec<u8>,
    /// What was consumed of the buffer.
    start: usize,
    /// Where the buffer begins in the text.
    offset: u64,
    ended: bool,
    chunk_bytes: usize,
}

impl<'a> Window<'a> {
    pub(super) fn whole(text: Vec<u8>) -> Self {
        let source = Source::Whole;
        Self { source, buffer: text, start: 0, offset: 0, ended: true, chunk_bytes: 0 }
    }

    /// What was read, whole or not: its memory may serve again.
    pub(super) fn into_text(self) -> Vec<u8> {
        self.buffer
    }

    pub(super) fn stream(inflater: Inflater<'a>, limits: &Limits) -> Self {
        let source = Source::Stream(Box::new(inflater));
        let chunk_bytes = limits.chunk_bytes.max(1);
        Self { source, buffer: Vec::new(), start: 0, offset: 0, ended: false, chunk_bytes }
    }

    /// The text from here on, as far as it was read.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Where [`Window::bytes`] begins in the text.
    pub(super) fn offset(&self) -> u64 {
        self.offset + self.start as u64
    }

    /// Whether the end of [`Window::bytes`] is the end of the text.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    pub(super) fn consume(&mut self, length: usize) {
        self.start = (self.start + length).min(self.buffer.len());
    }

    /// Reads on; false at the end of the text. What is in the window at least doubles, so that
    /// looking at it again from its beginning costs no more than reading it.
    pub(super) fn more(&mut self) -> io::Result<bool> {
        let Source::Stream(inflater) = &mut self.source else { return Ok(false) };
        if self.ended {
            return Ok(false);
        }
        self.buffer.drain(..self.start);
        self.offset += self.start as u64;
        self.start = 0;
        let before = self.buffer.len();
        let wanted = before + before.max(self.chunk_bytes);
        self.buffer.resize(wanted, 0);
        let mut filled = before;
        while let Some(room) = self.buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            match inflater.read(room)? {
                0 => {
                    self.ended = true;
                    break;
                }
                count => filled += count,
            }
        }
        self.buffer.truncate(filled);
        Ok(filled > before)
    }

    /// Makes sure that `length` bytes are there, unless the text ends before.
    pub(super) fn at_least(&mut self, length: usize) -> io::Result<bool> {
        while self.bytes().len() < length {
            if !self.more()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the text ended before its time, as far as was read.
    pub(super) fn broke_off(&self) -> bool {
        match &self.source {
            Source::Stream(inflater) => inflater.broke_off(),
            Source::Whole => false,
        }
    }

    /// What ended the text before its time, or followed it in the object.
    pub(super) fn take_bad(&mut self) -> Option<BadPiece> {
        match &mut self.source {
            Source::Stream(inflater) => inflater.take_bad(),
            Source::Whole => None,
        }
    }

    /// Bytes of text that were read.
    pub(super) fn text_bytes(&self) -> u64 {
        self.offset + self.buffer.len() as u64
    }

    /// Bytes of the stored object that were read, where this is a stream.
    pub(super) fn stored_bytes(&self) -> Option<u64> {
        match &self.source {
            Source::Stream(inflater) => Some(inflater.stored_bytes()),
            Source::Whole => None,
        }
    }
}
