//! Secrets by reference: how a setting names one, and the value itself, which nothing shows.
//! Where values come from is not known here: the binary implements [`Secrets`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use zeroize::Zeroizing;

/// The longest reference, in bytes: no name of AWS's two services comes near it.
const REFERENCE_BYTES_MAX: usize = 2048;
/// The longest name of a stored secret, in bytes.
const STORED_NAME_BYTES_MAX: usize = 128;

/// Where a secret is kept, as a setting or a file of content says it. It is no secret itself, and
/// may be shown, printed and written.
///
/// ```
/// use yagura_model::secret::SecretRef;
///
/// let reference: SecretRef = "secretsmanager:yagura/slack#token".parse()?;
/// assert_eq!(reference.to_string(), "secretsmanager:yagura/slack#token");
/// # Ok::<(), yagura_model::secret::SecretRefError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecretRef {
    /// `env:NAME`: an environment variable of the process.
    Environment(String),
    /// `file:PATH`: the content of a file, without the line break at its end.
    File(String),
    /// `secretsmanager:ID` or `secretsmanager:ID#KEY`: a secret of AWS Secrets Manager, by name or
    /// ARN; with a key, that member of the JSON object it holds.
    SecretsManager {
        /// The secret's name or ARN.
        id: String,
        /// The member to take of a secret that is a JSON object.
        key: Option<String>,
    },
    /// `ssm:NAME`: a parameter of AWS Systems Manager Parameter Store, by name or ARN.
    Parameter(String),
    /// `stored:NAME`: kept encrypted in Yagura's own database.
    Stored(String),
}

/// Why a text is no reference. It never repeats the text, which may be the secret itself.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SecretRefError {
    /// It does not begin with the name of a place.
    #[error(
        "a secret must be given by reference: `env:NAME`, `file:PATH`, `secretsmanager:ID[#KEY]`, \
         `ssm:NAME` or `stored:NAME` (what was written is not repeated here)"
    )]
    NoReference,
    /// Nothing stands after the colon, or after the `#`.
    #[error("the reference to a secret, `{place}:…`, names nothing")]
    Empty {
        /// What stands before the colon.
        place: &'static str,
    },
    /// A name with letters that such a name cannot have.
    #[error("the reference to a secret, `{place}:…`, has a name that cannot be: {why}")]
    Name {
        /// What stands before the colon.
        place: &'static str,
        /// The rule that it breaks.
        why: &'static str,
    },
}

impl SecretRef {
    /// What stands before the colon.
    pub fn place(&self) -> &'static str {
        match self {
            Self::Environment(_) => "env",
            Self::File(_) => "file",
            Self::SecretsManager { .. } => "secretsmanager",
            Self::Parameter(_) => "ssm",
            Self::Stored(_) => "stored",
        }
    }

    /// Whether a text may name a stored secret: letters, digits and `. _ / -`, not first.
    pub fn is_stored_name(name: &str) -> bool {
        let first = name.chars().next().is_some_and(|letter| letter.is_ascii_alphanumeric());
        let rest = |letter: char| {
            letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '/' | '-')
        };
        first && name.len() <= STORED_NAME_BYTES_MAX && name.chars().all(rest)
    }
}

impl FromStr for SecretRef {
    type Err = SecretRefError;

    fn from_str(text: &str) -> Result<Self, SecretRefError> {
        let (place, rest) = text.split_once(':').ok_or(SecretRefError::NoReference)?;
        let make: fn(&str) -> Result<Self, SecretRefError> = match place {
            "env" => environment,
            "file" => |rest| Ok(Self::File(rest.to_owned())),
            "secretsmanager" => secrets_manager,
            "ssm" => |rest| Ok(Self::Parameter(rest.to_owned())),
            "stored" => stored,
            _ => return Err(SecretRefError::NoReference),
        };
        let place = known_place(place);
        if rest.is_empty() {
            return Err(SecretRefError::Empty { place });
        }
        if rest.len() > REFERENCE_BYTES_MAX || rest.chars().any(char::is_control) {
            let why = "it is too long, or has control characters";
            return Err(SecretRefError::Name { place, why });
        }
        make(rest)
    }
}

fn known_place(place: &str) -> &'static str {
    match place {
        "env" => "env",
        "file" => "file",
        "secretsmanager" => "secretsmanager",
        "ssm" => "ssm",
        _ => "stored",
    }
}

fn environment(name: &str) -> Result<SecretRef, SecretRefError> {
    if name.contains('=') {
        let why = "a variable's name has no `=`";
        return Err(SecretRefError::Name { place: "env", why });
    }
    Ok(SecretRef::Environment(name.to_owned()))
}

fn secrets_manager(rest: &str) -> Result<SecretRef, SecretRefError> {
    // A secret's name has no `#` (Secrets Manager API, CreateSecret, "Name", seen 2026-11).
    let (id, key) = match rest.split_once('#') {
        Some((id, key)) => (id, Some(key)),
        None => (rest, None),
    };
    if id.is_empty() || key.is_some_and(str::is_empty) {
        return Err(SecretRefError::Empty { place: "secretsmanager" });
    }
    Ok(SecretRef::SecretsManager { id: id.to_owned(), key: key.map(str::to_owned) })
}

fn stored(name: &str) -> Result<SecretRef, SecretRefError> {
    if !SecretRef::is_stored_name(name) {
        let why =
            "letters, digits and `.`, `_`, `/`, `-`, at most 128, the first a letter or digit";
        return Err(SecretRefError::Name { place: "stored", why });
    }
    Ok(SecretRef::Stored(name.to_owned()))
}

impl fmt::Display for SecretRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(out, "env:{name}"),
            Self::File(path) => write!(out, "file:{path}"),
            Self::SecretsManager { id, key: None } => write!(out, "secretsmanager:{id}"),
            Self::SecretsManager { id, key: Some(key) } => write!(out, "secretsmanager:{id}#{key}"),
            Self::Parameter(name) => write!(out, "ssm:{name}"),
            Self::Stored(name) => write!(out, "stored:{name}"),
        }
    }
}

impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not through serde's own errors about types: they repeat what was written.
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The value of a secret. Its memory is overwritten when it is dropped.
///
/// INVARIANT: it has no `Display` and no `Serialize`, and its `Debug` says nothing, so that no
/// message, log line or file can come to hold it by accident. The one way to the value is
/// [`Secret::expose`], which a reader of the code can search for.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value. Hand it to whom it is meant for, and keep no copy.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

/// Why a secret could not be had. It names the reference and never holds the value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("could not read the secret `{reference}`: {fault}")]
pub struct SecretError {
    /// Which one.
    pub reference: SecretRef,
    /// What was in the way.
    pub fault: SecretFault,
}

/// What was in the way of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SecretFault {
    /// There is none of that name.
    #[error("there is none")]
    Absent,
    /// It is there, and holds nothing.
    #[error("it is empty")]
    Empty,
    /// We may not read it.
    #[error("access is denied: {0}")]
    Denied(String),
    /// Others on this machine could read it, so it is refused.
    #[error("other users of this machine can read the file (mode {mode:o}); `chmod 600` mends it")]
    Open {
        /// The file's permission bits.
        mode: u32,
    },
    /// It is no text.
    #[error("it is not UTF-8 text")]
    NotText,
    /// A member was asked of something that is no JSON object, or has no such text.
    #[error("it is no JSON object with the text member `{0}`")]
    NoMember(String),
    /// It was encrypted with another key, or changed since.
    #[error("{0}")]
    Sealed(String),
    /// Anything else: a disk, a network, AWS.
    #[error("{0}")]
    Failed(String),
}

impl SecretFault {
    /// The error for a reference.
    pub fn of(self, reference: &SecretRef) -> SecretError {
        SecretError { reference: reference.clone(), fault: self }
    }

    /// Whether asking again later may help, without anybody changing anything.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

/// A future of [`Secrets`].
pub type SecretFuture<'a> = Pin<Box<dyn Future<Output = Result<Secret, SecretError>> + Send + 'a>>;

/// Somebody who can turn a reference into its value. The binary implements it; whoever signs in
/// somewhere is handed a `&dyn Secrets`.
pub trait Secrets: fmt::Debug + Send + Sync {
    /// The value as it is now. Values may be kept for a few minutes, so ask each time one is used
    /// and keep none: that is how a rotated secret arrives.
    fn reveal<'a>(&'a self, reference: &'a SecretRef) -> SecretFuture<'a>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_and_written_alike() {
        for text in [
            "env:SLACK_TOKEN",
            "file:/etc/yagura/token",
            "file:relative path/with: colon",
            "secretsmanager:yagura/slack",
            "secretsmanager:yagura/slack#bot token",
            "secretsmanager:arn:aws:secretsmanager:us-east-1:111122223333:secret:a-AbCdEf#k",
            "ssm:/yagura/smtp-password",
            "stored:smtp/password",
        ] {
            let read: SecretRef = text.parse().unwrap();
            assert_eq!(read.to_string(), text);
            assert!(text.starts_with(read.place()));
            let written = serde_json::to_string(&read).unwrap();
            assert_eq!(serde_json::from_str::<SecretRef>(&written).unwrap(), read);
        }
    }

    #[test]
    fn what_is_no_reference_is_refused_and_never_repeated() {
        for text in ["xoxb-hunter2", "", "hunter2:x", "ENV:hunter2", "https://hunter2.example/x"] {
            let error = text.parse::<SecretRef>().unwrap_err();
            assert_eq!(error, SecretRefError::NoReference, "{text}");
            let json = serde_json::to_string(text).unwrap();
            let error = serde_json::from_str::<SecretRef>(&json).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
        for text in ["env:", "file:", "ssm:", "stored:", "secretsmanager:#k", "secretsmanager:a#"] {
            let error = text.parse::<SecretRef>().unwrap_err();
            assert!(matches!(error, SecretRefError::Empty { .. }), "{text}: {error}");
        }
        for text in ["env:A=B", "stored:-a", "stored:a b", "stored:../../x\u{0}", "ssm:a\nb"] {
            let error = text.parse::<SecretRef>().unwrap_err();
            assert!(matches!(error, SecretRefError::Name { .. }), "{text}: {error}");
        }
    }

    #[test]
    fn a_secret_is_shown_nowhere() {
        let secret = Secret::new("hunter2");
        assert_eq!(secret.expose(), "hunter2");
        assert_eq!(format!("{secret:?} {secret:#?}"), "Secret(…) Secret(…)");
        let error = SecretFault::Open { mode: 0o644 }.of(&"file:/x".parse().unwrap());
        assert_eq!(
            error.to_string(),
            "could not read the secret `file:/x`: other users of this machine can read the file \
             (mode 644); `chmod 600` mends it"
        );
    }
}
