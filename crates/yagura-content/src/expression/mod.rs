//! The expression language: CEL, compiled once and evaluated three-valued over borrowed JSON.
//! Which files contain expressions, and where, is told in `crate::format`.

mod env;
mod error;
mod evaluate;
mod functions;
mod guard;
mod items;
mod json;
mod lower;
mod neighbors;
mod operators;
mod reads;
mod scope;
mod tree;
mod unread;
mod value;

use std::collections::BTreeSet;

use yagura_model::{Truth, Unread};

pub use env::Env;
pub use error::ExpressionError;
pub(crate) use error::nearest;
pub use neighbors::{Facts, Listing, Neighbors, NoNeighbors};
pub(crate) use reads::{Mapping, uncapitalized};
pub use reads::{PathSet, Reads, Source};
pub use scope::{Root, ScopeKind};

/// A compiled expression. Compile once, evaluate millions of times.
///
/// ```
/// use serde_json::json;
/// use yagura_content::expression::{Env, Outcome, Program, Root, ScopeKind};
///
/// let program = Program::compile("item.Tags.size() + 1", ScopeKind::Identity).unwrap();
/// let item = json!({"Tags": ["a", "b"]});
/// let env = Env::mapping().bind(Root::Item, &item);
/// assert_eq!(program.value(&env).unwrap(), Some(json!(3)));
/// ```
#[derive(Debug)]
pub struct Program {
    source: Box<str>,
    node: tree::Node,
    reads: Reads,
    mapping: reads::Mapping,
}

/// The result of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A value.
    Value(serde_json::Value),
    /// Nothing: a member that is not there, or null.
    Absent,
    /// It cannot be said.
    Unknown(Decided),
}

/// Why an outcome is unknown. Empty otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decided {
    /// The unread parts that decided.
    pub unread: Vec<Unread>,
    /// Operations without result (`"a" < 3`), each a sentence.
    pub problems: Vec<String>,
}

impl Program {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is not CEL; an unknown variable or function; a call with the wrong number of
    /// arguments; an expression beyond the limits of size and nesting.
    pub fn compile(source: &str, scope: ScopeKind) -> Result<Self, ExpressionError> {
        let node = lower::compile(source, scope)?;
        let (reads, mapping) = reads::analyze(&node);
        Ok(Self { source: source.into(), node, reads, mapping })
    }

    /// Stands for an expression that cannot be compiled: its result is always unknown.
    pub(crate) fn broken(source: &str, error: &ExpressionError) -> Self {
        let message = format!("`{source}` cannot be compiled: {error}");
        let node = tree::Node::Problem(message.into());
        Self {
            source: source.into(),
            node,
            reads: Reads::default(),
            mapping: reads::Mapping::Computed,
        }
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What the expression looks at, found without running it.
    pub fn reads(&self) -> &Reads {
        &self.reads
    }

    /// The paths read below a variable (`resource`), including those below comprehension
    /// variables; the paths start below the variable.
    pub fn paths(&self, root: &str) -> PathSet {
        self.reads.root(root)
    }

    /// The types named in `in_account`, `in_region`, `in_organization` and `referring`. What
    /// `related` reaches is told by the resource file; see [`Reads`].
    pub fn types(&self) -> BTreeSet<&str> {
        self.reads.types()
    }

    /// The shape of the result, where it is known: what a mapping states.
    pub(crate) fn mapping(&self) -> &reads::Mapping {
        &self.mapping
    }

    /// Evaluates to a value of its own.
    pub fn eval<'a>(&'a self, env: &Env<'a>) -> Outcome {
        let value = evaluate::run(&self.node, env);
        match json::to_json(&value) {
            Ok(None) => Outcome::Absent,
            Ok(Some(value)) => Outcome::Value(value),
            Err(causes) => Outcome::Unknown(Decided::of(&causes)),
        }
    }

    /// Evaluates as a condition. Absent is false; what is neither true, false nor absent is a
    /// problem.
    pub fn truth<'a>(&'a self, env: &Env<'a>) -> (Truth, Decided) {
        match evaluate::truth(evaluate::run(&self.node, env)) {
            value::Val::Bool(value) => (value.into(), Decided::default()),
            other => {
                let causes = other.causes().unwrap_or_default();
                (Truth::Unknown, Decided::of(&causes))
            }
        }
    }

    /// Evaluates a mapping: the value, or nothing where it is absent.
    ///
    /// # Errors
    /// The first problem, or the first unread part, as a sentence.
    pub fn value<'a>(
        &'a self,
        env: &Env<'a>,
    ) -> Result<Option<serde_json::Value>, EvaluationError> {
        match self.eval(env) {
            Outcome::Value(value) => Ok(Some(value)),
            Outcome::Absent => Ok(None),
            Outcome::Unknown(decided) => Err(EvaluationError {
                expression: self.source.to_string(),
                problem: decided.sentence(),
            }),
        }
    }
}

/// An expression of a mapping had no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{expression}` has no result: {problem}")]
pub struct EvaluationError {
    expression: String,
    problem: String,
}

impl Decided {
    fn of(causes: &[value::Cause<'_>]) -> Self {
        let mut decided = Self::default();
        for cause in causes {
            match cause {
                value::Cause::Unread(unread) => decided.unread.push((*unread).clone()),
                value::Cause::Problem(message) => decided.problems.push(message.to_string()),
            }
        }
        decided
    }

    fn sentence(&self) -> String {
        self.problems.first().cloned().unwrap_or_else(|| {
            self.unread
                .first()
                .map_or_else(String::new, |unread| format!("`{}` was not read", unread.path))
        })
    }
}

/// The names of all functions, for references and completions.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    functions::FUNCTIONS.iter().map(|function| function.name)
}
