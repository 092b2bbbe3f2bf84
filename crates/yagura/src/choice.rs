//! Which controls a command judges with: patterns, services and a framework, over the site's own
//! selection. What a control says is judge's.

use std::sync::Arc;

use anyhow::ensure;
use clap::Args;
use yagura_content::Content;
use yagura_content::format::Control;
use yagura_content::glob;

use crate::output::Hinted;

/// The flags that choose controls.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ControlChoice {
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub(crate) controls: Vec<String>,
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) services: Vec<String>,
    #[arg(long, value_name = "ID")]
    pub(crate) framework: Option<String>,
}

impl ControlChoice {
    /// The chosen controls, by id.
    ///
    /// # Errors
    /// A pattern, service or framework that fits nothing: most likely a typo, and a scan of
    /// nothing would look clean.
    pub(crate) fn of<'c>(&self, content: &'c Content) -> anyhow::Result<Vec<&'c Arc<Control>>> {
        let lists = "`yagura controls list` shows the ids";
        for pattern in &self.controls {
            let fits = content.controls.keys().any(|id| glob::matches(pattern, id));
            ensure!(fits, Hinted::new(format!("no control is called `{pattern}`"), lists));
        }
        for service in &self.services {
            let fits = content.controls.keys().any(|id| service_of(id) == service);
            ensure!(fits, Hinted::new(format!("no control belongs to `{service}`"), lists));
        }
        if let Some(framework) = &self.framework {
            let known: Vec<&str> = content.frameworks.keys().map(String::as_str).collect();
            ensure!(
                content.frameworks.contains_key(framework),
                Hinted::new(
                    format!("there is no framework `{framework}`"),
                    format!("known are {}", known.join(", ")),
                )
            );
        }
        let chosen = content.controls.iter().filter(|(id, _)| {
            let exactly = self.controls.contains(id);
            (exactly || content.site.selection.enables(id))
                && (self.controls.is_empty()
                    || self.controls.iter().any(|pattern| glob::matches(pattern, id)))
                && (self.services.is_empty()
                    || self.services.iter().any(|service| service_of(id) == service))
                && self
                    .framework
                    .as_ref()
                    .is_none_or(|framework| content.requirements_of(id).contains_key(framework))
        });
        Ok(chosen.map(|(_, control)| control).collect())
    }
}

/// The first part of a control's id.
pub(crate) fn service_of(id: &str) -> &str {
    id.split('.').next().unwrap_or(id)
}
