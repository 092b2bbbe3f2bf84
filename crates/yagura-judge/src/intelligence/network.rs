//! Whose network an address is of: AWS's ranges, and databases in MaxMind's format.
//! Special addresses are in `special.rs`; lists in `sets.rs`.

use std::net::IpAddr;
use std::sync::Arc;

use maxminddb::{PathElement, Reader};
use yagura_analyze::intelligence::AwsRanges;
use yagura_model::indicator::AddressRange;

use super::ranges::{Held, RangeIndex};

/// What is known of an address. Everything may be unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    /// ISO 3166-1, two letters.
    pub country: Option<Arc<str>>,
    /// Degrees north and degrees east.
    pub place: Option<(f64, f64)>,
    /// The autonomous system's number.
    pub asn: Option<u32>,
    /// Whose autonomous system it is.
    pub organization: Option<Arc<str>>,
    /// Whether it is AWS's; none where AWS's ranges are not known.
    pub aws: Option<AwsPlace>,
    /// Whether it is known to be of a cloud, a proxy or the Tor network, which says nothing about
    /// a person's place.
    pub hosting: bool,
}

/// Whether an address is AWS's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AwsPlace {
    /// It is in none of AWS's ranges.
    Outside,
    /// It is in one of them; of several the one that names a service.
    Inside {
        /// The service as AWS names it there: `EC2`, `S3`; `AMAZON` for one that has no name.
        service: Arc<str>,
        /// The region; `GLOBAL` for services without one.
        region: Arc<str>,
    },
}

/// Why a database of places cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database in MaxMind's format cannot be read: {0}")]
pub struct GeoError(String);

/// Databases in MaxMind's format: their bytes, as they were read from the user's files.
pub struct Geo {
    place: Option<Reader<Vec<u8>>>,
    asn: Option<Reader<Vec<u8>>>,
}

impl std::fmt::Debug for Geo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = |reader: &Option<Reader<Vec<u8>>>| {
            reader.as_ref().map(|reader| reader.metadata().database_type.clone())
        };
        f.debug_struct("Geo").field("place", &of(&self.place)).field("asn", &of(&self.asn)).finish()
    }
}

impl Geo {
    /// A database of countries or cities, and one of autonomous systems.
    ///
    /// # Errors
    /// What is not a database in MaxMind's format.
    pub fn new(place: Option<Vec<u8>>, asn: Option<Vec<u8>>) -> Result<Self, GeoError> {
        let open = |bytes: Vec<u8>| {
            let error = |error: maxminddb::MaxMindDbError| {
                GeoError(error.to_string().chars().take(300).collect())
            };
            Reader::from_source(bytes).map_err(error)
        };
        Ok(Self { place: place.map(open).transpose()?, asn: asn.map(open).transpose()? })
    }

    fn fill(&self, address: IpAddr, network: &mut Network) {
        if let Some(found) = self.place.as_ref().and_then(|reader| reader.lookup(address).ok()) {
            let text = |path: &[PathElement<'_>]| found.decode_path::<String>(path).ok().flatten();
            let iso = || PathElement::Key("iso_code");
            let country = text(&[PathElement::Key("country"), iso()])
                .or_else(|| text(&[PathElement::Key("registered_country"), iso()]))
                .or_else(|| text(&[PathElement::Key("country_code")]))
                .filter(|code| code.len() == 2);
            network.country = country.map(Arc::from);
            let number = |name| {
                let path = [PathElement::Key("location"), PathElement::Key(name)];
                found.decode_path::<f64>(&path).ok().flatten()
            };
            network.place = number("latitude").zip(number("longitude"));
        }
        if let Some(found) = self.asn.as_ref().and_then(|reader| reader.lookup(address).ok()) {
            let number = [PathElement::Key("autonomous_system_number")];
            network.asn = found.decode_path(&number).ok().flatten();
            let name = [PathElement::Key("autonomous_system_organization")];
            let name: Option<String> = found.decode_path(&name).ok().flatten();
            network.organization = name.map(Arc::from);
        }
    }
}

/// AWS's ranges, to be looked up.
#[derive(Debug)]
pub(super) struct AwsIndex {
    v4: RangeIndex<u32>,
    v6: RangeIndex<u128>,
    /// Service and region, by the ranges' owners.
    names: Vec<(Arc<str>, Arc<str>)>,
}

impl AwsIndex {
    pub(super) fn new(ranges: &AwsRanges) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        let mut names: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        let mut numbers = std::collections::HashMap::new();
        for range in &ranges.ranges {
            let name = (ranges.service(range), ranges.region(range));
            let owner = *numbers.entry(name).or_insert_with(|| {
                names.push((Arc::from(name.0), Arc::from(name.1)));
                u32::try_from(names.len() - 1).unwrap_or(u32::MAX)
            });
            match range.range {
                AddressRange::V4 { first, last } => {
                    v4.push(Held { first, last, owner, until_s: u32::MAX });
                }
                AddressRange::V6 { first, last } => {
                    v6.push(Held { first, last, owner, until_s: u32::MAX });
                }
            }
        }
        Self { v4: RangeIndex::new(v4), v6: RangeIndex::new(v6), names }
    }

    /// The services and regions that an address is of, the narrowest range first.
    fn names(&self, address: IpAddr) -> impl Iterator<Item = &(Arc<str>, Arc<str>)> {
        let (v4, v6) = match address {
            IpAddr::V4(address) => (Some(self.v4.find(address.to_bits())), None),
            IpAddr::V6(address) => (None, Some(self.v6.find(address.to_bits()))),
        };
        let v4 = v4.into_iter().flatten().map(|held| held.owner);
        let v6 = v6.into_iter().flatten().map(|held| held.owner);
        v4.chain(v6).filter_map(|owner| self.names.get(owner as usize))
    }

    pub(super) fn is_outside(&self, address: IpAddr) -> bool {
        self.names(address).next().is_none()
    }

    /// Whether instances have such addresses; with the region.
    pub(super) fn compute(&self, address: IpAddr) -> Option<&Arc<str>> {
        self.names(address).find(|(service, _)| &**service == "EC2").map(|(_, region)| region)
    }

    fn place(&self, address: IpAddr) -> AwsPlace {
        let mut place = AwsPlace::Outside;
        for (service, region) in self.names(address) {
            if place == AwsPlace::Outside || &**service != "AMAZON" {
                place =
                    AwsPlace::Inside { service: Arc::clone(service), region: Arc::clone(region) };
            }
            if &**service != "AMAZON" {
                break;
            }
        }
        place
    }

    pub(super) fn bytes_len(&self) -> usize {
        self.v4.bytes_len() + self.v6.bytes_len()
    }
}

/// What is known of an address of the public internet.
pub(super) fn network_of(address: IpAddr, geo: Option<&Geo>, aws: Option<&AwsIndex>) -> Network {
    let mut network = Network::default();
    if let Some(geo) = geo {
        geo.fill(address, &mut network);
    }
    network.aws = aws.map(|aws| aws.place(address));
    network.hosting = matches!(network.aws, Some(AwsPlace::Inside { .. }));
    network
}
