//! Fills an account of a test server: any operation, writes too, by the same tables and codecs.
//! It signs nothing, so it works against test servers only, never against AWS.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use yagura_aws::Api;
use yagura_aws::endpoint::{self, EndpointSettings};
use yagura_aws::protocol;

/// Calls a test server as one account.
#[derive(Clone, Debug)]
pub struct Writer {
    url: String,
    api: Api,
    connector: SharedHttpConnector,
    access_key: String,
    tokens: Arc<AtomicU64>,
}

impl Writer {
    /// Writes into the server's own account, as the caller with this access key.
    pub fn new(url: impl Into<String>, api: &Api, access_key: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            api: api.clone(),
            connector: SharedHttpConnector::new(Connector::builder().build_http()),
            access_key: access_key.into(),
            tokens: Arc::default(),
        }
    }

    /// Writes into another account of the same server, by a role there (moto asks for none to
    /// exist).
    ///
    /// # Errors
    /// What the server answered.
    pub async fn account(&self, account: &str) -> Result<Self, String> {
        let input = json!({
            "RoleArn": format!("arn:aws:iam::{account}:role/Seed"),
            "RoleSessionName": "seed",
        });
        let answer = self.call("us-east-1", "sts", "AssumeRole", input).await?;
        let key = answer
            .pointer("/Credentials/AccessKeyId")
            .and_then(Value::as_str)
            .ok_or("the answer holds no keys")?;
        Ok(Self { access_key: key.to_owned(), ..self.clone() })
    }

    /// One call.
    ///
    /// # Errors
    /// The call and what was answered.
    pub async fn call(
        &self,
        region: &str,
        service: &str,
        operation: &str,
        input: Value,
    ) -> Result<Value, String> {
        let answer = self.ask(region, service, operation, input).await;
        answer.map_err(|what| format!("{service}:{operation} in {region}: {what}"))
    }

    async fn ask(
        &self,
        region: &str,
        service: &str,
        operation: &str,
        mut input: Value,
    ) -> Result<Value, String> {
        let service = self.api.service(service).map_err(|error| error.to_string())?;
        let operation = service.operation(operation).map_err(|error| error.to_string())?;
        protocol::fill_idempotency_tokens(operation, &mut input, || {
            format!("token-{:032}", self.tokens.fetch_add(1, Ordering::Relaxed))
        });
        let settings = EndpointSettings {
            override_url: Some(self.url.clone()),
            s3_path_style: true,
            ..EndpointSettings::new(region)
        };
        let endpoint = endpoint::resolve(&service, operation, &input, &settings)
            .map_err(|error| error.to_string())?;
        let mut request = protocol::encode(&service, operation, &input, &endpoint)
            .map_err(|error| error.to_string())?;
        // A test server reads the account and the region from here, and checks no signature.
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential={}/20261121/{}/{}/aws4_request, SignedHeaders=host, \
             Signature=0",
            self.access_key, endpoint.signing_region, endpoint.signing_name,
        );
        let scope = scope.parse().map_err(|_| "the access key is no header text".to_owned())?;
        request.headers_mut().insert(http::header::AUTHORIZATION, scope);
        let request =
            HttpRequest::try_from(request.map(SdkBody::from)).map_err(|error| error.to_string())?;
        let response = self.connector.call(request).await.map_err(|error| format!("{error:?}"))?;
        let (parts, body) =
            response.try_into_http1x().map_err(|error| error.to_string())?.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        let status = parts.status.as_u16();
        protocol::decode(&service, operation, status, &parts.headers, &body)
            .map_err(|error| error.to_string())
    }
}
