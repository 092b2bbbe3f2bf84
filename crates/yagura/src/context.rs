//! What every command needs: settings, language, the loaded content, the clock, the open store.
//! Each part is made when it is first asked for; `yagura --version` makes none of them.

use std::path::PathBuf;

use anyhow::Context as _;
use jiff::Timestamp;
use yagura_content::Content;
use yagura_model::Lang;
use yagura_model::secret::SecretRef;
use yagura_report::TerminalOptions;
use yagura_store::{Location, Store};

use crate::cli::Global;
use crate::output::{self, Hinted};
use crate::{archive, secrets, settings};

/// The settings that hold for the whole command.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) lang: Lang,
}

impl Context {
    /// The time of this command. The only place that reads a clock.
    #[expect(clippy::unused_self, reason = "one way to the clock, beside the other settings")]
    pub(crate) fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the binary is where time comes from")]
        Timestamp::now()
    }

    /// The content with the site's folder laid over it. Broken files are named on stderr.
    pub(crate) fn content(&self) -> anyhow::Result<Content> {
        let content = Content::load(settings::site_folder(&self.global)?.as_deref());
        self.warn_of_content(&content);
        Ok(content)
    }

    fn warn_of_content(&self, content: &Content) {
        const SHOWN_MAX: usize = 5;
        for problem in content.problems.iter().take(SHOWN_MAX) {
            let problem = self.told(problem);
            self.remark(&match self.lang {
                Lang::En => format!("warning: not used: {problem}"),
                Lang::Ja => format!("警告: 使用しません: {problem}"),
            });
        }
        let left = content.problems.len().saturating_sub(SHOWN_MAX);
        if left > 0 {
            self.remark(&match self.lang {
                Lang::En => format!("warning: and {left} more; see `yagura content lint`"),
                Lang::Ja => format!("警告: ほか {left} 件。`yagura content lint` で確認できます"),
            });
        }
    }

    /// Says something to the person unless they asked for quiet.
    pub(crate) fn remark(&self, text: &str) {
        if !self.global.quiet {
            output::say(&output::printable(text));
        }
    }

    /// The remark in the reader's language.
    pub(crate) fn remark_in(&self, en: &str, ja: &str) {
        self.remark(match self.lang {
            Lang::En => en,
            Lang::Ja => ja,
        });
    }

    /// An error, or why something is not used, in the reader's language.
    pub(crate) fn told(&self, error: impl std::fmt::Display) -> String {
        yagura_report::error_in(self.lang, &error.to_string()).into_owned()
    }

    /// The data folder.
    pub(crate) fn data_folder(&self) -> anyhow::Result<PathBuf> {
        settings::data_folder(&self.global)
    }

    /// Opens the store; makes it where it is missing.
    pub(crate) async fn store(&self) -> anyhow::Result<Store> {
        let location = self.location().await?;
        let folder = self.data_folder()?;
        if self.global.database.is_none() {
            settings::make_data_folder(&folder)?;
        }
        // A restore that was killed in its last step is finished by whoever comes next.
        archive::pending::finish(&folder)?;
        Store::open(&location).await.context(Hinted::new(
            "could not open the database",
            "check --data-dir and --database; the folder must be writable",
        ))
    }

    /// Where the database is: the setting, which may be a reference to a secret that holds the
    /// URL, else the file in the data folder.
    pub(crate) async fn location(&self) -> anyhow::Result<Location> {
        let Some(text) = &self.global.database else {
            return Ok(Location::in_folder(&self.data_folder()?));
        };
        match text.parse::<SecretRef>() {
            Ok(reference) => Ok(secrets::outside(&reference).await?.expose().parse()?),
            Err(_) => Ok(text.parse()?),
        }
    }

    /// How to lay out for this terminal.
    pub(crate) fn terminal(&self, limit: usize, to_stdout: bool) -> TerminalOptions {
        TerminalOptions { width: output::width(), color: self.color(to_stdout), limit }
    }

    fn color(&self, to_stdout: bool) -> bool {
        match self.global.color.as_str() {
            "always" => true,
            "never" => false,
            _ => {
                let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                to_stdout && output::stdout_is_terminal() && !refused
            }
        }
    }
}
