//! What all requests share: the store, the content in force, what the binary wired, and how people
//! come in.
//! Nothing here belongs to one request.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::Environment;
use yagura_content::Content;
use yagura_store::Store;

use crate::auth::{Provider, SignIn};
use crate::layout::templates;
use crate::pages::Worlds;
use crate::pages::standing::Kept;
use crate::ports::{ActionBook, LogDesk, RouteGuide};

/// How people come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// Everybody who can reach the address is an administrator (the demo, on loopback alone).
    Open,
    /// People sign in.
    SignIn,
}

/// What a console is made of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The content in force; asked for at each request, because it may change while we run.
    pub content: Arc<dyn Fn() -> Arc<Content> + Send + Sync>,
    /// SQL over logs and inventory; none where there is no lake.
    pub desk: Option<Arc<dyn LogDesk>>,
    /// Who would be told of a finding; none where nothing is routed.
    pub guide: Option<Arc<dyn RouteGuide>>,
    /// The table of IAM actions.
    pub actions: Arc<dyn ActionBook>,
    /// The time.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// How people come in.
    pub entrance: Entrance,
    /// How long a sign-in lasts, and by what else than passwords people come in.
    pub sign_in: SignIn,
    /// Where the lake is, as people write it; none where there is no lake.
    pub lake: Option<String>,
    /// The address under which people reach the console, without a slash at its end:
    /// `https://yagura.example.com`. Where it begins with `https`, cookies are for TLS alone.
    pub address: String,
    /// The zone in which times are shown to who has chosen none.
    pub zone: TimeZone,
    /// Proxies in front of the console whose `X-Forwarded-For` is believed.
    pub proxies: Vec<IpAddr>,
    /// Whether this is the demo's invented organization; every page says so.
    pub demo: bool,
    /// The program's version.
    pub version: String,
}

impl Parts {
    /// The least that a console is made of: people sign in, and there is no lake. Whoever wires
    /// one changes what differs.
    pub fn new(
        store: Store,
        content: Arc<Content>,
        actions: Arc<dyn ActionBook>,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Self {
        Self {
            store,
            content: Arc::new(move || Arc::clone(&content)),
            desk: None,
            guide: None,
            actions,
            clock,
            entrance: Entrance::SignIn,
            sign_in: SignIn::default(),
            lake: None,
            address: "http://127.0.0.1:8787".to_owned(),
            zone: TimeZone::UTC,
            proxies: Vec::new(),
            demo: false,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// A console; clones are the same one.
#[derive(Clone)]
pub struct Console {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    templates: Environment<'static>,
    /// Policies of the newest scan, compiled.
    worlds: Worlds,
    provider: Provider,
    /// What was last counted of verdicts.
    standing: Kept,
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("address", &self.inner.parts.address).finish()
    }
}

impl Console {
    /// A console of its parts.
    ///
    /// # Errors
    /// Where a template does not parse: a defect of ours.
    pub fn new(parts: Parts) -> Result<Self, minijinja::Error> {
        let templates = templates::environment()?;
        let (worlds, provider) = (Worlds::default(), Provider::default());
        let standing = Kept::default();
        Ok(Self { inner: Arc::new(Inner { parts, templates, worlds, provider, standing }) })
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.inner.parts
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.parts.store
    }

    pub(crate) fn content(&self) -> Arc<Content> {
        (self.inner.parts.content)()
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.inner.parts.clock)()
    }

    pub(crate) fn templates(&self) -> &Environment<'static> {
        &self.inner.templates
    }

    pub(crate) fn worlds(&self) -> &Worlds {
        &self.inner.worlds
    }

    /// What is remembered of the provider of identities.
    pub(crate) fn provider(&self) -> &Provider {
        &self.inner.provider
    }

    /// What was last counted of verdicts.
    pub(crate) fn standing(&self) -> &Kept {
        &self.inner.standing
    }

    /// Whether cookies are for TLS alone.
    pub(crate) fn is_secure(&self) -> bool {
        self.inner.parts.address.starts_with("https://")
    }
}
