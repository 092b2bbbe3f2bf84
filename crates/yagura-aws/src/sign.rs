//! Signature Version 4 for one request, with S3's own rules.
//! Where the keys come from is in `credentials`; the scope comes from the endpoint.

use std::time::SystemTime;

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;

/// What a signature is valid for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) name: &'a str,
    pub(crate) region: &'a str,
    /// S3's way with paths: encoded once and never normalized.
    pub(crate) single_encoding: bool,
    /// The body is not signed (the operation's model says so).
    pub(crate) unsigned_payload: bool,
}

/// Signs a request in place.
pub(crate) fn sign_request(
    request: &mut http::Request<Bytes>,
    identity: &Identity,
    scope: Scope<'_>,
    time: SystemTime,
) -> Result<(), String> {
    let mut settings = SigningSettings::default();
    // S3 takes the path as it was sent: keys may hold `//`, `..` and encoded slashes.
    if scope.single_encoding {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    if scope.name.starts_with("s3") {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    if scope.unsigned_payload {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let params = v4::SigningParams::builder()
        .identity(identity)
        .region(scope.region)
        .name(scope.name)
        .time(time)
        .settings(settings)
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let uri = request.uri().to_string();
    let mut headers = Vec::with_capacity(request.headers().len());
    for (name, value) in request.headers() {
        let value = value.to_str().map_err(|_| format!("header `{name}` is not plain text"))?;
        headers.push((name.as_str(), value));
    }
    let body = if scope.unsigned_payload {
        SignableBody::UnsignedPayload
    } else {
        SignableBody::Bytes(request.body())
    };
    let method = request.method().as_str();
    let signable = SignableRequest::new(method, uri, headers.into_iter(), body)
        .map_err(|error| error.to_string())?;
    let (instructions, _) =
        sign(signable, &params).map_err(|error| error.to_string())?.into_parts();
    instructions.apply_to_request_http1x(request);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use aws_credential_types::Credentials;

    use super::*;

    fn signed(url: &str, name: &str, token: Option<&str>, unsigned: bool) -> http::HeaderMap {
        let keys = Credentials::from_keys("AKID", "secret", token.map(str::to_owned));
        let mut request = http::Request::get(url).body(Bytes::new()).unwrap();
        let scope = Scope {
            name,
            region: "us-east-1",
            single_encoding: name == "s3",
            unsigned_payload: unsigned,
        };
        let time = UNIX_EPOCH + Duration::from_secs(1_369_353_600);
        sign_request(&mut request, &keys.into(), scope, time).unwrap();
        request.headers().clone()
    }

    /// The example of the S3 API reference, "Authenticating Requests: Using the Authorization
    /// Header", GET Bucket (List Objects), with its published keys.
    #[test]
    fn the_signature_of_the_s3_documentation_is_ours() {
        let keys = Credentials::from_keys(
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            None,
        );
        let url = "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J";
        let mut request = http::Request::get(url).body(Bytes::new()).unwrap();
        let scope = Scope {
            name: "s3",
            region: "us-east-1",
            single_encoding: true,
            unsigned_payload: false,
        };
        let time = UNIX_EPOCH + Duration::from_secs(1_369_353_600);
        sign_request(&mut request, &keys.into(), scope, time).unwrap();
        let header = request.headers()["authorization"].to_str().unwrap();
        let expected = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
        assert!(header.ends_with(expected), "{header}");
    }

    #[test]
    fn only_s3_and_unsigned_bodies_state_their_hash() {
        let hash = |headers: &http::HeaderMap| {
            headers.get("x-amz-content-sha256").map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(hash(&signed("https://h/", "iam", None, false)), None);
        assert!(hash(&signed("https://h/", "s3", None, false)).unwrap().starts_with("e3b0c442"));
        let unsigned = hash(&signed("https://h/", "s3", None, true));
        assert_eq!(unsigned.as_deref(), Some("UNSIGNED-PAYLOAD"));
    }

    #[test]
    fn a_session_token_is_sent_and_signed() {
        let headers = signed("https://h/", "iam", Some("token"), false);
        assert_eq!(headers["x-amz-security-token"], "token");
        let signature = headers["authorization"].to_str().unwrap();
        assert!(signature.contains("x-amz-security-token"), "{signature}");
    }
}
