//! Log sources: `sources/<source>/source.yaml`, and what a site adds to one in `extend.yaml`.
//! How they are recognized and read is in `yagura-collect`, how they are stored in `yagura-lake`.

use serde::Deserialize;
use yagura_model::Prose;
use yagura_model::source::{FieldPath, Pattern, Table};

use super::key_pattern::KeyPattern;
use super::ordered::{Listed, Ordered, from_text};
use super::source_columns::{ColumnSource, SharedSource};
use super::source_text::{Delimited, LinePattern};
use crate::place::{Place, Placed};

/// A log source: `content/sources/<source>/source.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// From the path.
    #[serde(skip)]
    pub id: String,
    /// What it is called.
    pub title: Placed<Prose>,
    /// What a record tells, and what it does not.
    pub about: Placed<Prose>,
    /// The document that describes the records.
    pub document: Placed<String>,
    /// What the keys of its objects look like.
    #[serde(default)]
    pub keys: Listed<KeyPattern>,
    /// The log groups of CloudWatch Logs that hold it.
    #[serde(default)]
    pub log_groups: Vec<LogGroup>,
    /// What its records look like where the key tells nothing; any one of them suffices.
    #[serde(default)]
    pub content: Vec<ContentMark>,
    /// Where several sources' marks fit, the highest rank is taken.
    #[serde(default)]
    pub rank: u8,
    /// How records are written; told apart by their first bytes.
    pub formats: Vec<RecordFormat>,
    /// What records may be wrapped in.
    #[serde(default)]
    pub envelopes: Vec<Envelope>,
    columns: Ordered<ColumnSource>,
    shared: SharedSource,
    #[serde(default)]
    identity: Listed<FieldPath>,
    /// Days that records are kept where nobody says otherwise; 0: for ever.
    pub retention_days: u32,
    /// How files are proven untampered.
    #[serde(default)]
    pub integrity: Option<Integrity>,
    #[serde(default, rename = "ocsf")]
    ocsf_source: OcsfSource,
    /// What a record is in the Open Cybersecurity Schema Framework: the first class whose
    /// condition holds. Fields that the file states for all classes stand in each, first.
    #[serde(skip)]
    pub ocsf: Vec<OcsfClass>,
    /// Files and the rows that they give.
    #[serde(default)]
    pub samples: Vec<Sample>,
    #[serde(skip)]
    table: Table,
    #[serde(skip)]
    column_places: Vec<Place>,
}

/// What a site adds to a source: `sources/<source>/extend.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceExtension {
    /// Further keys.
    #[serde(default)]
    pub keys: Listed<KeyPattern>,
    /// Further log groups.
    #[serde(default)]
    pub log_groups: Vec<LogGroup>,
    /// Further marks.
    #[serde(default)]
    pub content: Vec<ContentMark>,
    #[serde(default)]
    columns: Ordered<ColumnSource>,
    /// Instead of the source's own.
    #[serde(default)]
    pub retention_days: Option<u32>,
}

/// Where CloudWatch Logs keeps a source.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogGroup {
    /// The group's name; `*` stands for any letters.
    #[serde(deserialize_with = "from_text")]
    pub group: Pattern,
    /// The stream's name; any where it is left out.
    #[serde(default, deserialize_with = "some_text")]
    pub stream: Option<Pattern>,
}

/// What a record looks like. All that is said must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentMark {
    /// Members that are there, null or not.
    #[serde(default)]
    pub members: Listed<FieldPath>,
    /// Members that are not there.
    #[serde(default)]
    pub absent: Listed<FieldPath>,
    /// Members whose text matches one of the patterns.
    #[serde(default)]
    pub equals: Ordered<Listed<Pattern>>,
    /// Names that stand in the header of a delimited text.
    #[serde(default)]
    pub header: Listed<String>,
    /// A regular expression for the first line of a text that has no header.
    #[serde(default)]
    pub line: Option<LinePattern>,
}

/// How records are written.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordFormat {
    /// JSON objects: one, a list, or one after the other.
    Json,
    /// Apache Parquet; a row becomes a JSON object.
    Parquet,
    /// Lines of fields.
    Delimited(Delimited),
    /// Lines cut by a regular expression with named groups. A line that it does not match
    /// continues the record before.
    Lines(LinePattern),
    /// Syslog, RFC 5424 and RFC 3164.
    Syslog,
}

/// What a record may be wrapped in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Envelope {
    /// An object whose member of this name is the list of records.
    Array(String),
    /// An event of EventBridge, whose `detail` is the record.
    EventBridge,
    /// A message of a CloudWatch Logs subscription, whose `logEvents[].message` are records.
    CloudWatchLogs,
    /// Lines of a CloudWatch Logs export task: a time, a blank, the record.
    CloudWatchExport,
    /// An answer of `LookupEvents`, whose `Events[].CloudTrailEvent` are records as text.
    LookupEvents,
    /// Rows of a CloudTrail Lake query.
    CloudTrailLake,
}

/// How files of a source are proven untampered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Integrity {
    /// By the chain of signed digest files of CloudTrail.
    CloudtrailDigest,
}

/// The classes of a source, as its file writes them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OcsfSource {
    /// Of every class that does not say otherwise.
    #[serde(default)]
    fields: Ordered<Placed<String>>,
    #[serde(default)]
    classes: Vec<OcsfClass>,
}

impl OcsfSource {
    fn settled(&self) -> Vec<OcsfClass> {
        let settled = |class: &OcsfClass| {
            let own = &class.fields.0;
            let all = self.fields.0.iter().filter(|(path, _)| !own.iter().any(|(o, _)| o == path));
            let fields = Ordered(all.chain(own).cloned().collect());
            OcsfClass { fields, ..class.clone() }
        };
        self.classes.iter().map(settled).collect()
    }
}

/// A class of the Open Cybersecurity Schema Framework, filled from the table's columns.
///
/// Every value is SQL over the columns of the source's table. `class_uid`, `category_uid`,
/// `type_uid`, `metadata.version` and the names of ids follow from what stands here.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OcsfClass {
    /// The class' number: 6003 is API Activity.
    pub class: Placed<u16>,
    /// Which rows are of the class; all where it is left out.
    #[serde(default)]
    pub when: Option<Placed<String>>,
    /// The activity's number.
    pub activity: Placed<String>,
    /// By path of the attribute (`actor.user.uid`), in the order of the file.
    #[serde(default)]
    pub fields: Ordered<Placed<String>>,
}

/// A file of `samples/` and the rows that it gives.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Its name within `samples/`.
    pub file: Placed<String>,
    /// A key that such a file has.
    pub key: Placed<String>,
    /// The file of the expected rows where it is not `<file>.expected.jsonl`: several files may
    /// give the same rows.
    #[serde(default)]
    pub expect: Option<Placed<String>>,
    /// Whether the source is recognized by the content alone too.
    #[serde(default = "yes")]
    pub by_content: bool,
}

fn yes() -> bool {
    true
}

fn some_text<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Pattern>, D::Error> {
    from_text(deserializer).map(Some)
}

impl Sample {
    /// The name within `samples/` of the file of its expected rows.
    pub fn expected_file(&self) -> String {
        match &self.expect {
            Some(file) => file.value.clone(),
            None => format!("{}.expected.jsonl", self.file.value),
        }
    }
}

/// Why a source's columns do not make a table, and where.
pub(crate) type SourceFault = (Place, String);

impl Source {
    /// The table that its rows are kept in.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Where each column of the table stands in the file.
    pub(crate) fn column_places(&self) -> &[Place] {
        &self.column_places
    }

    /// Makes the table. Called once, after reading.
    pub(crate) fn settle(&mut self, id: &str) -> Result<(), SourceFault> {
        id.clone_into(&mut self.id);
        self.table = Table {
            source: id.to_owned(),
            columns: self.columns.columns()?,
            shared: self.shared.rules(),
            identity: self.identity.0.clone(),
        };
        self.ocsf = self.ocsf_source.settled();
        self.column_places = self.columns.0.iter().map(|(name, _)| name.place).collect();
        Ok(())
    }

    /// The source with a site's additions. Columns come after the source's own and may not have
    /// the name of one.
    pub(crate) fn extended(&self, with: &SourceExtension) -> Result<Self, SourceFault> {
        let mut table = self.table.clone();
        for (column, (name, _)) in with.columns.columns()?.into_iter().zip(&with.columns.0) {
            if table.columns.iter().any(|own| own.name == column.name) {
                return Err((name.place, format!("`{}` has the column `{name}` already", self.id)));
            }
            table.columns.push(column);
        }
        Ok(Self {
            id: self.id.clone(),
            title: self.title.clone(),
            about: self.about.clone(),
            document: self.document.clone(),
            keys: Listed(self.keys.0.iter().chain(&with.keys.0).cloned().collect()),
            log_groups: self.log_groups.iter().chain(&with.log_groups).cloned().collect(),
            content: self.content.iter().chain(&with.content).cloned().collect(),
            rank: self.rank,
            formats: self.formats.clone(),
            envelopes: self.envelopes.clone(),
            columns: self.columns.clone(),
            shared: self.shared.clone(),
            identity: self.identity.clone(),
            retention_days: with.retention_days.unwrap_or(self.retention_days),
            integrity: self.integrity,
            ocsf_source: self.ocsf_source.clone(),
            ocsf: self.ocsf.clone(),
            samples: self.samples.clone(),
            column_places: self.column_places.clone(),
            table,
        })
    }
}
