//! Tables of the file that are more than flags: which keys they have, what each means, and a check
//! with places. What is done with them is the business of the command they belong to.

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use yagura_model::{Lang, Prose};

use super::place::Problem;
use crate::console::OidcTable;
use crate::daemon::settings::{ScheduleTable, WatcherTable};

/// A table of a command with keys that are lists of tables.
#[derive(Debug)]
pub(crate) struct Section {
    command: &'static str,
    lists: &'static [List],
}

/// One list of tables: `[[serve.schedules]]`.
#[derive(Debug)]
struct List {
    name: &'static str,
    check: fn(&Spanned<DeValue<'_>>) -> Option<toml::de::Error>,
    keys: &'static [(&'static str, &'static str, &'static str)],
}

/// All of them.
static SECTIONS: &[Section] = &[Section {
    command: "serve",
    lists: &[
        List {
            name: "schedules",
            check: checked::<ScheduleTable>,
            keys: &[
                (
                    "job",
                    "What is done: one of the jobs that `yagura serve --help` lists",
                    "実行するジョブ（`yagura serve --help` に一覧があります）",
                ),
                (
                    "name",
                    "The schedule's name; two schedules of one job need two [default: the job]",
                    "スケジュールの名前。同じジョブを 2 つ書くときは別の名前が必要です［既定: ジョブ名］",
                ),
                (
                    "cron",
                    "When: minute, hour, day of the month, month, day of the week",
                    "実行時刻（分、時、日、月、曜日の順）",
                ),
                (
                    "timezone",
                    "Time zone of the pattern (`Asia/Tokyo`) [default: the machine's]",
                    "cron のタイムゾーン（`Asia/Tokyo` など）［既定: マシンのタイムゾーン］",
                ),
                (
                    "enabled",
                    "`false` switches the job's default schedule off",
                    "`false` にすると、そのジョブの既定のスケジュールを止めます",
                ),
            ],
        },
        List {
            name: "watchers",
            check: checked::<WatcherTable>,
            keys: &[
                (
                    "place",
                    "Where logs arrive, as `yagura ingest` takes it",
                    "ログが届く場所（`yagura ingest` と同じ書き方）",
                ),
                (
                    "source",
                    "The log source; `auto` recognizes each object [default: auto]",
                    "ログソース。`auto` はオブジェクトごとに判別します［既定: auto］",
                ),
                (
                    "group",
                    "Watchers of one group are read by one process [default: logs]",
                    "同じグループの監視は 1 つのプロセスが読み取ります［既定: logs］",
                ),
                ("every", "Seconds between two looks, 1 to 3600", "確認の間隔（秒、1〜3600）"),
                (
                    "from",
                    "Where to begin the first time, where a place can tell (`2026-11-01`, `-7d`)",
                    "初回にさかのぼる時点（`2026-11-01`、`-7d` など。指定できる場所のみ）",
                ),
                (
                    "regions",
                    "Regions of a log group or of `lookup-events`",
                    "ロググループや `lookup-events` のリージョン",
                ),
            ],
        },
        List {
            name: "oidc",
            check: checked::<OidcTable>,
            keys: &[
                (
                    "issuer",
                    "The issuer of a provider of identities (Amazon Cognito, Okta, Entra ID, \
                     Keycloak), as its discovery document writes it",
                    "ID プロバイダー（Amazon Cognito、Okta、Entra ID、Keycloak など）の issuer\
                     （discovery ドキュメントの表記どおり）",
                ),
                (
                    "client-id",
                    "Under which name the provider knows Yagura",
                    "プロバイダーに登録したクライアント ID",
                ),
                (
                    "client-secret",
                    "Reference to the client's secret (`env:NAME`); none for a public client",
                    "クライアントシークレットの参照（`env:NAME` など）。パブリッククライアントでは不要",
                ),
                (
                    "scopes",
                    "Scopes asked for beside `openid` [default: email, profile]",
                    "`openid` に加えて要求するスコープ［既定: email、profile］",
                ),
                (
                    "name-claim",
                    "The claim that names a person [default: email]",
                    "人の名前として表示するクレーム［既定: email］",
                ),
                (
                    "role-claim",
                    "The claim whose values give the role (`groups`, `cognito:groups`, \
                     `realm_access/roles`)",
                    "ロールを決めるクレーム（`groups`、`cognito:groups`、`realm_access/roles` など）",
                ),
                (
                    "roles",
                    "Which role each value gives: `{ security = \"admin\" }`",
                    "クレームの値とロールの対応（`{ security = \"admin\" }`）",
                ),
                (
                    "role-default",
                    "The role of whom no value gives one; without it they may not come in",
                    "どの値にも当てはまらない人のロール。省略するとサインインできません",
                ),
                (
                    "account-claim",
                    "The claim whose values give the accounts [default: all accounts]",
                    "参照できるアカウントを決めるクレーム［既定: すべてのアカウント］",
                ),
                (
                    "accounts",
                    "Which accounts each value gives, `*` for all: `{ shop = [\"111122223333\"] }`",
                    "クレームの値とアカウントの対応。`*` はすべて（`{ shop = [\"111122223333\"] }`）",
                ),
                (
                    "label",
                    "What stands on the button [default: the issuer's host]",
                    "ボタンの表示名［既定: issuer のホスト名］",
                ),
                (
                    "domains",
                    "Domains of verified e-mail addresses that may come in [default: all]",
                    "サインインを許可するメールアドレス（検証済み）のドメイン［既定: すべて］",
                ),
            ],
        },
    ],
}];

impl Section {
    /// The table of a command, where it is more than flags.
    pub(super) fn of(command: &str) -> Option<&'static Self> {
        SECTIONS.iter().find(|section| section.command == command)
    }

    /// Whether a key of the table is one of its lists.
    pub(super) fn has(&self, key: &str) -> bool {
        self.lists.iter().any(|list| list.name == key)
    }

    /// The names of its lists.
    pub(super) fn names(&self) -> Vec<String> {
        self.lists.iter().map(|list| list.name.to_owned()).collect()
    }

    /// What is wrong with its lists.
    pub(super) fn check(&self, table: &DeTable<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (key, value) in table {
            let Some(list) = self.lists.iter().find(|list| list.name == key.get_ref().as_ref())
            else {
                continue;
            };
            problems.extend(list.problems(self.command, value));
        }
        problems
    }
}

impl List {
    fn problems(&self, command: &str, value: &Spanned<DeValue<'_>>) -> Vec<Problem> {
        let name = format!("[[{command}.{}]]", self.name);
        let DeValue::Array(entries) = value.get_ref() else {
            return vec![Problem::new(value.span(), format!("`{name}` is a list of tables"))];
        };
        let known: Vec<String> = self.keys.iter().map(|(key, ..)| (*key).to_owned()).collect();
        let mut problems = Vec::new();
        for entry in entries {
            let mut unknown = false;
            for (key, _) in entry.get_ref().as_table().into_iter().flatten() {
                let key_text: &str = key.get_ref().as_ref();
                if !known.iter().any(|one| one == key_text) {
                    let near = super::check::did_you_mean(key_text, &known);
                    let message = format!("unknown key `{key_text}` in `{name}`{near}");
                    problems.push(Problem::new(key.span(), message));
                    unknown = true;
                }
            }
            if let (false, Some(error)) = (unknown, (self.check)(entry)) {
                let span = error.span().unwrap_or_else(|| entry.span());
                problems.push(Problem::new(span, format!("in `{name}`: {}", error.message())));
            }
        }
        problems
    }
}

fn checked<T: for<'de> Deserialize<'de>>(value: &Spanned<DeValue<'_>>) -> Option<toml::de::Error> {
    T::deserialize(toml::de::ValueDeserializer::from(value.clone())).err()
}

/// A key for the reference page.
pub(crate) struct Documented {
    /// `serve.schedules[].cron`.
    pub(crate) path: String,
    /// What it means.
    pub(crate) means: Prose,
}

/// Every key of every list.
pub(crate) fn documented() -> Vec<Documented> {
    let lists = SECTIONS
        .iter()
        .flat_map(|section| section.lists.iter().map(move |list| (section.command, list)));
    let keys = lists.flat_map(|(command, list)| {
        list.keys.iter().map(move |(key, en, ja)| Documented {
            path: format!("{command}.{}[].{key}", list.name),
            means: Prose { en: (*en).to_owned(), ja: (*ja).to_owned() },
        })
    });
    keys.collect()
}

impl Documented {
    /// What it means, in one language.
    pub(crate) fn means(&self, lang: Lang) -> &str {
        self.means.get(lang)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::described;
    use crate::configuration::check;
    use crate::configuration::place::line_and_column;

    fn check_refused(text: &str, line: usize, column: usize, needle: &str) {
        let problems = check(text, &described(Lang::En).unwrap()).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(line_and_column(text, problems[0].span.start), (line, column), "{problems:?}");
        assert!(problems[0].message.contains(needle), "{problems:?}");
    }

    #[test]
    fn tables_that_are_no_flags_are_checked_with_their_place() {
        let sound = "[serve]\n[[serve.schedules]]\njob = 'scan'\ncron = '0 3 * * *'\n\
                     [[serve.watchers]]\nplace = '/var/log'\nevery = 5\n";
        assert!(check(sound, &described(Lang::En).unwrap()).is_ok());
        let head = "[[serve.schedules]]\njob = 'scan'\n";
        check_refused(&format!("{head}corn = '*'\n"), 3, 1, "did you mean `cron`?");
        check_refused(&format!("{head}enabled = 'no'\n"), 3, 11, "boolean");
        check_refused("[[serve.watchers]]\nevery = 5\n", 1, 1, "missing field `place`");
        check_refused("[serve]\nschedules = 1\n", 2, 13, "is a list of tables");
        check_refused("[serve]\nwatcher = 1\n", 2, 1, "did you mean `watchers`?");
    }

    /// What a reader of the reference sees is what the program takes: serde's own list of fields.
    #[test]
    fn every_key_is_documented_and_no_other() {
        for list in SECTIONS.iter().flat_map(|section| section.lists) {
            let value = DeValue::parse("{ none-such = 1 }").unwrap();
            let error = (list.check)(&value).unwrap();
            let fields: Vec<&str> = error.message().split('`').skip(3).step_by(2).collect();
            let keys: Vec<&str> = list.keys.iter().map(|(key, ..)| *key).collect();
            assert_eq!(fields, keys, "{}", error.message());
        }
    }
}
