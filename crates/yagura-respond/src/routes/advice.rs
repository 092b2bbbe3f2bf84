//! Why a finding matters and what to do about it: from the content that found it, or in the words
//! of the product that did. How it is worded in a message is the report's.

use serde_json::Value;
use yagura_content::Content;
use yagura_content::format::Steps;
use yagura_model::Prose;
use yagura_report::messages::{ForeignAdvice, Told};

/// Characters kept of another product's words.
const CHARS_MAX: usize = 1_000;

/// Why something matters and what to do about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Advice {
    pub(crate) why: Option<Prose>,
    /// In English and in Japanese.
    pub(crate) steps: [Vec<String>; 2],
}

/// What is advised about a finding; nothing where nobody knows.
pub(crate) fn advice(content: &Content, told: &Told) -> Advice {
    let of = |why: &Prose, steps: &Steps| Advice {
        why: Some(why.clone()),
        steps: [steps.en.clone(), steps.ja.clone()],
    };
    if let Some(foreign) = &told.advice {
        return in_their_words(foreign);
    }
    let id = told.content.as_str();
    if told.kind == "control" {
        let control = content.controls.get(id);
        return control.map(|one| of(&one.why, &one.fix.console)).unwrap_or_default();
    }
    let behavior = content.behaviors.get(id).map(|one| of(&one.description, &one.respond));
    behavior
        .or_else(|| content.sequences.get(id).map(|one| of(&one.description, &one.respond)))
        .or_else(|| content.intelligence.get(id).map(|one| of(&one.description, &one.respond)))
        .or_else(|| {
            let head = content.detections.get(id)?.head()?;
            Some(of(&head.description, &head.respond))
        })
        .unwrap_or_default()
}

/// Other products write in one language; both readers get it.
fn in_their_words(foreign: &ForeignAdvice) -> Advice {
    let why = Some(&foreign.why).filter(|why| !why.is_empty());
    let steps: Vec<String> =
        Some(&foreign.remedy).filter(|remedy| !remedy.is_empty()).cloned().into_iter().collect();
    Advice {
        why: why.map(|why| Prose { en: why.clone(), ja: why.clone() }),
        steps: [steps.clone(), steps],
    }
}

/// What another product says of its finding: `description` and `remedy` of the evidence that
/// imports keep.
pub(super) fn of_evidence(evidence: &Value) -> Option<ForeignAdvice> {
    let short = |text: &str| text.chars().take(CHARS_MAX).collect::<String>();
    let text = |pointer: &str| evidence.pointer(pointer).and_then(Value::as_str).map(short);
    let why = text("/description").unwrap_or_default();
    let remedy = text("/remedy/text").unwrap_or_default();
    (!why.is_empty() || !remedy.is_empty()).then_some(ForeignAdvice { why, remedy })
}
