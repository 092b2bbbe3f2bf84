//! The content that is in force, and the channels made from it: loaded once, and anew when the
//! site's files have changed.
//! What content is, is `yagura-content`'s.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use yagura_content::Content;
use yagura_content::format::BuiltinChannel;
use yagura_respond::channels::Channels;

use super::watch::digest_of;
use super::{Daemon, logged};
use crate::secrets::Resolver;
use crate::{intelligence, reach};

/// How often the site's files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// What was loaded.
#[derive(Default)]
pub(super) struct InForce {
    content: tokio::sync::Mutex<Option<Loaded>>,
    /// The same, for whoever cannot wait: pages of the console.
    latest: RwLock<Option<Arc<Content>>>,
    channels: tokio::sync::Mutex<Option<Arc<Channels>>>,
}

struct Loaded {
    looked: Instant,
    digest: Option<u64>,
    content: Arc<Content>,
}

impl Daemon {
    /// The content as the site has it; a change is seen within seconds.
    pub(super) async fn content(&self) -> anyhow::Result<Arc<Content>> {
        self.content_of(LOOK_EVERY).await
    }

    /// The content as the site has it at this moment.
    pub(super) async fn content_now(&self) -> anyhow::Result<Arc<Content>> {
        self.content_of(Duration::ZERO).await
    }

    async fn content_of(&self, age_max: Duration) -> anyhow::Result<Arc<Content>> {
        let mut loaded = self.in_force.content.lock().await;
        if let Some(loaded) = loaded.as_ref()
            && loaded.looked.elapsed() < age_max
        {
            return Ok(Arc::clone(&loaded.content));
        }
        let site = intelligence::site_folder(&self.context)?;
        let digest = digest_of(vec![site]).await;
        if let Some(loaded) = loaded.as_mut()
            && loaded.digest == digest
        {
            loaded.looked = Instant::now();
            return Ok(Arc::clone(&loaded.content));
        }
        let context = self.context.clone();
        let content = tokio::task::spawn_blocking(move || context.content()).await;
        let content = Arc::new(content.context("loading content broke off")??);
        *loaded = Some(Loaded { looked: Instant::now(), digest, content: Arc::clone(&content) });
        let mut latest = self.in_force.latest.write().unwrap_or_else(PoisonError::into_inner);
        *latest = Some(Arc::clone(&content));
        Ok(content)
    }

    /// The content as it was loaded last, without looking.
    pub(super) fn content_latest(&self) -> Arc<Content> {
        let latest = self.in_force.latest.read().unwrap_or_else(PoisonError::into_inner);
        match latest.as_ref() {
            Some(content) => Arc::clone(content),
            None => Arc::new(Content::builtin().clone()),
        }
    }

    /// The channels of that content.
    pub(super) async fn channels(&self) -> anyhow::Result<Arc<Channels>> {
        let content = self.content().await?;
        let mut kept = self.in_force.channels.lock().await;
        if let Some(channels) = kept.as_ref()
            && std::ptr::eq(channels.content(), Arc::as_ptr(&content))
        {
            return Ok(Arc::clone(channels));
        }
        let secrets = Arc::new(Resolver::new(&self.context, &self.options.aws));
        let targets = &content.site.routes.targets.0;
        let sns = BuiltinChannel::Sns.as_str();
        let wanted = targets.iter().any(|(_, target)| target.channel.value == sns);
        let mut whole = true;
        let mut topics = None;
        if wanted {
            match self.topics().await {
                Ok(made) => topics = Some(made),
                Err(error) => {
                    whole = false;
                    tracing::warn!(code = "topics_not_reached", error = %logged(&error),
                        "nothing can be published to Amazon SNS yet");
                }
            }
        }
        let channels = Arc::new(Channels::new(content, secrets, topics)?);
        if whole {
            *kept = Some(Arc::clone(&channels));
        }
        Ok(channels)
    }

    async fn topics(&self) -> anyhow::Result<yagura_aws::Topics> {
        let aws = reach::aws(&self.options.aws).await?;
        let home = reach::home(&aws).await?;
        Ok(aws.topics(home, CancellationToken::new()))
    }
}

/// Looks at the site's files until it is to stop, so that the console shows a change within
/// seconds even where no job asks for content.
pub(super) async fn keep(daemon: Arc<Daemon>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        if let Err(error) = daemon.content().await {
            tracing::warn!(code = "content_not_loaded", error = %logged(&error),
                "the site's content could not be loaded anew; the former stays");
        }
    }
}
