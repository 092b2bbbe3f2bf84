//! Folding what stages saw into findings, right after they saw it, and saying what that changed.
//! How folding works is `yagura-respond`'s; the list itself is `commands/findings/`.

use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use yagura_content::Content;
use yagura_model::Lang;
use yagura_respond::findings::{Fold, Folded};
use yagura_store::{ScanId, Store};

use crate::context::Context;

/// Folds the verdicts of a scan.
///
/// # Errors
/// Where the store cannot be read or written.
pub(crate) async fn fold_scan(
    content: &Content,
    store: &Store,
    scan: ScanId,
    now: Timestamp,
) -> anyhow::Result<Folded> {
    let fold = Fold::new(Arc::new(content.clone()));
    let folded = fold.fold_scan(store, scan, now).await;
    folded.context("the scan is kept, but its findings could not be brought up to date")
}

/// Folds the alerts that changed since the last time.
///
/// # Errors
/// Where the store cannot be read or written.
pub(crate) async fn fold_alerts(
    content: &Content,
    store: &Store,
    now: Timestamp,
) -> anyhow::Result<Folded> {
    let fold = Fold::new(Arc::new(content.clone()));
    let folded = fold.fold_alerts(store, now).await;
    folded.context("the alerts are kept, but their findings could not be brought up to date")
}

/// Says in one line what folding changed, and which rules could not be applied.
pub(crate) fn say(context: &Context, folded: &Folded) {
    if !folded.is_empty() {
        context.remark(&summary(folded, context.lang));
    }
    for (rule, why) in &folded.problems {
        let why = context.told(why);
        context.remark_in(
            &format!("warning: rule `{rule}` could not be applied to some findings: {why}"),
            &format!("警告: ルール `{rule}` を適用できない検出結果があります: {why}"),
        );
    }
}

/// `findings: 3 new, 12 still open, 2 resolved`; what there is none of is left out, but not what
/// is new and what is resolved.
pub(crate) fn summary(folded: &Folded, lang: Lang) -> String {
    let grouped = yagura_report::grouped;
    let counts = [
        (folded.opened, true, "new", "新規"),
        (folded.reopened, false, "seen again", "再発"),
        (folded.raised, false, "worse", "悪化"),
        (folded.still_open, true, "still open", "継続"),
        (folded.suppressed, false, "suppressed", "抑制中"),
        (folded.resolved, true, "resolved", "解決"),
    ];
    let told = counts.into_iter().filter(|(count, always, ..)| *always || *count > 0);
    match lang {
        Lang::En => {
            let parts: Vec<String> =
                told.map(|(count, _, en, _)| format!("{} {en}", grouped(count))).collect();
            format!("findings: {}", parts.join(", "))
        }
        Lang::Ja => {
            let parts: Vec<String> =
                told.map(|(count, _, _, ja)| format!("{ja} {} 件", grouped(count))).collect();
            format!("検出結果: {}", parts.join("、"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_folding_changed_is_one_line_in_both_languages() {
        let folded = Folded { opened: 3, still_open: 1_200, resolved: 2, ..Folded::default() };
        assert_eq!(summary(&folded, Lang::En), "findings: 3 new, 1,200 still open, 2 resolved");
        assert_eq!(summary(&folded, Lang::Ja), "検出結果: 新規 3 件、継続 1,200 件、解決 2 件");
        let folded = Folded { reopened: 1, suppressed: 4, raised: 2, ..folded };
        assert_eq!(
            summary(&folded, Lang::En),
            "findings: 3 new, 1 seen again, 2 worse, 1,200 still open, 4 suppressed, 2 resolved"
        );
    }
}
