//! Paths of the lake: Hive partitions, the manifest's folder, staging, quarantine.
//! Names with `_` in front are ignored by Hive, Spark, Trino and Athena.

use jiff::civil::Date;

/// Numbered commits.
pub(crate) const COMMITS: &str = "_yagura/commits";
/// Sums of commits.
pub(crate) const CHECKPOINTS: &str = "_yagura/checkpoints";
/// What writers have not committed yet, a folder for each.
pub(crate) const STAGING: &str = "_yagura/staging";
/// Pieces that could not be read as records.
pub(crate) const QUARANTINE: &str = "_quarantine";
/// The account of rows whose record names none.
pub const ACCOUNT_UNKNOWN: &str = "unknown";
/// Longest name of an account that is taken as it is.
const ACCOUNT_BYTES_MAX: usize = 64;

/// The folder of a partition, without a slash at its end.
pub(crate) fn partition_path(source: &str, day: Date, account: &str) -> String {
    format!("source={source}/day={day}/account={account}")
}

/// The last part of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The partition value of an account. What is not made of letters, digits, `-` and `_` would
/// need an escape that engines disagree on; such rows go to [`ACCOUNT_UNKNOWN`] and keep the name
/// in `raw`.
pub(crate) fn account_value(account: Option<&str>) -> &str {
    let plain = |name: &&str| {
        (1..=ACCOUNT_BYTES_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    account.filter(plain).unwrap_or(ACCOUNT_UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_is_no_plain_name_is_unknown() {
        let check = |account: Option<&str>, expected: &str| {
            assert_eq!(account_value(account), expected, "{account:?}");
        };
        check(Some("123456789012"), "123456789012");
        check(None, ACCOUNT_UNKNOWN);
        check(Some(""), ACCOUNT_UNKNOWN);
        check(Some("../../etc"), ACCOUNT_UNKNOWN);
        check(Some("a=b"), ACCOUNT_UNKNOWN);
        check(Some("名"), ACCOUNT_UNKNOWN);
        check(Some(&"1".repeat(65)), ACCOUNT_UNKNOWN);
    }
}
