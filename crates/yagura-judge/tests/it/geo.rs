//! Databases in MaxMind's format, as users bring them: made here byte by byte, whole and damaged.
//! What is done with countries and networks is tested with the behaviours.

use std::net::IpAddr;

use yagura_content::Content;
use yagura_judge::intelligence::{Geo, Intelligence, Network};

/// A value as the format writes it (MaxMind DB file format specification, version 2.0).
enum Item {
    Text(&'static str),
    Short(u16),
    Number(u32),
    Long(u64),
    Real(f64),
    List,
    Map(Vec<(&'static str, Item)>),
}

fn write(item: &Item, to: &mut Vec<u8>) {
    let head = |kind: u8, size: usize| (kind << 5) | u8::try_from(size).unwrap();
    match item {
        Item::Text(text) => {
            // Texts from 29 bytes on have their length in a byte of its own.
            assert!(text.len() < 29 + 256);
            match text.len().checked_sub(29) {
                None => to.push(head(2, text.len())),
                Some(more) => to.extend([head(2, 29), u8::try_from(more).unwrap()]),
            }
            to.extend(text.bytes());
        }
        Item::Real(number) => {
            to.push(head(3, 8));
            to.extend(number.to_be_bytes());
        }
        Item::Short(number) => {
            to.push(head(5, 2));
            to.extend(number.to_be_bytes());
        }
        Item::Number(number) => {
            to.push(head(6, 4));
            to.extend(number.to_be_bytes());
        }
        Item::Long(number) => {
            to.extend([head(0, 8), 2]);
            to.extend(number.to_be_bytes());
        }
        Item::List => to.extend([head(0, 0), 4]),
        Item::Map(members) => {
            to.push(head(7, members.len()));
            for (name, value) in members {
                write(&Item::Text(name), to);
                write(value, to);
            }
        }
    }
}

/// A database that knows one block of 24 bits.
fn database(block: [u8; 3], kind: &'static str, item: &Item) -> Vec<u8> {
    let nodes = 24_u32;
    let mut bytes = Vec::new();
    for at in 0..nodes {
        let bit = block[at as usize / 8] >> (7 - at % 8) & 1;
        let next = if at + 1 == nodes { nodes + 16 } else { at + 1 };
        let records = if bit == 0 { [next, nodes] } else { [nodes, next] };
        for record in records {
            bytes.extend(&record.to_be_bytes()[1..]);
        }
    }
    bytes.extend([0; 16]);
    write(item, &mut bytes);
    bytes.extend(b"\xab\xcd\xefMaxMind.com");
    let metadata = Item::Map(vec![
        ("node_count", Item::Number(nodes)),
        ("record_size", Item::Short(24)),
        ("ip_version", Item::Short(4)),
        ("database_type", Item::Text(kind)),
        ("languages", Item::List),
        ("binary_format_major_version", Item::Short(2)),
        ("binary_format_minor_version", Item::Short(0)),
        ("build_epoch", Item::Long(1_795_237_200)),
        ("description", Item::Map(Vec::new())),
    ]);
    write(&metadata, &mut bytes);
    bytes
}

fn city() -> Vec<u8> {
    let item = Item::Map(vec![
        ("country", Item::Map(vec![("iso_code", Item::Text("JP"))])),
        (
            "location",
            Item::Map(vec![("latitude", Item::Real(35.68)), ("longitude", Item::Real(139.69))]),
        ),
    ]);
    database([203, 0, 113], "GeoLite2-City", &item)
}

fn asn() -> Vec<u8> {
    let item = Item::Map(vec![
        ("autonomous_system_number", Item::Number(64_500)),
        ("autonomous_system_organization", Item::Text("Example Networks")),
    ]);
    database([203, 0, 113], "GeoLite2-ASN", &item)
}

fn network(geo: Geo, address: &str) -> Network {
    let (intelligence, _) = Intelligence::new(Content::builtin(), &[], Some(geo), None);
    intelligence.network_of(address.parse::<IpAddr>().unwrap())
}

#[test]
fn an_address_has_a_country_a_place_and_a_network() {
    let geo = || Geo::new(Some(city()), Some(asn())).unwrap();
    let known = network(geo(), "203.0.113.7");
    assert_eq!(known.country.as_deref(), Some("JP"));
    assert_eq!(known.place, Some((35.68, 139.69)));
    assert_eq!(
        (known.asn, known.organization.as_deref()),
        (Some(64_500), Some("Example Networks"))
    );
    assert_eq!(network(geo(), "198.51.100.7"), Network::default());
    // A database of IPv4 alone knows nothing of IPv6, and says so by silence.
    assert_eq!(network(geo(), "2001:db8::1"), Network::default());
}

#[test]
fn a_database_of_another_kind_tells_what_it_has() {
    let item = Item::Map(vec![("country_code", Item::Text("SE"))]);
    let geo = Geo::new(Some(database([203, 0, 113], "other", &item)), None).unwrap();
    assert_eq!(network(geo, "203.0.113.7").country.as_deref(), Some("SE"));
    let item = Item::Map(vec![("country", Item::Text("Sweden"))]);
    let geo = Geo::new(Some(database([203, 0, 113], "other", &item)), None).unwrap();
    assert_eq!(network(geo, "203.0.113.7"), Network::default());
}

#[test]
fn what_is_no_database_is_refused_and_a_damaged_one_is_silent() {
    for bytes in [Vec::new(), b"not a database".to_vec(), city()[..40].to_vec()] {
        assert!(Geo::new(Some(bytes), None).is_err());
    }
    let whole = city();
    for at in (0..whole.len()).step_by(3) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        if let Ok(geo) = Geo::new(Some(damaged), None) {
            let _ = network(geo, "203.0.113.7");
        }
    }
}
