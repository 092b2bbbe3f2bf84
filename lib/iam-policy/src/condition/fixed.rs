//! Which values of a condition name somebody or some place for good, so that nobody else can
//! choose to have them. What follows for a statement is in `outsider`.

use std::net::IpAddr;

/// How the values of a key name somebody.
#[derive(Clone, Copy)]
enum Form {
    /// By addresses.
    Address,
    /// By an id, whole.
    Id,
    /// By a path that begins with the id of an organization.
    Path,
    /// By an id before a colon.
    Session,
    /// By an ARN.
    Arn,
}

/// The form of a key (in lower case) whose values can name somebody for good.
///
/// Source: Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage", section "The
/// meaning of public", and Amazon EFS User Guide, "Blocking public access to EFS file systems"
/// (seen 2026-11).
fn form_of(key: &str) -> Option<Form> {
    Some(match key {
        "aws:sourceip" => Form::Address,
        "aws:sourceaccount"
        | "aws:sourceowner"
        | "aws:principalaccount"
        | "kms:calleraccount"
        | "s3:dataaccesspointaccount"
        | "aws:principalorgid"
        | "aws:sourceorgid"
        | "aws:sourcevpc"
        | "aws:sourcevpce"
        | "aws:vpceaccount"
        | "aws:vpceorgid" => Form::Id,
        "aws:principalorgpaths" | "aws:sourceorgpaths" | "aws:vpceorgpaths" => Form::Path,
        "aws:userid" => Form::Session,
        "aws:sourcearn"
        | "aws:principalarn"
        | "aws:sourcevpcarn"
        | "s3:dataaccesspointarn"
        | "elasticfilesystem:accesspointarn" => Form::Arn,
        _ => return None,
    })
}

/// Whether nobody but those whom the value names can have it at a key (in lower case). A value
/// with a variable names whoever asks.
pub(crate) fn names_somebody(key: &str, value: &str) -> bool {
    if value.contains("${") {
        return false;
    }
    // Services such as CloudWatch Logs and CloudTrail name their resource in the encryption
    // context (AWS KMS Developer Guide, "Encryption context").
    if key.starts_with("kms:encryptioncontext:aws:") {
        return is_fixed_arn(value);
    }
    match form_of(key) {
        Some(Form::Address) => is_narrow_address(value),
        Some(Form::Id) => is_fixed(value),
        Some(Form::Path) => {
            value.split_once('/').is_some_and(|(organization, _)| is_fixed(organization))
        }
        Some(Form::Session) => is_fixed(value.split(':').next().unwrap_or_default()),
        Some(Form::Arn) => is_fixed_arn(value),
        None => false,
    }
}

/// Whether the key is one whose values can name somebody for good.
pub(crate) fn can_name_somebody(key: &str) -> bool {
    form_of(key).is_some()
}

/// Not empty, and without wildcards.
pub(crate) fn is_fixed(value: &str) -> bool {
    !value.is_empty() && !value.contains(['*', '?']) && !value.contains("${")
}

/// An ARN that belongs to one account, or, where ARNs of the service have no account (S3), names
/// one thing up to the first slash.
fn is_fixed_arn(value: &str) -> bool {
    let mut parts = value.splitn(6, ':');
    if parts.next() != Some("arn") {
        return false;
    }
    match (parts.nth(3), parts.next()) {
        (Some(""), Some(resource)) => is_fixed(resource.split('/').next().unwrap_or_default()),
        (Some(account), Some(_)) => is_fixed(account),
        _ => false,
    }
}

/// S3 calls ranges wider than /8 (IPv4) and /32 (IPv6) public.
fn is_narrow_address(range: &str) -> bool {
    let (address, bits) = range.split_once('/').map_or((range, None), |(a, b)| (a, Some(b)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let (least, width) = if address.is_ipv4() { (8, 32) } else { (32, 128) };
    let bits = bits.map_or(Ok(width), str::parse::<u8>);
    bits.is_ok_and(|bits| (least..=width).contains(&bits))
}

/// A subject of a token whose owner is fixed. Subjects of build services begin with what they are
/// about and whose it is (`repo:OWNER/NAME:…`, `project_path:GROUP/…`, `organization:NAME:…`): the
/// owner must be there in full, since `repo:acme*` also names `acme-evil`.
pub(crate) fn is_fixed_subject(value: &str) -> bool {
    if value.contains("${") {
        return false;
    }
    let owner = ["repo:", "project_path:", "organization:"]
        .iter()
        .find_map(|prefix| value.strip_prefix(prefix));
    match owner {
        Some(rest) => match rest.find(['/', ':']) {
            Some(end) => rest.get(..end).is_some_and(is_fixed),
            None => is_fixed(rest),
        },
        None => {
            let after = value.split_once(':').map_or(value, |(_, after)| after);
            !value.is_empty() && !value.starts_with(['*', '?']) && !after.starts_with(['*', '?'])
        }
    }
}
