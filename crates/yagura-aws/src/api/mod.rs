//! The table of the AWS API: services, operations and shapes, opened lazily service by service.
//! It holds facts only; what goes over the wire is made in `protocol/`, addresses in `endpoint/`.
//!
//! The file is one zstd skippable frame (magic, version, length of the head), the head (shared
//! dictionary, directory, partitions), then two independent zstd frames per service: its block
//! and its endpoint rules. `cargo xtask aws-api` writes it.

mod actions;
mod check;
mod error;
mod operation;
pub(crate) mod path;
mod reader;
mod service;
mod shapes;
mod waiter;

use std::sync::{Arc, OnceLock};

pub use actions::{AccessLevel, Action, ActionResource, Actions};
pub use check::Problem;
pub use error::ApiError;
pub use operation::{EndpointDiscovery, Operation, OperationAuth, Paginator};
pub use service::{Protocol, Service};
pub use shapes::{Kind, Location, Member, Shape, TimestampFormat};
pub use waiter::{Acceptor, Matcher, Waiter, WaiterState};

use crate::endpoint::Partitions;
use reader::Reader;

const MAGIC_SKIPPABLE: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];
const MAGIC: &[u8; 8] = b"ygr-api\n";
const VERSION: u8 = 1;
/// No block of today is larger than 3 MB; more than this is a damaged length.
const BLOCK_SIZE_BYTES_MAX: usize = 64 << 20;

/// The opened table; cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    table: Arc<Table>,
    opened: Arc<[OnceLock<Arc<Service>>]>,
}

/// What all services share: the bytes, the dictionary, the partitions.
pub(crate) struct Table {
    bytes: &'static [u8],
    dictionary: zstd::dict::DecoderDictionary<'static>,
    source: Box<str>,
    entries: Vec<Entry>,
    pub(crate) partitions: Partitions,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("source", &self.source).finish_non_exhaustive()
    }
}

struct Entry {
    name: Box<str>,
    block: Span,
    rules: Span,
}

/// A compressed frame: where it starts, its length, and its length once unpacked.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    packed: usize,
    plain: usize,
}

impl Api {
    /// Opens a table: reads its directory, and nothing of any service yet.
    ///
    /// # Errors
    /// When the bytes are not a table, are of another version, or are damaged.
    pub fn open(table: &'static [u8]) -> Result<Api, ApiError> {
        let table = Table::open(table)?;
        let opened = table.entries.iter().map(|_| OnceLock::new()).collect();
        Ok(Api { table: Arc::new(table), opened })
    }

    /// The service with this name (botocore's folder: `s3`, `iam`, `sso-admin`).
    ///
    /// # Errors
    /// [`ApiError::UnknownService`] with the nearest name; [`ApiError::Damaged`].
    pub fn service(&self, name: &str) -> Result<Arc<Service>, ApiError> {
        let entries = &self.table.entries;
        let index = entries.binary_search_by(|entry| (*entry.name).cmp(name)).ok();
        let found = index.and_then(|index| Some((entries.get(index)?, self.opened.get(index)?)));
        let (Some(index), Some((entry, slot))) = (index, found) else {
            return Err(ApiError::UnknownService {
                name: name.to_owned(),
                similar: error::nearest(name, self.services()),
            });
        };
        if let Some(service) = slot.get() {
            return Ok(Arc::clone(service));
        }
        let block = self.table.unpack(entry.block)?;
        let service = Service::read(&self.table, index, name, &block)?;
        Ok(Arc::clone(slot.get_or_init(|| Arc::new(service))))
    }

    /// The names of all services, in order.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.table.entries.iter().map(|entry| &*entry.name)
    }

    /// What the table was made from (`botocore 1.44.5`).
    #[must_use]
    pub fn source(&self) -> &str {
        &self.table.source
    }

    /// The partitions of AWS and their regions.
    #[must_use]
    pub fn partitions(&self) -> &Partitions {
        &self.table.partitions
    }
}

impl Table {
    fn open(bytes: &'static [u8]) -> Result<Table, ApiError> {
        let (head_start, head_packed) = read_preamble(bytes)?;
        let head_end = head_start.checked_add(head_packed);
        let packed = head_end.and_then(|end| bytes.get(head_start..end));
        let packed = packed.ok_or_else(|| ApiError::damaged("the head ends early"))?;
        let head = zstd::bulk::decompress(packed, BLOCK_SIZE_BYTES_MAX)
            .map_err(|error| ApiError::damaged(format!("the head: {error}")))?;
        let reader = &mut Reader::new(&head);
        let source: Box<str> = reader.text()?.into();
        let mut start = head_start + head_packed;
        let mut span = |packed: u32, plain: u32| {
            let span = Span { start, packed: packed as usize, plain: plain as usize };
            start += packed as usize;
            span
        };
        let entries = reader.list(|reader| {
            let name = reader.text()?.into();
            let block = span(reader.number()?, reader.number()?);
            let rules = span(reader.number()?, reader.number()?);
            Ok(Entry { name, block, rules })
        })?;
        if !entries.is_sorted_by(|left, right| left.name < right.name) {
            return Err(ApiError::damaged("the services are out of order"));
        }
        if start != bytes.len() {
            return Err(ApiError::damaged("its length is not what its directory says"));
        }
        let partitions = serde_json::from_str(reader.text()?)
            .map_err(|error| ApiError::damaged(format!("the partitions: {error}")))?;
        let partitions = Partitions::parse(&partitions).map_err(ApiError::damaged)?;
        let length = reader.count()?;
        let dictionary = zstd::dict::DecoderDictionary::copy(reader.bytes(length)?);
        Ok(Table { bytes, dictionary, source, entries, partitions })
    }

    fn unpack(&self, span: Span) -> Result<Vec<u8>, ApiError> {
        let failed = |error: std::io::Error| ApiError::damaged(error.to_string());
        let packed = self
            .bytes
            .get(span.start..span.start + span.packed)
            .filter(|_| span.plain <= BLOCK_SIZE_BYTES_MAX)
            .ok_or_else(|| ApiError::damaged("a block lies outside the file"))?;
        let plain = zstd::bulk::Decompressor::with_prepared_dictionary(&self.dictionary)
            .and_then(|mut unpacker| unpacker.decompress(packed, span.plain))
            .map_err(failed)?;
        if plain.len() == span.plain {
            Ok(plain)
        } else {
            Err(ApiError::damaged("a block is shorter than its directory says"))
        }
    }

    /// The endpoint rules of the service at `index`, as JSON.
    pub(crate) fn rules_block(&self, index: usize) -> Result<Vec<u8>, ApiError> {
        let entry = self.entries.get(index).ok_or_else(|| ApiError::damaged("no such entry"))?;
        self.unpack(entry.rules)
    }
}

/// The start and length of the head, after the skippable frame with magic and version.
fn read_preamble(bytes: &[u8]) -> Result<(usize, usize), ApiError> {
    const LENGTH: usize = MAGIC.len() + 1 + 4;
    let rest = bytes.strip_prefix(&MAGIC_SKIPPABLE).ok_or(ApiError::NotATable)?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or(ApiError::NotATable)?;
    let rest = rest.strip_prefix(MAGIC).ok_or(ApiError::NotATable)?;
    let (version, rest) = rest.split_first().ok_or(ApiError::NotATable)?;
    if *version != VERSION {
        return Err(ApiError::Version { found: *version, known: VERSION });
    }
    let head = rest.first_chunk::<4>().ok_or_else(|| ApiError::damaged("it ends early"))?;
    if u32::from_le_bytes(*length) as usize != LENGTH {
        return Err(ApiError::damaged("its first frame has another length"));
    }
    Ok((8 + LENGTH, u32::from_le_bytes(*head) as usize))
}
