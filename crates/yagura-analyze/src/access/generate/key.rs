//! Key policies: administrators who do not use the key, users who do not administer it, and no
//! handing over to IAM policies. Grants are made after the policy, and not here.

use iam_policy::PolicyKind;
use serde_json::json;

use super::guest::{Guest, Source, deputies, guests};
use super::statement::{Statement, allow_guests, deny_outsiders, for_source, root};
use super::{GenerateError, Generated, Home, generated, note};

/// What is wished of a key. Its policy speaks of the key it belongs to.
#[derive(Clone, Debug, Default)]
pub struct KeyWish {
    /// Whom we trust.
    pub home: Home,
    /// ARNs of users and roles, or forms of them, who manage the key.
    pub administrators: Vec<String>,
    /// The same, of those who encrypt and decrypt.
    pub users: Vec<String>,
    /// Services that use the key on behalf of its users (`s3.us-east-1.amazonaws.com`); none:
    /// users may also call KMS themselves.
    pub via: Vec<String>,
    /// Whether users may let AWS services keep using the key (volumes, databases).
    pub grants: bool,
    /// `SERVICE=SOURCE` of services that use the key by themselves.
    pub services: Vec<String>,
}

/// What administering a key needs. `CreateGrant` is left out: with it an administrator could give
/// itself the use of the key (AWS KMS Developer Guide, "Allows key administrators to administer
/// the KMS key", seen 2026-11).
const ADMINISTERS: &[&str] = &[
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
];

/// What using a key needs, and grants.
const TOUCHES: &[&str] =
    &["kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"];

const USES: &[&str] =
    &["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"];

impl KeyWish {
    /// The policy.
    ///
    /// # Errors
    /// When a name is none, somebody would have both duties, or one of them has nobody.
    pub fn generate(&self) -> Result<Generated, GenerateError> {
        self.home.check()?;
        let (home, own) = (&self.home, ["*".to_owned()]);
        let (admins, users) = (guests(&self.administrators)?, guests(&self.users)?);
        let deputies = deputies(&self.services)?;
        if admins.is_empty() || users.is_empty() && deputies.is_empty() {
            return Err(GenerateError::Nobody);
        }
        if let Some(both) = admins.iter().find(|admin| overlaps(admin, &users)) {
            return Err(GenerateError::BothDuties(name(both)));
        }
        let everybody = [admins.clone(), users.clone()].concat();
        let mut statements = vec![
            deny_outsiders(home, &everybody, TOUCHES, &own),
            self.administrators_do_not_use(&admins),
            // The root user, and not who is let by an IAM policy (AWS KMS Developer Guide,
            // `aws:PrincipalType`).
            Statement::allow("RootUserRecovers", "root_recovers")
                .to(json!({"AWS": root(home, &home.account)}))
                .actions(&["kms:DescribeKey", "kms:GetKeyPolicy", "kms:PutKeyPolicy"])
                .on(&own)
                .when_one("StringEquals", "aws:PrincipalType", "Account"),
        ];
        let code = ("Administrators", "key_administrators");
        statements.extend(allow_guests(home, code, &admins, ADMINISTERS, &own));
        statements.extend(self.users(&users, &own));
        for (at, deputy) in deputies.iter().enumerate() {
            let allow = Statement::allow(&format!("Service{}", at + 1), "service")
                .to(json!({"Service": deputy.service}))
                .actions(USES)
                .on(&own)
                .about(&deputy.service);
            // CloudWatch Logs says for which log groups in the encryption context alone (Amazon
            // CloudWatch Logs User Guide, "Encrypt log data", seen 2026-11).
            statements.push(match (&deputy.source, deputy.service.starts_with("logs.")) {
                (Source::Arn(arn), true) => {
                    allow.when_one("ArnLike", "kms:EncryptionContext:aws:logs:arn", arn)
                }
                (Source::Account(account), true) => {
                    let arn = format!("arn:{}:logs:*:{account}:*", home.partition);
                    allow.when_one("ArnLike", "kms:EncryptionContext:aws:logs:arn", &arn)
                }
                _ => for_source(allow, deputy),
            });
        }
        let forms = everybody.iter().filter(|guest| matches!(guest, Guest::Form(_)));
        let notes = forms.map(|form| note("by_form", &name(form))).collect();
        Ok(generated(PolicyKind::Resource, "", statements, notes))
    }

    fn administrators_do_not_use(&self, admins: &[Guest]) -> Statement {
        let arn = |guest: &Guest| match guest {
            Guest::Account(account) => format!("arn:{}:iam::{account}:*", self.home.partition),
            Guest::Named(arn) | Guest::Form(arn) => arn.clone(),
        };
        let arns: Vec<String> = admins.iter().map(arn).collect();
        Statement::deny("AdministratorsDoNotUse", "administrators_do_not_use")
            .about(&arns.join(", "))
            .actions(TOUCHES)
            .on(&["*".to_owned()])
            .when("ArnLike", "aws:PrincipalArn", &arns)
    }

    fn users(&self, users: &[Guest], own: &[String]) -> Vec<Statement> {
        let through = |statement: Statement| match self.via.is_empty() {
            true => statement,
            false => statement.when("StringEquals", "kms:ViaService", &self.via),
        };
        let (home, code) = (&self.home, ("Users", "key_users"));
        let mut statements: Vec<Statement> =
            allow_guests(home, code, users, USES, own).into_iter().map(through).collect();
        if self.grants {
            let code = ("UsersGrantToServices", "key_users_grant");
            let grant = allow_guests(home, code, users, &["kms:CreateGrant"], own);
            statements.extend(
                grant
                    .into_iter()
                    .map(through)
                    .map(|it| it.when_one("Bool", "kms:GrantIsForAWSResource", "true")),
            );
        }
        statements
    }
}

fn name(guest: &Guest) -> String {
    match guest {
        Guest::Account(name) | Guest::Named(name) | Guest::Form(name) => name.clone(),
    }
}

/// Whether an administrator is, or may be, among the users.
fn overlaps(admin: &Guest, users: &[Guest]) -> bool {
    users.iter().any(|user| match (admin, user) {
        (Guest::Account(account), other) | (other, Guest::Account(account)) => {
            other.account() == account
        }
        (Guest::Named(one), Guest::Named(other)) => one == other,
        (one, other) => iam_policy::forms_overlap(&name(one), &name(other)),
    })
}
