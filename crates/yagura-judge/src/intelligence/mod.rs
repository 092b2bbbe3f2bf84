//! Threat intelligence: values of records that are on lists, and whose network an address is of.
//! Immutable and shared by all threads; nothing is fetched or read from disk here.
//!
//! A value on a trusted list raises nothing, whatever other lists say. Addresses that mean
//! something else in every network (private, link-local, …) are on no list.

pub mod cases;
mod digests;
mod network;
mod ranges;
mod rules;
mod sets;
mod special;
mod texts;

use std::net::IpAddr;
use std::sync::Arc;

use sigma::Scratch;
use yagura_analyze::intelligence::{AwsRanges, canonical};
use yagura_content::Content;
use yagura_content::format::{NetworkOwner, ObservableKind};
use yagura_model::Severity;
use yagura_model::alert::{About, EntityKind, Matched};
use yagura_model::event::Record;
use yagura_model::indicator::{IndicatorList, ListKind, ThreatCategory};
use yagura_model::source::{Found, Table};

pub use network::{AwsPlace, Geo, GeoError, Network};
pub use rules::RuleFault;
pub use sets::ListName;
pub use special::SpecialRange;

use network::AwsIndex;
use rules::{Field, Placed, Rules, SourceRules};
use sets::{Listing, Sets};

/// The selection that a hit names which comes of AWS's ranges and not of a list.
const AWS_RANGES: &str = "aws_ranges";
/// The field of a hit that tells the entry of the list.
const ENTRY: &str = "list.entry";

/// Lists, ranges and databases with the rules that say what a hit means.
#[derive(Debug, Default)]
pub struct Intelligence {
    rules: Rules,
    /// By the lists' numbers; trusted ones too.
    lists: Vec<ListName>,
    threats: Sets,
    trusted: Sets,
    geo: Option<Geo>,
    aws: Option<AwsIndex>,
}

/// What one thread keeps for itself.
#[derive(Debug, Default)]
pub struct Inspector {
    /// By source.
    scratches: Vec<Option<Scratch>>,
    holding: Vec<usize>,
    found: Vec<(usize, Matched)>,
}

/// What a rule says of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The rule's id.
    pub content: Arc<str>,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it only feeds sequences.
    pub weak: bool,
    /// What a signal of it is about.
    pub entity: EntityKind,
    /// For each value: the list, the field and the value; then the list's entry.
    pub matched: Vec<Matched>,
}

/// A list that a value is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnList {
    /// The list.
    pub name: String,
    /// Whether it is suspected or trusted there.
    pub kind: ListKind,
    /// What it is suspected of.
    pub category: ThreatCategory,
    /// The entry.
    pub entry: String,
    /// Until before this second since 1970.
    pub until_s: Option<u32>,
}

impl Intelligence {
    /// From content, lists, and what is known of networks. Rules that cannot be compiled are told
    /// and not used.
    pub fn new(
        content: &Content,
        lists: &[IndicatorList],
        geo: Option<Geo>,
        aws_ranges: Option<&AwsRanges>,
    ) -> (Self, Vec<RuleFault>) {
        let (rules, faults) = Rules::compile(content);
        let name =
            |list: &IndicatorList| ListName { name: list.name.clone(), category: list.category };
        let intelligence = Self {
            rules,
            lists: lists.iter().map(name).collect(),
            threats: Sets::new(lists, ListKind::Threat),
            trusted: Sets::new(lists, ListKind::Trusted),
            geo,
            aws: aws_ranges.map(AwsIndex::new),
        };
        (intelligence, faults)
    }

    /// What whoever groups signals must know of the rules.
    pub fn abouts(&self) -> &[About] {
        &self.rules.abouts
    }

    /// Whether nothing can ever be found: no lists, no ranges.
    pub fn is_empty(&self) -> bool {
        self.threats.is_empty() && self.aws.is_none()
    }

    /// Bytes of memory that lists and ranges take.
    pub fn bytes_len(&self) -> usize {
        let aws = self.aws.as_ref().map_or(0, AwsIndex::bytes_len);
        self.threats.bytes_len() + self.trusted.bytes_len() + aws
    }

    /// What is known of an address. Of one that is not public nothing is.
    pub fn network_of(&self, address: IpAddr) -> Network {
        let address = address.to_canonical();
        if SpecialRange::of(address).is_some_and(SpecialRange::is_unlistable) {
            return Network::default();
        }
        let mut network = network::network_of(address, self.geo.as_ref(), self.aws.as_ref());
        let mut listings = Vec::new();
        self.threats.address(address, &mut listings);
        let hides = |listing: &Listing| {
            let category = self.lists.get(listing.list as usize).map(|list| list.category);
            matches!(category, Some(ThreatCategory::Tor | ThreatCategory::Proxy))
        };
        network.hosting |= listings.iter().any(hides);
        network
    }

    /// Whether an address is on a threat list and can be.
    pub fn is_listed(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.threats.has_address(address)
            && !SpecialRange::of(address).is_some_and(SpecialRange::is_unlistable)
            && !self.trusted.has_address(address)
    }

    /// Whether a domain name is on a threat list.
    pub fn is_listed_domain(&self, name: &str) -> bool {
        self.threats.has_domain(name) && !self.trusted.has_domain(name)
    }

    /// The lists that an address, domain, URL or digest is on, as `look` shows them: whether
    /// validity has ended is not asked, and trusted entries do not hide others.
    pub fn lists_of(&self, text: &str) -> Vec<OnList> {
        let mut all = Vec::new();
        for (kind, sets) in [(ListKind::Trusted, &self.trusted), (ListKind::Threat, &self.threats)]
        {
            let mut listings = Vec::new();
            match canonical::address(text) {
                Some(address) => sets.address(address, &mut listings),
                None => {
                    sets.domain(text.trim(), &mut listings);
                    sets.url(text, &mut listings);
                    sets.digest(text, &mut listings);
                    let host = canonical::host_of(text).filter(|_| text.contains('/'));
                    if let Some(host) = host {
                        match canonical::address(host) {
                            Some(address) => sets.address(address, &mut listings),
                            None => sets.domain(host, &mut listings),
                        }
                    }
                }
            }
            all.extend(listings.into_iter().filter_map(|listing| {
                let list = self.lists.get(listing.list as usize)?;
                Some(OnList {
                    name: list.name.clone(),
                    kind,
                    category: list.category,
                    entry: listing.entry,
                    until_s: Some(listing.until_s).filter(|until| *until != u32::MAX),
                })
            }));
        }
        all
    }

    /// What a thread needs to inspect records.
    pub fn inspector(&self) -> Inspector {
        let scratches = self
            .rules
            .sources
            .iter()
            .map(|(_, source)| source.conditions.as_ref().map(|it| it.matcher.scratch()));
        Inspector { scratches: scratches.collect(), ..Inspector::default() }
    }

    /// Looks at every field of a record that can be on a list, and hands over what the rules say:
    /// one hit of each rule.
    pub fn inspect(
        &self,
        table: &Table,
        record: Record<'_>,
        inspector: &mut Inspector,
        hit: &mut dyn FnMut(Hit),
    ) {
        if self.is_empty() {
            return;
        }
        let Some((number, source)) = self.rules.source(&table.source) else { return };
        inspector.found.clear();
        let mut asked = false;
        for field in &source.fields {
            self.field(table, record, field, &mut |placed, matched| {
                if let Some(condition) = placed.condition {
                    if !asked {
                        ask(
                            source,
                            number,
                            record,
                            &mut inspector.scratches,
                            &mut inspector.holding,
                        );
                        asked = true;
                    }
                    if !inspector.holding.contains(&condition) {
                        return;
                    }
                }
                inspector
                    .found
                    .extend(matched.iter().map(|matched| (placed.rule, matched.clone())));
            });
        }
        if inspector.found.is_empty() {
            return;
        }
        // The order of a rule's reasons stays that of the record.
        inspector.found.sort_by_key(|(rule, _)| *rule);
        for group in inspector.found.chunk_by(|a, b| a.0 == b.0) {
            let head = group.first().and_then(|(rule, _)| self.rules.heads.get(*rule));
            let Some(head) = head else { continue };
            let mut matched: Vec<Matched> = Vec::with_capacity(group.len());
            for (_, one) in group {
                if !matched.contains(one) {
                    matched.push(one.clone());
                }
            }
            hit(Hit {
                content: Arc::clone(&head.content),
                severity: head.severity,
                weak: head.weak,
                entity: head.entity,
                matched,
            });
        }
    }

    /// Looks at one field: hands over every rule that a value of it concerns.
    fn field(
        &self,
        table: &Table,
        record: Record<'_>,
        field: &Field,
        take: &mut dyn FnMut(&Placed, &[Matched]),
    ) {
        for (path, name) in &field.paths {
            let mut present = false;
            path.each(record.root(), record, &mut |found| {
                present = true;
                self.value(table, record, field, name, &found, take);
                true
            });
            if present {
                return;
            }
        }
    }

    fn value(
        &self,
        table: &Table,
        record: Record<'_>,
        field: &Field,
        name: &Arc<str>,
        found: &Found<'_>,
        take: &mut dyn FnMut(&Placed, &[Matched]),
    ) {
        let text = found.text();
        let mut listings = Vec::new();
        match field.kind {
            ObservableKind::Address | ObservableKind::Host => {
                let alone = canonical::address(&text);
                let host = match field.kind {
                    ObservableKind::Host if alone.is_none() => {
                        canonical::host_of(&text).unwrap_or(&text)
                    }
                    _ => &text,
                };
                match alone.or_else(|| canonical::address(host)) {
                    Some(address) => {
                        if !self.address(address, &mut listings) {
                            return;
                        }
                        self.networks(address, field, name, &text, take);
                    }
                    None if field.kind == ObservableKind::Host => {
                        self.domain(host, &mut listings);
                    }
                    None => return,
                }
            }
            ObservableKind::Domain => self.domain(&text, &mut listings),
            ObservableKind::Url => self.url(&text, &mut listings),
            ObservableKind::Digest => self.threats.digest(&text, &mut listings),
        }
        if listings.is_empty() {
            return;
        }
        self.drop_ended(table, record, &mut listings);
        for listing in &listings {
            let Some(list) = self.lists.get(listing.list as usize) else { continue };
            let matched = [
                Matched::new(&list.name, name, Some(&text)),
                Matched::new(&list.name, ENTRY, Some(&listing.entry)),
            ];
            for (category, placed) in &field.lists {
                if *category == list.category {
                    take(placed, &matched);
                }
            }
        }
    }

    /// Whether anything can be raised about an address; adds what it is found on.
    fn address(&self, address: IpAddr, to: &mut Vec<Listing>) -> bool {
        let fine = !SpecialRange::of(address).is_some_and(SpecialRange::is_unlistable)
            && !self.trusted.has_address(address);
        if fine {
            self.threats.address(address, to);
        }
        fine
    }

    fn domain(&self, name: &str, to: &mut Vec<Listing>) {
        self.threats.domain(name, to);
        if !to.is_empty() && self.trusted.has_domain(name) {
            to.clear();
        }
    }

    fn url(&self, text: &str, to: &mut Vec<Listing>) {
        let Some(host) = canonical::host_of(text) else { return };
        match canonical::address(host) {
            Some(address) if !self.address(address, to) => return,
            Some(_) => {}
            None => {
                if self.trusted.has_domain(host) {
                    return;
                }
                self.threats.domain(host, to);
            }
        }
        self.threats.url(text, to);
    }

    fn networks(
        &self,
        address: IpAddr,
        field: &Field,
        name: &Arc<str>,
        text: &str,
        take: &mut dyn FnMut(&Placed, &[Matched]),
    ) {
        let Some(aws) = self.aws.as_ref().filter(|_| !field.networks.is_empty()) else { return };
        for (owner, placed) in &field.networks {
            match owner {
                NetworkOwner::OutsideAws => {
                    if aws.is_outside(address) {
                        take(placed, &[Matched::new(AWS_RANGES, name, Some(text))]);
                    }
                }
                NetworkOwner::AwsCompute => {
                    if let Some(region) = aws.compute(address) {
                        let matched = [
                            Matched::new(AWS_RANGES, name, Some(text)),
                            Matched::new(AWS_RANGES, ENTRY, Some(&format!("EC2 {region}"))),
                        ];
                        take(placed, &matched);
                    }
                }
            }
        }
    }

    /// Drops what had ended when the record was made. A record without a time is taken as of
    /// before every end.
    fn drop_ended(&self, table: &Table, record: Record<'_>, listings: &mut Vec<Listing>) {
        if listings.iter().all(|listing| listing.until_s == u32::MAX) {
            return;
        }
        let Some(time_us) = table.shared.time.micros(record) else { return };
        let time_s = time_us.div_euclid(1_000_000);
        listings
            .retain(|listing| listing.until_s == u32::MAX || time_s < i64::from(listing.until_s));
    }
}

fn ask(
    source: &SourceRules,
    number: usize,
    record: Record<'_>,
    scratches: &mut [Option<Scratch>],
    holding: &mut Vec<usize>,
) {
    holding.clear();
    if let (Some(conditions), Some(Some(scratch))) = (&source.conditions, scratches.get_mut(number))
    {
        holding.clear();
        holding.extend(conditions.hold(record, scratch));
    }
}
