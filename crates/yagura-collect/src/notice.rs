//! What a scan says once instead of a thousand times: a service that is off, an account that
//! cannot be entered, an answer that makes no sense.
//! The unread parts themselves are written into each resource and listing, not here.

use serde::{Deserialize, Serialize};
use yagura_model::{Lang, Unread, UnreadReason};

/// Something a person should know about how the scan went.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Notice {
    /// Twelve digits; empty where it concerns the whole organization.
    pub account: String,
    /// A region's name, `global`, or empty where it concerns the whole account.
    pub region: String,
    /// What happened.
    pub kind: NoticeKind,
    /// The call and the reason.
    pub unread: Unread,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A service does not answer in this account and region: not offered there, switched off, or
    /// forbidden by an organization policy. Said once, whatever number of calls it concerns.
    Service {
        /// The service, as in the call (`macie2`).
        service: String,
    },
    /// Nothing in this account could be read (its role cannot be assumed).
    Account,
    /// The organization could not be read; only the caller's own account is scanned.
    OrganizationUnreadable,
    /// The tree of organizational units could not be read; accounts have no OU path.
    TreeUnreadable,
    /// The list of enabled regions could not be read; the ones named here are tried.
    RegionsUnreadable {
        /// The regions tried instead.
        tried: Vec<String>,
    },
    /// An account is not scanned because it is suspended or closed.
    AccountInactive {
        /// What AWS calls its state.
        state: String,
    },
    /// A region that was asked for is not enabled in this account.
    RegionNotEnabled,
    /// An answer did not fit the resource file: an item without id, a value of another type.
    Answer {
        /// The resource type.
        type_name: String,
    },
}

impl Notice {
    /// One line for a person, in their language.
    pub fn text(&self, lang: Lang) -> String {
        let line = match lang {
            Lang::En => self.english(),
            Lang::Ja => self.japanese(),
        };
        if self.unread.detail.is_empty() {
            line
        } else {
            format!("{line} ({})", self.unread.detail)
        }
    }

    fn english(&self) -> String {
        let Self { account, region, .. } = self;
        let why = match self.unread.reason {
            UnreadReason::Denied => "denied",
            UnreadReason::DeniedByOrganization => "denied by an organization policy",
            UnreadReason::Throttled => "throttled",
            UnreadReason::Unsupported => "not offered there",
            UnreadReason::TimedOut => "no answer in time",
            UnreadReason::Failed => "failed",
            UnreadReason::NotRequested => "not requested",
            UnreadReason::Interrupted => "interrupted",
        };
        match &self.kind {
            NoticeKind::Service { service } => {
                format!("`{service}` in account {account}, {region}: {why}")
            }
            NoticeKind::Account => format!("account {account} cannot be read: {why}"),
            NoticeKind::OrganizationUnreadable => {
                format!("only account {account} is scanned: the organization cannot be read: {why}")
            }
            NoticeKind::TreeUnreadable => {
                format!("organizational units cannot be read, accounts show none: {why}")
            }
            NoticeKind::RegionsUnreadable { tried } => format!(
                "enabled regions of account {account} cannot be read ({why}); trying {}",
                tried.join(", ")
            ),
            NoticeKind::AccountInactive { state } => {
                format!("account {account} is skipped: it is {state}")
            }
            NoticeKind::RegionNotEnabled => {
                format!("region {region} is skipped: not enabled in account {account}")
            }
            NoticeKind::Answer { type_name } => {
                format!("an answer about {type_name} in account {account}, {region} is not usable")
            }
        }
    }

    fn japanese(&self) -> String {
        let Self { account, region, .. } = self;
        let why = match self.unread.reason {
            UnreadReason::Denied => "権限がありません",
            UnreadReason::DeniedByOrganization => "組織のポリシーで禁止されています",
            UnreadReason::Throttled => "呼び出し回数の制限にかかりました",
            UnreadReason::Unsupported => "提供されていません",
            UnreadReason::TimedOut => "時間内に応答がありません",
            UnreadReason::Failed => "失敗しました",
            UnreadReason::NotRequested => "今回は読み取り対象外です",
            UnreadReason::Interrupted => "中断されました",
        };
        match &self.kind {
            NoticeKind::Service { service } => {
                format!("アカウント {account} の {region} では `{service}` を読めません: {why}")
            }
            NoticeKind::Account => format!("アカウント {account} を読めません: {why}"),
            NoticeKind::OrganizationUnreadable => format!(
                "組織の情報を読めないため、アカウント {account} だけをスキャンします: {why}"
            ),
            NoticeKind::TreeUnreadable => {
                format!("組織単位を読めないため、アカウントの所属 OU は表示されません: {why}")
            }
            NoticeKind::RegionsUnreadable { tried } => format!(
                "アカウント {account} の有効なリージョンを読めません ({why})。次を試します: {}",
                tried.join("、")
            ),
            NoticeKind::AccountInactive { state } => {
                format!("アカウント {account} は状態が {state} のためスキャンしません")
            }
            NoticeKind::RegionNotEnabled => {
                format!("リージョン {region} はアカウント {account} で無効のためスキャンしません")
            }
            NoticeKind::Answer { type_name } => format!(
                "アカウント {account} の {region} で、{type_name} の応答を解釈できませんでした"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_name_the_thing_and_the_reason() {
        let notice = Notice {
            account: "111122223333".into(),
            region: "eu-north-1".into(),
            kind: NoticeKind::Service { service: "macie2".into() },
            unread: Unread {
                path: yagura_model::Path::default(),
                partial: false,
                reason: UnreadReason::DeniedByOrganization,
                call: "macie2:GetMacieSession".into(),
                action: String::new(),
                detail: "AccessDenied".into(),
            },
        };
        for (lang, reason) in [(Lang::En, "organization policy"), (Lang::Ja, "組織のポリシー")]
        {
            let text = notice.text(lang);
            for part in ["macie2", "111122223333", "eu-north-1", "AccessDenied", reason] {
                assert!(text.contains(part), "{text}");
            }
        }
    }
}
