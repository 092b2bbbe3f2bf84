//! Columns kept in memory for as long as their chunk stays as it is: most of what is asked twice
//! did not change in between. What columns hold is in `column.rs`, how they change in `chunks.rs`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::chunks::kinds;
use super::column::Column;
use crate::batch;
use crate::database::{Param, Session};
use crate::error::StoreError;

/// Bytes kept at most; all columns of a million findings take some sixty million.
const BYTES_MAX: usize = 96 << 20;

/// A column of one chunk as the database has it, which is small. Empty where there is none.
pub(super) type Data = Arc<[u8]>;

/// A chunk as it was when it had a version. INVARIANT: versions are read and columns are kept
/// outside transactions that write, so that a version never stands for what was rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) number: i64,
    version: i64,
}

/// All chunks that there are, ascending.
pub(super) async fn chunks(session: &mut Session) -> Result<Vec<Chunk>, StoreError> {
    let sql = "SELECT chunk, version FROM finding_chunks ORDER BY chunk";
    let read = |row: &crate::database::Row| Ok(Chunk { number: row.int(0)?, version: row.int(1)? });
    session.fetch_as(sql, vec![], read).await
}

/// Columns as they were read last. A chunk that has another version since is read again.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Shelf>);

struct Shelf {
    columns: BTreeMap<Column, Shelved>,
    bytes: usize,
    bytes_max: usize,
    /// Grows with every use.
    uses: u64,
}

impl Default for Shelf {
    fn default() -> Self {
        Self { columns: BTreeMap::new(), bytes: 0, bytes_max: BYTES_MAX, uses: 0 }
    }
}

/// One column's chunks.
#[derive(Default)]
struct Shelved {
    chunks: HashMap<i64, (i64, Data)>,
    bytes: usize,
    used: u64,
}

impl Kept {
    /// Columns of some chunks, in the order of the columns. A chunk's columns are of one time;
    /// a chunk that was taken away in the meantime is left out.
    pub(super) async fn read(
        &self,
        session: &mut Session,
        columns: &[Column],
        chunks: &[Chunk],
    ) -> Result<BTreeMap<i64, Vec<Data>>, StoreError> {
        let mut found = self.shelf(|shelf| shelf.known(columns, chunks));
        let missing = chunks.iter().filter(|chunk| !found.contains_key(&chunk.number));
        let missing: Vec<Param> = missing.map(|chunk| chunk.number.into()).collect();
        if missing.is_empty() {
            return Ok(found);
        }
        // One statement for a chunk, with the version that it has there.
        let find = format!(
            "SELECT c.kind, c.chunk, c.data, v.version \
             FROM finding_columns c JOIN finding_chunks v ON v.chunk = c.chunk \
             WHERE c.kind IN {} AND c.chunk",
            kinds(columns)
        );
        let mut versions = HashMap::new();
        for row in batch::select_in(session, &find, &[], missing, "").await? {
            let read = || Ok((row.int(0)?, row.int(1)?, row.blob(2)?, row.int(3)?));
            let (kind, chunk, data, version) = read().map_err(|error| session.fail(error))?;
            let empty = || vec![Data::default(); columns.len()];
            let of_chunk = found.entry(chunk).or_insert_with(empty);
            let place = columns.iter().position(|column| column.number() == kind);
            if let Some(place) = place.and_then(|place| of_chunk.get_mut(place)) {
                *place = data.into();
            }
            versions.insert(chunk, version);
        }
        self.shelf(|shelf| {
            for (chunk, version) in versions {
                let of_chunk = found.get(&chunk).into_iter().flatten();
                for (column, data) in columns.iter().zip(of_chunk) {
                    shelf.put(*column, Chunk { number: chunk, version }, data.clone(), columns);
                }
            }
        });
        Ok(found)
    }

    fn shelf<T>(&self, at: impl FnOnce(&mut Shelf) -> T) -> T {
        // Whoever panicked there left at worst less than was counted.
        at(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shelf {
    /// Those chunks of which all columns are here as they are.
    fn known(&mut self, columns: &[Column], chunks: &[Chunk]) -> BTreeMap<i64, Vec<Data>> {
        self.uses += 1;
        for column in columns {
            self.columns.entry(*column).or_default().used = self.uses;
        }
        let of_chunk = |chunk: &Chunk| {
            let of_column = |column: &Column| {
                let (version, data) = self.columns.get(column)?.chunks.get(&chunk.number)?;
                (*version == chunk.version).then(|| data.clone())
            };
            columns.iter().map(of_column).collect::<Option<Vec<Data>>>()
        };
        chunks.iter().filter_map(|chunk| Some((chunk.number, of_chunk(chunk)?))).collect()
    }

    /// Keeps a column of a chunk. Where there is no room, the columns that were used longest ago
    /// go, but none of those that are wanted right now.
    fn put(&mut self, column: Column, chunk: Chunk, data: Data, wanted: &[Column]) {
        let size = data.len();
        while self.bytes + size > self.bytes_max {
            let idle = self.columns.iter().filter(|(column, _)| !wanted.contains(column));
            let Some((oldest, _)) = idle.min_by_key(|(_, shelved)| shelved.used) else { return };
            let oldest = *oldest;
            let gone = self.columns.remove(&oldest).map_or(0, |shelved| shelved.bytes);
            self.bytes = self.bytes.saturating_sub(gone);
        }
        let shelved = self.columns.entry(column).or_default();
        let before = shelved.chunks.insert(chunk.number, (chunk.version, data));
        let gone = before.map_or(0, |(_, data)| data.len());
        shelved.bytes = (shelved.bytes + size).saturating_sub(gone);
        self.bytes = (self.bytes + size).saturating_sub(gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: [Column; 1] = [Column::State];

    fn chunk(number: i64, version: i64) -> Chunk {
        Chunk { number, version }
    }

    fn data(size: usize) -> Data {
        vec![7; size].into()
    }

    #[test]
    fn a_chunk_of_another_version_is_not_known() {
        let mut shelf = Shelf::default();
        shelf.put(Column::State, chunk(3, 1), data(10), &STATE);
        assert_eq!(shelf.known(&STATE, &[chunk(3, 1)]).len(), 1);
        assert_eq!(shelf.known(&STATE, &[chunk(3, 2)]).len(), 0);
        assert_eq!(shelf.known(&[Column::State, Column::Rank], &[chunk(3, 1)]).len(), 0);
        shelf.put(Column::State, chunk(3, 2), data(4), &STATE);
        assert_eq!(shelf.bytes, 4);
    }

    #[test]
    fn what_was_used_longest_ago_makes_room() {
        let mut shelf = Shelf { bytes_max: 25, ..Shelf::default() };
        shelf.put(Column::State, chunk(1, 1), data(10), &STATE);
        shelf.put(Column::Rank, chunk(1, 1), data(10), &[Column::Rank]);
        shelf.known(&STATE, &[chunk(1, 1)]);
        shelf.put(Column::Due, chunk(1, 1), data(10), &[Column::Due]);
        assert_eq!(shelf.known(&[Column::Rank], &[chunk(1, 1)]).len(), 0);
        assert_eq!(shelf.known(&STATE, &[chunk(1, 1)]).len(), 1);
        assert_eq!(shelf.bytes, 20);
        // What is too large for the room is not kept, and nothing that is wanted goes for it.
        let wanted = [Column::State, Column::Due];
        shelf.put(Column::Due, chunk(2, 1), data(10), &wanted);
        assert_eq!(shelf.bytes, 20);
    }
}
