//! Verdicts and reasons of `yagura trail verify` in words.
//! The words for programs (`hash_mismatch`, `not_listed`) are in `yagura-analyze`.

use yagura_collect::trail::Reason;
use yagura_model::Lang;

/// A verdict in English.
pub(super) fn verdict_en(word: &str) -> &str {
    match word {
        "hash_mismatch" => "changed",
        "chain_broken" => "unproven (the chain is broken)",
        other => other,
    }
}

/// A verdict in Japanese.
pub(super) fn verdict_ja(word: &str) -> &str {
    match word {
        "verified" => "検証済み",
        "pending" => "未確定",
        "unlisted" => "記載なし",
        "hash_mismatch" => "改変あり",
        "missing" => "欠落",
        "chain_broken" => "証明なし（連鎖の断絶）",
        other => other,
    }
}

/// Why a verdict is what it is.
pub(super) fn reason_words(reason: Reason, lang: Lang) -> &'static str {
    let (en, ja) = match reason {
        Reason::Signature => ("its signature holds", "署名が正しい"),
        Reason::NextDigestSignature => (
            "the next digest keeps its signature, and it holds",
            "次のダイジェストに残る署名が正しい",
        ),
        Reason::NextDigestHash => (
            "a proven next digest keeps its hash",
            "検証済みの次のダイジェストのハッシュと一致する",
        ),
        Reason::ListedHash => (
            "a proven digest lists it with this hash",
            "検証済みのダイジェストのハッシュと一致する",
        ),
        Reason::SignatureNotAtHand => (
            "its signature is not at hand: a copy without S3's metadata, and no next digest yet",
            "署名が手元にない（S3 のメタデータのない写しで、次のダイジェストもまだない）",
        ),
        Reason::KeyNotAtHand => ("the public key is not at hand", "公開鍵が手元にない"),
        Reason::KeyUnknown => {
            ("AWS knows no public key with its fingerprint", "AWS に該当する公開鍵がない")
        }
        Reason::SignatureWrong => {
            ("its signature does not fit its content", "署名が内容と一致しない")
        }
        Reason::SignatureReplaced => (
            "its content is proven, but the signature in its metadata was replaced",
            "内容は検証済みだが、メタデータの署名が差し替えられている",
        ),
        Reason::HashWrong => {
            ("its content is not what the digest lists", "内容がダイジェストの記載と異なる")
        }
        Reason::Moved => {
            ("it is not where its own text says", "ファイル自身が示す場所とは別の場所にある")
        }
        Reason::Malformed => ("it cannot be read as a digest", "ダイジェストとして読み取れない"),
        Reason::NotGzip => ("it is not gzip, or breaks off", "gzip でないか、途中で切れている"),
        Reason::TrailingBytes => {
            ("bytes follow the end of what is signed", "署名された部分の後ろに余分なデータがある")
        }
        Reason::TooLarge => {
            ("it is larger than anything CloudTrail writes", "CloudTrail が書く大きさを超えている")
        }
        Reason::NotThere => ("it is listed and not there", "記載があるのに存在しない"),
        Reason::NotListed => (
            "no digest lists it: somebody else added it, or validation was off",
            "どのダイジェストにも記載がない（第三者の追加、または検証が無効だった期間）",
        ),
        Reason::DigestNotProven => {
            ("the digest that lists it is not proven", "記載したダイジェストを検証できない")
        }
        Reason::DigestPending => (
            "the digest that lists it still waits for its proof",
            "記載したダイジェストの検証がまだ確定していない",
        ),
        Reason::NotCovered => {
            ("no digest covers its time: validation was off", "当時は検証が無効だった")
        }
        Reason::DigestNotYet => {
            ("the digest of its time has not come yet", "その時間のダイジェストがまだ届いていない")
        }
        Reason::DigestOverdue => (
            "the digest of its time should have come long ago",
            "届いているはずのダイジェストが届いていない",
        ),
        Reason::KindNotListed => (
            "digests of this trail do not list files of this kind",
            "この証跡のダイジェストは、この種類のファイルを記載しない",
        ),
        Reason::NotLinked => {
            ("no other digest links to it", "ほかのどのダイジェストからも参照されていない")
        }
        Reason::ChainRestarted => (
            "validation was off in between; a new chain begins",
            "検証が無効だった期間があり、新しい連鎖が始まる",
        ),
        Reason::TimeGap => (
            "the digest before does not end where this one begins",
            "前のダイジェストとの間に空白の時間がある",
        ),
        Reason::Elsewhere => (
            "the chain goes on in another bucket, which was not looked at",
            "連鎖の続きは別のバケットにあり、確認していない",
        ),
        Reason::Unread => ("it could not be read", "読み取れなかった"),
    };
    match lang {
        Lang::En => en,
        Lang::Ja => ja,
    }
}
