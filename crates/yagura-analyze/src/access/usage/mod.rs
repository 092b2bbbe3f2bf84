//! What calls of a log needed: the IAM actions, the resources and the conditions.
//! What follows from it for a principal's policies is in `least`, `unused` and `preview`.

mod arns;
mod inventory;
mod naming;
mod record;
mod table;
#[cfg(test)]
pub(crate) mod tests;

pub use inventory::{data_recorded_wholly, roles_of_profiles};
pub(crate) use naming::passed_to_key;
pub use naming::{Naming, Need, Needs};
pub use record::call_of;
pub use table::{ActionLevel, ActionTable, KnownAction, KnownResource};

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It did what was asked, or failed for a reason other than permission.
    Permitted,
    /// It was refused.
    Refused,
}

impl Ending {
    /// Reads `errorCode`. Services write a refusal in several ways (`AccessDenied`,
    /// `AccessDeniedException`, `Client.UnauthorizedOperation` …).
    #[must_use]
    pub fn of(error: Option<&str>) -> Self {
        const REFUSALS: [&str; 6] = [
            "accessdenied",
            "unauthorizedoperation",
            "notauthorized",
            "unauthorizedexception",
            "authorizationerror",
            "forbidden",
        ];
        let refused = error.is_some_and(|code| {
            let code = code.to_ascii_lowercase();
            REFUSALS.iter().any(|refusal| code.contains(refusal))
        });
        if refused { Self::Refused } else { Self::Permitted }
    }
}
