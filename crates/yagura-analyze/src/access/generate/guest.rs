//! Those whom a generated policy lets in: an account, a user or role, a form of role names, a
//! service on behalf of somebody. What they may do is decided beside this file.

use super::GenerateError;

/// A principal of IAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Guest {
    /// Whoever the account lets: twelve digits.
    Account(String),
    /// One user or role, by ARN.
    Named(String),
    /// Roles or users whose ARN has a form with wildcards; `Principal` takes none.
    Form(String),
}

impl Guest {
    pub(super) fn account(&self) -> &str {
        match self {
            Self::Account(account) => account,
            Self::Named(arn) | Self::Form(arn) => arn.split(':').nth(4).unwrap_or_default(),
        }
    }
}

/// Reads principals as people write them.
pub(super) fn guests(texts: &[String]) -> Result<Vec<Guest>, GenerateError> {
    let mut guests = Vec::new();
    for text in texts {
        let guest = guest(text)?;
        if !guests.contains(&guest) {
            guests.push(guest);
        }
    }
    Ok(guests)
}

fn guest(text: &str) -> Result<Guest, GenerateError> {
    if account(text).is_ok() {
        return Ok(Guest::Account(text.to_owned()));
    }
    let unknown = || GenerateError::NotAPrincipal(text.to_owned());
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", _, service, "", of, rest] = parts.as_slice() else { return Err(unknown()) };
    if *service == "sts" && rest.starts_with("assumed-role/") {
        return Err(GenerateError::Session(text.to_owned()));
    }
    account(of).map_err(|_| unknown())?;
    let name = rest.strip_prefix("role/").or_else(|| rest.strip_prefix("user/"));
    match name {
        None if *rest == "root" && *service == "iam" => Ok(Guest::Account((*of).to_owned())),
        // A form that fixes nothing is the account, and is better said so.
        Some(name) if *service == "iam" && !name.starts_with('*') && !name.is_empty() => {
            let form = name.contains(['*', '?']);
            Ok(if form { Guest::Form(text.to_owned()) } else { Guest::Named(text.to_owned()) })
        }
        _ => Err(unknown()),
    }
}

pub(super) fn account(text: &str) -> Result<(), GenerateError> {
    let sound = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if sound { Ok(()) } else { Err(GenerateError::NotAnAccount(text.to_owned())) }
}

/// A service, and for whom it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Deputy {
    pub(super) service: String,
    pub(super) source: Source,
}

/// For whom a service comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Anything of an account.
    Account(String),
    /// A resource, or a form of resources, of an account where its ARN says one.
    Arn(String),
}

/// Reads `cloudtrail.amazonaws.com=arn:aws:cloudtrail:…`.
pub(super) fn deputies(texts: &[String]) -> Result<Vec<Deputy>, GenerateError> {
    texts.iter().map(|text| deputy(text)).collect()
}

fn deputy(text: &str) -> Result<Deputy, GenerateError> {
    let unsaid = || GenerateError::NoSource(text.to_owned());
    let (service, source) = text.split_once('=').ok_or_else(unsaid)?;
    service_name(service)?;
    let source = if account(source).is_ok() {
        Source::Account(source.to_owned())
    } else {
        let of = source.split(':').nth(4);
        let fixed =
            source.starts_with("arn:") && of.is_some_and(|of| of.is_empty() || account(of).is_ok());
        // Where an ARN has no account, its name must tell whose it is.
        let named = of != Some("") || !source.contains(['*', '?']);
        if !fixed || !named {
            return Err(unsaid());
        }
        Source::Arn(source.to_owned())
    };
    Ok(Deputy { service: service.to_owned(), source })
}

/// `NAME.amazonaws.com`, with a region or of another partition.
pub(super) fn service_name(text: &str) -> Result<(), GenerateError> {
    let sound = text.contains(".amazonaws.com")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    let what = "a service's name (NAME.amazonaws.com)";
    if sound { Ok(()) } else { Err(GenerateError::NotExact { what, text: text.to_owned() }) }
}

impl Deputy {
    /// The account that it comes for, where it is known.
    pub(super) fn account(&self) -> Option<&str> {
        match &self.source {
            Source::Account(account) => Some(account),
            Source::Arn(arn) => arn.split(':').nth(4).filter(|account| !account.is_empty()),
        }
    }
}
