//! How quickly a million entries of threat lists are asked, and what they take.
//! `cargo run --release -p yagura-judge --example bench_intelligence`
//!
//! Results are checked in `tests/it/intelligence.rs`, not here.

#![expect(clippy::print_stdout, reason = "an example prints its figures")]

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use yagura_content::Content;
use yagura_judge::intelligence::Intelligence;
use yagura_model::event::BatchBuilder;
use yagura_model::indicator::{
    AddressRange, DomainScope, Indicator, IndicatorList, Indicators, ListKind, ThreatCategory,
    Validity,
};

const ADDRESSES: u32 = 700_000;
const DOMAINS: u32 = 300_000;
const ASKED: u32 = 4_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut random = fastrand::Rng::with_seed(7);
    let lists = [list(&mut random)?];
    let from = Instant::now();
    let (intelligence, _) = Intelligence::new(Content::builtin(), &lists, None, None);
    println!(
        "{} entries: {} MB, built in {:.0} ms",
        lists.iter().map(|list| list.entries.len()).sum::<usize>(),
        intelligence.bytes_len() >> 20,
        from.elapsed().as_secs_f64() * 1e3,
    );
    let addresses: Vec<IpAddr> =
        (0..ASKED).map(|_| IpAddr::V4(Ipv4Addr::from_bits(random.u32(..)))).collect();
    let from = Instant::now();
    let found = addresses.iter().filter(|address| intelligence.is_listed(**address)).count();
    say("addresses", ASKED, from, found);
    let names: Vec<String> =
        (0..ASKED / 4).map(|n| format!("www{n}.shop-{}.example", n % 7)).collect();
    let from = Instant::now();
    let found = names.iter().filter(|name| intelligence.is_listed_domain(name)).count();
    say("domain names", ASKED / 4, from, found);
    records(&intelligence, &addresses)
}

fn records(intelligence: &Intelligence, addresses: &[IpAddr]) -> Result<(), Box<dyn Error>> {
    let mut builder = BatchBuilder::default();
    for address in addresses.iter().take(200_000) {
        let record = format!(
            r#"{{"version":"2","srcaddr":"10.0.1.5","dstaddr":"{address}","srcport":"49152",
                "dstport":"443","action":"ACCEPT","start":"1795237920"}}"#
        );
        builder.push_json(record.as_bytes())?;
    }
    let batch = builder.finish();
    let table = Content::builtin().sources.get("vpc_flow").ok_or("no such source")?.table();
    let mut inspector = intelligence.inspector();
    let mut hits = 0;
    let from = Instant::now();
    for record in &batch {
        intelligence.inspect(table, record, &mut inspector, &mut |_| hits += 1);
    }
    say("flow records", 200_000, from, hits);
    Ok(())
}

fn say(what: &str, count: u32, from: Instant, found: usize) {
    let rate = f64::from(count) / from.elapsed().as_secs_f64() / 1e6;
    println!("{rate:.1} million {what} a second ({found} found)");
}

fn list(random: &mut fastrand::Rng) -> Result<IndicatorList, Box<dyn Error>> {
    let mut entries = Indicators::default();
    for n in 0..ADDRESSES {
        let first = random.u32(0x0100_0000..0xdf00_0000);
        let range = AddressRange::V4 { first, last: first | (n % 4) };
        entries.push(Indicator::Range(range), Validity::default())?;
    }
    for n in 0..DOMAINS {
        let name = format!("host-{n}.bad-{}.example", n % 1000);
        entries.push(Indicator::Domain(&name, DomainScope::Whole), Validity::default())?;
    }
    Ok(IndicatorList {
        name: "feed".into(),
        kind: ListKind::Threat,
        category: ThreatCategory::C2,
        source: String::new(),
        fetched_at: None,
        licence: String::new(),
        entries,
    })
}
