//! Puts a picture into a place: all of it in one transaction, or nothing.
//! That the pieces are those of the picture is made sure by digests before; here they are counted.

use std::collections::BTreeMap;

use super::rows::Pieces;
use super::{Column, Picture, columns};
use crate::database::{Database, Param, Session};
use crate::error::StoreError;
use crate::location::{Location, Options};
use crate::{Store, migration};

/// Values of one statement at most: below what either database takes (32,766 and 65,535).
const VALUES_MAX: usize = 16_000;
const ATTEMPT: &str = "restore a backup";

/// A place that is being filled. Dropped before [`Loading::finish`], it leaves no trace but, on
/// `SQLite`, a file without tables.
pub struct Loading {
    database: Database,
    session: Session,
    tables: BTreeMap<String, (Vec<Column>, u64)>,
    schema: i64,
}

impl Store {
    /// Begins to fill a place with a picture of some schema. Anything of ours that is there is
    /// taken away in the same transaction if `replace` says so, and else an error.
    ///
    /// # Errors
    /// [`StoreError::Newer`] for a schema that this program does not know,
    /// [`StoreError::NotEmpty`], and whatever the database says.
    pub async fn begin_loading(
        at: &Location,
        options: &Options,
        schema: i64,
        replace: bool,
    ) -> Result<Loading, StoreError> {
        let database = Database::connect(at, options).await?;
        let known = migration::newest();
        if !(1..=known).contains(&schema) {
            let place = database.place().to_owned();
            return Err(StoreError::Newer { place, found: schema, known });
        }
        let mut session = database.write(ATTEMPT).await?;
        let there = migration::applied(&database, &mut session).await?;
        if there > 0 {
            if !replace {
                return Err(StoreError::NotEmpty { place: database.place().to_owned() });
            }
            for table in migration::tables(there).into_iter().chain(["yagura_schema"]) {
                session.execute(format!("DROP TABLE {table}"), vec![]).await?;
            }
        }
        migration::make(&database, &mut session, schema).await?;
        let mut tables = BTreeMap::new();
        for table in migration::tables(schema) {
            // What a migration writes by itself comes with the picture.
            session.execute(format!("DELETE FROM {table}"), vec![]).await?;
            let columns = columns(&mut session, table).await?;
            tables.insert(table.to_owned(), (columns, 0));
        }
        Ok(Loading { database, session, tables, schema })
    }

    /// Whether there is a database of ours in a place; nothing is made.
    ///
    /// # Errors
    /// Where the place cannot be opened, or is something else.
    pub async fn is_there(at: &Location, options: &Options) -> Result<bool, StoreError> {
        if let Location::Sqlite(file) = at
            && !file.exists()
        {
            return Ok(false);
        }
        let database = Database::connect(at, options).await?;
        let mut session = database.read("open the database");
        let there = migration::applied(&database, &mut session).await;
        database.close().await;
        Ok(there? > 0)
    }
}

impl Loading {
    /// Puts one piece of a table.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] for what is no piece of that table.
    pub async fn put(&mut self, table: &str, piece: &[u8]) -> Result<(), StoreError> {
        let Some((known, count)) = self.tables.get_mut(table) else {
            return Err(self.session.damaged(format!("there is no table `{table}`")));
        };
        let broken = |detail: String| format!("a piece of `{table}` is broken: {detail}");
        let session = &mut self.session;
        let mut pieces =
            Pieces::begin(piece, known).map_err(|detail| session.damaged(broken(detail)))?;
        let width = pieces.columns.len();
        let rows_max = (VALUES_MAX / width).max(1);
        loop {
            let (mut params, mut rows) = (Vec::new(), 0);
            while rows < rows_max {
                let next = pieces.next().map_err(|detail| session.damaged(broken(detail)))?;
                let Some(mut row) = next else { break };
                params.append(&mut row);
                rows += 1;
            }
            if rows == 0 {
                return Ok(());
            }
            *count += rows as u64;
            insert(session, table, &pieces.columns, rows, params).await?;
        }
    }

    /// Makes what was put lasting and visible, if it is all of the picture.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where rows are missing or too many; then nothing was changed.
    pub async fn finish(mut self, picture: &Picture) -> Result<(), StoreError> {
        let found: BTreeMap<&str, u64> =
            self.tables.iter().map(|(name, (_, count))| (name.as_str(), *count)).collect();
        let wanted: BTreeMap<&str, u64> =
            picture.tables.iter().map(|table| (table.name.as_str(), table.rows)).collect();
        if picture.schema != self.schema || found != wanted {
            let differs = |(name, rows): (&&str, &u64)| wanted.get(*name) != Some(rows);
            let table = found.iter().find(|pair| differs((pair.0, pair.1))).map(|pair| *pair.0);
            let table = table.unwrap_or("schema");
            return Err(self.session.damaged(format!("rows of `{table}` are missing or too many")));
        }
        for sequence in &picture.sequences {
            if !wanted.contains_key(sequence.table.as_str()) {
                let detail = format!("there is no table `{}`", sequence.table);
                return Err(self.session.damaged(detail));
            }
            go_on(&mut self.session, &sequence.table, sequence.last).await?;
        }
        let Self { database, session, .. } = self;
        session.commit().await?;
        database.close().await;
        Ok(())
    }
}

async fn insert(
    session: &mut Session,
    table: &str,
    columns: &[Column],
    rows: usize,
    params: Vec<Param>,
) -> Result<(), StoreError> {
    let names: Vec<String> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let mut sql = format!("INSERT INTO {table} ({}) VALUES ", names.join(", "));
    let mut number = 0;
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns.len() {
            number += 1;
            sql.push_str(if column == 0 { "$" } else { ", $" });
            sql.push_str(&number.to_string());
        }
        sql.push(')');
    }
    session.execute(sql, params).await.map(drop)
}

/// Sets the number after which a table's numbering goes on.
async fn go_on(session: &mut Session, table: &str, last: i64) -> Result<(), StoreError> {
    if session.is_sqlite() {
        session.execute("DELETE FROM sqlite_sequence WHERE name = $1", vec![table.into()]).await?;
        let sql = "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)";
        session.execute(sql, vec![table.into(), last.into()]).await?;
        return Ok(());
    }
    let sql = "SELECT setval(pg_get_serial_sequence(format('%I.%I', table_schema, table_name), \
               column_name)::regclass, $2) FROM information_schema.columns \
               WHERE table_schema = current_schema() AND table_name = $1 AND is_identity = 'YES'";
    session.fetch(sql, vec![table.into(), last.into()]).await.map(drop)
}
