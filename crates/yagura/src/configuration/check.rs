//! Checks a configuration against the command line: every key, every value, keys that exclude
//! each other. Everything that is wrong is found at once.
//! How it is shown is in `place`.

use std::collections::BTreeSet;

use clap::{Arg, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{self, Key, Value};
use super::place::Problem;
use super::sections::Section;
use crate::cli::setting_name;

/// A sound configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checked {
    /// Its settings, in the order of the file.
    pub(crate) keys: Vec<Key>,
}

/// Checks a text.
///
/// # Errors
/// Everything that is wrong with it, in no order.
pub(crate) fn check(text: &str, command: &Command) -> Result<Checked, Vec<Problem>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let problem = |error: &toml::de::Error| {
            Problem::new(error.span().unwrap_or(0..0), format!("not TOML: {}", error.message()))
        };
        return Err(errors.iter().map(problem).collect());
    }
    let mut checker = Checker { command, keys: Vec::new(), problems: Vec::new() };
    for (name, value) in table.get_ref() {
        let subcommand = command.find_subcommand(name.get_ref().as_ref());
        match (value.get_ref(), subcommand) {
            (DeValue::Table(table), Some(own)) => checker.table(name.get_ref(), table, own),
            _ => checker.key(None, command, name, value),
        }
    }
    checker.exclusions();
    if checker.problems.is_empty() {
        Ok(Checked { keys: checker.keys })
    } else {
        Err(checker.problems)
    }
}

struct Checker<'c> {
    command: &'c Command,
    keys: Vec<Key>,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    fn table(&mut self, name: &str, table: &DeTable<'_>, own: &Command) {
        let section = Section::of(name);
        for (key, value) in table {
            let structured = section.is_some_and(|section| section.has(key.get_ref().as_ref()));
            if !structured {
                self.key(Some(name), own, key, value);
            }
        }
        if let Some(section) = section {
            self.problems.extend(section.check(table));
        }
    }

    /// One key of a command and those below it.
    fn key(
        &mut self,
        table: Option<&str>,
        own: &Command,
        name: &Spanned<toml::de::DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
    ) {
        let key: &str = name.get_ref().as_ref();
        let arguments = arguments(own, key);
        if arguments.is_empty() {
            let message = self.unknown(table, own, key);
            self.problems.push(Problem::new(name.span(), message));
            return;
        }
        let read = match Value::read(value) {
            Ok(read) => read,
            Err(found) => {
                let message = format!("`{key}` cannot be {found}");
                self.problems.push(Problem::new(value.span(), message));
                return;
            }
        };
        // What one command's flag of the name refuses, another's may take.
        let refusals: Vec<String> =
            arguments.iter().filter_map(|argument| keys::accepts(argument, &read).err()).collect();
        if let (Some(why), true) = (refusals.first(), refusals.len() == arguments.len()) {
            self.problems.push(Problem::new(value.span(), format!("`{key}`: {why}")));
            return;
        }
        self.keys.push(Key {
            table: table.map(str::to_owned),
            name: key.to_owned(),
            value: read,
            span: name.span(),
            value_span: value.span(),
        });
    }

    fn unknown(&self, table: Option<&str>, own: &Command, key: &str) -> String {
        let Some(table) = table else {
            let mut known = BTreeSet::new();
            settings(self.command, &mut known);
            known.extend(self.command.get_subcommands().map(|one| one.get_name().to_owned()));
            return format!("unknown key `{key}`{}", did_you_mean(key, &known));
        };
        let mut known = BTreeSet::new();
        settings(own, &mut known);
        known.extend(Section::of(table).into_iter().flat_map(Section::names));
        if self.command.get_arguments().filter_map(setting_name).any(|name| name == key) {
            return format!("`{key}` holds for every command: write it above the tables");
        }
        format!("unknown key `{key}` in `[{table}]`{}", did_you_mean(key, &known))
    }

    /// Keys that exclude each other where both would be in effect.
    fn exclusions(&mut self) {
        let mut found = BTreeSet::new();
        exclusions(self.command, "", &self.keys, &mut found);
        for (at, first, second, path) in found {
            let Some(key) = self.keys.get(at) else { continue };
            let message = format!("`{second}` and `{first}` exclude each other in `yagura{path}`");
            self.problems.push(Problem::new(key.span.clone(), message));
        }
    }
}

/// All flags of a setting's name in a tree.
fn arguments<'c>(command: &'c Command, name: &str) -> Vec<&'c Arg> {
    let own = command
        .get_arguments()
        .filter(|argument| setting_name(argument).is_some_and(|setting| setting == name));
    let below = command.get_subcommands().flat_map(|child| arguments(child, name));
    own.chain(below).collect()
}

fn settings(command: &Command, names: &mut BTreeSet<String>) {
    names.extend(command.get_arguments().filter_map(setting_name));
    for child in command.get_subcommands() {
        settings(child, names);
    }
}

/// Finds pairs: the later key's number, both names, the command.
fn exclusions(
    command: &Command,
    path: &str,
    keys: &[Key],
    found: &mut BTreeSet<(usize, String, String, String)>,
) {
    let top = path.trim_start().split(' ').next().unwrap_or_default();
    let here = |argument: &Arg| {
        let name = setting_name(argument)?;
        let in_reach = |key: &&(usize, &Key)| {
            key.1.name == name && key.1.table.as_deref().is_none_or(|table| table == top)
        };
        let keys: Vec<(usize, &Key)> = keys.iter().enumerate().collect();
        let key = keys.iter().rfind(in_reach)?;
        let set = key.1.value != Value::Truth(false) && key.1.value != Value::Many(Vec::new());
        set.then_some((key.0, name))
    };
    for argument in command.get_arguments().filter(|argument| !argument.is_global_set()) {
        let Some((one, name)) = here(argument) else { continue };
        for other in command.get_arg_conflicts_with(argument) {
            if let Some((two, other)) = here(other) {
                let pair =
                    if one > two { (one, other, name.clone()) } else { (two, name.clone(), other) };
                found.insert((pair.0, pair.1, pair.2, path.to_owned()));
            }
        }
    }
    for child in command.get_subcommands() {
        exclusions(child, &format!("{path} {}", child.get_name()), keys, found);
    }
}

/// `; did you mean …?` where something known is near.
pub(super) fn did_you_mean<'n>(name: &str, known: impl IntoIterator<Item = &'n String>) -> String {
    const NEAR_MIN: f64 = 0.8;
    let scored = known.into_iter().map(|one| (strsim::jaro_winkler(name, one), one));
    let best = scored.max_by(|one, two| one.0.total_cmp(&two.0));
    match best {
        Some((score, near)) if score >= NEAR_MIN => format!("; did you mean `{near}`?"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::described;
    use crate::configuration::place::line_and_column;
    use yagura_model::Lang;

    fn check_refused(text: &str, expected: &[(usize, usize, &str)]) {
        let command = described(Lang::En).unwrap();
        let mut problems = check(text, &command).unwrap_err();
        problems.sort_by_key(|problem| problem.span.start);
        let found: Vec<(usize, usize, &str)> = problems
            .iter()
            .map(|problem| {
                let (line, column) = line_and_column(text, problem.span.start);
                (line, column, problem.message.as_str())
            })
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place_and_the_nearest_one() {
        check_refused(
            "lang = 'ja'\n\ndata-dri = 'x'\n[scan]\n  fail-onn = 'high'\n  lang = 'en'\n",
            &[
                (3, 1, "unknown key `data-dri`; did you mean `data-dir`?"),
                (5, 3, "unknown key `fail-onn` in `[scan]`; did you mean `fail-on`?"),
                (6, 3, "`lang` holds for every command: write it above the tables"),
            ],
        );
        check_refused("[scam]\n", &[(1, 2, "unknown key `scam`; did you mean `scan`?")]);
        check_refused("zzzz = 1\n", &[(1, 1, "unknown key `zzzz`")]);
    }

    #[test]
    fn a_wrong_type_and_a_value_out_of_range_are_named_with_their_place() {
        check_refused(
            "quiet = 'yes'\nlang = 'fr'\ncalls-per-second = 0\nprofile = ['a', 'b']\n\
             regions = true\ndeadline = 1979-05-27\n[scan]\nfail-on = { a = 1 }\n",
            &[
                (1, 9, "`quiet`: must be true or false"),
                (2, 8, "`lang`: must be one of `en`, `ja`"),
                (3, 20, "`calls-per-second`: this value is refused: 0 is not in 1..=1000"),
                (4, 11, "`profile`: must be one value, not a list"),
                (5, 11, "`regions`: must be a list of texts"),
                (6, 12, "`deadline` cannot be a date (write it in quotes)"),
                (8, 11, "`fail-on` cannot be a table"),
            ],
        );
    }

    #[test]
    fn keys_that_exclude_each_other_are_named_at_the_second() {
        let command = described(Lang::En).unwrap();
        let text = "[ingest]\nonce = true\n";
        assert!(check(text, &command).is_err(), "`once` is no setting");
        check_refused(
            "[doctor]\npolicy = true\nstackset = true\n",
            &[(3, 1, "`stackset` and `policy` exclude each other in `yagura doctor`")],
        );
        assert!(check("[doctor]\npolicy = true\nstackset = false\n", &command).is_ok());
    }

    #[test]
    fn what_is_no_toml_is_named_with_its_place() {
        let command = described(Lang::En).unwrap();
        let problems = check("lang = \n", &command).unwrap_err();
        assert!(problems[0].message.starts_with("not TOML: "), "{problems:?}");
        assert_eq!(line_and_column("lang = \n", problems[0].span.start).0, 1);
    }

    #[test]
    fn a_value_is_not_repeated() {
        let command = described(Lang::En).unwrap();
        for text in ["lang = 'hunter2'", "accounts = ['hunter2']", "deadline = 'hunter2'"] {
            let problems = check(text, &command).unwrap_err();
            assert!(!format!("{problems:?}").contains("hunter2"), "{problems:?}");
        }
    }

    #[test]
    fn numbers_are_read_however_they_are_written() {
        let command = described(Lang::En).unwrap();
        let checked = check("calls-per-second = 0x1f\ndeadline = 1_000\n", &command).unwrap();
        let texts: Vec<_> = checked.keys.iter().map(|key| key.value.texts()).collect();
        assert_eq!(texts, [["31"], ["1000"]]);
    }
}
