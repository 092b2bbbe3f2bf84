//! AWS as the one who answers: the read client behind the `Caller` trait.
//! Errors become failures here, with the reason in the words of the model.

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use serde_json::Value;
use yagura_aws::{CallError, CallErrorKind, ReadClient};
use yagura_model::Path;

use crate::caller::{CallName, Caller, Failure, Identity, Place};

/// A read client that answers.
pub(crate) struct Client(pub(crate) ReadClient);

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self {
            code: error.code().to_owned(),
            message: error.message().to_owned(),
            absent: error.kind == CallErrorKind::Absent,
            unread: Box::new(error.unread(Path::default())),
        }
    }
}

impl Caller for Client {
    fn identity(&self) -> BoxFuture<'_, Result<Identity, Failure>> {
        async move {
            let identity = self.0.caller_identity().await?;
            Ok(Identity {
                account: identity.account.clone(),
                arn: identity.arn.clone(),
                partition: identity.partition.clone(),
            })
        }
        .boxed()
    }

    fn call<'a>(
        &'a self,
        place: &'a Place,
        call: &'a CallName,
        input: &'a Value,
    ) -> BoxFuture<'a, Result<Value, Failure>> {
        async move { Ok(self.0.call_all(place, &call.service, &call.operation, input).await?) }
            .boxed()
    }

    fn pages<'a>(
        &'a self,
        place: &'a Place,
        call: &'a CallName,
        input: &'a Value,
    ) -> BoxStream<'a, Result<Value, Failure>> {
        self.0
            .pages(place, &call.service, &call.operation, input)
            .map(|page| page.map_err(Failure::from))
            .boxed()
    }
}
