//! Where buckets live: learned from S3's redirects and remembered.
//! Following a redirect is in `attempts`.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use serde_json::Value;

use crate::api::Service;

/// A site with more buckets than this learns the rest anew at each call.
const BUCKETS_MAX: usize = 1_000_000;

/// Region by bucket.
#[derive(Debug, Default)]
pub(super) struct BucketRegions(RwLock<HashMap<String, String>>);

impl BucketRegions {
    pub(super) fn get(&self, bucket: &str) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(bucket).cloned()
    }

    pub(super) fn learn(&self, bucket: &str, region: &str) {
        let mut regions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if regions.len() < BUCKETS_MAX {
            regions.insert(bucket.to_owned(), region.to_owned());
        }
    }
}

/// The bucket that a call is about. Bucket names are global, so one name has one region; an
/// access point's ARN names its region itself.
pub(super) fn bucket_of<'a>(service: &Service, input: &'a Value) -> Option<&'a str> {
    if service.name() != "s3" {
        return None;
    }
    input.get("Bucket")?.as_str().filter(|bucket| !bucket.starts_with("arn:"))
}

/// The region that an answer of S3 sends us to.
///
/// Source: Amazon S3 User Guide, "Making requests using the REST API" (redirects), and the error
/// list (`PermanentRedirect`, `AuthorizationHeaderMalformed`), seen 2026-11.
pub(super) fn redirected_region(
    status: u16,
    code: &str,
    headers: &http::HeaderMap,
    extra: &Value,
) -> Option<String> {
    let moved = matches!(status, 301 | 307 | 308)
        || matches!(
            code,
            "PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed"
                | "IllegalLocationConstraintException"
        )
        // `HeadBucket` in the wrong region has no body: 400 with the header is all it says.
        || (status == 400 && code.is_empty());
    if !moved {
        return None;
    }
    let header = headers.get("x-amz-bucket-region").and_then(|value| value.to_str().ok());
    let region = header.or_else(|| extra.get("Region")?.as_str())?;
    let plain = region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (plain && !region.is_empty() && region.len() <= 32).then(|| region.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(status: u16, code: &str, header: Option<&str>, extra: &Value, region: Option<&str>) {
        let mut headers = http::HeaderMap::new();
        if let Some(header) = header {
            headers.insert("x-amz-bucket-region", header.parse().unwrap());
        }
        let found = redirected_region(status, code, &headers, extra);
        assert_eq!(found.as_deref(), region, "{status} {code}");
    }

    #[test]
    fn each_form_of_redirect_names_the_region() {
        check(301, "PermanentRedirect", Some("eu-west-1"), &json!({}), Some("eu-west-1"));
        check(301, "", Some("eu-west-1"), &json!({}), Some("eu-west-1"));
        check(307, "TemporaryRedirect", Some("ap-east-1"), &json!({}), Some("ap-east-1"));
        let extra = json!({"Region": "us-west-2"});
        check(400, "AuthorizationHeaderMalformed", None, &extra, Some("us-west-2"));
        check(400, "", Some("eu-west-1"), &json!({}), Some("eu-west-1"));
    }

    #[test]
    fn what_is_no_redirect_or_no_region_is_not_followed() {
        check(403, "AccessDenied", Some("eu-west-1"), &json!({}), None);
        check(301, "PermanentRedirect", None, &json!({}), None);
        check(301, "PermanentRedirect", Some("evil.example/"), &json!({}), None);
    }
}
