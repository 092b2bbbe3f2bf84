//! The small dialect layer: `SQLite` and PostgreSQL behind one session with one set of queries.
//! What the queries ask is not known here.
//!
//! Every statement uses `$1`, `$2`, …, which both understand, and only 64-bit integers, texts and
//! bytes. The differences are this file, the two migration files and nothing else.
//!
//! INVARIANT: at most one writer at a time, in this process (a mutex) and among processes
//! (`BEGIN IMMEDIATE` or a transaction-level advisory lock). Code between `write` and `commit`
//! may therefore read, decide and write without fear of another writer. Jobs alone are written
//! beside it: nobody else touches their tables, and they lock rows.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Postgres, Row as _, SqlStr, Sqlite,
    Transaction,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::error::StoreError;
use crate::location::{Location, Options, without_password};

/// Marks a `SQLite` file as ours ("YAGU"), as `file(1)` and other tools read it.
pub(crate) const APPLICATION_ID: i64 = 0x5941_4755;
/// Takes the lock that writers hold on PostgreSQL: "YAGU", and one for each schema, so that
/// several Yaguras may share a database.
const WRITER_LOCK: &str = "SELECT pg_advisory_xact_lock(1497450325, hashtext(current_schema()))";

/// A value handed to a statement.
#[derive(Clone, Debug)]
pub(crate) enum Param {
    Int(i64),
    OptInt(Option<i64>),
    Text(String),
    OptText(Option<String>),
    Blob(Vec<u8>),
    OptBlob(Option<Vec<u8>>),
}

impl From<i64> for Param {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<Option<i64>> for Param {
    fn from(value: Option<i64>) -> Self {
        Self::OptInt(value)
    }
}
impl From<bool> for Param {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}
impl From<&str> for Param {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<String> for Param {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<Option<String>> for Param {
    fn from(value: Option<String>) -> Self {
        Self::OptText(value)
    }
}
impl From<Vec<u8>> for Param {
    fn from(value: Vec<u8>) -> Self {
        Self::Blob(value)
    }
}
impl From<Option<Vec<u8>>> for Param {
    fn from(value: Option<Vec<u8>>) -> Self {
        Self::OptBlob(value)
    }
}

/// One row of an answer; columns are counted from zero.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    fn get<T>(&self, column: usize) -> Result<T, sqlx::Error>
    where
        T: for<'r> sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
        T: for<'r> sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }

    pub(crate) fn int(&self, column: usize) -> Result<i64, sqlx::Error> {
        self.get(column)
    }

    pub(crate) fn flag(&self, column: usize) -> Result<bool, sqlx::Error> {
        Ok(self.int(column)? != 0)
    }

    pub(crate) fn opt_int(&self, column: usize) -> Result<Option<i64>, sqlx::Error> {
        self.get(column)
    }

    pub(crate) fn text(&self, column: usize) -> Result<String, sqlx::Error> {
        self.get(column)
    }

    pub(crate) fn opt_text(&self, column: usize) -> Result<Option<String>, sqlx::Error> {
        self.get(column)
    }

    pub(crate) fn blob(&self, column: usize) -> Result<Vec<u8>, sqlx::Error> {
        self.get(column)
    }

    pub(crate) fn opt_blob(&self, column: usize) -> Result<Option<Vec<u8>>, sqlx::Error> {
        self.get(column)
    }
}

#[derive(Clone)]
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// An open database.
#[derive(Clone)]
pub(crate) struct Database {
    pool: Pool,
    place: Arc<str>,
    writer: Arc<Mutex<()>>,
    wait: Duration,
}

enum Connection {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    SqliteWrite(Transaction<'static, Sqlite>),
    PostgresWrite(Transaction<'static, Postgres>),
}

/// Something to send statements to, for one named attempt.
pub(crate) struct Session {
    connection: Connection,
    place: Arc<str>,
    attempt: &'static str,
    // Dropped after the connection, so that a rollback is on its way before the next writer.
    _writer: Option<OwnedMutexGuard<()>>,
}

impl Database {
    /// Connects; makes the file and its folder where they are missing.
    pub(crate) async fn connect(at: &Location, options: &Options) -> Result<Self, StoreError> {
        let (pool, place) = match at {
            Location::Sqlite(file) => {
                if let Some(folder) = file.parent().filter(|f| !f.as_os_str().is_empty()) {
                    std::fs::create_dir_all(folder).map_err(|source| StoreError::Folder {
                        folder: folder.to_owned(),
                        source,
                    })?;
                }
                let pool = SqlitePoolOptions::new()
                    .max_connections(options.connections_max.max(1))
                    .acquire_timeout(options.wait + Duration::from_secs(5))
                    .connect_lazy_with(sqlite_options(file, options));
                (Pool::Sqlite(pool), file.display().to_string())
            }
            Location::Postgres(url) => {
                let place = without_password(url);
                let connect: PgConnectOptions = url.parse().map_err(|_| {
                    let reason = "the URL cannot be read";
                    StoreError::Location { text: place.clone(), reason }
                })?;
                // The pool would ask a server that is not there again and again until it times
                // out, and then not know why.
                let probe = connect.connect().await;
                let probe = probe
                    .map_err(|error| StoreError::of_database(&place, "open the database", error))?;
                // Whether it says goodbye well does not matter.
                let _ = probe.close().await;
                let pool = PgPoolOptions::new()
                    .max_connections(options.connections_max.max(1))
                    .acquire_timeout(options.wait + Duration::from_secs(5))
                    .connect_lazy_with(connect.application_name("yagura"));
                (Pool::Postgres(pool), place)
            }
        };
        let writer = Arc::new(Mutex::new(()));
        Ok(Self { pool, place: place.into(), writer, wait: options.wait })
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.pool, Pool::Sqlite(_))
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// A session for reading; each statement sees the newest committed state.
    pub(crate) fn read(&self, attempt: &'static str) -> Session {
        let connection = match &self.pool {
            Pool::Sqlite(pool) => Connection::Sqlite(pool.clone()),
            Pool::Postgres(pool) => Connection::Postgres(pool.clone()),
        };
        Session { connection, place: self.place.clone(), attempt, _writer: None }
    }

    /// A transaction that writes; dropped without `commit` it leaves no trace.
    pub(crate) async fn write(&self, attempt: &'static str) -> Result<Session, StoreError> {
        let guard = self.writer.clone().lock_owned().await;
        let fail = |error| StoreError::of_database(&self.place, attempt, error);
        let connection = match &self.pool {
            Pool::Sqlite(pool) => {
                Connection::SqliteWrite(pool.begin_with("BEGIN IMMEDIATE").await.map_err(fail)?)
            }
            Pool::Postgres(pool) => Connection::PostgresWrite(pool.begin().await.map_err(fail)?),
        };
        let place = self.place.clone();
        let mut session = Session { connection, place, attempt, _writer: Some(guard) };
        if !self.is_sqlite() {
            let wait_ms = self.wait.as_millis().to_string();
            session
                .fetch("SELECT set_config('lock_timeout', $1, true)", vec![wait_ms.into()])
                .await?;
            session.execute(WRITER_LOCK, vec![]).await?;
        }
        Ok(session)
    }

    /// A transaction over rows that have locks of their own (jobs). On PostgreSQL others write at
    /// the same time, so that nobody waits for a long batch; on `SQLite` it is [`Self::write`].
    pub(crate) async fn write_beside(&self, attempt: &'static str) -> Result<Session, StoreError> {
        let Pool::Postgres(pool) = &self.pool else { return self.write(attempt).await };
        let fail = |error| StoreError::of_database(&self.place, attempt, error);
        let connection = Connection::PostgresWrite(pool.begin().await.map_err(fail)?);
        Ok(Session { connection, place: self.place.clone(), attempt, _writer: None })
    }

    /// A session in which every statement sees the same committed state, while others write.
    pub(crate) async fn picture(&self, attempt: &'static str) -> Result<Session, StoreError> {
        let fail = |error| StoreError::of_database(&self.place, attempt, error);
        let connection = match &self.pool {
            // In WAL mode a transaction that only reads sees what was there at its first statement.
            Pool::Sqlite(pool) => {
                Connection::SqliteWrite(pool.begin_with("BEGIN DEFERRED").await.map_err(fail)?)
            }
            Pool::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                Connection::PostgresWrite(pool.begin_with(begin).await.map_err(fail)?)
            }
        };
        Ok(Session { connection, place: self.place.clone(), attempt, _writer: None })
    }

    pub(crate) async fn close(&self) {
        match &self.pool {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}

fn sqlite_options(file: &std::path::Path, options: &Options) -> SqliteConnectOptions {
    let mut connect = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .busy_timeout(options.wait)
        .journal_mode(SqliteJournalMode::Wal)
        // In WAL mode NORMAL survives a killed process whole; only a power failure may lose the
        // last transactions, never the file (SQLite, "PRAGMA synchronous", seen 2026-11).
        .synchronous(SqliteSynchronous::Normal)
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", "-16384");
    if let Some(bytes) = options.size_bytes_max {
        connect = connect.pragma("max_page_count", (bytes / 4096).max(1).to_string());
    }
    connect
}

impl Session {
    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.connection, Connection::Sqlite(_) | Connection::SqliteWrite(_))
    }

    /// The place and the attempt, for errors made while the session is at work.
    pub(crate) fn whose(&self) -> (Arc<str>, &'static str) {
        (self.place.clone(), self.attempt)
    }

    /// The error for an answer of the database within this attempt.
    pub(crate) fn fail(&self, error: sqlx::Error) -> StoreError {
        StoreError::of_database(&self.place, self.attempt, error)
    }

    /// The error for content that this program never wrote.
    pub(crate) fn damaged(&self, detail: impl Into<String>) -> StoreError {
        let place = self.place.to_string();
        StoreError::Damaged { place, attempt: self.attempt, detail: detail.into() }
    }

    /// All rows of an answer. Callers bound the answer with LIMIT or by the size of their input.
    pub(crate) async fn fetch(
        &mut self,
        sql: impl Into<Statement>,
        params: Vec<Param>,
    ) -> Result<Vec<Row>, StoreError> {
        let sql = sql.into().0;
        let rows = match &mut self.connection {
            Connection::Sqlite(pool) => {
                bind_sqlite(sql, params).fetch_all(&*pool).await.map(wrap_sqlite)
            }
            Connection::Postgres(pool) => {
                bind_postgres(sql, params).fetch_all(&*pool).await.map(wrap_postgres)
            }
            Connection::SqliteWrite(write) => {
                bind_sqlite(sql, params).fetch_all(&mut **write).await.map(wrap_sqlite)
            }
            Connection::PostgresWrite(write) => {
                bind_postgres(sql, params).fetch_all(&mut **write).await.map(wrap_postgres)
            }
        };
        rows.map_err(|error| self.fail(error))
    }

    /// All rows of an answer, each read by a function.
    pub(crate) async fn fetch_as<T>(
        &mut self,
        sql: impl Into<Statement>,
        params: Vec<Param>,
        read: impl Fn(&Row) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.fetch(sql, params).await?;
        rows.iter().map(&read).collect::<Result<_, _>>().map_err(|error| self.fail(error))
    }

    /// Hands each row of an answer of any length to a function, one after another.
    pub(crate) async fn each(
        &mut self,
        sql: impl Into<Statement>,
        mut take: impl FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        use futures::TryStreamExt as _;
        let sql = sql.into().0;
        let (place, attempt) = (self.place.clone(), self.attempt);
        let fail = |error| StoreError::of_database(&place, attempt, error);
        match &mut self.connection {
            Connection::Sqlite(pool) => {
                let mut rows = bind_sqlite(sql, vec![]).fetch(&*pool);
                while let Some(row) = rows.try_next().await.map_err(fail)? {
                    take(&Row::Sqlite(row))?;
                }
            }
            Connection::Postgres(pool) => {
                let mut rows = bind_postgres(sql, vec![]).fetch(&*pool);
                while let Some(row) = rows.try_next().await.map_err(fail)? {
                    take(&Row::Postgres(row))?;
                }
            }
            Connection::SqliteWrite(write) => {
                let mut rows = bind_sqlite(sql, vec![]).fetch(&mut **write);
                while let Some(row) = rows.try_next().await.map_err(fail)? {
                    take(&Row::Sqlite(row))?;
                }
            }
            Connection::PostgresWrite(write) => {
                let mut rows = bind_postgres(sql, vec![]).fetch(&mut **write);
                while let Some(row) = rows.try_next().await.map_err(fail)? {
                    take(&Row::Postgres(row))?;
                }
            }
        }
        Ok(())
    }

    /// The first row of an answer, read by a function.
    pub(crate) async fn fetch_one<T>(
        &mut self,
        sql: impl Into<Statement>,
        params: Vec<Param>,
        read: impl Fn(&Row) -> Result<T, sqlx::Error>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.fetch_as(sql, params, read).await?.into_iter().next())
    }

    /// Runs a statement; answers how many rows it touched.
    pub(crate) async fn execute(
        &mut self,
        sql: impl Into<Statement>,
        params: Vec<Param>,
    ) -> Result<u64, StoreError> {
        let sql = sql.into().0;
        let done = match &mut self.connection {
            Connection::Sqlite(pool) => {
                bind_sqlite(sql, params).execute(&*pool).await.map(|r| r.rows_affected())
            }
            Connection::Postgres(pool) => {
                bind_postgres(sql, params).execute(&*pool).await.map(|r| r.rows_affected())
            }
            Connection::SqliteWrite(write) => {
                bind_sqlite(sql, params).execute(&mut **write).await.map(|r| r.rows_affected())
            }
            Connection::PostgresWrite(write) => {
                bind_postgres(sql, params).execute(&mut **write).await.map(|r| r.rows_affected())
            }
        };
        done.map_err(|error| self.fail(error))
    }

    /// Runs a file of statements without parameters (a migration).
    pub(crate) async fn run_file(&mut self, sql: &'static str) -> Result<(), StoreError> {
        use sqlx::Executor as _;
        let done = match &mut self.connection {
            Connection::Sqlite(pool) => pool.execute(sqlx::raw_sql(sql)).await.map(drop),
            Connection::Postgres(pool) => pool.execute(sqlx::raw_sql(sql)).await.map(drop),
            Connection::SqliteWrite(w) => (**w).execute(sqlx::raw_sql(sql)).await.map(drop),
            Connection::PostgresWrite(w) => (**w).execute(sqlx::raw_sql(sql)).await.map(drop),
        };
        done.map_err(|error| self.fail(error))
    }

    /// Makes what was written lasting and visible.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let Self { connection, place, attempt, _writer } = self;
        let done = match connection {
            Connection::Sqlite(_) | Connection::Postgres(_) => Ok(()),
            Connection::SqliteWrite(write) => write.commit().await,
            Connection::PostgresWrite(write) => write.commit().await,
        };
        done.map_err(|error| StoreError::of_database(&place, attempt, error))
    }
}

/// A statement's text. INVARIANT: only constants of this crate, joined with placeholders.
pub(crate) struct Statement(SqlStr);

impl From<&'static str> for Statement {
    fn from(sql: &'static str) -> Self {
        Self(sqlx::SqlSafeStr::into_sql_str(sql))
    }
}

impl From<String> for Statement {
    fn from(sql: String) -> Self {
        Self(sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(sql)))
    }
}

type SqliteQuery = sqlx::query::Query<'static, Sqlite, <Sqlite as sqlx::Database>::Arguments>;
type PostgresQuery = sqlx::query::Query<'static, Postgres, <Postgres as sqlx::Database>::Arguments>;

fn bind_sqlite(sql: SqlStr, params: Vec<Param>) -> SqliteQuery {
    params.into_iter().fold(sqlx::query(sql), |query, param| match param {
        Param::Int(value) => query.bind(value),
        Param::OptInt(value) => query.bind(value),
        Param::Text(value) => query.bind(value),
        Param::OptText(value) => query.bind(value),
        Param::Blob(value) => query.bind(value),
        Param::OptBlob(value) => query.bind(value),
    })
}

fn bind_postgres(sql: SqlStr, params: Vec<Param>) -> PostgresQuery {
    params.into_iter().fold(sqlx::query(sql), |query, param| match param {
        Param::Int(value) => query.bind(value),
        Param::OptInt(value) => query.bind(value),
        Param::Text(value) => query.bind(value),
        Param::OptText(value) => query.bind(value),
        Param::Blob(value) => query.bind(value),
        Param::OptBlob(value) => query.bind(value),
    })
}

fn wrap_sqlite(rows: Vec<SqliteRow>) -> Vec<Row> {
    rows.into_iter().map(Row::Sqlite).collect()
}

fn wrap_postgres(rows: Vec<PgRow>) -> Vec<Row> {
    rows.into_iter().map(Row::Postgres).collect()
}

/// What kind of answer an error of the database is.
pub(crate) enum Code {
    ReadOnly,
    CannotOpen,
    Full,
    Locked,
    NotADatabase,
    Damaged,
    Other,
}

impl Code {
    /// By SQLite's primary result codes ("Result and Error Codes") and PostgreSQL's SQLSTATE
    /// ("Appendix A. PostgreSQL Error Codes"), both seen 2026-11.
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default();
                if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
                    match code.parse::<i64>().unwrap_or_default() & 0xff {
                        5 | 6 => Self::Locked,
                        8 => Self::ReadOnly,
                        13 => Self::Full,
                        14 => Self::CannotOpen,
                        26 => Self::NotADatabase,
                        11 => Self::Damaged,
                        _ => Self::Other,
                    }
                } else {
                    match code.as_ref() {
                        "53100" => Self::Full,
                        "25006" | "42501" => Self::ReadOnly,
                        "55P03" => Self::Locked,
                        "3D000" | "28P01" | "28000" | "57P03" | "53300" => Self::CannotOpen,
                        "XX001" | "XX002" => Self::Damaged,
                        _ => Self::Other,
                    }
                }
            }
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) => Self::CannotOpen,
            sqlx::Error::PoolTimedOut => Self::Locked,
            _ => Self::Other,
        }
    }
}
