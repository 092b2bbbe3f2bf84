//! Evaluates the JMESPath that paginators, waiters and endpoint rules use.
//! Not the whole language: those functions and forms that the official models contain.

use serde_json::Value;

/// Nesting in the models never exceeds six.
const DEPTH_MAX: usize = 32;

/// What `path` picks out of `value`; null when it picks nothing or cannot be read.
pub(crate) fn pick(value: &Value, path: &str) -> Value {
    parse(path).map_or(Value::Null, |node| eval(&node, value))
}

/// Whether a path is one that [`pick`] can read.
#[cfg(test)]
pub(crate) fn is_readable(path: &str) -> bool {
    parse(path).is_some()
}

/// Equality as JMESPath means it: numbers by value.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

#[derive(Debug, Clone)]
enum Node {
    Current,
    Field(String),
    Literal(Value),
    Index(Box<Node>, i64),
    Chain(Box<Node>, Box<Node>),
    /// Every element of the left side (a list, or with `true` a map's values), through the right.
    Each(Box<Node>, Box<Node>, bool),
    Flatten(Box<Node>, Box<Node>),
    Filter(Box<Node>, Box<Node>, Box<Node>),
    List(Vec<Node>),
    Call(String, Vec<Node>),
    Or(Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Compare(Box<Node>, &'static str, Box<Node>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Literal(Value),
    Mark(&'static str),
}

/// Longest first, so that `||` is not read as two `|`.
const MARKS: [&str; 25] = [
    "||", "&&", "==", "!=", "<=", ">=", "[?", "[]", "[*]", "|", "<", ">", "!", "[", "]", "(", ")",
    ".", ",", "*", "@", "&", "{", "}", ":",
];

fn tokens(path: &str) -> Option<Vec<Token>> {
    let mut out = Vec::new();
    let mut rest = path.trim_start();
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
            out.push(Token::Name(name.to_owned()));
            rest = after;
        } else if first.is_ascii_digit() || first == '-' {
            let end = rest.char_indices().skip(1).find(|(_, c)| !c.is_ascii_digit());
            let (number, after) = rest.split_at(end.map_or(rest.len(), |(index, _)| index));
            out.push(Token::Literal(Value::from(number.parse::<i64>().ok()?)));
            rest = after;
        } else if matches!(first, '"' | '\'' | '`') {
            let (inner, after) = rest.get(1..)?.split_once(first)?;
            out.push(match first {
                '"' => Token::Name(inner.to_owned()),
                '\'' => Token::Literal(inner.into()),
                _ => Token::Literal(serde_json::from_str(inner).unwrap_or_else(|_| inner.into())),
            });
            rest = after;
        } else {
            let mark = MARKS.into_iter().find(|mark| rest.starts_with(mark))?;
            out.push(Token::Mark(mark));
            rest = rest.strip_prefix(mark)?;
        }
        rest = rest.trim_start();
    }
    Some(out)
}

fn parse(path: &str) -> Option<Node> {
    let tokens = tokens(path)?;
    let mut parser = Parser { tokens: &tokens, depth: 0 };
    let node = parser.pipe()?;
    parser.tokens.is_empty().then_some(node)
}

struct Parser<'a> {
    tokens: &'a [Token],
    depth: usize,
}

impl Parser<'_> {
    fn mark(&self) -> &'static str {
        match self.tokens.first() {
            Some(Token::Mark(mark)) => mark,
            _ => "",
        }
    }

    fn skip(&mut self) {
        self.tokens = self.tokens.get(1..).unwrap_or_default();
    }

    fn eat(&mut self, mark: &str) -> bool {
        let found = self.mark() == mark;
        if found {
            self.skip();
        }
        found
    }

    fn pipe(&mut self) -> Option<Node> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let mut left = self.or()?;
        while self.eat("|") {
            left = Node::Chain(Box::new(left), Box::new(self.or()?));
        }
        self.depth -= 1;
        Some(left)
    }

    fn or(&mut self) -> Option<Node> {
        let mut left = self.and()?;
        while self.eat("||") {
            left = Node::Or(Box::new(left), Box::new(self.and()?));
        }
        Some(left)
    }

    fn and(&mut self) -> Option<Node> {
        let mut left = self.compare()?;
        while self.eat("&&") {
            left = Node::And(Box::new(left), Box::new(self.compare()?));
        }
        Some(left)
    }

    fn compare(&mut self) -> Option<Node> {
        let left = self.unary()?;
        let mark = self.mark();
        if !matches!(mark, "==" | "!=" | "<" | ">" | "<=" | ">=") {
            return Some(left);
        }
        self.skip();
        Some(Node::Compare(Box::new(left), mark, Box::new(self.unary()?)))
    }

    fn unary(&mut self) -> Option<Node> {
        let mut negations = 0;
        while self.eat("!") {
            negations += 1;
        }
        let first = self.primary()?;
        let node = self.rest(first, false)?;
        Some(if negations % 2 == 1 { Node::Not(Box::new(node)) } else { node })
    }

    /// What follows a value. Everything to the right of a projection belongs to it, except a
    /// flattening, which takes the projection's whole result (`inner`: inside a projection).
    fn rest(&mut self, mut left: Node, inner: bool) -> Option<Node> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        loop {
            let mark = self.mark();
            if !matches!(mark, "." | "[*]" | "[]" | "[?" | "[") || (mark == "[]" && inner) {
                break;
            }
            self.skip();
            let boxed = Box::new(left);
            left = match mark {
                "." if self.eat("*") => Node::Each(boxed, self.right()?, true),
                "." => Node::Chain(boxed, Box::new(self.primary()?)),
                "[*]" => Node::Each(boxed, self.right()?, false),
                "[]" => Node::Flatten(boxed, self.right()?),
                "[?" => {
                    let condition = Box::new(self.pipe()?);
                    if !self.eat("]") {
                        return None;
                    }
                    Node::Filter(boxed, condition, self.right()?)
                }
                _ => {
                    let Some(Token::Literal(index)) = self.tokens.first() else { return None };
                    let index = index.as_i64()?;
                    self.skip();
                    if !self.eat("]") {
                        return None;
                    }
                    Node::Index(boxed, index)
                }
            };
        }
        self.depth -= 1;
        Some(left)
    }

    /// The right side of a projection.
    fn right(&mut self) -> Option<Box<Node>> {
        self.rest(Node::Current, true).map(Box::new)
    }

    fn list(&mut self, end: &str) -> Option<Vec<Node>> {
        let mut out = Vec::new();
        while !self.eat(end) {
            out.push(self.pipe()?);
            if !self.eat(",") && self.mark() != end {
                return None;
            }
        }
        Some(out)
    }

    fn primary(&mut self) -> Option<Node> {
        match self.tokens.first()?.clone() {
            Token::Name(name) => {
                self.skip();
                if self.eat("(") {
                    return Some(Node::Call(name, self.list(")")?));
                }
                Some(Node::Field(name))
            }
            Token::Literal(value) => {
                self.skip();
                Some(Node::Literal(value))
            }
            Token::Mark("@") => {
                self.skip();
                Some(Node::Current)
            }
            Token::Mark("(") => {
                self.skip();
                let inner = self.pipe()?;
                self.eat(")").then_some(inner)
            }
            Token::Mark("[") if matches!(self.tokens.get(1), Some(Token::Name(_))) => {
                self.skip();
                Some(Node::List(self.list("]")?))
            }
            Token::Mark("[" | "[?" | "[*]" | "[]") => Some(Node::Current),
            Token::Mark(_) => None,
        }
    }
}

fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Number(_) => true,
    }
}

fn project<'a>(values: impl Iterator<Item = &'a Value>, right: &Node) -> Value {
    Value::Array(values.map(|value| eval(right, value)).filter(|v| !v.is_null()).collect())
}

fn eval(node: &Node, value: &Value) -> Value {
    match node {
        Node::Current => value.clone(),
        Node::Field(name) => value.get(name).cloned().unwrap_or(Value::Null),
        Node::Literal(literal) => literal.clone(),
        Node::Index(left, index) => {
            let list = eval(left, value);
            let Some(list) = list.as_array() else { return Value::Null };
            let index = if *index < 0 { *index + list.len() as i64 } else { *index };
            usize::try_from(index).ok().and_then(|i| list.get(i)).cloned().unwrap_or(Value::Null)
        }
        Node::Chain(left, right) => match eval(left, value) {
            Value::Null => Value::Null,
            left => eval(right, &left),
        },
        Node::Each(left, right, of_map) => match eval(left, value) {
            Value::Array(list) if !of_map => project(list.iter(), right),
            Value::Object(map) if *of_map => project(map.values(), right),
            _ => Value::Null,
        },
        Node::Flatten(left, right) => {
            let Value::Array(list) = eval(left, value) else { return Value::Null };
            let inner = |element: &'_ Value| match element {
                Value::Array(inner) => inner.clone(),
                other => vec![other.clone()],
            };
            let flat: Vec<Value> = list.iter().flat_map(inner).collect();
            project(flat.iter(), right)
        }
        Node::Filter(left, condition, right) => {
            let Value::Array(list) = eval(left, value) else { return Value::Null };
            project(list.iter().filter(|element| truthy(&eval(condition, element))), right)
        }
        Node::List(nodes) if value.is_null() => {
            let _ = nodes;
            Value::Null
        }
        Node::List(nodes) => Value::Array(nodes.iter().map(|node| eval(node, value)).collect()),
        Node::Call(name, arguments) => call(name, arguments, value),
        Node::Or(left, right) => match eval(left, value) {
            left if truthy(&left) => left,
            _ => eval(right, value),
        },
        Node::And(left, right) => match eval(left, value) {
            left if truthy(&left) => eval(right, value),
            left => left,
        },
        Node::Not(inner) => Value::Bool(!truthy(&eval(inner, value))),
        Node::Compare(left, mark, right) => compare(&eval(left, value), mark, &eval(right, value)),
    }
}

fn compare(left: &Value, mark: &str, right: &Value) -> Value {
    match mark {
        "==" => return Value::Bool(equal(left, right)),
        "!=" => return Value::Bool(!equal(left, right)),
        _ => {}
    }
    let (Some(left), Some(right)) = (left.as_f64(), right.as_f64()) else { return Value::Null };
    Value::Bool(match mark {
        "<" => left < right,
        ">" => left > right,
        "<=" => left <= right,
        _ => left >= right,
    })
}

fn call(name: &str, arguments: &[Node], value: &Value) -> Value {
    let argument =
        |index: usize| arguments.get(index).map_or(Value::Null, |node| eval(node, value));
    match (name, argument(0)) {
        ("length", Value::Array(list)) => Value::from(list.len()),
        ("length", Value::Object(map)) => Value::from(map.len()),
        ("length", Value::String(text)) => Value::from(text.chars().count()),
        ("keys", Value::Object(map)) => map.keys().map(String::as_str).collect(),
        ("values", Value::Object(map)) => map.values().cloned().collect(),
        ("contains", Value::Array(list)) => Value::Bool(list.contains(&argument(1))),
        ("contains", Value::String(text)) => {
            Value::Bool(argument(1).as_str().is_some_and(|part| text.contains(part)))
        }
        ("not_null", first) if !first.is_null() => first,
        ("not_null", _) => (1..arguments.len())
            .map(argument)
            .find(|candidate| !candidate.is_null())
            .unwrap_or(Value::Null),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_of_the_official_models_pick_what_they_should() {
        let value = json!({
            "a": {"b": [{"c": 1}, {"c": 2}]},
            "keys": {"x": {}, "y": {}},
            "items": [{"get": {"t": "one"}, "put": null}, {"put": {"t": "two"}}],
            "empty": [],
            "nest": [{"in": [{"c": 1}, {"c": 2}]}, {"in": [{"c": 3}]}],
            "services": [{"deployments": [1], "running": 2, "desired": 2}],
        });
        for (path, expected) in [
            ("a.b[-1].c", json!(2)),
            ("a.b[*].c", json!([1, 2])),
            ("a.b[].c", json!([1, 2])),
            ("nest[].in[].c", json!([1, 2, 3])),
            ("nest[*].in[*].c", json!([[1, 2], [3]])),
            ("nest[*].in[*].c[]", json!([1, 2, 3])),
            ("a.missing || a.b[0].c", json!(1)),
            ("keys(keys)", json!(["x", "y"])),
            ("items[*].get.t", json!(["one"])),
            ("items[*].[get.t, put.t][]", json!(["one", "two"])),
            ("length(empty) == `0`", json!(true)),
            (
                "length(services[?!(length(deployments) == `1` && running == desired)]) == `0`",
                json!(true),
            ),
            ("a.b[?c == `2`].c | [0]", json!(2)),
            ("keys.*", json!([{}, {}])),
            ("contains(a.b[].c, `2`)", json!(true)),
            ("nothing[*].x", json!(null)),
            ("a..b", json!(null)),
        ] {
            assert_eq!(pick(&value, path), expected, "{path}");
        }
    }

    #[test]
    fn every_path_of_the_table_is_readable() {
        let table = include_bytes!("../../../../content/aws-api/services.zst");
        let api = crate::Api::open(table).unwrap();
        let mut count = 0;
        for name in api.services() {
            let service = api.service(name).unwrap();
            let acceptors = service.waiters().iter().flat_map(crate::api::Waiter::acceptors);
            let waited = acceptors.filter_map(|acceptor| acceptor.argument.as_deref());
            let operations = service.operations().iter();
            let picked = operations.clone().flat_map(crate::api::Operation::context_parameters);
            let paged = operations.filter_map(|operation| operation.paginator());
            let paged = paged.flat_map(crate::api::Paginator::output_tokens).map(|path| &**path);
            for path in waited.chain(picked.map(|(_, path)| &**path)).chain(paged) {
                assert!(is_readable(path), "{name}: {path}");
                count += 1;
            }
        }
        assert!(count > 4000, "{count}");
    }

    #[test]
    fn a_nested_path_without_end_is_refused() {
        assert!(!is_readable(&"(".repeat(10_000)));
        assert!(!is_readable(&"a[*]".repeat(10_000)));
    }
}
