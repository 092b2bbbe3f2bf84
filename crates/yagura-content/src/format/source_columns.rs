//! The columns of a source as its file writes them: short for the common case, whole for the rest.
//! What they become is in `yagura_model::source`.

use serde::Deserialize;
use yagura_model::source::{
    Column, ColumnKind, FieldPath, Pattern, RESERVED_COLUMNS, Rule, Shared, Template, TimeFormat,
    TimeRule,
};

use super::ordered::{Brief, Listed, Ordered};
use super::source::SourceFault;
use crate::place::Place;

/// A column: a path alone (`event_name: eventName`, which is text), a list of paths, or all.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Brief<FieldPath, WholeColumn>")]
pub(crate) struct ColumnSource(WholeColumn);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WholeColumn {
    #[serde(default)]
    from: Listed<FieldPath>,
    #[serde(default, rename = "type")]
    kind: Option<KindName>,
    /// How a time is written.
    #[serde(default)]
    format: Option<TimeFormat>,
    #[serde(default)]
    list: bool,
    #[serde(default)]
    lookup: bool,
    /// The members of a struct.
    #[serde(default)]
    fields: Option<Ordered<ColumnSource>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindName {
    Text,
    Integer,
    Real,
    Boolean,
    Time,
    Json,
}

impl From<Brief<FieldPath, WholeColumn>> for ColumnSource {
    fn from(brief: Brief<FieldPath, WholeColumn>) -> Self {
        Self(match brief {
            Brief::Listed(from) => WholeColumn { from, ..WholeColumn::default() },
            Brief::Whole(whole) => whole,
        })
    }
}

/// The columns that every source has, as the file writes them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SharedSource {
    time: TimeSource,
    #[serde(default)]
    account: RuleSource,
    #[serde(default)]
    region: RuleSource,
    #[serde(default)]
    actor: RuleSource,
    #[serde(default)]
    address: RuleSource,
    #[serde(default)]
    action: RuleSource,
    #[serde(default)]
    resource: RuleSource,
    #[serde(default)]
    outcome: RuleSource,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeSource {
    from: Listed<Template>,
    #[serde(default)]
    format: TimeFormat,
}

/// A rule: templates alone, or all.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Brief<Template, WholeRule>")]
struct RuleSource(WholeRule);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WholeRule {
    #[serde(default)]
    from: Listed<Template>,
    #[serde(default)]
    map: Ordered<String>,
    #[serde(default)]
    present: Option<String>,
    #[serde(default)]
    absent: Option<String>,
}

impl From<Brief<Template, WholeRule>> for RuleSource {
    fn from(brief: Brief<Template, WholeRule>) -> Self {
        Self(match brief {
            Brief::Listed(from) => WholeRule { from, ..WholeRule::default() },
            Brief::Whole(whole) => whole,
        })
    }
}

impl Ordered<ColumnSource> {
    /// The columns of a table.
    pub(crate) fn columns(&self) -> Result<Vec<Column>, SourceFault> {
        for (name, _) in &self.0 {
            if RESERVED_COLUMNS.contains(&name.as_str()) {
                let message = format!("every table has the column `{name}`; choose another name");
                return Err((name.place, message));
            }
        }
        self.members()
    }

    /// The members of a struct.
    fn members(&self) -> Result<Vec<Column>, SourceFault> {
        let mut columns: Vec<Column> = Vec::with_capacity(self.0.len());
        for (name, source) in &self.0 {
            if columns.iter().any(|column| column.name == name.value) {
                return Err((name.place, format!("the column `{name}` is there twice")));
            }
            columns.push(source.0.column(&name.value, name.place)?);
        }
        Ok(columns)
    }
}

impl WholeColumn {
    fn column(&self, name: &str, place: Place) -> Result<Column, SourceFault> {
        if self.from.0.is_empty() {
            return Err((place, format!("the column `{name}` does not say where it is from")));
        }
        let fault = |message: &str| Err((place, format!("the column `{name}` {message}")));
        let mut kind = match (&self.fields, self.kind, self.format) {
            (Some(_), Some(_), _) => return fault("has `fields`, so it has no `type`"),
            (Some(fields), None, None) if !fields.0.is_empty() => {
                ColumnKind::Struct(fields.members()?)
            }
            (Some(_), None, None) => return fault("has no members"),
            (None, Some(KindName::Time), format) => ColumnKind::Time(format.unwrap_or_default()),
            (_, _, Some(_)) => return fault("has a `format`, which belongs to `type: time`"),
            (None, kind, None) => match kind.unwrap_or(KindName::Text) {
                KindName::Integer => ColumnKind::Integer,
                KindName::Real => ColumnKind::Real,
                KindName::Boolean => ColumnKind::Boolean,
                KindName::Json => ColumnKind::Json,
                KindName::Text | KindName::Time => ColumnKind::Text,
            },
        };
        if self.list {
            kind = ColumnKind::List(Box::new(kind));
        }
        if self.lookup && !matches!(kind, ColumnKind::Text) {
            return fault("is looked up by, so it must be text");
        }
        Ok(Column { name: name.to_owned(), kind, from: self.from.0.clone(), lookup: self.lookup })
    }
}

impl SharedSource {
    /// The rules of the columns that every source has.
    pub(crate) fn rules(&self) -> Shared {
        Shared {
            time: TimeRule { from: self.time.from.0.clone(), format: self.time.format },
            account: self.account.rule(),
            region: self.region.rule(),
            actor: self.actor.rule(),
            address: self.address.rule(),
            action: self.action.rule(),
            resource: self.resource.rule(),
            outcome: self.outcome.rule(),
        }
    }
}

impl RuleSource {
    fn rule(&self) -> Rule {
        let Self(whole) = self;
        let pattern = |text: &str| match text.parse::<Pattern>() {
            Ok(pattern) => pattern,
            Err(never) => match never {},
        };
        Rule {
            from: whole.from.0.clone(),
            map: whole.map.0.iter().map(|(from, to)| (pattern(from), to.clone())).collect(),
            present: whole.present.clone(),
            absent: whole.absent.clone(),
        }
    }
}
