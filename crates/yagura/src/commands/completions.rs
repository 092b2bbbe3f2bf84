//! `yagura completions`: the completion script of a shell, on stdout.
//! Where a shell wants it is in its own manual.

use crate::exit::Exit;
use crate::output;

#[derive(clap::Args)]
pub(crate) struct CompletionsArgs {
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

pub(crate) fn run(args: &CompletionsArgs, lang: yagura_model::Lang) -> anyhow::Result<Exit> {
    let mut command = crate::cli::described(lang)?;
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "yagura", &mut script);
    output::data(|out| out.write_all(&script))?;
    Ok(Exit::Done)
}
