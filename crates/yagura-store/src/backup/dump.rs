//! Takes the picture: every table of ours, in pieces of bounded size, within one transaction.
//! Where the pieces go is the caller's.

use std::io;

use super::{Picture, Sequence, TableRows, columns, rows};
use crate::Store;
use crate::database::Session;
use crate::error::StoreError;
use crate::migration;

/// A piece is handed over once it is at least this large.
const PIECE_BYTES: usize = 4 << 20;

impl Store {
    /// Hands over the whole database as it is at one moment, table by table, in pieces of some
    /// megabytes, each with the table's name. Others may write meanwhile; nothing of that is in
    /// the picture.
    ///
    /// # Errors
    /// Where the database cannot be read, and the first error of `take`.
    pub async fn dump(
        &self,
        take: &mut (dyn FnMut(&str, &[u8]) -> io::Result<()> + Send),
    ) -> Result<Picture, StoreError> {
        let mut session = self.database.picture("back the database up").await?;
        let schema = migration::applied(&self.database, &mut session).await?;
        let mut picture = Picture { schema, ..Picture::default() };
        for table in migration::tables(schema) {
            let count = dump_table(&mut session, table, take).await?;
            picture.tables.push(TableRows { name: table.to_owned(), rows: count });
        }
        picture.sequences = sequences(&mut session, &picture).await?;
        Ok(picture)
    }
}

async fn dump_table(
    session: &mut Session,
    table: &str,
    take: &mut (dyn FnMut(&str, &[u8]) -> io::Result<()> + Send),
) -> Result<u64, StoreError> {
    let columns = columns(session, table).await?;
    if columns.is_empty() {
        return Err(session.damaged(format!("the table `{table}` is missing")));
    }
    let names: Vec<String> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let sql = format!("SELECT {} FROM {table}", names.join(", "));
    let (place, attempt) = session.whose();
    let fail = |error| StoreError::of_database(&place, attempt, error);
    let (mut bytes, mut count) = (rows::begin(&columns), 0_u64);
    session
        .each(sql, |row| {
            rows::push(&mut bytes, &columns, row).map_err(fail)?;
            count += 1;
            if bytes.len() >= PIECE_BYTES {
                take(table, &bytes).map_err(StoreError::BackupWrite)?;
                bytes = rows::begin(&columns);
            }
            Ok(())
        })
        .await?;
    if bytes.len() > rows::begin(&columns).len() {
        take(table, &bytes).map_err(StoreError::BackupWrite)?;
    }
    Ok(count)
}

/// Where numbering goes on. On PostgreSQL, where numbers are outside of transactions, that may be
/// a little later than the picture, which leaves numbers out and gives none twice. `SQLite` keeps
/// it in a table of its own, PostgreSQL in a sequence for each identity column.
async fn sequences(session: &mut Session, picture: &Picture) -> Result<Vec<Sequence>, StoreError> {
    let mut found = Vec::new();
    if session.is_sqlite() {
        // The table is there only once a numbered table was made.
        let sql = "SELECT name, seq FROM sqlite_sequence ORDER BY name";
        for (table, last) in
            session.fetch_as(sql, vec![], |row| Ok((row.text(0)?, row.int(1)?))).await?
        {
            if picture.tables.iter().any(|one| one.name == table) {
                found.push(Sequence { table, last });
            }
        }
        return Ok(found);
    }
    for table in &picture.tables {
        let sql = "SELECT s.last_value FROM information_schema.columns c \
                   JOIN pg_sequences s ON s.schemaname = c.table_schema AND \
                   format('%I.%I', s.schemaname, s.sequencename) = \
                   pg_get_serial_sequence(format('%I.%I', c.table_schema, c.table_name), \
                   c.column_name) \
                   WHERE c.table_schema = current_schema() AND c.table_name = $1 \
                   AND c.is_identity = 'YES'";
        let params = vec![table.name.as_str().into()];
        let last = session.fetch_one(sql, params, |row| row.opt_int(0)).await?.flatten();
        if let Some(last) = last {
            found.push(Sequence { table: table.name.clone(), last });
        }
    }
    // In one order, whichever database it comes from.
    found.sort_by(|one, two| one.table.cmp(&two.table));
    Ok(found)
}
