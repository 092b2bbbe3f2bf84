//! Who acts: the name that histories keep. It is what a person says it is; whether it is true is
//! for whoever lets people run this program.

use clap::Args;
use yagura_model::finding::Actor;

use crate::output::Hinted;

#[derive(Args, Clone, Debug, Default)]
pub(super) struct By {
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl By {
    /// The person: the flag, else whoever the operating system says runs this program.
    ///
    /// # Errors
    /// Where nobody is named.
    pub(super) fn actor(&self) -> anyhow::Result<Actor> {
        self.name().map(Actor::Person)
    }

    /// The person's name.
    ///
    /// # Errors
    /// Where nobody is named.
    pub(super) fn name(&self) -> anyhow::Result<String> {
        let of_system =
            || ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
        let name = self.by.clone().or_else(of_system);
        name.filter(|name| !name.trim().is_empty()).ok_or_else(|| {
            anyhow::Error::new(Hinted::new(
                "it is not known who you are",
                "say it with --by NAME or YAGURA_BY; the history keeps who did what",
            ))
        })
    }
}
