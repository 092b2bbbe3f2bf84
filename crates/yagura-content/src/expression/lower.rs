//! From CEL text to our tree: parses with the `cel` crate, resolves names, compiles patterns.
//! Only what is wrong whatever the data is refused here; the rest is three-valued.
//!
//! Two parsers of the crate are used. The quick one (about fifty times quicker) parses what is
//! right, which is every file of a shipped binary; it does not tell where its nodes stood. When
//! something is wrong, the classic one parses again and says where.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, SourceInfo};
use cel::common::ast::{EntryExpr, operators};
use cel::parser::{Parser, PrattParser};

use super::error::{ExpressionError, nearest};
use super::functions::{self, FUNCTIONS};
use super::guard;
use super::scope::{Root, ScopeKind};
use super::tree::{Arithmetic, Comparison, Loop, LoopKind, Node, Reach};

/// Levels of the tree. Long chains of members or sums are levels too.
const LEVELS_MAX: usize = 120;
/// Brackets that the parsers follow; `guard.rs` has already refused more.
const PARSER_LEVELS_MAX: u16 = 96;

/// Functions that reach other resources, for hints and checks.
const REACHING: [&str; 5] = ["in_account", "in_region", "in_organization", "related", "referring"];

/// Compiles an expression.
pub(crate) fn compile(source: &str, scope: ScopeKind) -> Result<Node, ExpressionError> {
    guard::check(source)?;
    if source.trim().is_empty() {
        return Err(ExpressionError::at_start("the expression is empty", ""));
    }
    let parsed = PrattParser::new()
        .max_recursion_depth(PARSER_LEVELS_MAX)
        .enable_ident_escape_syntax(true)
        .parse(source);
    match parsed {
        Ok(expression) if levels(&expression) > LEVELS_MAX => Err(ExpressionError::at_start(
            format!("the expression is deeper than {LEVELS_MAX} levels"),
            "split the expression, or compute less of it",
        )),
        Ok(expression) => match Lowering::new(scope, None).node(&expression) {
            Ok(node) => Ok(node),
            Err(failure) => Err(locate(source, scope, failure)),
        },
        Err(errors) => {
            let Some(first) = errors.errors.into_iter().next() else {
                return Err(ExpressionError::at_start("this is not CEL", ""));
            };
            let (line, column) = first.pos;
            Err(ExpressionError {
                line: usize::try_from(line).unwrap_or(1).max(1),
                column: characters(source, line, column),
                message: sentence(&first.msg),
                hint: hint_for_syntax(source),
            })
        }
    }
}

/// How deep a parsed expression is, found without recursion; a chain of members is as deep as it
/// is long. INVARIANT: nothing else walks an expression before this has been asked.
fn levels(expression: &IdedExpr) -> usize {
    let mut deepest = 0;
    let mut stack = vec![(expression, 1)];
    while let Some((expression, level)) = stack.pop() {
        deepest = deepest.max(level);
        let mut below = |child| stack.push((child, level + 1));
        match &expression.expr {
            Expr::Select(select) => below(&select.operand),
            Expr::List(list) => list.elements.iter().for_each(below),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        below(&entry.key);
                        below(&entry.value);
                    }
                }
            }
            Expr::Call(call) => {
                call.target.as_deref().into_iter().chain(&call.args).for_each(below);
            }
            Expr::Comprehension(looping) => {
                below(&looping.iter_range);
                below(&looping.loop_step);
            }
            Expr::Struct(_) | Expr::Literal(_) | Expr::Ident(_) | Expr::Unspecified => {}
        }
    }
    deepest
}

/// Stack of the thread in which the classic parser runs: it recurses through every rule of the
/// grammar, and at our limits of nesting needs some megabytes in a build without optimization.
const LOCATE_STACK_BYTES: usize = 64 * 1024 * 1024;

/// Finds where a refused part stands, with the parser that keeps places.
fn locate(source: &str, scope: ScopeKind, failure: Failure) -> ExpressionError {
    let located = std::thread::scope(|threads| {
        let thread = std::thread::Builder::new().stack_size(LOCATE_STACK_BYTES);
        thread.spawn_scoped(threads, || relocate(source, scope)).ok()?.join().ok()?
    });
    let failure = located.unwrap_or(failure);
    // The parser counts bytes.
    let before = source.get(..failure.at.unwrap_or(0)).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    ExpressionError {
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        message: failure.message,
        hint: failure.hint,
    }
}

/// Compiles again what has failed, to learn the place.
fn relocate(source: &str, scope: ScopeKind) -> Option<Failure> {
    let (expression, info) = Parser::new()
        .max_recursion_depth(PARSER_LEVELS_MAX)
        .enable_ident_escape_syntax(true)
        .parse_with_source_info(source)
        .ok()?;
    let failure = Lowering::new(scope, Some(&info)).node(&expression).err()?;
    failure.at.is_some().then_some(failure)
}

/// The column in characters, from the parser's column in bytes.
fn characters(source: &str, line: isize, column: isize) -> usize {
    let line = usize::try_from(line - 1).ok().and_then(|n| source.lines().nth(n));
    let bytes = usize::try_from(column - 1).unwrap_or(0);
    let before = line.and_then(|line| line.get(..bytes));
    before.map_or(bytes, |before| before.chars().count()) + 1
}

/// The parser's message in our manner: lower case, our quotes, no prefix.
fn sentence(message: &str) -> String {
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    let mut text: String =
        message.chars().take(200).map(|c| if c == '\'' { '`' } else { c }).collect();
    text = text.replace("`<EOF>`", "end of expression").replace("<EOF>", "the end");
    text
}

fn hint_for_syntax(source: &str) -> String {
    let words: Vec<&str> = source.split_whitespace().collect();
    for (wrong, right) in [("and", "&&"), ("or", "||"), ("not", "!"), ("=", "==")] {
        if words.contains(&wrong) {
            return format!("CEL writes `{right}` for `{wrong}`");
        }
    }
    String::new()
}

/// What is wrong with a part of an expression, and where it stands if that is known.
struct Failure {
    at: Option<usize>,
    message: String,
    hint: String,
}

struct Lowering<'s> {
    scope: ScopeKind,
    info: Option<&'s SourceInfo>,
    locals: Vec<String>,
}

impl<'s> Lowering<'s> {
    fn new(scope: ScopeKind, info: Option<&'s SourceInfo>) -> Self {
        Self { scope, info, locals: Vec::new() }
    }

    fn fail<T>(
        &self,
        at: &IdedExpr,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Result<T, Failure> {
        let at = self.info.and_then(|info| info.offset_for(at.id));
        Err(Failure {
            at: at.map(|(start, _)| start as usize),
            message: message.into(),
            hint: hint.into(),
        })
    }

    fn node(&mut self, expression: &IdedExpr) -> Result<Node, Failure> {
        Ok(match &expression.expr {
            Expr::Literal(literal) => self.literal(expression, literal)?,
            Expr::Ident(name) => self.name(expression, name)?,
            Expr::Select(select) => {
                let base = self.node(&select.operand)?;
                let member = Node::Select(Box::new(base), select.field.as_str().into());
                if select.test { Node::Has(Box::new(member)) } else { member }
            }
            Expr::List(list) => Node::List(self.nodes(&list.elements)?),
            Expr::Map(map) => {
                let mut entries = Vec::with_capacity(map.entries.len());
                for entry in &map.entries {
                    let EntryExpr::MapEntry(entry) = &entry.expr else {
                        return self.fail(expression, "messages are not known here", "");
                    };
                    entries.push((self.node(&entry.key)?, self.node(&entry.value)?));
                }
                Node::Map(entries.into())
            }
            Expr::Call(call) => self.call(expression, call)?,
            Expr::Comprehension(comprehension) => self.comprehension(expression, comprehension)?,
            Expr::Struct(message) => {
                let what = format!("`{}` is not known here", message.type_name);
                return self.fail(expression, what, "a map is written `{\"key\": value}`");
            }
            Expr::Unspecified => return self.fail(expression, "a part is missing", ""),
        })
    }

    fn nodes(&mut self, expressions: &[IdedExpr]) -> Result<Box<[Node]>, Failure> {
        expressions.iter().map(|expression| self.node(expression)).collect()
    }

    fn literal(&self, at: &IdedExpr, literal: &LiteralValue) -> Result<Node, Failure> {
        Ok(match literal {
            LiteralValue::Boolean(value) => Node::Bool(*value.inner()),
            LiteralValue::Int(value) => Node::Int(*value.inner()),
            LiteralValue::Double(value) => Node::Double(*value.inner()),
            LiteralValue::String(text) => Node::Text(text.inner().into()),
            LiteralValue::Null => Node::Null,
            LiteralValue::UInt(value) => match i64::try_from(*value.inner()) {
                Ok(value) => Node::Int(value),
                Err(_) => return self.fail(at, "the number is too large", ""),
            },
            LiteralValue::Bytes(_) => {
                return self.fail(at, "bytes are not known here", "write a text: 'abc'");
            }
        })
    }

    fn name(&self, at: &IdedExpr, name: &str) -> Result<Node, Failure> {
        if let Some(place) = self.locals.iter().rposition(|local| local == name) {
            return Ok(Node::Local(place));
        }
        let roots = self.scope.roots();
        if let Some(root) = roots.iter().find(|root| root.as_str() == name) {
            return Ok(Node::Root(*root));
        }
        // What `type(x)` answers may be written without quotes, as in CEL.
        if ["bool", "int", "double", "string", "list", "map", "timestamp", "duration"]
            .contains(&name)
        {
            return Ok(Node::Text(name.into()));
        }
        let known = roots.iter().map(|root| root.as_str());
        let hint = match nearest(name, known.clone().chain(self.locals.iter().map(String::as_str)))
        {
            Some(near) => format!("did you mean `{near}`?"),
            None if Root::ALL.iter().any(|root| root.as_str() == name) => {
                format!("known here: {}", known.collect::<Vec<_>>().join(", "))
            }
            None => format!(
                "known here: {}; a text is written in quotes",
                known.collect::<Vec<_>>().join(", ")
            ),
        };
        self.fail(at, format!("unknown variable `{name}`"), hint)
    }

    fn call(&mut self, at: &IdedExpr, call: &CallExpr) -> Result<Node, Failure> {
        let mut arguments = Vec::with_capacity(call.args.len() + 1);
        let method = call.target.is_some();
        arguments.extend(call.target.as_deref());
        arguments.extend(&call.args);
        let name = call.func_name.as_str();
        if REACHING.contains(&name) {
            return self.reach(at, name, &arguments);
        }
        let mut nodes = Vec::with_capacity(arguments.len());
        for argument in &arguments {
            nodes.push(self.node(argument)?);
        }
        let nodes: Box<[Node]> = nodes.into();
        match operator(name, nodes) {
            Ok(node) => Ok(node),
            Err(nodes) => self.function(at, name, method, nodes, &arguments),
        }
    }

    fn function(
        &self,
        at: &IdedExpr,
        name: &str,
        method: bool,
        nodes: Box<[Node]>,
        arguments: &[&IdedExpr],
    ) -> Result<Node, Failure> {
        let Some(function) = functions::find(name) else {
            let macros = ["has", "exists", "all", "exists_one", "map", "filter"];
            if macros.contains(&name) {
                let example = if name == "has" { "has(x.member)" } else { "list.exists(x, …)" };
                let message = format!("`{name}` is not called like this");
                return self.fail(at, message, format!("`{example}` is the form"));
            }
            let names = FUNCTIONS.iter().map(|function| function.name);
            let hint = nearest(name, names.chain(REACHING).chain(macros))
                .map_or_else(String::new, |near| format!("did you mean `{near}`?"));
            return self.fail(at, format!("unknown function `{name}`"), hint);
        };
        if !function.takes(nodes.len()) {
            let more = if method { ", the value before the dot counted" } else { "" };
            let message = format!("`{name}` takes {}, not {}{more}", function.arity(), nodes.len());
            return self.fail(at, message, "");
        }
        if name == "matches" {
            return self.matches(at, nodes, arguments);
        }
        Ok(Node::Call(function, nodes))
    }

    fn matches(
        &self,
        at: &IdedExpr,
        nodes: Box<[Node]>,
        arguments: &[&IdedExpr],
    ) -> Result<Node, Failure> {
        let mut nodes = nodes.into_vec();
        match (nodes.pop(), nodes.pop()) {
            (Some(Node::Text(pattern)), Some(text)) => match functions::pattern_of(&pattern) {
                Ok(pattern) => Ok(Node::Matches(Box::new(text), Box::new(pattern))),
                Err(error) => {
                    let why = error.to_string();
                    let why = why.lines().last().unwrap_or_default().trim();
                    let why = why.strip_prefix("error: ").unwrap_or(why).to_owned();
                    let at = arguments.last().copied().unwrap_or(at);
                    self.fail(at, format!("the pattern cannot be compiled: {why}"), "")
                }
            },
            (Some(pattern), Some(text)) => match functions::find("matches") {
                Some(function) => Ok(Node::Call(function, [text, pattern].into())),
                None => self.fail(at, "unknown function `matches`", ""),
            },
            _ => self.fail(at, "`matches` takes 2 arguments", ""),
        }
    }

    /// A question about other resources; names are literals.
    fn reach(
        &mut self,
        at: &IdedExpr,
        name: &str,
        arguments: &[&IdedExpr],
    ) -> Result<Node, Failure> {
        if !self.scope.has_neighbors() {
            let message = format!("`{name}` can be called in controls only");
            return self.fail(at, message, "a resource file sees one resource at a time");
        }
        let expected = match name {
            "related" => "related(resource, 'relation')",
            "referring" => "referring(resource, 'AWS::Service::Type', 'relation')",
            "in_account" => "in_account('AWS::Service::Type')",
            "in_region" => "in_region('AWS::Service::Type')",
            _ => "in_organization('AWS::Service::Type')",
        };
        let literal = |expression: &IdedExpr| match &expression.expr {
            Expr::Literal(LiteralValue::String(text)) => Some(Box::<str>::from(text.inner())),
            _ => None,
        };
        let wrong = format!("`{name}` wants names written as texts");
        let form = format!("`{expected}` is the form");
        let (reach, of) = match (name, arguments) {
            ("related", [of, relation]) => (literal(relation).map(Reach::Related), Some(*of)),
            ("referring", [of, type_name, relation]) => {
                let pair = literal(type_name).zip(literal(relation));
                let reach =
                    pair.map(|(type_name, relation)| Reach::Referring { type_name, relation });
                (reach, Some(*of))
            }
            ("in_account", [type_name]) => (literal(type_name).map(Reach::Account), None),
            ("in_region", [type_name]) => (literal(type_name).map(Reach::Region), None),
            ("in_organization", [type_name]) => (literal(type_name).map(Reach::Organization), None),
            _ => return self.fail(at, format!("`{name}` has other arguments"), form),
        };
        let Some(reach) = reach else { return self.fail(at, wrong, form) };
        let of = match of {
            Some(of) => Box::from([self.node(of)?]),
            None => Box::default(),
        };
        Ok(Node::Neighbors(reach, of))
    }

    /// Recognizes what the parser makes of `exists`, `all`, `exists_one`, `map` and `filter`
    /// (`cel` 0.15, `parser/macros.rs`): they differ in the step of the loop.
    fn comprehension(
        &mut self,
        at: &IdedExpr,
        comprehension: &ComprehensionExpr,
    ) -> Result<Node, Failure> {
        let Some((kind, condition, body)) = parts(&comprehension.loop_step) else {
            return self.fail(at, "this comprehension is not known", "");
        };
        let name = &comprehension.iter_var;
        if self.scope.roots().iter().any(|root| root.as_str() == name) {
            let message = format!("`{name}` is a variable already");
            return self.fail(at, message, "give the element another name");
        }
        let over = self.node(&comprehension.iter_range)?;
        let local = self.locals.len();
        self.locals.push(name.clone());
        let condition = condition.map(|condition| self.node(condition)).transpose()?;
        let body = self.node(body)?;
        self.locals.truncate(local);
        Ok(Node::Loop(Box::new(Loop { kind, over, local, condition, body })))
    }
}

/// The kind, condition and body of a comprehension, from the step of its loop.
fn parts(step: &IdedExpr) -> Option<(LoopKind, Option<&IdedExpr>, &IdedExpr)> {
    let Expr::Call(call) = &step.expr else { return None };
    match (call.func_name.as_str(), call.args.as_slice()) {
        (operators::LOGICAL_OR, [_, body]) => Some((LoopKind::Exists, None, body)),
        (operators::LOGICAL_AND, [_, body]) => Some((LoopKind::All, None, body)),
        (operators::ADD, [_, list]) => Some((LoopKind::Map, None, single(list)?)),
        (operators::CONDITIONAL, [condition, step, _]) => {
            let Expr::Call(add) = &step.expr else { return None };
            let [_, added] = add.args.as_slice() else { return None };
            match &added.expr {
                Expr::List(_) => Some((LoopKind::Map, Some(condition), single(added)?)),
                Expr::Literal(_) => Some((LoopKind::ExistsOne, None, condition)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn single(list: &IdedExpr) -> Option<&IdedExpr> {
    match &list.expr {
        Expr::List(list) => match list.elements.as_slice() {
            [element] => Some(element),
            _ => None,
        },
        _ => None,
    }
}

/// The node of an operator, or the operands back.
fn operator(name: &str, operands: Box<[Node]>) -> Result<Node, Box<[Node]>> {
    let comparison = match name {
        operators::EQUALS => Some(Comparison::Equal),
        operators::NOT_EQUALS => Some(Comparison::NotEqual),
        operators::LESS => Some(Comparison::Less),
        operators::LESS_EQUALS => Some(Comparison::LessOrEqual),
        operators::GREATER => Some(Comparison::Greater),
        operators::GREATER_EQUALS => Some(Comparison::GreaterOrEqual),
        _ => None,
    };
    let arithmetic = match name {
        operators::ADD => Some(Arithmetic::Add),
        operators::SUBSTRACT => Some(Arithmetic::Subtract),
        operators::MULTIPLY => Some(Arithmetic::Multiply),
        operators::DIVIDE => Some(Arithmetic::Divide),
        operators::MODULO => Some(Arithmetic::Remainder),
        _ => None,
    };
    let operands = match <Box<[Node; 1]>>::try_from(operands) {
        Ok(one) => {
            let [operand] = *one;
            return match name {
                operators::LOGICAL_NOT => Ok(Node::Not(Box::new(operand))),
                operators::NEGATE => Ok(Node::Negate(Box::new(operand))),
                _ => Err([operand].into()),
            };
        }
        Err(operands) => operands,
    };
    let operands = match <Box<[Node; 3]>>::try_from(operands) {
        Ok(three) if name == operators::CONDITIONAL => return Ok(Node::Conditional(three)),
        Ok(three) => return Err(three),
        Err(operands) => operands,
    };
    let [left, right] = match <Box<[Node; 2]>>::try_from(operands) {
        Ok(two) => *two,
        Err(operands) => return Err(operands),
    };
    if let Some(comparison) = comparison {
        return Ok(Node::Compare(comparison, Box::new(left), Box::new(right)));
    }
    if let Some(arithmetic) = arithmetic {
        return Ok(Node::Arithmetic(arithmetic, Box::new(left), Box::new(right)));
    }
    match name {
        operators::LOGICAL_AND => Ok(Node::And(flat(left, right, true))),
        operators::LOGICAL_OR => Ok(Node::Or(flat(left, right, false))),
        operators::IN => Ok(Node::In(Box::new(left), Box::new(right))),
        operators::INDEX => Ok(Node::Index(Box::new(left), Box::new(right))),
        _ => Err([left, right].into()),
    }
}

/// The operands of nested `&&` or `||` in one row.
fn flat(left: Node, right: Node, and: bool) -> Box<[Node]> {
    let mut row = Vec::new();
    for side in [left, right] {
        match side {
            Node::And(parts) if and => row.extend(parts),
            Node::Or(parts) if !and => row.extend(parts),
            other => row.push(other),
        }
    }
    row.into()
}
