//! The functions that endpoint rules may call.
//! When they are called is in `rules.rs`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::endpoint::rules::Var;
use crate::endpoint::{Partition, Partitions};

/// What `uriEncode` leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    IsSet,
    Not,
    GetAttr,
    BooleanEquals,
    StringEquals,
    ParseUrl,
    UriEncode,
    Substring,
    IsValidHostLabel,
    Partition,
    ParseArn,
    IsVirtualHostableBucket,
}

/// The parts of an ARN.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Arn {
    partition: String,
    service: String,
    region: String,
    account: String,
    resource: Vec<String>,
}

/// The parts of a URL without a query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Url {
    pub(crate) scheme: String,
    pub(crate) authority: String,
    pub(crate) path: String,
}

impl Function {
    pub(crate) fn parse(name: &str) -> Option<Function> {
        Some(match name {
            "isSet" => Function::IsSet,
            "not" => Function::Not,
            "getAttr" => Function::GetAttr,
            "booleanEquals" => Function::BooleanEquals,
            "stringEquals" => Function::StringEquals,
            "parseURL" => Function::ParseUrl,
            "uriEncode" => Function::UriEncode,
            "substring" => Function::Substring,
            "isValidHostLabel" => Function::IsValidHostLabel,
            "aws.partition" => Function::Partition,
            "aws.parseArn" => Function::ParseArn,
            "aws.isVirtualHostableS3Bucket" => Function::IsVirtualHostableBucket,
            _ => return None,
        })
    }

    pub(crate) fn call<'a>(self, arguments: &[Var<'a>], partitions: &'a Partitions) -> Var<'a> {
        let text = |index: usize| match arguments.get(index) {
            Some(Var::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let truth = |index: usize| matches!(arguments.get(index), Some(Var::Bool(true)));
        let number = |index: usize| text(index).and_then(|text| text.parse::<usize>().ok());
        let or_none = |value: Option<Var<'a>>| value.unwrap_or(Var::None);
        let first = arguments.first().unwrap_or(&Var::None);
        match self {
            Function::IsSet => Var::Bool(*first != Var::None),
            Function::Not => Var::Bool(matches!(first, Var::None | Var::Bool(false))),
            Function::GetAttr => text(1).map_or(Var::None, |path| attribute(first, path)),
            // An unset optional parameter equals nothing.
            Function::BooleanEquals | Function::StringEquals => {
                Var::Bool(*first != Var::None && arguments.get(1) == Some(first))
            }
            Function::ParseUrl => or_none(text(0).and_then(parse_url).map(Var::Url)),
            Function::UriEncode => or_none(
                text(0).map(|text| Var::Text(utf8_percent_encode(text, UNRESERVED).to_string())),
            ),
            Function::Substring => or_none((|| {
                let part = substring(text(0)?, number(1)?, number(2)?, truth(3))?;
                Some(Var::Text(part.to_owned()))
            })()),
            Function::IsValidHostLabel => {
                Var::Bool(text(0).is_some_and(|text| is_host_label(text, truth(1))))
            }
            Function::Partition => or_none(
                text(0)
                    .and_then(|region| partitions.of_region_or_default(region))
                    .map(Var::Partition),
            ),
            Function::ParseArn => or_none(text(0).and_then(parse_arn).map(Var::Arn)),
            Function::IsVirtualHostableBucket => {
                Var::Bool(text(0).is_some_and(|text| is_virtual_hostable(text, truth(1))))
            }
        }
    }
}

/// What a path such as `resourceId[1]` or `dnsSuffix` picks.
pub(crate) fn attribute<'a>(value: &Var<'_>, path: &str) -> Var<'a> {
    let (name, index) = match path.split_once('[') {
        Some((name, rest)) => (name, rest.strip_suffix(']').and_then(|i| i.parse().ok())),
        None => (path, None::<usize>),
    };
    let text = |text: &str| Var::Text(text.to_owned());
    match (value, name, index) {
        (Var::List(list), "", Some(index)) => list.get(index).map_or(Var::None, |t| text(t)),
        (Var::Arn(arn), "resourceId", Some(index)) => {
            arn.resource.get(index).map_or(Var::None, |part| text(part))
        }
        (Var::Arn(arn), "resourceId", None) => Var::List(arn.resource.clone()),
        (Var::Arn(arn), "partition", None) => text(&arn.partition),
        (Var::Arn(arn), "service", None) => text(&arn.service),
        (Var::Arn(arn), "region", None) => text(&arn.region),
        (Var::Arn(arn), "accountId", None) => text(&arn.account),
        (Var::Url(url), "scheme", None) => text(&url.scheme),
        (Var::Url(url), "authority", None) => text(&url.authority),
        (Var::Url(url), "path", None) => text(&url.path),
        (Var::Url(url), "normalizedPath", None) => Var::Text(url.normalized_path()),
        (Var::Url(url), "isIp", None) => Var::Bool(url.is_ip()),
        (Var::Partition(partition), name, None) => partition_attribute(partition, name),
        _ => Var::None,
    }
}

fn partition_attribute<'a>(partition: &Partition, name: &str) -> Var<'a> {
    match name {
        "name" => Var::Text(partition.id.to_string()),
        "dnsSuffix" => Var::Text(partition.dns_suffix.to_string()),
        "dualStackDnsSuffix" => Var::Text(partition.dual_stack_dns_suffix.to_string()),
        "implicitGlobalRegion" => Var::Text(partition.implicit_global_region.to_string()),
        "supportsFIPS" => Var::Bool(partition.supports_fips),
        "supportsDualStack" => Var::Bool(partition.supports_dual_stack),
        _ => Var::None,
    }
}

pub(crate) fn parse_url(text: &str) -> Option<Url> {
    let (scheme, rest) = text.split_once("://")?;
    if !matches!(scheme, "http" | "https") || rest.contains(['?', '#']) {
        return None;
    }
    let (authority, path) = match rest.find('/') {
        Some(position) => rest.split_at(position),
        None => (rest, ""),
    };
    let plain = authority.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let host = host_of(authority)?;
    (plain && !host.is_empty() && !authority.contains('@')).then(|| Url {
        scheme: scheme.to_owned(),
        authority: authority.to_owned(),
        path: path.to_owned(),
    })
}

/// The host of an authority without its port; `None` if the port is not a number.
fn host_of(authority: &str) -> Option<&str> {
    if authority.starts_with('[') {
        let (host, port) = authority.split_at(authority.find(']')? + 1);
        let is_port = port.is_empty() || port.strip_prefix(':')?.parse::<u16>().is_ok();
        return is_port.then_some(host);
    }
    match authority.rsplit_once(':') {
        Some((host, port)) => port.parse::<u16>().is_ok().then_some(host),
        None => Some(authority),
    }
}

impl Url {
    fn normalized_path(&self) -> String {
        let mut path = self.path.clone();
        if !path.ends_with('/') {
            path.push('/');
        }
        path
    }

    fn is_ip(&self) -> bool {
        let host = host_of(&self.authority).unwrap_or_default();
        host.parse::<std::net::Ipv4Addr>().is_ok()
            || host
                .strip_prefix('[')
                .and_then(|host| host.strip_suffix(']'))
                .is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok())
    }
}

fn parse_arn(text: &str) -> Option<Arn> {
    let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
    let mut next = || parts.next().map(str::to_owned);
    let (partition, service, region, account, resource) =
        (next()?, next()?, next()?, next()?, next()?);
    if partition.is_empty() || service.is_empty() || resource.is_empty() {
        return None;
    }
    let resource = resource.split([':', '/']).map(str::to_owned).collect();
    Some(Arn { partition, service, region, account, resource })
}

fn substring(text: &str, start: usize, stop: usize, reverse: bool) -> Option<&str> {
    if start >= stop || text.len() < stop || !text.is_ascii() {
        return None;
    }
    if reverse { text.get(text.len() - stop..text.len() - start) } else { text.get(start..stop) }
}

/// RFC 1123: letters, digits and hyphens, 1 to 63 of them, not beginning with a hyphen.
pub(crate) fn is_host_label(text: &str, allow_subdomains: bool) -> bool {
    if allow_subdomains {
        return text.split('.').all(|label| is_host_label(label, false));
    }
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_virtual_hostable(text: &str, allow_subdomains: bool) -> bool {
    (3..=63).contains(&text.len())
        && !text.bytes().any(|byte| byte.is_ascii_uppercase())
        && text.parse::<std::net::Ipv4Addr>().is_err()
        && is_host_label(text, allow_subdomains)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_labels_are_checked() {
        for (text, subdomains, valid) in [
            ("abc", false, true),
            ("a.b", false, false),
            ("a.b", true, true),
            ("a..b", true, false),
            ("-a", false, false),
            ("a_b", false, false),
            ("", false, false),
            ("a/b", true, false),
        ] {
            assert_eq!(is_host_label(text, subdomains), valid, "{text}");
        }
    }

    #[test]
    fn urls_with_queries_users_or_odd_ports_are_refused() {
        for text in
            ["ftp://a", "https://a?b", "https://", "https://a:b", "https://u@a", "a", "https://a#b"]
        {
            assert_eq!(parse_url(text), None, "{text}");
        }
        let url = parse_url("http://127.0.0.1:5000/base").unwrap();
        assert!(url.is_ip());
        assert_eq!(url.normalized_path(), "/base/");
        assert!(parse_url("https://[::1]:443").unwrap().is_ip());
    }

    #[test]
    fn substrings_count_from_either_end() {
        assert_eq!(substring("abcdef", 1, 3, false), Some("bc"));
        assert_eq!(substring("abcdef", 0, 2, true), Some("ef"));
        assert_eq!(substring("ab", 0, 3, false), None);
        assert_eq!(substring("あい", 0, 3, false), None);
    }
}
