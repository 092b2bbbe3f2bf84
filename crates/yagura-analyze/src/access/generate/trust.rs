//! Trust policies: who can become a role, exactly: one service for one source, named principals of
//! an account, jobs of one repository, users of one identity provider or permission set.
//! What the role then may do is not said here.

use iam_policy::PolicyKind;
use serde_json::json;

use super::guest::{Deputy, Guest, account, deputies, guests, service_name};
use super::statement::{Statement, for_source, root};
use super::{GenerateError, Generated, Home, generated, note};

/// Who shall become a role.
#[derive(Clone, Debug)]
pub enum TrustWish {
    /// A service: `SERVICE`, for anything of the account, or `SERVICE=SOURCE`.
    Service {
        /// Whose role it is.
        home: Home,
        /// The service, perhaps with its source.
        service: String,
    },
    /// Users and roles, or accounts.
    Principals {
        /// Whose role it is.
        home: Home,
        /// Accounts, ARNs, or forms of ARNs.
        principals: Vec<String>,
        /// What a caller of another company says to show that it is meant.
        external_id: Option<String>,
        /// Whether callers must have used multi-factor authentication.
        mfa: bool,
    },
    /// Jobs of GitHub Actions.
    Github(GithubWish),
    /// Tokens of another provider.
    Oidc(OidcWish),
    /// Users of a SAML provider of the account, by its name.
    Saml {
        /// Whose role it is.
        home: Home,
        /// The provider's name in IAM.
        provider: String,
    },
    /// Users of a permission set of IAM Identity Center, in an account.
    PermissionSet {
        /// Whose role it is.
        home: Home,
        /// The permission set's name.
        name: String,
        /// The account in which it is assigned.
        assigned_in: String,
    },
}

/// Jobs of one repository.
#[derive(Clone, Debug, Default)]
pub struct GithubWish {
    /// Whose role it is.
    pub home: Home,
    /// `OWNER/NAME`
    pub repository: String,
    /// What follows in the subject: `ref:refs/heads/main`, `environment:production`.
    pub what: String,
    /// The repository's number, which no other one can take over with the name.
    pub repository_id: Option<String>,
}

/// Tokens of an OpenID Connect provider.
#[derive(Clone, Debug, Default)]
pub struct OidcWish {
    /// Whose role it is.
    pub home: Home,
    /// Host and path without `https://`.
    pub provider: String,
    /// `sub`
    pub subject: String,
    /// `aud`
    pub audience: String,
}

const BECOME: &[&str] = &["sts:AssumeRole"];
const GITHUB: &str = "token.actions.githubusercontent.com";

/// Services that do not say for whom they come. A role is handed to them by somebody of its own
/// account alone (`iam:PassRole` does not reach further), and a condition nobody can meet would
/// shut them out (Amazon EC2 User Guide, "IAM roles for Amazon EC2", seen 2026-11).
const SILENT: &[&str] = &["ec2.amazonaws.com"];

impl TrustWish {
    /// The policy.
    ///
    /// # Errors
    /// When a name is none, is not exact, or nothing proves that another account is meant.
    pub fn generate(&self) -> Result<Generated, GenerateError> {
        match self {
            Self::Service { home, service } => of_service(home, service),
            Self::Principals { home, principals, external_id, mfa } => {
                of_principals(home, principals, external_id.as_deref(), *mfa)
            }
            Self::Github(wish) => wish.generate(),
            Self::Oidc(wish) => wish.generate(),
            Self::Saml { home, provider } => of_saml(home, provider),
            Self::PermissionSet { home, name, assigned_in } => {
                of_permission_set(home, name, assigned_in)
            }
        }
    }
}

fn trust(statement: Statement, notes: Vec<super::Reason>) -> Generated {
    generated(PolicyKind::Trust, "", vec![statement], notes)
}

fn becomes(sid: &str, about: &str, action: &str) -> Statement {
    Statement::allow(sid, "becomes_role").about(about).actions(&[action])
}

fn of_service(home: &Home, text: &str) -> Result<Generated, GenerateError> {
    home.check()?;
    let (service, said) = text.split_once('=').map_or((text, None), |(a, b)| (a, Some(b)));
    service_name(service)?;
    let allow = becomes("Service", service, "sts:AssumeRole").to(json!({"Service": service}));
    if said.is_none() && SILENT.contains(&service) {
        return Ok(trust(allow, vec![note("source_unsaid", service)]));
    }
    let whole = format!("{service}={}", said.unwrap_or(&home.account));
    let deputies = deputies(&[whole])?;
    let allow = deputies.iter().fold(allow, |allow, deputy: &Deputy| for_source(allow, deputy));
    Ok(trust(allow, vec![note("source_untold", service)]))
}

fn of_principals(
    home: &Home,
    principals: &[String],
    external_id: Option<&str>,
    mfa: bool,
) -> Result<Generated, GenerateError> {
    home.check()?;
    let guests = guests(principals)?;
    if guests.is_empty() {
        return Err(GenerateError::Nobody);
    }
    let foreign = guests.iter().find(|guest| guest.account() != home.account);
    if let Some(foreign) = foreign
        && external_id.is_none()
        && home.organization.is_none()
    {
        return Err(GenerateError::NotOurs(foreign.account().to_owned()));
    }
    let code = ("Principals", "becomes_role");
    let allowed = super::statement::allow_guests(home, code, &guests, BECOME, &[]);
    let hold = |mut allow: Statement| {
        if let Some(id) = external_id {
            allow = allow.when_one("StringEquals", "sts:ExternalId", id);
        } else if let Some(organization) = &home.organization {
            allow = allow.when_one("StringEquals", "aws:PrincipalOrgID", organization);
        }
        if mfa {
            allow = allow.when_one("Bool", "aws:MultiFactorAuthPresent", "true");
        }
        allow
    };
    let forms = guests.iter().filter_map(|guest| match guest {
        Guest::Form(form) => Some(note("by_form", form)),
        Guest::Account(_) | Guest::Named(_) => None,
    });
    let notes = forms.collect();
    let statements = allowed.into_iter().map(hold).collect();
    Ok(generated(PolicyKind::Trust, "", statements, notes))
}

impl GithubWish {
    fn generate(&self) -> Result<Generated, GenerateError> {
        let exact = |what: &'static str, text: &str| match is_exact(text) {
            true => Ok(()),
            false => Err(GenerateError::NotExact { what, text: text.to_owned() }),
        };
        let repository = self.repository.split_once('/');
        let (owner, name) = repository.unwrap_or((self.repository.as_str(), ""));
        for part in [owner, name] {
            let text = if part.contains(['/', ':']) { "" } else { part };
            exact("a repository (OWNER/NAME)", text)?;
        }
        exact("what of the repository (a branch, a tag or an environment)", &self.what)?;
        let oidc = OidcWish {
            home: self.home.clone(),
            provider: GITHUB.to_owned(),
            subject: format!("repo:{}:{}", self.repository, self.what),
            audience: "sts.amazonaws.com".to_owned(),
        };
        let mut allow = oidc.statement()?;
        if let Some(id) = &self.repository_id {
            let digits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
            if !digits {
                let (what, text) = ("a repository's id (digits)", id.clone());
                return Err(GenerateError::NotExact { what, text });
            }
            let key = format!("{GITHUB}:repository_id");
            allow = allow.when_one("StringEquals", &key, id);
        }
        Ok(trust(allow, Vec::new()))
    }
}

impl OidcWish {
    fn generate(&self) -> Result<Generated, GenerateError> {
        Ok(trust(self.statement()?, Vec::new()))
    }

    fn statement(&self) -> Result<Statement, GenerateError> {
        self.home.check()?;
        let provider = &self.provider;
        let parts =
            [("a provider's host", provider), ("`sub`", &self.subject), ("`aud`", &self.audience)];
        for (what, text) in parts {
            if !is_exact(text) || text.starts_with("https://") && what != "`aud`" {
                return Err(GenerateError::NotExact { what, text: text.clone() });
            }
        }
        let Home { partition, account, .. } = &self.home;
        let arn = format!("arn:{partition}:iam::{account}:oidc-provider/{provider}");
        Ok(becomes("Tokens", &self.subject, "sts:AssumeRoleWithWebIdentity")
            .to(json!({"Federated": arn}))
            .when_one("StringEquals", &format!("{provider}:aud"), &self.audience)
            .when_one("StringEquals", &format!("{provider}:sub"), &self.subject))
    }
}

fn is_exact(text: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '*' | '?' | '$');
    !text.is_empty() && !text.contains(odd)
}

/// Source: IAM User Guide, "Enabling SAML 2.0 federated principals to access the AWS Management
/// Console" (seen 2026-11); the audience of another partition has its sign-in host.
fn of_saml(home: &Home, provider: &str) -> Result<Generated, GenerateError> {
    home.check()?;
    let name = provider.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if provider.is_empty() || !name {
        let what = "a SAML provider's name";
        return Err(GenerateError::NotExact { what, text: provider.to_owned() });
    }
    let host = match home.partition.as_str() {
        "aws-cn" => "signin.amazonaws.cn",
        "aws-us-gov" => "signin.amazonaws-us-gov.com",
        _ => "signin.aws.amazon.com",
    };
    let arn = format!("arn:{}:iam::{}:saml-provider/{provider}", home.partition, home.account);
    let allow = becomes("SamlUsers", provider, "sts:AssumeRoleWithSAML")
        .to(json!({"Federated": arn}))
        .when_one("StringEquals", "SAML:aud", &format!("https://{host}/saml"));
    Ok(trust(allow, Vec::new()))
}

/// The role of a permission set has a suffix of sixteen letters that changes when the assignment
/// is made anew, and a region in its path unless Identity Center is in us-east-1 (IAM Identity
/// Center User Guide, "Referencing permission sets in resource policies", seen 2026-11).
fn of_permission_set(
    home: &Home,
    name: &str,
    assigned_in: &str,
) -> Result<Generated, GenerateError> {
    home.check()?;
    account(assigned_in)?;
    let sound = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@-_".contains(&b));
    if name.is_empty() || name.len() > 32 || !sound {
        let what = "a permission set's name";
        return Err(GenerateError::NotExact { what, text: name.to_owned() });
    }
    if assigned_in != home.account && home.organization.is_none() {
        return Err(GenerateError::NotOurs(assigned_in.to_owned()));
    }
    let role = format!(
        "arn:{}:iam::{assigned_in}:role/aws-reserved/sso.amazonaws.com*/AWSReservedSSO_{name}_{}",
        home.partition,
        "?".repeat(16)
    );
    let mut allow = becomes("PermissionSet", name, "sts:AssumeRole")
        .to(json!({"AWS": root(home, assigned_in)}))
        .when_one("ArnLike", "aws:PrincipalArn", &role);
    if let Some(organization) = &home.organization {
        allow = allow.when_one("StringEquals", "aws:PrincipalOrgID", organization);
    }
    Ok(trust(allow, vec![note("by_form", &role)]))
}
