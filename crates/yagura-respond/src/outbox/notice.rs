//! What a message of the outbox says: the stored documents, the tally, and the advice of the
//! content that found it. How it is worded is the report's.

use jiff::Timestamp;
use yagura_content::Content;
use yagura_content::format::STORM;
use yagura_model::finding_id;
use yagura_model::message::MessageKind;
use yagura_report::messages::{Notice, NoticeItem, NoticeTally, Told};
use yagura_store::outbox::{Taken, Tally};

use crate::routes::{advice, read_document};

/// Causes named in a message about many findings.
const CAUSES_MAX: usize = 8;

/// What a message says; none where what it was to tell cannot be read.
pub(super) fn of(content: &Content, message: &Taken, now: Timestamp) -> Option<Notice> {
    let items: Vec<NoticeItem> =
        message.items.iter().filter_map(|item| read_document(&item.document)).collect();
    let kind = message.kind;
    let mut notice = Notice {
        id: id_of(message),
        kind,
        at_us: now.as_microsecond(),
        told: None,
        change: None,
        why: None,
        steps: [Vec::new(), Vec::new()],
        items: Vec::new(),
        tally: message.tally.as_ref().map(|tally| shown(tally, kind)),
        console_url: console_url(content),
    };
    if kind == MessageKind::Finding {
        let item = items.into_iter().next()?;
        tell(content, &mut notice, item);
    } else if kind == MessageKind::Digest {
        notice.items = items;
    }
    Some(notice)
}

/// Makes it a message about one finding.
fn tell(content: &Content, notice: &mut Notice, item: NoticeItem) {
    let advice = advice(content, &item.told);
    notice.why = advice.why;
    notice.steps = advice.steps;
    notice.told = Some(item.told);
    notice.change = Some(item.change);
}

fn console_url(content: &Content) -> Option<String> {
    let url = content.site.routes.console_url.as_ref()?;
    Some(url.trim_end_matches('/').to_owned())
}

/// What tells a message from every other, the same at each attempt: receivers drop repetitions.
fn id_of(message: &Taken) -> String {
    match message.items.first().filter(|_| message.kind == MessageKind::Finding) {
        Some(item) => {
            finding_id("message", &message.target, &item.finding, &item.entry.to_string())
        }
        None => {
            let made = message.made.as_microsecond().to_string();
            finding_id("message", &message.target, &message.number.to_string(), &made)
        }
    }
}

fn shown(tally: &Tally, kind: MessageKind) -> NoticeTally {
    let seconds = |us: i64| u64::try_from(us / 1_000_000).unwrap_or_default();
    let default = (u64::from(STORM.messages), STORM.per.micros());
    let (limit, span_us) = tally.limit.unwrap_or(default);
    let causes = tally.top_causes(CAUSES_MAX);
    NoticeTally {
        total: tally.total,
        severities: tally.severities,
        // A digest names its findings instead.
        causes: causes
            .into_iter()
            .filter(|_| kind != MessageKind::Digest)
            .map(|cause| (cause.title.clone(), cause.count))
            .collect(),
        limit,
        limit_seconds: seconds(span_us),
        until_us: tally.until_us,
    }
}

/// A try: it says what it is, and has the parts of a real message.
pub fn sample(content: &Content, target: &str, now: Timestamp) -> Notice {
    let now_us = now.as_microsecond();
    let told = Told {
        id: finding_id("message", "sample", target, ""),
        kind: "control".to_owned(),
        content: "s3.bucket_public_access_blocked".to_owned(),
        title: yagura_model::Prose {
            en: "public access to the sample bucket is blocked".to_owned(),
            ja: "サンプルのバケットのパブリックアクセスがブロックされている".to_owned(),
        },
        severity: yagura_model::Severity::Informational,
        rank: 0,
        state: "new".to_owned(),
        account: "111122223333".to_owned(),
        account_name: "example".to_owned(),
        region: "us-east-1".to_owned(),
        key: "arn:aws:s3:::example-bucket".to_owned(),
        resource_type: Some("AWS::S3::Bucket".to_owned()),
        resource_name: Some("example-bucket".to_owned()),
        actors: Vec::new(),
        addresses: Vec::new(),
        first_us: now_us,
        last_us: now_us,
        occurrences: 1,
        assignee: None,
        due_us: None,
        advice: None,
    };
    let advice = advice(content, &told);
    Notice {
        id: finding_id("message", target, "sample", &now_us.to_string()),
        kind: MessageKind::Sample,
        at_us: now_us,
        told: Some(told),
        change: None,
        why: advice.why,
        steps: advice.steps,
        items: Vec::new(),
        tally: None,
        console_url: console_url(content),
    }
}
