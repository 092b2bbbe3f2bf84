//! `yagura access generate`: policies that start from deny, with a reason for each statement.
//! What is put into them is analyze's; here wishes are read from flags and reasons become words.

use anyhow::anyhow;
use clap::{ArgGroup, Args, Subcommand};
use iam_policy::{RemarkWeight, review};
use yagura_analyze::access::generate::{
    BucketWish, GenerateError, Generated, GithubWish, Home, KeyWish, OidcWish, QueueWish,
    ResourceWish, SecretWish, TopicWish, TrustWish,
};
use yagura_report::words;

use super::lint;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{self, Hinted};

#[derive(Args)]
pub(super) struct GenerateArgs {
    #[command(subcommand)]
    what: GenerateWhat,
}

#[derive(Subcommand)]
enum GenerateWhat {
    Bucket(BucketArgs),
    Key(KeyArgs),
    RoleTrust(Box<RoleTrustArgs>),
    Queue(QueueArgs),
    Topic(TopicArgs),
    Secret(SecretArgs),
}

/// Whom we trust.
#[derive(Args)]
struct HomeArgs {
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    #[arg(long, value_name = "ID")]
    partner: Vec<String>,
    #[arg(long, value_parser = ["aws", "aws-cn", "aws-us-gov"])]
    partition: Option<String>,
}

/// Who may do what with a resource.
#[derive(Args)]
struct WhoArgs {
    #[arg(long, value_name = "PRINCIPAL")]
    reader: Vec<String>,
    #[arg(long, value_name = "PRINCIPAL")]
    writer: Vec<String>,
    #[arg(long, value_name = "PRINCIPAL")]
    administrator: Vec<String>,
    #[arg(long, value_name = "SERVICE=SOURCE")]
    service: Vec<String>,
}

#[derive(Args)]
struct BucketArgs {
    name: String,
    #[arg(long, value_name = "ARN")]
    kms_key: Option<String>,
    #[command(flatten)]
    who: WhoArgs,
    #[command(flatten)]
    home: HomeArgs,
}

#[derive(Args)]
struct KeyArgs {
    #[arg(long, value_name = "PRINCIPAL")]
    administrator: Vec<String>,
    #[arg(long, value_name = "PRINCIPAL")]
    user: Vec<String>,
    #[arg(long, value_name = "SERVICE")]
    via: Vec<String>,
    #[arg(long)]
    grants: bool,
    #[arg(long, value_name = "SERVICE=SOURCE")]
    service: Vec<String>,
    #[command(flatten)]
    home: HomeArgs,
}

#[derive(Args)]
#[command(group(
    ArgGroup::new("caller")
        .required(true)
        .args(["service", "principal", "github", "oidc", "saml", "permission_set"])
))]
struct RoleTrustArgs {
    #[arg(long, value_name = "SERVICE[=SOURCE]")]
    service: Option<String>,
    #[arg(long, value_name = "PRINCIPAL")]
    principal: Vec<String>,
    #[arg(long, value_name = "TEXT", requires = "principal")]
    with_external_id: Option<String>,
    #[arg(long, requires = "principal")]
    mfa: bool,
    #[arg(long, value_name = "OWNER/NAME")]
    github: Option<String>,
    #[arg(long, value_name = "NAME", requires = "github")]
    branch: Option<String>,
    #[arg(long, value_name = "NAME", requires = "github", conflicts_with = "branch")]
    tag: Option<String>,
    #[arg(long, value_name = "NAME", requires = "github", conflicts_with_all = ["branch", "tag"])]
    environment: Option<String>,
    #[arg(long, value_name = "NUMBER", requires = "github")]
    repository_id: Option<String>,
    #[arg(long, value_name = "HOST", requires_all = ["subject", "audience"])]
    oidc: Option<String>,
    #[arg(long, value_name = "SUB", requires = "oidc")]
    subject: Option<String>,
    #[arg(long, value_name = "AUD", requires = "oidc")]
    audience: Option<String>,
    #[arg(long, value_name = "NAME")]
    saml: Option<String>,
    #[arg(long, value_name = "NAME")]
    permission_set: Option<String>,
    #[arg(long, value_name = "ID", requires = "permission_set")]
    assigned_in: Option<String>,
    #[command(flatten)]
    home: HomeArgs,
}

#[derive(Args)]
struct QueueArgs {
    arn: String,
    #[command(flatten)]
    who: WhoArgs,
    #[command(flatten)]
    home: HomeArgs,
}

#[derive(Args)]
struct TopicArgs {
    arn: String,
    #[command(flatten)]
    who: WhoArgs,
    #[command(flatten)]
    home: HomeArgs,
}

#[derive(Args)]
struct SecretArgs {
    #[command(flatten)]
    who: WhoArgs,
    #[command(flatten)]
    home: HomeArgs,
}

/// Writes the policy to stdout, and why each statement is there to stderr.
pub(super) fn run(context: &Context, args: &GenerateArgs) -> anyhow::Result<Exit> {
    let made = match &args.what {
        GenerateWhat::Bucket(args) => {
            let (name, key) = (args.name.clone(), args.kms_key.clone());
            BucketWish { name, key, who: args.who.wish(args.home.home("")?) }.generate()
        }
        GenerateWhat::Key(args) => KeyWish {
            home: args.home.home("")?,
            administrators: args.administrator.clone(),
            users: args.user.clone(),
            via: args.via.clone(),
            grants: args.grants,
            services: args.service.clone(),
        }
        .generate(),
        GenerateWhat::RoleTrust(args) => args.wish()?.generate(),
        GenerateWhat::Queue(args) => {
            let who = args.who.wish(args.home.home(&args.arn)?);
            QueueWish { arn: args.arn.clone(), who }.generate()
        }
        GenerateWhat::Topic(args) => {
            let who = args.who.wish(args.home.home(&args.arn)?);
            TopicWish { arn: args.arn.clone(), who }.generate()
        }
        GenerateWhat::Secret(args) => {
            SecretWish { who: args.who.wish(args.home.home("")?) }.generate()
        }
    };
    let made = made.map_err(|error| {
        let hint = hint(&error);
        anyhow::Error::new(error).context(Hinted::new("the policy cannot be written", hint))
    })?;
    let text = serde_json::to_string_pretty(&made.document)?;
    output::line(&text)?;
    explain(context, &made);
    reviewed(context, &made, &text)
}

/// Says why each statement is there, and what the policy cannot do by itself.
fn explain(context: &Context, made: &Generated) {
    let words = words(context.lang);
    for reason in &made.reasons {
        let key = format!("generate.why.{}", reason.code);
        let why = words.fill(&key, &[("about", &reason.about)]);
        context.remark(&format!("{}: {why}", reason.sid));
    }
    for note in &made.notes {
        let key = format!("generate.note.{}", note.code);
        context.remark(&words.fill(&key, &[("about", &note.about)]));
    }
}

/// Looks at the policy as at any other one. What it says should be nothing; a policy too long for
/// AWS is told here.
fn reviewed(context: &Context, made: &Generated, text: &str) -> anyhow::Result<Exit> {
    let known = lint::known_actions()?;
    let remarks = review(text, made.kind, Some(&known));
    let grave = remarks.iter().filter(|it| it.kind.weight() <= RemarkWeight::Warning);
    let mut exit = Exit::Done;
    for remark in grave {
        exit = Exit::Findings;
        context.remark(&lint::words(context.lang, remark));
    }
    Ok(exit)
}

fn hint(error: &GenerateError) -> &'static str {
    match error {
        GenerateError::NotAPrincipal(_) | GenerateError::Session(_) => {
            "name 444455556666, arn:aws:iam::444455556666:role/app, or a form such as \
             arn:aws:iam::444455556666:role/team/*"
        }
        GenerateError::NotAnAccount(_) => "twelve digits: 444455556666",
        GenerateError::NotAnOrganization(_) => {
            "`aws organizations describe-organization` shows it: o-abcdefghij"
        }
        GenerateError::NotAnArn { .. } | GenerateError::NotExact { .. } => {
            "write it in full, as AWS shows it"
        }
        GenerateError::NoSource(_) => {
            "--service cloudtrail.amazonaws.com=arn:aws:cloudtrail:us-east-1:444455556666:trail/a"
        }
        GenerateError::Nobody => "name at least one principal or service; --help lists the flags",
        GenerateError::BothDuties(_) => "give one of the two duties to somebody else",
        GenerateError::NotOurs(_) => {
            "add --with-external-id for another company, or --organization for our own"
        }
    }
}

impl HomeArgs {
    /// What an ARN of the resource already tells need not be said.
    fn home(&self, arn: &str) -> anyhow::Result<Home> {
        let part = |at: usize| arn.split(':').nth(at).filter(|part| !part.is_empty());
        let account = self.account.clone().or_else(|| part(4).map(str::to_owned));
        let account = account.ok_or_else(|| {
            anyhow!(Hinted::new("whose account is it?", "add --account 444455556666"))
        })?;
        let partition = self.partition.as_deref().or_else(|| part(1)).unwrap_or("aws");
        Ok(Home {
            account,
            organization: self.organization.clone(),
            partners: self.partner.clone(),
            partition: partition.to_owned(),
        })
    }
}

impl WhoArgs {
    fn wish(&self, home: Home) -> ResourceWish {
        ResourceWish {
            home,
            readers: self.reader.clone(),
            writers: self.writer.clone(),
            administrators: self.administrator.clone(),
            services: self.service.clone(),
        }
    }
}

impl RoleTrustArgs {
    /// Flags that speak of another caller than the one that is named: none is passed over.
    fn check(&self) -> anyhow::Result<()> {
        let github = [&self.branch, &self.tag, &self.environment, &self.repository_id];
        let astray = [
            (self.mfa && self.principal.is_empty(), "--mfa", "--principal"),
            (
                self.with_external_id.is_some() && self.principal.is_empty(),
                "--with-external-id",
                "--principal",
            ),
            (
                github.iter().any(|flag| flag.is_some()) && self.github.is_none(),
                "--branch, --tag, --environment and --repository-id",
                "--github",
            ),
            (
                (self.subject.is_some() || self.audience.is_some()) && self.oidc.is_none(),
                "--subject and --audience",
                "--oidc",
            ),
            (
                self.assigned_in.is_some() && self.permission_set.is_none(),
                "--assigned-in",
                "--permission-set",
            ),
        ];
        match astray.iter().find(|(astray, ..)| *astray) {
            None => Ok(()),
            Some((_, flag, with)) => Err(anyhow!(Hinted::new(
                format!("{flag} would be passed over: it goes with {with}"),
                "leave it out, or name the caller it speaks of",
            ))),
        }
    }

    fn wish(&self) -> anyhow::Result<TrustWish> {
        self.check()?;
        let home = self.home.home("")?;
        if let Some(service) = &self.service {
            return Ok(TrustWish::Service { home, service: service.clone() });
        }
        if let Some(repository) = &self.github {
            return Ok(TrustWish::Github(GithubWish {
                home,
                repository: repository.clone(),
                what: self.what_of_repository()?,
                repository_id: self.repository_id.clone(),
            }));
        }
        if let Some(provider) = &self.oidc {
            return Ok(TrustWish::Oidc(OidcWish {
                home,
                provider: provider.clone(),
                subject: self.subject.clone().unwrap_or_default(),
                audience: self.audience.clone().unwrap_or_default(),
            }));
        }
        if let Some(provider) = &self.saml {
            return Ok(TrustWish::Saml { home, provider: provider.clone() });
        }
        if let Some(name) = &self.permission_set {
            let assigned_in = self.assigned_in.clone().unwrap_or_else(|| home.account.clone());
            return Ok(TrustWish::PermissionSet { home, name: name.clone(), assigned_in });
        }
        Ok(TrustWish::Principals {
            home,
            principals: self.principal.clone(),
            external_id: self.with_external_id.clone(),
            mfa: self.mfa,
        })
    }

    /// What of a repository may become the role, as the subject of its tokens says it.
    fn what_of_repository(&self) -> anyhow::Result<String> {
        let found = match (&self.branch, &self.tag, &self.environment) {
            (Some(branch), ..) => Some(format!("ref:refs/heads/{branch}")),
            (_, Some(tag), _) => Some(format!("ref:refs/tags/{tag}")),
            (.., Some(environment)) => Some(format!("environment:{environment}")),
            (None, None, None) => None,
        };
        found.ok_or_else(|| {
            anyhow!(Hinted::new(
                "any branch of the repository, and any pull request, would become the role",
                "add --branch main, --tag v1 or --environment production",
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use yagura_analyze::access::generate::{CODES, NOTES};
    use yagura_model::Lang;

    use super::*;

    #[test]
    fn every_reason_has_words_in_both_languages() {
        for lang in Lang::ALL {
            let of = |kind: &str, code: &str| format!("generate.{kind}.{code}");
            let codes = CODES.iter().map(|code| of("why", code));
            for key in codes.chain(NOTES.iter().map(|code| of("note", code))) {
                assert_ne!(words(lang).get(&key), key, "{}", lang.code());
            }
        }
    }
}
