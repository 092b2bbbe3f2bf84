//! The one gzip member of a file of CloudTrail, hashed as it is inflated.
//! Later members and other bytes behind it are not signed: CloudTrail writes none.

use std::io::{ErrorKind, Read, Write};

use flate2::bufread::GzDecoder;
use ring::digest::{Context, SHA256};
use yagura_analyze::trail::Reason;

/// The most that a log file of CloudTrail inflates to; its own files stay far below 1 GB.
const INFLATED_BYTES_MAX: u64 = 16 << 30;

/// The hash (hex) of a file's content, which goes to `out` as well.
///
/// # Errors
/// `NotGzip`, `TrailingBytes` or `TooLarge`.
pub(super) fn hash(body: &[u8], out: &mut dyn Write) -> Result<String, Reason> {
    let mut decoder = GzDecoder::new(body);
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 64 << 10];
    let mut total: u64 = 0;
    loop {
        let size = match decoder.read(&mut buffer) {
            Ok(0) => break,
            Ok(size) => size,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return Err(Reason::NotGzip),
        };
        let piece = buffer.get(..size).unwrap_or_default();
        context.update(piece);
        total += u64::try_from(size).unwrap_or(u64::MAX);
        if total > INFLATED_BYTES_MAX || out.write_all(piece).is_err() {
            return Err(Reason::TooLarge);
        }
    }
    match decoder.into_inner().is_empty() {
        true => Ok(hex::encode(context.finish())),
        false => Err(Reason::TrailingBytes),
    }
}

/// A text of bounded size.
pub(super) struct Bounded {
    pub(super) text: Vec<u8>,
    pub(super) size_bytes_max: usize,
}

impl Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        if self.text.len() + piece.len() > self.size_bytes_max {
            return Err(ErrorKind::FileTooLarge.into());
        }
        self.text.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn check(body: &[u8], expected: Result<&str, Reason>) {
        let found = hash(body, &mut std::io::sink());
        assert_eq!(found.as_deref().map_err(|reason| *reason), expected);
    }

    #[test]
    fn only_one_whole_member_has_a_hash() {
        let whole = gzip(b"abc");
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        check(&whole, Ok(known));
        check(&[whole.clone(), gzip(b"def")].concat(), Err(Reason::TrailingBytes));
        check(&[whole.clone(), vec![0]].concat(), Err(Reason::TrailingBytes));
        check(&whole[..whole.len() - 3], Err(Reason::NotGzip));
        check(b"{}", Err(Reason::NotGzip));
        check(b"", Err(Reason::NotGzip));
        let mut small = Bounded { text: Vec::new(), size_bytes_max: 2 };
        assert_eq!(hash(&whole, &mut small), Err(Reason::TooLarge));
    }
}
