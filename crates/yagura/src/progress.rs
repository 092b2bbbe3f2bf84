//! Progress bars: of a scan, of an ingestion, of a question. On stderr, on a terminal only.
//! Nothing depends on them being shown.

use indicatif::{ProgressBar, ProgressStyle};
use yagura_aws::Counts;
use yagura_collect::Progress;
use yagura_model::Lang;

/// A bar where stderr is a terminal and nobody asked for quiet.
fn bar(quiet: bool, template: &str) -> Option<ProgressBar> {
    let shown = !quiet && crate::output::stderr_is_terminal();
    shown.then(|| {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar
    })
}

/// A bar, or nothing where nobody watches.
pub(crate) struct Bar {
    bar: Option<ProgressBar>,
    lang: Lang,
}

impl Bar {
    /// A bar where stderr is a terminal and nobody asked for quiet.
    pub(crate) fn new(lang: Lang, quiet: bool) -> Self {
        Self { bar: bar(quiet, "{bar:24} {pos}/{len} {msg}"), lang }
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

/// The bar of an ingestion: objects, records, speed.
pub(crate) struct IngestBar {
    bar: Option<ProgressBar>,
    lang: Lang,
}

impl IngestBar {
    /// A bar where stderr is a terminal and nobody asked for quiet.
    pub(crate) fn new(lang: Lang, quiet: bool) -> Self {
        Self { bar: bar(quiet, "{bar:24} {pos}/{len} {msg}"), lang }
    }

    /// Shows how far it is.
    pub(crate) fn show(&self, now: &yagura_collect::sources::Progress) {
        let Some(bar) = &self.bar else { return };
        bar.set_length(now.objects_to_read);
        bar.set_position(now.objects_done);
        let seconds = bar.elapsed().as_secs().max(1);
        let (rows, megabytes) = (now.rows, now.bytes_inflated / 1_000_000 / seconds);
        let bad = now.bad;
        bar.set_message(match self.lang {
            Lang::En => format!("{rows} records, {megabytes} MB/s, {bad} bad"),
            Lang::Ja => format!("レコード {rows} 件、{megabytes} MB/s、不良 {bad} 件"),
        });
    }

    /// Takes the bar away; a further round shows it again.
    pub(crate) fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            bar.reset();
        }
    }
}

/// The bar of a question: files, bytes, rows.
pub(crate) struct QueryBar {
    bar: Option<ProgressBar>,
    lang: Lang,
}

impl QueryBar {
    /// A bar where stderr is a terminal and nobody asked for quiet.
    pub(crate) fn new(lang: Lang, quiet: bool) -> Self {
        Self { bar: bar(quiet, "{bar:24} {pos}/{len} {msg}"), lang }
    }

    /// Shows how far it is.
    pub(crate) fn show(&self, now: yagura_lake::query::ProgressNow) {
        let Some(bar) = &self.bar else { return };
        bar.set_length(now.files_total);
        bar.set_position(now.files_done);
        let (megabytes, rows) = (now.bytes_read / 1_000_000, now.rows_out);
        bar.set_message(match self.lang {
            Lang::En => format!("files, {megabytes} MB read, {rows} rows"),
            Lang::Ja => format!("ファイル、読み取り {megabytes} MB、{rows} 行"),
        });
    }
}

impl Drop for QueryBar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
