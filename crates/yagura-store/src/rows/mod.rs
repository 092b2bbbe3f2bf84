//! The store as tables of SQL: a `RowSource` over inventory, verdicts and the ledger.
//! The columns are in `columns.rs`, what stands in them in `values.rs`; SQL is run by the lake.

mod columns;
mod names;
mod read;
mod values;
mod within;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::{BoxStream, StreamExt as _};
use yagura_model::{RowCursor, RowError, RowFuture, RowRequest, RowSource, RowTable, RowValue};

use crate::Store;
use crate::error::StoreError;

/// Rows handed over at a time.
const PAGE: usize = 512;

impl Store {
    /// The store as tables of SQL. `types` are the resource types that are known to content: their
    /// tables exist although no resource was seen yet.
    pub fn rows(&self, types: Vec<String>) -> Arc<dyn RowSource> {
        Arc::new(StoreRows { store: self.clone(), types })
    }
}

struct StoreRows {
    store: Store,
    types: Vec<String>,
}

impl std::fmt::Debug for StoreRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreRows").field("place", &self.store.place()).finish_non_exhaustive()
    }
}

impl StoreRows {
    /// The resource types by the names of their tables, known ones and seen ones.
    async fn types(&self) -> Result<BTreeMap<String, String>, StoreError> {
        let mut types = BTreeMap::new();
        for type_name in self.types.iter().cloned().chain(self.store.resource_types().await?) {
            types.entry(names::table_of(&type_name)).or_insert(type_name);
        }
        Ok(types)
    }
}

impl RowSource for StoreRows {
    fn tables(&self) -> RowFuture<'_, Vec<RowTable>> {
        Box::pin(async move {
            let mut tables = columns::fixed();
            for name in self.types().await.map_err(|error| told(&error))?.into_keys() {
                if !tables.iter().any(|table| table.name == name) {
                    tables.push(columns::of_type(&name));
                }
            }
            Ok(tables)
        })
    }

    fn read(&self, request: RowRequest) -> Box<dyn RowCursor> {
        let source = Self { store: self.store.clone(), types: self.types.clone() };
        let rows = futures::stream::once(async move { read::rows(&source, &request).await })
            .flat_map(|started| match started {
                Ok(rows) => rows,
                Err(error) => futures::stream::once(std::future::ready(Err(error))).boxed(),
            })
            .boxed();
        Box::new(Cursor { rows })
    }
}

/// Rows of a request, as many at a time as are ready.
struct Cursor {
    rows: BoxStream<'static, Result<Vec<RowValue>, StoreError>>,
}

impl RowCursor for Cursor {
    fn next(&mut self) -> RowFuture<'_, Option<Vec<Vec<RowValue>>>> {
        Box::pin(async move {
            let mut page = Vec::with_capacity(PAGE);
            while page.len() < PAGE {
                match self.rows.next().await {
                    Some(row) => page.push(row.map_err(|error| told(&error))?),
                    None if page.is_empty() => return Ok(None),
                    None => break,
                }
            }
            Ok(Some(page))
        })
    }
}

/// The error with its causes in one line, as it crosses to whoever asked.
fn told(error: &StoreError) -> RowError {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        message.push_str(&format!(": {source}"));
        cause = source.source();
    }
    RowError { message, remedy: error.remedy().map(str::to_owned) }
}
