//! What the rules over a kind of records need of them: for callers that read columns, or that
//! ask a database before they ask the matcher. The matcher itself does not use it.

use super::check::Check;
use super::field::Field;
use super::program::Program;
use crate::record::FieldPath;
use crate::text::glob::Glob;

/// What rules need of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Every path that a rule may read, in order.
    pub paths: Vec<FieldPath>,
    /// Whether keywords read the whole record as well.
    pub whole_record: bool,
    /// A record that meets none of these matches no rule. `None` if there are rules that any
    /// record may match.
    pub clues: Option<Vec<Clue>>,
}

/// Something that a record must have for some rule to match.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clue {
    /// Paths, one of which must reach the value; none for keywords.
    pub paths: Vec<FieldPath>,
    /// What the value must be like.
    pub value: ClueValue,
}

/// What a value must be like. Texts are folded and to be compared without case, even where a
/// rule keeps it: a clue may promise too much, never too little.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClueValue {
    /// This, as a whole.
    Whole(String),
    /// A number of this value, or this text.
    Number(String),
    /// Something that begins so.
    Start(String),
    /// Something that ends so.
    End(String),
    /// Something that has this in it.
    Within(String),
    /// Anything, null included.
    Present,
}

pub(super) fn needs(program: &Program) -> Needs {
    let mut paths: Vec<FieldPath> =
        program.fields.iter().flat_map(|field| field.paths().iter().cloned()).collect();
    paths.sort();
    paths.dedup();
    let whole_record = program.fields.iter().any(Field::is_keywords);
    let clues = program.always.is_empty().then(|| {
        let waking = program.wakes.iter().zip(&program.checks);
        let waking = waking.filter(|(units, _)| !units.is_empty());
        let mut clues: Vec<Clue> = waking.filter_map(|(_, check)| clue(program, check)).collect();
        clues.sort();
        clues.dedup();
        clues
    });
    Needs { paths, whole_record, clues }
}

fn clue(program: &Program, (field, check): &(u32, Check)) -> Option<Clue> {
    let paths = program.fields.get(*field as usize)?.paths().to_vec();
    let value = match check {
        Check::Text { glob, .. } => {
            let text = crate::text::fold::fold(glob.literal());
            match glob {
                Glob::Exact(_) => ClueValue::Whole(text),
                Glob::Prefix(_) => ClueValue::Start(text),
                Glob::Suffix(_) => ClueValue::End(text),
                Glob::Contains(_) | Glob::Steps(_) => ClueValue::Within(text),
                Glob::Any => ClueValue::Present,
            }
        }
        Check::Number { written, .. } => ClueValue::Number(written.to_string()),
        _ => ClueValue::Present,
    };
    Some(Clue { paths, value })
}
