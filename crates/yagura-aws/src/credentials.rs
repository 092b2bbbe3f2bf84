//! Sessions: the caller's own credentials, and those of roles in member accounts.
//! Each is obtained once for everybody, kept, and renewed before it ends. Nothing else in this
//! crate holds a secret.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::identity::Identity;
use serde_json::{Value, json};
use tokio::sync::Mutex as Turn;
use tokio::time::Instant;

use crate::error::{CallContext, CallError, CallErrorKind};

/// A session is renewed this long before it ends (or after three quarters of a shorter life).
const RENEW_BEFORE: Duration = Duration::from_secs(300);
/// A session is used at least this long, so that a wrong clock cannot make every call renew it.
const USE_AT_LEAST: Duration = Duration::from_secs(60);
/// How long a refused role stays refused, so that a thousand calls ask STS once.
const DENIED_FOR: Duration = Duration::from_secs(900);
/// How long any other failure of STS stands.
const FAILED_FOR: Duration = Duration::from_secs(30);

/// The role that Yagura assumes in member accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRole {
    /// The role's name, with its path if it has one (`yagura/YaguraRead`).
    pub name: String,
    /// The external id that the role's trust policy asks for.
    pub external_id: Option<String>,
    /// The session's name, as CloudTrail will show it.
    pub session_name: String,
    /// How long a session lasts, in seconds: 900 to 43200.
    pub duration_seconds: u32,
}

impl MemberRole {
    /// A role with an hour's session called `yagura`.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            external_id: None,
            session_name: "yagura".into(),
            duration_seconds: 3600,
        }
    }

    /// The input of `sts:AssumeRole` for this role in an account.
    pub(crate) fn input(&self, partition: &str, account: &str) -> Value {
        let name = self.name.trim_start_matches('/');
        let mut input = json!({
            "RoleArn": format!("arn:{partition}:iam::{account}:role/{name}"),
            "RoleSessionName": self.session_name,
            "DurationSeconds": self.duration_seconds,
        });
        if let (Some(id), Some(input)) = (&self.external_id, input.as_object_mut()) {
            input.insert("ExternalId".into(), Value::String(id.clone()));
        }
        input
    }
}

/// Keys that sign requests, for as long as they are valid.
#[derive(Debug)]
pub(crate) struct Session {
    identity: Identity,
    expires: Option<SystemTime>,
    obtained: SystemTime,
    /// Long-lived keys have no token; see [`Session::token_is_global`].
    has_token: bool,
    assumed: bool,
}

impl Session {
    pub(crate) fn new(keys: Credentials, obtained: SystemTime, assumed: bool) -> Self {
        Self {
            expires: keys.expiry(),
            has_token: keys.session_token().is_some(),
            identity: keys.into(),
            obtained,
            assumed,
        }
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether the keys are known to be valid in every enabled region: long-lived keys, and the
    /// sessions we took from a regional STS endpoint. A session taken by somebody else from the
    /// old global endpoint is refused in opt-in regions even where they are enabled.
    /// Source: IAM User Guide, "Manage AWS STS in an AWS Region", seen 2026-11.
    pub(crate) fn is_valid_everywhere(&self) -> bool {
        self.assumed || !self.has_token
    }

    fn is_fresh(&self, now: SystemTime) -> bool {
        let Some(expires) = self.expires else { return true };
        let life = expires.duration_since(self.obtained).unwrap_or_default();
        let renew_at = expires - RENEW_BEFORE.min(life / 4);
        now < renew_at || now < self.obtained + USE_AT_LEAST
    }
}

/// One account's session: at most one is being made at a time.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    current: RwLock<Option<Arc<Session>>>,
    failure: Failure,
    turn: Turn<()>,
}

/// A failure that stands for a while, so that a thousand calls fail by one.
#[derive(Debug, Default)]
pub(crate) struct Failure(Mutex<Option<(Instant, CallError)>>);

impl Failure {
    /// The failure, while it stands.
    pub(crate) fn standing(&self) -> Option<CallError> {
        let mut failure = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, error) = failure.as_ref()?;
        let stands = match error.kind {
            CallErrorKind::Denied { .. } => DENIED_FOR,
            CallErrorKind::Interrupted => Duration::ZERO,
            _ => FAILED_FOR,
        };
        if since.elapsed() < stands {
            return Some(error.clone());
        }
        *failure = None;
        None
    }

    pub(crate) fn set(&self, error: &CallError) {
        let mut failure = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *failure = Some((Instant::now(), error.clone()));
    }
}

impl Slot {
    /// The session, made by `make` if there is none or it ends soon.
    pub(crate) async fn get<F>(
        &self,
        now: impl Fn() -> SystemTime,
        make: impl FnOnce() -> F,
    ) -> Result<Arc<Session>, CallError>
    where
        F: Future<Output = Result<Session, CallError>>,
    {
        if let Some(session) = self.fresh(now()) {
            return Ok(session);
        }
        let _turn = self.turn.lock().await;
        if let Some(session) = self.fresh(now()) {
            return Ok(session);
        }
        if let Some(error) = self.failure.standing() {
            return Err(error);
        }
        match make().await {
            Ok(session) => {
                let session = Arc::new(session);
                *self.current.write().unwrap_or_else(PoisonError::into_inner) =
                    Some(Arc::clone(&session));
                Ok(session)
            }
            Err(error) => {
                self.failure.set(&error);
                Err(error)
            }
        }
    }

    /// AWS says that this session has ended: the next call makes a new one.
    pub(crate) fn forget(&self, ended: &Arc<Session>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|session| Arc::ptr_eq(session, ended)) {
            *current = None;
        }
    }

    fn fresh(&self, now: SystemTime) -> Option<Arc<Session>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|session| session.is_fresh(now)).map(Arc::clone)
    }
}

/// Who signs a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signer {
    /// The caller's own credentials.
    Caller,
    /// Whoever may act in the target's account.
    Account,
}

/// All sessions of one client.
#[derive(Debug)]
pub(crate) struct Sessions {
    provider: Option<SharedCredentialsProvider>,
    pub(crate) caller: Slot,
    members: Mutex<HashMap<String, Arc<Slot>>>,
    pub(crate) role: Option<MemberRole>,
}

impl Sessions {
    pub(crate) fn new(
        provider: Option<SharedCredentialsProvider>,
        role: Option<MemberRole>,
    ) -> Self {
        Self { provider, caller: Slot::default(), members: Mutex::default(), role }
    }

    /// The slot of a member account.
    pub(crate) fn member(&self, account: &str) -> Arc<Slot> {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = members.get(account) {
            return Arc::clone(slot);
        }
        let slot = Arc::new(Slot::default());
        members.insert(account.to_owned(), Arc::clone(&slot));
        slot
    }

    /// Asks the credential chain.
    pub(crate) async fn chain(&self, now: SystemTime) -> Result<Session, CallError> {
        let failed = |message: String| {
            let context = CallContext {
                service: "sts".into(),
                operation: "GetCallerIdentity".into(),
                message,
                ..CallContext::default()
            };
            CallError::new(CallErrorKind::Failed, context)
        };
        let Some(provider) = &self.provider else {
            return Err(failed("no credentials were given".into()));
        };
        let keys =
            provider.provide_credentials().await.map_err(|error| failed(chain_message(&error)))?;
        Ok(Session::new(keys, now, false))
    }
}

/// What the credential chain says, with its causes: the outer text names only the provider.
fn chain_message(error: &CredentialsError) -> String {
    let lead = match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            "no AWS credentials were found in the environment, the profile, the container or the \
             instance"
        }
        CredentialsError::ProviderTimedOut(_) => "the source of credentials gave no answer",
        CredentialsError::InvalidConfiguration(_) => "the AWS configuration cannot be used",
        _ => "the source of credentials failed",
    };
    let mut text = lead.to_owned();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        for said in worth_saying(&cause.to_string()) {
            text.push_str(": ");
            text.push_str(said);
        }
        source = cause.source();
    }
    text
}

/// What a cause adds. The chain lists every provider that nobody set up; the lead says that once.
fn worth_saying(cause: &str) -> impl Iterator<Item = &str> {
    let idle = |line: &str| {
        line.starts_with("no credentials found in chain")
            || (line.contains("was not enabled") && !line.contains("profile `"))
    };
    cause.lines().map(str::trim).filter(move |line| !line.is_empty() && !idle(line))
}

/// The keys in an answer of `sts:AssumeRole`.
pub(crate) fn keys_of(answer: &Value) -> Option<Credentials> {
    let keys = answer.get("Credentials")?;
    let text = |name: &str| keys.get(name)?.as_str();
    let expires = text("Expiration")
        .and_then(|text| text.parse::<jiff::Timestamp>().ok())
        .map(SystemTime::from);
    Some(Credentials::new(
        text("AccessKeyId")?,
        text("SecretAccessKey")?,
        text("SessionToken").map(str::to_owned),
        expires,
        "yagura-assume-role",
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::UNIX_EPOCH;

    use super::*;

    fn session(expires: Option<u64>) -> Session {
        let expires = expires.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds));
        let keys = Credentials::new("AKID", "secret", None, expires, "test");
        Session::new(keys, UNIX_EPOCH, true)
    }

    #[test]
    fn providers_that_nobody_set_up_are_not_listed() {
        let cause = "no credentials found in chain. Attempted:\n  Environment: the credential \
                     provider was not enabled: environment variable not set\n  Profile: the \
                     credential provider was not enabled: profile `audit` was not defined";
        let said: Vec<&str> = worth_saying(cause).collect();
        let profile = "Profile: the credential provider was not enabled: profile `audit` was not \
                       defined";
        assert_eq!(said, [profile]);
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_session_is_renewed_before_it_ends() {
        assert!(session(Some(3600)).is_fresh(at(3299)));
        assert!(!session(Some(3600)).is_fresh(at(3300)));
        assert!(!session(Some(900)).is_fresh(at(675)), "three quarters of a short life");
        assert!(session(None).is_fresh(at(u32::MAX.into())));
    }

    #[test]
    fn a_wrong_clock_does_not_renew_at_every_call() {
        assert!(session(Some(0)).is_fresh(at(59)));
        assert!(!session(Some(0)).is_fresh(at(60)));
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_make_one_session() {
        let slot = Slot::default();
        let made = AtomicU32::new(0);
        let get = || {
            slot.get(
                || at(0),
                || async {
                    made.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    Ok(session(Some(3600)))
                },
            )
        };
        let got = futures::future::join_all((0..50).map(|_| get())).await;
        assert!(got.iter().all(Result::is_ok));
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_denied_role_is_asked_once_and_again_after_a_while() {
        let slot = Slot::default();
        let made = AtomicU32::new(0);
        let denied = || {
            let kind = CallErrorKind::Denied { action: None, by: crate::DeniedBy::Unstated };
            CallError::new(kind, CallContext::default())
        };
        let get = || {
            slot.get(
                || at(0),
                || async {
                    made.fetch_add(1, Ordering::Relaxed);
                    Err(denied())
                },
            )
        };
        for _ in 0..10 {
            assert!(get().await.is_err());
        }
        assert_eq!(made.load(Ordering::Relaxed), 1);
        tokio::time::advance(DENIED_FOR).await;
        assert!(get().await.is_err());
        assert_eq!(made.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn an_ended_session_is_forgotten_but_not_its_successor() {
        let slot = Slot::default();
        let first = slot.get(|| at(0), || async { Ok(session(None)) }).await.unwrap();
        slot.forget(&first);
        let second = slot.get(|| at(0), || async { Ok(session(None)) }).await.unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        slot.forget(&first);
        let third = slot.get(|| at(0), || async { Ok(session(None)) }).await.unwrap();
        assert!(Arc::ptr_eq(&second, &third));
    }

    #[test]
    fn a_role_with_a_path_and_external_id_is_asked_for_whole() {
        let mut role = MemberRole::named("/team/Read");
        role.external_id = Some("x-1".into());
        let input = role.input("aws-cn", "111122223333");
        assert_eq!(input["RoleArn"], "arn:aws-cn:iam::111122223333:role/team/Read");
        assert_eq!(input["ExternalId"], "x-1");
        assert_eq!(input["DurationSeconds"], 3600);
    }

    #[test]
    fn keys_are_read_with_their_end() {
        let answer = json!({"Credentials": {
            "AccessKeyId": "ASIA", "SecretAccessKey": "s", "SessionToken": "t",
            "Expiration": "2026-11-21T00:00:00Z",
        }});
        let keys = keys_of(&answer).unwrap();
        assert_eq!(keys.session_token(), Some("t"));
        assert!(keys.expiry().is_some());
        assert!(keys_of(&json!({"Credentials": {"AccessKeyId": "ASIA"}})).is_none());
    }
}
