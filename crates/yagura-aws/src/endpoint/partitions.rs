//! The partitions of AWS (`aws`, `aws-cn`, `aws-us-gov`, …), their regions and DNS names.
//! Which regions an account has enabled is asked of AWS, not of this table.

use serde_json::Value;

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub id: Box<str>,
    /// What ends its host names (`amazonaws.com`).
    pub dns_suffix: Box<str>,
    /// What ends its dual-stack host names (`api.aws`).
    pub dual_stack_dns_suffix: Box<str>,
    /// The region where services without regions live (`us-east-1`).
    pub implicit_global_region: Box<str>,
    /// Whether it has FIPS endpoints.
    pub supports_fips: bool,
    /// Whether it has dual-stack endpoints.
    pub supports_dual_stack: bool,
    /// The regions AWS lists, without the pseudo-region `…-global`.
    pub regions: Vec<Box<str>>,
    /// The pseudo-regions (`aws-global`).
    global_regions: Vec<Box<str>>,
    pattern: RegionPattern,
}

/// All partitions, the default one (`aws`) first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partitions {
    all: Vec<Partition>,
}

impl Partitions {
    pub(crate) fn parse(value: &Value) -> Result<Partitions, String> {
        let list = value.get("partitions").and_then(Value::as_array);
        let list = list.ok_or("the partitions are not a list")?;
        let all = list
            .iter()
            .map(|partition| parse_partition(partition).ok_or("a partition lacks a member"))
            .collect::<Result<Vec<_>, _>>()?;
        if all.is_empty() {
            return Err("there is no partition".to_owned());
        }
        Ok(Partitions { all })
    }

    /// All partitions, the default one first.
    pub fn iter(&self) -> impl Iterator<Item = &Partition> {
        self.all.iter()
    }

    /// The partition with this id.
    #[must_use]
    pub fn partition(&self, id: &str) -> Option<&Partition> {
        self.all.iter().find(|partition| &*partition.id == id)
    }

    /// The partition of a region: one that lists it or whose pattern it fits; `None` if it is
    /// like no region of any partition.
    #[must_use]
    pub fn of_region(&self, region: &str) -> Option<&Partition> {
        self.all.iter().find(|partition| partition.has(region))
    }

    /// As the endpoint rules want it: the default partition for what no partition knows.
    pub(crate) fn of_region_or_default(&self, region: &str) -> Option<&Partition> {
        self.of_region(region).or_else(|| self.all.first())
    }
}

impl Partition {
    fn has(&self, region: &str) -> bool {
        self.regions.iter().chain(&self.global_regions).any(|known| &**known == region)
            || self.pattern.fits(region)
    }
}

fn parse_partition(value: &Value) -> Option<Partition> {
    let outputs = value.get("outputs")?;
    let text = |value: &Value, name: &str| value.get(name)?.as_str().map(Box::<str>::from);
    let flag = |name: &str| outputs.get(name).and_then(Value::as_bool);
    let names = value.get("regions")?.as_object()?.keys();
    let (global, regions): (Vec<&str>, Vec<&str>) =
        names.map(String::as_str).partition(|name| name.ends_with("-global"));
    let boxed = |names: Vec<&str>| names.into_iter().map(Box::from).collect();
    Some(Partition {
        id: text(value, "id")?,
        dns_suffix: text(outputs, "dnsSuffix")?,
        dual_stack_dns_suffix: text(outputs, "dualStackDnsSuffix")?,
        implicit_global_region: text(outputs, "implicitGlobalRegion")?,
        supports_fips: flag("supportsFIPS")?,
        supports_dual_stack: flag("supportsDualStack")?,
        regions: boxed(regions),
        global_regions: boxed(global),
        pattern: RegionPattern::parse(value.get("regionRegex")?.as_str()?)?,
    })
}

/// A `regionRegex` such as `^(us|eu)\-\w+\-\d+$` or `^us\-isof\-\w+\-\d+$`.
///
/// All of AWS's patterns have this form: literal parts, at most one group of alternatives,
/// then `\w+` and `\d+`; a regex engine would be a dependency for seven lines.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RegionPattern {
    prefixes: Vec<String>,
}

impl RegionPattern {
    fn parse(regex: &str) -> Option<RegionPattern> {
        let inner = regex.strip_prefix('^')?.strip_suffix("\\-\\w+\\-\\d+$")?;
        let plain = inner.replace("\\-", "-");
        let prefixes = match plain.split_once('(') {
            Some((before, rest)) => {
                let (group, after) = rest.split_once(')')?;
                group.split('|').map(|name| format!("{before}{name}{after}-")).collect()
            }
            None => vec![format!("{plain}-")],
        };
        let simple = |prefix: &String| {
            prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        prefixes.iter().all(simple).then_some(RegionPattern { prefixes })
    }

    fn fits(&self, region: &str) -> bool {
        self.prefixes.iter().any(|prefix| {
            let rest = region.strip_prefix(prefix.as_str());
            let Some((word, number)) = rest.and_then(|rest| rest.split_once('-')) else {
                return false;
            };
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            !word.is_empty()
                && word.chars().all(is_word)
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_accept_new_regions_and_nothing_else() {
        let pattern = RegionPattern::parse("^(us|eu)\\-\\w+\\-\\d+$").unwrap();
        for (region, fits) in [
            ("us-east-1", true),
            ("eu-moon-12", true),
            ("us-gov-east-1", false),
            ("us-east-", false),
            ("us--1", false),
            ("xx-east-1", false),
            ("us-east-1.evil.example", false),
        ] {
            assert_eq!(pattern.fits(region), fits, "{region}");
        }
        let pattern = RegionPattern::parse("^eusc\\-(de)\\-\\w+\\-\\d+$").unwrap();
        assert!(pattern.fits("eusc-de-east-1") && !pattern.fits("eusc-fr-east-1"));
        assert!(RegionPattern::parse("^.*$").is_none());
    }
}
