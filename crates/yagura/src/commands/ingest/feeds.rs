//! Opens the feeds of an ingestion: one for each place, with what each needs.
//! How a feed lists and reads is `yagura-collect`'s.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use yagura_aws::{Aws, Declared, ReadClient, Target};
use yagura_collect::sources::feeds::bucket::BucketFeed;
use yagura_collect::sources::feeds::folder::Folder;
use yagura_collect::sources::feeds::http::{Endpoint, EndpointOptions, Token};
use yagura_collect::sources::feeds::poll::PollOptions;
use yagura_collect::sources::feeds::queue::{QueueFeed, QueueOptions, Until};
use yagura_collect::sources::feeds::syslog::{Listener, SyslogOptions};
use yagura_collect::sources::feeds::{
    Feed, FeedError, bucket, cloudwatch_logs, lookup_events, queue, stdin,
};
use yagura_model::Lang;

use super::place::{Place, Transport};
use crate::context::Context;
use crate::options::AwsOptions;
use crate::output::Hinted;
use crate::reach;

/// How far back a log group is read the first time, unless `--from` says otherwise. CloudTrail's
/// own memory is shorter and its feed knows that.
const FIRST_SPAN: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What was asked of every place.
pub(crate) struct Asked<'a> {
    pub(crate) source: Option<String>,
    /// Where to begin the first time, where a place can tell.
    pub(crate) from: Option<Timestamp>,
    /// Regions of log groups; none: the one at home.
    pub(crate) regions: &'a [String],
    /// What stands before an HTTP listener speaks TLS.
    pub(crate) behind_tls: bool,
    pub(crate) aws: &'a AwsOptions,
}

/// What listens for some of the feeds.
#[derive(Default)]
pub(crate) struct Listeners(JoinSet<()>);

impl Listeners {
    /// Together with others.
    pub(crate) fn join(&mut self, others: Self) {
        let mut others = others.0;
        // A task cannot move from set to set, so one of ours waits for all of theirs.
        if !others.is_empty() {
            self.0.spawn(async move { while others.join_next().await.is_some() {} });
        }
    }

    /// Waits until what listens has put away all that it took.
    pub(crate) async fn close(mut self) {
        while self.0.join_next().await.is_some() {}
    }
}

/// Opens a feed for each place.
pub(crate) async fn open(
    context: &Context,
    places: &[Place],
    asked: &Asked<'_>,
    cancel: &CancellationToken,
) -> anyhow::Result<(Vec<Arc<dyn Feed>>, Listeners)> {
    let mut opener = Opener {
        context,
        asked,
        cancel,
        spool: context.data_folder()?.join("spool"),
        aws: None,
        listeners: JoinSet::new(),
    };
    let mut feeds: Vec<Arc<dyn Feed>> = Vec::new();
    for place in places {
        if place.needs_aws() && opener.aws.is_none() {
            let aws = reach::aws(asked.aws).await?;
            let home = reach::home(&aws).await?;
            opener.aws = Some((aws, home));
        }
        opener.open(place, &mut feeds).await?;
    }
    Ok((feeds, Listeners(opener.listeners)))
}

struct Opener<'a> {
    context: &'a Context,
    asked: &'a Asked<'a>,
    cancel: &'a CancellationToken,
    spool: PathBuf,
    aws: Option<(Aws, Target)>,
    listeners: JoinSet<()>,
}

impl Opener<'_> {
    async fn open(&mut self, place: &Place, feeds: &mut Vec<Arc<dyn Feed>>) -> anyhow::Result<()> {
        let source = self.asked.source.clone();
        match place {
            Place::Path(path) => {
                feeds.push(Arc::new(Folder::new(path, source).map_err(explained)?));
            }
            Place::Stdin => {
                let folder = self.spool.join("stdin");
                let input = std::io::stdin().lock();
                feeds.push(Arc::new(stdin::spool(input, &folder, source).map_err(explained)?));
            }
            Place::Bucket { bucket, prefix } => {
                let (client, home) = self.client(&bucket::CALLS)?;
                let bucket = client
                    .bucket(&home, bucket, false)
                    .with_context(|| format!("`{bucket}` cannot be read"))?;
                feeds.push(Arc::new(BucketFeed::new(bucket, prefix, source, Handle::current())));
            }
            Place::Queue(name) => self.queue(name, source, feeds).await?,
            Place::LogGroup(name) => {
                let (client, home) = self.client(&cloudwatch_logs::CALLS)?;
                for (target, group) in group_places(&home, name, self.asked.regions) {
                    let options = self.poll(&format!("logs/{}/{group}", target.region), &source);
                    let feed = cloudwatch_logs::log_group(client.clone(), target, &group, options);
                    feeds.push(Arc::new(feed.map_err(explained)?));
                }
            }
            Place::LookupEvents => {
                let (client, home) = self.client(&lookup_events::CALLS)?;
                for target in in_regions(&home, self.asked.regions) {
                    let options = self.poll(&format!("lookup-events/{}", target.region), &source);
                    let feed = lookup_events::event_history(client.clone(), target, options);
                    feeds.push(Arc::new(feed.map_err(explained)?));
                }
            }
            Place::Http(address) => {
                let source = source.context(Hinted::new(
                    "what is posted over HTTP cannot be recognized by a key",
                    "name the source: `yagura ingest json_lines http://127.0.0.1:8788`",
                ))?;
                let mut options =
                    EndpointOptions::new(*address, &self.spool.join("http"), super::clock());
                options.tokens = vec![token()?];
                options.sources = std::iter::once(source).collect();
                options.behind_tls = self.asked.behind_tls;
                let endpoint = Endpoint::bind(options).await.map_err(explained)?;
                self.say_listening(&format!("http://{}", endpoint.address()));
                for feed in endpoint.feeds().map_err(explained)? {
                    feeds.push(Arc::new(feed));
                }
                self.listeners.spawn(endpoint.serve(self.cancel.clone()));
            }
            Place::Syslog { address, transport } => {
                let folder = self.spool.join("syslog");
                let mut options = SyslogOptions::new(&folder, super::clock());
                match transport {
                    Transport::Tcp => options.tcp = Some(*address),
                    Transport::Udp => options.udp = Some(*address),
                }
                let listener = Listener::bind(options).await.map_err(explained)?;
                let bound = listener.tcp_address().or(listener.udp_address()).unwrap_or(*address);
                self.say_listening(&format!("syslog://{bound}"));
                let source = source.or_else(|| Some("syslog".to_owned()));
                feeds.push(Arc::new(listener.feed(source).map_err(explained)?));
                let cancel = self.cancel.clone();
                self.listeners.spawn(async move {
                    listener.serve(cancel).await;
                });
            }
        }
        Ok(())
    }

    async fn queue(
        &self,
        name: &str,
        source: Option<String>,
        feeds: &mut Vec<Arc<dyn Feed>>,
    ) -> anyhow::Result<()> {
        let (client, home) = self.client(&queue::CALLS)?;
        let (aws, _) = self.aws.as_ref().context("AWS was not prepared")?;
        let consumer = aws.consumer(&home, name, self.cancel.clone()).await.with_context(|| {
            Hinted::new(
                format!("`{name}` cannot be read"),
                "check the queue's URL and that sqs:ReceiveMessage is allowed",
            )
        })?;
        let options = QueueOptions {
            source,
            spool: self.own_folder(&format!("queue/{name}")),
            buckets: Vec::new(),
            until: Until::Empty,
        };
        let feed = QueueFeed::new(consumer, client, home, options, Handle::current());
        feeds.push(Arc::new(feed.map_err(explained)?));
        Ok(())
    }

    /// How a place is polled that can only be asked for spans of time. Each round asks to the end.
    fn poll(&self, name: &str, source: &Option<String>) -> PollOptions {
        let now = self.context.now();
        let first = now.saturating_sub(FIRST_SPAN).unwrap_or(now);
        PollOptions {
            source: source.clone(),
            folder: self.own_folder(name),
            since: self.asked.from.unwrap_or(first),
            overlap: SignedDuration::from_mins(30),
            span_max: SignedDuration::from_hours(1),
            every: Duration::from_secs(15),
            until: Until::Empty,
            clock: super::clock(),
        }
    }

    /// A folder of the spool whose name says what it belongs to and that has no other's name.
    fn own_folder(&self, name: &str) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let shown: String = name.chars().map(plain).take(100).collect();
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            // FNV-1a: two names that look alike after the above stay apart.
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        self.spool.join(format!("{shown}-{hash:016x}"))
    }

    /// A client that may make these calls, and the target at home.
    fn client(&self, calls: &[&str]) -> anyhow::Result<(ReadClient, Target)> {
        let (aws, home) = self.aws.as_ref().context("AWS was not prepared")?;
        let declared: Declared = calls.iter().copied().collect();
        Ok((aws.read(declared).with_cancel(self.cancel.clone()), home.clone()))
    }

    fn say_listening(&self, address: &str) {
        // Scripts wait for this line; --quiet keeps it away as every remark.
        self.context.remark(&match self.context.lang {
            Lang::En => format!("listening on {address}"),
            Lang::Ja => format!("{address} で待ち受けています"),
        });
    }
}

/// The targets of these regions; none named: the one at home.
fn in_regions(home: &Target, regions: &[String]) -> Vec<Target> {
    if regions.is_empty() {
        return vec![home.clone()];
    }
    regions.iter().map(|region| Target::new(&home.account, region)).collect()
}

/// Where a log group is: an ARN says it itself, a name is looked for in the regions.
fn group_places(home: &Target, name: &str, regions: &[String]) -> Vec<(Target, String)> {
    let parts: Vec<&str> = name.split(':').collect();
    if let ["arn", _, "logs", region, account, "log-group", group, ..] = parts.as_slice() {
        return vec![(Target::new(*account, *region), (*group).to_owned())];
    }
    let here = in_regions(home, regions);
    here.into_iter().map(|target| (target, name.to_owned())).collect()
}

/// The token that senders must show: never on a command line, where others could read it.
fn token() -> anyhow::Result<Token> {
    let secret = std::env::var("YAGURA_INGEST_TOKEN").map_err(|_| {
        Hinted::new(
            "no token is set for senders over HTTP",
            "put a secret of at least 16 bytes into YAGURA_INGEST_TOKEN",
        )
    })?;
    Token::new("ingest", &secret).map_err(explained)
}

/// An error of a feed with its remedy.
pub(crate) fn explained(error: FeedError) -> anyhow::Error {
    let hint = match &error {
        FeedError::Gone { .. } => "check the path",
        FeedError::Denied { .. } => "the user that runs yagura must be allowed to read it",
        _ => return anyhow::Error::new(error),
    };
    let message = error.to_string();
    anyhow::Error::new(error).context(Hinted::new(message, hint))
}
