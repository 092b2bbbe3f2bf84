//! Cutting a TCP stream into syslog messages (RFC 6587): by a count of octets in front, or at
//! line ends. Each message may use either.

/// The digits of a count; a message of a gigabyte is none.
const COUNT_DIGITS_MAX: usize = 9;

/// A message, without its framing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) bytes: Vec<u8>,
    /// Whether its end was left out.
    pub(super) truncated: bool,
}

/// What the stream is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// The beginning of a message.
    Start,
    /// Digits that may be a count.
    Count,
    /// Within a message of which so many bytes are to come.
    Counted(usize),
    /// Within a message that ends with its line.
    Line,
}

/// Cuts one stream.
pub(super) struct Frames {
    bytes_max: usize,
    at: At,
    kept: Vec<u8>,
    truncated: bool,
}

impl Frames {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, at: At::Start, kept: Vec::new(), truncated: false }
    }

    /// Takes bytes and hands out the messages that they complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Message> {
        let mut messages = Vec::new();
        let mut rest = bytes;
        while let Some((&first, after)) = rest.split_first() {
            match self.at {
                At::Start => match first {
                    // Between messages, and after a counted one.
                    b'\n' | b'\r' | 0 => rest = after,
                    b'1'..=b'9' => self.at = At::Count,
                    _ => self.at = At::Line,
                },
                At::Count => {
                    rest = after;
                    self.count(first);
                }
                At::Counted(to_come) => {
                    let (now, later) = rest.split_at(to_come.min(rest.len()));
                    self.keep(now);
                    rest = later;
                    self.at = At::Counted(to_come - now.len());
                    if to_come == now.len() {
                        messages.extend(self.end());
                    }
                }
                At::Line => {
                    let end = memchr::memchr(b'\n', rest);
                    let (now, later) = rest.split_at(end.unwrap_or(rest.len()));
                    self.keep(now);
                    rest = later;
                    if end.is_some() {
                        messages.extend(self.end());
                    }
                }
            }
        }
        messages
    }

    /// The stream has ended, or the message: what is there is one.
    pub(super) fn end(&mut self) -> Option<Message> {
        self.at = At::Start;
        let truncated = std::mem::take(&mut self.truncated);
        let bytes = std::mem::take(&mut self.kept).trim_ascii_end().to_vec();
        (!bytes.is_empty()).then_some(Message { bytes, truncated })
    }

    /// A byte after digits: more of them, the blank that makes them a count, or a line that
    /// merely begins with digits.
    fn count(&mut self, byte: u8) {
        self.keep(&[byte]);
        match byte {
            b'0'..=b'9' if self.kept.len() <= COUNT_DIGITS_MAX => {}
            b' ' => {
                let digits = std::str::from_utf8(&self.kept).unwrap_or_default();
                match digits.trim_end().parse() {
                    Ok(count) => {
                        self.kept.clear();
                        self.at = At::Counted(count);
                    }
                    Err(_) => self.at = At::Line,
                }
            }
            b'\n' => {
                // Digits alone on a line; there is nothing in them.
                self.kept.clear();
                self.at = At::Start;
            }
            _ => self.at = At::Line,
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.bytes_max.saturating_sub(self.kept.len());
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.kept.extend_from_slice(kept);
        self.truncated |= kept.len() < bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cuts a stream, however it arrives.
    fn check(stream: &[u8], expected: &[&str]) {
        for step in [1, 2, 3, 7, stream.len().max(1)] {
            let mut frames = Frames::new(100);
            let mut messages: Vec<Message> =
                stream.chunks(step).flat_map(|bytes| frames.push(bytes)).collect();
            messages.extend(frames.end());
            let texts: Vec<_> =
                messages.iter().map(|m| String::from_utf8_lossy(&m.bytes).into_owned()).collect();
            assert_eq!(texts, expected, "in steps of {step}");
            assert!(messages.iter().all(|message| !message.truncated));
        }
    }

    #[test]
    fn messages_are_cut_by_count_and_by_line() {
        check(b"<13>1 a\n<13>1 b\r\n<13>1 c", &["<13>1 a", "<13>1 b", "<13>1 c"]);
        check(b"7 <13>1 a7 <13>1 b", &["<13>1 a", "<13>1 b"]);
        check(b"9 <13>1 a\nb\n7 <13>1 c\n<13>1 d\n", &["<13>1 a\nb", "<13>1 c", "<13>1 d"]);
    }

    #[test]
    fn odd_streams_lose_nothing_but_line_ends() {
        check(b"", &[]);
        check(b"\n\n\r\n", &[]);
        check(b"12 lines and no count", &["lines and no", " count"]);
        check(b"2026-11-21 a line\n", &["2026-11-21 a line"]);
        check(b"1234567890123 x\n", &["1234567890123 x"]);
        check(b"99 cut short", &["cut short"]);
    }

    #[test]
    fn a_message_that_is_too_long_loses_its_end_and_nothing_else() {
        for stream in [&b"aaaaaaaa\nbb\n"[..], b"8 aaaaaaaa2 bb"] {
            let mut frames = Frames::new(5);
            let messages = frames.push(stream);
            assert_eq!(messages[0], Message { bytes: b"aaaaa".to_vec(), truncated: true });
            assert_eq!(messages[1], Message { bytes: b"bb".to_vec(), truncated: false });
        }
    }
}
