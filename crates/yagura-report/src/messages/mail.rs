//! A message as a mail: a subject, a plain text and a page that loads nothing from anywhere.
//! Headers, encodings and transport are in `yagura-respond`.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use yagura_model::message::TextDialect;

use super::{Manner, Notice, compose};
use crate::error::ReportError;
use crate::words::words;

const TEMPLATE: &str = include_str!("../../templates/mail.html");

/// A mail without its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// One line without control characters.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The page.
    pub html: String,
}

/// Composes a mail.
///
/// # Errors
/// Where the page cannot be made.
pub fn mail(notice: &Notice, manner: &Manner) -> Result<Mail, ReportError> {
    // The template escapes what it is given, so that the parts are plain.
    let manner = Manner { dialect: TextDialect::Plain, ..manner.clone() };
    let message = compose(notice, &manner);
    let words = words(manner.lang);
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("mail.html", TEMPLATE)?;
    let html = environment.get_template("mail.html")?.render(context! {
        message => Value::from(Serde(&message)),
        why => words.get("messages.why"),
        todo => words.get("messages.do"),
    })?;
    Ok(Mail { subject: message.subject.clone(), text: message.text, html })
}

#[cfg(test)]
mod tests {
    use super::super::tests::notice;
    use super::*;
    use jiff::tz::TimeZone;
    use yagura_model::Lang;

    fn sent(title: &str, lang: Lang) -> Mail {
        let (dialect, zone) = (TextDialect::Html, TimeZone::UTC);
        mail(&notice(title), &Manner { lang, dialect, text_chars_max: 20_000, zone }).unwrap()
    }

    #[test]
    fn a_mail_has_a_text_and_a_page_that_say_the_same() {
        for (lang, do_this) in [(Lang::En, "Start it."), (Lang::Ja, "開始します。")] {
            let mail = sent("Logging stopped", lang);
            // The template engine writes a slash as an entity too.
            for text in [mail.text.clone(), mail.html.replace("&#x2f;", "/")] {
                for part in ["Logging stopped", do_this, "prod (111122223333)", "/findings/0123"] {
                    assert!(text.contains(part), "{part}: {text}");
                }
            }
            assert!(mail.html.contains(&format!("<html lang=\"{}\">", lang.code())));
        }
    }

    #[test]
    fn a_page_runs_nothing_and_loads_nothing() {
        let mail = sent("<script>alert(1)</script><img src=//evil.example>\r\nBcc: a@b", Lang::En);
        for part in ["<script", "<img", "http-equiv", "@import", "url("] {
            assert!(!mail.html.contains(part), "{part}: {}", mail.html);
        }
        assert!(!mail.subject.contains(['\r', '\n']), "{}", mail.subject);
    }
}
