//! Help in the reader's language: clap's own words (headings, defaults, what may be chosen) are
//! English alone. What a command and a flag do is said by `locales/*/help.toml`.

use std::io::Write;

use clap::builder::{PossibleValue, Styles};
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Command};
use yagura_model::Lang;
use yagura_report::{Words, words};

/// A command tree whose help has no English words around Japanese ones.
pub(super) fn spoken(command: Command, lang: Lang) -> Command {
    match lang {
        Lang::En => command,
        Lang::Ja => command_in(command, words(lang)),
    }
}

/// Shows the help of the command that needs another after it, as clap does where nothing else was
/// said: it takes a setting of the environment for something that was typed.
pub(super) fn in_place_of_a_command(command: &mut Command, missing: &clap::Error) {
    let path = match missing.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(path)) => path.as_str(),
        _ => "yagura",
    };
    let short = path.split(' ').chain(["-h"]);
    let help = match command.try_get_matches_from_mut(short) {
        Err(help) => help.render(),
        Ok(_) => command.render_help(),
    };
    // A reader who has gone needs no help.
    _ = write!(std::io::stderr(), "{help}");
}

fn command_in(command: Command, words: &Words) -> Command {
    let usage = Styles::default();
    let usage = usage.get_usage();
    let heading = words.get("cli.heading.usage");
    let usage = format!("{}{heading}:{}", usage.render(), usage.render_reset());
    let version = command.get_version().is_some();
    let options = || words.get("cli.heading.options").to_owned();
    // Flags that clap would add by itself, with its own words.
    let flag = |name: &'static str, short, action| {
        Arg::new(name).short(short).long(name).action(action).help_heading(options())
    };
    let help = flag("help", 'h', ArgAction::Help).help(words.get("cli.help").to_owned());
    let mut place = 0;
    let argument = |argument: Arg| {
        // Under a heading of its own the order is that of names.
        let argument = argument_in(argument, words);
        if argument.is_positional() {
            place += 1;
            return argument.display_order(place);
        }
        argument
    };
    let mut command = command
        .help_template(format!(
            "{{before-help}}{{about-with-newline}}\n{usage} {{usage}}\n\n{{all-args}}{{after-help}}"
        ))
        .subcommand_help_heading(words.get("cli.heading.commands").to_owned())
        .mut_args(argument)
        .mut_subcommands(|child| command_in(child, words))
        .disable_help_flag(true)
        .arg(help);
    if version {
        let version = flag("version", 'V', ArgAction::Version);
        let version = version.help(words.get("cli.version").to_owned());
        command = command.disable_version_flag(true).arg(version);
    }
    command
}

fn argument_in(argument: Arg, words: &Words) -> Arg {
    let heading = match (argument.get_help_heading(), argument.is_positional()) {
        (Some(own), _) => own.to_owned(),
        (None, true) => words.get("cli.heading.arguments").to_owned(),
        (None, false) => words.get("cli.heading.options").to_owned(),
    };
    let argument = argument.help_heading(heading);
    if !argument.get_action().takes_values() {
        return argument;
    }
    let mut help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let mut add = |key: &str, what: String| {
        if !what.is_empty() {
            help.push_str(&words.fill(key, &[("what", &what)]));
        }
    };
    if !argument.is_hide_default_value_set() {
        let defaults = argument.get_default_values().iter().map(|value| value.to_string_lossy());
        add("cli.default", defaults.collect::<Vec<_>>().join(" "));
    }
    if !argument.is_hide_possible_values_set() {
        let choices = argument.get_possible_values();
        let shown = choices.iter().filter(|choice| !choice.is_hide_set());
        add("cli.choices", shown.map(PossibleValue::get_name).collect::<Vec<_>>().join(", "));
    }
    argument.help(help).hide_default_value(true).hide_possible_values(true)
}
