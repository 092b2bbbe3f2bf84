//! Dialects: what foreign text must look like so that a service takes it for text.
//! Which dialect a channel has, its file says.

use crate::clean::{clean, shortened};

/// What could be an order, a mention or a link in a text, and so has to be written otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// No letter means anything.
    Plain,
    /// Slack's: `&`, `<` and `>` are written as entities (Slack, "Formatting text for app
    /// surfaces", seen 2026-11).
    Mrkdwn,
    /// Markdown of cards in Microsoft Teams: a backslash before what is markup.
    Markdown,
    /// Chatwork's, which knows no escape: brackets become full-width ones.
    Chatwork,
    /// Backlog's, which knows no escape in both of its notations: what is markup becomes
    /// full-width.
    Backlog,
    /// HTML: entities.
    Html,
}

impl Dialect {
    /// Foreign text on one line, at most so many characters of it.
    pub fn text(self, text: &str, chars_max: usize) -> String {
        let text = clean(text);
        self.escaped(&shortened(&text, chars_max))
    }

    /// Text without line breaks or controls, escaped.
    pub(super) fn escaped(self, text: &str) -> String {
        let mut escaped = String::with_capacity(text.len() + 8);
        for c in text.chars() {
            match (self, c) {
                (Self::Mrkdwn | Self::Html, '&') => escaped.push_str("&amp;"),
                (Self::Mrkdwn | Self::Html, '<') => escaped.push_str("&lt;"),
                (Self::Mrkdwn | Self::Html, '>') => escaped.push_str("&gt;"),
                (Self::Html, '"') => escaped.push_str("&quot;"),
                (Self::Html, '\'') => escaped.push_str("&#39;"),
                (
                    Self::Markdown,
                    '\\' | '*' | '_' | '[' | ']' | '(' | ')' | '`' | '#' | '!' | '|',
                ) => {
                    escaped.push('\\');
                    escaped.push(c);
                }
                (Self::Markdown, '<') => escaped.push_str("&lt;"),
                (Self::Markdown, '>') => escaped.push_str("&gt;"),
                (Self::Markdown, '&') => escaped.push_str("&amp;"),
                (Self::Chatwork, '[' | ']')
                | (
                    Self::Backlog,
                    '[' | ']' | '{' | '}' | '<' | '>' | '#' | '&' | '@' | '*' | '`' | '|' | '\'',
                ) => escaped.push(full_width(c)),
                (_, c) => escaped.push(c),
            }
        }
        escaped
    }

    /// A label of ours, made to stand out.
    pub(super) fn strong(self, label: &str) -> String {
        match self {
            Self::Mrkdwn => format!("*{label}*"),
            Self::Markdown => format!("**{label}**"),
            Self::Html => format!("<strong>{label}</strong>"),
            Self::Plain | Self::Chatwork | Self::Backlog => label.to_owned(),
        }
    }

    /// A link of ours. INVARIANT: the address is made of parts that hold no foreign text.
    pub(super) fn link(self, url: &str, label: &str) -> String {
        match self {
            Self::Mrkdwn => format!("<{url}|{label}>"),
            Self::Markdown => format!("[{label}]({url})"),
            Self::Html => format!("<a href=\"{url}\">{label}</a>"),
            Self::Plain | Self::Chatwork | Self::Backlog => format!("{label}: {url}"),
        }
    }

    /// What ends a line. Markdown joins lines that no blank line parts.
    pub(super) fn line_end(self) -> &'static str {
        match self {
            Self::Markdown => "\n\n",
            Self::Html => "<br>\n",
            _ => "\n",
        }
    }
}

/// The full-width form of a character of ASCII: it looks alike and means nothing.
fn full_width(c: char) -> char {
    match u32::from(c) {
        code @ 0x21..=0x7e => char::from_u32(code + 0xfee0).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_mentions_become_text() {
        let check = |dialect: Dialect, text: &str, expected: &str| {
            assert_eq!(dialect.text(text, 200), expected, "{dialect:?}");
        };
        check(Dialect::Mrkdwn, "<!channel> a&b", "&lt;!channel&gt; a&amp;b");
        check(Dialect::Mrkdwn, "<https://a.example|x>", "&lt;https://a.example|x&gt;");
        check(Dialect::Markdown, "[x](https://a.example)", "\\[x\\]\\(https://a.example\\)");
        check(Dialect::Markdown, "<at>all</at>", "&lt;at&gt;all&lt;/at&gt;");
        check(Dialect::Chatwork, "[toall] [To:1]", "［toall］ ［To:1］");
        check(Dialect::Backlog, "#image(x) @all [[y]]", "＃image(x) ＠all ［［y］］");
        check(Dialect::Html, "<img src=x onerror='a'>", "&lt;img src=x onerror=&#39;a&#39;&gt;");
        check(Dialect::Plain, "a\r\nBcc: x", "a\u{fffd}Bcc: x");
    }

    #[test]
    fn a_long_text_is_cut_before_it_is_escaped() {
        assert_eq!(Dialect::Html.text("<<<<", 3), "&lt;&lt;…");
    }
}
