//! What an ingestion came to, in words and as JSON: counts, balance, what is in quarantine.
//! The counts are the pipeline's and the ledger's.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use yagura_collect::sources::{Outcome, Quarantined, Unread};
use yagura_model::Lang;
use yagura_report::grouped;
use yagura_store::ledger::Balance;

use crate::commands::alerts::tally;
use crate::context::Context;
use crate::detection::keep::Raised;
use crate::exit::Exit;
use crate::options::RowFormat;
use crate::output::{self, printable};

/// Objects that are named one by one; the rest is counted.
const NAMED_MAX: usize = 10;

/// Everything that the rounds of one command came to.
#[derive(Default)]
pub(super) struct Total {
    outcome: Outcome,
    /// The ledger's balance before.
    before: Balance,
}

impl Total {
    /// Nothing yet, beyond what the ledger has already.
    pub(super) fn since(before: Balance) -> Self {
        Self { before, ..Self::default() }
    }

    /// Records that are in the lake because of this command.
    fn rows(&self) -> u64 {
        self.outcome.balance.rows.saturating_sub(self.before.rows)
    }

    /// Records of this command that the lake had already.
    fn repeats(&self) -> u64 {
        self.outcome.balance.repeats.saturating_sub(self.before.repeats)
    }

    /// Adds a round. Counts add up; the balance is the newest.
    pub(super) fn add(&mut self, round: Outcome) {
        let all = &mut self.outcome;
        let (sum, more) = (&mut all.counts, &round.counts);
        sum.objects_listed += more.objects_listed;
        sum.objects_to_read += more.objects_to_read;
        sum.objects_done += more.objects_done;
        sum.bytes_read += more.bytes_read;
        sum.bad += more.bad;
        sum.bytes_inflated += more.bytes_inflated;
        sum.commits += more.commits;
        all.ingested += round.ingested;
        all.quarantined += round.quarantined;
        all.duplicate += round.duplicate;
        all.taken += round.taken;
        all.quarantines.extend(round.quarantines);
        // What could not be read in the last round counts; it may have been read since.
        all.unread = round.unread;
        all.unread_count = round.unread_count;
        all.unlisted = round.unlisted;
        all.interrupted = round.interrupted;
        all.balance = round.balance;
    }

    /// 3 where something could not be read. Who follows ends by an interrupt: that is no failure.
    pub(super) fn exit(&self, follow: bool) -> Exit {
        let all = &self.outcome;
        let blind = all.unread_count > 0
            || !all.unlisted.is_empty()
            || all.quarantined > 0
            || all.counts.bad > 0;
        Exit::of_scan(all.interrupted && !follow, false, blind)
    }

    /// Writes it to stdout, with what judging raised where logs were judged.
    pub(super) fn write(
        &self,
        context: &Context,
        format: RowFormat,
        raised: Option<&Raised>,
    ) -> anyhow::Result<()> {
        match format {
            RowFormat::Json => {
                let mut json = self.json();
                if let (Some(fields), Some(raised)) = (json.as_object_mut(), raised) {
                    fields.insert("alerts".to_owned(), alerts_json(raised));
                }
                output::line(&json.to_string())
            }
            RowFormat::Table | RowFormat::Plain => {
                let mut text = match context.lang {
                    Lang::En => self.english(),
                    Lang::Ja => self.japanese(),
                };
                if let Some(raised) = raised {
                    text.push_str(&alerts_line(raised, context.lang));
                }
                output::line(&printable(text.trim_end()))
            }
        }
    }

    fn json(&self) -> Value {
        let Outcome { counts, balance, .. } = &self.outcome;
        let named = |list: &[Unread]| -> Vec<Value> {
            let one = |one: &Unread| {
                let Unread { location, reason, detail } = one;
                json!({"location": location, "reason": reason, "detail": detail})
            };
            list.iter().map(one).collect()
        };
        let quarantines = self.outcome.quarantines.iter().map(|one| {
            json!({
                "location": one.location, "reason": one.reason, "detail": one.detail,
                "pieces": one.pieces,
            })
        });
        json!({
            "objects_listed": counts.objects_listed,
            "objects_ingested": self.outcome.ingested,
            "objects_quarantined": self.outcome.quarantined,
            "objects_duplicate": self.outcome.duplicate,
            "objects_taken": self.outcome.taken,
            "objects_unread": self.outcome.unread_count,
            "records": self.rows(),
            "repeats": self.repeats(),
            "bad": counts.bad,
            "bytes_read": counts.bytes_read,
            "bytes_inflated": counts.bytes_inflated,
            "commits": counts.commits,
            "interrupted": self.outcome.interrupted,
            "balance": {
                "listed": balance.listed,
                "ingested": balance.ingested,
                "quarantined": balance.quarantined,
                "duplicate": balance.duplicate,
                "pending": balance.pending,
                "closes": balance.closes(),
            },
            "quarantine": quarantines.collect::<Vec<_>>(),
            "unread": named(&self.outcome.unread),
            "unlisted": named(&self.outcome.unlisted),
        })
    }

    fn english(&self) -> String {
        let balance = &self.outcome.balance;
        let (rows, repeats) = (grouped(self.rows()), grouped(self.repeats()));
        let mut text = format!(
            "{rows} records from {} objects are in the lake",
            grouped(self.outcome.ingested)
        );
        if self.repeats() > 0 {
            text.push_str(&format!("; {repeats} more were there already"));
        }
        if self.outcome.duplicate > 0 {
            let n = grouped(self.outcome.duplicate);
            text.push_str(&format!("; {n} objects repeat another's content"));
        }
        if self.outcome.taken > 0 {
            let n = grouped(self.outcome.taken);
            text.push_str(&format!("; {n} objects were ingested by another process meanwhile"));
        }
        text.push('\n');
        text.push_str(&format!(
            "balance: {} listed = {} ingested + {} quarantined + {} duplicate + {} pending{}\n",
            grouped(balance.listed.unsigned_abs()),
            grouped(balance.ingested),
            grouped(balance.quarantined),
            grouped(balance.duplicate),
            grouped(balance.pending),
            if balance.closes() { "" } else { ": this does not add up, please report it" },
        ));
        self.details(&mut text, Lang::En);
        text
    }

    fn japanese(&self) -> String {
        let balance = &self.outcome.balance;
        let (rows, repeats) = (grouped(self.rows()), grouped(self.repeats()));
        let n = grouped(self.outcome.ingested);
        let mut text = format!("{n} 個のオブジェクトから {rows} 件のレコードを取り込みました");
        if self.repeats() > 0 {
            text.push_str(&format!("（ほか {repeats} 件は取り込み済み）"));
        }
        text.push('\n');
        if self.outcome.duplicate > 0 {
            let n = grouped(self.outcome.duplicate);
            text.push_str(&format!("内容が他と同じオブジェクト: {n} 個\n"));
        }
        if self.outcome.taken > 0 {
            let n = grouped(self.outcome.taken);
            text.push_str(&format!("その間に別のプロセスが取り込んだオブジェクト: {n} 個\n"));
        }
        text.push_str(&format!(
            "収支: 一覧 {} = 取り込み {} + 隔離 {} + 重複 {} + 未処理 {}{}\n",
            grouped(balance.listed.unsigned_abs()),
            grouped(balance.ingested),
            grouped(balance.quarantined),
            grouped(balance.duplicate),
            grouped(balance.pending),
            if balance.closes() {
                ""
            } else {
                "（数が合いません。不具合としてお知らせください）"
            },
        ));
        self.details(&mut text, Lang::Ja);
        text
    }

    fn details(&self, text: &mut String, lang: Lang) {
        let Outcome { quarantines, unread, unlisted, unread_count, .. } = &self.outcome;
        if !quarantines.is_empty() {
            text.push_str(match lang {
                Lang::En => "\nin quarantine (`yagura lake quarantine` shows the pieces):\n",
                Lang::Ja => "\n隔離したもの（`yagura lake quarantine` で中身を確認できます）:\n",
            });
            let mut reasons: BTreeMap<&str, (u64, Vec<&Quarantined>)> = BTreeMap::new();
            for one in quarantines {
                let (count, named) = reasons.entry(&one.reason).or_default();
                *count += 1;
                named.push(one);
            }
            for (reason, (count, named)) in reasons {
                let words = reason_words(reason, lang);
                text.push_str(&format!("  {} × {reason}: {words}\n", grouped(count)));
                for one in named.iter().take(NAMED_MAX) {
                    text.push_str(&format!("    {}: {}\n", one.location, one.detail));
                }
                more(text, named.len(), lang);
            }
        }
        let unread_all = usize::try_from(*unread_count).unwrap_or(usize::MAX);
        for (list, count, en, ja) in [
            (unread, unread_all, "not read, still pending", "読み取れず未処理のもの"),
            (unlisted, unlisted.len(), "could not be listed", "一覧を取得できなかったもの"),
        ] {
            if list.is_empty() {
                continue;
            }
            let heading = match lang {
                Lang::En => en,
                Lang::Ja => ja,
            };
            text.push_str(&format!("\n{heading}:\n"));
            for one in list.iter().take(NAMED_MAX) {
                text.push_str(&format!("  {}: {}\n", one.location, one.detail));
            }
            more(text, count, lang);
        }
    }
}

/// Says how many were left out of a list.
fn more(text: &mut String, all: usize, lang: Lang) {
    let left = all.saturating_sub(NAMED_MAX);
    if left > 0 {
        text.push_str(&match lang {
            Lang::En => format!("    … and {left} more (--format json names them)\n"),
            Lang::Ja => format!("    … ほか {left} 件（--format json で確認できます）\n"),
        });
    }
}

pub(super) fn say_interrupted(lang: Lang) {
    output::say(match lang {
        Lang::En => "interrupted: committing what was read (once more to stop at once)",
        Lang::Ja => "中断します。読み取った分は確定します（もう一度押すとすぐに終了）",
    });
}

/// What judging raised, on one line.
fn alerts_line(raised: &Raised, lang: Lang) -> String {
    let n: u64 = raised.new.iter().sum();
    if n == 0 {
        return match lang {
            Lang::En => "\nno new alert\n".to_owned(),
            Lang::Ja => "\n新しいアラートはありません\n".to_owned(),
        };
    }
    let (n, tally) = (grouped(n), tally(&raised.new, lang));
    match lang {
        Lang::En => format!("\n{n} new alerts: {tally} (`yagura alerts list` shows them)\n"),
        Lang::Ja => {
            format!("\n新しいアラート {n} 件: {tally}（`yagura alerts list` で確認できます）\n")
        }
    }
}

fn alerts_json(raised: &Raised) -> Value {
    let [informational, low, medium, high, critical] = raised.new;
    json!({
        "new": raised.new.iter().sum::<u64>(),
        "grown": raised.grown,
        "untold": raised.untold,
        "by_level": {
            "critical": critical,
            "high": high,
            "medium": medium,
            "low": low,
            "informational": informational,
        },
    })
}

/// What a reason of quarantine means.
pub(in crate::commands) fn reason_words(reason: &str, lang: Lang) -> &'static str {
    let (en, ja) = match reason {
        "gone" => ("it was gone when it was to be read", "読み取る前になくなっていた"),
        "not_recognized" => ("no log source fits its key and content", "該当するログソースがない"),
        "unreadable" => ("its content cannot be decoded", "内容を復号・展開できない"),
        "all_bad" => ("none of its records is sound", "正しいレコードが 1 件もない"),
        "changed" => ("it changed while it was read", "読み取り中に変更された"),
        "empty" => ("there is nothing in it", "中身がない"),
        _ => (
            "part of it could not be read; the rest is in the lake",
            "一部を読み取れなかった（残りは取り込み済み）",
        ),
    };
    match lang {
        Lang::En => en,
        Lang::Ja => ja,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_read_makes_it_partly_blind() {
        let total = |change: fn(&mut Outcome)| {
            let mut outcome = Outcome::default();
            change(&mut outcome);
            Total { outcome, ..Total::default() }
        };
        assert_eq!(total(|_| {}).exit(false), Exit::Done);
        assert_eq!(total(|all| all.unread_count = 1).exit(false), Exit::PartlyBlind);
        assert_eq!(total(|all| all.counts.bad = 1).exit(false), Exit::PartlyBlind);
        assert_eq!(total(|all| all.interrupted = true).exit(false), Exit::Interrupted);
        assert_eq!(total(|all| all.interrupted = true).exit(true), Exit::Done);
    }
}
