//! A scanner that finds where a damaged JSON value ends: it follows brackets, strings and the
//! order of tokens, and forgives what stands inside strings and bare words.
//! Whether a value is right is said by the model's indexer alone.

/// Deeper than this nothing is followed.
const DEPTH_MAX: usize = 512;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// The value, or a value after a comma or colon.
    Value,
    /// After `[`.
    ValueOrClose,
    /// After a comma in an object.
    Name,
    /// After `{`.
    NameOrClose,
    Colon,
    /// After a value.
    CommaOrClose,
}

/// Where the scanner got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// The value ends before this byte.
    End(usize),
    /// At this byte stands what cannot stand there: the structure is damaged.
    Broken(usize),
    /// The text ends inside the value.
    More,
}

/// The scanner's state: it can be fed a value in pieces.
pub(super) struct Tolerant {
    /// Open containers: true for objects.
    open: Vec<bool>,
    expect: Expect,
    in_string: bool,
    in_word: bool,
    escaped: bool,
}

impl Tolerant {
    pub(super) fn new() -> Self {
        Self {
            open: Vec::new(),
            expect: Expect::Value,
            in_string: false,
            in_word: false,
            escaped: false,
        }
    }

    /// Scans on; offsets of the answer count from the beginning of `text`.
    pub(super) fn feed(&mut self, text: &[u8]) -> Scan {
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            if self.in_string {
                match self.string(text, at) {
                    Ok(next) => at = next,
                    Err(broken) => return Scan::Broken(broken),
                }
            } else {
                if !self.token(byte) {
                    return Scan::Broken(at);
                }
                // A word ends before the byte that follows it.
                at += usize::from(!(self.done() && self.in_word));
            }
            if self.done() {
                return Scan::End(at);
            }
        }
        Scan::More
    }

    fn done(&self) -> bool {
        !self.in_string && self.open.is_empty() && self.expect == Expect::CommaOrClose
    }

    /// Goes on inside a string; answers the offset after what was scanned.
    fn string(&mut self, text: &[u8], at: usize) -> Result<usize, usize> {
        if std::mem::take(&mut self.escaped) {
            return Ok(at + 1);
        }
        let rest = text.get(at..).unwrap_or_default();
        match memchr::memchr3(b'"', b'\\', b'\n', rest) {
            None => Ok(text.len()),
            Some(length) => {
                let found = at + length;
                match text.get(found) {
                    Some(b'"') => {
                        self.in_string = false;
                        self.after_string();
                    }
                    Some(b'\\') => self.escaped = true,
                    // No writer of JSON leaves a line break bare: the quote before it is missing
                    // its partner.
                    _ => return Err(found),
                }
                Ok(found + 1)
            }
        }
    }

    fn after_string(&mut self) {
        self.expect = match self.expect {
            Expect::Name | Expect::NameOrClose => Expect::Colon,
            _ => Expect::CommaOrClose,
        };
    }

    /// Takes one byte outside strings; false if it cannot stand there.
    fn token(&mut self, byte: u8) -> bool {
        let was_word = self.in_word;
        let word = !matches!(
            byte,
            b' ' | b'\n' | b'\r' | b'\t' | b'{' | b'}' | b'[' | b']' | b'"' | b',' | b':'
        );
        if word {
            let begins = !was_word;
            self.in_word = true;
            return !begins || !matches!(self.expect, Expect::Colon | Expect::CommaOrClose);
        }
        if was_word {
            self.after_string();
            if self.open.is_empty() {
                return true;
            }
            self.in_word = false;
        }
        let (value, name) = (
            matches!(self.expect, Expect::Value | Expect::ValueOrClose),
            matches!(self.expect, Expect::Name | Expect::NameOrClose),
        );
        match byte {
            b'"' => {
                self.in_string = true;
                value || name
            }
            b'{' | b'[' => {
                let object = byte == b'{';
                self.open.push(object);
                self.expect = if object { Expect::NameOrClose } else { Expect::ValueOrClose };
                value && self.open.len() <= DEPTH_MAX
            }
            b'}' | b']' => {
                let object = byte == b'}';
                let closes = self.open.pop() == Some(object);
                let may = match self.expect {
                    Expect::CommaOrClose => true,
                    Expect::NameOrClose => object,
                    Expect::ValueOrClose => !object,
                    _ => false,
                };
                self.expect = Expect::CommaOrClose;
                closes && may
            }
            b',' => {
                let may = self.expect == Expect::CommaOrClose;
                let in_object = self.open.last() == Some(&true);
                self.expect = if in_object { Expect::Name } else { Expect::Value };
                may && !self.open.is_empty()
            }
            b':' => {
                let may = self.expect == Expect::Colon;
                self.expect = Expect::Value;
                may
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Scan {
        let whole = Tolerant::new().feed(text.as_bytes());
        // Fed byte by byte it says the same.
        let mut scanner = Tolerant::new();
        let mut answer = Scan::More;
        for (at, byte) in text.bytes().enumerate() {
            match scanner.feed(&[byte]) {
                Scan::More => {}
                Scan::End(end) => answer = Scan::End(at + end),
                Scan::Broken(_) => answer = Scan::Broken(at),
            }
            if answer != Scan::More {
                break;
            }
        }
        assert_eq!(whole, answer, "{text}");
        whole
    }

    #[test]
    fn a_value_ends_where_its_brackets_close() {
        let check = |text: &str, end: usize| assert_eq!(scan(text), Scan::End(end), "{text}");
        check(r#"{"a":1} tail"#, 7);
        check(r#"{"a":[{"b":"]}\""},2]},{"#, 22);
        check(r#""text" "#, 6);
        check("[] []", 2);
        check("12,13", 2);
        check("{\"a\":NaN,\"b\":'x'}", 17);
        check("{\"a\":\"\\x\",\"b\":01}", 17);
    }

    #[test]
    fn damage_to_the_structure_is_found_where_it_shows() {
        let check = |text: &str, at: usize| assert_eq!(scan(text), Scan::Broken(at), "{text}");
        check(r#"{"a":{"b":1},{"c":2}"#, 13);
        check(r#"{"a":1]"#, 6);
        check("{\"a\":\"x\n", 7);
        check(r#"{"a" "b"}"#, 5);
        check(r#"{"a":1 2}"#, 7);
        check(r#"["a",]"#, 5);
        check(r#"{"a":"x"y"}"#, 8);
    }

    #[test]
    fn an_unfinished_value_wants_more() {
        for text in ["", "  ", "{", "{\"a\":\"", "{\"a\":\"\\", "[1", "nul"] {
            assert_eq!(scan(text), Scan::More, "{text}");
        }
    }
}
