//! Writes the numbers and strings of a table block.
//! The reader's half is `crates/yagura-aws/src/api/reader.rs`.

use std::collections::BTreeMap;

/// What a block is made of, before its strings have numbers.
enum Token {
    Number(u32),
    Text(Option<String>),
}

/// A block in the making.
#[derive(Default)]
pub(crate) struct Block {
    tokens: Vec<Token>,
}

impl Block {
    pub(crate) fn number(&mut self, number: usize) -> anyhow::Result<()> {
        self.tokens.push(Token::Number(u32::try_from(number)?));
        Ok(())
    }

    /// A single byte; the same on disk as a number below 128.
    pub(crate) fn flag(&mut self, flag: bool) {
        self.tokens.push(Token::Number(u32::from(flag)));
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.tokens.push(Token::Text(Some(text.to_owned())));
    }

    pub(crate) fn maybe(&mut self, text: Option<&str>) {
        self.tokens.push(Token::Text(text.map(str::to_owned)));
    }

    /// A list: its count, then each element.
    pub(crate) fn list<T>(
        &mut self,
        elements: &[T],
        mut element: impl FnMut(&mut Block, &T) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.number(elements.len())?;
        elements.iter().try_for_each(|one| element(self, one))
    }

    /// The bytes: all strings, each once and in order, then the tokens.
    pub(crate) fn finish(self) -> anyhow::Result<Vec<u8>> {
        let mut strings = BTreeMap::new();
        for token in &self.tokens {
            if let Token::Text(Some(text)) = token {
                strings.insert(text.as_str(), 0u32);
            }
        }
        let mut out = Vec::new();
        put_number(&mut out, u32::try_from(strings.len())?);
        for (index, (text, number)) in strings.iter_mut().enumerate() {
            *number = u32::try_from(index + 1)?;
            put_number(&mut out, u32::try_from(text.len())?);
        }
        for text in strings.keys() {
            out.extend_from_slice(text.as_bytes());
        }
        for token in &self.tokens {
            let number = match token {
                Token::Number(number) => *number,
                Token::Text(None) => 0,
                Token::Text(Some(text)) => strings.get(text.as_str()).copied().unwrap_or(0),
            };
            put_number(&mut out, number);
        }
        Ok(out)
    }
}

/// Unsigned LEB128.
pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u32) {
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// A text with its length before it.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) -> anyhow::Result<()> {
    put_number(out, u32::try_from(text.len())?);
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_written_once_and_referred_to_by_number() {
        let mut block = Block::default();
        block.text("b");
        block.text("a");
        block.maybe(None);
        block.text("b");
        assert_eq!(block.finish().unwrap(), [2, 1, 1, b'a', b'b', 2, 1, 0, 2]);
    }

    #[test]
    fn numbers_above_127_take_two_bytes() {
        let mut out = Vec::new();
        put_number(&mut out, 300);
        assert_eq!(out, [0xac, 0x02]);
    }
}
