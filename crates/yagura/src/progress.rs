//! The progress bar of a scan: parts, resources, calls, throttles. On stderr, on a terminal only.
//! Nothing depends on it being shown.

use indicatif::{ProgressBar, ProgressStyle};
use yagura_aws::Counts;
use yagura_collect::Progress;
use yagura_model::Lang;

/// A bar, or nothing where nobody watches.
pub(crate) struct Bar {
    bar: Option<ProgressBar>,
    lang: Lang,
}

impl Bar {
    /// A bar where stderr is a terminal and nobody asked for quiet.
    pub(crate) fn new(lang: Lang, quiet: bool) -> Self {
        let shown = !quiet && crate::output::stderr_is_terminal();
        let bar = shown.then(|| {
            let bar = ProgressBar::new(0);
            if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, lang }
    }

    /// Shows how far the scan is.
    pub(crate) fn show(&self, progress: Progress, counts: Counts) {
        let Some(bar) = &self.bar else { return };
        bar.set_length(progress.parts_all);
        bar.set_position(progress.parts);
        let (resources, calls, throttles) = (progress.resources, counts.calls, counts.throttles);
        bar.set_message(match self.lang {
            Lang::En => format!("{resources} resources, {calls} calls, {throttles} throttled"),
            Lang::Ja => {
                format!("リソース {resources} 件、呼び出し {calls} 回、制限 {throttles} 回")
            }
        });
    }

    /// Takes the bar away.
    pub(crate) fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
