//! Yagura, the security operations system for AWS that a team runs itself: the binary.
//! It parses, wires and reports; what it knows about AWS and security is elsewhere.

mod archive;
mod catalog;
mod choice;
mod cli;
mod commands;
mod configuration;
mod console;
mod context;
mod daemon;
mod demo;
mod detection;
mod exit;
mod findings;
mod former;
mod importing;
mod intelligence;
mod lake_place;
mod moment;
mod notified;
mod ocsf;
mod options;
mod output;
mod progress;
mod reach;
mod retention;
mod river;
mod rows;
mod secrets;
mod settings;
mod spending;
mod tables;
mod whole_file;

use std::process::ExitCode;

use exit::Exit;
use yagura_model::Lang;

/// What one thread frees, another may use at once: the lake's writers and readers hand large
/// buffers between threads, and the C library's arenas kept three times what was in use.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    // The configuration may choose another language; until it is read, this one holds.
    let mut lang = cli::lang_before_parsing(&arguments);
    match run(&arguments, &mut lang) {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::error(lang, &error);
            Exit::Failed.into()
        }
    }
}

fn run(arguments: &[std::ffi::OsString], lang: &mut Lang) -> anyhow::Result<Exit> {
    let Some(cli) = cli::parse(arguments, lang)? else { return Ok(Exit::Failed) };
    start_log(&cli)?;
    commands::run(cli, *lang)
}

/// Log lines go to stderr, for the person who debugs; the program's own words do not pass here.
/// A daemon is watched through its log: it tells more than a command, unless told otherwise.
fn start_log(cli: &cli::Cli) -> anyhow::Result<()> {
    let asked = cli.global.log.as_str();
    let filter = match cli.command {
        cli::Commands::Serve(_) if asked == cli::DEFAULT_LOG => daemon::DEFAULT_LOG,
        _ => asked,
    };
    let filter = tracing_subscriber::EnvFilter::try_new(filter).map_err(|error| {
        anyhow::Error::new(error).context(output::Hinted::new(
            format!("`{filter}` is not a log filter"),
            "for example `--log info` or `--log yagura_aws=debug`",
        ))
    })?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    match cli.global.log_format.as_str() {
        "json" => log.json().flatten_event(true).with_current_span(false).init(),
        _ => log.init(),
    }
    Ok(())
}
