//! Texts with slots: `"bucketName":"{bucket}"`. Parsed once, filled for every record.
//! What may stand in a slot is `world`'s; a slot that stands twice in a record says the same twice.

/// What stands in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Account,
    Region,
    /// A thing of the account, by its kind; the same within a record.
    Thing(Thing),
    /// When the record happened.
    Time,
    /// When the session began.
    SessionTime,
    /// A fresh UUID.
    Uuid,
    /// Sixteen fresh hex digits.
    Hex,
    /// Fresh base64 text of 40, of 100 and of 300 characters.
    Token,
    LongToken,
    SessionToken,
    /// A fresh temporary access key id.
    AccessKey,
    /// Fresh numbers up to 100 and up to a million.
    Small,
    Number,
    /// An address of the caller's network.
    Address,
}

/// Kinds of things that an account has several of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    Bucket,
    Object,
    Role,
    User,
    Instance,
    Volume,
    Snapshot,
    SecurityGroup,
    Subnet,
    Vpc,
    NetworkInterface,
    Image,
    Function,
    Table,
    Queue,
    Topic,
    Secret,
    Parameter,
    Key,
    Stream,
    LogGroup,
    Cluster,
    Repository,
    Stack,
    Database,
    Zone,
    Certificate,
    LoadBalancer,
    Pipeline,
}

/// How many kinds there are.
pub(super) const THINGS: usize = 29;

const SLOTS: [(&str, Slot); 43] = {
    use Slot::{
        AccessKey, Account, Address, Hex, LongToken, Number, Region, SessionTime, SessionToken,
        Small, Time, Token, Uuid,
    };
    [
        ("account", Account),
        ("region", Region),
        ("time", Time),
        ("session_time", SessionTime),
        ("uuid", Uuid),
        ("hex", Hex),
        ("token", Token),
        ("long_token", LongToken),
        ("session_token", SessionToken),
        ("access_key", AccessKey),
        ("small", Small),
        ("number", Number),
        ("address", Address),
        ("bucket", Slot::Thing(Thing::Bucket)),
        ("object", Slot::Thing(Thing::Object)),
        ("role", Slot::Thing(Thing::Role)),
        ("user", Slot::Thing(Thing::User)),
        ("instance", Slot::Thing(Thing::Instance)),
        ("volume", Slot::Thing(Thing::Volume)),
        ("snapshot", Slot::Thing(Thing::Snapshot)),
        ("group", Slot::Thing(Thing::SecurityGroup)),
        ("subnet", Slot::Thing(Thing::Subnet)),
        ("vpc", Slot::Thing(Thing::Vpc)),
        ("interface", Slot::Thing(Thing::NetworkInterface)),
        ("image", Slot::Thing(Thing::Image)),
        ("function", Slot::Thing(Thing::Function)),
        ("table", Slot::Thing(Thing::Table)),
        ("queue", Slot::Thing(Thing::Queue)),
        ("topic", Slot::Thing(Thing::Topic)),
        ("secret", Slot::Thing(Thing::Secret)),
        ("parameter", Slot::Thing(Thing::Parameter)),
        ("key", Slot::Thing(Thing::Key)),
        ("stream", Slot::Thing(Thing::Stream)),
        ("log_group", Slot::Thing(Thing::LogGroup)),
        ("cluster", Slot::Thing(Thing::Cluster)),
        ("repository", Slot::Thing(Thing::Repository)),
        ("stack", Slot::Thing(Thing::Stack)),
        ("database", Slot::Thing(Thing::Database)),
        ("zone", Slot::Thing(Thing::Zone)),
        ("certificate", Slot::Thing(Thing::Certificate)),
        ("balancer", Slot::Thing(Thing::LoadBalancer)),
        ("pipeline", Slot::Thing(Thing::Pipeline)),
        ("name", Slot::Thing(Thing::Stack)),
    ]
};

/// A piece of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(&'static str),
    Slot(Slot),
}

/// A parsed text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Piece>);

impl Pattern {
    /// Parses a text. A brace before anything but a lower-case letter is JSON's own.
    pub(super) fn parse(text: &'static str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        let mut from = 0;
        while let Some(at) = rest.get(from..).and_then(|tail| tail.find('{')).map(|at| from + at) {
            let after = rest.get(at + 1..).unwrap_or_default();
            let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
            let length = after.find(|c| !is_name(c)).unwrap_or(after.len());
            let name = after.get(..length).unwrap_or_default();
            if name.is_empty() || !after.get(length..).is_some_and(|tail| tail.starts_with('}')) {
                from = at + 1;
                continue;
            }
            let slot = SLOTS.iter().find(|(known, _)| *known == name);
            let (_, slot) = slot.ok_or_else(|| format!("no slot `{name}` in {text}"))?;
            pieces.push(Piece::Text(rest.get(..at).unwrap_or_default()));
            pieces.push(Piece::Slot(*slot));
            rest = after.get(length + 1..).unwrap_or_default();
            from = 0;
        }
        pieces.push(Piece::Text(rest));
        Ok(Self(pieces))
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_told_from_json() {
        let pattern = Pattern::parse(r#"{"a":{},"b":"{bucket}/{uuid}"}"#).unwrap();
        let expected = [
            Piece::Text(r#"{"a":{},"b":""#),
            Piece::Slot(Slot::Thing(Thing::Bucket)),
            Piece::Text("/"),
            Piece::Slot(Slot::Uuid),
            Piece::Text(r#""}"#),
        ];
        assert_eq!(pattern.pieces(), expected);
    }

    #[test]
    fn an_unknown_slot_is_refused() {
        assert!(Pattern::parse("{bukket}").unwrap_err().contains("`bukket`"));
    }

    #[test]
    fn every_kind_of_thing_has_its_place() {
        let last = SLOTS.iter().filter_map(|(_, slot)| match slot {
            Slot::Thing(thing) => Some(*thing as usize),
            _ => None,
        });
        assert_eq!(last.max(), Some(THINGS - 1));
    }
}
