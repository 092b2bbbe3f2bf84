//! Addresses of pages, with what came from outside percent-encoded in them.
//! What stands on the pages is theirs.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but what no reader of an address takes for a mark.
const MARKED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A text as one part of a path or one value of a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, MARKED).to_string()
}

/// The page of a resource.
pub(crate) fn resource(key: &str) -> String {
    format!("/resources/view?key={}", encoded(key))
}

/// The page of a control.
pub(crate) fn control(id: &str) -> String {
    format!("/controls/{}", encoded(id))
}

/// The page of a framework.
pub(crate) fn framework(id: &str) -> String {
    format!("/frameworks/{}", encoded(id))
}

/// The page of an account.
pub(crate) fn account(id: &str) -> String {
    format!("/accounts/{}", encoded(id))
}

/// Members of a query, without the question mark.
pub(crate) fn query<N: AsRef<str>, V: AsRef<str>>(
    pairs: impl IntoIterator<Item = (N, V)>,
) -> String {
    let written =
        |(name, value): (N, V)| format!("{}={}", encoded(name.as_ref()), encoded(value.as_ref()));
    pairs.into_iter().map(written).collect::<Vec<_>>().join("&")
}

/// A query with one member changed, back at its first page; an empty value takes it away.
pub(crate) fn with(pairs: &[(String, String)], name: &str, value: &str) -> String {
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let kept = pairs.filter(|(other, _)| *other != name && *other != "after");
    let all = kept.chain([(name, value)]).filter(|(_, value)| !value.is_empty());
    format!("?{}", query(all))
}

/// The values of a member of a query, without empty ones.
pub(crate) fn values(pairs: &[(String, String)], name: &str) -> Vec<String> {
    let own = pairs.iter().filter(|(other, value)| other == name && !value.trim().is_empty());
    own.map(|(_, value)| value.trim().to_owned()).collect()
}

/// The value of a member of a query; empty where there is none.
pub(crate) fn value(pairs: &[(String, String)], name: &str) -> String {
    values(pairs, name).into_iter().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_outside_stays_one_value() {
        let href = resource("arn:aws:s3:::a&b=c#d?\"<é");
        assert_eq!(href, "/resources/view?key=arn%3Aaws%3As3%3A%3A%3Aa%26b%3Dc%23d%3F%22%3C%C3%A9");
    }

    #[test]
    fn a_changed_query_begins_at_its_first_page() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let pairs = [pair("q", "a b"), pair("type", "T"), pair("after", "9"), pair("x", "")];
        assert_eq!(with(&pairs, "type", "U"), "?q=a%20b&type=U");
        assert_eq!(with(&pairs, "type", ""), "?q=a%20b");
    }
}
