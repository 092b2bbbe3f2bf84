//! The provider itself: its description and keys, fetched and remembered, and the exchange of a
//! code for a verified token.
//! What the token's claims mean is in `claims.rs`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use openidconnect::core::{
    CoreClient, CoreClientAuthMethod, CoreIdToken, CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    OAuth2TokenResponse as _, PkceCodeVerifier, RedirectUrl, SignatureVerificationError,
    TokenResponse as _,
};
use serde_json::{Map, Value};

use super::claims;
use crate::auth::OidcSettings;
use crate::state::Console;

/// How long a provider may take for one answer.
const ANSWER_TIME: std::time::Duration = std::time::Duration::from_secs(10);
/// Bytes of one answer at most.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// How long description and keys are believed without asking again.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);
/// How often, at most, unknown keys make us ask again before.
const ASKED_AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// INVARIANT: signatures by keys of the provider alone. `none` is no signature, and HS256 would
/// make our own secret, or a public key taken for one, prove what the provider says.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 8] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
];

pub(super) type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What is remembered of a provider.
#[derive(Default)]
pub(crate) struct Provider {
    known: tokio::sync::Mutex<Option<(CoreProviderMetadata, Timestamp)>>,
}

/// Why a provider could not be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProviderFault {
    #[error("the provider `{issuer}` could not be reached or described: {reason}")]
    Describe { issuer: String, reason: String },
    #[error("the settings of the provider cannot be: {0}")]
    Settings(String),
    #[error("the provider did not take the code: {0}")]
    Exchange(String),
    #[error("the provider's token is refused: {0}")]
    Token(String),
}

/// Why an answer could not be had.
#[derive(Debug, thiserror::Error)]
enum AnswerFault {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error(transparent)]
    Form(#[from] http::Error),
    #[error("the answer is larger than 1 MiB")]
    Large,
}

/// The provider's description; asked for anew after an hour, or when `after` says that what was
/// fetched then knew too little.
pub(super) async fn metadata(
    console: &Console,
    settings: &OidcSettings,
    after: Option<Timestamp>,
) -> Result<(CoreProviderMetadata, Timestamp), ProviderFault> {
    let now = console.now();
    let mut known = console.provider().known.lock().await;
    if let Some((metadata, fetched)) = known.as_ref() {
        let age = now.duration_since(*fetched);
        let enough = if after.is_some_and(|after| *fetched <= after) {
            age < ASKED_AGAIN
        } else {
            age < REMEMBERED
        };
        if enough {
            return Ok((metadata.clone(), *fetched));
        }
    }
    let fault = |reason: String| {
        let issuer = settings.issuer.clone();
        ProviderFault::Describe { issuer, reason }
    };
    let issuer =
        IssuerUrl::new(settings.issuer.clone()).map_err(|error| fault(error.to_string()))?;
    let http = http_client().map_err(|error| fault(chain(&error)))?;
    let call = |request| send(http.clone(), request);
    let metadata = CoreProviderMetadata::discover_async(issuer, &call)
        .await
        .map_err(|error| fault(chain(&error)))?;
    *known = Some((metadata.clone(), now));
    Ok((metadata, now))
}

/// A client of the provider.
pub(super) fn client(
    console: &Console,
    settings: &OidcSettings,
    metadata: &CoreProviderMetadata,
) -> Result<Client, ProviderFault> {
    let back = format!("{}/sign-in/provider/callback", console.parts().address);
    let back =
        RedirectUrl::new(back).map_err(|error| ProviderFault::Settings(error.to_string()))?;
    let secret = settings.client_secret.as_ref();
    let secret = secret.map(|secret| ClientSecret::new(secret.expose().to_owned()));
    // Basic is the default of OAuth 2; some providers take the secret in the form alone.
    let methods = metadata.token_endpoint_auth_methods_supported();
    let only_post = methods.is_some_and(|methods| {
        !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
            && methods.contains(&CoreClientAuthMethod::ClientSecretPost)
    });
    let how = if only_post { AuthType::RequestBody } else { AuthType::BasicAuth };
    let id = ClientId::new(settings.client_id.clone());
    let client = CoreClient::from_provider_metadata(metadata.clone(), id, secret);
    Ok(client.set_redirect_uri(back).set_auth_type(how))
}

/// Exchanges a code, and gives the claims of the verified token: of whom, and what.
pub(super) async fn exchange(
    console: &Console,
    settings: &OidcSettings,
    code: String,
    verifier: String,
    nonce: &Nonce,
) -> Result<(String, Map<String, Value>), ProviderFault> {
    let (description, fetched) = metadata(console, settings, None).await?;
    let client_now = client(console, settings, &description)?;
    let http = http_client().map_err(|error| ProviderFault::Exchange(chain(&error)))?;
    let call = |request| send(http.clone(), request);
    let answer = client_now
        .exchange_code(AuthorizationCode::new(code))
        .map_err(|error| ProviderFault::Exchange(error.to_string()))?
        .set_pkce_verifier(PkceCodeVerifier::new(verifier))
        .request_async(&call)
        .await
        .map_err(|error| ProviderFault::Exchange(chain(&error)))?;
    let token = answer.id_token();
    let token = token.ok_or_else(|| ProviderFault::Token("there is no ID token".to_owned()))?;
    let subject = match verified(console, &client_now, token, nonce) {
        // Its keys may have been changed since they were fetched.
        Err(Unverified::UnknownKey) => {
            let (newer, _) = metadata(console, settings, Some(fetched)).await?;
            verified(console, &client(console, settings, &newer)?, token, nonce)
        }
        other => other,
    };
    let subject = subject.map_err(|error| ProviderFault::Token(error.to_string()))?;
    let mut all = payload(token)?;
    let endpoint = description.userinfo_endpoint();
    if let Some(endpoint) = endpoint.filter(|_| !claims::are_whole(settings, &all)) {
        let more = user_info(&http, endpoint.as_str(), answer.access_token().secret()).await?;
        // Another one's description is no description (OpenID Connect Core, 5.3.2).
        if more.get("sub").and_then(Value::as_str) != Some(subject.as_str()) {
            return Err(ProviderFault::Token("user info is of another subject".to_owned()));
        }
        for (name, value) in more {
            all.entry(name).or_insert(value);
        }
    }
    Ok((subject, all))
}

/// Why a token is not believed.
#[derive(Debug, thiserror::Error)]
enum Unverified {
    #[error("it is signed with a key that the provider does not publish")]
    UnknownKey,
    #[error("the time cannot be told")]
    Time,
    #[error(transparent)]
    Claims(ClaimsVerificationError),
}

/// The subject of a token whose signature, issuer, audience, time and nonce are as they must be.
fn verified(
    console: &Console,
    client: &Client,
    token: &CoreIdToken,
    nonce: &Nonce,
) -> Result<String, Unverified> {
    // The library takes another crate's time; both know RFC 3339.
    let Ok(now) = console.now().to_string().parse() else { return Err(Unverified::Time) };
    let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
    let verifier = verifier.set_time_fn(move || now);
    match token.claims(&verifier, nonce) {
        Ok(claims) => Ok(claims.subject().to_string()),
        Err(ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::NoMatchingKey,
        )) => Err(Unverified::UnknownKey),
        Err(error) => Err(Unverified::Claims(error)),
    }
}

/// All claims of a verified token.
fn payload(token: &CoreIdToken) -> Result<Map<String, Value>, ProviderFault> {
    let fault = || ProviderFault::Token("its claims cannot be read".to_owned());
    let text = token.to_string();
    let part = text.split('.').nth(1).ok_or_else(fault)?;
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).map_err(|_| fault())?;
    serde_json::from_slice(&bytes).map_err(|_| fault())
}

async fn user_info(
    http: &reqwest::Client,
    endpoint: &str,
    token: &str,
) -> Result<Map<String, Value>, ProviderFault> {
    let fault = |reason: String| ProviderFault::Exchange(format!("user info: {reason}"));
    let request = http::Request::get(endpoint)
        .header(http::header::AUTHORIZATION, format!("Bearer {token}"))
        .header(http::header::ACCEPT, "application/json")
        .body(Vec::new())
        .map_err(|error| fault(error.to_string()))?;
    let answer = send(http.clone(), request).await.map_err(|error| fault(chain(&error)))?;
    if !answer.status().is_success() {
        return Err(fault(format!("HTTP {}", answer.status().as_u16())));
    }
    serde_json::from_slice(answer.body()).map_err(|error| fault(error.to_string()))
}

fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    // A redirect could lead the secret, or the program, to somewhere else.
    let policy = reqwest::redirect::Policy::none();
    reqwest::Client::builder().redirect(policy).timeout(ANSWER_TIME).build()
}

/// Sends one request, and reads no more of the answer than is sensible.
async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, AnswerFault> {
    let mut response = http.execute(request.try_into()?).await?;
    let mut answer = http::Response::builder().status(response.status());
    for (name, value) in response.headers() {
        answer = answer.header(name, value);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(AnswerFault::Large);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(answer.body(body)?)
}

/// An error with its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
