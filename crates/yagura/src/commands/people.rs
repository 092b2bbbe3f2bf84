//! `yagura people` and `yagura tokens`: who may come into the console, what programs may ask it,
//! and the record of what was done. Works on the store alone, whether anything serves or not.
//! How people sign in is `yagura-console`'s.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use jiff::SignedDuration;
use serde_json::json;
use yagura_console::{Permission, Role, fresh, setup_link};
use yagura_store::Store;
use yagura_store::people::{AuditFilter, NewAudit, NewPerson, NewToken, Person};

use crate::context::Context;
use crate::exit::Exit;
use crate::options::{RowOptions, account_id};
use crate::output::Hinted;
use crate::rows::Rows;

/// Where the console is, if nothing says otherwise: what `yagura serve` listens on by itself.
const ADDRESS: &str = "http://127.0.0.1:8787";

#[derive(Args)]
pub(crate) struct PeopleArgs {
    #[command(subcommand)]
    what: PeopleWhat,
}

#[derive(Subcommand)]
enum PeopleWhat {
    Add(AddArgs),
    List(ListArgs),
    Role(RoleArgs),
    Disable(NameArgs),
    Enable(NameArgs),
    Reset(ResetArgs),
    Audit(AuditArgs),
}

#[derive(Args)]
struct AddArgs {
    #[arg(value_name = "NAME")]
    name: String,
    #[arg(long, value_name = "ROLE", default_value = "viewer")]
    role: Role,
    #[arg(long, value_name = "ACCOUNT", value_delimiter = ',', value_parser = account_id)]
    accounts: Vec<String>,
    #[arg(long, value_name = "URL")]
    address: Option<String>,
}

#[derive(Args)]
struct ListArgs {
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
struct RoleArgs {
    #[arg(value_name = "NAME")]
    name: String,
    #[arg(value_name = "ROLE")]
    role: Role,
    #[arg(long, value_name = "ACCOUNT", value_delimiter = ',', value_parser = account_id)]
    accounts: Vec<String>,
}

#[derive(Args)]
struct NameArgs {
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Args)]
struct ResetArgs {
    #[arg(value_name = "NAME")]
    name: String,
    #[arg(long, value_name = "URL")]
    address: Option<String>,
}

#[derive(Args)]
struct AuditArgs {
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
pub(crate) struct TokensArgs {
    #[command(subcommand)]
    what: TokensWhat,
}

#[derive(Subcommand)]
enum TokensWhat {
    Add(TokenArgs),
    List(ListArgs),
    Revoke(NameArgs),
}

#[derive(Args)]
struct TokenArgs {
    #[arg(value_name = "NAME")]
    name: String,
    #[arg(long, value_name = "ROLE", default_value = "viewer")]
    role: Role,
    #[arg(long, value_name = "SCOPE", value_delimiter = ',', required = true)]
    scopes: Vec<Permission>,
    #[arg(long, value_name = "ACCOUNT", value_delimiter = ',', value_parser = account_id)]
    accounts: Vec<String>,
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    days: u16,
}

pub(crate) async fn run(context: &Context, args: &PeopleArgs) -> anyhow::Result<Exit> {
    let store = context.store().await?;
    match &args.what {
        PeopleWhat::Add(args) => add(context, &store, args).await?,
        PeopleWhat::List(args) => list(context, &store, args).await?,
        PeopleWhat::Role(args) => role(context, &store, args).await?,
        PeopleWhat::Disable(args) => disable(context, &store, args, true).await?,
        PeopleWhat::Enable(args) => disable(context, &store, args, false).await?,
        PeopleWhat::Reset(args) => reset(context, &store, args).await?,
        PeopleWhat::Audit(args) => audit(context, &store, args).await?,
    }
    store.close().await;
    Ok(Exit::Done)
}

pub(crate) async fn run_tokens(context: &Context, args: &TokensArgs) -> anyhow::Result<Exit> {
    let store = context.store().await?;
    match &args.what {
        TokensWhat::Add(args) => add_token(context, &store, args).await?,
        TokensWhat::List(args) => list_tokens(context, &store, args).await?,
        TokensWhat::Revoke(args) => revoke_token(context, &store, args).await?,
    }
    store.close().await;
    Ok(Exit::Done)
}

/// The accounts that were named; none: all.
fn scope(accounts: &[String]) -> Option<BTreeSet<String>> {
    let accounts: BTreeSet<String> = accounts.iter().cloned().collect();
    Some(accounts).filter(|accounts| !accounts.is_empty())
}

async fn person(store: &Store, name: &str) -> anyhow::Result<Person> {
    store.people().by_name(name).await?.with_context(|| {
        Hinted::new(
            format!("there is nobody of the name `{name}`"),
            "`yagura people list` shows who there is",
        )
    })
}

/// Writes down what was done at this command line.
async fn note(context: &Context, store: &Store, action: &str, target: &str) -> anyhow::Result<()> {
    let line = NewAudit {
        who: String::new(),
        means: "command_line".to_owned(),
        action: action.to_owned(),
        target: target.to_owned(),
        outcome: "done".to_owned(),
        address: String::new(),
    };
    Ok(store.people().record(&line, context.now()).await?)
}

/// Prints the link by which somebody chooses a password: data, so it goes to stdout.
async fn print_link(
    context: &Context,
    store: &Store,
    id: i64,
    address: Option<&str>,
) -> anyhow::Result<()> {
    let site = context.content()?.site.routes.console_url.as_ref().map(|url| url.value.clone());
    let address = address.map(str::to_owned).or(site).unwrap_or_else(|| ADDRESS.to_owned());
    let link = setup_link(store, address.trim_end_matches('/'), id, context.now()).await?;
    context.remark_in(
        "hand this link over; it sets the password once, within three days:",
        "次のリンクを本人に渡してください。3 日以内に 1 回だけ、パスワードの設定に使えます:",
    );
    let mut stdout = std::io::stdout().lock();
    std::io::Write::write_fmt(&mut stdout, format_args!("{}\n", *link))
        .context("could not print the link")
}

async fn add(context: &Context, store: &Store, args: &AddArgs) -> anyhow::Result<()> {
    let name = args.name.trim().to_owned();
    ensure!(
        !name.is_empty() && name.chars().count() <= 100 && !name.chars().any(char::is_whitespace),
        "a name has 1 to 100 letters and no spaces"
    );
    let (role, accounts) = (args.role.as_str().to_owned(), scope(&args.accounts));
    let new = NewPerson { name, subject: None, password: None, role, accounts };
    let Some(id) = store.people().add(&new, context.now()).await? else {
        bail!(Hinted::new(
            format!("the name `{}` is taken", new.name),
            "`yagura people reset NAME` makes a new link for somebody who is there",
        ));
    };
    note(context, store, "people.add", &format!("{} {}", new.name, new.role)).await?;
    print_link(context, store, id, args.address.as_deref()).await
}

async fn list(context: &Context, store: &Store, args: &ListArgs) -> anyhow::Result<()> {
    let columns = [
        ("name", "名前"),
        ("role", "ロール"),
        ("accounts", "アカウント"),
        ("password", "パスワード"),
        ("second_factor", "2 段階認証"),
        ("disabled", "無効"),
        ("seen", "最終サインイン"),
    ];
    let is_set = &[("true", "設定済み"), ("false", "未設定")];
    let mut rows = Rows::new(context.lang, &columns)
        .worded("password", is_set)
        .worded("second_factor", is_set);
    for one in store.people().list().await? {
        rows.push(vec![
            json!(one.name),
            json!(one.role),
            json!(one.accounts.map_or_else(|| "*".to_owned(), joined)),
            json!(one.password.is_some()),
            json!(one.totp.is_some()),
            json!(one.disabled),
            json!(one.seen.map(|seen| seen.to_string())),
        ]);
    }
    if rows.is_empty() {
        context.remark_in("nobody has been added", "ユーザーは登録されていません");
    }
    rows.write(args.rows.format)
}

fn joined(words: BTreeSet<String>) -> String {
    words.into_iter().collect::<Vec<_>>().join(",")
}

fn last_admin() -> anyhow::Error {
    anyhow::anyhow!(Hinted::new(
        "somebody must remain an administrator who may come in",
        "make somebody else an administrator first: `yagura people role NAME admin`",
    ))
}

async fn role(context: &Context, store: &Store, args: &RoleArgs) -> anyhow::Result<()> {
    let (person, accounts) = (person(store, &args.name).await?, scope(&args.accounts));
    let word = args.role.as_str();
    if !store.people().set_role(person.id, word, accounts.as_ref()).await? {
        return Err(last_admin());
    }
    note(context, store, "people.role", &format!("{} {word}", person.name)).await?;
    context
        .remark_in("changed; the person signs in anew", "変更しました。本人は再度サインインします");
    Ok(())
}

async fn disable(
    context: &Context,
    store: &Store,
    args: &NameArgs,
    disabled: bool,
) -> anyhow::Result<()> {
    let person = person(store, &args.name).await?;
    if !store.people().set_disabled(person.id, disabled).await? {
        return Err(last_admin());
    }
    let action = if disabled { "people.disabled" } else { "people.enabled" };
    note(context, store, action, &person.name).await?;
    context.remark_in("done", "完了しました");
    Ok(())
}

async fn reset(context: &Context, store: &Store, args: &ResetArgs) -> anyhow::Result<()> {
    let person = person(store, &args.name).await?;
    ensure!(
        person.subject.is_none(),
        "`{}` signs in through a provider, which keeps the password",
        person.name
    );
    store.people().set_password(person.id, None, None).await?;
    store.people().set_totp(person.id, None, &[]).await?;
    store.remove_secret(&person.totp_secret_name()).await?;
    note(context, store, "people.reset", &person.name).await?;
    print_link(context, store, person.id, args.address.as_deref()).await
}

async fn audit(context: &Context, store: &Store, args: &AuditArgs) -> anyhow::Result<()> {
    let columns = [
        ("at", "日時"),
        ("who", "ユーザー"),
        ("means", "手段"),
        ("action", "操作"),
        ("target", "対象"),
        ("outcome", "結果"),
        ("address", "アドレス"),
    ];
    let mut rows = Rows::new(context.lang, &columns)
        .worded_in("means", "console_settings.audit.means.")
        .worded_in("outcome", "console_settings.audit.outcomes.");
    let (who, action) = (args.who.as_ref().map(|who| who.to_lowercase()), args.action.clone());
    let filter = AuditFilter { who, action, ..AuditFilter::default() };
    for line in store.people().audit(&filter, args.limit).await? {
        rows.push(vec![
            json!(line.at.to_string()),
            json!(line.who),
            json!(line.means),
            json!(line.action),
            json!(line.target),
            json!(line.outcome),
            json!(line.address),
        ]);
    }
    rows.write(args.rows.format)
}

async fn add_token(context: &Context, store: &Store, args: &TokenArgs) -> anyhow::Result<()> {
    let (token, now) = (fresh("yagura_")?, context.now());
    let days = i64::from(args.days);
    let new = NewToken {
        name: args.name.trim().to_owned(),
        hash: token.hash,
        role: args.role.as_str().to_owned(),
        accounts: scope(&args.accounts),
        scopes: args.scopes.iter().map(ToString::to_string).collect(),
        created_by: "command line".to_owned(),
        expires: (days > 0).then(|| now + SignedDuration::from_hours(24 * days)),
    };
    ensure!(!new.name.is_empty(), "a token needs a name");
    if store.people().add_token(&new, now).await?.is_none() {
        bail!(Hinted::new(
            format!("there is a token `{}` already", new.name),
            "`yagura tokens revoke NAME` takes it back",
        ));
    }
    note(context, store, "tokens.add", &format!("{} {}", new.name, new.role)).await?;
    context
        .remark_in("the token, shown this one time:", "トークンです。表示されるのは今回だけです:");
    let mut stdout = std::io::stdout().lock();
    std::io::Write::write_fmt(&mut stdout, format_args!("{}\n", *token.text))
        .context("could not print the token")
}

async fn list_tokens(context: &Context, store: &Store, args: &ListArgs) -> anyhow::Result<()> {
    let columns = [
        ("name", "名前"),
        ("role", "ロール"),
        ("accounts", "アカウント"),
        ("scopes", "用途"),
        ("created_by", "作成者"),
        ("expires", "有効期限"),
        ("used", "最終利用"),
    ];
    // Nobody has this name: names have no spaces.
    let mut rows = Rows::new(context.lang, &columns)
        .worded("created_by", &[("command line", "コマンドライン")]);
    for one in store.people().tokens().await? {
        rows.push(vec![
            json!(one.name),
            json!(one.role),
            json!(one.accounts.map_or_else(|| "*".to_owned(), joined)),
            json!(joined(one.scopes)),
            json!(one.created_by),
            json!(one.expires.map(|expires| expires.to_string())),
            json!(one.used.map(|used| used.to_string())),
        ]);
    }
    if rows.is_empty() {
        context.remark_in("there are no tokens", "トークンはありません");
    }
    rows.write(args.rows.format)
}

async fn revoke_token(context: &Context, store: &Store, args: &NameArgs) -> anyhow::Result<()> {
    let tokens = store.people().tokens().await?;
    let Some(token) = tokens.iter().find(|token| token.name == args.name) else {
        bail!(Hinted::new(
            format!("there is no token `{}`", args.name),
            "`yagura tokens list` shows what there is",
        ));
    };
    store.people().revoke_token(token.id).await?;
    note(context, store, "tokens.revoke", &token.name).await?;
    context.remark_in("taken back", "失効させました");
    Ok(())
}
