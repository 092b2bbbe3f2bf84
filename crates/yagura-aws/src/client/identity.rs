//! Whose keys sign a call: the caller's own, or a role's in the target's account; and whether a
//! key that AWS does not know is wrong, or only the region not enabled.
//! How a session is kept and renewed is in `credentials`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{Call, Inner, Target};
use crate::credentials::{Failure, Session, Signer, keys_of};
use crate::error::{CallError, CallErrorKind};

/// Who the caller's credentials belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// Twelve digits.
    pub account: String,
    /// The user, role session or root.
    pub arn: String,
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// AWS's unique id of the principal.
    pub user_id: String,
}

/// What has been learned about identities.
#[derive(Debug, Default)]
pub(super) struct Identities {
    caller: OnceCell<Arc<CallerIdentity>>,
    caller_failure: Failure,
    /// Whether a region is enabled, by account and region.
    enabled: Mutex<HashMap<(String, String), Option<bool>>>,
}

impl Inner {
    pub(super) async fn caller_identity(&self) -> Result<Arc<CallerIdentity>, CallError> {
        let ask = || async {
            if let Some(error) = self.identities.caller_failure.standing() {
                return Err(error);
            }
            let target = Target::new("", self.settings.region.clone());
            let call = Call {
                target: &target,
                signer: Signer::Caller,
                service: "sts",
                operation: "GetCallerIdentity",
                input: &Value::Null,
            };
            let answer = self.answer(call).await;
            let caller = answer.and_then(|answer| {
                caller_of(&answer).ok_or_else(|| call.failed("the answer names no account"))
            });
            caller.map(Arc::new).inspect_err(|error| self.identities.caller_failure.set(error))
        };
        self.identities.caller.get_or_try_init(ask).await.map(Arc::clone)
    }

    /// The session that signs a call.
    pub(super) async fn session(&self, call: &Call<'_>) -> Result<Arc<Session>, CallError> {
        let now = || self.clock.now();
        let caller = || self.sessions.caller.get(now, || self.sessions.chain(now()));
        let account = &call.target.account;
        if call.signer == Signer::Caller {
            return caller().await;
        }
        let own = self.caller_identity().await?;
        if *account == own.account {
            return caller().await;
        }
        let slot = self.sessions.member(account);
        slot.get(now, || Box::pin(self.assume(account, &own.partition))).await
    }

    /// AWS says that the session of a call has ended.
    pub(super) fn forget(&self, call: &Call<'_>, ended: &Arc<Session>) {
        self.sessions.caller.forget(ended);
        self.sessions.member(&call.target.account).forget(ended);
    }

    async fn assume(&self, account: &str, partition: &str) -> Result<Session, CallError> {
        let target = Target::new(account, self.settings.region.clone());
        let input = match &self.sessions.role {
            Some(role) => role.input(partition, account),
            None => Value::Null,
        };
        let call = Call {
            target: &target,
            signer: Signer::Caller,
            service: "sts",
            operation: "AssumeRole",
            input: &input,
        };
        if self.sessions.role.is_none() {
            return Err(call.failed("no role is configured for other accounts than the caller's"));
        }
        let obtained = self.clock.now();
        let result = match self.answer(call).await {
            Ok(answer) => keys_of(&answer)
                .map(|keys| Session::new(keys, obtained, true))
                .ok_or_else(|| call.failed("the answer holds no keys")),
            Err(error) => Err(error),
        };
        if let Err(error) = &result {
            // Said once here; each call to the account carries it as its own error.
            tracing::info!(code = "aws_role_refused", account, error = %error, "no session");
        }
        result
    }

    /// AWS does not know the key in this region. A region that is not enabled says the same as a
    /// wrong key, so the home region is asked about it. `Unsupported` only when that is certain.
    pub(super) async fn judge_unknown_identity(
        &self,
        call: &Call<'_>,
        session: &Session,
    ) -> CallErrorKind {
        let Target { account, region } = call.target;
        if *region == self.settings.region || call.signer == Signer::Caller {
            return CallErrorKind::Failed;
        }
        let key = (account.clone(), region.clone());
        let known = {
            let enabled = self.identities.enabled.lock().unwrap_or_else(PoisonError::into_inner);
            enabled.get(&key).copied()
        };
        let enabled = match known {
            Some(enabled) => enabled,
            None => {
                let asked = Box::pin(self.ask_enabled(call)).await;
                let mut all =
                    self.identities.enabled.lock().unwrap_or_else(PoisonError::into_inner);
                *all.entry(key).or_insert(asked)
            }
        };
        match enabled {
            Some(false) => CallErrorKind::Unsupported,
            Some(true) => CallErrorKind::Failed,
            // Nobody could say. The key is good elsewhere, or we would not have come here from a
            // home region that answers; only a token of the old kind leaves a doubt.
            None if session.is_valid_everywhere() && self.is_good_at_home(call).await => {
                CallErrorKind::Unsupported
            }
            None => CallErrorKind::Failed,
        }
    }

    /// Whether the region of a call is enabled in its account, as EC2 at home says.
    async fn ask_enabled(&self, call: &Call<'_>) -> Option<bool> {
        let Target { account, region } = call.target;
        let home = Target::new(account.clone(), self.settings.region.clone());
        let input = json!({"RegionNames": [region], "AllRegions": true});
        let ask = Call {
            target: &home,
            signer: Signer::Account,
            service: "ec2",
            operation: "DescribeRegions",
            input: &input,
        };
        let answer = self.answer(ask).await.ok()?;
        let status = answer.get("Regions")?.get(0)?.get("OptInStatus")?.as_str()?;
        Some(status != "not-opted-in")
    }

    async fn is_good_at_home(&self, call: &Call<'_>) -> bool {
        let home = Target::new(call.target.account.clone(), self.settings.region.clone());
        let ask = Call {
            target: &home,
            signer: Signer::Account,
            service: "sts",
            operation: "GetCallerIdentity",
            input: &Value::Null,
        };
        self.answer(ask).await.is_ok()
    }
}

fn caller_of(answer: &Value) -> Option<CallerIdentity> {
    let text = |name: &str| answer.get(name)?.as_str();
    let arn = text("Arn")?;
    Some(CallerIdentity {
        account: text("Account")?.to_owned(),
        arn: arn.to_owned(),
        partition: arn.split(':').nth(1).filter(|name| !name.is_empty())?.to_owned(),
        user_id: text("UserId").unwrap_or_default().to_owned(),
    })
}
