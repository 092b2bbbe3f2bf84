//! A provider of OpenID Connect on loopback that says whatever a test wants, with keys made for
//! the test.
//! What must follow from it is in `oidc.rs`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::StreamExt as _;
use http::{StatusCode, header};
use http_body_util::BodyExt as _;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Map, Value, json};
use yagura_console::{OidcSettings, Role};
use yagura_model::secret::Secret;

use crate::support::NOW;

/// How an answer ends that is none.
#[derive(Clone)]
pub(crate) enum Ending {
    /// With a status and a text.
    Status(u16, &'static str),
    /// Elsewhere.
    Redirect(String),
    /// Not before two MiB.
    Huge,
    /// Never.
    Silence,
}

/// How a token is signed.
#[derive(Clone)]
pub(crate) enum Signed {
    Well,
    /// `alg: none`, without a signature.
    ByNobody,
    /// `alg: none`, with the right signature nevertheless.
    ByNobodyWithSignature,
    /// HS256 with this.
    WithSecret(Vec<u8>),
    /// HS256 with the public key, as the key set writes it.
    WithPublicKey,
    /// By a key that the key set does not have.
    ByAnother,
    /// The same, under the name of the one that it has.
    ByAnotherUnderItsName,
    /// Said to be signed, and is not.
    WithoutSignature,
    /// Signed before its claims were changed.
    Tampered,
}

/// What the provider says.
#[derive(Clone)]
pub(crate) struct Said {
    pub(crate) issuer: String,
    /// Members of the description.
    pub(crate) described: Map<String, Value>,
    /// Claims of the token; null for none.
    pub(crate) claims: Map<String, Value>,
    /// The nonce of the round trip.
    pub(crate) nonce: Option<String>,
    pub(crate) signed: Signed,
    pub(crate) header_extra: Value,
    pub(crate) other_key: Value,
    pub(crate) discovery: Option<Ending>,
    pub(crate) keys: Option<Ending>,
    pub(crate) token: Option<Ending>,
    pub(crate) user_info: Option<Ending>,
}

struct Inner {
    said: Said,
    key: Arc<Key>,
    other: Arc<Key>,
    asked: Vec<String>,
}

/// The provider; it answers for as long as the test runs.
#[derive(Clone)]
pub(crate) struct Provider {
    inner: Arc<Mutex<Inner>>,
    issuer: String,
}

struct Key {
    pair: EcdsaKeyPair,
    name: String,
}

impl Key {
    fn new(name: &str) -> Arc<Self> {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        Arc::new(Self { pair, name: name.to_owned() })
    }

    /// As a key set writes it (RFC 7518, 6.2.1).
    fn public(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let (x, y) = (&point[1..33], &point[33..]);
        let encoded = |part| URL_SAFE_NO_PAD.encode(part);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.name,
            "x": encoded(x), "y": encoded(y),
        })
    }

    fn sign(&self, text: &str) -> Vec<u8> {
        self.pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap().as_ref().to_vec()
    }
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let (key, other) = (Key::new("first"), Key::new("second"));
        let now = NOW.parse::<jiff::Timestamp>().unwrap().as_second();
        let claims = json!({
            "iss": issuer, "sub": "mori", "aud": "yagura", "exp": now + 300, "iat": now,
            "email": "mori@hoshimi.example", "email_verified": true, "groups": ["security"],
        });
        let said = Said {
            issuer: issuer.clone(),
            described: described(&issuer),
            claims: claims.as_object().unwrap().clone(),
            nonce: None,
            signed: Signed::Well,
            header_extra: json!({}),
            other_key: other.public(),
            discovery: None,
            keys: None,
            token: None,
            user_info: None,
        };
        let inner = Arc::new(Mutex::new(Inner { said, key, other, asked: Vec::new() }));
        let provider = Self { inner, issuer };
        let router = Router::new().fallback(answer).with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn settings(&self) -> OidcSettings {
        OidcSettings {
            issuer: self.issuer.clone(),
            client_id: "yagura".into(),
            client_secret: Some(Secret::new("a secret of tests")),
            scopes: vec!["email".into()],
            name_claim: "email".into(),
            role_claim: Some("groups".into()),
            roles: BTreeMap::from([("security".into(), Role::Analyst)]),
            role_default: None,
            account_claim: None,
            accounts: BTreeMap::new(),
            label: None,
            domains: Default::default(),
            answer_time: Duration::from_secs(1),
        }
    }

    pub(crate) fn say(&self, change: impl FnOnce(&mut Said)) {
        change(&mut self.inner.lock().unwrap().said);
    }

    /// The nonce that the next token repeats, unless a test has another.
    pub(crate) fn expect_nonce(&self, nonce: &str) {
        let said = &mut self.inner.lock().unwrap().said;
        said.nonce = Some(nonce.to_owned());
    }

    /// Signs with another key from now on, and publishes that one alone.
    pub(crate) fn change_keys(&self) {
        self.inner.lock().unwrap().key = Key::new("third");
    }

    /// What was asked: paths, and the form sent to the token's.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.inner.lock().unwrap().asked.clone()
    }
}

fn described(issuer: &str) -> Map<String, Value> {
    let described = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/user"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
    });
    described.as_object().unwrap().clone()
}

async fn answer(State(provider): State<Provider>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let path = parts.uri.path();
    let (ending, text) = {
        let mut inner = provider.inner.lock().unwrap();
        inner.asked.push(format!("{path} {}", String::from_utf8_lossy(&body)));
        let said = inner.said.clone();
        match path {
            "/.well-known/openid-configuration" => {
                (said.discovery, Value::Object(said.described).to_string())
            }
            "/keys" => (said.keys, json!({"keys": [inner.key.public()]}).to_string()),
            "/token" => {
                let token = token(&said, &inner.key, &inner.other);
                let answer =
                    json!({"access_token": "a", "token_type": "Bearer", "id_token": token});
                (said.token, answer.to_string())
            }
            "/user" => (said.user_info, json!({"sub": said.claims["sub"]}).to_string()),
            _ => return StatusCode::NOT_FOUND.into_response(),
        }
    };
    let json = [(header::CONTENT_TYPE, "application/json")];
    match ending {
        None => (json, text).into_response(),
        Some(Ending::Status(status, text)) => {
            (StatusCode::from_u16(status).unwrap(), json, text).into_response()
        }
        Some(Ending::Redirect(to)) => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response()
        }
        Some(Ending::Huge) => {
            let chunk = Bytes::from(vec![b' '; 1 << 16]);
            let chunks = futures::stream::repeat(chunk).take(32).map(Ok::<_, std::io::Error>);
            (json, Body::from_stream(chunks)).into_response()
        }
        Some(Ending::Silence) => std::future::pending().await,
    }
}

fn token(said: &Said, key: &Key, other: &Key) -> String {
    let mut claims = said.claims.clone();
    if let Some(nonce) = &said.nonce {
        claims.entry("nonce").or_insert_with(|| nonce.as_str().into());
    }
    claims.retain(|_, value| !value.is_null());
    let algorithm = match said.signed {
        Signed::ByNobody | Signed::ByNobodyWithSignature => "none",
        Signed::WithSecret(_) | Signed::WithPublicKey => "HS256",
        _ => "ES256",
    };
    let name = if matches!(said.signed, Signed::ByAnother) { &other.name } else { &key.name };
    let mut header = json!({"alg": algorithm, "typ": "JWT", "kid": name});
    let extra = said.header_extra.as_object().unwrap();
    header.as_object_mut().unwrap().extend(extra.clone());
    let encoded = |value: &str| URL_SAFE_NO_PAD.encode(value);
    let text = |claims: Map<String, Value>| {
        format!("{}.{}", encoded(&header.to_string()), encoded(&Value::Object(claims).to_string()))
    };
    let plain = text(claims.clone());
    let with = |secret: &[u8]| {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
        ring::hmac::sign(&key, plain.as_bytes()).as_ref().to_vec()
    };
    let signature = match &said.signed {
        Signed::ByNobody | Signed::WithoutSignature => Vec::new(),
        Signed::WithSecret(secret) => with(secret),
        Signed::WithPublicKey => with(key.public().to_string().as_bytes()),
        Signed::ByAnother | Signed::ByAnotherUnderItsName => other.sign(&plain),
        Signed::Well | Signed::ByNobodyWithSignature | Signed::Tampered => key.sign(&plain),
    };
    let plain = if matches!(said.signed, Signed::Tampered) {
        claims.insert("sub".into(), "chief".into());
        text(claims)
    } else {
        plain
    };
    format!("{plain}.{}", URL_SAFE_NO_PAD.encode(signature))
}
