//! The tables of the configuration file that are no flags: `[[serve.schedules]]`,
//! `[[serve.watchers]]`, `[[serve.oidc]]`, with what holds where nothing is written.
//! Flags of `serve` and their keys are in `commands/serve.rs`.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use jiff::Timestamp;
use serde::Deserialize;

use super::kind::JobKind;
use super::schedule::Schedule;
use crate::cli::Global;
use crate::commands::ingest::place::Place;
use crate::configuration::Source;
use crate::console::OidcTable;
use crate::output::Hinted;

/// Keys of the table `serve` that hold arrays of tables and are no flags.
pub(crate) const TABLES: [&str; 3] = ["schedules", "watchers", "oidc"];

/// What is done when, where nothing is written: job and pattern, in the machine's time zone.
const DEFAULTS: [(JobKind, &str); 4] = [
    (JobKind::Intelligence, "30 2 * * *"),
    (JobKind::Scan, "0 3 * * *"),
    (JobKind::Retention, "45 4 * * *"),
    (JobKind::Compact, "15 * * * *"),
];

/// The group of watchers that name none.
pub(crate) const GROUP: &str = "logs";
/// Seconds between two looks; an hour is the longest that anybody may be kept waiting.
const EVERY_SECONDS_MAX: u64 = 3_600;

/// One `[[serve.schedules]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleTable {
    /// What is done: scan, intelligence, compact, retention, import, push, spend, backup. The
    /// last four are done only where they are scheduled.
    pub(crate) job: JobKind,
    /// The name by which it is known; the job where none is given. Two schedules of one job need
    /// two names.
    pub(crate) name: Option<String>,
    /// When: minute, hour, day of the month, month, day of the week (`0 3 * * *`).
    pub(crate) cron: Option<String>,
    /// The time zone of the pattern, by its IANA name (`Asia/Tokyo`); the machine's by default.
    pub(crate) timezone: Option<String>,
    /// `false` switches the job's default schedule off.
    pub(crate) enabled: Option<bool>,
}

/// One `[[serve.watchers]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatcherTable {
    /// Where logs are, as `yagura ingest` takes it: a folder, `s3://bucket/prefix`, a queue, …
    pub(crate) place: String,
    /// The log source of all its objects; `auto` recognizes each.
    pub(crate) source: Option<String>,
    /// Watchers of one group are read by one process, with one memory of correlations.
    pub(crate) group: Option<String>,
    /// Seconds between two looks.
    pub(crate) every: Option<u64>,
    /// Where to begin the first time, where a place can tell (`2026-11-01`, `-7d`).
    pub(crate) from: Option<String>,
    /// Regions of a log group or of `lookup-events`.
    #[serde(default)]
    pub(crate) regions: Vec<String>,
}

/// The two lists of tables.
#[derive(Clone, Debug, Default, Deserialize)]
struct Tables {
    #[serde(default)]
    schedules: Vec<ScheduleTable>,
    #[serde(default)]
    watchers: Vec<WatcherTable>,
    #[serde(default)]
    oidc: Vec<OidcTable>,
}

/// A place that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Watcher {
    /// As it was written.
    pub(crate) text: String,
    pub(crate) place: Place,
    /// `None` where each object is to be recognized.
    pub(crate) source: String,
    pub(crate) group: String,
    /// The shortest time between two looks.
    pub(crate) every: Duration,
    pub(crate) from: Option<String>,
    pub(crate) regions: Vec<String>,
}

/// What the daemon does when and what it watches.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) schedules: Vec<Schedule>,
    pub(crate) watchers: Vec<Watcher>,
    /// The provider of identities for the console.
    pub(crate) oidc: Option<OidcTable>,
}

impl Settings {
    /// Reads the tables of the configuration file, and the watchers of the command line.
    ///
    /// # Errors
    /// Where the file cannot be read, or what it says cannot be done; it is said which entry.
    pub(crate) fn read(global: &Global, typed: &[String], now: Timestamp) -> anyhow::Result<Self> {
        let named = global.config.as_ref().map(|path| path.display().to_string());
        let tables = match Source::find(named)? {
            Some(Source { path, text }) => {
                tables(&text).with_context(|| format!("could not use `{}`", path.display()))?
            }
            None => Tables::default(),
        };
        Self::of(&tables, typed, now)
    }

    fn of(tables: &Tables, typed: &[String], now: Timestamp) -> anyhow::Result<Self> {
        let schedules = schedules(&tables.schedules, now)?;
        let mut watchers = Vec::new();
        for (at, table) in tables.watchers.iter().enumerate() {
            let watcher = watcher(table);
            watchers
                .push(watcher.with_context(|| format!("[[serve.watchers]] number {}", at + 1))?);
        }
        for text in typed {
            watchers.push(watcher(&typed_watcher(text))?);
        }
        let mut places = BTreeSet::new();
        for watcher in &watchers {
            ensure!(
                places.insert(&watcher.text),
                Hinted::new(
                    format!("`{}` is watched twice", watcher.text),
                    "name each place once, in the file or with --watch",
                )
            );
        }
        ensure!(
            tables.oidc.len() <= 1,
            Hinted::new(
                "there are several [[serve.oidc]]",
                "keep one: people sign in through a single identity provider",
            )
        );
        let oidc = tables.oidc.first().cloned();
        oidc.iter().try_for_each(OidcTable::check).context("[[serve.oidc]]")?;
        Ok(Self { schedules, watchers, oidc })
    }
}

/// The tables of a file; its other keys are flags and were read before.
fn tables(text: &str) -> anyhow::Result<Tables> {
    let hint = "`yagura reference configuration` lists every key";
    let file: toml::Table =
        text.parse().context(Hinted::new("the configuration is no TOML", hint))?;
    let Some(toml::Value::Table(serve)) = file.get("serve") else { return Ok(Tables::default()) };
    let only = serve.iter().filter(|(key, _)| TABLES.contains(&key.as_str()));
    let only: toml::Table = only.map(|(key, value)| (key.clone(), value.clone())).collect();
    Tables::deserialize(toml::Value::Table(only))
        .context(Hinted::new("a table of [serve] is not as it should be", hint))
}

fn schedules(tables: &[ScheduleTable], now: Timestamp) -> anyhow::Result<Vec<Schedule>> {
    let mut schedules = Vec::new();
    let mut names = BTreeSet::new();
    for table in tables {
        let job = table.job.as_str();
        let name = table.name.as_deref().unwrap_or(job);
        ensure!(
            table.job.is_scheduled(),
            Hinted::new(
                format!("`{job}` cannot be scheduled: it is done whenever there is something"),
                "`yagura serve --help` lists the jobs that have schedules",
            )
        );
        ensure!(
            names.insert(name.to_owned()),
            Hinted::new(
                format!("there are two schedules `{name}`"),
                "give each a name of its own: name = \"…\"",
            )
        );
        if table.enabled == Some(false) {
            continue;
        }
        let default = DEFAULTS.iter().find(|(job, _)| *job == table.job).map(|(_, cron)| *cron);
        let Some(pattern) = table.cron.as_deref().or(default) else {
            bail!(Hinted::new(
                format!("the schedule `{name}` says no time"),
                "cron = \"0 3 * * *\""
            ))
        };
        let zone = table.timezone.as_deref();
        let schedule = Schedule::new(name, table.job, pattern, zone, now);
        schedules.push(schedule.with_context(|| {
            Hinted::new(
                format!("the schedule `{name}` cannot be"),
                "for example cron = \"0 3 * * *\", timezone = \"Asia/Tokyo\"",
            )
        })?);
    }
    for (job, pattern) in DEFAULTS {
        if !tables.iter().any(|table| table.job == job) {
            schedules.push(Schedule::new(job.as_str(), job, pattern, None, now)?);
        }
    }
    Ok(schedules)
}

/// A watcher of the command line: `[SOURCE=]PLACE`.
fn typed_watcher(text: &str) -> WatcherTable {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let named = text
        .split_once('=')
        .filter(|(source, _)| !source.is_empty() && source.chars().all(is_word));
    let (source, place) = match named {
        Some((source, place)) => (Some(source.to_owned()), place),
        None => (None, text),
    };
    WatcherTable {
        place: place.to_owned(),
        source,
        group: None,
        every: None,
        from: None,
        regions: Vec::new(),
    }
}

fn watcher(table: &WatcherTable) -> anyhow::Result<Watcher> {
    let place = Place::parse(&table.place)
        .map_err(|why| Hinted::new(why, "see `yagura ingest --help` for the places"))?;
    ensure!(
        place != Place::Stdin,
        Hinted::new("standard input cannot be watched", "pipe it into `yagura ingest SOURCE -`")
    );
    let group = table.group.clone().unwrap_or_else(|| GROUP.to_owned());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    ensure!(
        !group.is_empty() && group.len() <= 64 && group.chars().all(is_plain),
        Hinted::new(
            format!("`{group}` is no name of a group"),
            "letters, digits, `-` and `_`, at most 64",
        )
    );
    let every = table.every.unwrap_or_else(|| every_seconds(&place));
    ensure!(
        (1..=EVERY_SECONDS_MAX).contains(&every),
        Hinted::new(format!("every = {every} is out of range"), "1 to 3600 seconds")
    );
    Ok(Watcher {
        text: table.place.clone(),
        place,
        source: table.source.clone().unwrap_or_else(|| "auto".to_owned()),
        group,
        every: Duration::from_secs(every),
        from: table.from.clone(),
        regions: table.regions.clone(),
    })
}

/// How often a place is looked at by default: what costs nothing often, what AWS bills less often.
fn every_seconds(place: &Place) -> u64 {
    match place {
        Place::Http(_) | Place::Syslog { .. } | Place::Queue(_) => 1,
        Place::Path(_) | Place::Stdin => 2,
        Place::Bucket { .. } | Place::LogGroup(_) | Place::LookupEvents => 30,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, typed: &[&str]) -> anyhow::Result<Settings> {
        let typed: Vec<String> = typed.iter().map(|text| (*text).to_owned()).collect();
        let now = "2026-11-22T00:00:00Z".parse().unwrap();
        Settings::of(&tables(text)?, &typed, now)
    }

    fn planned(text: &str) -> Vec<(String, String)> {
        let mut planned: Vec<_> = of(text, &[])
            .unwrap()
            .schedules
            .into_iter()
            .map(|schedule| (schedule.name, schedule.pattern))
            .collect();
        planned.sort();
        planned
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(name, cron)| ((*name).to_owned(), (*cron).to_owned())).collect()
    }

    #[test]
    fn without_a_word_the_defaults_hold() {
        let defaults = [
            ("compact", "15 * * * *"),
            ("intelligence", "30 2 * * *"),
            ("retention", "45 4 * * *"),
            ("scan", "0 3 * * *"),
        ];
        assert_eq!(planned(""), pairs(&defaults));
        assert!(of("", &[]).unwrap().watchers.is_empty());
    }

    #[test]
    fn a_job_that_is_scheduled_loses_its_default_and_only_that() {
        let text = "[serve]\nlisten = '127.0.0.1:1'\n\
                    [[serve.schedules]]\njob = 'scan'\nname = 'night'\ncron = '0 1 * * *'\n\
                    timezone = 'Asia/Tokyo'\n\
                    [[serve.schedules]]\njob = 'scan'\nname = 'noon'\ncron = '0 12 * * *'\n\
                    [[serve.schedules]]\njob = 'retention'\nenabled = false\n";
        let expected = [
            ("compact", "15 * * * *"),
            ("intelligence", "30 2 * * *"),
            ("night", "0 1 * * *"),
            ("noon", "0 12 * * *"),
        ];
        assert_eq!(planned(text), pairs(&expected));
    }

    #[test]
    fn watchers_come_from_the_file_and_from_what_is_typed() {
        let text = "[[serve.watchers]]\nplace = '/var/log/a'\nsource = 'cloudtrail'\nevery = 5\n\
                    group = 'trail'\n";
        let settings = of(text, &["/b", "json_lines=/c=d", "s3://x/y=z"]).unwrap();
        let seen: Vec<_> = settings
            .watchers
            .iter()
            .map(|one| (one.text.as_str(), one.source.as_str(), one.group.as_str()))
            .collect();
        let expected = [
            ("/var/log/a", "cloudtrail", "trail"),
            ("/b", "auto", "logs"),
            ("/c=d", "json_lines", "logs"),
            ("s3://x/y=z", "auto", "logs"),
        ];
        assert_eq!(seen, expected);
        assert_eq!(settings.watchers[0].every, Duration::from_secs(5));
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_name() {
        let check = |text: &str, typed: &[&str], needle: &str| {
            let error = format!("{:#}", of(text, typed).unwrap_err());
            assert!(error.contains(needle), "{error}");
        };
        check("[[serve.schedules]]\njob = 'scn'\n", &[], "scn");
        check("[[serve.schedules]]\njob = 'scan'\ncorn = '0 3 * * *'\n", &[], "corn");
        check("[[serve.schedules]]\njob = 'fold'\n", &[], "`fold` cannot be scheduled");
        check("[[serve.schedules]]\njob = 'scan'\ncron = 'x'\n", &[], "`scan`");
        let twice = "[[serve.schedules]]\njob = 'scan'\n[[serve.schedules]]\njob = 'scan'\n";
        check(twice, &[], "two schedules `scan`");
        check("[[serve.watchers]]\nplace = 'ftp://x'\n", &[], "number 1");
        check("[[serve.watchers]]\nplace = '/a'\nevery = 0\n", &[], "every = 0");
        check("[[serve.watchers]]\nplace = '/a'\ngroup = 'a b'\n", &[], "`a b`");
        let oidc = "[[serve.oidc]]\nissuer = 'https://a.example'\nclient-id = 'y'\n";
        check(&format!("{oidc}{oidc}"), &[], "several [[serve.oidc]]");
        let open = format!("{oidc}client-secret = 'hunter2'\n");
        check(&open, &[], "is no reference");
        assert!(!format!("{:#}", of(&open, &[]).unwrap_err()).contains("hunter2"));
        check("", &["-"], "standard input");
        check("", &["/a", "/a"], "`/a` is watched twice");
    }
}
