//! How documents lie in a column: plain JSON when small, zstd when that is smaller, told apart by
//! the first byte. What a document means is not known here.

use std::cell::RefCell;

use sha2::{Digest, Sha256};
use zstd::bulk::{Compressor, Decompressor};

/// Below this a document stays plain: zstd's frame costs about as much as it saves.
const PLAIN_BYTES_MAX: usize = 96;
/// The most that a stored document may unpack to.
const UNPACKED_BYTES_MAX: usize = 256 * 1024 * 1024;
const LEVEL: i32 = 3;

const PLAIN: u8 = 0;
/// With [`DICTIONARY`].
const ZSTD: u8 = 1;

/// What documents of the common types look like: each document is short, and alone it would
/// shrink little. INVARIANT: stored documents cannot be read without these very bytes; another
/// dictionary gets another first byte.
const DICTIONARY: &[u8] = include_bytes!("dictionary-1.jsonl");

thread_local! {
    /// Preparing the dictionary takes longer than packing a document with it.
    static PACKER: RefCell<Option<Compressor<'static>>> =
        RefCell::new(Compressor::with_dictionary(LEVEL, DICTIONARY).ok());
    static UNPACKER: RefCell<Option<Decompressor<'static>>> =
        RefCell::new(Decompressor::with_dictionary(DICTIONARY).ok());
}

/// Packs a document for a column.
pub(crate) fn pack(json: &[u8]) -> Vec<u8> {
    if json.len() > PLAIN_BYTES_MAX {
        let packed = PACKER.with_borrow_mut(|packer| packer.as_mut()?.compress(json).ok());
        if let Some(packed) = packed.filter(|packed| packed.len() < json.len()) {
            return tagged(ZSTD, &packed);
        }
    }
    tagged(PLAIN, json)
}

/// For a column, bytes that are packed already.
pub(crate) fn packed(bytes: &[u8]) -> Vec<u8> {
    tagged(PLAIN, bytes)
}

fn tagged(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut column = Vec::with_capacity(bytes.len() + 1);
    column.push(tag);
    column.extend_from_slice(bytes);
    column
}

/// Unpacks a column.
pub(crate) fn unpack(column: &[u8]) -> Result<Vec<u8>, String> {
    match column.split_first() {
        Some((&PLAIN, json)) => Ok(json.to_vec()),
        Some((&ZSTD, packed)) => {
            let size = zstd::zstd_safe::get_frame_content_size(packed)
                .ok()
                .flatten()
                .and_then(|size| usize::try_from(size).ok())
                .filter(|size| *size <= UNPACKED_BYTES_MAX)
                .ok_or("a packed document does not say its size")?;
            UNPACKER.with_borrow_mut(|unpacker| {
                let unpacker = unpacker.as_mut().ok_or("zstd cannot be prepared")?;
                unpacker.decompress(packed, size).map_err(|error| error.to_string())
            })
        }
        Some((tag, _)) => Err(format!("a document has the unknown packing {tag}")),
        None => Err("a document is empty".to_owned()),
    }
}

/// The first 16 bytes of SHA-256: an identity of content, compact enough for an index.
pub(crate) fn digest(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).iter().copied().take(16).collect()
}

/// Ascending ids as differences in variable-length integers (LEB128).
pub(crate) fn pack_ids(ids: &[i64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(ids.len() * 2);
    let mut before = 0_u64;
    for id in ids {
        let id = u64::try_from(*id).unwrap_or_default();
        let mut rest = id.wrapping_sub(before);
        before = id;
        while rest >= 0x80 {
            bytes.push(u8::try_from(rest & 0x7f).unwrap_or_default() | 0x80);
            rest >>= 7;
        }
        bytes.push(u8::try_from(rest).unwrap_or_default());
    }
    bytes
}

/// The ids again.
pub(crate) fn unpack_ids(bytes: &[u8]) -> Result<Vec<i64>, String> {
    let fail = || "a run of verdicts is broken".to_owned();
    let mut ids = Vec::with_capacity(bytes.len());
    let (mut before, mut value, mut shift) = (0_u64, 0_u64, 0_u32);
    for byte in bytes {
        value |= u64::from(byte & 0x7f).checked_shl(shift).ok_or_else(fail)?;
        if byte & 0x80 == 0 {
            before = before.checked_add(value).ok_or_else(fail)?;
            ids.push(i64::try_from(before).map_err(|_| fail())?);
            (value, shift) = (0, 0);
        } else {
            shift += 7;
        }
    }
    if shift == 0 { Ok(ids) } else { Err(fail()) }
}

/// A text fit for a text column: PostgreSQL takes no NUL.
pub(crate) fn column_text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_back() {
        for size in [0, 1, 48, 49, 5_000] {
            let json = "ab".repeat(size).into_bytes();
            assert_eq!(unpack(&pack(&json)).unwrap(), json);
        }
    }

    #[test]
    fn a_long_document_is_smaller_packed() {
        assert!(pack(&b"0123456789".repeat(100)).len() < 100);
    }

    #[test]
    fn broken_columns_are_refused() {
        assert!(unpack(&[]).is_err());
        assert!(unpack(&[7, 1]).is_err());
        assert!(unpack(&[ZSTD, 1, 2, 3]).is_err());
        let mut packed = pack(&b"0123456789".repeat(100));
        packed.truncate(packed.len() - 1);
        assert!(unpack(&packed).is_err());
    }

    #[test]
    fn ids_come_back_and_broken_runs_are_refused() {
        for ids in [vec![], vec![0], vec![1, 2, 300, 1 << 40, i64::MAX]] {
            assert_eq!(unpack_ids(&pack_ids(&ids)).unwrap(), ids);
        }
        assert!(unpack_ids(&[0x80]).is_err());
        assert!(unpack_ids(&[0xff; 12]).is_err());
    }
}
