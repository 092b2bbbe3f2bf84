//! What the names of CloudTrail's files tell: account, region, trail, time, kind.
//! Names are claims: what a file really is, its digest says.

use jiff::Timestamp;

/// The name of a digest file:
/// `ACCT_CloudTrail-Digest_REGION_TRAIL_HOMEREGION_YYYYMMDDTHHMMSSZ[_backfill].json.gz`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DigestName {
    /// Twelve digits.
    pub account: String,
    /// The region whose log files it lists.
    pub region: String,
    /// The trail's name.
    pub trail: String,
    /// The region that the trail was made in.
    pub home_region: String,
    /// It was written later, for log files that the first digest of their hour missed. Such
    /// digests form a chain of their own.
    pub backfill: bool,
    /// The end of its hour.
    pub end: Timestamp,
}

/// The name of a log file: `ACCT_KIND_REGION_YYYYMMDDTHHMMZ_RANDOM.json.gz`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogName {
    /// Twelve digits.
    pub account: String,
    /// `CloudTrail`, `CloudTrail-Insight`, `CloudTrail-NetworkActivity`, …
    pub kind: String,
    /// The region of its events.
    pub region: String,
    /// When it was delivered, to the minute.
    pub delivered: Timestamp,
}

fn file_of(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

fn time(format: &str, text: &str) -> Option<Timestamp> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits + 2 != text.len() {
        return None;
    }
    let parsed = jiff::civil::DateTime::strptime(format, text).ok()?;
    Some(parsed.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl DigestName {
    /// Reads the last part of a key. The trail's name may hold underscores, the others not.
    pub fn parse(key: &str) -> Option<Self> {
        let stem = file_of(key).strip_suffix(".json.gz")?;
        let (stem, backfill) = match stem.strip_suffix("_backfill") {
            Some(stem) => (stem, true),
            None => (stem, false),
        };
        let (rest, end) = stem.rsplit_once('_')?;
        let (rest, home_region) = rest.rsplit_once('_')?;
        let (account, rest) = rest.split_once("_CloudTrail-Digest_")?;
        let (region, trail) = rest.split_once('_')?;
        (is_account(account) && !trail.is_empty()).then_some(())?;
        Some(Self {
            account: account.to_owned(),
            region: region.to_owned(),
            trail: trail.to_owned(),
            home_region: home_region.to_owned(),
            backfill,
            end: time("%Y%m%dT%H%M%SZ", end)?,
        })
    }
}

impl LogName {
    /// Reads the last part of a key.
    pub fn parse(key: &str) -> Option<Self> {
        let stem = file_of(key).strip_suffix(".json.gz")?;
        let mut parts = stem.splitn(5, '_');
        let (account, kind) = (parts.next()?, parts.next()?);
        let (region, delivered) = (parts.next()?, parts.next()?);
        let random = parts.next()?;
        (is_account(account) && kind.starts_with("CloudTrail") && !random.is_empty())
            .then_some(())?;
        (kind != "CloudTrail-Digest").then_some(())?;
        Some(Self {
            account: account.to_owned(),
            kind: kind.to_owned(),
            region: region.to_owned(),
            delivered: time("%Y%m%dT%H%MZ", delivered)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_digest_tells_its_chain_and_hour() {
        let check = |key: &str, trail: &str, backfill: bool| {
            let name = DigestName::parse(key).unwrap();
            assert_eq!(
                (name.account.as_str(), name.region.as_str()),
                ("111122223333", "us-east-1")
            );
            assert_eq!((name.trail.as_str(), name.home_region.as_str()), (trail, "eu-west-1"));
            assert_eq!(name.backfill, backfill, "{key}");
            assert_eq!(name.end.to_string(), "2026-11-21T10:05:00Z");
        };
        let folder = "p/AWSLogs/o-abc/111122223333/CloudTrail-Digest/us-east-1/2026/11/21/";
        let start = "111122223333_CloudTrail-Digest_us-east-1_";
        let end = "_eu-west-1_20261121T100500Z";
        check(&format!("{folder}{start}main{end}.json.gz"), "main", false);
        check(&format!("{start}a_b-c.d{end}.json.gz"), "a_b-c.d", false);
        check(&format!("{start}x_backfill{end}_backfill.json.gz"), "x_backfill", true);
    }

    #[test]
    fn other_names_are_no_digests_and_no_logs() {
        for key in [
            "",
            "111122223333_CloudTrail-Digest_us-east-1_t_eu-west-1_20261121T100500Z.json",
            "1_CloudTrail-Digest_us-east-1_t_eu-west-1_20261121T100500Z.json.gz",
            "111122223333_CloudTrail-Digest_us-east-1_t_eu-west-1_20261321T100500Z.json.gz",
            "111122223333_CloudTrail-Digest_us-east-1_20261121T100500Z.json.gz",
            "111122223333_CloudTrail_us-east-1_20261121T1005Z_abc.json.gz",
        ] {
            assert_eq!(DigestName::parse(key), None, "{key}");
        }
        for key in [
            "111122223333_CloudTrail-Digest_us-east-1_t_eu-west-1_20261121T100500Z.json.gz",
            "111122223333_CloudTrail_us-east-1_20261121T1005Z.json.gz",
            "111122223333_vpcflowlogs_us-east-1_20261121T1005Z_abc.json.gz",
        ] {
            assert_eq!(LogName::parse(key), None, "{key}");
        }
    }

    #[test]
    fn the_name_of_a_log_tells_kind_and_minute() {
        let key = "AWSLogs/111122223333/CloudTrail-Insight/us-east-1/2026/11/21/\
                   111122223333_CloudTrail-Insight_us-east-1_20261121T1005Z_aB3.json.gz";
        let name = LogName::parse(key).unwrap();
        assert_eq!(name.kind, "CloudTrail-Insight");
        assert_eq!(name.delivered.to_string(), "2026-11-21T10:05:00Z");
    }
}
