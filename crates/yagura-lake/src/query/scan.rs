//! A source as a table: files come from the manifest, are pruned by it, and are read by the
//! engine's Parquet reader with projection and filters pushed down into it.
//! What a condition on a lookup column is worth is told in `lookup/`.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DFSchema, Result, ScalarValue, Statistics};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetAccessPlan;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use object_store::ObjectStore;
use object_store::path::Path;

use super::error::FileFault;
use super::meter::Meter;
use super::pruning::{self, Known};
use super::reader::{Readers, Weight};
use crate::form::FORM;
use crate::lookup::{self, Checked, Target};
use crate::manifest::LakeFile;

/// The partition columns as the engine sees them, after the columns of a file.
pub(crate) const PARTITION_COLUMNS: [&str; 3] = ["account", "source", "day"];

/// The name under which the engine finds the store.
pub(crate) const STORE_URL: &str = "lake://lake/";

/// What one query shares over all its scans.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// Whether the store is a folder of this machine.
    pub(crate) local: bool,
    pub(crate) footers: Arc<FileMetadataCache>,
    pub(crate) meter: Arc<Meter>,
    /// What the scans of this query found, for whoever explains it.
    pub(crate) scans: Mutex<Vec<ScanFacts>>,
}

/// What a scan is going to read, and what it left out by what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScanFacts {
    pub(crate) table: String,
    pub(crate) files: Counted,
    /// After partition values.
    pub(crate) by_partition: Counted,
    /// After times of files.
    pub(crate) by_time: Counted,
    /// Row groups of those files, and their sizes.
    pub(crate) groups: Counted,
    /// After times of row groups.
    pub(crate) groups_by_time: Counted,
    /// After bloom filters.
    pub(crate) groups_by_lookup: Counted,
    /// Files that still have row groups.
    pub(crate) files_left: Counted,
    pub(crate) rows_left: u64,
    /// The lookup columns that were asked, and what that cost.
    pub(crate) lookups: Vec<String>,
    pub(crate) blocks: u64,
    /// The columns that are read.
    pub(crate) columns: Vec<String>,
    /// Where the files left are, with what is read of each.
    pub(crate) left: Vec<(Path, u64, Vec<bool>)>,
}

/// How many things of how many bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

impl Counted {
    fn of(bytes: impl IntoIterator<Item = u64>) -> Self {
        bytes.into_iter().fold(Self::default(), |sum, bytes| Self {
            count: sum.count + 1,
            bytes: sum.bytes + bytes,
        })
    }
}

/// A source as a table.
pub(crate) struct LakeTable {
    name: String,
    /// The files of this source, oldest first.
    files: Vec<(Arc<LakeFile>, Path)>,
    /// The columns of a scan.
    schema: SchemaRef,
    /// The columns of a file, then the partition columns.
    inner: TableSchema,
    reading: Arc<Reading>,
}

impl fmt::Debug for LakeTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LakeTable").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The schema that people see, from the schema of a file: that of a scan, without the forms of
/// records, which are composed.
pub(crate) fn public_schema(file: &Schema) -> SchemaRef {
    let scanned = scanned_schema(file);
    let visible = scanned.fields().iter().filter(|field| field.name() != FORM);
    Arc::new(Schema::new(visible.cloned().collect::<Vec<_>>()))
}

/// The schema of a scan, from the schema of a file: `account` stands after `time`, the other
/// partition columns at the end, and texts are views.
fn scanned_schema(file: &Schema) -> SchemaRef {
    let partition = partition_fields();
    let [account, rest @ ..] = partition.as_slice() else { return Arc::new(file.clone()) };
    let mut fields: Vec<Arc<Field>> = file.fields().iter().map(viewed).collect();
    let after_time = usize::from(fields.first().is_some_and(|field| field.name() == "time"));
    fields.insert(after_time, Arc::clone(account));
    fields.extend(rest.iter().cloned());
    Arc::new(Schema::new(fields))
}

fn partition_fields() -> Vec<Arc<Field>> {
    PARTITION_COLUMNS
        .iter()
        .map(|name| {
            let kind = if *name == "day" { DataType::Date32 } else { DataType::Utf8View };
            Arc::new(Field::new(*name, kind, *name == "account"))
        })
        .collect()
}

/// Texts as views: comparing and grouping them is far quicker than with offsets.
fn viewed(field: &Arc<Field>) -> Arc<Field> {
    match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => {
            Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View))
        }
        _ => Arc::clone(field),
    }
}

impl LakeTable {
    /// `file_schema` is the schema of the source's files, without partition columns.
    pub(crate) fn new(
        name: &str,
        file_schema: &Schema,
        mut files: Vec<(Arc<LakeFile>, Path)>,
        reading: Arc<Reading>,
    ) -> Self {
        files.sort_by(|(a, _), (b, _)| (a.time_min_us, &a.path).cmp(&(b.time_min_us, &b.path)));
        let viewed: Vec<Arc<Field>> = file_schema.fields().iter().map(viewed).collect();
        let inner = TableSchema::builder(Arc::new(Schema::new(viewed)))
            .with_table_partition_cols(partition_fields())
            .build();
        Self { name: name.to_owned(), files, schema: scanned_schema(file_schema), inner, reading }
    }

    /// The files that may hold matching rows, with their row groups.
    async fn targets(
        &self,
        state: &dyn Session,
        filters: &[Expr],
        facts: &mut ScanFacts,
    ) -> Result<Vec<Target>> {
        let bytes = |files: &[(Arc<LakeFile>, Path)]| Counted::of(files.iter().map(|f| f.0.bytes));
        facts.files = bytes(&self.files);
        let files = self.of_partitions(state, filters)?;
        facts.by_partition = bytes(&files);
        let predicate = self.predicate(state, filters)?;
        let files = match &predicate {
            Some(predicate) => self.of_times(predicate, files)?,
            None => files,
        };
        facts.by_time = bytes(&files);
        let mut targets: Vec<Target> = files
            .into_iter()
            .map(|(file, location)| {
                let keep = vec![true; file.row_groups.len()];
                Target { file, location, keep }
            })
            .collect();
        facts.groups = groups(&targets);
        if let Some(predicate) = &predicate {
            self.groups_of_times(predicate, &mut targets)?;
        }
        facts.groups_by_time = groups(&targets);
        for condition in lookup::conditions(filters) {
            let Checked { blocks, pruned: _ } =
                lookup::check(&self.reading.store, self.reading.local, &mut targets, &condition)
                    .await
                    .map_err(|(path, error)| unreadable(&path, &error))?;
            if blocks > 0 {
                facts.blocks += blocks;
                facts.lookups.push(condition.path.join("."));
            }
        }
        facts.groups_by_lookup = groups(&targets);
        targets.retain(|target| target.keep.is_empty() || target.keep.contains(&true));
        Ok(targets)
    }

    fn of_partitions(
        &self,
        state: &dyn Session,
        filters: &[Expr],
    ) -> Result<Vec<(Arc<LakeFile>, Path)>> {
        let exact = filters.iter().filter(|filter| is_of_partition(filter)).cloned();
        let Some(filter) = conjunction(exact) else { return Ok(self.files.clone()) };
        let schema = Schema::new(partition_fields());
        let frame = DFSchema::try_from(schema.clone())?;
        let predicate = state.create_physical_expr(filter, &frame)?;
        let files: Vec<Arc<LakeFile>> = self.files.iter().map(|(f, _)| Arc::clone(f)).collect();
        let keep = pruning::by_partition(&predicate, &Arc::new(schema), &files)?;
        Ok(kept(self.files.clone(), &keep))
    }

    /// All filters over the columns as the engine sees them.
    fn predicate(
        &self,
        state: &dyn Session,
        filters: &[Expr],
    ) -> Result<Option<Arc<dyn datafusion::physical_expr::PhysicalExpr>>> {
        let Some(filter) = conjunction(filters.iter().cloned()) else { return Ok(None) };
        let frame = DFSchema::try_from(self.inner.table_schema().as_ref().clone())?;
        state.create_physical_expr(filter, &frame).map(Some)
    }

    fn of_times(
        &self,
        predicate: &Arc<dyn datafusion::physical_expr::PhysicalExpr>,
        files: Vec<(Arc<LakeFile>, Path)>,
    ) -> Result<Vec<(Arc<LakeFile>, Path)>> {
        let known: Vec<Known<'_>> = files
            .iter()
            .map(|(file, _)| Known {
                file,
                rows: file.rows,
                time_us: (file.time_min_us, file.time_max_us),
            })
            .collect();
        let keep = pruning::by_statistics(predicate, self.inner.table_schema(), &known)?;
        drop(known);
        Ok(kept(files, &keep))
    }

    fn groups_of_times(
        &self,
        predicate: &Arc<dyn datafusion::physical_expr::PhysicalExpr>,
        targets: &mut [Target],
    ) -> Result<()> {
        let known: Vec<Known<'_>> = targets
            .iter()
            .flat_map(|target| {
                target.file.row_groups.iter().map(|group| Known {
                    file: &target.file,
                    rows: group.rows,
                    time_us: (group.time_min_us, group.time_max_us),
                })
            })
            .collect();
        let keep = pruning::by_statistics(predicate, self.inner.table_schema(), &known)?;
        drop(known);
        let mut keep = keep.into_iter();
        for target in targets {
            for (mine, keep) in target.keep.iter_mut().zip(&mut keep) {
                *mine = keep;
            }
        }
        Ok(())
    }

    /// The files as the engine takes them, spread over the cores.
    fn groups_of_files(&self, targets: &[Target], cores: usize) -> Vec<FileGroup> {
        let mut groups: Vec<(u64, Vec<PartitionedFile>)> =
            vec![(0, Vec::new()); cores.max(1).min(targets.len())];
        for target in targets {
            let weight = weight(target);
            // The least loaded core takes the next file.
            if let Some((load, files)) = groups.iter_mut().min_by_key(|(load, _)| *load) {
                *load += weight.max(1);
                files.push(self.partitioned(target, weight));
            }
        }
        groups.into_iter().map(|(_, files)| FileGroup::new(files)).collect()
    }

    fn partitioned(&self, target: &Target, weight: u64) -> PartitionedFile {
        let file = &target.file;
        let account = pruning::account(file).map(str::to_owned);
        let mut partitioned = PartitionedFile::new(String::new(), file.bytes)
            .with_metadata_size_hint(usize::try_from(file.footer_bytes).unwrap_or(64 * 1024))
            .with_extension(Weight(weight));
        partitioned.object_meta.location = target.location.clone();
        partitioned.partition_values = vec![
            ScalarValue::Utf8View(account),
            ScalarValue::Utf8View(Some(file.source.to_string())),
            ScalarValue::Date32(Some(pruning::days(file.day))),
        ];
        partitioned.statistics = Some(Arc::new(self.statistics(&[target])));
        if target.keep.contains(&false) {
            let mut plan = ParquetAccessPlan::new_all(target.keep.len());
            for (at, _) in target.keep.iter().enumerate().filter(|(_, keep)| !**keep) {
                plan.skip(at);
            }
            partitioned = partitioned.with_extension(plan);
        }
        partitioned
    }

    /// Row counts and the bounds of times, so that `count(*)`, `min(time)` and the order of
    /// reading come from the manifest alone.
    fn statistics(&self, targets: &[&Target]) -> Statistics {
        let mut statistics = Statistics::new_unknown(self.inner.table_schema());
        let whole = targets.iter().all(|target| !target.keep.contains(&false));
        let rows: u64 = targets.iter().map(|target| rows(target)).sum();
        let bytes: u64 = targets.iter().map(|target| weight(target)).sum();
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        statistics.num_rows = if whole { Precision::Exact(rows) } else { Precision::Inexact(rows) };
        statistics.total_byte_size =
            Precision::Inexact(usize::try_from(bytes).unwrap_or(usize::MAX));
        let min = targets.iter().map(|target| target.file.time_min_us).min();
        let max = targets.iter().map(|target| target.file.time_max_us).max();
        let time = self.inner.table_schema().index_of("time");
        if let (Some(min), Some(max), Ok(time)) = (min, max, time)
            && let Some(column) = statistics.column_statistics.get_mut(time)
        {
            let at = |us| {
                let value = ScalarValue::TimestampMicrosecond(Some(us), Some("UTC".into()));
                if whole { Precision::Exact(value) } else { Precision::Inexact(value) }
            };
            *column = ColumnStatistics::new_unknown();
            column.min_value = at(min);
            column.max_value = at(max);
            column.null_count = Precision::Exact(0);
        }
        statistics
    }

    /// Positions in the engine's schema for positions in the public one.
    fn projection(&self, projection: Option<&Vec<usize>>) -> Result<Vec<usize>> {
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        projection
            .unwrap_or(&all)
            .iter()
            .map(|at| Ok(self.inner.table_schema().index_of(self.schema.field(*at).name())?))
            .collect()
    }
}

/// Whether a filter speaks of partition columns only, so that whole files match or do not.
fn is_of_partition(filter: &Expr) -> bool {
    let columns = filter.column_refs();
    !columns.is_empty()
        && !filter.is_volatile()
        && columns.iter().all(|column| PARTITION_COLUMNS.contains(&column.name.as_str()))
}

fn kept<T>(items: Vec<T>, keep: &[bool]) -> Vec<T> {
    items.into_iter().zip(keep).filter(|(_, keep)| **keep).map(|(item, _)| item).collect()
}

fn groups(targets: &[Target]) -> Counted {
    Counted::of(targets.iter().flat_map(|target| {
        let groups = target.file.row_groups.iter().zip(&target.keep);
        groups.filter(|(_, keep)| **keep).map(|(group, _)| group.bytes)
    }))
}

fn weight(target: &Target) -> u64 {
    groups(std::slice::from_ref(target)).bytes
}

fn rows(target: &Target) -> u64 {
    let groups = target.file.row_groups.iter().zip(&target.keep);
    groups.filter(|(_, keep)| **keep).map(|(group, _)| group.rows).sum()
}

fn unreadable(path: &Path, error: &object_store::Error) -> datafusion::error::DataFusionError {
    let what = match error {
        object_store::Error::NotFound { .. } => "it is gone".to_owned(),
        other => other.to_string(),
    };
    let fault = FileFault { file: path.to_string(), what };
    datafusion::error::DataFusionError::External(Box::new(fault))
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let answer = |filter: &&Expr| {
            if is_of_partition(filter) {
                TableProviderFilterPushDown::Exact
            } else {
                TableProviderFilterPushDown::Inexact
            }
        };
        Ok(filters.iter().map(answer).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut facts = ScanFacts { table: self.name.clone(), ..ScanFacts::default() };
        let targets = self.targets(state, filters, &mut facts).await?;
        let projection = self.projection(projection)?;
        let named = projection.iter().map(|at| self.inner.table_schema().field(*at).name());
        facts.columns = named.cloned().collect();
        for filter in filters {
            for column in filter.column_refs() {
                if !facts.columns.contains(&column.name) {
                    facts.columns.push(column.name.clone());
                }
            }
        }
        facts.columns.retain(|name| !PARTITION_COLUMNS.contains(&name.as_str()));
        facts.files_left = Counted::of(targets.iter().map(|target| target.file.bytes));
        facts.rows_left = targets.iter().map(rows).sum();
        facts.left = targets
            .iter()
            .map(|target| (target.location.clone(), target.file.bytes, target.keep.clone()))
            .collect();
        self.reading.meter.expect(targets.len() as u64, groups(&targets).bytes);
        let scans = &self.reading.scans;
        scans.lock().unwrap_or_else(PoisonError::into_inner).push(facts);
        if targets.is_empty() {
            let schema = self.inner.table_schema().project(&projection)?;
            return Ok(Arc::new(EmptyExec::new(Arc::new(schema))));
        }
        let cores = state.config().target_partitions();
        let readers = Readers::new(
            Arc::clone(&self.reading.store),
            Arc::clone(&self.reading.footers),
            Arc::clone(&self.reading.meter),
        );
        let global = state.config_options().execution.parquet.clone();
        let options = TableParquetOptions { global, ..TableParquetOptions::default() };
        let source = ParquetSource::new(self.inner.clone())
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(readers));
        let all: Vec<&Target> = targets.iter().collect();
        let config =
            FileScanConfigBuilder::new(ObjectStoreUrl::parse(STORE_URL)?, Arc::new(source))
                .with_file_groups(self.groups_of_files(&targets, cores))
                .with_statistics(self.statistics(&all))
                .with_limit(limit)
                .with_projection_indices(Some(projection))?
                .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}
