//! Types of columns in the words of each engine.
//! Sources: Athena User Guide "Data types in Amazon Athena"; Spark SQL Reference "Data Types";
//! Trino documentation "Data types" and "Hive connector"; seen 2026-11.

use arrow::datatypes::{DataType, Field};

use super::DdlEngine;

/// The engine's name for a type that a lake's file can hold.
pub(super) fn type_name(engine: DdlEngine, kind: &DataType) -> String {
    use DdlEngine::{Athena, DuckDb, Spark, Trino};
    match kind {
        DataType::Int64 => plain(engine, ["bigint", "BIGINT", "bigint"]),
        DataType::Float64 => plain(engine, ["double", "DOUBLE", "double"]),
        DataType::Boolean => plain(engine, ["boolean", "BOOLEAN", "boolean"]),
        DataType::Date32 => plain(engine, ["date", "DATE", "date"]),
        // Trino's Hive connector has milliseconds unless it is configured otherwise, and refuses a
        // table of another precision.
        DataType::Timestamp(..) => plain(engine, ["timestamp", "TIMESTAMP", "timestamp(3)"]),
        DataType::List(item) => {
            let item = type_name(engine, item.data_type());
            match engine {
                Athena => format!("array<{item}>"),
                Spark => format!("ARRAY<{item}>"),
                Trino => format!("array({item})"),
                DuckDb => format!("{item}[]"),
            }
        }
        DataType::Struct(members) => {
            let members: Vec<String> =
                members.iter().map(|member| self::member(engine, member)).collect();
            let members = members.join(if engine == Athena { "," } else { ", " });
            match engine {
                Athena => format!("struct<{members}>"),
                Spark => format!("STRUCT<{members}>"),
                Trino => format!("row({members})"),
                DuckDb => format!("STRUCT({members})"),
            }
        }
        _ => plain(engine, ["string", "STRING", "varchar"]),
    }
}

fn plain(engine: DdlEngine, [athena, spark, trino]: [&str; 3]) -> String {
    match engine {
        DdlEngine::Athena => athena,
        DdlEngine::Spark => spark,
        DdlEngine::Trino | DdlEngine::DuckDb => trino,
    }
    .to_owned()
}

fn member(engine: DdlEngine, member: &Field) -> String {
    let kind = type_name(engine, member.data_type());
    let name = member.name();
    match engine {
        DdlEngine::Athena => format!("{name}:{kind}"),
        DdlEngine::Spark => format!("`{name}`: {kind}"),
        DdlEngine::Trino | DdlEngine::DuckDb => format!("\"{name}\" {kind}"),
    }
}
