//! Who would be told of a finding, for the console: the binary's side of its port.
//! Routing itself decides, in `yagura-respond`; nothing is told here.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use yagura_console::RouteGuide;
use yagura_content::Content;
use yagura_model::finding::{Expected, Finding, HistoryEntry};
use yagura_respond::routes::Router;
use yagura_store::Store;

/// The time, as the console has it.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Answers for the routes in force.
pub(crate) struct Guide {
    store: Store,
    content: Arc<dyn Fn() -> Arc<Content> + Send + Sync>,
    clock: Clock,
}

impl Guide {
    pub(crate) fn new(
        store: Store,
        content: Arc<dyn Fn() -> Arc<Content> + Send + Sync>,
        clock: Clock,
    ) -> Self {
        Self { store, content, clock }
    }
}

#[async_trait]
impl RouteGuide for Guide {
    async fn expect(&self, finding: Finding, history: &[HistoryEntry]) -> Result<Expected, String> {
        let router = Router::new((self.content)());
        let explained = router.explain(&self.store, finding, history, (self.clock)()).await;
        explained.map(|explained| explained.expected).map_err(|error| {
            tracing::error!(
                code = "routes_explain_failed",
                error = &error as &dyn Error,
                "who would be told of a finding could not be said"
            );
            error.to_string()
        })
    }
}
