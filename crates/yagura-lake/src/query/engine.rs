//! The way of a question: SQL, session, plan, answer.
//! Each step is in a file of its own; here they follow one another.

use std::sync::{Arc, Mutex};

use datafusion::common::ParamValues;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;
use yagura_model::{RowSource, RowTable};

use super::answer::{Answer, ColumnInfo, kind_in_words};
use super::catalog::Catalog;
use super::error::{QueryError, of_engine};
use super::meter::Meter;
use super::options::QueryOptions;
use super::scan::{Reading, public_schema};
use super::session::{self, EVENT_COLUMNS, EVENTS, Tables};
use super::sql;
use crate::Lake;
use crate::explain::{self, Explained};
use crate::ocsf::OcsfView;

/// Memory for footers of Parquet files, kept between the questions of a process, in bytes.
const FOOTER_BYTES_MAX: usize = 256 << 20;

/// What answers questions about one lake. Clones share the footers read so far.
#[derive(Clone, Debug)]
pub struct Engine {
    lake: Lake,
    rows: Option<Arc<dyn RowSource>>,
    views: Arc<[OcsfView]>,
    footers: Arc<FileMetadataCache>,
}

/// A table that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableInfo {
    /// Its name in SQL.
    pub name: String,
    /// What it is.
    pub kind: TableKind,
    /// Its columns, in order.
    pub columns: Vec<ColumnInfo>,
}

/// What a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// The records of one log source.
    Logs,
    /// A view over logs.
    View,
    /// Kept by the inventory; most can be read as of a time.
    Inventory,
}

/// A question that is planned.
pub(crate) struct Planned {
    pub(crate) context: SessionContext,
    pub(crate) plan: Arc<dyn ExecutionPlan>,
    pub(crate) reading: Arc<Reading>,
}

impl Engine {
    /// An engine over a lake, and over the inventory where one is at hand.
    pub fn new(lake: Lake, rows: Option<Arc<dyn RowSource>>) -> Self {
        Self { lake, rows, views: Arc::new([]), footers: footers() }
    }

    /// Adds views in the terms of the Open Cybersecurity Schema Framework.
    #[must_use]
    pub fn with_ocsf(self, views: Vec<OcsfView>) -> Self {
        Self { views: views.into(), ..self }
    }

    /// The same lake over another inventory: one cut to some accounts. Footers stay shared.
    #[must_use]
    pub fn over(&self, rows: Arc<dyn RowSource>) -> Self {
        Self { rows: Some(rows), ..self.clone() }
    }

    /// Answers a question.
    ///
    /// # Errors
    /// [`QueryError`] where the SQL is wrong, names what is not there, or the lake or the
    /// inventory cannot be read. Later errors come with the answer's rows.
    pub async fn run(&self, sql: &str, options: &QueryOptions) -> Result<Answer, QueryError> {
        let planned = self.plan(sql, options).await?;
        let stream = execute_stream(planned.plan, planned.context.task_ctx())
            .map_err(|error| of_engine(&error, options.memory_bytes as u64))?;
        Ok(Answer::new(stream, planned.reading, options.memory_bytes, options.row_limit))
    }

    /// Says what answering would read, without reading rows.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn explain(
        &self,
        sql: &str,
        options: &QueryOptions,
    ) -> Result<Explained, QueryError> {
        let planned = self.plan(sql, options).await?;
        explain::explain(&planned).await
    }

    /// Everything that can be asked.
    ///
    /// # Errors
    /// Where the lake or the inventory cannot be read.
    pub async fn tables(&self) -> Result<Vec<TableInfo>, QueryError> {
        let catalog = self.catalog().await?;
        let mut infos = Vec::new();
        for table in catalog.tables.iter() {
            let schema = public_schema(&table.schema);
            let columns = columns_of(&schema);
            infos.push(TableInfo { name: table.source.clone(), kind: TableKind::Logs, columns });
        }
        if let Some(table) = catalog.tables.first() {
            let schema = public_schema(&table.schema);
            let columns = columns_of(&schema);
            let column = |name: &&str| columns.iter().find(|column| column.name == **name).cloned();
            let columns = EVENT_COLUMNS.iter().filter_map(column).collect();
            infos.push(TableInfo { name: EVENTS.to_owned(), kind: TableKind::View, columns });
        }
        for table in self.inventory().await? {
            let columns = table.columns.iter().map(crate::inventory::field);
            let columns = columns.map(|field| info(&field)).collect();
            infos.push(TableInfo { name: table.name, kind: TableKind::Inventory, columns });
        }
        for view in self.views.iter() {
            let columns = Vec::new();
            infos.push(TableInfo { name: view.name.clone(), kind: TableKind::View, columns });
        }
        Ok(infos)
    }

    pub(crate) async fn plan(
        &self,
        sql: &str,
        options: &QueryOptions,
    ) -> Result<Planned, QueryError> {
        let fail = |error| of_engine(&error, options.memory_bytes as u64);
        let mut question = sql::read(sql)?;
        let mut catalog = self.catalog().await?;
        if let Some(accounts) = &options.accounts {
            catalog.files.retain(|(file, _)| accounts.contains(&*file.account));
        }
        let reading = Arc::new(Reading {
            store: Arc::clone(&catalog.store),
            local: catalog.local,
            footers: Arc::clone(&self.footers),
            meter: Arc::new(Meter::default()),
            scans: Mutex::new(Vec::new()),
        });
        let inventory = self.inventory().await?;
        let context = session::context(options, &reading)?;
        let tables = Tables {
            catalog: &catalog,
            reading: &reading,
            inventory: &inventory,
            views: &self.views,
            options,
        };
        tables.register(&context, &mut question).await?;
        let state = context.state();
        let plan = state.statement_to_plan(question.statement).await.map_err(fail)?;
        let plan = with_parameters(plan, options).map_err(fail)?;
        let plan = limited(plan, options.row_limit).map_err(fail)?;
        let plan = state.create_physical_plan(&plan).await.map_err(fail)?;
        Ok(Planned { context, plan, reading })
    }

    async fn catalog(&self) -> Result<Catalog, QueryError> {
        Catalog::of(&self.lake, self.rows.clone()).await
    }

    async fn inventory(&self) -> Result<Vec<RowTable>, QueryError> {
        let Some(rows) = &self.rows else { return Ok(Vec::new()) };
        rows.tables().await.map_err(|error| QueryError::Rows {
            table: "resources".to_owned(),
            what: error.message,
            remedy: error.remedy,
        })
    }
}

fn columns_of(schema: &arrow::datatypes::Schema) -> Vec<ColumnInfo> {
    schema.fields().iter().map(|field| info(field)).collect()
}

fn info(field: &arrow::datatypes::Field) -> ColumnInfo {
    ColumnInfo { name: field.name().clone(), kind: kind_in_words(field.data_type()) }
}

fn footers() -> Arc<FileMetadataCache> {
    Arc::new(DefaultCache::new(FOOTER_BYTES_MAX))
}

fn with_parameters(
    plan: LogicalPlan,
    options: &QueryOptions,
) -> datafusion::common::Result<LogicalPlan> {
    if options.parameters.is_empty() {
        return Ok(plan);
    }
    let values: Vec<(String, ScalarValue)> =
        options.parameters.iter().map(|(name, value)| (name.clone(), value.into())).collect();
    plan.with_param_values(ParamValues::from(values))
}

/// One row more than is answered tells whether there were more. Statements that tell of tables or
/// plans are short and stay as they are.
fn limited(plan: LogicalPlan, rows: Option<u64>) -> datafusion::common::Result<LogicalPlan> {
    let Some(rows) = rows else { return Ok(plan) };
    if matches!(plan, LogicalPlan::Explain(_) | LogicalPlan::Analyze(_)) {
        return Ok(plan);
    }
    let more = usize::try_from(rows).unwrap_or(usize::MAX).saturating_add(1);
    LogicalPlanBuilder::from(plan).limit(0, Some(more))?.build()
}
