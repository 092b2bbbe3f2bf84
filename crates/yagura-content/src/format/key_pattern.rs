//! Patterns of object keys with named parts: `AWSLogs/{account}/CloudTrail/{region}/**`.
//! How a source is chosen among those that match is decided in `yagura-collect`.

use std::fmt;
use std::str::FromStr;

use regex::Regex;

/// A pattern that the end of an object key matches, from a `/` or from its start.
///
/// `{name}` is a named part without `/`; `*` stands for any letters without `/`, `**` for any
/// letters; `[…]` may be there or not; anything else stands for itself. The parts `account`
/// (twelve digits), `region`, `organization` (`o-…`), `year` (four digits), `month`, `day`,
/// `hour` and `minute` (two digits) match only what looks like it.
///
/// ```
/// let pattern: yagura_content::format::KeyPattern =
///     "AWSLogs/[{organization}/]{account}/CloudTrail/{region}/**.json.gz".parse().unwrap();
/// let key = "logs/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/21/x.json.gz";
/// let parts = pattern.matches(key).unwrap();
/// assert_eq!(parts[0], ("account".to_owned(), "111122223333".to_owned()));
/// assert_eq!(parts[1], ("region".to_owned(), "us-east-1".to_owned()));
/// ```
#[derive(Clone)]
pub struct KeyPattern {
    text: String,
    regex: Regex,
}

/// Why a text is not a pattern of keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a pattern of keys ({what})")]
pub struct KeyPatternFault {
    text: String,
    what: String,
}

impl KeyPattern {
    /// The named parts of a key in the order of the pattern, without those that the key does not
    /// have; none where the key does not match.
    pub fn matches(&self, key: &str) -> Option<Vec<(String, String)>> {
        let found = self.regex.captures(key)?;
        let names = self.regex.capture_names().flatten();
        let parts = names.filter_map(|name| {
            found.name(name).map(|part| (name.to_owned(), part.as_str().to_owned()))
        });
        Some(parts.collect())
    }

    /// How many letters of the pattern stand for themselves: of two patterns that match a key
    /// the one with more of them says more.
    pub fn weight(&self) -> usize {
        let mut depth = 0_usize;
        let literal = |c: &char| {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && !matches!(c, '}' | '*' | '[' | ']')
        };
        self.text.chars().filter(literal).count()
    }

    /// The names of its parts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.regex.capture_names().flatten()
    }
}

impl FromStr for KeyPattern {
    type Err = KeyPatternFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = |what: &str| KeyPatternFault {
            text: text.chars().take(200).collect(),
            what: what.chars().take(200).collect(),
        };
        if text.is_empty() {
            return Err(fault("it is empty"));
        }
        let mut regex = String::from("(?:^|/)");
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '*' if chars.next_if_eq(&'*').is_some() => regex.push_str(".*"),
                '*' => regex.push_str("[^/]*"),
                '[' => regex.push_str("(?:"),
                ']' => regex.push_str(")?"),
                '{' => {
                    let name: String = chars.by_ref().take_while(|c| *c != '}').collect();
                    regex.push_str(&format!("(?P<{name}>{})", shape(&name)));
                }
                c => regex.push_str(&regex::escape(&c.to_string())),
            }
        }
        regex.push('$');
        let regex = Regex::new(&regex)
            .map_err(|_| fault("names are letters and each stands once, brackets are closed"))?;
        Ok(Self { text: text.to_owned(), regex })
    }
}

/// What a named part may look like.
fn shape(name: &str) -> &'static str {
    match name {
        "account" => r"\d{12}",
        "region" => r"[a-z]{2,3}(?:-[a-z]+)+-\d",
        "organization" => "o-[a-z0-9]{10,32}",
        "year" => r"\d{4}",
        "month" | "day" | "hour" | "minute" => r"\d{2}",
        _ => "[^/]+?",
    }
}

impl fmt::Display for KeyPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for KeyPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, key: &str, expected: Option<&str>) {
        let pattern: KeyPattern = pattern.parse().unwrap();
        let found = pattern.matches(key).map(|parts| {
            let parts: Vec<String> =
                parts.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
            parts.join(" ")
        });
        assert_eq!(found.as_deref(), expected, "{pattern} {key}");
    }

    #[test]
    fn the_end_of_a_key_matches_and_its_parts_are_named() {
        let trail = "AWSLogs/[{organization}/]{account}/CloudTrail/{region}/**.json.gz";
        check(
            trail,
            "a/AWSLogs/o-abcdefghij/111122223333/CloudTrail/us-gov-west-1/2026/x.json.gz",
            Some("organization=o-abcdefghij account=111122223333 region=us-gov-west-1"),
        );
        check(
            trail,
            "AWSLogs/111122223333/CloudTrail/eu-west-1/x.json.gz",
            Some("account=111122223333 region=eu-west-1"),
        );
        check(trail, "AWSLogs/1111/CloudTrail/eu-west-1/x.json.gz", None);
        check(trail, "xAWSLogs/111122223333/CloudTrail/eu-west-1/x.json.gz", None);
        check(trail, "AWSLogs/111122223333/CloudTrail/eu-west-1/x.json.gz.tmp", None);
        check(trail, "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/x.json.gz", None);
        check("{a}_conn_log.{b}.gz", "x_conn_log.y.z.gz", Some("a=x b=y.z"));
        check("*.gz", "a/b.gz", Some(""));
    }

    #[test]
    fn a_pattern_that_says_more_weighs_more() {
        let weight = |text: &str| text.parse::<KeyPattern>().unwrap().weight();
        assert_eq!(weight("a/{account}/*"), 3);
        assert!(weight("{x}_conn_log.*.gz") > weight("{x}_*.gz"));
    }

    #[test]
    fn broken_patterns_are_refused() {
        for text in ["", "{", "{}", "{a b}", "[a", "a]", "{x}{x}", "{1}"] {
            assert!(text.parse::<KeyPattern>().is_err(), "{text}");
        }
    }
}
