//! One small scan: three accounts, four controls, every state and standing.
//! Nothing here is asserted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;
use yagura_model::{
    AccountRequirement, AccountScore, Attestation, Coverage, CoverageState, Exception,
    FrameworkScore, Lang, Prose, RequirementScore, RequirementState, Severity, StateCounts,
    UnknownCause, Unread, UnreadReason, Verdict, VerdictCounts, VerdictStatus,
};
use yagura_report::{
    AccountMeta, Catalog, Comparison, ControlEntry, FixEntry, Format, FrameworkEntry, GroupEntry,
    RequirementEntry, ScanMeta, ScanReport, Tally, TerminalOptions, write,
};

pub(crate) const MANAGEMENT: &str = "111111111111";
pub(crate) const PRODUCTION: &str = "222222222222";
pub(crate) const DEVELOPMENT: &str = "333333333333";

/// Everything a report borrows.
pub(crate) struct Fixture {
    pub(crate) catalog: Catalog,
    pub(crate) scores: Vec<FrameworkScore>,
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) coverage: Vec<Coverage>,
    pub(crate) accounts: Vec<AccountMeta>,
    pub(crate) comparison: Option<Comparison>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let verdicts = verdicts();
        Self {
            catalog: catalog(),
            scores: scores(),
            coverage: coverage(),
            accounts: vec![
                account(MANAGEMENT, "management", "Root"),
                account(PRODUCTION, "本番環境", "Root/Workloads"),
                account(DEVELOPMENT, "development", "Root/Workloads"),
            ],
            comparison: None,
            verdicts,
        }
    }

    pub(crate) fn report(&self, lang: Lang) -> ScanReport<'_> {
        ScanReport {
            scan: ScanMeta {
                id: "12".to_owned(),
                started: time("2026-11-21T10:00:00Z"),
                finished: time("2026-11-21T10:00:42Z"),
                partial: false,
                demo: false,
                accounts: self.accounts.clone(),
                regions: vec!["ap-northeast-1".to_owned(), "us-east-1".to_owned()],
                resources: 1234,
                calls: 321,
                version: "0.1.0".to_owned(),
            },
            catalog: &self.catalog,
            scores: &self.scores,
            tally: Tally::of(&self.verdicts),
            verdicts: &self.verdicts,
            coverage: &self.coverage,
            comparison: self.comparison.as_ref(),
            lang,
        }
    }

    pub(crate) fn written(&self, format: Format, lang: Lang) -> String {
        let mut out = Vec::new();
        write(&self.report(lang), format, &TerminalOptions::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn prose(en: &str, ja: &str) -> Prose {
    Prose { en: en.to_owned(), ja: ja.to_owned() }
}

fn account(id: &str, name: &str, ou: &str) -> AccountMeta {
    AccountMeta { id: id.to_owned(), name: name.to_owned(), ou: ou.to_owned() }
}

pub(crate) fn verdict(
    control: &str,
    status: VerdictStatus,
    severity: Severity,
    account: &str,
    region: &str,
    name: &str,
) -> Verdict {
    let (type_name, key) = match control.split('.').next().unwrap() {
        "s3" => ("AWS::S3::Bucket", format!("arn:aws:s3:::{name}")),
        "account" => ("Yagura::Account::Account", format!("arn:aws:iam::{account}:root")),
        _ => (
            "AWS::EC2::SecurityGroup",
            format!("arn:aws:ec2:{region}:{account}:security-group/{name}"),
        ),
    };
    Verdict {
        control: control.to_owned(),
        status,
        severity,
        key,
        type_name: type_name.to_owned(),
        account: account.to_owned(),
        region: region.to_owned(),
        name: name.to_owned(),
        evidence: Vec::new(),
        unread: Vec::new(),
        exception: None,
    }
}

fn verdicts() -> Vec<Verdict> {
    use Severity::{Critical, High, Medium};
    use VerdictStatus::{Fail, Pass, Unknown};
    let mut verdicts = Vec::new();
    for n in 1..=7 {
        let name = format!("photos-{n}");
        let region = if n % 2 == 0 { "us-east-1" } else { "ap-northeast-1" };
        let mut bucket =
            verdict("s3.bucket_public_access_blocked", Fail, High, PRODUCTION, region, &name);
        bucket.evidence = vec![(
            "properties.PublicAccessBlockConfiguration.BlockPublicAcls".to_owned(),
            json!(false),
        )];
        verdicts.push(bucket);
    }
    let mut accepted =
        verdict("s3.bucket_public_access_blocked", Fail, High, DEVELOPMENT, "us-east-1", "website");
    accepted.exception = Some(Exception {
        owner: "web team".to_owned(),
        reason: "public by design".to_owned(),
        expires: time("2027-03-31T00:00:00Z"),
    });
    verdicts.push(accepted);
    verdicts.push(verdict(
        "s3.bucket_public_access_blocked",
        Pass,
        High,
        MANAGEMENT,
        "us-east-1",
        "trail-logs",
    ));
    let mut root =
        verdict("account.root_mfa_enabled", Fail, Critical, DEVELOPMENT, "global", "development");
    root.evidence = vec![("runtime.AccountMFAEnabled".to_owned(), json!(0))];
    verdicts.push(root);
    let mut denied =
        verdict("account.root_mfa_enabled", Unknown, Critical, PRODUCTION, "global", "本番環境");
    denied.unread = vec![unread("runtime", UnreadReason::Denied)];
    verdicts.push(denied);
    let mut listing =
        verdict("ec2.security_group_ssh_closed", Unknown, Medium, PRODUCTION, "us-east-1", "");
    listing.key = format!("{PRODUCTION}/us-east-1/AWS::EC2::SecurityGroup");
    listing.unread = vec![unread("", UnreadReason::Throttled)];
    verdicts.push(listing);
    verdicts.push(verdict(
        "ec2.security_group_ssh_closed",
        VerdictStatus::NotApplicable,
        Medium,
        DEVELOPMENT,
        "us-east-1",
        "sg-0123456789abcdef0",
    ));
    verdicts
}

pub(crate) fn unread(path: &str, reason: UnreadReason) -> Unread {
    let (call, action) = match reason {
        UnreadReason::Denied => ("iam:GetAccountSummary", "iam:GetAccountSummary"),
        _ => ("ec2:DescribeSecurityGroups", ""),
    };
    Unread {
        path: path.parse().unwrap(),
        partial: false,
        reason,
        call: call.to_owned(),
        action: action.to_owned(),
        detail: String::new(),
    }
}

fn coverage() -> Vec<Coverage> {
    vec![Coverage {
        account: PRODUCTION.to_owned(),
        region: "us-east-1".to_owned(),
        type_name: "AWS::EC2::SecurityGroup".to_owned(),
        state: CoverageState::Unread(unread("", UnreadReason::Throttled)),
        count: 0,
    }]
}

fn catalog() -> Catalog {
    let controls = [
        control(
            "s3.bucket_public_access_blocked",
            "AWS::S3::Bucket",
            Severity::High,
            prose(
                "Buckets block all public access",
                "バケットですべてのパブリックアクセスをブロックする",
            ),
            prose(
                "One wrong policy or object ACL makes data readable by anyone on the internet. \
                 The block keeps it closed whatever a policy says.",
                "バケットポリシーやオブジェクト ACL の設定を 1 つ誤るだけで、データが\
                 インターネット上の誰からでも読み取れる状態になります。ブロックを有効にすると、\
                 ポリシーの内容にかかわらず非公開に保てます。",
            ),
            "aws s3api put-public-access-block --bucket BUCKET \\\n  \
             --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,\
             BlockPublicPolicy=true,RestrictPublicBuckets=true",
            &[("checklist", &["data.at_rest"]), ("cis_5_0", &["2.1.4"]), ("fsbp", &["S3.8"])],
        ),
        control(
            "account.root_mfa_enabled",
            "Yagura::Account::Account",
            Severity::Critical,
            prose("The root user has MFA", "ルートユーザーに MFA を設定する"),
            prose(
                "Whoever gets the root password owns the account, and nothing can limit them.",
                "ルートユーザーのパスワードを知られると、アカウントを完全に奪われます。",
            ),
            "",
            &[("checklist", &["identity.secure_account"]), ("cis_5_0", &["1.4"])],
        ),
        control(
            "ec2.security_group_ssh_closed",
            "AWS::EC2::SecurityGroup",
            Severity::Medium,
            prose("SSH is closed to the internet", "SSH をインターネットに公開しない"),
            prose(
                "Open SSH is scanned and attacked within minutes.",
                "公開された SSH は数分以内にスキャンされ、攻撃を受けます。",
            ),
            "aws ec2 revoke-security-group-ingress --group-id GROUP --protocol tcp --port 22 \
             --cidr 0.0.0.0/0",
            &[("checklist", &["infrastructure.network"])],
        ),
    ];
    Catalog {
        controls: controls.into_iter().map(|entry| (entry.id.clone(), entry)).collect(),
        frameworks: vec![checklist(), cis()],
    }
}

fn control(
    id: &str,
    type_name: &str,
    severity: Severity,
    title: Prose,
    why: Prose,
    cli: &str,
    maps: &[(&str, &[&str])],
) -> ControlEntry {
    let maps: BTreeMap<_, _> = maps
        .iter()
        .map(|(id, of)| ((*id).to_owned(), of.iter().map(|of| (*of).to_owned()).collect()))
        .collect();
    ControlEntry {
        id: id.to_owned(),
        type_name: type_name.to_owned(),
        severity,
        guidance: "strongly_recommended".to_owned(),
        responsible: "customer".to_owned(),
        title,
        why,
        fix: FixEntry {
            console_en: vec!["Open the console.".to_owned(), "Switch it on.".to_owned()],
            console_ja: vec![
                "コンソールを開きます。".to_owned(),
                "設定を有効にします。".to_owned(),
            ],
            cli: cli.to_owned(),
            cloudformation: "Resources:\n  Example:\n    Type: AWS::S3::Bucket".to_owned(),
            terraform: String::new(),
        },
        maps,
        references: vec!["https://docs.aws.amazon.com/example".to_owned()],
    }
}

fn checklist() -> FrameworkEntry {
    let group =
        |id: &str, en: &str, ja: &str| GroupEntry { id: id.to_owned(), title: prose(en, ja) };
    let item = |id: &str, en: &str, ja: &str| RequirementEntry {
        id: id.to_owned(),
        group: id.split('.').next().unwrap().to_owned(),
        title: prose(en, ja),
        ..RequirementEntry::default()
    };
    FrameworkEntry {
        id: "checklist".to_owned(),
        title: prose("AWS Security Checklist", "AWS セキュリティチェックリスト"),
        version: String::new(),
        aws_part: None,
        groups: vec![
            group("identity", "Identity & access", "アイデンティティとアクセス管理"),
            group("infrastructure", "Infrastructure protection", "インフラストラクチャ保護"),
            group("data", "Data protection", "データ保護"),
            group("response", "Incident response", "インシデント対応"),
        ],
        requirements: vec![
            item("identity.secure_account", "Secure the account", "アカウントの保護"),
            item("identity.central_provider", "Central identity provider", "ID の一元管理"),
            item("infrastructure.network", "Security groups", "セキュリティグループ"),
            item("data.at_rest", "Encryption at rest", "保管データの保護"),
            item("data.in_transit", "Encryption in transit", "通信の暗号化"),
            item("response.plan", "Have a plan", "対応計画の策定"),
        ],
    }
}

fn cis() -> FrameworkEntry {
    let item = |id: &str, en: &str, ja: &str| RequirementEntry {
        id: id.to_owned(),
        group: "all".to_owned(),
        title: prose(en, ja),
        ..RequirementEntry::default()
    };
    FrameworkEntry {
        id: "cis_5_0".to_owned(),
        title: prose("CIS AWS Foundations", "CIS AWS Foundations"),
        version: "5.0".to_owned(),
        aws_part: None,
        groups: vec![GroupEntry { id: "all".to_owned(), title: prose("All", "すべて") }],
        requirements: vec![
            item("1.4", "MFA on root", "ルートユーザーの MFA"),
            item("2.1.4", "Block public access", "パブリックアクセスのブロック"),
        ],
    }
}

fn counts(pass: u64, fail: u64, excepted: u64, unknown: u64) -> VerdictCounts {
    VerdictCounts { pass, fail, excepted, not_applicable: 0, unknown }
}

fn requirement(
    framework: &str,
    id: &str,
    state: RequirementState,
    counts: VerdictCounts,
    controls: &[&str],
    why_unknown: Vec<UnknownCause>,
) -> RequirementScore {
    RequirementScore {
        framework: framework.to_owned(),
        id: id.to_owned(),
        state,
        attested: false,
        measured: state,
        partial: false,
        attestation: None,
        counts,
        controls: controls.iter().map(|id| (*id).to_owned()).collect(),
        controls_not_selected: Vec::new(),
        failing: Vec::new(),
        why_unknown,
        accounts: vec![AccountRequirement { account: PRODUCTION.to_owned(), state, counts }],
    }
}

fn scores() -> Vec<FrameworkScore> {
    use RequirementState::{Met, NotMet, Partly, Unknown};
    let denied = UnknownCause::Unread {
        reason: UnreadReason::Denied,
        call: "iam:GetAccountSummary".to_owned(),
        action: "iam:GetAccountSummary".to_owned(),
        verdicts: 1,
    };
    let throttled = UnknownCause::Unread {
        reason: UnreadReason::Throttled,
        call: "ec2:DescribeSecurityGroups".to_owned(),
        action: String::new(),
        verdicts: 1,
    };
    let mfa = ["account.root_mfa_enabled"];
    let public = ["s3.bucket_public_access_blocked"];
    let ssh = ["ec2.security_group_ssh_closed"];
    let item = |id, state, counts, controls: &[&str], why| {
        requirement("checklist", id, state, counts, controls, why)
    };
    let mut attested = item("response.plan", Met, counts(0, 0, 0, 0), &[], Vec::new());
    attested.attested = true;
    attested.measured = Unknown;
    attested.attestation = Some(Attestation {
        state: Met,
        by: "山田 花子".to_owned(),
        reason: "the plan was reviewed in October".to_owned(),
        evidence: "https://wiki.example.com/incident-plan".to_owned(),
        expires: time("2027-10-01T00:00:00Z"),
    });
    let checklist = vec![
        item("identity.secure_account", NotMet, counts(0, 1, 0, 1), &mfa, vec![denied]),
        item(
            "identity.central_provider",
            Unknown,
            counts(0, 0, 0, 0),
            &[],
            vec![UnknownCause::NotCovered],
        ),
        item("infrastructure.network", Unknown, counts(0, 0, 0, 1), &ssh, vec![throttled]),
        item("data.at_rest", Partly, counts(1, 7, 1, 0), &public, Vec::new()),
        item("data.in_transit", Met, counts(4, 0, 0, 0), &[], Vec::new()),
        attested,
    ];
    let cis = vec![
        requirement("cis_5_0", "1.4", NotMet, counts(0, 1, 0, 1), &mfa, Vec::new()),
        requirement("cis_5_0", "2.1.4", Partly, counts(1, 7, 1, 0), &public, Vec::new()),
    ];
    vec![framework("checklist", checklist), framework("cis_5_0", cis)]
}

fn framework(id: &str, requirements: Vec<RequirementScore>) -> FrameworkScore {
    let mut states = StateCounts::default();
    let mut sum = VerdictCounts::default();
    for requirement in &requirements {
        states.count(requirement.state, requirement.attested);
        sum.add(&requirement.counts);
    }
    FrameworkScore {
        framework: id.to_owned(),
        accounts: vec![AccountScore { account: PRODUCTION.to_owned(), states, counts: sum }],
        requirements,
        states,
        counts: sum,
    }
}
