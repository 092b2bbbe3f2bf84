//! AWS's own addresses: `ip-ranges.json`, as AWS publishes it.
//! Whether an address is in one of them is looked up in `yagura-judge`.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use yagura_model::indicator::AddressRange;

use super::{ListFault, entry};

/// Ranges of one file. AWS publishes some fourteen thousand (2026-11).
const RANGES_MAX: usize = 1_000_000;

/// The ranges of AWS.
#[derive(Clone, Debug, Default)]
pub struct AwsRanges {
    /// When AWS made the file.
    pub created_at: Option<Timestamp>,
    /// The ranges, in the order of the file. Those of one service lie within those of `AMAZON`.
    pub ranges: Vec<AwsRange>,
    /// Entries that could not be read.
    pub bad_total: u64,
    names: Vec<String>,
}

/// One range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AwsRange {
    /// The addresses.
    pub range: AddressRange,
    region: u32,
    service: u32,
}

impl AwsRanges {
    /// The region of a range; `GLOBAL` for services without one.
    pub fn region(&self, range: &AwsRange) -> &str {
        self.names.get(range.region as usize).map_or("", String::as_str)
    }

    /// The service of a range as AWS names it there: `EC2`, `S3`, `AMAZON` for any.
    pub fn service(&self, range: &AwsRange) -> &str {
        self.names.get(range.service as usize).map_or("", String::as_str)
    }
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "createDate", default)]
    created: Option<String>,
    prefixes: Vec<Prefix>,
    #[serde(default)]
    ipv6_prefixes: Vec<Prefix>,
}

#[derive(Deserialize)]
struct Prefix {
    #[serde(alias = "ipv6_prefix", default)]
    ip_prefix: String,
    #[serde(default)]
    region: String,
    #[serde(default)]
    service: String,
}

/// Reads `ip-ranges.json` ("AWS IP address ranges", VPC user guide, seen 2026-11).
///
/// # Errors
/// What is not such a file, ends in the middle, or names no range.
pub fn read_aws_ranges(bytes: &[u8]) -> Result<AwsRanges, ListFault> {
    if bytes.len() > super::LIST_BYTES_MAX {
        return Err(ListFault::Large);
    }
    let file: File = serde_json::from_slice(bytes).map_err(|error| ListFault::Form {
        format: "JSON",
        line: error.line() as u64,
        column: error.column() as u64,
        what: error.to_string().split(" at line ").next().unwrap_or_default().to_owned(),
    })?;
    let mut ranges =
        AwsRanges { created_at: file.created.as_deref().and_then(created), ..AwsRanges::default() };
    let mut numbers: HashMap<String, u32> = HashMap::new();
    for prefix in file.prefixes.into_iter().chain(file.ipv6_prefixes).take(RANGES_MAX) {
        let Ok(Some(range)) = entry::range(&prefix.ip_prefix) else {
            ranges.bad_total += 1;
            continue;
        };
        let mut number = |name: String| {
            *numbers.entry(name).or_insert_with_key(|name| {
                ranges.names.push(name.clone());
                u32::try_from(ranges.names.len() - 1).unwrap_or(u32::MAX)
            })
        };
        let (region, service) = (number(prefix.region), number(prefix.service));
        ranges.ranges.push(AwsRange { range, region, service });
    }
    if ranges.ranges.is_empty() {
        return Err(ListFault::Foreign { format: "AWS's ip-ranges.json" });
    }
    Ok(ranges)
}

/// `2026-11-21-05-12-01`, in UTC.
fn created(text: &str) -> Option<Timestamp> {
    let time = jiff::civil::DateTime::strptime("%Y-%m-%d-%H-%M-%S", text).ok()?;
    time.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_keep_region_and_service() {
        let file = br#"{"syncToken":"1","createDate":"2026-11-21-05-12-01","prefixes":[
            {"ip_prefix":"3.5.140.0/22","region":"ap-northeast-2","service":"AMAZON",
             "network_border_group":"ap-northeast-2"},
            {"ip_prefix":"3.5.140.0/22","region":"ap-northeast-2","service":"S3"},
            {"ip_prefix":"nonsense","region":"x","service":"y"}],
            "ipv6_prefixes":[{"ipv6_prefix":"2a05:d07a:a000::/40","region":"eu-south-1",
             "service":"EC2"}]}"#;
        let ranges = read_aws_ranges(file).unwrap();
        let shown: Vec<String> = ranges
            .ranges
            .iter()
            .map(|r| format!("{} {} {}", r.range, ranges.region(r), ranges.service(r)))
            .collect();
        assert_eq!(
            shown,
            [
                "3.5.140.0/22 ap-northeast-2 AMAZON",
                "3.5.140.0/22 ap-northeast-2 S3",
                "2a05:d07a:a000::/40 eu-south-1 EC2",
            ]
        );
        assert_eq!(ranges.bad_total, 1);
        assert_eq!(ranges.created_at.unwrap().to_string(), "2026-11-21T05:12:01Z");
    }

    #[test]
    fn half_a_file_and_another_file_are_refused() {
        let half = br#"{"createDate":"x","prefixes":[{"ip_prefix":"3.5.140.0/22","#;
        assert!(matches!(read_aws_ranges(half), Err(ListFault::Form { .. })));
        assert!(matches!(read_aws_ranges(b"<html>"), Err(ListFault::Form { .. })));
        let none = read_aws_ranges(br#"{"prefixes":[]}"#);
        assert!(matches!(none, Err(ListFault::Foreign { .. })));
    }
}
