//! `yagura intelligence`: threat and trusted lists, and AWS's address ranges: fetch them, show
//! what is there, look something up.
//! Lists are described in the site's `intelligence.yaml`.

mod list;
mod look;
pub(crate) mod refresh;

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::exit::Exit;
use crate::rows::WordList;

/// What being on a list of a kind means.
const LIST_KINDS: WordList = &[("threat", "脅威リスト"), ("trusted", "信頼リスト")];

/// What the entries of a threat list are suspected of.
const THREAT_CATEGORIES: WordList = &[
    ("c2", "C&C サーバー"),
    ("mining", "マイニング"),
    ("tor", "Tor ネットワーク"),
    ("scanner", "スキャンの発信元"),
    ("malware", "マルウェアの配布元"),
    ("phishing", "フィッシング"),
    ("dga", "マルウェアが生成する名前"),
    ("drop_point", "窃取データの集積先"),
    ("blackhole", "シンクホール"),
    ("drive_by", "閲覧者を感染させるページ"),
    ("reputation", "悪意があるもの"),
    ("suspicious", "評判の低いもの"),
    ("abused", "悪用されやすいサービス"),
    ("proxy", "匿名化プロキシ"),
    ("public_resolver", "公開リゾルバー"),
    ("custom", "独自"),
];

#[derive(Args)]
pub(crate) struct IntelligenceArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Refresh(refresh::RefreshArgs),
    List(list::ListArgs),
    Look(look::LookArgs),
}

pub(crate) async fn run(context: &Context, args: &IntelligenceArgs) -> anyhow::Result<Exit> {
    match &args.what {
        What::Refresh(args) => refresh::run(context, args).await,
        What::List(args) => list::run(context, args),
        What::Look(args) => look::run(context, args),
    }
}

#[cfg(test)]
mod tests {
    use yagura_model::indicator::{ListKind, ThreatCategory};

    use super::*;

    #[test]
    fn every_kind_and_category_has_a_word() {
        let codes = |list: WordList| list.iter().map(|(code, _)| *code).collect::<Vec<_>>();
        assert_eq!(codes(LIST_KINDS), ListKind::ALL.map(ListKind::as_str));
        assert_eq!(codes(THREAT_CATEGORIES), ThreatCategory::ALL.map(ThreatCategory::as_str));
    }
}
