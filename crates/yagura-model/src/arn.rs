//! Amazon Resource Names, split into their six parts.
//! What a service puts into the resource part is not interpreted here.

use std::fmt;
use std::str::FromStr;

/// An Amazon Resource Name: `arn:partition:service:region:account:resource`.
///
/// Region and account may be empty (`arn:aws:s3:::bucket`); the resource part keeps every further
/// colon. Source: IAM User Guide, "Amazon Resource Names (ARNs)", seen 2026-11.
///
/// ```
/// let arn: yagura_model::Arn = "arn:aws:sns:ap-northeast-1:111122223333:alerts".parse().unwrap();
/// assert_eq!(arn.service, "sns");
/// assert_eq!(arn.resource, "alerts");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Arn {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// The service namespace, as in IAM actions.
    pub service: String,
    /// Empty for global resources.
    pub region: String,
    /// Twelve digits, `aws` for AWS's own, or empty.
    pub account: String,
    /// Everything after the fifth colon.
    pub resource: String,
}

/// Why a text is not an ARN.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not an ARN (arn:partition:service:region:account:resource)")]
pub struct ArnError(String);

impl FromStr for Arn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || ArnError(text.chars().take(200).collect());
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().map(str::to_owned).ok_or_else(fail);
        if next()? != "arn" {
            return Err(fail());
        }
        let arn = Self {
            partition: next()?,
            service: next()?,
            region: next()?,
            account: next()?,
            resource: next()?,
        };
        if arn.partition.is_empty() || arn.service.is_empty() || arn.resource.is_empty() {
            return Err(fail());
        }
        Ok(arn)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_part_keeps_its_colons() {
        let text = "arn:aws:logs:us-east-1:111122223333:log-group:/app:*";
        let arn: Arn = text.parse().unwrap();
        assert_eq!(arn.resource, "log-group:/app:*");
        assert_eq!(arn.to_string(), text);
    }

    #[test]
    fn what_is_no_arn_is_refused() {
        for text in ["", "arn", "arn:aws:s3", "urn:aws:s3:::b", "arn:aws:s3:::", "arn::s3:::b"] {
            assert!(text.parse::<Arn>().is_err(), "{text}");
        }
    }
}
