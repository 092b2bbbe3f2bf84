//! Findings of other products on their way in, and ours on their way out: the stages wired.
//! Reading is collect's, folding and pushing respond's; commands and schedules call this.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::sync::mpsc;
use yagura_aws::{ReadClient, WriteClient};
use yagura_collect::imports::{
    self, Asked, FileRead, ImportEvent, PlaceRead, PlaceState, Product, read_file,
};
use yagura_collect::{Organization, Regions};
use yagura_content::Content;
use yagura_model::Lang;
use yagura_respond::findings::Fold;
use yagura_respond::findings::imports::{ImportFold, ImportOrigin, ImportedPlace, ImportsFolded};
use yagura_respond::push::security_hub::{PushOutcome, push};
use yagura_store::Store;
use yagura_store::findings::FindingFilter;

use crate::output::Hinted;
use crate::{catalog, detection};

/// What waits between reading and folding.
const WAITING: usize = 256;
/// How often everything is read anew, where changes are read otherwise, in microseconds: a day.
const WHOLE_EVERY_US: i64 = 86_400_000_000;

/// Where AWS is read, and what of it.
pub(crate) struct FromAws<'a> {
    pub(crate) organization: &'a Organization,
    pub(crate) regions: &'a Regions,
    pub(crate) products: &'a [Product],
    /// Everything, whatever is known already.
    pub(crate) whole: bool,
}

/// What importing from AWS came to.
pub(crate) struct ImportedFromAws {
    pub(crate) places: Vec<PlaceRead>,
    pub(crate) bad: Vec<(Arc<str>, imports::BadFinding)>,
    pub(crate) folded: ImportsFolded,
    pub(crate) interrupted: bool,
}

/// Reads findings through the AWS API and folds them. What a place did not answer closes nothing.
///
/// # Errors
/// Where the store cannot be read or written.
pub(crate) async fn from_aws(
    content: &Content,
    store: &Store,
    client: &ReadClient,
    from: &FromAws<'_>,
    now: Timestamp,
) -> anyhow::Result<ImportedFromAws> {
    let since = if from.whole { BTreeMap::new() } else { since(store, now).await? };
    let asked = Asked {
        organization: from.organization,
        regions: from.regions,
        products: from.products,
        since: &since,
    };
    let fold = Fold::new(Arc::new(content.clone()));
    let mut folding = fold.begin_imports(store, ImportOrigin::Service, now).await?;
    let (sink, events) = mpsc::channel(WAITING);
    let cancel = client.cancel().clone();
    let reading = imports::read(client, asked, sink, cancel.clone());
    let (interrupted, kept) = tokio::join!(reading, async {
        let kept = keep(&mut folding, events).await;
        // Nothing more can be kept: stop asking.
        if kept.is_err() {
            cancel.cancel();
        }
        kept
    });
    let (places, bad) = kept.context("could not keep the findings that were read")?;
    let folded = folding.finish().await?;
    Ok(ImportedFromAws { places, bad, folded, interrupted })
}

type Told = (Vec<PlaceRead>, Vec<(Arc<str>, imports::BadFinding)>);

async fn keep(
    folding: &mut ImportFold<'_>,
    mut events: mpsc::Receiver<ImportEvent>,
) -> anyhow::Result<Told> {
    let (mut places, mut bad) = (Vec::new(), Vec::new());
    while let Some(event) = events.recv().await {
        match event {
            ImportEvent::Found { scope, finding } => folding.found(&scope, *finding).await?,
            ImportEvent::Present { scope, product, originals } => {
                folding.present(&scope, product, &originals).await?;
            }
            ImportEvent::Bad { scope, why } => bad.push((scope, why)),
            ImportEvent::Place(place) => {
                let whole = place.state == PlaceState::Whole;
                if whole || place.state == PlaceState::Changes {
                    let ended = ImportedPlace { whole, changed_us: place.updated_us };
                    folding.ended(&place.scope, ended).await?;
                }
                places.push(place);
            }
        }
    }
    Ok((places, bad))
}

/// Up to when each place is known; places that are to be read whole again are missing.
async fn since(store: &Store, now: Timestamp) -> anyhow::Result<BTreeMap<String, i64>> {
    let oldest = now.as_microsecond().saturating_sub(WHOLE_EVERY_US);
    let cursors = store.imports().cursors().await?;
    let known = cursors.into_iter().filter_map(|(scope, cursor)| {
        let fresh = cursor.whole_us.is_some_and(|whole_us| whole_us > oldest);
        Some((scope, cursor.changed_us.filter(|_| fresh)?))
    });
    Ok(known.collect())
}

/// Reads a file of findings and folds them.
///
/// # Errors
/// Where the file cannot be read or the store not be written.
pub(crate) async fn from_file(
    content: &Content,
    store: &Store,
    file: &Path,
    now: Timestamp,
) -> anyhow::Result<(FileRead, ImportsFolded)> {
    let shown = file.display().to_string();
    let attempt = || format!("could not read the findings of `{shown}`");
    let opened = std::fs::File::open(file).with_context(|| {
        Hinted::new(attempt(), "name a file of OCSF, ASFF, SARIF or Prowler's CSV, or `aws`")
    })?;
    let (sink, mut findings) = mpsc::channel(WAITING);
    let location = shown.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let input = Box::new(std::io::BufReader::new(opened));
        read_file(input, &location, now.as_microsecond(), &mut |finding| {
            match sink.blocking_send(finding) {
                Ok(()) => ControlFlow::Continue(()),
                // Nothing more can be kept: stop reading.
                Err(_) => ControlFlow::Break(()),
            }
        })
    });
    let fold = Fold::new(Arc::new(content.clone()));
    let mut folding = fold.begin_imports(store, ImportOrigin::File, now).await?;
    let mut scopes = BTreeSet::new();
    while let Some(finding) = findings.recv().await {
        let scope = format!("{}{}", yagura_store::imports::FILE_SCOPES, finding.product);
        folding.found(&scope, finding).await?;
        scopes.insert(scope);
    }
    let read = reading.await.with_context(attempt)?.with_context(attempt)?;
    for scope in scopes {
        // A file is never known to hold everything: what it does not name may still be so.
        folding.ended(&scope, ImportedPlace::default()).await?;
    }
    Ok((read, folding.finish().await?))
}

/// Tells Security Hub what changed; without a client, what would be told is counted.
///
/// # Errors
/// Where the store cannot be read or written.
pub(crate) async fn to_security_hub(
    content: &Content,
    store: &Store,
    client: Option<&WriteClient>,
    filter: &FindingFilter,
    lang: Lang,
    now: Timestamp,
) -> anyhow::Result<PushOutcome> {
    let catalog = catalog::of(content);
    let entries = detection::told::entries_of_all(content);
    let context = yagura_report::ExportContext {
        catalog: &catalog,
        entries: &entries,
        accounts: Vec::new(),
        at: now,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        lang,
    };
    let pushed = push(store, client, filter, &context, now).await;
    pushed.context("could not tell Security Hub")
}
