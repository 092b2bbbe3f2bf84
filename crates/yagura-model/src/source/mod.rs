//! What a log source's table looks like: columns, where their values stand in a record, and what
//! names a record. How a source is recognized is content's; how rows are stored is the lake's.

mod path;
mod pattern;
mod pick;
mod read;
mod row;
mod time;

use serde::{Deserialize, Serialize};

pub use path::{FieldPath, FieldStep, PathFault, Pick, Template, TemplatePiece};
pub use pattern::Pattern;
pub use pick::picked;
pub use read::{Cell, Found, boolean, integer, real};
pub use row::TableRow;
pub use time::TimeFormat;

/// A log source's table in the lake.
///
/// The columns of a stored row are, in this order: `time` (UTC, microseconds, never null),
/// `account`, `region`, `actor`, `address`, `action`, `resource`, `outcome`, then
/// [`Table::columns`], then `object` (the location of the log object) and `raw` (the record,
/// whole).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The source's id: `cloudtrail`. It is the table's name and the value of the partition
    /// column `source` too.
    pub source: String,
    /// The source's own columns.
    pub columns: Vec<Column>,
    /// The columns that every source has.
    pub shared: Shared,
    /// Values that together name a record. Empty: records have no name, and no repeats are
    /// sought. A record that lacks the first of them has no name either.
    pub identity: Vec<FieldPath>,
}

/// The names of the columns before and after the source's own, which no source may use.
pub const RESERVED_COLUMNS: [&str; 12] = [
    "time", "account", "region", "actor", "address", "action", "resource", "outcome", "object",
    "raw", "source", "day",
];

/// A column, or a member of a struct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// `lower_snake`. A promise: once published it keeps its name, kind and meaning.
    pub name: String,
    /// What a value is.
    pub kind: ColumnKind,
    /// Where it stands: the first that is present and not null. Within a struct or a list the
    /// paths begin at the struct's or the element's value.
    pub from: Vec<FieldPath>,
    /// Whether people look rows up by it: the lake keeps a bloom filter and a lookup index.
    pub lookup: bool,
}

/// What a value of a column is. A value that cannot be read as this is null in the column; it is
/// still in `raw`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text. A number or boolean becomes its text, an object or array its JSON text.
    Text,
    /// A whole number of 64 bits with sign, also where it is written as text.
    Integer,
    /// A floating-point number of 64 bits, also where it is written as text.
    Real,
    /// True or false, also where it is written as text: `true`, `yes`, `false`, `no`.
    Boolean,
    /// A point in time: microseconds since 1970 in UTC.
    Time(TimeFormat),
    /// Any value, kept as its JSON text.
    Json,
    /// A list. A value that is not an array is a list of one.
    List(Box<ColumnKind>),
    /// Named members. A value that is not an object gives null.
    Struct(Vec<Column>),
}

/// How the columns that every source has are filled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// When it happened.
    pub time: TimeRule,
    /// The AWS account that it happened in, twelve digits.
    pub account: Rule,
    /// The AWS region that it happened in.
    pub region: Rule,
    /// Who did it: an ARN where there is one.
    pub actor: Rule,
    /// Where it came from: an IP address where there is one.
    pub address: Rule,
    /// What was done.
    pub action: Rule,
    /// What it was done to: an ARN where there is one.
    pub resource: Rule,
    /// `success`, `failure` or `denied`.
    pub outcome: Rule,
}

impl Shared {
    /// The rules of the text columns with their names, in the order of the columns.
    pub fn texts(&self) -> [(&'static str, &Rule); 7] {
        [
            ("account", &self.account),
            ("region", &self.region),
            ("actor", &self.actor),
            ("address", &self.address),
            ("action", &self.action),
            ("resource", &self.resource),
            ("outcome", &self.outcome),
        ]
    }
}

/// How the time of a record is found. A record without a readable time is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeRule {
    /// The first that is present.
    pub from: Vec<Template>,
    /// How it is written.
    pub format: TimeFormat,
}

/// How a text that every source has is found in a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// The first that is present and not null.
    pub from: Vec<Template>,
    /// What a value becomes: the first pattern that matches. Where none does, see `present`.
    pub map: Vec<(Pattern, String)>,
    /// What a value becomes that is not in the map; none: it stays as it is.
    pub present: Option<String>,
    /// What stands where there is no value.
    pub absent: Option<String>,
}

/// How a shared outcome is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordOutcome {
    /// It was done.
    Success,
    /// It was tried and did not work.
    Failure,
    /// It was refused for want of permission, or by a rule.
    Denied,
}

impl RecordOutcome {
    /// All, as they are spelled.
    pub const NAMES: [&'static str; 3] = ["success", "failure", "denied"];
}

impl Rule {
    /// What the value found in a record becomes.
    pub fn settle<'r>(&'r self, value: Option<&'r str>) -> Option<&'r str> {
        let Some(value) = value else { return self.absent.as_deref() };
        let mapped = self.map.iter().find(|(pattern, _)| pattern.matches(value));
        Some(match (mapped, &self.present) {
            (Some((_, to)), _) => to,
            (None, Some(present)) => present,
            (None, None) => value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_maps_what_it_knows_and_says_what_is_absent() {
        let rule = Rule {
            map: vec![
                ("AccessDenied*".parse().unwrap(), "denied".into()),
                ("*UnauthorizedOperation".parse().unwrap(), "denied".into()),
            ],
            present: Some("failure".into()),
            absent: Some("success".into()),
            ..Rule::default()
        };
        for (value, expected) in [
            (Some("AccessDeniedException"), "denied"),
            (Some("Client.UnauthorizedOperation"), "denied"),
            (Some("NoSuchKey"), "failure"),
            (None, "success"),
        ] {
            assert_eq!(rule.settle(value), Some(expected), "{value:?}");
        }
        let plain = Rule::default();
        assert_eq!(plain.settle(Some("x")), Some("x"));
        assert_eq!(plain.settle(None), None);
    }
}
