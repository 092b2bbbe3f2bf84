//! What is in effect and why: each setting's value with where it came from.
//! How it is printed is the business of `yagura config print`.

use std::collections::BTreeMap;

use clap::{ArgMatches, Command, parser::ValueSource};

use super::keys;
use super::place::line_and_column;
use super::{Checked, Source};
use crate::cli::{setting_name, variable};

/// Where a value came from. The order is the order in which one goes before another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// It was typed.
    Flag,
    /// The environment, with the variable's name.
    Environment(String),
    /// The file, with the line.
    File(usize),
    /// Nobody said anything.
    Default,
}

/// One value of one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Effective {
    pub(crate) setting: String,
    /// `None` where nothing is set and there is no default.
    pub(crate) value: Option<String>,
    pub(crate) origin: Origin,
    /// The commands for which it holds; empty where it holds for all that have the setting.
    pub(crate) commands: Vec<String>,
}

/// What is known when values are looked for.
pub(crate) struct Inputs<'a> {
    /// The command line without the file's defaults.
    pub(crate) command: &'a Command,
    /// The file, where there is one.
    pub(crate) file: Option<(&'a Source, &'a Checked)>,
    /// What was typed with this command: only settings that every command takes.
    pub(crate) typed: Option<&'a ArgMatches>,
    /// The environment.
    pub(crate) variable: &'a dyn Fn(&str) -> Option<String>,
}

/// A value and where it came from.
type Found = (Option<String>, Origin);

/// Every setting with its value, ordered by name; those that are unset too.
pub(crate) fn effective(inputs: &Inputs<'_>) -> Vec<Effective> {
    let mut found: BTreeMap<String, Vec<(String, Found)>> = BTreeMap::new();
    gather(inputs, inputs.command, "", &mut found);
    let mut all = Vec::new();
    for (setting, places) in found {
        let mut by_value: BTreeMap<(Origin, Option<String>), Vec<String>> = BTreeMap::new();
        for (command, (value, origin)) in places {
            by_value.entry((origin, value)).or_default().push(command);
        }
        let one = by_value.len() == 1;
        for ((origin, value), commands) in by_value {
            let commands = if one { Vec::new() } else { commands };
            all.push(Effective { setting: setting.clone(), value, origin, commands });
        }
    }
    all
}

fn gather(
    inputs: &Inputs<'_>,
    command: &Command,
    path: &str,
    found: &mut BTreeMap<String, Vec<(String, Found)>>,
) {
    if command.is_hide_set() {
        return;
    }
    for argument in command.get_arguments() {
        if let Some(setting) = setting_name(argument) {
            let value = value_of(inputs, argument, &setting, path);
            let at = if path.is_empty() { "yagura" } else { path };
            found.entry(setting).or_default().push((at.to_owned(), value));
        }
    }
    for child in command.get_subcommands() {
        let name = child.get_name();
        let path = if path.is_empty() { name.to_owned() } else { format!("{path} {name}") };
        gather(inputs, child, &path, found);
    }
}

fn value_of(inputs: &Inputs<'_>, argument: &clap::Arg, setting: &str, path: &str) -> Found {
    if let Some(typed) = inputs.typed.filter(|_| argument.is_global_set()) {
        let id = argument.get_id().as_str();
        if typed.value_source(id) == Some(ValueSource::CommandLine) {
            let raw = typed.get_raw(id).into_iter().flatten();
            let raw: Vec<_> = raw.map(|value| value.to_string_lossy().into_owned()).collect();
            let value = if raw.is_empty() { "true".to_owned() } else { raw.join(",") };
            return (Some(shown(setting, &value)), Origin::Flag);
        }
    }
    let name = variable(setting);
    if let Some(value) = (inputs.variable)(&name) {
        return (Some(shown(setting, &value)), Origin::Environment(name));
    }
    let top = path.split(' ').next().unwrap_or_default();
    if let Some((source, checked)) = inputs.file {
        let holds = |key: &&super::Key| {
            key.name == setting
                && key.table.as_deref().is_none_or(|table| table == top)
                && keys::accepts(argument, &key.value).is_ok()
        };
        let alone = checked.keys.iter().rfind(holds);
        let tabled = checked.keys.iter().filter(holds).rfind(|key| key.table.is_some());
        if let Some(key) = tabled.or(alone) {
            let (line, _) = line_and_column(&source.text, key.span.start);
            return (Some(shown(setting, &key.value.texts().join(","))), Origin::File(line));
        }
    }
    let default: Vec<_> = argument
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    let value = (!default.is_empty()).then(|| shown(setting, &default.join(",")));
    (value, Origin::Default)
}

/// A value fit to be shown. A database's URL may hold a password; a reference to a secret is
/// none, and stays as it is.
fn shown(setting: &str, value: &str) -> String {
    if setting != "database" || value.parse::<yagura_model::secret::SecretRef>().is_ok() {
        return value.to_owned();
    }
    match value.parse::<yagura_store::Location>() {
        Ok(location) => location.to_string(),
        Err(_) => "(not a database)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::described;
    use crate::configuration::check;
    use yagura_model::Lang;

    fn all(file: &str, variables: &[(&str, &str)], typed: &[&str]) -> Vec<Effective> {
        let command = described(Lang::En).unwrap();
        let checked = check(file, &command).unwrap();
        let source = Source { path: "c.toml".into(), text: file.into() };
        let variable = |name: &str| {
            let found = variables.iter().find(|(one, _)| *one == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let words = [&["yagura"], typed, &["config", "print"]].concat();
        let matches = command.clone().try_get_matches_from(words).unwrap();
        effective(&Inputs {
            command: &command,
            file: Some((&source, &checked)),
            typed: Some(&matches),
            variable: &variable,
        })
    }

    fn of(all: &[Effective], setting: &str, command: &str) -> (Option<String>, Origin) {
        let holds = |one: &&Effective| {
            one.setting == setting
                && (one.commands.is_empty() || one.commands.iter().any(|name| name == command))
        };
        let found: Vec<&Effective> = all.iter().filter(holds).collect();
        assert_eq!(found.len(), 1, "{setting}: {found:?}");
        (found[0].value.clone(), found[0].origin.clone())
    }

    #[test]
    fn each_value_says_where_it_came_from() {
        let file = "lang = 'ja'\nquiet = true\nregions = ['a-1', 'b-1']\n[scan]\nlimit = 5\n";
        let variables = [("YAGURA_LANG", "en"), ("YAGURA_ROLE", "Audit")];
        let all = all(file, &variables, &["--data-dir", "/d"]);
        let check = |setting: &str, command: &str, value: Option<&str>, origin: Origin| {
            assert_eq!(of(&all, setting, command), (value.map(str::to_owned), origin));
        };
        let environment = |name: &str| Origin::Environment(name.to_owned());
        check("data-dir", "yagura", Some("/d"), Origin::Flag);
        check("lang", "yagura", Some("en"), environment("YAGURA_LANG"));
        check("quiet", "yagura", Some("true"), Origin::File(2));
        check("role", "scan", Some("Audit"), environment("YAGURA_ROLE"));
        check("regions", "scan", Some("a-1,b-1"), Origin::File(3));
        check("limit", "scan", Some("5"), Origin::File(5));
        check("color", "yagura", Some("auto"), Origin::Default);
        check("profile", "scan", None, Origin::Default);
        assert_ne!(of(&all, "limit", "alerts list").1, Origin::File(5));
    }

    #[test]
    fn a_password_is_not_shown_and_a_reference_is() {
        let check = |value: &str, expected: &str| {
            let all = all(&format!("database = '{value}'"), &[], &[]);
            assert_eq!(of(&all, "database", "yagura").0.as_deref(), Some(expected));
        };
        check("postgres://me:hunter2@h/db?password=hunter2", "postgres://me@h/db");
        check("env:YAGURA_DB", "env:YAGURA_DB");
        check("secretsmanager:yagura#url", "secretsmanager:yagura#url");
        check("mysql://me:hunter2@h/db", "(not a database)");
    }
}
