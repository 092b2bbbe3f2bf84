//! The schema's history: one folder per step, one file per database, applied in order, once.
//! What the tables mean is said in the files themselves.

use crate::database::{APPLICATION_ID, Database, Session};
use crate::error::StoreError;

struct Migration {
    number: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "inventory",
        sqlite: include_str!("../migrations/0001-inventory/sqlite.sql"),
        postgres: include_str!("../migrations/0001-inventory/postgres.sql"),
    },
    Migration {
        number: 2,
        name: "ledger",
        sqlite: include_str!("../migrations/0002-ledger/sqlite.sql"),
        postgres: include_str!("../migrations/0002-ledger/postgres.sql"),
    },
    Migration {
        number: 3,
        name: "alerts",
        sqlite: include_str!("../migrations/0003-alerts/sqlite.sql"),
        postgres: include_str!("../migrations/0003-alerts/postgres.sql"),
    },
    Migration {
        number: 4,
        name: "findings",
        sqlite: include_str!("../migrations/0004-findings/sqlite.sql"),
        postgres: include_str!("../migrations/0004-findings/postgres.sql"),
    },
    Migration {
        number: 6,
        name: "jobs",
        sqlite: include_str!("../migrations/0006-jobs/sqlite.sql"),
        postgres: include_str!("../migrations/0006-jobs/postgres.sql"),
    },
    Migration {
        number: 7,
        name: "secrets",
        sqlite: include_str!("../migrations/0007-secrets/sqlite.sql"),
        postgres: include_str!("../migrations/0007-secrets/postgres.sql"),
    },
    Migration {
        number: 9,
        name: "alert-changes",
        sqlite: include_str!("../migrations/0009-alert-changes/sqlite.sql"),
        postgres: include_str!("../migrations/0009-alert-changes/postgres.sql"),
    },
    Migration {
        number: 10,
        name: "imports",
        sqlite: include_str!("../migrations/0010-imports/sqlite.sql"),
        postgres: include_str!("../migrations/0010-imports/postgres.sql"),
    },
];

/// The newest schema that this binary knows.
pub(crate) fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.number)
}

/// Brings the schema up to date, in one transaction; does not write when it already is.
pub(crate) async fn run(database: &Database) -> Result<(), StoreError> {
    let mut session = database.read("open the database");
    if applied(database, &mut session).await? == newest() {
        return Ok(());
    }
    let mut session = database.write("prepare the database").await?;
    // Another process may have been quicker.
    let applied = applied(database, &mut session).await?;
    if applied == 0 {
        session
            .execute(
                "CREATE TABLE IF NOT EXISTS yagura_schema \
                 (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)",
                vec![],
            )
            .await?;
        if database.is_sqlite() {
            session.execute(format!("PRAGMA application_id = {APPLICATION_ID}"), vec![]).await?;
        }
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.number > applied) {
        let file = if database.is_sqlite() { migration.sqlite } else { migration.postgres };
        session.run_file(file).await?;
        session
            .execute(
                "INSERT INTO yagura_schema (number, name) VALUES ($1, $2)",
                vec![migration.number.into(), migration.name.into()],
            )
            .await?;
    }
    session.commit().await
}

/// The schema's number; zero for an empty database. Refuses what is not ours or too new.
async fn applied(database: &Database, session: &mut Session) -> Result<i64, StoreError> {
    let tables = if database.is_sqlite() {
        "SELECT name FROM sqlite_master WHERE type = 'table' \
         AND name NOT LIKE 'sqlite_%' ORDER BY name DESC LIMIT 1000"
    } else {
        "SELECT table_name::text FROM information_schema.tables \
         WHERE table_schema = current_schema() ORDER BY 1 DESC LIMIT 1000"
    };
    let rows = session.fetch_as(tables, vec![], |row| row.text(0)).await?;
    if !rows.iter().any(|name| name == "yagura_schema") {
        // On PostgreSQL our tables may share a schema; a SQLite file must be ours alone.
        return if rows.is_empty() || !database.is_sqlite() {
            Ok(0)
        } else {
            Err(StoreError::Foreign { place: database.place().to_owned() })
        };
    }
    let number = "SELECT CAST(coalesce(max(number), 0) AS BIGINT) FROM yagura_schema";
    let found = session.fetch_one(number, vec![], |row| row.int(0)).await?.unwrap_or(0);
    if found > newest() {
        let place = database.place().to_owned();
        return Err(StoreError::Newer { place, found, known: newest() });
    }
    Ok(found)
}
