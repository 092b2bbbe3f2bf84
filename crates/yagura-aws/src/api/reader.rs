//! Reads the numbers and strings of a table block.
//! The meaning of what is read is in `service.rs`; nothing here knows AWS.

use crate::api::ApiError;

/// A cursor over one decompressed block.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], ApiError> {
        let (head, rest) =
            self.rest.split_at_checked(length).ok_or_else(|| ApiError::damaged("it ends early"))?;
        self.rest = rest;
        Ok(head)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, ApiError> {
        self.bytes(1)?.first().copied().ok_or_else(|| ApiError::damaged("it ends early"))
    }

    /// An unsigned LEB128 number of at most 32 bits.
    pub(crate) fn number(&mut self) -> Result<u32, ApiError> {
        let mut value = 0u64;
        for shift in [0u32, 7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| ApiError::damaged("a number is too big"));
            }
        }
        Err(ApiError::damaged("a number is too long"))
    }

    /// A count of things of which each takes at least one byte.
    pub(crate) fn count(&mut self) -> Result<usize, ApiError> {
        let count = self.number()? as usize;
        if count > self.rest.len() {
            return Err(ApiError::damaged("a count exceeds what follows"));
        }
        Ok(count)
    }

    /// A list: its count, then each element.
    pub(crate) fn list<T>(
        &mut self,
        mut element: impl FnMut(&mut Reader<'a>) -> Result<T, ApiError>,
    ) -> Result<Vec<T>, ApiError> {
        let count = self.count()?;
        let mut out = Vec::with_capacity(count);
        for _ in 0..count {
            out.push(element(self)?);
        }
        Ok(out)
    }

    /// A text with its length before it.
    pub(crate) fn text(&mut self) -> Result<&'a str, ApiError> {
        let length = self.count()?;
        std::str::from_utf8(self.bytes(length)?)
            .map_err(|_| ApiError::damaged("a text is not UTF-8"))
    }
}

/// The strings of one block, addressed by number; 0 means "none", 1 the first.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    text: Box<str>,
    ends: Box<[u32]>,
}

impl Strings {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Strings, ApiError> {
        let mut end = 0u32;
        let ends = reader.list(|reader| {
            end = end
                .checked_add(reader.number()?)
                .ok_or_else(|| ApiError::damaged("the strings are too long"))?;
            Ok(end)
        })?;
        let bytes = reader.bytes(end as usize)?;
        let text = std::str::from_utf8(bytes)
            .map_err(|_| ApiError::damaged("the strings are not UTF-8"))?;
        if !ends.iter().all(|end| text.is_char_boundary(*end as usize)) {
            return Err(ApiError::damaged("a string is cut inside a character"));
        }
        Ok(Strings { text: text.into(), ends: ends.into() })
    }

    /// The string with this number; `None` for 0 and for numbers out of range.
    pub(crate) fn get(&self, number: u32) -> Option<&str> {
        let index = (number as usize).checked_sub(1)?;
        let end = *self.ends.get(index)? as usize;
        let start = index
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .map_or(0, |e| *e as usize);
        self.text.get(start..end)
    }

    /// A reference that may be "none"; an error if it points nowhere.
    pub(crate) fn optional(&self, reader: &mut Reader<'_>) -> Result<u32, ApiError> {
        let number = reader.number()?;
        if number as usize > self.ends.len() {
            return Err(ApiError::damaged("a string reference points nowhere"));
        }
        Ok(number)
    }

    /// A reference that must point to a string.
    pub(crate) fn required(&self, reader: &mut Reader<'_>) -> Result<u32, ApiError> {
        match self.optional(reader)? {
            0 => Err(ApiError::damaged("a name is missing")),
            number => Ok(number),
        }
    }

    /// The string behind a reference that must point to one, copied.
    pub(crate) fn owned(&self, reader: &mut Reader<'_>) -> Result<Box<str>, ApiError> {
        let number = self.required(reader)?;
        Ok(self.get(number).unwrap_or_default().into())
    }

    /// The string behind a reference that may be "none", copied.
    pub(crate) fn maybe(&self, reader: &mut Reader<'_>) -> Result<Option<Box<str>>, ApiError> {
        let number = self.optional(reader)?;
        Ok(self.get(number).map(Into::into))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_leb128() {
        for (bytes, value) in
            [(&[0u8][..], 0u32), (&[0x7f], 127), (&[0x80, 1], 128), (&[0xff; 4], 0)]
        {
            let read = Reader::new(bytes).number();
            if bytes == [0xff; 4] {
                assert!(read.is_err());
            } else {
                assert_eq!(read, Ok(value));
            }
        }
        assert!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x7f]).number().is_err());
    }

    #[test]
    fn a_count_beyond_the_end_is_refused_before_anything_is_allocated() {
        assert!(Reader::new(&[0xff, 0xff, 0xff, 0x7f]).list(Reader::byte).is_err());
    }

    #[test]
    fn strings_are_found_by_number() {
        let bytes = [2u8, 1, 2, b'a', b'b', b'c'];
        let strings = Strings::read(&mut Reader::new(&bytes)).unwrap();
        assert_eq!(strings.get(0), None);
        assert_eq!(strings.get(1), Some("a"));
        assert_eq!(strings.get(2), Some("bc"));
        assert_eq!(strings.get(3), None);
    }
}
