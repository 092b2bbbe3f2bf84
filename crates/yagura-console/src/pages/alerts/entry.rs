//! What content says of what raised an alert: why it matters, when it is harmless, what to do.
//! Rules that somebody handed to a hunt are in no content; of those nothing is known here.

use yagura_content::Content;
use yagura_content::format::Steps;
use yagura_model::Prose;
use yagura_report::AlertEntry;

/// What is known of a detection, a behavior, a sequence or a rule of intelligence.
pub(super) fn entry(content: &Content, id: &str) -> Option<AlertEntry> {
    if let Some(detection) = content.detections.get(id) {
        let head = detection.head()?;
        return Some(AlertEntry {
            uuid: head.uuid.clone().unwrap_or_default(),
            references: head.references.clone(),
            ..of_prose(&head.description, &head.falsepositives, &head.respond)
        });
    }
    if let Some(behavior) = content.behaviors.get(id) {
        let (harmless, respond) = (&behavior.falsepositives, &behavior.respond);
        return Some(of_prose(&behavior.description, harmless, respond));
    }
    if let Some(sequence) = content.sequences.get(id) {
        let (harmless, respond) = (&sequence.falsepositives, &sequence.respond);
        return Some(of_prose(&sequence.description, harmless, respond));
    }
    let rule = content.intelligence.get(id)?;
    Some(of_prose(&rule.description, &rule.falsepositives, &rule.respond))
}

fn of_prose(description: &Prose, falsepositives: &Steps, respond: &Steps) -> AlertEntry {
    AlertEntry {
        description: description.clone(),
        falsepositives_en: falsepositives.en.clone(),
        falsepositives_ja: falsepositives.ja.clone(),
        respond_en: respond.en.clone(),
        respond_ja: respond.ja.clone(),
        ..AlertEntry::default()
    }
}
