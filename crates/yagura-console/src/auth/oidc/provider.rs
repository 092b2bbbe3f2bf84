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

/// Bytes of one answer at most.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// How long description and keys are believed without asking again.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);
/// How often, at most, unknown keys make us ask again before.
const ASKED_AGAIN: SignedDuration = SignedDuration::from_secs(60);
/// How long a provider that could not be described is left alone: people wait for one another
/// here, and each would wait for the same silence.
const LEFT_ALONE: SignedDuration = SignedDuration::from_secs(5);
/// Characters of what went wrong that are written into the log.
const SAID_CHARACTERS_MAX: usize = 500;
/// How far the provider's clock may be before ours, in seconds.
const SKEW_SECONDS: i64 = 60;

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
    known: tokio::sync::Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Its description and keys, and when they were fetched.
    described: Option<(CoreProviderMetadata, Timestamp)>,
    /// When it last could not be described, and why.
    silent: Option<(Timestamp, String)>,
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

impl ProviderFault {
    /// A word for the record of actions.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Describe { .. } => "description",
            Self::Settings(_) => "settings",
            Self::Exchange(_) => "exchange",
            Self::Token(_) => "token",
        }
    }
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
    if let Some((metadata, fetched)) = known.described.as_ref() {
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
    if let Some((tried, reason)) = &known.silent
        && now.duration_since(*tried) < LEFT_ALONE
    {
        return Err(fault(reason.clone()));
    }
    match fetched(settings).await {
        Ok(metadata) => {
            *known = Known { described: Some((metadata.clone(), now)), silent: None };
            Ok((metadata, now))
        }
        Err(reason) => {
            known.silent = Some((now, reason.clone()));
            Err(fault(reason))
        }
    }
}

async fn fetched(settings: &OidcSettings) -> Result<CoreProviderMetadata, String> {
    let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|error| error.to_string())?;
    let http = http_client(settings).map_err(|error| chain(&error))?;
    let call = |request| send(http.clone(), request);
    let metadata =
        CoreProviderMetadata::discover_async(issuer, &call).await.map_err(|error| chain(&error))?;
    // People are sent there: what they type must not go in clear either.
    let scheme = metadata.authorization_endpoint().url().scheme();
    if scheme != "https" && (is_over_tls(settings) || scheme != "http") {
        return Err(format!("it sends people to an address that begins with `{scheme}`"));
    }
    Ok(metadata)
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
    let http = http_client(settings).map_err(|error| ProviderFault::Exchange(chain(&error)))?;
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
    let all = payload(token)?;
    timely_and_ours(console, settings, &all)?;
    let endpoint = description.userinfo_endpoint();
    if let Some(endpoint) = endpoint.filter(|_| !claims::are_whole(settings, &all)) {
        let more = user_info(&http, endpoint.as_str(), answer.access_token().secret()).await?;
        // Another one's description is no description (OpenID Connect Core, 5.3.2).
        if more.get("sub").and_then(Value::as_str) != Some(subject.as_str()) {
            return Err(ProviderFault::Token("user info is of another subject".to_owned()));
        }
        return Ok((subject, claims::joined(all, more)));
    }
    Ok((subject, all))
}

/// What the library leaves to who calls it: that a token is worth something already, and that it
/// was given to us (OpenID Connect Core 1.0, 3.1.3.7, step 5; RFC 7519, 4.1.5). One for several
/// audiences the library refuses whatever its `azp`.
fn timely_and_ours(
    console: &Console,
    settings: &OidcSettings,
    claims: &Map<String, Value>,
) -> Result<(), ProviderFault> {
    let fault = |text: &str| Err(ProviderFault::Token(text.to_owned()));
    let latest = console.now().as_second().saturating_add(SKEW_SECONDS);
    if let Some(from) = claims.get("nbf") {
        #[expect(clippy::cast_precision_loss, reason = "seconds of our time are exact in it")]
        if from.as_f64().is_none_or(|from| from > latest as f64) {
            return fault("it is not valid yet");
        }
    }
    let party = claims.get("azp");
    if party.is_some_and(|party| party.as_str() != Some(settings.client_id.as_str())) {
        return fault("it was given to another client");
    }
    Ok(())
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
    let latest = console.now().as_second().saturating_add(SKEW_SECONDS);
    let verifier = verifier.set_issue_time_verifier_fn(move |issued| {
        if issued.timestamp() > latest { Err("it is of a time to come".to_owned()) } else { Ok(()) }
    });
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

/// INVARIANT: a provider that is spoken to over TLS leads us to no address in clear, nor by a
/// redirect to anywhere: it could take the secret along, or make us knock inside our own network.
fn http_client(settings: &OidcSettings) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .https_only(is_over_tls(settings))
        .timeout(settings.answer_time)
        .build()
}

fn is_over_tls(settings: &OidcSettings) -> bool {
    settings.issuer.starts_with("https://")
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

/// An error with its causes in one line. Some of it is what the provider says.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text.chars().filter(|letter| !letter.is_control()).take(SAID_CHARACTERS_MAX).collect()
}
