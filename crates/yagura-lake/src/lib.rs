//! The log lake: layout, write, compact, query. The only crate that imports Arrow, Parquet or
//! `DataFusion`. It comes with the lake issue; nothing here yet.
