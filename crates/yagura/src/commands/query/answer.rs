//! Writes an answer: to the terminal, a pipe or a file, with progress, a limit that is told, and
//! Ctrl-C that ends it.
//! How rows look in each format is `yagura-lake`'s.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use yagura_lake::query::{Answer, AnswerFormat, Layout, QueryError, Written};
use yagura_model::Lang;

use crate::context::Context;
use crate::output;
use crate::progress::QueryBar;
use crate::whole_file::WholeFile;

/// The formats of answers.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Table,
    Json,
    Csv,
    Parquet,
}

impl From<Format> for AnswerFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Table => Self::Table,
            Format::Json => Self::Json,
            Format::Csv => Self::Csv,
            Format::Parquet => Self::Parquet,
        }
    }
}

/// Where an answer goes.
pub(super) struct To<'a> {
    pub(super) format: Format,
    pub(super) file: Option<&'a Path>,
}

const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Writes an answer to its end.
pub(super) async fn write(
    context: &Context,
    answer: Answer,
    to: &To<'_>,
    cancel: CancellationToken,
) -> Result<(), QueryError> {
    let canceller = answer.canceller();
    let watcher = tokio::spawn(async move {
        cancel.cancelled().await;
        canceller.cancel();
    });
    let bar = QueryBar::new(context.lang, context.global.quiet);
    let progress = answer.progress();
    let ticker = tokio::spawn(async move {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        loop {
            tick.tick().await;
            bar.show(progress.now());
        }
    });
    let written = match to.file {
        Some(file) => to_file(context, answer, to.format, file).await,
        None => to_stdout(context, answer, to.format).await,
    };
    ticker.abort();
    // Its end takes the bar away.
    let _ = ticker.await;
    watcher.abort();
    let Some(written) = written? else { return Ok(()) };
    if written.truncated {
        let rows = written.rows;
        context.remark_in(
            &format!("only the first {rows} rows are shown; raise --limit for more"),
            &format!("先頭の {rows} 行だけを表示しました。続きは --limit を増やしてください"),
        );
    }
    Ok(())
}

/// Writes to stdout; nothing is told where the reader went away.
async fn to_stdout(
    context: &Context,
    answer: Answer,
    format: Format,
) -> Result<Option<Written>, QueryError> {
    if format == Format::Parquet && output::stdout_is_terminal() {
        let text = match context.lang {
            Lang::En => "Parquet is not for a terminal: name a file with --output",
            Lang::Ja => "Parquet は端末に表示できません。--output でファイルを指定してください",
        };
        return Err(QueryError::Write(std::io::Error::other(text)));
    }
    let columns_max = output::stdout_is_terminal().then(output::width);
    let layout = Layout { columns_max, terminal: output::stdout_is_terminal() };
    let mut out = std::io::BufWriter::new(std::io::stdout());
    let written = answer.write(format.into(), &layout, &mut out).await;
    let flushed = out.flush().map_err(QueryError::Write);
    match (written, flushed) {
        (Ok(written), Ok(())) => Ok(Some(written)),
        (Err(QueryError::Write(error)), _) | (_, Err(QueryError::Write(error)))
            if error.kind() == std::io::ErrorKind::BrokenPipe =>
        {
            Ok(None)
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// Writes a file whole or not at all.
async fn to_file(
    context: &Context,
    answer: Answer,
    format: Format,
    file: &Path,
) -> Result<Option<Written>, QueryError> {
    let fail = |error: std::io::Error| {
        let text = format!("`{}`: {error}", file.display());
        QueryError::Write(std::io::Error::new(error.kind(), text))
    };
    let mut whole = WholeFile::begin(file).map_err(fail)?;
    let written = answer.write(format.into(), &Layout::default(), whole.out()).await?;
    whole.keep().map_err(fail)?;
    let (rows, shown) = (written.rows, file.display());
    context.remark_in(
        &format!("wrote {rows} rows to {shown}"),
        &format!("{rows} 行を {shown} に書き出しました"),
    );
    Ok(Some(written))
}
