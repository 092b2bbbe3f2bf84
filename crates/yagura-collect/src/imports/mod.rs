//! Findings of other products: read through the AWS API, or out of files that they write.
//! Each becomes a [`yagura_model::imported::Imported`]; what our own list makes of it, and when
//! one of ours is over, is respond's business.
//!
//! What could not be read is said place by place: no answer is never taken for no findings.

mod access_analyzer;
mod asff;
mod config;
mod files;
mod guardduty;
mod inspector;
mod keys;
mod macie;
mod ocsf;
mod prowler;
mod reading;
mod sarif;
mod security_hub;
mod told;
mod yagura_lines;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use yagura_aws::ReadClient;
use yagura_model::Unread;
use yagura_model::imported::Imported;

pub use files::{FileError, FileFormat, FileRead, read_file};
pub use told::BadFinding;

use crate::caller::{Caller, Interruptible, Place};
use crate::client::Client;
use crate::organization::Organization;
use crate::regions::Regions;
use reading::{Reading, Stopped};

/// Places that are read at the same time.
const PLACES_AT_ONCE: usize = 16;
/// How far a reading goes back behind the last change that is known, in microseconds: an hour.
/// Products write the time of a change before it can be read.
const OVERLAP_US: i64 = 3_600_000_000;
/// Bad records that are told one by one per place; beyond, they are counted.
const BAD_TOLD_MAX: u64 = 20;

/// A product of AWS whose findings are read through the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Product {
    /// Amazon `GuardDuty`.
    GuardDuty,
    /// Amazon Inspector.
    Inspector,
    /// Amazon Macie.
    Macie,
    /// IAM Access Analyzer.
    AccessAnalyzer,
    /// AWS Config: compliance with its rules.
    Config,
    /// AWS Security Hub, with its own controls and with what other products tell it.
    SecurityHub,
}

impl Product {
    /// All of them. Security Hub last: what it passes on has come from the product itself by then.
    pub const ALL: [Self; 6] = [
        Self::GuardDuty,
        Self::Inspector,
        Self::Macie,
        Self::AccessAnalyzer,
        Self::Config,
        Self::SecurityHub,
    ];

    /// The word used in ids, files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GuardDuty => guardduty::PRODUCT,
            Self::Inspector => inspector::PRODUCT,
            Self::Macie => macie::PRODUCT,
            Self::AccessAnalyzer => access_analyzer::PRODUCT,
            Self::Config => config::PRODUCT,
            Self::SecurityHub => security_hub::PRODUCT,
        }
    }

    /// The IAM actions that reading it takes. Source: Service Authorization Reference, seen
    /// 2026-11.
    pub fn actions(self) -> &'static [&'static str] {
        match self {
            Self::GuardDuty => {
                &["guardduty:GetFindings", "guardduty:ListDetectors", "guardduty:ListFindings"]
            }
            Self::Inspector => &["inspector2:BatchGetAccountStatus", "inspector2:ListFindings"],
            Self::Macie => &["macie2:GetFindings", "macie2:ListFindings"],
            Self::AccessAnalyzer => &[
                "access-analyzer:GetFinding",
                "access-analyzer:ListAnalyzers",
                "access-analyzer:ListFindings",
            ],
            Self::Config => &[
                "config:DescribeComplianceByConfigRule",
                "config:DescribeConfigRules",
                "config:GetComplianceDetailsByConfigRule",
            ],
            Self::SecurityHub => &["securityhub:GetFindings"],
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Product {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|product| product.as_str() == text).ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.iter().map(|product| product.as_str()).collect();
            format!("`{text}` is none of {}", all.join(", "))
        })
    }
}

/// The IAM actions that reading these products takes.
pub fn actions(products: &[Product]) -> BTreeSet<String> {
    let actions = products.iter().flat_map(|product| product.actions());
    actions.map(|action| (*action).to_owned()).collect()
}

/// The name of one product in one account and region, under which its cursor is kept.
pub fn scope(product: Product, account: &str, region: &str) -> String {
    format!("{product}/{account}/{region}")
}

/// What is to be read.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The accounts.
    pub organization: &'a Organization,
    /// Their regions.
    pub regions: &'a Regions,
    /// The products.
    pub products: &'a [Product],
    /// By [`scope`]: the last change that is known, in microseconds since 1970. A place that is
    /// not here is read whole.
    pub since: &'a BTreeMap<String, i64>,
}

/// What reading gives, in order within each place.
#[derive(Clone, Debug, PartialEq)]
pub enum ImportEvent {
    /// A finding.
    Found {
        /// Where it was read.
        scope: Arc<str>,
        /// The finding.
        finding: Box<Imported>,
    },
    /// Findings that are still active and were not read again: their product and originals.
    Present {
        /// Where they were listed.
        scope: Arc<str>,
        /// The product.
        product: &'static str,
        /// What the product calls them.
        originals: Vec<String>,
    },
    /// A record that is no finding.
    Bad {
        /// Where it was read.
        scope: Arc<str>,
        /// Why it is none.
        why: BadFinding,
    },
    /// A place has been read, or cannot be.
    Place(PlaceRead),
}

/// What became of reading one product in one account and region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceRead {
    /// [`scope`].
    pub scope: Arc<str>,
    /// The product.
    pub product: Product,
    /// Twelve digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// What became of it.
    pub state: PlaceState,
    /// Findings that were read.
    pub findings: u64,
    /// Records that are no findings.
    pub bad: u64,
    /// The latest change that was read, in microseconds since 1970.
    pub updated_us: Option<i64>,
}

/// What became of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaceState {
    /// Every active finding was read or listed: what was not is over.
    Whole,
    /// Everything that changed was read.
    Changes,
    /// The product is not in use there: nothing is known, good or bad.
    Off,
    /// It could not be read, or not to its end.
    Unread(Box<Unread>),
}

/// Reads what is asked for, place by place, and sends it to the sink, which must be received from
/// while this runs: it is bounded. Answers whether it was interrupted.
pub async fn read(
    client: &ReadClient,
    asked: Asked<'_>,
    sink: mpsc::Sender<ImportEvent>,
    cancel: CancellationToken,
) -> bool {
    read_from(Arc::new(Client(client.clone())), asked, sink, cancel).await
}

pub(crate) async fn read_from(
    caller: Arc<dyn Caller>,
    asked: Asked<'_>,
    sink: mpsc::Sender<ImportEvent>,
    cancel: CancellationToken,
) -> bool {
    let caller = Interruptible { inner: caller, cancel: cancel.clone() };
    let hub_last = |product: &&Product| **product == Product::SecurityHub;
    let (last, first): (Vec<&Product>, Vec<&Product>) = asked.products.iter().partition(hub_last);
    for products in [first, last] {
        let places = asked.regions.by_account.iter().flat_map(|(account, regions)| {
            regions.iter().map(move |region| Place::new(account, region))
        });
        let places: Vec<(Product, Place)> = places
            .flat_map(|place| products.iter().map(move |product| (**product, place.clone())))
            .collect();
        futures::stream::iter(places)
            .for_each_concurrent(PLACES_AT_ONCE, |(product, place)| {
                read_place(&caller, product, place, asked.since, sink.clone())
            })
            .await;
    }
    cancel.is_cancelled() || sink.is_closed()
}

async fn read_place(
    caller: &Interruptible,
    product: Product,
    place: Place,
    since: &BTreeMap<String, i64>,
    sink: mpsc::Sender<ImportEvent>,
) {
    let scope: Arc<str> = scope(product, &place.account, &place.region).into();
    let since_us = since.get(&*scope).map(|us| us.saturating_sub(OVERLAP_US));
    let mut reading = Reading::new(caller, place.clone(), Arc::clone(&scope), since_us, sink);
    let outcome = match product {
        Product::GuardDuty => guardduty::read(&mut reading).await,
        Product::Inspector => inspector::read(&mut reading).await,
        Product::Macie => macie::read(&mut reading).await,
        Product::AccessAnalyzer => access_analyzer::read(&mut reading).await,
        Product::Config => config::read(&mut reading).await,
        Product::SecurityHub => security_hub::read(&mut reading).await,
    };
    let state = match outcome {
        Ok(()) if reading.is_whole() => PlaceState::Whole,
        Ok(()) => PlaceState::Changes,
        Err(Stopped::Off) => PlaceState::Off,
        Err(Stopped::Failed(unread)) => PlaceState::Unread(unread),
        // Nobody listens any more: there is nobody to tell.
        Err(Stopped::Unheard) => return,
    };
    reading.end(product, state).await;
}

#[cfg(test)]
mod tests;
