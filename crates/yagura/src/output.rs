//! The program's one voice: data to stdout, everything else to stderr.
//! A reader that goes away early (`| head`) is success, not an error.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use yagura_model::Lang;
use yagura_report::error_in;

/// Writes data to stdout through `write`, buffered.
///
/// # Errors
/// Any error but a broken pipe.
pub(crate) fn data<E>(write: impl FnOnce(&mut dyn Write) -> Result<(), E>) -> anyhow::Result<()>
where
    E: Into<anyhow::Error>,
{
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = write(&mut out).map_err(Into::into).and_then(|()| Ok(out.flush()?));
    match written {
        Err(error) if is_broken_pipe(&error) => Ok(()),
        written => written,
    }
}

/// Writes text and a newline to stdout.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    data(|out| writeln!(out, "{text}"))
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Says something to the person, on stderr. Nothing can be done if that fails.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints an error, its causes and, where one is known, the remedy.
pub(crate) fn error(lang: Lang, error: &anyhow::Error) {
    say(&printable(&told(lang, error)));
}

fn told(lang: Lang, error: &anyhow::Error) -> String {
    let words = yagura_report::words(lang);
    let mut said = error.to_string();
    let mut text = words.fill("output.error", &[("what", &error_in(lang, &said))]);
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Libraries often repeat their source in their own message.
        if !said.contains(&cause) {
            text.push_str("\n  ");
            text.push_str(&words.fill("output.cause", &[("what", &error_in(lang, &cause))]));
        }
        said = cause;
    }
    if let Some(hint) = remedy(error) {
        text.push_str("\n\n");
        text.push_str(&words.fill("output.hint", &[("what", &error_in(lang, &hint))]));
    }
    text
}

/// The remedy that an error carries: the store knows its own, the rest is hinted at here.
fn remedy(error: &anyhow::Error) -> Option<String> {
    let of_store = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<yagura_store::StoreError>().and_then(yagura_store::StoreError::remedy)
    };
    let hinted = || error.downcast_ref::<Hinted>().map(|hinted| hinted.hint.clone());
    let remedy = error.chain().find_map(of_store).map(str::to_owned).or_else(hinted);
    remedy.filter(|remedy| !remedy.is_empty())
}

/// An error with its remedy; also used as the context of another error.
#[derive(Debug)]
pub(crate) struct Hinted {
    message: String,
    hint: String,
}

impl Hinted {
    /// What was attempted (lower case, no period) and what the reader can do.
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Hinted {}

/// Text without the control and direction characters with which a foreign name could rewrite what
/// a terminal shows. Line breaks stay.
pub(crate) fn printable(text: &str) -> String {
    let harmful = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
            || matches!(c, '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if harmful(c) { '\u{fffd}' } else { c }).collect()
}

/// Whether stdout is a terminal.
pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether stderr is a terminal: only then is progress shown.
pub(crate) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// The columns to lay out for: `COLUMNS`, else the terminal's, else 100.
pub(crate) fn width() -> usize {
    let set = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let terminal = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    set.or_else(terminal).unwrap_or(100).clamp(40, 240)
}

/// A size for people, in powers of ten.
pub(crate) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
    let mut size = bytes as f64;
    if size < 1000.0 {
        return format!("{bytes} B");
    }
    for unit in ["kB", "MB", "GB", "TB"] {
        size /= 1000.0;
        if size < 1000.0 {
            return format!("{size:.1} {unit}");
        }
    }
    format!("{:.1} PB", size / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_powers_of_ten() {
        for (bytes, text) in [(999, "999 B"), (1_500, "1.5 kB"), (2_000_000_000, "2.0 GB")] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn names_cannot_rewrite_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\u{202e}c\nd\r"), "a\u{fffd}[2Jb\u{fffd}c\nd\u{fffd}");
    }

    #[test]
    fn errors_speak_the_readers_language() {
        let cause = io::Error::from_raw_os_error(13);
        let hinted = Hinted::new("`-9x` is not a time", "check the path");
        let error = anyhow::Error::new(cause).context("cannot write the answer").context(hinted);
        let japanese = told(Lang::Ja, &error);
        assert!(japanese.starts_with("エラー: `-9x` は"), "{japanese}");
        assert!(japanese.contains("\n  原因: "), "{japanese}");
        assert!(japanese.contains("権限がありません（os error 13）"), "{japanese}");
        assert!(japanese.contains("\n\n対処: "), "{japanese}");
        assert!(told(Lang::En, &error).starts_with("error: `-9x` is not a time\n  caused by: "));
    }

    #[test]
    fn a_reader_that_leaves_is_no_error() {
        let broken = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(is_broken_pipe(&broken.context("could not write")));
        assert!(!is_broken_pipe(&anyhow::anyhow!("other")));
    }
}
