//! How lists of indicators are written.
//! They are read in `yagura-analyze`.

use serde::{Deserialize, Serialize};

/// How a list is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListFormat {
    /// One entry a line, with comments; also `hosts` files. GuardDuty's `TXT`.
    #[default]
    #[serde(alias = "txt")]
    Plain,
    /// Rows of which one column or several hold entries.
    Csv,
    /// STIX: 2.x as JSON, 1.x as XML; told apart by the first byte.
    Stix,
    /// Open Threat Exchange's CSV, as GuardDuty takes it.
    OtxCsv,
    /// AlienVault's reputation feed, as GuardDuty takes it.
    AlienVault,
    /// Proofpoint's ET intelligence feed, as GuardDuty takes it.
    ProofPoint,
    /// FireEye's iSIGHT CSV, as GuardDuty takes it.
    FireEye,
}

impl ListFormat {
    /// All, in the order they are shown.
    pub const ALL: [Self; 7] = [
        Self::Plain,
        Self::Csv,
        Self::Stix,
        Self::OtxCsv,
        Self::AlienVault,
        Self::ProofPoint,
        Self::FireEye,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Csv => "csv",
            Self::Stix => "stix",
            Self::OtxCsv => "otx_csv",
            Self::AlienVault => "alien_vault",
            Self::ProofPoint => "proof_point",
            Self::FireEye => "fire_eye",
        }
    }
}

/// How the rows of a CSV file are laid out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CsvLayout {
    /// The columns that hold entries: names of the header, or numbers from 1. A cell that is
    /// empty is passed over.
    pub columns: Vec<String>,
    /// Between cells.
    pub separator: char,
    /// Whether the first row names the columns.
    pub header: bool,
    /// Lines that begin with it are passed over.
    pub comment: Option<char>,
}

impl Default for CsvLayout {
    fn default() -> Self {
        Self { columns: vec!["1".into()], separator: ',', header: false, comment: Some('#') }
    }
}
