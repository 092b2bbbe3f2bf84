//! How urgent a finding is here, in points with their reasons: severity first, then what makes it
//! worse or less bad. What is true of a finding is found out elsewhere.
//!
//! The severity sets the base, and how much the surroundings count: what is only worth knowing
//! does not become urgent by lying in production. The parts are chosen so that the worst of
//! everything stays below [`RANK_POINTS_MAX`], so no sum is ever cut and order is never lost.

use yagura_model::alert::SignalKind;
use yagura_model::finding::{RANK_POINTS_MAX, Rank, RankFactor, RankReason};
use yagura_model::{Prose, Severity};

/// What is true of a finding, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RankFacts {
    /// How bad it is by itself; worth knowing, if none is given.
    pub severity: Option<Severity>,
    /// Whether it can be reached from outside.
    pub exposure: Option<Exposure>,
    /// What whoever gets hold of it may do.
    pub privilege: Option<Privilege>,
    /// What data it holds.
    pub data: Option<DataValue>,
    /// How easily it is made use of, or whether it is.
    pub exploit: Option<Exploit>,
    /// For how many days it has been so. Of what happens, rather than is: none.
    pub open_days: Option<i64>,
    /// How many days ago it last happened. Of what is, rather than happens: none.
    pub quiet_days: Option<i64>,
    /// How much the account, or the resource's part of it, weighs.
    pub weight: Option<(Weight, Prose)>,
}

/// Whether something can be reached from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exposure {
    /// Somebody outside the organization can.
    Outsiders,
    /// It has a public address.
    Address,
    /// Anybody can.
    Public,
}

/// What whoever gets hold of something may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Privilege {
    /// More than it needs.
    Broad,
    /// Give itself more.
    Escalation,
    /// Everything that the account allows.
    Administrator,
    /// Everything.
    Root,
}

/// What data something holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DataValue {
    /// It is a store of data.
    Store,
    /// A tag or its name says that the data is sensitive; what says so.
    Sensitive(String),
    /// The site counts it among what matters most; by which name.
    CrownJewel(String),
}

/// How easily something is made use of, or whether it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exploit {
    /// Something unusual happened.
    Unusual,
    /// What happened is what attackers do.
    Attack,
    /// It can be reached and exploits are likely, as the product that found it says.
    Likely,
    /// Alerts tell of the same resource or actor; how many.
    UnderAttack(u64),
    /// Attackers are known to use it, as the product that found it says.
    Known,
    /// Several steps of one attack follow one another.
    Story,
}

/// How much an account weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// To try things out.
    Sandbox,
    /// Development and tests.
    Development,
    /// Where evidence and guards are.
    Security,
    /// Where business runs.
    Production,
    /// It rules the organization.
    Management,
}

impl Exploit {
    /// What an alert of this kind says by itself.
    pub fn of_signal(kind: SignalKind) -> Self {
        match kind {
            SignalKind::Behavior => Self::Unusual,
            SignalKind::Detection | SignalKind::Intelligence => Self::Attack,
            SignalKind::Sequence => Self::Story,
        }
    }
}

/// The rank that follows from what is true.
pub fn rank(facts: &RankFacts) -> Rank {
    let severity = facts.severity.unwrap_or(Severity::Informational);
    let (base, percent) = base(severity);
    let mut reasons = vec![RankReason {
        factor: RankFactor::Severity,
        points: base,
        why: severity_words(severity),
    }];
    let parts = [
        facts.exposure.map(exposure),
        facts.privilege.map(privilege),
        facts.data.as_ref().map(data),
        facts.exploit.as_ref().map(exploit),
        facts.open_days.and_then(age),
        facts.quiet_days.and_then(activity),
        facts.weight.as_ref().map(weight),
    ];
    for (factor, points, why) in parts.into_iter().flatten() {
        let points = points.saturating_mul(percent) / 100;
        if points != 0 {
            reasons.push(RankReason { factor, points, why });
        }
    }
    let sum: i32 = reasons.iter().map(|reason| i32::from(reason.points)).sum();
    let points = u16::try_from(sum.max(0)).unwrap_or(u16::MAX).min(RANK_POINTS_MAX);
    Rank { points, reasons }
}

type Part = (RankFactor, i16, Prose);

/// The points of a severity, and how much the surroundings count with it, in percent.
fn base(severity: Severity) -> (i16, i16) {
    match severity {
        Severity::Critical => (520, 100),
        Severity::High => (360, 100),
        Severity::Medium => (200, 80),
        Severity::Low => (90, 45),
        Severity::Informational => (15, 15),
    }
}

fn severity_words(severity: Severity) -> Prose {
    let (en, ja) = match severity {
        Severity::Critical => ("its severity is critical", "重要度は「重大」です"),
        Severity::High => ("its severity is high", "重要度は「高」です"),
        Severity::Medium => ("its severity is medium", "重要度は「中」です"),
        Severity::Low => ("its severity is low", "重要度は「低」です"),
        Severity::Informational => ("it is only worth knowing", "重要度は「情報」です"),
    };
    prose(en, ja)
}

fn exposure(exposure: Exposure) -> Part {
    let (points, en, ja) = match exposure {
        Exposure::Public => (100, "anybody can reach it", "誰でもアクセスできます"),
        Exposure::Address => (60, "it has a public address", "パブリックアドレスがあります"),
        Exposure::Outsiders => (
            45,
            "somebody outside the organization can reach it",
            "組織の外からアクセスできる相手がいます",
        ),
    };
    (RankFactor::Exposure, points, prose(en, ja))
}

fn privilege(privilege: Privilege) -> Part {
    let (points, en, ja) = match privilege {
        Privilege::Root => (95, "it is about the root user", "ルートユーザーに関わります"),
        Privilege::Administrator => (
            90,
            "whoever gets hold of it is an administrator",
            "乗っ取られると管理者権限を握られます",
        ),
        Privilege::Escalation => (
            70,
            "whoever gets hold of it can give themselves more permissions",
            "乗っ取られると自分の権限を引き上げられます",
        ),
        Privilege::Broad => {
            (40, "it gives more permissions than are needed", "必要以上の権限が与えられています")
        }
    };
    (RankFactor::Privilege, points, prose(en, ja))
}

fn data(data: &DataValue) -> Part {
    let (points, why) = match data {
        DataValue::CrownJewel(name) => (
            95,
            Prose {
                en: format!("it belongs to the crown jewels `{name}`"),
                ja: format!("最重要資産「{name}」に含まれます"),
            },
        ),
        DataValue::Sensitive(what) => (
            70,
            Prose {
                en: format!("its data is sensitive: `{what}` says so"),
                ja: format!("機密性の高いデータです（「{what}」より）"),
            },
        ),
        DataValue::Store => (30, prose("it stores data", "データを保存するリソースです")),
    };
    (RankFactor::Data, points, why)
}

fn exploit(exploit: &Exploit) -> Part {
    let (points, why) = match exploit {
        Exploit::Story => (
            110,
            prose(
                "several steps of one attack follow one another",
                "一連の攻撃の手順が続けて起きています",
            ),
        ),
        Exploit::Known => (
            100,
            prose("attackers are known to use it", "実際に悪用されていることが知られています"),
        ),
        Exploit::UnderAttack(alerts) => (
            95,
            Prose {
                en: match alerts {
                    1 => "an alert tells of the same resource".to_owned(),
                    _ => format!("{alerts} alerts tell of the same resource"),
                },
                ja: format!("同じリソースに関するアラートが {alerts} 件あります"),
            },
        ),
        Exploit::Attack => (70, prose("it is what attackers do", "攻撃者が行う操作です")),
        Exploit::Likely => {
            (50, prose("it is likely to be exploited", "悪用される可能性が高い弱点です"))
        }
        Exploit::Unusual => (25, prose("it is unusual here", "ふだんと違う動きです")),
    };
    (RankFactor::Exploitability, points, why)
}

fn age(days: i64) -> Option<Part> {
    let points = match days {
        90.. => 25,
        30.. => 15,
        7.. => 8,
        _ => return None,
    };
    let why = Prose {
        en: format!("it has been so for {days} days"),
        ja: format!("{days} 日間このままです"),
    };
    Some((RankFactor::Age, points, why))
}

fn activity(days: i64) -> Option<Part> {
    let (points, why) = match days {
        ..1 => (25, prose("it happened within a day", "1 日以内に起きています")),
        1..7 => (10, prose("it happened within a week", "1 週間以内に起きています")),
        7..30 => return None,
        30..90 => (-40, prose("it has not happened for a month", "1 か月以上起きていません")),
        90.. => (-80, prose("it has not happened for three months", "3 か月以上起きていません")),
    };
    Some((RankFactor::Activity, points, why))
}

fn weight((weight, why): &(Weight, Prose)) -> Part {
    let points = match weight {
        Weight::Management => 50,
        Weight::Production => 45,
        Weight::Security => 40,
        Weight::Development => -45,
        Weight::Sandbox => -65,
    };
    (RankFactor::Account, points, why.clone())
}

fn prose(en: &str, ja: &str) -> Prose {
    Prose { en: en.to_owned(), ja: ja.to_owned() }
}

#[cfg(test)]
mod tests;
