//! What content says of a finding: why it matters, what to do, where to read more.
//! Evidence of the finding itself is in `evidence.rs`.

use serde::Serialize;
use yagura_content::Content;
use yagura_content::format::Steps;
use yagura_model::finding::{Finding, FindingKind};
use yagura_model::{Lang, Prose};

/// What content says.
#[derive(Debug, Default, Serialize)]
pub(super) struct Advice {
    why: Option<Prose>,
    steps: Vec<String>,
    /// Commands and snippets: the key of the word for it, its text.
    code: Vec<(&'static str, String)>,
    harmless: Vec<String>,
    references: Vec<String>,
    /// The control's own page, where it is a control.
    control: Option<String>,
}

/// What content says of a finding; nothing where it knows nothing of it.
pub(super) fn advice_of(finding: &Finding, content: &Content, lang: Lang) -> Advice {
    let seen = &finding.observation;
    match seen.kind {
        FindingKind::Control => of_control(content, &seen.content, lang),
        FindingKind::Alert => of_alert(content, &seen.content, lang),
        FindingKind::Import | FindingKind::Spend => Advice::default(),
    }
}

fn of_control(content: &Content, id: &str, lang: Lang) -> Advice {
    let Some(control) = content.controls.get(id) else { return Advice::default() };
    let fix = &control.fix;
    let steps = match lang {
        Lang::En => &fix.console.value.en,
        Lang::Ja => &fix.console.value.ja,
    };
    let snippets = [
        ("cli", Some(&fix.cli)),
        ("cloudformation", fix.cloudformation.as_ref()),
        ("terraform", fix.terraform.as_ref()),
    ];
    let code = snippets.into_iter().filter_map(|(name, text)| {
        let text = text.map(|text| text.value.trim()).filter(|text| !text.is_empty())?;
        Some((name, text.to_owned()))
    });
    Advice {
        why: Some(control.why.value.clone()),
        steps: steps.clone(),
        code: code.collect(),
        harmless: Vec::new(),
        references: links(control.references.iter().map(|one| &one.value)),
        control: Some(id.to_owned()),
    }
}

/// What a detection, a behavior, a sequence or a rule of intelligence says of itself.
fn of_alert(content: &Content, id: &str, lang: Lang) -> Advice {
    if let Some(head) = content.detections.get(id).and_then(|detection| detection.head()) {
        let told = of_prose(&head.description, &head.falsepositives, &head.respond, lang);
        return Advice { references: links(head.references.iter()), ..told };
    }
    if let Some(one) = content.behaviors.get(id) {
        return of_prose(&one.description, &one.falsepositives, &one.respond, lang);
    }
    if let Some(one) = content.sequences.get(id) {
        return of_prose(&one.description, &one.falsepositives, &one.respond, lang);
    }
    match content.intelligence.get(id) {
        Some(one) => of_prose(&one.description, &one.falsepositives, &one.respond, lang),
        None => Advice::default(),
    }
}

fn of_prose(description: &Prose, harmless: &Steps, respond: &Steps, lang: Lang) -> Advice {
    let of = |steps: &Steps| match lang {
        Lang::En => steps.en.clone(),
        Lang::Ja => steps.ja.clone(),
    };
    Advice {
        why: Some(description.clone()),
        steps: of(respond),
        harmless: of(harmless),
        ..Advice::default()
    }
}

/// The references that are links, and nothing that a page could run.
fn links<'a>(all: impl Iterator<Item = &'a String>) -> Vec<String> {
    all.filter(|link| link.starts_with("https://")).cloned().collect()
}
