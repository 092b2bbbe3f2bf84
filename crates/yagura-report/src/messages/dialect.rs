//! Dialects: what foreign text must look like so that a service takes it for text.
//! Which dialect a channel has, its file says.

use yagura_model::message::TextDialect;

use crate::clean::{clean, shortened};

/// Foreign text on one line, at most so many characters of it.
pub fn text(dialect: TextDialect, text: &str, chars_max: usize) -> String {
    let text = clean(text);
    escaped(dialect, &shortened(&text, chars_max))
}

/// Text without line breaks or controls, escaped.
pub(super) fn escaped(dialect: TextDialect, text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match (dialect, c) {
            (TextDialect::Mrkdwn | TextDialect::Html, '&') => escaped.push_str("&amp;"),
            (TextDialect::Mrkdwn | TextDialect::Html, '<') => escaped.push_str("&lt;"),
            (TextDialect::Mrkdwn | TextDialect::Html, '>') => escaped.push_str("&gt;"),
            (TextDialect::Html, '"') => escaped.push_str("&quot;"),
            (TextDialect::Html, '\'') => escaped.push_str("&#39;"),
            (
                TextDialect::Markdown,
                '\\' | '*' | '_' | '[' | ']' | '(' | ')' | '`' | '#' | '!' | '|',
            ) => {
                escaped.push('\\');
                escaped.push(c);
            }
            (TextDialect::Markdown, '<') => escaped.push_str("&lt;"),
            (TextDialect::Markdown, '>') => escaped.push_str("&gt;"),
            (TextDialect::Markdown, '&') => escaped.push_str("&amp;"),
            (TextDialect::Chatwork, '[' | ']')
            | (
                TextDialect::Backlog,
                '[' | ']' | '{' | '}' | '<' | '>' | '#' | '&' | '@' | '*' | '`' | '|' | '\'',
            ) => escaped.push(full_width(c)),
            (_, c) => escaped.push(c),
        }
    }
    escaped
}

/// A label of ours, made to stand out.
pub(super) fn strong(dialect: TextDialect, label: &str) -> String {
    match dialect {
        TextDialect::Mrkdwn => format!("*{label}*"),
        TextDialect::Markdown => format!("**{label}**"),
        TextDialect::Html => format!("<strong>{label}</strong>"),
        TextDialect::Plain | TextDialect::Chatwork | TextDialect::Backlog => label.to_owned(),
    }
}

/// A link of ours. INVARIANT: the address is made of parts that hold no foreign text.
pub(super) fn link(dialect: TextDialect, url: &str, label: &str) -> String {
    match dialect {
        TextDialect::Mrkdwn => format!("<{url}|{label}>"),
        TextDialect::Markdown => format!("[{label}]({url})"),
        TextDialect::Html => format!("<a href=\"{url}\">{label}</a>"),
        TextDialect::Plain | TextDialect::Chatwork | TextDialect::Backlog => {
            format!("{label}: {url}")
        }
    }
}

/// What ends a line. Markdown joins lines that no blank line parts.
pub(super) fn line_end(dialect: TextDialect) -> &'static str {
    match dialect {
        TextDialect::Markdown => "\n\n",
        TextDialect::Html => "<br>\n",
        _ => "\n",
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
        let check = |dialect: TextDialect, text: &str, expected: &str| {
            assert_eq!(super::text(dialect, text, 200), expected, "{dialect:?}");
        };
        check(TextDialect::Mrkdwn, "<!channel> a&b", "&lt;!channel&gt; a&amp;b");
        check(TextDialect::Mrkdwn, "<https://a.example|x>", "&lt;https://a.example|x&gt;");
        check(TextDialect::Markdown, "[x](https://a.example)", "\\[x\\]\\(https://a.example\\)");
        check(TextDialect::Markdown, "<at>all</at>", "&lt;at&gt;all&lt;/at&gt;");
        check(TextDialect::Chatwork, "[toall] [To:1]", "［toall］ ［To:1］");
        check(TextDialect::Backlog, "#image(x) @all [[y]]", "＃image(x) ＠all ［［y］］");
        check(
            TextDialect::Html,
            "<img src=x onerror='a'>",
            "&lt;img src=x onerror=&#39;a&#39;&gt;",
        );
        check(TextDialect::Plain, "a\r\nBcc: x", "a\u{fffd}Bcc: x");
    }

    #[test]
    fn a_long_text_is_cut_before_it_is_escaped() {
        assert_eq!(super::text(TextDialect::Html, "<<<<", 3), "&lt;&lt;…");
    }
}
