//! The tree that an expression is compiled to.
//! It is made in `lower.rs` and walked in `evaluate.rs` and `reads.rs`.

use super::functions::Function;
use super::scope::Root;

/// One operation. Children are evaluated by the operation, so that `false && …` stays cheap.
#[derive(Debug)]
pub(crate) enum Node {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Box<str>),
    Null,
    /// What stands for an expression that cannot be compiled.
    Problem(Box<str>),
    Root(Root),
    /// A comprehension variable, by its place on the stack.
    Local(usize),
    Select(Box<Node>, Box<str>),
    Has(Box<Node>),
    Index(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<[Node]>),
    Or(Box<[Node]>),
    Conditional(Box<[Node; 3]>),
    Compare(Comparison, Box<Node>, Box<Node>),
    Arithmetic(Arithmetic, Box<Node>, Box<Node>),
    In(Box<Node>, Box<Node>),
    List(Box<[Node]>),
    Map(Box<[(Node, Node)]>),
    Call(Function, Box<[Node]>),
    /// `matches` with a constant pattern, compiled once.
    Matches(Box<Node>, Box<regex::Regex>),
    Loop(Box<Loop>),
    Neighbors(Reach, Box<[Node]>),
}

/// A comprehension.
#[derive(Debug)]
pub(crate) struct Loop {
    pub(crate) kind: LoopKind,
    pub(crate) over: Node,
    /// Where the variable lies on the stack.
    pub(crate) local: usize,
    /// `map(v, condition, body)` and `filter(v, condition)`.
    pub(crate) condition: Option<Node>,
    /// The predicate, or what `map` makes of an element; the variable itself for `filter`.
    pub(crate) body: Node,
}

/// What a comprehension computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoopKind {
    Exists,
    All,
    ExistsOne,
    Map,
}

/// `==` and its kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// `+` and its kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// A question about other resources. Names are literals, so that what a control needs is known
/// before anything is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Account(Box<str>),
    Region(Box<str>),
    Organization(Box<str>),
    Related(Box<str>),
    Referring { type_name: Box<str>, relation: Box<str> },
}
