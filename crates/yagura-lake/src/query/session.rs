//! A session of the engine for one question: limits, functions, and the tables it names.
//! Tables are pruned and read elsewhere; here they get their names.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::{Column, TableReference};
use datafusion::config::SpillCompression;
use datafusion::datasource::ViewTable;
use datafusion::datasource::provider_as_source;
use datafusion::execution::cache::cache_manager::CacheManagerConfig;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, ScalarUDF, col, lit};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::scalar::ScalarValue;
use jiff::Timestamp;
use yagura_model::RowTable;

use super::catalog::{Catalog, SourceTable};
use super::error::{QueryError, of_engine};
use super::nearest::nearest;
use super::options::QueryOptions;
use super::scan::{LakeTable, Reading, STORE_URL, public_schema};
use super::sql::{Question, settle, split_as_of};
use crate::form::{Compose, FORM, RAW};
use crate::inventory::InventoryTable;
use crate::ocsf::OcsfView;

/// The view over all sources.
pub(crate) const EVENTS: &str = "events";

/// The columns of [`EVENTS`].
pub(crate) const EVENT_COLUMNS: [&str; 12] = [
    "time", "account", "region", "actor", "address", "action", "resource", "outcome", "source",
    "day", "object", "raw",
];

/// Batches have one row for so many bytes of memory a core, between 256 and 8,192 rows.
const MEMORY_BYTES_PER_ROW: usize = 16 * 1024;

/// How many consumers of memory an error names.
const CONSUMERS_NAMED: usize = 3;

/// A session without tables, bounded as the options say.
pub(crate) fn context(
    options: &QueryOptions,
    reading: &Reading,
) -> Result<SessionContext, QueryError> {
    let fail = |error| of_engine(&error, options.memory_bytes as u64);
    // Sorting holds a batch of each run that it merges: with little memory they must be small.
    let rows = options.memory_bytes / options.threads() / MEMORY_BYTES_PER_ROW;
    let mut config = SessionConfig::new()
        .with_information_schema(true)
        .with_batch_size(rows.clamp(256, 8192))
        .with_target_partitions(options.threads());
    let engine = config.options_mut();
    engine.sql_parser.collect_spans = true;
    engine.execution.time_zone = Some("UTC".to_owned());
    engine.execution.spill_compression = SpillCompression::Lz4Frame;
    let parquet = &mut engine.execution.parquet;
    parquet.pushdown_filters = true;
    parquet.reorder_filters = true;
    // Bloom filters are asked block by block before files are opened (`lookup/`).
    parquet.bloom_filter_on_read = false;
    engine.optimizer.default_filter_selectivity = 10;
    // Merging what was spilled keeps so much for itself on each core; with little memory, less.
    engine.execution.sort_spill_reservation_bytes = (options.memory_bytes / options.threads() / 8)
        .min(engine.execution.sort_spill_reservation_bytes);
    let disk = match &options.spill_folder {
        Some(folder) => DiskManagerMode::Directories(vec![folder.clone()]),
        None => DiskManagerMode::OsTmpDirectory,
    };
    let pool = TrackConsumersPool::new(
        FairSpillPool::new(options.memory_bytes),
        std::num::NonZeroUsize::new(CONSUMERS_NAMED).unwrap_or(std::num::NonZeroUsize::MIN),
    );
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_disk_manager_builder(
            DiskManagerBuilder::default()
                .with_mode(disk)
                .with_max_temp_directory_size(options.spill_bytes_max),
        )
        .with_cache_manager(
            CacheManagerConfig::default()
                .with_file_metadata_cache(Some(Arc::clone(&reading.footers))),
        )
        .build_arc()
        .map_err(fail)?;
    let url = ObjectStoreUrl::parse(STORE_URL).map_err(fail)?;
    runtime.register_object_store(url.as_ref(), Arc::clone(&reading.store));
    let mut context = SessionContext::new_with_config_rt(config, runtime);
    crate::functions::register(&mut context).map_err(fail)?;
    Ok(context)
}

/// Everything a question may name.
pub(crate) struct Tables<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) reading: &'a Arc<Reading>,
    pub(crate) inventory: &'a [RowTable],
    pub(crate) views: &'a [OcsfView],
    pub(crate) options: &'a QueryOptions,
}

impl Tables<'_> {
    /// All names, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.catalog.tables.iter().map(|table| table.source.clone()).collect();
        names.push(EVENTS.to_owned());
        names.extend(self.inventory.iter().map(|table| table.name.clone()));
        names.extend(self.views.iter().map(|view| view.name.clone()));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Settles times and registers the tables that a question names.
    pub(crate) async fn register(
        &self,
        context: &SessionContext,
        question: &mut Question,
    ) -> Result<(), QueryError> {
        let mut moments = BTreeMap::new();
        for time in &question.times {
            moments.insert(time.clone(), moment(context, time).await?);
        }
        settle(&mut question.statement, &moments);
        let fail = |error| of_engine(&error, self.options.memory_bytes as u64);
        let mut names: Vec<String> = context
            .state()
            .resolve_table_references(&question.statement)
            .map_err(fail)?
            .iter()
            .filter(|reference| reference.schema() != Some("information_schema"))
            .map(|reference| reference.table().to_owned())
            .collect();
        if question.about_tables {
            names.extend(self.names());
        }
        names.sort_unstable();
        names.dedup();
        for name in names {
            self.register_one(context, &name).await?;
        }
        Ok(())
    }

    /// Registers one table, unless it is there already.
    async fn register_one(&self, context: &SessionContext, name: &str) -> Result<(), QueryError> {
        let fail = |error| of_engine(&error, self.options.memory_bytes as u64);
        if context.table_exist(name).map_err(fail)? {
            return Ok(());
        }
        let (plain, moment) = split_as_of(name);
        let provider: Arc<dyn TableProvider> = if plain == EVENTS && moment.is_none() {
            self.events()?
        } else if let Some(view) = self.views.iter().find(|view| view.name == plain) {
            return Box::pin(self.register_view(context, view)).await;
        } else if self.catalog.tables.iter().any(|table| table.source == plain) {
            if let Some(micros) = moment {
                return Err(QueryError::AsOf {
                    table: plain.to_owned(),
                    time: written(micros),
                    what: "logs have no past of their own".to_owned(),
                });
            }
            self.source(plain)?
        } else if let Some(table) = self.inventory.iter().find(|table| table.name == plain) {
            self.inventory(table, moment)?
        } else {
            let all = self.names();
            let near = nearest(plain, &all);
            return Err(QueryError::UnknownTable { name: plain.to_owned(), near, all });
        };
        context.register_table(TableReference::bare(name), provider).map_err(fail)?;
        Ok(())
    }

    async fn register_view(
        &self,
        context: &SessionContext,
        view: &OcsfView,
    ) -> Result<(), QueryError> {
        let fail = |error| of_engine(&error, self.options.memory_bytes as u64);
        for source in &view.sources {
            self.register_one(context, source).await?;
        }
        let frame = context.sql(&view.sql).await.map_err(fail)?;
        let table = ViewTable::new(frame.into_unoptimized_plan(), None);
        context.register_table(TableReference::bare(&*view.name), Arc::new(table)).map_err(fail)?;
        Ok(())
    }

    fn inventory(
        &self,
        table: &RowTable,
        moment: Option<i64>,
    ) -> Result<Arc<dyn TableProvider>, QueryError> {
        let Some(rows) = &self.catalog.rows else {
            return Err(QueryError::Engine("no inventory is at hand".to_owned()));
        };
        let time = |micros| {
            Timestamp::from_microsecond(micros).map_err(|error| QueryError::AsOf {
                table: table.name.clone(),
                time: micros.to_string(),
                what: error.to_string(),
            })
        };
        let at = match moment {
            Some(micros) => Some(time(micros)?),
            None if table.as_of => self.options.as_of,
            None => None,
        };
        if let (Some(at), false) = (at, table.as_of) {
            return Err(QueryError::AsOf {
                table: table.name.clone(),
                time: at.to_string(),
                what: "only its present is kept".to_owned(),
            });
        }
        Ok(Arc::new(InventoryTable::new(table.clone(), Arc::clone(rows), at)))
    }

    /// A source, cut to the time span of the question, with its records composed.
    fn source(&self, name: &str) -> Result<Arc<dyn TableProvider>, QueryError> {
        let fail = |error| of_engine(&error, self.options.memory_bytes as u64);
        let SourceTable { schema, composer, .. } = self.catalog.table(name)?;
        let files = self.catalog.files_of(name);
        let table = LakeTable::new(name, schema, files, Arc::clone(self.reading));
        let parts = [RAW, FORM].into_iter().chain(composer.columns().iter().map(String::as_str));
        let record = ScalarUDF::new_from_impl(Compose::new(Arc::clone(composer)))
            .call(parts.map(|name| Expr::Column(Column::from_name(name))).collect())
            .alias(RAW);
        let columns = public_schema(schema);
        let columns = columns.fields().iter().map(|field| match field.name() == RAW {
            true => record.clone(),
            false => Expr::Column(Column::from_name(field.name())),
        });
        let mut plan = LogicalPlanBuilder::scan(name, provider_as_source(Arc::new(table)), None)
            .map_err(fail)?;
        if let Some(filter) = self.span() {
            plan = plan.filter(filter).map_err(fail)?;
        }
        let plan = plan.project(columns).and_then(LogicalPlanBuilder::build).map_err(fail)?;
        Ok(Arc::new(ViewTable::new(plan, None)))
    }

    /// `since` and `until` of the options as a condition.
    fn span(&self) -> Option<Expr> {
        let at = |time: Timestamp| {
            let micros = time.as_microsecond();
            lit(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())))
        };
        let since = self.options.since.map(|time| col("time").gt_eq(at(time)));
        let until = self.options.until.map(|time| col("time").lt(at(time)));
        match (since, until) {
            (Some(since), Some(until)) => Some(since.and(until)),
            (one, other) => one.or(other),
        }
    }

    /// The union of all sources over the columns they share. Sources without files are left out,
    /// so that a question over two sources does not plan twenty.
    fn events(&self) -> Result<Arc<dyn TableProvider>, QueryError> {
        let fail = |error| of_engine(&error, self.options.memory_bytes as u64);
        let filled = |name: &str| !self.catalog.files_of(name).is_empty();
        let mut sources: Vec<&str> =
            self.catalog.tables.iter().map(|table| table.source.as_str()).collect();
        let first = sources.first().copied();
        sources.retain(|name| filled(name));
        if sources.is_empty() {
            sources.extend(first);
        }
        let mut union: Option<LogicalPlanBuilder> = None;
        for name in sources {
            let scan = LogicalPlanBuilder::scan(name, provider_as_source(self.source(name)?), None)
                .and_then(|plan| plan.project(EVENT_COLUMNS.map(col)))
                .map_err(fail)?;
            union = Some(match union {
                None => scan,
                Some(before) => scan.build().and_then(|plan| before.union(plan)).map_err(fail)?,
            });
        }
        let Some(union) = union else {
            return Err(QueryError::Engine("no log source is known".to_owned()));
        };
        Ok(Arc::new(ViewTable::new(union.build().map_err(fail)?, None)))
    }
}

fn written(micros: i64) -> String {
    Timestamp::from_microsecond(micros).map_or_else(|_| micros.to_string(), |at| at.to_string())
}

/// The moment that an expression names, in microseconds.
async fn moment(context: &SessionContext, time: &str) -> Result<i64, QueryError> {
    let fail = |what: String| QueryError::AsOf {
        table: "a table".to_owned(),
        time: time.to_owned(),
        what,
    };
    let sql = format!("SELECT arrow_cast({time}, 'Timestamp(Microsecond, Some(\"UTC\"))')");
    let frame = context.sql(&sql).await.map_err(|_| fail("it is not a time".to_owned()))?;
    let batches = frame.collect().await.map_err(|_| fail("it is not a time".to_owned()))?;
    let value = batches
        .first()
        .and_then(|batch| ScalarValue::try_from_array(batch.columns().first()?, 0).ok());
    match value {
        Some(ScalarValue::TimestampMicrosecond(Some(micros), _)) => Ok(micros),
        _ => Err(fail("it is not a time".to_owned())),
    }
}
