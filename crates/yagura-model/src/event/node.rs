//! One node of the index: sixteen bytes that say what a value is and where its text lies.
//! Reading values out of nodes lives in `value`.

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// `null`, or a text log's mark for "no value".
    Null,
    /// `true` or `false`.
    Bool,
    /// A number, kept as it is written.
    Number,
    /// A string.
    String,
    /// A list of values.
    Array,
    /// Members: names and values.
    Object,
}

/// One value. Children follow their parent directly; the members of an object alternate between
/// a string node (the name) and the value's nodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// First byte of the value in the batch's text; of a string the byte after its quote.
    pub(crate) start: u32,
    /// The byte after the value's last; of a string its closing quote.
    pub(crate) end: u32,
    /// The node that follows this value and all that is inside it.
    pub(crate) next: u32,
    pub(crate) kind: Kind,
    /// A string with escapes in its text.
    pub(crate) escaped: bool,
    /// Put together from a text log: the text at `start..end` is not JSON.
    pub(crate) composed: bool,
}

impl Node {
    pub(crate) fn new(kind: Kind, start: u32, end: u32, next: u32) -> Self {
        Self { start, end, next, kind, escaped: false, composed: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_takes_sixteen_bytes() {
        assert_eq!(size_of::<Node>(), 16);
    }
}
