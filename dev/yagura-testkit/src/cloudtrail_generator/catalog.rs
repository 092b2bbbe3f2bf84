//! The calls of the generated trail, read from `calls.txt`, and the draw among them.
//! How a record is put together is `record`'s.

use std::collections::BTreeMap;

use super::pattern::Pattern;

static CALLS: &str = include_str!("calls.txt");

/// What a call is, to CloudTrail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
    /// A data event that reads.
    DataRead,
    /// A data event that writes.
    DataWrite,
    /// A sign-in to the console.
    SignIn,
    /// Something that a service did by itself.
    Event,
}

impl Kind {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "read" => Self::Read,
            "write" => Self::Write,
            "data_read" => Self::DataRead,
            "data_write" => Self::DataWrite,
            "sign_in" => Self::SignIn,
            "event" => Self::Event,
            _ => return None,
        })
    }
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// A role's session, a user, seldom root.
    Anyone,
    /// An AWS service, by its domain.
    Service(&'static str),
    /// Somebody with a token of a web identity provider.
    WebIdentity,
    /// Somebody at the sign-in page.
    Browser,
}

/// A call with its patterns parsed.
pub(super) struct Entry {
    pub(super) source: &'static str,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) by: By,
    pub(super) request: Pattern,
    pub(super) response: Pattern,
    pub(super) additional: Option<Pattern>,
    pub(super) resources: Option<Pattern>,
}

/// All calls, with what a draw needs.
#[derive(Default)]
pub(super) struct Catalog {
    entries: Vec<Entry>,
    /// Per kind of region: weights summed up, and the entry.
    everywhere: Vec<(u32, usize)>,
    regional: Vec<(u32, usize)>,
}

impl Catalog {
    /// Parses the built-in calls.
    pub(super) fn built_in() -> Result<Self, String> {
        Self::parse(CALLS)
    }

    fn parse(text: &'static str) -> Result<Self, String> {
        let mut catalog = Self::default();
        let mut defined: BTreeMap<&str, &'static str> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (word, rest) = line.split_once(' ').ok_or_else(|| format!("`{line}`"))?;
            if word == "define" {
                let (name, text) = rest.split_once(' ').ok_or_else(|| format!("`{line}`"))?;
                defined.insert(name, text);
                continue;
            }
            if !matches!(word, "request" | "response" | "additional" | "resources") {
                catalog.begin(line)?;
                continue;
            }
            let text = match rest.strip_prefix('$') {
                Some(name) => *defined.get(name).ok_or_else(|| format!("`{name}`"))?,
                None => rest,
            };
            let pattern = Pattern::parse(text)?;
            let entry = catalog.entries.last_mut().ok_or("members before the first call")?;
            match word {
                "request" => entry.request = pattern,
                "response" => entry.response = pattern,
                "additional" => entry.additional = Some(pattern),
                _ => entry.resources = Some(pattern),
            }
        }
        Ok(catalog)
    }

    /// Begins a call: `service name weight kind [global] [by …]`.
    fn begin(&mut self, line: &'static str) -> Result<(), String> {
        let broken = || format!("`{line}` is no call");
        let mut words = line.split(' ');
        let mut word = || words.next();
        let (source, name) = (word().ok_or_else(broken)?, word().ok_or_else(broken)?);
        let weight: u32 = word().and_then(|text| text.parse().ok()).ok_or_else(broken)?;
        let kind = word().and_then(Kind::of).ok_or_else(broken)?;
        let mut next = word();
        let global = next == Some("global");
        if global {
            next = word();
        }
        let by = match (next, word()) {
            (None, _) => By::Anyone,
            (Some("by"), Some("web_identity")) => By::WebIdentity,
            (Some("by"), Some("browser")) => By::Browser,
            (Some("by"), Some(domain)) => By::Service(domain),
            _ => return Err(broken()),
        };
        let index = self.entries.len();
        add(&mut self.everywhere, weight, index);
        if !global {
            add(&mut self.regional, weight, index);
        }
        let null = || Pattern::parse("null");
        let (request, response) = (null()?, null()?);
        let (additional, resources) = (None, None);
        self.entries.push(Entry {
            source,
            name,
            kind,
            by,
            request,
            response,
            additional,
            resources,
        });
        Ok(())
    }

    /// Draws a call for a region.
    pub(super) fn draw(&self, region: &str, random: &mut fastrand::Rng) -> Option<&Entry> {
        let table = if region == "us-east-1" { &self.everywhere } else { &self.regional };
        let all = table.last()?.0;
        let drawn = random.u32(0..all);
        let at = table.partition_point(|(until, _)| *until <= drawn);
        self.entries.get(table.get(at)?.1)
    }
}

fn add(table: &mut Vec<(u32, usize)>, weight: u32, index: usize) {
    let before = table.last().map_or(0, |(until, _)| *until);
    table.push((before + weight, index));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_mix_is_wide() {
        let calls = Catalog::built_in().unwrap().entries;
        let names: BTreeSet<_> = calls.iter().map(|call| call.name).collect();
        let services: BTreeSet<_> = calls.iter().map(|call| call.source).collect();
        assert!(names.len() >= 60, "{}", names.len());
        assert!(services.len() >= 25, "{}", services.len());
    }

    #[test]
    fn a_broken_line_is_named() {
        for text in ["s3 GetObject often read", "request {}", "s3 A 1 read\nrequest $none"] {
            assert!(Catalog::parse(text).is_err(), "{text}");
        }
    }
}
