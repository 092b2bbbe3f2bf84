//! Which kind of fault an AWS error code is.
//! What is done about it (try again, learn, give up) is in `client` and `retry`.
//!
//! Sources: "Common Errors" of the AWS API references; the standard retry mode of the AWS SDKs
//! and Tools Reference Guide ("Retry behavior"), both seen 2026-11.

use super::CallErrorKind;
use super::denied::{denied_action, denied_by};

/// What an answer that is an error means for the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The caller may not.
    Denied,
    /// Too many calls; the same call later may be answered.
    Throttled,
    /// The service stumbled; the same call may be answered.
    Transient,
    /// Our clock and AWS's differ.
    Skewed,
    /// The session has ended; a new one may be answered.
    Expired,
    /// AWS does not know the access key *here*: a wrong key, or a region that is not enabled.
    UnknownIdentity,
    /// The region, partition or account does not offer the service or operation.
    Unsupported,
    /// Anything else: the caller decides by code.
    Other,
}

const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AccessDeniedFault",
    "AllAccessDisabled",
    "AuthorizationError",
    "AuthorizationErrorException",
    "Client.UnauthorizedOperation",
    "Forbidden",
    "ForbiddenException",
    "NotAuthorized",
    "NotAuthorizedException",
    "UnauthorizedAccess",
    "UnauthorizedAccessException",
    "UnauthorizedException",
    "UnauthorizedOperation",
];

const THROTTLED: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

const TRANSIENT: &[&str] = &[
    "ConditionalRequestConflict",
    "InternalError",
    "InternalErrorException",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "InternalServiceError",
    "InternalServiceException",
    "InternalServiceFault",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServerException",
    "ServiceException",
    "ServiceFailureException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Unavailable",
];

const SKEWED: &[&str] =
    &["RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed", "RequestTimeSkewed"];

const EXPIRED: &[&str] = &["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"];

const UNKNOWN_IDENTITY: &[&str] = &[
    "AuthFailure",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "UnrecognizedClientException",
];

const UNSUPPORTED: &[&str] = &[
    "InvalidAction",
    "OptInRequired",
    "RegionDisabledException",
    "SubscriptionRequiredException",
    "UnknownOperationException",
    "UnsupportedOperation",
];

/// What an error answer means.
///
/// An empty code is `Transient` for the statuses by which proxies and load balancers say "later"
/// (500, 502, 503, 504) and for a broken 200, `Throttled` for 429, and `Other` for all else:
/// never denied or absent, since whoever sent it was not AWS.
pub(crate) fn fault_of(status: u16, code: &str, message: &str) -> Fault {
    let one_of = |codes: &[&str]| codes.contains(&code);
    if one_of(SKEWED) || speaks_of_time(code, message) {
        Fault::Skewed
    } else if one_of(EXPIRED) {
        Fault::Expired
    } else if one_of(DENIED)
        || (!code.is_empty() && message.contains("is not authorized to perform"))
    {
        Fault::Denied
    } else if one_of(THROTTLED) || status == 429 || speaks_of_rate(code, message) {
        Fault::Throttled
    } else if one_of(UNKNOWN_IDENTITY) {
        Fault::UnknownIdentity
    } else if one_of(UNSUPPORTED) {
        Fault::Unsupported
    } else if one_of(TRANSIENT)
        || matches!(status, 500 | 502 | 503 | 504)
        || (status < 300 && code.is_empty())
    {
        Fault::Transient
    } else {
        Fault::Other
    }
}

/// Some services limit the rate under a code of their own, in the words of all others.
fn speaks_of_rate(code: &str, message: &str) -> bool {
    !code.is_empty() && message.starts_with("Rate exceeded")
}

/// Signature errors are about the clock where the message compares two times.
fn speaks_of_time(code: &str, message: &str) -> bool {
    let signature = matches!(
        code,
        "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "AuthFailure"
            | "AccessDenied"
            | "InvalidSignature"
    );
    signature
        && [
            "Signature expired",
            "Signature not yet current",
            "is now earlier than",
            "is now later than",
            "Request has expired",
        ]
        .iter()
        .any(|phrase| message.contains(phrase))
}

impl Fault {
    /// What remains to be said when nothing more can be done about the fault.
    pub(crate) fn kind(&self, message: &str) -> CallErrorKind {
        match self {
            Self::Denied => {
                CallErrorKind::Denied { action: denied_action(message), by: denied_by(message) }
            }
            Self::Throttled => CallErrorKind::Throttled,
            Self::Unsupported => CallErrorKind::Unsupported,
            Self::Transient
            | Self::Skewed
            | Self::Expired
            | Self::UnknownIdentity
            | Self::Other => CallErrorKind::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, code: &str, message: &str, fault: &Fault) {
        assert_eq!(fault_of(status, code, message), *fault, "{status} `{code}` `{message}`");
    }

    #[test]
    fn an_error_without_code_is_never_absent_or_denied() {
        check(404, "", "", &Fault::Other);
        check(403, "", "<p>proxy</p>", &Fault::Other);
        check(500, "", "", &Fault::Transient);
        check(200, "", "truncated", &Fault::Transient);
        check(429, "", "", &Fault::Throttled);
    }

    #[test]
    fn each_service_denies_in_its_own_words() {
        check(403, "AccessDenied", "Access Denied", &Fault::Denied);
        check(403, "UnauthorizedOperation", "", &Fault::Denied);
        check(403, "AuthorizationError", "", &Fault::Denied);
        check(400, "AccessDeniedException", "", &Fault::Denied);
        check(400, "ValidationError", "User: x is not authorized to perform: a:B", &Fault::Denied);
    }

    #[test]
    fn a_signature_error_is_skew_only_when_it_compares_times() {
        let late = "Signature expired: 20261121T000000Z is now earlier than 20261121T001000Z";
        check(400, "InvalidSignatureException", late, &Fault::Skewed);
        check(403, "SignatureDoesNotMatch", late, &Fault::Skewed);
        check(403, "RequestTimeTooSkewed", "", &Fault::Skewed);
        check(403, "SignatureDoesNotMatch", "The request signature we calculated", &Fault::Other);
    }

    #[test]
    fn an_unknown_key_is_not_yet_a_disabled_region() {
        check(403, "InvalidClientTokenId", "", &Fault::UnknownIdentity);
        check(400, "UnrecognizedClientException", "", &Fault::UnknownIdentity);
        check(401, "AuthFailure", "AWS was not able to validate", &Fault::UnknownIdentity);
    }

    #[test]
    fn throttling_wins_over_the_status() {
        check(503, "SlowDown", "", &Fault::Throttled);
        check(400, "ThrottlingException", "", &Fault::Throttled);
        check(400, "LimitExceededException", "", &Fault::Throttled);
        check(400, "ClientException", "Rate exceeded", &Fault::Throttled);
        check(400, "", "Rate exceeded", &Fault::Other);
        check(503, "RequestLimitExceeded", "", &Fault::Throttled);
        check(503, "ServiceUnavailable", "", &Fault::Transient);
    }
}
