//! The names of all metrics, with what each means: what `/metrics` writes and
//! `yagura reference metrics` prints.
//! Counting is in `mod.rs`.

use crate::spending;

/// What a metric is to who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only grows, as long as the process lives.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts in buckets, with sum and number.
    Histogram,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) labels: &'static [&'static str],
    pub(crate) en: &'static str,
    pub(crate) ja: &'static str,
}

pub(crate) const BUILD: &str = "yagura_build_info";
pub(crate) const READY: &str = "yagura_ready";
pub(crate) const SCANS: &str = "yagura_scans_total";
pub(crate) const SCANNED_RESOURCES: &str = "yagura_scanned_resources_total";
pub(crate) const AWS_CALLS: &str = "yagura_aws_calls_total";
pub(crate) const AWS_THROTTLES: &str = "yagura_aws_throttles_total";
pub(crate) const VERDICTS: &str = "yagura_verdicts";
pub(crate) const FINDINGS: &str = "yagura_findings";
pub(crate) const ALERTS: &str = "yagura_alerts_total";
pub(crate) const ALERTS_UNTOLD: &str = "yagura_alerts_untold_total";
pub(crate) const INGESTED_OBJECTS: &str = "yagura_ingested_objects_total";
pub(crate) const INGESTED_RECORDS: &str = "yagura_ingested_records_total";
pub(crate) const INGESTED_BYTES: &str = "yagura_ingested_bytes_total";
pub(crate) const INGESTED_BAD: &str = "yagura_ingested_bad_pieces_total";
pub(crate) const LAKE_COMMITS: &str = "yagura_lake_commits_total";
pub(crate) const WATCH_BACKLOG: &str = "yagura_watch_backlog_objects";
pub(crate) const WATCH_LAG: &str = "yagura_watch_lag_seconds";
pub(crate) const WATCH_LOOKS: &str = "yagura_watch_listings_total";
pub(crate) const WATCH_FAILURES: &str = "yagura_watch_listing_failures_total";
pub(crate) const WATCH_ERRORS: &str = "yagura_watch_restarts_total";
pub(crate) const OUTBOX_WAITING: &str = "yagura_outbox_waiting";
pub(crate) const OUTBOX_DEAD: &str = "yagura_outbox_dead";
pub(crate) const DELIVERIES: &str = "yagura_deliveries_total";
pub(crate) const JOBS: &str = "yagura_jobs";
pub(crate) const JOB_RUNS: &str = "yagura_job_runs_total";
pub(crate) const JOB_SECONDS: &str = "yagura_job_duration_seconds";
pub(crate) const WORKERS: &str = "yagura_workers";
pub(crate) const SCRAPE_ERRORS: &str = "yagura_scrape_errors_total";
pub(crate) const CPU: &str = "process_cpu_seconds_total";
pub(crate) const MEMORY: &str = "process_resident_memory_bytes";
pub(crate) const OPEN_FILES: &str = "process_open_fds";
pub(crate) const STARTED: &str = "process_start_time_seconds";

const fn metric(
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    en: &'static str,
    ja: &'static str,
) -> Metric {
    Metric { name, kind, labels, en, ja }
}

/// All metrics, in the order of the page.
pub(crate) const METRICS: &[Metric] = &[
    metric(
        BUILD,
        Kind::Gauge,
        &["version"],
        "Always 1; says which version runs",
        "常に 1。実行中のバージョンを示します",
    ),
    metric(
        READY,
        Kind::Gauge,
        &[],
        "1 where the process takes work, 0 while it starts or stops",
        "処理を受け付けていれば 1、起動中・停止中は 0",
    ),
    metric(
        SCANS,
        Kind::Counter,
        &["outcome"],
        "Scans that ended: complete, partly_blind, interrupted, failed",
        "終了したスキャンの数（complete、partly_blind、interrupted、failed）",
    ),
    metric(
        SCANNED_RESOURCES,
        Kind::Counter,
        &[],
        "Resources judged by scans",
        "スキャンで判定したリソースの数",
    ),
    metric(
        AWS_CALLS,
        Kind::Counter,
        &[],
        "Calls to AWS made by scans",
        "スキャンが行った AWS API の呼び出し回数",
    ),
    metric(
        AWS_THROTTLES,
        Kind::Counter,
        &[],
        "Calls of scans that AWS throttled",
        "スキャンの呼び出しのうちスロットリングされた回数",
    ),
    metric(
        VERDICTS,
        Kind::Gauge,
        &["status"],
        "Verdicts of this process's last scan, by status",
        "このプロセスの最後のスキャンの判定数（ステータス別）",
    ),
    metric(
        FINDINGS,
        Kind::Gauge,
        &["severity", "state"],
        "Findings that are kept, by severity and state",
        "保持している検出結果の数（重要度・状態別）",
    ),
    metric(
        ALERTS,
        Kind::Counter,
        &["severity"],
        "New alerts raised from logs",
        "ログから新たに発生したアラートの数",
    ),
    metric(
        ALERTS_UNTOLD,
        Kind::Counter,
        &[],
        "New alerts that were suppressed or in shadow",
        "新たなアラートのうち、抑制またはシャドーのため通知しないものの数",
    ),
    metric(
        INGESTED_OBJECTS,
        Kind::Counter,
        &["group"],
        "Log objects read to their end",
        "最後まで読み取ったログオブジェクトの数",
    ),
    metric(
        INGESTED_RECORDS,
        Kind::Counter,
        &["group"],
        "Good records decoded",
        "正しくデコードできたレコードの数",
    ),
    metric(
        INGESTED_BYTES,
        Kind::Counter,
        &["group"],
        "Bytes of records after decompression",
        "展開後のレコードのバイト数",
    ),
    metric(
        INGESTED_BAD,
        Kind::Counter,
        &["group"],
        "Pieces of logs put into quarantine",
        "隔離したログの断片の数",
    ),
    metric(
        LAKE_COMMITS,
        Kind::Counter,
        &["group"],
        "Commits of the log lake",
        "ログレイクへのコミットの回数",
    ),
    metric(
        WATCH_BACKLOG,
        Kind::Gauge,
        &["group"],
        "Log objects that are listed and not yet read",
        "一覧に現れ、まだ読み取っていないログオブジェクトの数",
    ),
    metric(
        WATCH_LAG,
        Kind::Gauge,
        &["place"],
        "Seconds since a watched place was last listed whole",
        "監視対象を最後に完全に一覧取得してからの秒数",
    ),
    metric(
        WATCH_LOOKS,
        Kind::Counter,
        &["place"],
        "Listings of a watched place that ended",
        "監視対象の一覧取得が終わった回数",
    ),
    metric(
        WATCH_FAILURES,
        Kind::Counter,
        &["place"],
        "Listings of a watched place that missed something",
        "監視対象の一覧取得のうち、取得できない部分があった回数",
    ),
    metric(
        WATCH_ERRORS,
        Kind::Counter,
        &["group"],
        "How often reading a group broke off and began again",
        "グループの読み取りが中断し、再開した回数",
    ),
    metric(
        spending::MONTH,
        Kind::Gauge,
        &["account", "currency"],
        "What an account spent in this month so far",
        "アカウントの当月の利用額",
    ),
    metric(
        spending::DAY,
        Kind::Gauge,
        &["account", "service", "currency"],
        "What an account spent on a service the day before yesterday",
        "アカウントの一昨日の利用額（サービス別）",
    ),
    metric(
        spending::FORECAST,
        Kind::Gauge,
        &["currency"],
        "What AWS expects to be spent in the rest of the month",
        "AWS が予測する当月末までの残りの利用額",
    ),
    metric(
        spending::BUDGET,
        Kind::Gauge,
        &["account", "budget"],
        "What was spent of a budget, as a share of its limit",
        "予算の消化率（上限に対する割合）",
    ),
    metric(
        OUTBOX_WAITING,
        Kind::Gauge,
        &[],
        "Messages that wait to be delivered",
        "配信待ちのメッセージの数",
    ),
    metric(
        OUTBOX_DEAD,
        Kind::Gauge,
        &[],
        "Messages that were given up",
        "配信を断念したメッセージの数",
    ),
    metric(
        DELIVERIES,
        Kind::Counter,
        &["outcome"],
        "Messages handed to channels: delivered, failed, dead",
        "チャネルに渡したメッセージの数（delivered、failed、dead）",
    ),
    metric(
        JOBS,
        Kind::Gauge,
        &["kind", "state"],
        "Jobs that wait or run, over all processes",
        "待機中・実行中のジョブの数（全プロセス）",
    ),
    metric(
        JOB_RUNS,
        Kind::Counter,
        &["kind", "outcome"],
        "Runs of jobs that this process ended",
        "このプロセスで終了したジョブの実行回数",
    ),
    metric(
        JOB_SECONDS,
        Kind::Histogram,
        &["kind"],
        "How long this process's runs of jobs took",
        "このプロセスでのジョブの実行時間",
    ),
    metric(
        WORKERS,
        Kind::Gauge,
        &[],
        "Processes that were heard of in the last minute",
        "過去 1 分間に応答のあったプロセスの数",
    ),
    metric(
        SCRAPE_ERRORS,
        Kind::Counter,
        &[],
        "Scrapes that could not ask the database; gauges from there are old",
        "データベースに問い合わせできなかった取得の回数（その間のゲージは古い値です）",
    ),
    metric(
        CPU,
        Kind::Counter,
        &[],
        "Seconds of processor time, user and system",
        "プロセッサー時間の秒数（ユーザーとシステムの合計）",
    ),
    metric(MEMORY, Kind::Gauge, &[], "Resident memory in bytes", "常駐メモリのバイト数"),
    metric(
        OPEN_FILES,
        Kind::Gauge,
        &[],
        "Open files and connections",
        "開いているファイルと接続の数",
    ),
    metric(
        STARTED,
        Kind::Gauge,
        &[],
        "When the process started, in seconds since 1970",
        "プロセスの起動時刻（1970 年からの秒数）",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_name_is_there_once_and_follows_the_naming_of_prometheus() {
        // "Metric and label naming", prometheus.io, seen 2026-11.
        let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        for metric in METRICS {
            let fits = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(metric.name.chars().all(fits), "{}", metric.name);
            let total = metric.name.ends_with("_total");
            assert_eq!(total, metric.kind == Kind::Counter, "{}", metric.name);
            assert!(!metric.en.is_empty() && !metric.ja.is_empty());
            assert!(metric.labels.iter().all(|label| label.chars().all(fits)));
        }
    }
}
