//! Chunks of columns: read from the database, changed in memory, and written back.
//! What columns hold is in `column.rs`.

use std::collections::{BTreeSet, HashMap};

use super::column::{CHUNK, Column, GONE, chunk_of, decode, encode, slot_of};
use crate::batch;
use crate::database::{Param, Row, Session};
use crate::error::StoreError;

/// Reads one row of `kind, chunk, data`.
pub(super) fn read_column(
    session: &Session,
    row: &Row,
) -> Result<(Column, i64, Vec<i64>), StoreError> {
    let read = || Ok::<_, sqlx::Error>((row.int(0)?, row.int(1)?, row.blob(2)?));
    let (kind, chunk, data) = read().map_err(|error| session.fail(error))?;
    let damaged = || session.damaged(format!("column {kind} of chunk {chunk} of findings"));
    let column = Column::of_number(kind).ok_or_else(damaged)?;
    Ok((column, chunk, decode(&data).ok_or_else(damaged)?))
}

/// `(1,2,3)`: numbers of columns for a statement.
pub(super) fn kinds(columns: &[Column]) -> String {
    let numbers: Vec<String> = columns.iter().map(|column| column.number().to_string()).collect();
    format!("({})", numbers.join(","))
}

/// Columns of some chunks as they are to be. What was not loaded cannot be changed.
#[derive(Default)]
pub(super) struct Chunks {
    loaded: BTreeSet<(Column, i64)>,
    values: HashMap<(Column, i64), Vec<i64>>,
    changed: BTreeSet<(Column, i64)>,
}

impl Chunks {
    /// Loads columns of the chunks that some findings are in, where they are not yet.
    pub(super) async fn load(
        &mut self,
        session: &mut Session,
        columns: &[Column],
        numbers: impl IntoIterator<Item = i64>,
    ) -> Result<(), StoreError> {
        let chunks: BTreeSet<i64> = numbers.into_iter().map(chunk_of).collect();
        for column in columns {
            let missing = chunks.iter().filter(|chunk| !self.loaded.contains(&(*column, **chunk)));
            let missing: Vec<Param> = missing.map(|chunk| (*chunk).into()).collect();
            let find = "SELECT kind, chunk, data FROM finding_columns WHERE kind = $1 AND chunk";
            let kind = [column.number().into()];
            for row in batch::select_in(session, find, &kind, missing, "").await? {
                let (column, chunk, values) = read_column(session, &row)?;
                self.values.insert((column, chunk), values);
            }
            self.loaded.extend(chunks.iter().map(|chunk| (*column, *chunk)));
        }
        Ok(())
    }

    /// A finding's value; 0 where it has none, [`GONE`] where there is no finding.
    pub(super) fn get(&self, column: Column, number: i64) -> i64 {
        let values = self.values.get(&(column, chunk_of(number)));
        let value = values.and_then(|values| values.get(slot_of(number))).copied();
        value.unwrap_or(absent(column))
    }

    /// Sets a finding's value.
    pub(super) fn set(&mut self, column: Column, number: i64, value: i64) {
        let (place, slot) = ((column, chunk_of(number)), slot_of(number));
        debug_assert!(self.loaded.contains(&place), "a column is loaded before it is changed");
        let values = self.values.entry(place).or_default();
        if values.len() <= slot {
            values.resize(slot + 1, absent(column));
            self.changed.insert(place);
        }
        if let Some(known) = values.get_mut(slot).filter(|known| **known != value) {
            *known = value;
            self.changed.insert(place);
        }
    }

    /// Writes what was changed.
    pub(super) async fn write(&mut self, session: &mut Session) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(self.changed.len());
        let (mut versions, mut empty) = (BTreeSet::new(), BTreeSet::new());
        for (column, chunk) in std::mem::take(&mut self.changed) {
            versions.insert(chunk);
            let Some(values) = self.values.get(&(column, chunk)) else { continue };
            debug_assert!(values.len() <= CHUNK, "a chunk has its size");
            if column == Column::State && values.iter().all(|state| *state == GONE) {
                empty.insert(chunk);
            }
            rows.push(vec![column.number().into(), chunk.into(), encode(values).into()]);
        }
        let insert = "INSERT INTO finding_columns (kind, chunk, data)";
        let after = "ON CONFLICT (kind, chunk) DO UPDATE SET data = excluded.data";
        batch::insert(session, insert, rows, after).await?;
        let versions = versions.into_iter().map(|chunk| vec![chunk.into(), 1.into()]).collect();
        let insert = "INSERT INTO finding_chunks (chunk, version)";
        let after = "ON CONFLICT (chunk) DO UPDATE SET version = finding_chunks.version + 1";
        batch::insert(session, insert, versions, after).await?;
        // A chunk without findings takes no room, unless it is to be filled on.
        for chunk in empty {
            let full = self.values.get(&(Column::State, chunk)).is_some_and(|v| v.len() == CHUNK);
            if full {
                for sql in [
                    "DELETE FROM finding_chunks WHERE chunk = $1",
                    "DELETE FROM finding_columns WHERE chunk = $1",
                    "DELETE FROM finding_terms WHERE chunk = $1",
                ] {
                    session.execute(sql, vec![chunk.into()]).await?;
                }
            }
        }
        Ok(())
    }
}

fn absent(column: Column) -> i64 {
    if column == Column::State { GONE } else { 0 }
}
