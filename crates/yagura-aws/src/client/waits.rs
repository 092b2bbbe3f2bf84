//! Waiters: an operation repeated until its answer says what is awaited.
//! Which answers those are is in the table; see `api`.

use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{Call, Inner};
use crate::api::WaiterState;
use crate::error::{CallError, CallErrorKind};

impl Inner {
    /// Repeats the waiter's operation until the table says success; gives its last answer
    /// (`null` when the success is an error, as with `BucketNotExists`).
    pub(crate) async fn wait(
        &self,
        call: Call<'_>,
        waiter: &str,
        cancel: &CancellationToken,
    ) -> Result<Value, CallError> {
        let service = self.service(&call)?;
        let Some(waiter) = service.waiter(waiter) else {
            return Err(call.failed(format!("the service has no waiter `{waiter}`")));
        };
        let call = Call { operation: waiter.operation(), ..call };
        let delay = Duration::from_secs(waiter.delay_seconds().into());
        for attempt in 1..=waiter.attempts_max() {
            let result = self.invoke(call, cancel).await;
            let state = match &result {
                Ok(output) => waiter.judge(200, None, output),
                Err(error) => {
                    let status = error.context().status.unwrap_or_default();
                    waiter.judge(status, Some(error.code()), &Value::Null)
                }
            };
            match (state, result) {
                (Some(WaiterState::Success), result) => return Ok(result.unwrap_or(Value::Null)),
                (Some(WaiterState::Failure), Ok(_)) => {
                    let message = format!("`{}` will not come about", waiter.name());
                    return Err(call.failed(message));
                }
                (Some(WaiterState::Failure) | None, Err(error)) => return Err(error),
                (Some(WaiterState::Retry) | None, _) => {}
            }
            if attempt < waiter.attempts_max() {
                tokio::select! {
                    biased;
                    () = cancel.cancelled() => {
                        return Err(call.error(CallErrorKind::Interrupted, String::new()));
                    }
                    () = tokio::time::sleep(delay) => {}
                }
            }
        }
        let message = format!("`{}` did not come about", waiter.name());
        Err(call.error(CallErrorKind::TimedOut, message))
    }
}
