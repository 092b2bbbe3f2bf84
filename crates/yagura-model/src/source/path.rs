//! Where a value stands in a record: field paths and templates of them, as text and parsed.
//! They are followed in `read.rs`, and what is taken of a value in `pick.rs`.

use std::fmt;
use std::str::FromStr;

/// A path from a record to a value, and what is taken of the value found.
///
/// `userIdentity.sessionContext.attributes.mfaAuthenticated` · `resources[0].ARN` ·
/// `resources[].ARN` (of each) · `@account` (what the object's key tells) · `.` (the record) ·
/// `annotations."authorization.k8s.io/reason"` (a key with dots) · `client:port|host` (of
/// `addr:port`, the address).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldPath {
    /// Whether the first step names a part of the object's key instead of a member.
    pub from_key: bool,
    /// The way to the value; empty: the record itself.
    pub steps: Vec<FieldStep>,
    /// What is taken of the value, one after the other.
    pub picks: Vec<Pick>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FieldStep {
    /// A member of an object.
    Key(String),
    /// An element of an array, from zero.
    Index(usize),
    /// Each element of an array.
    Each,
}

/// What is taken of a text. A text that has no such part gives no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pick {
    /// `|host`: of `address:port`, what is before the last colon, without brackets. A text
    /// without a colon and an IPv6 address in brackets are a host as they are.
    Host,
    /// `|port`: of `address:port`, the digits after the last colon.
    Port,
    /// `|decoded`: percent-decoded; what is not UTF-8 then stays as it was.
    Decoded,
    /// `|undotted`: without one dot at its end, as a domain name is written without its root.
    Undotted,
    /// `|part(:,4)`: the part between separators, from zero. The last part counted for does not
    /// swallow the rest.
    Part(char, u8),
    /// `|rest(:,5)`: everything from that part on.
    Rest(char, u8),
    /// `|word(1)`: the word between blanks, from zero.
    Word(u8),
}

/// Text with values of a record in it: `arn:aws:s3:::${bucket}/${key}`; or a path alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Template {
    /// Text and values in turn.
    pub pieces: Vec<TemplatePiece>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TemplatePiece {
    /// As it stands.
    Text(String),
    /// The value there; a template lacking one of its values gives none.
    Value(FieldPath),
}

/// Why a text is not a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a path into a record (at byte {at}: {what})")]
pub struct PathFault {
    text: String,
    at: usize,
    what: &'static str,
}

impl FieldPath {
    /// A path of one key.
    pub fn key(name: &str) -> Self {
        let steps = vec![FieldStep::Key(name.to_owned())];
        Self { from_key: false, steps, picks: Vec::new() }
    }

    /// Whether it names more than one value.
    pub fn is_of_each(&self) -> bool {
        self.steps.contains(&FieldStep::Each)
    }
}

impl Template {
    /// The path, if the template is a path alone.
    pub fn path(&self) -> Option<&FieldPath> {
        match self.pieces.as_slice() {
            [TemplatePiece::Value(path)] => Some(path),
            _ => None,
        }
    }

    /// The paths of its values.
    pub fn paths(&self) -> impl Iterator<Item = &FieldPath> {
        self.pieces.iter().filter_map(|piece| match piece {
            TemplatePiece::Value(path) => Some(path),
            TemplatePiece::Text(_) => None,
        })
    }
}

impl From<FieldPath> for Template {
    fn from(path: FieldPath) -> Self {
        Self { pieces: vec![TemplatePiece::Value(path)] }
    }
}

/// Reads a path from the left.
struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn fault(&self, what: &'static str) -> PathFault {
        PathFault { text: self.text.chars().take(200).collect(), at: self.at, what }
    }

    fn until(&mut self, ends: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let (part, _) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        self.at += part.len();
        part
    }

    fn key(&mut self) -> Result<String, PathFault> {
        if self.eat("\"") {
            let mut key = String::new();
            let mut chars = self.rest().chars();
            while let Some(c) = chars.next() {
                self.at += c.len_utf8();
                match c {
                    '"' => return Ok(key),
                    '\\' => {
                        let escaped = chars.next().ok_or_else(|| self.fault("an open quote"))?;
                        self.at += escaped.len_utf8();
                        key.push(escaped);
                    }
                    c => key.push(c),
                }
            }
            return Err(self.fault("an open quote"));
        }
        let key = self.until(needs_quotes);
        if key.is_empty() {
            return Err(self.fault("a key is missing; one with a dot or blank is quoted"));
        }
        Ok(key.to_owned())
    }

    fn pick(&mut self) -> Result<Pick, PathFault> {
        let name = self.until(|c| !c.is_ascii_alphanumeric());
        let plain = match name {
            "host" => Some(Pick::Host),
            "port" => Some(Pick::Port),
            "decoded" => Some(Pick::Decoded),
            "undotted" => Some(Pick::Undotted),
            "part" | "rest" | "word" => None,
            _ => return Err(self.fault("known are host, port, decoded, undotted, part, …")),
        };
        if let Some(pick) = plain {
            return Ok(pick);
        }
        if !self.eat("(") {
            return Err(self.fault("`part(:,0)`, `rest(:,0)` or `word(0)`"));
        }
        let mut separator = None;
        if name != "word" {
            separator = self.rest().chars().next();
            self.at += separator.map_or(0, char::len_utf8);
            if separator.is_none() || !self.eat(",") {
                return Err(self.fault("a separator and a number: `part(:,0)`"));
            }
        }
        let number = self.until(|c| !c.is_ascii_digit());
        let number = number.parse().map_err(|_| self.fault("a number from 0 to 255"))?;
        if !self.eat(")") {
            return Err(self.fault("`)` is missing"));
        }
        Ok(match (name, separator) {
            ("part", Some(separator)) => Pick::Part(separator, number),
            ("rest", Some(separator)) => Pick::Rest(separator, number),
            _ => Pick::Word(number),
        })
    }
}

impl FromStr for FieldPath {
    type Err = PathFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut reader = Reader { text, at: 0 };
        let from_key = reader.eat("@");
        let mut steps = Vec::new();
        if from_key || !matches!(text.strip_prefix('.'), Some(rest) if !rest.starts_with('.')) {
            if !reader.rest().starts_with('[') {
                steps.push(FieldStep::Key(reader.key()?));
            }
        } else {
            reader.at += 1;
        }
        while !reader.rest().is_empty() {
            if reader.eat("[]") {
                steps.push(FieldStep::Each);
            } else if reader.eat("[") {
                let number = reader.until(|c| c == ']').parse();
                let number = number.map_err(|_| reader.fault("an element is a number"))?;
                steps.push(FieldStep::Index(number));
                reader.eat("]").then_some(()).ok_or_else(|| reader.fault("`]` is missing"))?;
            } else if !steps.is_empty() && reader.eat(".") {
                steps.push(FieldStep::Key(reader.key()?));
            } else {
                break;
            }
        }
        let mut picks = Vec::new();
        while reader.eat("|") {
            picks.push(reader.pick()?);
        }
        if !reader.rest().is_empty() {
            return Err(reader.fault("`.`, `[` or `|` is expected"));
        }
        Ok(Self { from_key, steps, picks })
    }
}

impl FromStr for Template {
    type Err = PathFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.contains("${") {
            return Ok(text.parse::<FieldPath>()?.into());
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, tail)) = rest.split_once("${") {
            let at = text.len() - rest.len();
            let fault = |what| PathFault { text: text.chars().take(200).collect(), at, what };
            let (path, tail) = tail.split_once('}').ok_or_else(|| fault("`}` is missing"))?;
            if !before.is_empty() {
                pieces.push(TemplatePiece::Text(before.to_owned()));
            }
            pieces.push(TemplatePiece::Value(path.parse()?));
            rest = tail;
        }
        if !rest.is_empty() {
            pieces.push(TemplatePiece::Text(rest.to_owned()));
        }
        Ok(Self { pieces })
    }
}

fn needs_quotes(c: char) -> bool {
    matches!(c, '.' | '[' | ']' | '"' | '\\' | '|' | '{' | '}')
        || c.is_whitespace()
        || c.is_control()
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from_key {
            f.write_str("@")?;
        }
        if !matches!(self.steps.first(), Some(FieldStep::Key(_))) {
            f.write_str(".")?;
        }
        for (n, step) in self.steps.iter().enumerate() {
            match step {
                FieldStep::Key(key) => {
                    if n > 0 {
                        f.write_str(".")?;
                    }
                    if key.is_empty() || key.contains(needs_quotes) || key.starts_with('@') {
                        let escaped = key.replace('\\', "\\\\").replace('"', "\\\"");
                        write!(f, "\"{escaped}\"")?;
                    } else {
                        f.write_str(key)?;
                    }
                }
                FieldStep::Index(index) => write!(f, "[{index}]")?,
                FieldStep::Each => f.write_str("[]")?,
            }
        }
        self.picks.iter().try_for_each(|pick| write!(f, "|{pick}"))
    }
}

impl fmt::Display for Pick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("host"),
            Self::Port => f.write_str("port"),
            Self::Decoded => f.write_str("decoded"),
            Self::Undotted => f.write_str("undotted"),
            Self::Part(separator, number) => write!(f, "part({separator},{number})"),
            Self::Rest(separator, number) => write!(f, "rest({separator},{number})"),
            Self::Word(number) => write!(f, "word({number})"),
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = self.path() {
            return path.fmt(f);
        }
        self.pieces.iter().try_for_each(|piece| match piece {
            TemplatePiece::Text(text) => f.write_str(text),
            TemplatePiece::Value(path) => write!(f, "${{{path}}}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_path_agree() {
        for text in [
            ".",
            ".[0].x",
            ".[]",
            "eventName",
            "userIdentity.sessionContext.attributes.mfaAuthenticated",
            "resources[0].ARN",
            "resources[].ARN",
            "@account",
            "annotations.\"authorization.k8s.io/reason\"",
            "\"a b\".c",
            "\"@timestamp\"",
            "client:port|host",
            "cs(User-Agent)|decoded|decoded",
            "webaclId|part(:,4)",
            "webaclId|rest(/,1)",
            "request|word(1)",
        ] {
            assert_eq!(text.parse::<FieldPath>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn broken_paths_are_refused() {
        for text in [
            "",
            "..",
            ".a",
            "a..b",
            "a.",
            "a[",
            "a[x]",
            "a[-1]",
            "a b",
            "a]b",
            "\"a",
            "a|",
            "a|x",
            "a|part",
            "a|part(:)",
            "a|word(x)",
            "a|word(300)",
            "@",
            "a|host.b",
        ] {
            assert!(text.parse::<FieldPath>().is_err(), "{text}");
        }
        for text in ["${a", "${}", "x${a b}"] {
            assert!(text.parse::<Template>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_template_has_text_and_values() {
        let text = "arn:aws:s3:::${bucket}/${key|decoded}!";
        let template: Template = text.parse().unwrap();
        assert_eq!(template.to_string(), text);
        assert_eq!(template.pieces.len(), 5);
        assert_eq!(template.paths().count(), 2);
        assert!(template.path().is_none());
        let plain: Template = "a.b".parse().unwrap();
        assert_eq!(plain.path(), Some(&"a.b".parse().unwrap()));
    }
}
