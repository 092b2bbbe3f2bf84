//! `yagura secrets`: keeps secrets encrypted in the database, and says whether a reference can be
//! read. No command here prints a secret.
//! Envelopes are `yagura-store`'s; where values come from is in `crate::secrets`.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use serde_json::json;
use yagura_model::Lang;
use yagura_model::secret::{Secret, SecretRef, Secrets as _};
use yagura_store::Store;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::exit::Exit;
use crate::options::{AwsOptions, RowOptions};
use crate::output::Hinted;
use crate::rows::Rows;
use crate::secrets::{AwsSecrets, KeyFile, Master, Masters, Resolver};

/// The largest secret that is kept: as large as one in Secrets Manager.
const BYTES_MAX: u64 = 65_536;

#[derive(Args)]
pub(crate) struct SecretsArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Set(SetArgs),
    List(ListArgs),
    Remove(RemoveArgs),
    Rotate(RotateArgs),
    Check(CheckArgs),
}

#[derive(Args)]
struct SetArgs {
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    aws: AwsOptions,
}

#[derive(Args)]
struct ListArgs {
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
struct RemoveArgs {
    #[arg(value_name = "NAME")]
    name: String,
    #[arg(long)]
    yes: bool,
}

#[derive(Args)]
struct RotateArgs {
    #[arg(long, value_name = "KEY")]
    to: Option<String>,
    #[command(flatten)]
    aws: AwsOptions,
}

#[derive(Args)]
struct CheckArgs {
    #[arg(value_name = "REFERENCE", required = true)]
    references: Vec<String>,
    #[command(flatten)]
    aws: AwsOptions,
    #[command(flatten)]
    rows: RowOptions,
}

pub(crate) async fn run(context: &Context, args: &SecretsArgs) -> anyhow::Result<Exit> {
    match &args.what {
        What::Set(args) => set(context, args).await,
        What::List(args) => list(context, args).await,
        What::Remove(args) => remove(context, args).await,
        What::Rotate(args) => rotate(context, args).await,
        What::Check(args) => check(context, args).await,
    }
}

async fn set(context: &Context, args: &SetArgs) -> anyhow::Result<Exit> {
    let name = &args.name;
    ensure!(
        SecretRef::is_stored_name(name),
        Hinted::new(
            "a stored secret cannot have that name (it is not repeated: it may be the secret)",
            "letters, digits and `.`, `_`, `/`, `-`; the secret itself is read from stdin",
        )
    );
    let store = context.store().await?;
    ready(context, &store).await?;
    let secret = typed(context, name)?;
    let masters = Masters::new(context, &args.aws, AwsSecrets::default())?;
    let version = store.secrets(Arc::new(masters)).set(name, &secret, context.now()).await?;
    context.remark_in(
        &format!("kept as `stored:{name}`, version {version}"),
        &format!("`stored:{name}` として保存しました（バージョン {version}）"),
    );
    Ok(Exit::Done)
}

/// Sees that there is a master key. A second key file beside secrets that a first one seals would
/// look well until the day they are needed, so it is not made.
async fn ready(context: &Context, store: &Store) -> anyhow::Result<()> {
    let Master::File(path) = Master::of(context)? else { return Ok(()) };
    if KeyFile::read(&path)?.is_some() {
        return Ok(());
    }
    let stored = store.stored_secrets().await?;
    if let Some(one) = stored.iter().find(|one| one.master.starts_with("file:")) {
        bail!(Hinted::new(
            format!(
                "the key file `{}` is not there, but `{}` is sealed with the master key `{}`",
                path.display(),
                one.name,
                one.master
            ),
            "bring that key file back, or name it with --master-key file:PATH",
        ));
    }
    if path == context.data_folder()?.join(crate::secrets::KEY_FILE) {
        crate::settings::make_data_folder(&context.data_folder()?)?;
    }
    KeyFile::create(&path)?;
    let shown = path.display();
    context.remark_in(
        &format!("made the master key `{shown}`; keep a copy of it apart from backups"),
        &format!("マスターキー `{shown}` を作成しました。バックアップとは別の場所に控えを保管してください"),
    );
    Ok(())
}

/// The secret from stdin: asked for without showing it on a terminal, else read to its end.
fn typed(context: &Context, name: &str) -> anyhow::Result<Secret> {
    let text = if std::io::stdin().is_terminal() {
        let prompt = match context.lang {
            Lang::En => format!("secret for `{name}` (it is not shown): "),
            Lang::Ja => format!("`{name}` のシークレット（表示されません）: "),
        };
        let typed = rpassword::prompt_password(prompt);
        Zeroizing::new(typed.context("could not read the secret from the terminal")?)
    } else {
        let mut bytes = Zeroizing::new(Vec::new());
        let mut stdin = std::io::stdin().lock().take(BYTES_MAX + 1);
        stdin.read_to_end(&mut bytes).context("could not read the secret from stdin")?;
        ensure!(bytes.len() as u64 <= BYTES_MAX, "a secret has at most {BYTES_MAX} bytes");
        let text = std::str::from_utf8(&bytes).context("the secret is not UTF-8 text")?;
        Zeroizing::new(text.to_owned())
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    ensure!(
        !text.is_empty(),
        Hinted::new("no secret was given", "type it, or pipe it: `yagura secrets set NAME < FILE`")
    );
    Ok(Secret::new(text))
}

async fn list(context: &Context, args: &ListArgs) -> anyhow::Result<Exit> {
    let columns = [
        ("reference", "参照"),
        ("version", "バージョン"),
        ("set", "設定日時"),
        ("master", "マスターキー"),
        ("wrapped", "ラップ日時"),
    ];
    let mut rows = Rows::new(context.lang, &columns);
    for one in context.store().await?.stored_secrets().await? {
        rows.push(vec![
            json!(format!("stored:{}", one.name)),
            json!(one.version),
            json!(one.set.to_string()),
            json!(one.master),
            json!(one.wrapped.to_string()),
        ]);
    }
    if rows.is_empty() {
        context.remark_in("no secret is stored", "保存されたシークレットはありません");
    }
    rows.write(args.rows.format)?;
    Ok(Exit::Done)
}

async fn remove(context: &Context, args: &RemoveArgs) -> anyhow::Result<Exit> {
    let (name, store) = (&args.name, context.store().await?);
    let stored = store.stored_secrets().await?;
    let Some(one) = stored.iter().find(|one| one.name == *name) else {
        bail!(Hinted::new(
            format!("there is no stored secret `{name}`"),
            "`yagura secrets list` shows what there is",
        ));
    };
    if !args.yes {
        let (version, set) = (one.version, one.set);
        context.remark_in(
            &format!("`stored:{name}`, version {version} of {set}, would be gone; --yes does it"),
            &format!(
                "`stored:{name}`（バージョン {version}、{set} 設定）を削除します。\
                 --yes を付けると実行します"
            ),
        );
        return Ok(Exit::Done);
    }
    store.remove_secret(name).await?;
    context.remark_in("removed", "削除しました");
    Ok(Exit::Done)
}

/// A fresh master key, or another place for it, and every data key wrapped with it. Stopped at
/// any point, all secrets stay readable, and the same command finishes it.
async fn rotate(context: &Context, args: &RotateArgs) -> anyhow::Result<Exit> {
    let store = context.store().await?;
    let from = Master::of(context)?;
    let to = args.to.as_deref().map(Master::read).transpose()?.unwrap_or_else(|| from.clone());
    if let Master::File(path) = &to {
        turn(path, to == from)?;
    }
    let masters = Masters::with(context, &to, &args.aws, AwsSecrets::default())?;
    let rotated = store.secrets(Arc::new(masters)).rotate(context.now()).await?;
    if let Master::File(path) = &to
        && let Some(mut file) = KeyFile::read(path)?
    {
        file.drop_older()?;
    }
    context.remark_in(
        &format!("{rotated} secrets are wrapped with the new master key"),
        &format!("{rotated} 件のシークレットを新しいマスターキーで包み直しました"),
    );
    if to != from {
        let (to, from) = (to.text(), from.text());
        context.remark_in(
            &format!("from now on set --master-key {to}; `{from}` is only needed for old backups"),
            &format!(
                "今後は --master-key {to} を設定してください。\
                 `{from}` が必要なのは以前のバックアップを使うときだけです"
            ),
        );
    }
    Ok(Exit::Done)
}

/// A fresh key at the head of the file; none where an earlier rotation was stopped halfway, whose
/// fresh key is there already.
fn turn(path: &Path, same_place: bool) -> anyhow::Result<()> {
    match KeyFile::read(path)? {
        Some(file) if file.len() > 1 => Ok(()),
        Some(mut file) if same_place => file.turn(),
        Some(_) => Ok(()),
        None if same_place => bail!(Hinted::new(
            format!("there is no key file `{}` to rotate", path.display()),
            "`yagura secrets set` makes it with the first secret",
        )),
        None => KeyFile::create(path).map(drop),
    }
}

/// Whether references can be read; what they hold is not shown.
async fn check(context: &Context, args: &CheckArgs) -> anyhow::Result<Exit> {
    let resolver = Resolver::new(context, &args.aws);
    let columns = [("reference", "参照"), ("readable", "読み取り可否"), ("reason", "理由")];
    let mut rows = Rows::new(context.lang, &columns)
        .worded("readable", &[("true", "可"), ("false", "不可")])
        .told("reason");
    let mut all = true;
    for text in &args.references {
        let reference: SecretRef = text.parse()?;
        let read = resolver.reveal(&reference).await;
        all &= read.is_ok();
        let reason = read.as_ref().err().map(|error| error.fault.to_string());
        rows.push(vec![json!(reference.to_string()), json!(read.is_ok()), json!(reason)]);
    }
    rows.write(args.rows.format)?;
    Ok(if all { Exit::Done } else { Exit::Failed })
}
