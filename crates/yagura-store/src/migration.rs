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

/// The step that gives resources what they are looked up by.
const BROWSE: i64 = 13;
/// The step that gives triples of letters in findings their places.
const TRIPLES: i64 = 16;

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
        number: 5,
        name: "outbox",
        sqlite: include_str!("../migrations/0005-outbox/sqlite.sql"),
        postgres: include_str!("../migrations/0005-outbox/postgres.sql"),
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
        number: 8,
        name: "spend",
        sqlite: include_str!("../migrations/0008-spend/sqlite.sql"),
        postgres: include_str!("../migrations/0008-spend/postgres.sql"),
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
    Migration {
        number: 11,
        name: "people",
        sqlite: include_str!("../migrations/0011-people/sqlite.sql"),
        postgres: include_str!("../migrations/0011-people/postgres.sql"),
    },
    Migration {
        number: 12,
        name: "views",
        sqlite: include_str!("../migrations/0012-views/sqlite.sql"),
        postgres: include_str!("../migrations/0012-views/postgres.sql"),
    },
    Migration {
        number: BROWSE,
        name: "browse",
        sqlite: include_str!("../migrations/0013-browse/sqlite.sql"),
        postgres: include_str!("../migrations/0013-browse/postgres.sql"),
    },
    Migration {
        number: 14,
        name: "repeats",
        sqlite: include_str!("../migrations/0014-repeats/sqlite.sql"),
        postgres: include_str!("../migrations/0014-repeats/postgres.sql"),
    },
    Migration {
        number: 15,
        name: "finding-chunks",
        sqlite: include_str!("../migrations/0015-finding-chunks/sqlite.sql"),
        postgres: include_str!("../migrations/0015-finding-chunks/postgres.sql"),
    },
    Migration {
        number: TRIPLES,
        name: "finding-triples",
        sqlite: include_str!("../migrations/0016-finding-triples/sqlite.sql"),
        postgres: include_str!("../migrations/0016-finding-triples/postgres.sql"),
    },
    Migration {
        number: 17,
        name: "ledger-days",
        sqlite: include_str!("../migrations/0017-ledger-days/sqlite.sql"),
        postgres: include_str!("../migrations/0017-ledger-days/postgres.sql"),
    },
];

/// The newest schema that this binary knows.
pub(crate) fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.number)
}

/// The tables of ours that a schema has, by name, as the migrations up to it make them.
pub(crate) fn tables(schema: i64) -> Vec<&'static str> {
    let mut tables = Vec::new();
    for migration in MIGRATIONS.iter().filter(|migration| migration.number <= schema) {
        for line in migration.sqlite.lines() {
            let mut words = line.split_whitespace();
            match (words.next(), words.next(), words.next()) {
                (Some("CREATE"), Some("TABLE"), Some(name)) => tables.push(name),
                (Some("DROP"), Some("TABLE"), Some(name)) => {
                    let name = name.trim_end_matches(';');
                    tables.retain(|table| *table != name);
                }
                _ => {}
            }
        }
    }
    tables
}

/// Makes the schema of a number in an empty place, within a transaction of the caller.
pub(crate) async fn make(
    database: &Database,
    session: &mut Session,
    schema: i64,
) -> Result<(), StoreError> {
    begin(database, session).await?;
    apply(database, session, 0, schema).await
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
        begin(database, &mut session).await?;
    }
    apply(database, &mut session, applied, newest()).await?;
    session.commit().await
}

async fn begin(database: &Database, session: &mut Session) -> Result<(), StoreError> {
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
    Ok(())
}

/// The migrations after one number and up to another.
async fn apply(
    database: &Database,
    session: &mut Session,
    after: i64,
    up_to: i64,
) -> Result<(), StoreError> {
    let wanted = |migration: &&Migration| migration.number > after && migration.number <= up_to;
    for migration in MIGRATIONS.iter().filter(wanted) {
        let file = if database.is_sqlite() { migration.sqlite } else { migration.postgres };
        session.run_file(file).await?;
        match migration.number {
            BROWSE => crate::resources::fill(session).await?,
            TRIPLES => crate::findings::write_triples(session).await?,
            _ => {}
        }
        session
            .execute(
                "INSERT INTO yagura_schema (number, name) VALUES ($1, $2)",
                vec![migration.number.into(), migration.name.into()],
            )
            .await?;
    }
    Ok(())
}

/// The schema's number; zero for an empty database. Refuses what is not ours or too new.
pub(crate) async fn applied(database: &Database, session: &mut Session) -> Result<i64, StoreError> {
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
