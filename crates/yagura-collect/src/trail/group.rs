//! One account and region: its chains of digests from the newest to the oldest.
//! Log files are hashed in `logs`, additions are found in `unlisted`; what proves a digest is
//! decided in `yagura_analyze::trail`.

use std::collections::{BTreeMap, HashSet};

use futures::StreamExt;
use futures::stream;
use jiff::{SignedDuration, Timestamp};
use yagura_analyze::trail::{
    Chain, Coverage, Digest, DigestName, Found, Judged, LogName, Place, Reason, Verdict,
};

use super::inflate::{self, Bounded};
use super::logs::{self, Job};
use super::{ChainSummary, Gap, ObjectKind, ObjectVerdict, ReadFault, Session, Whole, unlisted};

/// An hour's digest of the busiest account lists some thousand files, at 500 bytes each.
const DIGEST_BYTES_MAX: usize = 256 << 20;
const DIGEST_STORED_BYTES_MAX: usize = 32 << 20;
/// Digests newer than the selection that are read for what they prove of older ones.
const PROOF_MARGIN: SignedDuration = SignedDuration::from_hours(3);
/// Log files hashed together.
const JOBS_MAX: usize = 512;
const GAPS_MAX: usize = 1_000;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What one account and region have shown so far.
pub(super) struct Group {
    pub(super) folder: String,
    pub(super) region: String,
    pub(super) coverage: Coverage,
    /// Files with a verdict, by the first bytes of the hash of their keys.
    judged: HashSet<u128>,
    /// Kinds of log files that digests list.
    pub(super) kinds: HashSet<String>,
    jobs: Vec<Job>,
}

/// The chain that a digest's name claims to belong to.
type ChainName = (String, String, bool);

/// Verifies one account folder's region.
pub(super) async fn run(session: &mut Session, folder: &str, kinds: &[&str], region: &str) {
    let mut group = Group {
        folder: folder.to_owned(),
        region: region.to_owned(),
        coverage: Coverage::default(),
        judged: HashSet::new(),
        kinds: HashSet::new(),
        jobs: Vec::new(),
    };
    let chains = chains(session, &group).await;
    for (name, digests) in chains {
        chain(session, &mut group, &name, &digests).await;
        logs::run(session, &mut group.jobs).await;
    }
    // Which trail wrote a log file cannot be seen from its name: with some of the trails left
    // out, their files would look like additions.
    if session.selection.trails.is_empty() {
        for kind in kinds.iter().filter(|kind| **kind != "CloudTrail-Digest") {
            unlisted::run(session, &mut group, kind).await;
        }
    }
}

impl Group {
    fn digests(&self) -> String {
        format!("{}CloudTrail-Digest/{}/", self.folder, self.region)
    }

    /// Whether this key gets its verdict now, not earlier.
    pub(super) fn claim(&mut self, key: &str) -> bool {
        let hash = yagura_analyze::trail::sha256(key.as_bytes());
        let short = hash.get(..32).and_then(|hex| u128::from_str_radix(hex, 16).ok());
        self.judged.insert(short.unwrap_or_default())
    }
}

/// A key to begin a listing by days with.
pub(super) fn start_of(folder: &str, since: Option<Timestamp>) -> Option<String> {
    let since = since?.saturating_sub(SignedDuration::from_hours(24)).ok()?;
    Some(format!("{folder}{}", since.strftime("%Y/%m/%d")))
}

/// The digests of every chain, newest first.
async fn chains(
    session: &mut Session,
    group: &Group,
) -> BTreeMap<ChainName, Vec<(DigestName, String)>> {
    let folder = group.digests();
    let mut chains: BTreeMap<ChainName, Vec<(DigestName, String)>> = BTreeMap::new();
    let archive = session.archive.clone();
    let mut files = archive.files(&folder, start_of(&folder, session.selection.since));
    let until = session.selection.until.and_then(|until| until.checked_add(PROOF_MARGIN).ok());
    while let Some(entry) = files.next().await {
        let entry = match entry {
            Ok(entry) => entry,
            Err(fault) => {
                session.blind(format!("list `{}`", archive.location(&folder)), &fault);
                break;
            }
        };
        let Some(name) = DigestName::parse(&entry.key) else { continue };
        let trails = &session.selection.trails;
        let late = until.is_some_and(|until| name.end > until);
        let early = session.selection.since.is_some_and(|since| name.end <= since);
        if !late && !early && (trails.is_empty() || trails.contains(&name.trail)) {
            let chain = (name.trail.clone(), name.home_region.clone(), name.backfill);
            chains.entry(chain).or_default().push((name, entry.key));
        }
    }
    for digests in chains.values_mut() {
        digests.sort_unstable_by(|a, b| b.cmp(a));
    }
    chains
}

/// Judges one chain, and notes what its digests list.
async fn chain(
    session: &mut Session,
    group: &mut Group,
    (trail, home_region, backfill): &ChainName,
    digests: &[(DigestName, String)],
) {
    let there: HashSet<&str> = digests.iter().map(|(_, key)| key.as_str()).collect();
    let mut summary = ChainSummary {
        account: digests.first().map(|(name, _)| name.account.clone()).unwrap_or_default(),
        region: group.region.clone(),
        trail: trail.clone(),
        home_region: home_region.clone(),
        backfill: *backfill,
        digests: 0,
        from: None,
        to: None,
        gaps: Vec::new(),
    };
    let (mut chain, mut coverage) = (Chain::default(), Coverage::default());
    let archive = session.archive.clone();
    let mut bodies = stream::iter(digests.iter())
        .map(|(name, key)| {
            let archive = archive.clone();
            async move { (name, key, archive.read(key, DIGEST_STORED_BYTES_MAX).await) }
        })
        .buffered(session.options.concurrency.max(1));
    while let Some((name, key, read)) = bodies.next().await {
        let missed = missing(session, group, &chain, key, &there).await;
        let step = Step { name, key, backfill: *backfill };
        let gap = taken(session, group, &mut chain, &mut coverage, &step, read).await;
        summary.digests += 1;
        let end = Some(name.end);
        if let Some(reason) = gap.filter(|_| summary.gaps.len() < GAPS_MAX) {
            let reason = missed.unwrap_or(reason);
            let to = summary.from.unwrap_or(name.end);
            summary.gaps.push(Gap { reason, from: end, to });
        }
        summary.to = summary.to.max(end);
        summary.from = Some(name.end - HOUR);
        coverage.see(name.end - HOUR, name.end);
        if group.jobs.len() >= JOBS_MAX {
            logs::run(session, &mut group.jobs).await;
        }
    }
    drop(bodies);
    // The chain goes on before the oldest digest that is there.
    let reason = missing(session, group, &chain, "", &there).await;
    if let Some(reason) = reason.filter(|_| summary.gaps.len() < GAPS_MAX) {
        let to = summary.from.unwrap_or(session.options.now);
        summary.gaps.push(Gap { reason, from: None, to });
    }
    if !backfill {
        group.coverage.join(&coverage);
    }
    session.summary.chains.push(summary);
}

/// One digest of a chain.
struct Step<'a> {
    name: &'a DigestName,
    key: &'a str,
    backfill: bool,
}

/// Takes the next digest of a chain; gives what the gap before the newer one is.
async fn taken(
    session: &mut Session,
    group: &mut Group,
    chain: &mut Chain,
    coverage: &mut Coverage,
    step: &Step<'_>,
    read: Result<Option<Whole>, ReadFault>,
) -> Option<Reason> {
    let (verdict, reason, detail) = match opened(read).await {
        Ok(Some(opened)) => {
            session.summary.read_bytes += opened.stored_bytes;
            return judged(session, group, chain, coverage, step, &opened).await;
        }
        Ok(None) => (Verdict::Missing, Reason::NotThere, String::new()),
        Err(Fault::Broken(reason, detail)) => (Verdict::HashMismatch, reason, detail),
        Err(Fault::Unread(fault)) => {
            coverage.doubt(step.name.end - HOUR, step.name.end);
            (Verdict::Pending, Reason::Unread, fault.detail)
        }
    };
    chain.skip();
    unusable(session, step, verdict, reason, &detail).await;
    None
}

/// Tells of the digest that the one before this links to, if it is not there; gives what the gap
/// is then.
async fn missing(
    session: &mut Session,
    group: &mut Group,
    chain: &Chain,
    next: &str,
    there: &HashSet<&str>,
) -> Option<Reason> {
    let awaited = chain.awaited()?;
    let path = chain.path_of(&awaited.object);
    if path == Some(next) || path.is_some_and(|path| there.contains(path)) {
        return None;
    }
    let (Some(path), Some(name)) = (path, DigestName::parse(&awaited.object)) else {
        return Some(Reason::Elsewhere);
    };
    if session.archive.bucket().is_some_and(|bucket| bucket != awaited.bucket) {
        return Some(Reason::Elsewhere);
    }
    if session.selection.since.is_some_and(|since| name.end <= since) {
        return None;
    }
    if group.claim(path) {
        let (verdict, reason) = (Verdict::Missing, Reason::NotThere);
        let location = session.archive.location(path);
        let (kind, detail) = (ObjectKind::Digest, String::new());
        let digest = None;
        session.tell(ObjectVerdict { location, kind, verdict, reason, detail, digest }).await;
    }
    Some(Reason::NotThere)
}

/// A digest that was opened.
struct Opened {
    digest: Digest,
    sha256: String,
    signature: Option<String>,
    backfilled: Option<Timestamp>,
    stored_bytes: u64,
}

enum Fault {
    Broken(Reason, String),
    Unread(ReadFault),
}

async fn opened(read: Result<Option<Whole>, ReadFault>) -> Result<Option<Opened>, Fault> {
    let whole = match read {
        Ok(Some(whole)) => whole,
        Ok(None) => return Ok(None),
        Err(fault) if fault.too_large => {
            return Err(Fault::Broken(Reason::TooLarge, fault.detail));
        }
        Err(fault) => return Err(Fault::Unread(fault)),
    };
    let inflated = tokio::task::spawn_blocking(move || inflated(&whole)).await;
    inflated.unwrap_or_else(|error| Err(Fault::Broken(Reason::Malformed, error.to_string())))
}

fn inflated(whole: &Whole) -> Result<Option<Opened>, Fault> {
    let mut out = Bounded { text: Vec::new(), size_bytes_max: DIGEST_BYTES_MAX };
    let sha256 = inflate::hash(&whole.body, &mut out)
        .map_err(|reason| Fault::Broken(reason, String::new()))?;
    let digest = Digest::parse(&out.text)
        .map_err(|error| Fault::Broken(Reason::Malformed, error.to_string()))?;
    let text = |name: &str| whole.metadata.get(name).cloned();
    Ok(Some(Opened {
        digest,
        sha256,
        signature: text("signature"),
        backfilled: text("backfill-generation-timestamp").and_then(|time| time.parse().ok()),
        stored_bytes: u64::try_from(whole.body.len()).unwrap_or(u64::MAX),
    }))
}

async fn unusable(
    session: &mut Session,
    step: &Step<'_>,
    verdict: Verdict,
    reason: Reason,
    detail: &str,
) {
    if session.is_selected(step.name.end - HOUR, step.name.end) {
        let location = session.archive.location(step.key);
        let (kind, detail) = (ObjectKind::Digest, detail.to_owned());
        let digest = None;
        session.tell(ObjectVerdict { location, kind, verdict, reason, detail, digest }).await;
    }
}

/// Judges a digest that could be read, and notes its log files.
async fn judged(
    session: &mut Session,
    group: &mut Group,
    chain: &mut Chain,
    coverage: &mut Coverage,
    step: &Step<'_>,
    opened: &Opened,
) -> Option<Reason> {
    let Opened { digest, .. } = opened;
    let (start, end) = (digest.digest_start_time, digest.end_time());
    let fingerprint = &digest.digest_public_key_fingerprint;
    // The key of a backfill digest is that of the time when it was written.
    let span = match opened.backfilled.filter(|_| step.backfill) {
        Some(written) => (written.saturating_sub(HOUR).unwrap_or(written), written),
        None => (start, end),
    };
    if let Err(error) = session.keys.want(&group.region, fingerprint, span).await {
        let fault =
            ReadFault { reason: error.reason(), detail: error.to_string(), too_large: false };
        session.blind(format!("read the public keys of `{}`", group.region), &fault);
    }
    let bucket = session.archive.bucket().map(str::to_owned);
    let found = Found {
        place: Place { bucket: bucket.as_deref(), key: step.key },
        digest,
        sha256: &opened.sha256,
        signature: opened.signature.as_deref(),
    };
    let keys = session.keys.for_digest(&group.region, fingerprint);
    let Judged { verdict, reason, proven, gap } = chain.judge(&found, keys);
    if session.is_selected(start, end) {
        let location = session.archive.location(step.key);
        let (kind, detail) = (ObjectKind::Digest, String::new());
        let of = ObjectVerdict { location, kind, verdict, reason, detail, digest: None };
        session.tell(of).await;
    }
    match (proven, verdict) {
        (true, _) => coverage.add(start, end),
        (false, Verdict::Pending) => coverage.doubt(start, end),
        (false, _) => {}
    }
    listed(session, group, chain, step.key, opened, (proven, verdict));
    gap
}

/// Notes the log files of a digest.
fn listed(
    session: &Session,
    group: &mut Group,
    chain: &Chain,
    digest_key: &str,
    opened: &Opened,
    (proven, verdict): (bool, Verdict),
) {
    let digest = &opened.digest;
    for log in &digest.log_files {
        let name = LogName::parse(&log.s3_object);
        if let Some(name) = &name {
            group.kinds.insert(name.kind.clone());
        }
        let time = name.map_or(digest.digest_start_time, |name| name.delivered);
        let elsewhere = log.s3_bucket != digest.digest_s3_bucket;
        let path = chain.path_of(&log.s3_object).filter(|_| !elsewhere);
        let key = path.unwrap_or(&log.s3_object).to_owned();
        if !session.is_selected(time, time) || !group.claim(&key) {
            continue;
        }
        group.jobs.push(Job {
            location: match path {
                Some(path) => session.archive.location(path),
                None => format!("s3://{}/{}", log.s3_bucket, log.s3_object),
            },
            key: path.map(|_| key),
            sha256: log.hash_value.to_ascii_lowercase(),
            digest: session.archive.location(digest_key),
            unproven: (!proven).then_some(match verdict {
                Verdict::Pending => (Verdict::Pending, Reason::DigestPending),
                _ => (Verdict::ChainBroken, Reason::DigestNotProven),
            }),
        });
    }
}

impl Session {
    /// Whether a span of time touches the selection.
    pub(super) fn is_selected(&self, start: Timestamp, end: Timestamp) -> bool {
        let late = self.selection.until.is_some_and(|until| start >= until);
        let early = self.selection.since.is_some_and(|since| end < since);
        !late && !early
    }
}
