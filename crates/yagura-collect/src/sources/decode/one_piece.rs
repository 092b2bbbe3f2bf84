//! Small gzip objects, inflated in one piece: libdeflate does it at three times the speed of a
//! stream. Everything else is left to `inflate`.

use libdeflater::{Decompressor, crc32};

use super::spare;

/// Gzip objects up to this size are tried in one piece.
pub(super) const STORED_BYTES_MAX: usize = 4 << 20;

/// The text that may come of one.
const TEXT_BYTES_MAX: usize = 48 << 20;

/// Bytes of a gzip member's end: checksum and size of its text.
const TRAILER_BYTES: usize = 8;

/// The text of a whole object that is exactly one gzip member; nothing where it is anything else
/// or that cannot be told, which is then for the stream to find out.
///
/// libdeflate does not say how many bytes it took. But it has checked that the eight bytes where
/// the member ends are its text's checksum and size. Where these eight bytes occur in the object
/// once only, and at its end, the member ends there too.
pub(super) fn inflate(object: &[u8], inflated_bytes_max: u64) -> Option<Vec<u8>> {
    let (body, trailer) = object.split_last_chunk::<TRAILER_BYTES>()?;
    let size = u32::from_le_bytes(*trailer.last_chunk::<4>()?) as usize;
    // Deflate makes at most 1032 of one byte.
    if size > TEXT_BYTES_MAX || size as u64 > inflated_bytes_max || size / 1032 > object.len() {
        return None;
    }
    let mut text = spare::to_write_over(size);
    let Ok(length) = Decompressor::new().gzip_decompress(object, &mut text) else {
        spare::give_bytes(text);
        return None;
    };
    let expected = [crc32(&text).to_le_bytes(), (size as u32).to_le_bytes()].concat();
    let exact = length == size
        && expected == trailer.as_slice()
        && memchr::memmem::find(object, trailer) == Some(body.len());
    exact.then_some(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn one_member_is_inflated() {
        for text in [&b"{\"Records\":[]}"[..], &[b'a'; 100_000]] {
            assert_eq!(inflate(&gzip(text), u64::MAX).as_deref(), Some(text));
        }
    }

    #[test]
    fn anything_but_exactly_one_member_is_left_to_the_stream() {
        let one = gzip(b"one");
        let check =
            |object: &[u8], what: &str| assert_eq!(inflate(object, u64::MAX), None, "{what}");
        check(&[one.clone(), gzip(b"two")].concat(), "two members");
        check(&[one.clone(), one.clone()].concat(), "twice the same member");
        check(&[&one[..], b"x"].concat(), "a byte after it");
        check(&[&one[..], &one[one.len() - 8..]].concat(), "its own trailer again");
        check(&one[..one.len() - 1], "cut");
        check(&one[..5], "cut in the header");
        check(b"", "nothing");
        assert_eq!(inflate(&one, 2), None, "more text than allowed");
        let mut wrong = one.clone();
        let end = wrong.len() - 1;
        wrong[end] ^= 0x80;
        check(&wrong, "a size that is not its own");
    }
}
