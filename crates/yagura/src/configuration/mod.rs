//! The configuration file: found, read, checked against the command line, made into defaults.
//! What each setting means is said by its flag; the tables of a command that are more than flags
//! are listed in `sections`.
//!
//! A key stands for the flag of its name. Alone it holds for every command that has the flag and
//! can take the value; in a table named after a command it holds for that command and those below
//! it, and goes before the key that stands alone.

mod check;
pub(crate) mod effective;
mod keys;
mod place;
pub(crate) mod sections;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Command;

pub(crate) use check::{Checked, check};
pub(crate) use keys::Key;
pub(crate) use place::Refused;

use crate::cli::setting_name;

/// A file larger than this is no configuration.
const BYTES_MAX: u64 = 1 << 20;

/// The text of a configuration file, and where it was found.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Source {
    /// The file that `--config`, `YAGURA_CONFIG` or the XDG folder names; `None` where nobody
    /// named one and the usual one is not there.
    pub(crate) fn find(typed: Option<String>) -> anyhow::Result<Option<Self>> {
        let named = typed.or_else(|| std::env::var("YAGURA_CONFIG").ok()).map(PathBuf::from);
        let usual = || crate::settings::config_folder().map(|folder| folder.join("config.toml"));
        let Some(path) = named.or_else(|| usual().filter(|path| path.exists())) else {
            return Ok(None);
        };
        Self::read(&path).map(Some)
    }

    /// Reads a file.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let attempt = || format!("could not read the configuration `{}`", path.display());
        let size_bytes = std::fs::metadata(path).with_context(attempt)?.len();
        anyhow::ensure!(
            size_bytes <= BYTES_MAX,
            "`{}` is too large for a configuration ({size_bytes} bytes)",
            path.display()
        );
        let text = std::fs::read_to_string(path).with_context(attempt)?;
        // The mark that some editors put at the beginning belongs to no key.
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        Ok(Self { path: path.to_owned(), text })
    }

    /// What is in it, or everything that is wrong with it.
    pub(crate) fn checked(&self, command: &Command) -> Result<Checked, Refused> {
        check(&self.text, command).map_err(|problems| Refused::new(self, problems))
    }
}

/// The command line with the file's values as defaults, so that what is typed and what the
/// environment says goes before them.
pub(crate) fn apply(mut command: Command, checked: &Checked) -> Command {
    // A table's values after those that stand alone: the later default replaces the earlier.
    let (alone, tabled): (Vec<&Key>, Vec<&Key>) =
        checked.keys.iter().partition(|key| key.table.is_none());
    for key in alone.into_iter().chain(tabled) {
        command = match &key.table {
            None => set_default(command, key),
            Some(table) => command.mut_subcommand(table, |child| set_default(child, key)),
        };
    }
    command
}

/// Sets the default of a flag wherever the tree has it and it can take the value.
fn set_default(mut command: Command, key: &Key) -> Command {
    let ids: Vec<clap::Id> = command
        .get_arguments()
        .filter(|argument| setting_name(argument).is_some_and(|name| name == key.name))
        .filter(|argument| keys::accepts(argument, &key.value).is_ok())
        .map(|argument| argument.get_id().clone())
        .collect();
    for id in ids {
        let values = key.value.texts();
        command = command.mut_arg(&id, |argument| argument.default_values(values));
    }
    let children: Vec<String> =
        command.get_subcommands().map(|child| child.get_name().to_owned()).collect();
    for child in children {
        command = command.mut_subcommand(&child, |child| set_default(child, key));
    }
    command
}

/// Whether what was typed works without a sound configuration: help, the version, and `config`,
/// which is how one finds out what is wrong with it.
pub(crate) fn not_needed(command: Command, arguments: &[OsString]) -> bool {
    use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
    match command.try_get_matches_from(arguments) {
        Ok(matches) => matches.subcommand_name() == Some("config"),
        Err(error) => matches!(error.kind(), DisplayHelp | DisplayVersion),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::described;
    use yagura_model::Lang;

    fn parsed(file: &str, arguments: &[&str]) -> clap::ArgMatches {
        let command = described(Lang::En).unwrap();
        let checked = check(file, &command).unwrap();
        apply(command, &checked).try_get_matches_from(arguments).unwrap()
    }

    #[test]
    fn a_table_goes_before_a_key_that_stands_alone_and_what_is_typed_before_both() {
        let file = "regions = ['eu-west-1']\nlimit = 3\n[scan]\nlimit = 5\n";
        let limit = |arguments: &[&str]| {
            let matches = parsed(file, arguments);
            *matches.subcommand().unwrap().1.get_one::<usize>("limit").unwrap()
        };
        assert_eq!(limit(&["yagura", "scan"]), 5);
        assert_eq!(limit(&["yagura", "scan", "--limit", "7"]), 7);
        let matches = parsed(file, &["yagura", "scan"]);
        let regions = matches.subcommand().unwrap().1.get_many::<String>("regions").unwrap();
        assert_eq!(regions.collect::<Vec<_>>(), ["eu-west-1"]);
    }

    #[test]
    fn a_value_that_stands_alone_holds_where_it_can_be_taken() {
        // `sarif` is a format of scans and of nothing that looks things up.
        let file = "format = 'sarif'";
        parsed(file, &["yagura", "lake", "status"]);
        let matches = parsed(file, &["yagura", "scan"]);
        let format = matches.subcommand().unwrap().1.get_one::<yagura_report::Format>("format");
        assert_eq!(*format.unwrap(), "sarif".parse().unwrap());
    }

    #[test]
    fn help_and_config_work_with_a_broken_file() {
        let check = |arguments: &[&str]| {
            let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
            not_needed(described(Lang::En).unwrap(), &arguments)
        };
        assert!(check(&["yagura", "scan", "--help"]));
        assert!(check(&["yagura", "config", "check"]));
        assert!(!check(&["yagura", "scan"]));
        assert!(!check(&["yagura", "scam"]));
    }
}
