//! What a question can see: the sources' tables, the files of one commit, the inventory.
//! It is put together once per question, so that all its scans see the same commit.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use object_store::ObjectStore;
use object_store::path::Path;
use yagura_model::RowSource;

use super::error::QueryError;
use crate::Lake;
use crate::form::Composer;
use crate::manifest::LakeFile;

/// A source's table.
#[derive(Clone, Debug)]
pub(crate) struct SourceTable {
    pub(crate) source: String,
    /// The columns of its files.
    pub(crate) schema: SchemaRef,
    /// Gives records back.
    pub(crate) composer: Arc<Composer>,
}

/// The lake as one question sees it.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// Whether the store is a folder of this machine.
    pub(crate) local: bool,
    pub(crate) tables: Arc<[SourceTable]>,
    /// Files with their places in the store.
    pub(crate) files: Vec<(Arc<LakeFile>, Path)>,
    pub(crate) rows: Option<Arc<dyn RowSource>>,
}

impl Catalog {
    /// The newest commit of a lake.
    pub(crate) async fn of(
        lake: &Lake,
        rows: Option<Arc<dyn RowSource>>,
    ) -> Result<Self, QueryError> {
        let snapshot = lake.snapshot().await?;
        let root = lake.root();
        let tables = lake.tables().filter_map(|table| {
            let layout = lake.layout(&table.source).ok()?;
            Some(SourceTable {
                source: table.source.clone(),
                schema: Arc::clone(&layout.schema),
                composer: Arc::clone(&layout.composer),
            })
        });
        let files = snapshot.files().map(|file| (Arc::clone(file), root.absolute(&file.path)));
        Ok(Self {
            store: Arc::clone(root.store()),
            local: lake.location().folder.is_some(),
            tables: tables.collect(),
            files: files.collect(),
            rows,
        })
    }

    /// The files of a source.
    pub(crate) fn files_of(&self, source: &str) -> Vec<(Arc<LakeFile>, Path)> {
        self.files.iter().filter(|(file, _)| &*file.source == source).cloned().collect()
    }

    /// A source's table.
    pub(crate) fn table(&self, source: &str) -> Result<&SourceTable, QueryError> {
        let table = self.tables.iter().find(|table| table.source == source);
        table.ok_or_else(|| QueryError::UnknownTable {
            name: source.to_owned(),
            near: Vec::new(),
            all: Vec::new(),
        })
    }
}
