//! The client that changes things at AWS: it can make the calls that were handed to it, and no
//! others. Which calls those are is decided where it is made; respond is who holds one.
//! Reading is done through `read`.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::client::{Aws, Call, Target};
use crate::credentials::Signer;
use crate::error::{CallError, CallErrorKind, Refusal};

/// Makes a few named calls. Cheap to clone; clones share connections, sessions and limits.
///
/// INVARIANT: an operation that was not handed over at construction is never sent.
#[derive(Clone, Debug)]
pub struct WriteClient {
    aws: Aws,
    allowed: Arc<BTreeSet<(String, String)>>,
    cancel: CancellationToken,
}

impl Aws {
    /// A client that can make these calls, each a service and an operation, and nothing else.
    pub fn write(
        &self,
        allowed: impl IntoIterator<Item = (&'static str, &'static str)>,
        cancel: CancellationToken,
    ) -> WriteClient {
        let named = |(service, operation): (&str, &str)| (service.to_owned(), operation.to_owned());
        let allowed = allowed.into_iter().map(named).collect();
        WriteClient { aws: self.clone(), allowed: Arc::new(allowed), cancel }
    }
}

impl WriteClient {
    /// One call.
    ///
    /// # Errors
    /// [`CallError`], after all retries; [`CallErrorKind::Refused`] where the operation was not
    /// handed over, and nothing was sent.
    pub async fn call(
        &self,
        target: &Target,
        service: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Value, CallError> {
        let call = Call { target, signer: Signer::Account, service, operation, input };
        if !self.allowed.contains(&(service.to_owned(), operation.to_owned())) {
            let refused = CallErrorKind::Refused(Refusal::NotHandedOver);
            return Err(call.error(refused, String::new()));
        }
        self.aws.inner.invoke(call, &self.cancel).await
    }
}
