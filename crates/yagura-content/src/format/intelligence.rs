//! Threat intelligence: which fields of a source can be on a list, what being on one means, and
//! which lists a site has.
//! Lists are read in `yagura-analyze`, fetched in `yagura-collect`, matched in `yagura-judge`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use yagura_model::alert::EntityKind;
use yagura_model::indicator::{CsvLayout, ListFormat, ListKind, ThreatCategory};
use yagura_model::source::FieldPath;
use yagura_model::{Prose, Severity};

use super::control::Steps;
use super::ordered::{Listed, Ordered};
use super::span::Span;
use crate::place::Placed;

/// What being on a list means: `content/intelligence/<what_happened>.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntelligenceRule {
    /// `intelligence.<what_happened>`, from the path.
    #[serde(skip)]
    pub id: String,
    /// What happened, as a sentence.
    pub title: Placed<Prose>,
    /// What it means and why it matters.
    pub description: Placed<Prose>,
    /// When it is harmless.
    pub falsepositives: Placed<Steps>,
    /// What to do, in order.
    pub respond: Placed<Steps>,
    /// How bad it is.
    pub level: Severity,
    /// ATT&CK tags as Sigma writes them.
    pub tags: Vec<Placed<String>>,
    /// Where to read on.
    #[serde(default)]
    pub references: Vec<Placed<String>>,
    /// What an alert is about.
    pub entity: EntityKind,
    /// The alerts' grouping window.
    #[serde(default = "a_day")]
    pub window: Span,
    /// It feeds sequences and never alerts alone.
    #[serde(default)]
    pub weak: bool,
    /// Raised and kept, told to nobody.
    #[serde(default)]
    pub shadow: bool,
    /// By catalog: the ids that it serves.
    #[serde(default)]
    pub maps: BTreeMap<String, Vec<Placed<String>>>,
    /// The lists that count, by their category.
    #[serde(default)]
    pub lists: Vec<ThreatCategory>,
    /// Instead of lists: whose network the address is of.
    #[serde(default)]
    pub network: Option<NetworkOwner>,
    /// Where it counts; any of them suffices.
    #[serde(rename = "where")]
    pub places: Vec<IntelligencePlace>,
    /// Lists, an event, and what comes of them.
    pub cases: Vec<IntelligenceCase>,
}

/// Whose network an address is of. It is told only where AWS's ranges are known, and never of an
/// address that is not public or that is on a trusted list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkOwner {
    /// Of nobody's at AWS.
    OutsideAws,
    /// Of an instance at AWS, whoever's it is.
    AwsCompute,
}

/// A source, its fields, and which of its records count.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntelligencePlace {
    /// The log source.
    pub source: Placed<String>,
    /// The fields that count, as the source's `indicators.yaml` names them.
    pub fields: Vec<Placed<String>>,
    /// Which records count: a Sigma `detection` map over the record's own fields. All if left out.
    #[serde(default)]
    pub detection: Option<Placed<Map<String, Value>>>,
}

/// Lists, an event, and what comes of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntelligenceCase {
    /// What it shows.
    pub name: Placed<String>,
    /// The log source; the first of `where` if none is given.
    #[serde(default)]
    pub source: Option<Placed<String>>,
    /// Whether a signal is raised.
    pub expect: super::CaseExpectation,
    /// Entries of threat lists by category.
    #[serde(default)]
    pub lists: BTreeMap<ThreatCategory, Vec<String>>,
    /// Entries of a trusted list.
    #[serde(default)]
    pub trusted: Vec<String>,
    /// Blocks of AWS with their service: `{192.0.2.0/24: EC2}`.
    #[serde(default)]
    pub aws: Option<BTreeMap<String, String>>,
    /// The event's members, laid over the source's base record.
    pub event: Map<String, Value>,
}

/// The fields of a source that can be on a list: `content/sources/<source>/indicators.yaml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndicatorFields {
    /// By the name that rules use.
    pub fields: Ordered<IndicatorField>,
}

/// A field that can be on a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndicatorField {
    /// What it holds.
    pub kind: ObservableKind,
    /// Where it stands: the first that is present; of a path with `[]` every value.
    pub from: Listed<FieldPath>,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObservableKind {
    /// An address. Anything else in it is passed over.
    Address,
    /// A domain name.
    Domain,
    /// An address or a domain name, with or without a port.
    Host,
    /// A URL: itself and its host.
    Url,
    /// A digest.
    Digest,
}

/// Which lists a site has: `intelligence.yaml` of the site folder.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IntelligenceSite {
    /// The lists.
    pub lists: Vec<ListSetting>,
    /// AWS's own ranges; fetched from AWS if nothing else is said.
    pub aws_ranges: Option<RangesSetting>,
    /// Databases in MaxMind's format.
    pub geo: GeoSetting,
}

/// One list of a site.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListSetting {
    /// What alerts call it: small letters, digits, `-` and `_`.
    pub name: Placed<String>,
    /// Whether its entries are suspected or trusted.
    pub kind: ListKind,
    /// What they are suspected of; of threat lists.
    #[serde(default)]
    pub category: Option<ThreatCategory>,
    /// How it is written.
    #[serde(default)]
    pub format: ListFormat,
    /// Of CSV: how rows are laid out.
    #[serde(default)]
    pub csv: Option<CsvLayout>,
    /// A file (relative to the site folder), an `http(s)://` or an `s3://` address.
    pub from: Placed<String>,
    /// Header fields to send, whose values are in environment variables of these names.
    #[serde(default)]
    pub headers: BTreeMap<String, Placed<String>>,
    /// How old the copy may become before it is fetched again.
    #[serde(default = "a_day")]
    pub refresh: Span,
    /// Whether a domain stands for itself alone; else also for the names below it.
    #[serde(default)]
    pub exact_domains: bool,
    /// Under what terms it may be used.
    #[serde(default)]
    pub licence: String,
}

/// Where AWS's ranges come from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangesSetting {
    /// A file (relative to the site folder), an `http(s)://` or an `s3://` address.
    pub from: Placed<String>,
    /// How old the copy may become before it is fetched again.
    #[serde(default = "a_day")]
    pub refresh: Span,
}

/// Databases in MaxMind's format, which the user has: files, relative to the site folder.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GeoSetting {
    /// Countries: `GeoLite2-Country.mmdb`, `GeoLite2-City.mmdb` or the like. A city database also
    /// gives places.
    pub place: Option<Placed<String>>,
    /// Autonomous systems: `GeoLite2-ASN.mmdb` or the like.
    pub asn: Option<Placed<String>>,
}

impl IntelligenceRule {
    /// The file that the id stands for.
    pub fn path(&self) -> String {
        format!("{}.yaml", self.id.replace('.', "/"))
    }

    /// The conditions of its places as Sigma rules, each titled by the place's number.
    pub fn sigma_text(&self, place: usize) -> Option<String> {
        let place_of = self.places.get(place)?;
        let rule = serde_json::json!({
            "title": place.to_string(),
            "logsource": {"product": "aws", "service": place_of.source.value},
            "detection": place_of.detection.as_ref()?.value,
        });
        Some(rule.to_string())
    }
}

fn a_day() -> Span {
    Span::days(1)
}
