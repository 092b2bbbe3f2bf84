//! Table definitions for other engines over the same files: Athena, Spark, Trino, `DuckDB`.
//! They read the folders, not the manifest: while files are compacted they may see a record twice,
//! so each table of files has a view that keeps one record of each identity.

mod types;

use std::fmt;
use std::str::FromStr;

use arrow::datatypes::{Field, SchemaRef};
use yagura_model::source::Table;

use self::types::type_name;
use crate::form::{FORM, RAW, raw_in};
use crate::layout::table::{IdentityPart, TableLayout};
use crate::{ACCOUNT_UNKNOWN, LakeError};

/// An engine that can read the lake's files as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DdlEngine {
    /// Amazon Athena, engine version 3, with partition projection.
    Athena,
    /// Apache Spark 3.4 or later.
    Spark,
    /// Trino with its Hive connector.
    Trino,
    /// `DuckDB` 1.1 or later.
    DuckDb,
}

impl DdlEngine {
    /// All.
    pub const ALL: [Self; 4] = [Self::Athena, Self::Spark, Self::Trino, Self::DuckDb];
}

impl fmt::Display for DdlEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Athena => "athena",
            Self::Spark => "spark",
            Self::Trino => "trino",
            Self::DuckDb => "duckdb",
        })
    }
}

impl FromStr for DdlEngine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|engine| engine.to_string() == text);
        found.ok_or_else(|| {
            let all: Vec<String> = Self::ALL.iter().map(ToString::to_string).collect();
            format!("`{text}` is not one of {}", all.join(", "))
        })
    }
}

/// Where the engine finds the files, and what it calls them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DdlPlace {
    /// The lake's root as the engine names it: `s3://bucket/prefix`, or a folder.
    pub location: String,
    /// The database or schema; Trino takes `catalog.schema`. Empty: the engine's current one.
    pub database: String,
    /// The accounts in the lake, for Athena, which must be told them; without them each query has
    /// to name its account.
    pub accounts: Vec<String>,
    /// The first day in the lake, `YYYY-MM-DD`, for Athena; `None`: 2013-11-13, CloudTrail's first.
    pub first_day: Option<String>,
}

/// The statements for some tables.
///
/// # Errors
/// [`LakeError::Table`] for a table that the lake could not keep either.
pub fn ddl(engine: DdlEngine, tables: &[Table], place: &DdlPlace) -> Result<String, LakeError> {
    let mut text = String::new();
    for table in tables {
        let layout = TableLayout::new(table.clone())?;
        let statement = Statement { engine, layout: &layout, place };
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&statement.files());
        text.push_str(&statement.view());
    }
    Ok(text)
}

struct Statement<'a> {
    engine: DdlEngine,
    layout: &'a TableLayout,
    place: &'a DdlPlace,
}

impl Statement<'_> {
    fn source(&self) -> &str {
        &self.layout.table.source
    }

    fn schema(&self) -> &SchemaRef {
        &self.layout.schema
    }

    /// An identifier, quoted as definitions of this engine want it.
    fn quoted(&self, name: &str) -> String {
        match self.engine {
            DdlEngine::Athena | DdlEngine::Spark => format!("`{}`", name.replace('`', "``")),
            DdlEngine::Trino | DdlEngine::DuckDb => self.quoted_in_query(name),
        }
    }

    /// An identifier in a query: Athena's queries are Trino's, its definitions Hive's.
    fn quoted_in_query(&self, name: &str) -> String {
        match self.engine {
            DdlEngine::Spark => self.quoted(name),
            _ => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    fn named(&self, name: &str, quote: impl Fn(&str) -> String) -> String {
        let mut parts: Vec<String> =
            self.place.database.split('.').filter(|part| !part.is_empty()).map(&quote).collect();
        parts.push(quote(name));
        parts.join(".")
    }

    fn files_name(&self) -> String {
        format!("{}_files", self.source())
    }

    fn folder(&self) -> String {
        let root = self.place.location.trim_end_matches('/');
        format!("{root}/source={}", self.source()).replace('\'', "''")
    }

    /// The columns of a file as definitions name them.
    fn columns(&self) -> Vec<String> {
        let column = |field: &std::sync::Arc<Field>| {
            let kind = type_name(self.engine, field.data_type());
            format!("  {} {kind}", self.quoted(field.name()))
        };
        self.schema().fields().iter().map(column).collect()
    }

    /// The table of files.
    fn files(&self) -> String {
        let name = self.named(&self.files_name(), |name| self.quoted(name));
        let folder = self.folder();
        match self.engine {
            DdlEngine::Athena => format!(
                "CREATE EXTERNAL TABLE IF NOT EXISTS {name} (\n{}\n)\nPARTITIONED BY (`day` \
                 string, `account` string)\nSTORED AS PARQUET\nLOCATION '{folder}/'\n\
                 TBLPROPERTIES (\n{}\n);\n\n",
                self.columns().join(",\n"),
                self.projection().join(",\n"),
            ),
            DdlEngine::Spark => {
                let mut columns = self.columns();
                columns.extend(["  `day` DATE".to_owned(), "  `account` STRING".to_owned()]);
                format!(
                    "CREATE TABLE IF NOT EXISTS {name} (\n{}\n)\nUSING PARQUET\nPARTITIONED BY \
                     (`day`, `account`)\nLOCATION '{folder}/';\n\n-- Again whenever days or \
                     accounts came:\nMSCK REPAIR TABLE {name};\n\n",
                    columns.join(",\n"),
                )
            }
            DdlEngine::Trino => {
                let mut columns = self.columns();
                columns.extend(["  \"day\" date".to_owned(), "  \"account\" varchar".to_owned()]);
                let (catalog, schema) =
                    self.place.database.split_once('.').unwrap_or(("", &self.place.database));
                let procedure = if catalog.is_empty() {
                    "system.sync_partition_metadata".to_owned()
                } else {
                    format!("{}.system.sync_partition_metadata", self.quoted(catalog))
                };
                format!(
                    "CREATE TABLE IF NOT EXISTS {name} (\n{}\n)\nWITH (\n  external_location = \
                     '{folder}/',\n  format = 'PARQUET',\n  partitioned_by = ARRAY['day', \
                     'account']\n);\n\n-- Again whenever days or accounts came:\nCALL \
                     {procedure}(\n  schema_name => '{schema}',\n  table_name => '{}',\n  mode => \
                     'FULL'\n);\n\n",
                    columns.join(",\n"),
                    self.files_name(),
                )
            }
            DdlEngine::DuckDb => format!(
                "CREATE OR REPLACE VIEW {name} AS\nSELECT * FROM read_parquet(\n  '{folder}/day=*/\
                 account=*/*.parquet',\n  hive_partitioning = true,\n  hive_types = {{'source': \
                 VARCHAR, 'day': DATE, 'account': VARCHAR}},\n  union_by_name = true\n);\n\n",
            ),
        }
    }

    /// Partition projection: Athena computes partitions and needs no upkeep of them.
    /// Source: Amazon Athena User Guide, "Partition projection with Amazon Athena" and "Supported
    /// types for partition projection", seen 2026-11.
    fn projection(&self) -> Vec<String> {
        let first = self.place.first_day.as_deref().unwrap_or("2013-11-13");
        let property = |key: &str, value: &str| format!("  '{key}' = '{value}'");
        let mut properties = vec![
            property("parquet.compression", "ZSTD"),
            property("projection.enabled", "true"),
            property("projection.day.type", "date"),
            property("projection.day.format", "yyyy-MM-dd"),
            property("projection.day.range", &format!("{first},NOW+1DAYS")),
            property("projection.day.interval", "1"),
            property("projection.day.interval.unit", "DAYS"),
        ];
        if self.place.accounts.is_empty() {
            properties.push(property("projection.account.type", "injected"));
        } else {
            properties.push(property("projection.account.type", "enum"));
            properties.push(property("projection.account.values", &self.place.accounts.join(",")));
        }
        let template = format!("{}/day=${{day}}/account=${{account}}/", self.folder());
        properties.push(property("storage.location.template", &template));
        properties
    }

    /// The view that people ask: our columns in our order, one record of each identity.
    fn view(&self) -> String {
        let quote = |name: &str| self.quoted_in_query(name);
        let name = self.named(self.source(), quote);
        let files = self.named(&self.files_name(), quote);
        let day = match self.engine {
            DdlEngine::Athena => format!("CAST({} AS date) AS {}", quote("day"), quote("day")),
            _ => quote("day"),
        };
        let account = format!("NULLIF({0}, '{ACCOUNT_UNKNOWN}') AS {0}", quote("account"));
        let visible = self.schema().fields().iter().filter(|field| field.name() != FORM);
        let mut columns: Vec<String> = visible
            .map(|field| match field.name() == RAW {
                true => format!("{} AS {}", self.record(), quote(RAW)),
                false => quote(field.name()),
            })
            .collect();
        columns.insert(1.min(columns.len()), account);
        columns.push(format!("'{}' AS {}", self.source(), quote("source")));
        columns.push(day);
        let columns = columns.join(",\n  ");
        let identity = self.identity();
        let Some(first) = identity.first() else {
            return format!(
                "-- Records of this source have no name: while files are compacted, a record may \
                 be seen twice.\nCREATE OR REPLACE VIEW {name} AS\nSELECT\n  {columns}\nFROM \
                 {files};\n",
            );
        };
        let partition: Vec<String> =
            [quote("day"), quote("account")].into_iter().chain(identity.iter().cloned()).collect();
        format!(
            "CREATE OR REPLACE VIEW {name} AS\nSELECT\n  {columns}\nFROM (\n  SELECT\n    *,\n    \
             row_number() OVER (PARTITION BY {} ORDER BY {}) AS {}\n  FROM {files}\n) {}\nWHERE {} \
             = 1 OR {first} IS NULL;\n",
            partition.join(", "),
            quote("time"),
            quote("repeat_number"),
            quote("numbered"),
            quote("repeat_number"),
        )
    }

    /// The record, out of its form and the columns that took words from it.
    fn record(&self) -> String {
        raw_in(self.engine, &self.layout.plan.blanks, &|name| self.quoted_in_query(name))
    }

    /// The columns that name a record, beyond the partition.
    fn identity(&self) -> Vec<String> {
        self.layout
            .identity
            .iter()
            .filter_map(|part| match part {
                IdentityPart::Column(at) => self.schema().fields().get(*at),
                IdentityPart::Partition => None,
            })
            .map(|field| self.quoted_in_query(field.name()))
            .collect()
    }
}
