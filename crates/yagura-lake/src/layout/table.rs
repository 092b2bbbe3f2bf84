//! A table as its files hold it: Arrow schema, lookup columns, what names a row.
//! How values get there is `rows/`; how columns are encoded is `encoding.rs`.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use sha2::{Digest, Sha256};
use yagura_model::source::{Column, ColumnKind, FieldPath, Rule, Table};

use crate::LakeError;
use crate::form::{Composer, FORM, RAW};
use crate::rows::plan::RowPlan;

/// Columns of the file that come before the source's own: `time`, then these. `account` is a
/// partition column only.
pub(crate) const SHARED_TEXTS: [&str; 6] =
    ["region", "actor", "address", "action", "resource", "outcome"];
/// The shared columns by which people look rows up.
const SHARED_LOOKUPS: [&str; 4] = ["actor", "address", "action", "resource"];
/// The shared columns by which rows of a row group are put together, and then by time: what is
/// alike compresses to next to nothing. Places in [`SHARED_TEXTS`].
pub(crate) const LIKENESS: [usize; 2] = [3, 1];
/// Before the source's own columns come `time` and the shared texts.
pub(crate) const OWN_COLUMNS_FROM: usize = 1 + SHARED_TEXTS.len();

/// A table, laid out.
#[derive(Debug)]
pub(crate) struct TableLayout {
    pub(crate) table: Table,
    pub(crate) schema: SchemaRef,
    /// Tells schemas apart: files with the same fingerprint have the same columns.
    pub(crate) fingerprint: Arc<str>,
    /// Parquet paths of the columns with a bloom filter.
    pub(crate) lookups: Arc<[String]>,
    pub(crate) identity: Vec<IdentityPart>,
    pub(crate) plan: RowPlan,
    /// Gives records back.
    pub(crate) composer: Arc<Composer>,
}

/// Where a part of a row's name is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdentityPart {
    /// In this column of the file.
    Column(usize),
    /// In the partition, and so the same for all rows it is compared with.
    Partition,
}

impl TableLayout {
    /// Lays a table out.
    ///
    /// # Errors
    /// [`LakeError::Table`] where its id cannot be part of a path, a column has no members, or a
    /// part of the identity is not kept in a column of its own.
    pub(crate) fn new(table: Table) -> Result<Self, LakeError> {
        let fail = |what: &str| LakeError::Table { table: table.source.clone(), what: what.into() };
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if table.source.is_empty() || !table.source.bytes().all(plain) {
            return Err(fail("its name must be made of small letters, digits and `_`"));
        }
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let mut fields = vec![Field::new("time", time, false)];
        fields.extend(SHARED_TEXTS.map(|name| Field::new(name, DataType::Utf8View, true)));
        for column in &table.columns {
            fields.push(field(column).ok_or_else(|| fail("a struct has no members"))?);
        }
        fields.push(Field::new("object", DataType::Utf8View, false));
        fields.push(Field::new(FORM, DataType::Utf8View, true));
        fields.push(Field::new(RAW, DataType::Utf8View, true));
        let schema = Arc::new(Schema::new(fields));
        let mut lookups: Vec<String> = SHARED_LOOKUPS.map(str::to_owned).into();
        table.columns.iter().for_each(|column| lookup_paths(column, "", &mut lookups));
        let fingerprint = fingerprint(&schema);
        let identity = identity(&table)?;
        let plan = RowPlan::new(&table);
        let composer = Arc::new(Composer::new(&plan.blanks));
        let lookups = lookups.into();
        Ok(Self { table, schema, fingerprint, lookups, identity, plan, composer })
    }
}

fn field(column: &Column) -> Option<Field> {
    Some(Field::new(&column.name, data_type(&column.kind)?, true))
}

/// The Arrow type of a kind; none for a struct without members, which Parquet cannot hold.
pub(crate) fn data_type(kind: &ColumnKind) -> Option<DataType> {
    Some(match kind {
        ColumnKind::Text | ColumnKind::Json => DataType::Utf8View,
        ColumnKind::Integer => DataType::Int64,
        ColumnKind::Real => DataType::Float64,
        ColumnKind::Boolean => DataType::Boolean,
        ColumnKind::Time(_) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        // The Parquet format names the items of a list `element` (LogicalTypes.md, "Lists").
        ColumnKind::List(item) => {
            DataType::List(Arc::new(Field::new("element", data_type(item)?, true)))
        }
        ColumnKind::Struct(members) if !members.is_empty() => {
            DataType::Struct(members.iter().map(field).collect::<Option<Fields>>()?)
        }
        ColumnKind::Struct(_) => return None,
    })
}

/// Adds the Parquet paths of a column's scalar leaves that are looked up.
fn lookup_paths(column: &Column, within: &str, to: &mut Vec<String>) {
    let mut path = format!("{within}{}", column.name);
    let mut kind = &column.kind;
    while let ColumnKind::List(item) = kind {
        path.push_str(".list.element");
        kind = item;
    }
    match kind {
        ColumnKind::Struct(members) => {
            members.iter().for_each(|member| lookup_paths(member, &format!("{path}."), to));
        }
        _ if column.lookup => to.push(path),
        _ => {}
    }
}

fn fingerprint(schema: &Schema) -> Arc<str> {
    let mut hash = Sha256::new();
    for field in schema.fields() {
        hash.update(format!("{} {} {}\n", field.name(), field.data_type(), field.is_nullable()));
    }
    let digest = hash.finalize();
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

/// Finds the columns that keep the parts of a row's name, so that names can be read back from
/// files.
fn identity(table: &Table) -> Result<Vec<IdentityPart>, LakeError> {
    let own = |path: &FieldPath| {
        let keeps = |column: &Column| {
            let scalar =
                matches!(column.kind, ColumnKind::Text | ColumnKind::Integer | ColumnKind::Time(_));
            scalar && column.from.first() == Some(path)
        };
        table.columns.iter().position(keeps).map(|at| OWN_COLUMNS_FROM + at)
    };
    let shared = |path: &FieldPath| {
        let keeps = |rule: &Rule| rule.from.first().and_then(|from| from.path()) == Some(path);
        let texts = table.shared.texts();
        let (name, _) = texts.iter().find(|(_, rule)| keeps(rule) && rule.map.is_empty())?;
        Some(
            SHARED_TEXTS
                .iter()
                .position(|text| text == name)
                .map_or(IdentityPart::Partition, |at| IdentityPart::Column(1 + at)),
        )
    };
    let part = |path: &FieldPath| {
        own(path).map(IdentityPart::Column).or_else(|| shared(path)).ok_or_else(|| {
            LakeError::Table {
                table: table.source.clone(),
                what: format!("`{path}` is part of its identity and has no column of its own"),
            }
        })
    };
    table.identity.iter().map(part).collect()
}
