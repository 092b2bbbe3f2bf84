//! The command line: what can be typed, and how a setting reaches it.
//! What a command does is in `commands/`; help texts are in `locales/*/help.toml`, the words around
//! them `help.rs`, refused arguments `refusal.rs`.
//!
//! A setting is declared once, as a flag. From the flag come its environment variable
//! (`--data-dir` → `YAGURA_DATA_DIR`), its key in the configuration file (`data-dir = …`, or in a
//! table named after the command) and its line on the reference page.

mod help;
mod refusal;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use yagura_model::Lang;

use crate::output::Hinted;
use crate::{commands, configuration};

/// Everything that was typed.
#[derive(Parser)]
#[command(name = "yagura", version, propagate_version = false, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Commands,
}

/// AWS's own libraries warn at length about credential sources that are merely not there.
pub(crate) const DEFAULT_LOG: &str = "warn,aws_config=error,aws_runtime=error";

/// Settings that every command takes.
#[derive(Args, Clone)]
pub(crate) struct Global {
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) site: Option<PathBuf>,
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database: Option<String>,
    #[arg(long, global = true, value_name = "KEY")]
    pub(crate) master_key: Option<String>,
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[arg(long, global = true, value_parser = ["en", "ja"])]
    pub(crate) lang: Option<String>,
    #[arg(long, global = true, value_parser = ["auto", "always", "never"], default_value = "auto")]
    pub(crate) color: String,
    #[arg(long, global = true, value_name = "FILTER", default_value = DEFAULT_LOG)]
    pub(crate) log: String,
    #[arg(long, global = true, value_parser = ["text", "json"], default_value = "text")]
    pub(crate) log_format: String,
    #[arg(long, short, global = true, action = ArgAction::SetTrue)]
    pub(crate) quiet: bool,
}

/// The commands, one file each.
#[derive(Subcommand)]
pub(crate) enum Commands {
    Demo(commands::demo::DemoArgs),
    Scan(commands::scan::ScanArgs),
    Controls(commands::controls::ControlsArgs),
    Frameworks(commands::frameworks::FrameworksArgs),
    Resources(commands::resources::ResourcesArgs),
    Ingest(Box<commands::ingest::IngestArgs>),
    Detect(Box<commands::detect::DetectArgs>),
    Hunt(Box<commands::hunt::HuntArgs>),
    Alerts(commands::alerts::AlertsArgs),
    Findings(commands::findings::FindingsArgs),
    Routes(commands::routes::RoutesArgs),
    Serve(Box<commands::serve::ServeArgs>),
    Jobs(commands::jobs::JobsArgs),
    People(commands::people::PeopleArgs),
    Tokens(commands::people::TokensArgs),
    Mcp(Box<commands::mcp::McpArgs>),
    Query(Box<commands::query::QueryArgs>),
    Lake(Box<commands::lake::LakeArgs>),
    Intelligence(Box<commands::intelligence::IntelligenceArgs>),
    Trail(commands::trail::TrailArgs),
    Access(commands::access::AccessArgs),
    Doctor(commands::doctor::DoctorArgs),
    Costs(Box<commands::costs::CostsArgs>),
    Secrets(Box<commands::secrets::SecretsArgs>),
    Config(commands::config::ConfigArgs),
    Backup(commands::backup::BackupArgs),
    Restore(commands::restore::RestoreArgs),
    Prune(commands::prune::PruneArgs),
    Content(commands::content::ContentArgs),
    Aws(commands::aws::AwsArgs),
    Completions(commands::completions::CompletionsArgs),
    #[command(hide = true)]
    Reference(commands::reference::ReferenceArgs),
}

/// Flags that are no settings: they mean something only where they are typed.
const NOT_SETTINGS: &[&str] = &[
    "help",
    "version",
    "config",
    "yes",
    "compare",
    "file",
    "saved",
    "param",
    "explain",
    "as-of",
    "since",
    "until",
    "from",
    "to",
    "reason",
    "from-day",
    "to-day",
    "once",
    "context",
    "cases",
    "force",
    "bad",
    "rule",
    "keep",
    "entity",
    "no-detect",
    "logs",
    "attach",
    "alone",
    "status",
    "unset",
    "target",
    "targets",
    "finding",
    "outcome",
    "partner",
    "partition",
    "reader",
    "writer",
    "administrator",
    "user",
    "via",
    "grants",
    "service",
    "kms-key",
    "principal",
    "with-external-id",
    "mfa",
    "github",
    "branch",
    "tag",
    "environment",
    "repository-id",
    "oidc",
    "subject",
    "audience",
    "saml",
    "permission-set",
    "assigned-in",
    "state",
    "content",
    "assignee",
    "label",
    "mark",
    "cause",
    "text",
    "rank-min",
    "overdue",
    "before",
    "owner",
    "nobody",
    "never",
    "message",
    "add",
    "remove",
    "set",
    "system",
    "key",
    "url",
    "after",
];

/// Reads arguments, environment and configuration file into one answer. The language is the one
/// before parsing, and what the configuration says of it once that is read. None where a command
/// needs another after it: its help was shown.
///
/// # Errors
/// A configuration file that cannot be read or is refused (see `crate::configuration`).
/// Wrong arguments. Help and the version end the process.
pub(crate) fn parse(
    arguments: &[std::ffi::OsString],
    lang: &mut Lang,
) -> anyhow::Result<Option<Cli>> {
    let mut command = described(*lang)?;
    match configured(arguments, &command) {
        Ok(Some(checked)) => command = configuration::apply(command, &checked),
        Ok(None) => {}
        Err(_) if configuration::not_needed(command.clone(), arguments) => {}
        Err(error) => return Err(error),
    }
    let mut command = help::spoken(command, *lang);
    let found = command.try_get_matches_from_mut(arguments);
    let cli = match found.and_then(|found| Cli::from_arg_matches(&found)) {
        Ok(cli) => cli,
        Err(error) if error.kind() == ErrorKind::MissingSubcommand => {
            help::in_place_of_a_command(&mut command, &error);
            return Ok(None);
        }
        Err(error) => match refusal::told(&error, *lang) {
            Some(told) => return Err(told.into()),
            None => error.exit(),
        },
    };
    match cli.global.lang.as_deref() {
        Some("ja") => *lang = Lang::Ja,
        Some(_) => *lang = Lang::En,
        None => {}
    }
    Ok(Some(cli))
}

/// The language of help and errors: the flag, the variable, else the locale.
pub(crate) fn lang_before_parsing(arguments: &[std::ffi::OsString]) -> Lang {
    let typed = value_of(arguments, "--lang").or_else(|| std::env::var("YAGURA_LANG").ok());
    let locale = || {
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    };
    Lang::from_locale(&typed.or_else(locale).unwrap_or_default())
}

/// The value of a flag before clap has parsed anything: `--flag value` or `--flag=value`.
fn value_of(arguments: &[std::ffi::OsString], flag: &str) -> Option<String> {
    let mut arguments = arguments.iter().filter_map(|argument| argument.to_str());
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            return None;
        }
        if argument == flag {
            return arguments.next().map(str::to_owned);
        }
        let value = argument.strip_prefix(flag).and_then(|rest| rest.strip_prefix('='));
        if let Some(value) = value {
            return Some(value.to_owned());
        }
    }
    None
}

/// The whole command tree, with help in one language and an environment variable per setting.
pub(crate) fn described(lang: Lang) -> anyhow::Result<Command> {
    let help = Help::load(lang)?;
    Ok(describe(Cli::command(), &help, ""))
}

/// Help texts by path: `scan`, `scan.--format`, `controls.list`.
struct Help(BTreeMap<String, String>);

impl Help {
    fn load(lang: Lang) -> anyhow::Result<Self> {
        let text = match lang {
            Lang::En => include_str!("../../../../locales/en/help.toml"),
            Lang::Ja => include_str!("../../../../locales/ja/help.toml"),
        };
        Ok(Self(toml::from_str(text).context("the built-in help texts are broken")?))
    }

    /// The text for an argument of a command: the command's own, that of the command above it, or
    /// the one that holds everywhere.
    fn nearest(&self, path: &str, key: &str) -> Option<String> {
        let mut above = Some(path);
        while let Some(path) = above {
            if let Some(text) = self.get(&format!("{path}.{key}")) {
                return Some(text);
            }
            above = path.rsplit_once('.').map(|(above, _)| above);
        }
        self.get(key)
    }

    fn get(&self, path: &str) -> Option<String> {
        self.0.get(path).map(|text| text.trim().to_owned())
    }
}

fn describe(mut command: Command, help: &Help, path: &str) -> Command {
    let own = if path.is_empty() { "yagura" } else { path };
    if let Some(about) = help.get(own) {
        command = command.about(about);
    }
    if let Some(after) = help.get(&format!("{own}.after")) {
        command = command.after_help(after);
    }
    let arguments: Vec<clap::Id> =
        command.get_arguments().map(|argument| argument.get_id().clone()).collect();
    for id in arguments {
        command = command.mut_arg(&id, |argument| describe_argument(argument, help, own));
    }
    let children: Vec<String> =
        command.get_subcommands().map(|child| child.get_name().to_owned()).collect();
    for child in children {
        let child_path = if path.is_empty() { child.clone() } else { format!("{path}.{child}") };
        command = command.mut_subcommand(&child, |child| describe(child, help, &child_path));
    }
    command
}

fn describe_argument(argument: Arg, help: &Help, path: &str) -> Arg {
    let key = argument_key(&argument);
    let text = help.nearest(path, &key);
    let argument = match text {
        Some(text) => argument.help(text),
        None => argument,
    };
    // Apart from a command's own flags, which are what a reader looks for.
    let argument = match help.get("everywhere") {
        Some(heading) if argument.is_global_set() => argument.help_heading(heading),
        _ => argument,
    };
    match setting_name(&argument) {
        Some(name) => argument.env(variable(&name)).hide_env_values(true),
        None => argument,
    }
}

/// `--format` for a flag, `PATH` for a positional argument.
pub(crate) fn argument_key(argument: &Arg) -> String {
    match argument.get_long() {
        Some(long) => format!("--{long}"),
        None => argument.get_id().as_str().to_uppercase(),
    }
}

/// The name of the setting behind a flag, where the flag is one.
pub(crate) fn setting_name(argument: &Arg) -> Option<String> {
    argument.get_long().filter(|long| !NOT_SETTINGS.contains(long)).map(str::to_owned)
}

/// The environment variable of a setting: `data-dir` → `YAGURA_DATA_DIR`.
pub(crate) fn variable(setting: &str) -> String {
    let name = if setting == "site" { "site-dir" } else { setting };
    format!("YAGURA_{}", name.to_uppercase().replace('-', "_"))
}

/// The settings of the configuration file, where there is one.
fn configured(
    arguments: &[std::ffi::OsString],
    command: &Command,
) -> anyhow::Result<Option<configuration::Checked>> {
    let Some(source) = configuration::Source::find(value_of(arguments, "--config"))? else {
        return Ok(None);
    };
    let checked = source.checked(command).map_err(|refused| {
        let message = refused.to_string();
        anyhow::Error::new(Hinted::new(
            message,
            "`yagura reference configuration` lists every key; `yagura config check` checks again",
        ))
    })?;
    Ok(Some(checked))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(command: &Command, path: &str, visit: &mut dyn FnMut(&Command, &str)) {
        visit(command, path);
        for child in command.get_subcommands() {
            let name = child.get_name();
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            walk(child, &path, visit);
        }
    }

    #[test]
    fn every_command_and_argument_has_help_in_both_languages() {
        let mut missing = Vec::new();
        for lang in Lang::ALL {
            walk(&described(lang).unwrap(), "", &mut |command, path| {
                if command.get_about().is_none() {
                    missing.push(format!("{}: {path}", lang.code()));
                }
                for argument in command.get_arguments() {
                    let own = !matches!(argument.get_id().as_str(), "help" | "version");
                    if own && argument.get_help().is_none() {
                        let key = argument_key(argument);
                        missing.push(format!("{}: {path}.{key}", lang.code()));
                    }
                }
            });
        }
        assert_eq!(missing, Vec::<String>::new());
    }

    #[test]
    fn the_command_tree_is_sound() {
        described(Lang::En).unwrap().debug_assert();
        described(Lang::Ja).unwrap().debug_assert();
        help::spoken(described(Lang::Ja).unwrap(), Lang::Ja).debug_assert();
    }

    #[test]
    fn a_flag_is_found_before_parsing() {
        let arguments = |text: &str| text.split(' ').map(Into::into).collect::<Vec<_>>();
        assert_eq!(value_of(&arguments("y --lang ja"), "--lang").as_deref(), Some("ja"));
        assert_eq!(value_of(&arguments("y --lang=ja"), "--lang").as_deref(), Some("ja"));
        assert_eq!(value_of(&arguments("y -- --lang ja"), "--lang"), None);
        assert_eq!(value_of(&arguments("y --language ja"), "--lang"), None);
    }
}
