//! From the bytes of an object as stored to its text: gzip (every member, or the first alone),
//! zstd, or plain; with the caps against decompression bombs.
//! What the text means is not known here.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

use super::limits::Limits;
use super::piece::{BadPiece, BadReason};

/// Text below this size is never refused for its ratio.
const RATIO_FREE_BYTES: u64 = 64 << 20;

/// Window of a zstd frame that is still read: 2^26 bytes are held in memory for it.
const ZSTD_WINDOW_LOG_MAX: u32 = 26;

/// How an object is compressed, told by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
    /// Known and not read.
    Unsupported,
}

impl Compression {
    pub(super) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // bzip2, xz, zip, the framing format of snappy, lz4 frames.
            [b'B', b'Z', b'h', b'1'..=b'9', ..]
            | [0xfd, b'7', b'z', b'X', b'Z', 0, ..]
            | [b'P', b'K', 3, 4, ..]
            | [0xff, 6, 0, 0, b's', b'N', b'a', b'P', b'p', b'Y', ..]
            | [0x04, 0x22, 0x4d, 0x18, ..] => Self::Unsupported,
            _ => Self::None,
        }
    }
}

/// Reads an object's bytes and counts them.
pub(super) struct Stored<'a> {
    reader: BufReader<Box<dyn Read + 'a>>,
    count: u64,
    /// A failure of the reader itself, which is no property of the data.
    failed: Option<io::Error>,
}

impl<'a> Stored<'a> {
    pub(super) fn new(reader: Box<dyn Read + 'a>) -> Self {
        Self { reader: BufReader::with_capacity(128 << 10, reader), count: 0, failed: None }
    }
}

impl Read for Stored<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(to.len());
        if let (Some(to), Some(from)) = (to.get_mut(..length), available.get(..length)) {
            to.copy_from_slice(from);
        }
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Stored<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        loop {
            // Twice, because a borrow that is returned may not be tried again.
            match self.reader.fill_buf() {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let told = io::Error::new(error.kind(), "the object could not be read");
                    self.failed = Some(error);
                    return Err(told);
                }
            }
        }
        self.reader.fill_buf()
    }

    fn consume(&mut self, length: usize) {
        self.count += length as u64;
        self.reader.consume(length);
    }
}

enum State<'a> {
    Plain(Stored<'a>),
    Gzip(Box<GzDecoder<Stored<'a>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, Stored<'a>>>),
    Ended(Stored<'a>),
    /// Only while one state becomes the next.
    Between,
}

/// The text of an object, piece by piece.
pub(super) struct Inflater<'a> {
    state: State<'a>,
    first_member_only: bool,
    inflated: u64,
    /// Where the member that is being read begins in the object.
    member_start: u64,
    inflated_bytes_max: u64,
    ratio_max: u64,
    bad: Option<BadPiece>,
}

impl<'a> Inflater<'a> {
    pub(super) fn new(
        stored: Stored<'a>,
        compression: Compression,
        first_member_only: bool,
        limits: &Limits,
    ) -> Self {
        let mut inflater = Self {
            state: State::Between,
            first_member_only,
            inflated: 0,
            member_start: 0,
            inflated_bytes_max: limits.inflated_bytes_max,
            ratio_max: limits.ratio_max,
            bad: None,
        };
        inflater.state = match compression {
            Compression::None => State::Plain(stored),
            Compression::Gzip => State::Gzip(Box::new(GzDecoder::new(stored))),
            Compression::Zstd => inflater.zstd(stored),
            Compression::Unsupported => {
                inflater.end_with(stored, BadReason::UnsupportedCompression, 0)
            }
        };
        inflater
    }

    /// Reads text; zero bytes mean that there is no more. Damage ends the text and is told by
    /// [`Inflater::take_bad`].
    ///
    /// # Errors
    /// When the object itself cannot be read.
    pub(super) fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        // One byte beyond the allowed size tells that there is more.
        let allowed = self.inflated_bytes_max.saturating_sub(self.inflated).saturating_add(1);
        let length = to.len().min(usize::try_from(allowed).unwrap_or(usize::MAX));
        let to = to.get_mut(..length).unwrap_or_default();
        loop {
            if let Some(error) = self.stored_mut().and_then(|stored| stored.failed.take()) {
                return Err(error);
            }
            let outcome = match &mut self.state {
                State::Plain(stored) => stored.read(to),
                State::Gzip(decoder) => decoder.read(few(to)),
                State::Zstd(decoder) => decoder.read(few(to)),
                State::Ended(_) | State::Between => return Ok(0),
            };
            if let Some(error) = self.stored_mut().and_then(|stored| stored.failed.take()) {
                return Err(error);
            }
            match outcome {
                Ok(0) if to.is_empty() => return Ok(0),
                Ok(0) => self.end_of_member()?,
                Ok(count) => {
                    self.inflated += count as u64;
                    self.check_growth();
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let reason = match error.kind() {
                        io::ErrorKind::UnexpectedEof => BadReason::TruncatedCompression,
                        _ => BadReason::CorruptCompression,
                    };
                    let at = self.stored_bytes();
                    let stored = self.take_stored();
                    self.state = match stored {
                        Some(stored) => self.end_with(stored, reason, at),
                        None => State::Between,
                    };
                }
            }
        }
    }

    /// What ended the text before its time, or followed it. Told once.
    pub(super) fn take_bad(&mut self) -> Option<BadPiece> {
        self.bad.take()
    }

    /// Whether damage ended the text.
    pub(super) fn broke_off(&self) -> bool {
        let tail = [BadReason::UnsignedTail, BadReason::TrailingBytes];
        self.bad.as_ref().is_some_and(|bad| !tail.contains(&bad.reason))
    }

    /// Bytes of the object that were read.
    pub(super) fn stored_bytes(&self) -> u64 {
        match &self.state {
            State::Plain(stored) | State::Ended(stored) => stored.count,
            State::Gzip(decoder) => decoder.get_ref().count,
            State::Zstd(decoder) => decoder.get_ref().count,
            State::Between => 0,
        }
    }

    fn stored_mut(&mut self) -> Option<&mut Stored<'a>> {
        match &mut self.state {
            State::Plain(stored) | State::Ended(stored) => Some(stored),
            State::Gzip(decoder) => Some(decoder.get_mut()),
            State::Zstd(decoder) => Some(decoder.get_mut()),
            State::Between => None,
        }
    }

    fn take_stored(&mut self) -> Option<Stored<'a>> {
        match std::mem::replace(&mut self.state, State::Between) {
            State::Plain(stored) | State::Ended(stored) => Some(stored),
            State::Gzip(decoder) => Some(decoder.into_inner()),
            State::Zstd(decoder) => Some(decoder.finish()),
            State::Between => None,
        }
    }

    /// Goes on to the next gzip member, or ends. The decoder has taken exactly its own bytes, so
    /// what the reader holds now is what follows.
    fn end_of_member(&mut self) -> io::Result<()> {
        let of_gzip = matches!(self.state, State::Gzip(_));
        let Some(mut stored) = self.take_stored() else { return Ok(()) };
        let Ok(rest) = stored.fill_buf() else { return Err(failure(&mut stored)) };
        let (at_end, more_gzip) = (rest.is_empty(), Compression::of(rest) == Compression::Gzip);
        let at = stored.count;
        self.state = if at_end {
            State::Ended(stored)
        } else if of_gzip && more_gzip && !self.first_member_only {
            self.member_start = at;
            State::Gzip(Box::new(GzDecoder::new(stored)))
        } else {
            let reason = match self.first_member_only {
                true => BadReason::UnsignedTail,
                false => BadReason::TrailingBytes,
            };
            self.end_with(stored, reason, at)
        };
        Ok(())
    }

    fn check_growth(&mut self) {
        let stored = self.stored_bytes();
        let too_large = self.inflated > self.inflated_bytes_max;
        let plain = matches!(self.state, State::Plain(_));
        let too_steep = !plain
            && self.inflated > RATIO_FREE_BYTES
            && self.inflated / self.ratio_max.max(1) > stored;
        let reason = match (too_large, too_steep) {
            (true, _) => BadReason::SizeExceeded,
            (false, true) => BadReason::RatioExceeded,
            (false, false) => return,
        };
        if let Some(taken) = self.take_stored() {
            self.state = self.end_with(taken, reason, stored);
        }
    }

    fn zstd(&mut self, stored: Stored<'a>) -> State<'a> {
        let decoder = zstd::stream::read::Decoder::with_buffer(stored).and_then(|mut decoder| {
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
            Ok(decoder)
        });
        match decoder {
            Ok(decoder) => State::Zstd(Box::new(decoder)),
            // Only memory can be lacking here; what is stored is gone with the decoder.
            Err(_) => {
                self.bad = Some(BadPiece {
                    reason: BadReason::UnsupportedCompression,
                    offset: 0,
                    length: 0,
                    bytes: Vec::new(),
                    records_lost: None,
                });
                State::Between
            }
        }
    }

    /// Ends the text at `at`; what follows there is kept as a bad piece. Of a bomb nothing more
    /// is read than the piece keeps.
    fn end_with(&mut self, mut stored: Stored<'a>, reason: BadReason, at: u64) -> State<'a> {
        let (mut bytes, mut length) = (Vec::new(), 0_u64);
        let bomb = matches!(reason, BadReason::RatioExceeded | BadReason::SizeExceeded);
        while let Ok(more) = stored.fill_buf() {
            let taken = more.len();
            if taken == 0 || (bomb && bytes.len() == BadPiece::BYTES_MAX) {
                break;
            }
            let room = BadPiece::BYTES_MAX - bytes.len();
            bytes.extend_from_slice(more.get(..room.min(taken)).unwrap_or_default());
            length += taken as u64;
            stored.consume(taken);
        }
        self.bad = Some(BadPiece { reason, offset: at, length, bytes, records_lost: None });
        State::Ended(stored)
    }
}

/// At damage, decoders keep back what they had decoded in the same call: calls are kept small, so
/// that little is lost.
fn few(to: &mut [u8]) -> &mut [u8] {
    let length = to.len().min(2048);
    to.get_mut(..length).unwrap_or_default()
}

fn failure(stored: &mut Stored<'_>) -> io::Error {
    stored.failed.take().unwrap_or_else(|| io::Error::other("the object could not be read"))
}
