//! The headers of every answer: what a browser may load, and from where.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderName, HeaderValue, header};

use crate::state::Console;

/// INVARIANT: no inline script or style, nothing from elsewhere: a name that got past escaping
/// could still not run. Forms go to ourselves alone; nobody may frame a page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' \
    data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// For a year no browser that was here asks in clear (RFC 6797).
const OVER_TLS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Sets them, where a handler has not set its own.
pub(crate) async fn harden(State(console): State<Console>, mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 7] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        // What is shown is the viewer's alone: no cache between may keep it.
        (header::CACHE_CONTROL, "no-store"),
    ];
    let headers = response.headers_mut();
    if console.is_secure() {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(OVER_TLS);
    }
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
