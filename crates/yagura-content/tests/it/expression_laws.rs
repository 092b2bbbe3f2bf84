//! Laws that hold for every expression: with more unread a result only moves to unknown, and the
//! logic is Kleene's. Single results are in `expression_results.rs`.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use yagura_content::expression::{
    Env, Facts, Listing, Neighbors, Outcome, Program, Root, ScopeKind,
};
use yagura_model::{Path, Relation, Resource, Step, Truth, Unread, UnreadReason};

/// The neighbors of a resource, of which some may not have been listed.
struct Others {
    resources: Vec<Resource>,
    unread: Vec<Unread>,
    facts: Option<(Value, Vec<Unread>)>,
}

impl Others {
    fn listing(&self) -> Listing<'_> {
        Listing { resources: self.resources.iter().collect(), unread: self.unread.iter().collect() }
    }
}

impl Neighbors for Others {
    fn in_account(&self, _: &Resource, _: &str) -> Listing<'_> {
        self.listing()
    }
    fn in_region(&self, _: &Resource, _: &str) -> Listing<'_> {
        self.listing()
    }
    fn in_organization(&self, _: &str) -> Listing<'_> {
        self.listing()
    }
    fn related(&self, _: &Resource, _: &str) -> Listing<'_> {
        self.listing()
    }
    fn referring(&self, _: &Resource, _: &str, _: &str) -> Listing<'_> {
        self.listing()
    }
    fn facts(&self, _: &Resource) -> Option<Facts<'_>> {
        self.facts.as_ref().map(|(value, unread)| Facts { value, unread })
    }
}

fn unread(path: &str, partial: bool) -> Unread {
    Unread {
        path: path.parse().unwrap(),
        partial,
        reason: UnreadReason::Denied,
        call: String::new(),
        action: String::new(),
        detail: String::new(),
    }
}

/// Paths that may be unread, and whether in part.
const PARTS: [(&str, bool); 16] = [
    ("properties.A", false),
    ("properties.B", false),
    ("properties.M", false),
    ("properties.M.x", false),
    ("properties.M.x.deep", false),
    ("properties.M", true),
    ("properties.L", false),
    ("properties.L", true),
    ("properties.L[*].k", false),
    ("properties.L[1].v", false),
    ("properties.T", true),
    ("properties.M[*]", false),
    ("runtime", false),
    ("tags", false),
    ("properties", false),
    ("relations.r", false),
];

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("a")),
        Just(json!("b")),
        Just(json!(1)),
        Just(json!(2.5)),
        Just(json!(true)),
        Just(json!(false)),
        Just(Value::Null),
    ]
}

fn object(keys: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::collection::vec(prop::option::of(scalar()), keys.len()).prop_map(move |values| {
        let members = keys.iter().zip(values);
        Value::Object(
            members.filter_map(|(key, value)| Some(((*key).to_owned(), value?))).collect(),
        )
    })
}

fn properties() -> impl Strategy<Value = Map<String, Value>> {
    let member = prop_oneof![
        scalar(),
        object(&["deep", "x"]),
        prop::collection::vec(scalar(), 0..3).prop_map(Value::Array),
    ];
    (
        prop::option::of(scalar()),
        prop::option::of(scalar()),
        prop::option::of((member, scalar()).prop_map(|(x, y)| json!({"x": x, "y": y}))),
        prop::option::of(prop::collection::vec(object(&["k", "v"]), 0..4).prop_map(Value::Array)),
        prop::option::of(prop::collection::vec(scalar(), 0..4).prop_map(Value::Array)),
    )
        .prop_map(|(a, b, m, l, t)| {
            [("A", a), ("B", b), ("M", m), ("L", l), ("T", t)]
                .into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), value?)))
                .collect()
        })
}

fn resource(properties: Map<String, Value>) -> Resource {
    Resource {
        key: "key".into(),
        id: "id".into(),
        type_name: "AWS::X::Y".into(),
        account: "111122223333".into(),
        region: "us-east-1".into(),
        name: "name".into(),
        tags: [("team".to_owned(), "a".to_owned())].into(),
        runtime: [("R".to_owned(), json!(1))].into_iter().collect(),
        relations: vec![Relation {
            name: "r".into(),
            type_name: "AWS::X::Y".into(),
            target: "id".into(),
        }],
        properties,
        ..Resource::default()
    }
}

/// The resource with these parts unread, as a scan would have seen it: an unread part is not
/// there (or, for every second seed, holds a value that must not be trusted); a part read in part
/// has lost some of its members or elements.
fn masked(resource: &Resource, parts: &[usize], seed: usize) -> Resource {
    let mut masked = resource.clone();
    for part in parts {
        let (path, partial) = PARTS[*part];
        masked.unread.push(unread(path, partial));
        let steps = path.parse::<Path>().unwrap().0;
        let [Step::Key(root), rest @ ..] = steps.as_slice() else { continue };
        match root.as_str() {
            "properties" if rest.is_empty() => masked.properties.clear(),
            "properties" => {
                let mut value = Value::Object(std::mem::take(&mut masked.properties));
                hide(&mut value, rest, partial, (seed + part) % 3);
                let Value::Object(members) = value else { unreachable!() };
                masked.properties = members;
            }
            "runtime" => masked.runtime.clear(),
            "tags" => masked.tags.clear(),
            _ => masked.relations.clear(),
        }
    }
    masked
}

fn hide(value: &mut Value, steps: &[Step], partial: bool, how: usize) {
    let Some((step, rest)) = steps.split_first() else { return };
    match (step, value) {
        (Step::Key(key), Value::Object(members)) if rest.is_empty() => {
            if !partial {
                match how {
                    0 => drop(members.shift_remove(key)),
                    1 => drop(members.insert(key.clone(), json!("garbage"))),
                    _ => {}
                }
                return;
            }
            match members.get_mut(key) {
                Some(Value::Array(items)) => items.truncate(how),
                Some(Value::Object(inner)) if how > 0 => drop(inner.shift_remove("y")),
                _ => {}
            }
        }
        (Step::Key(key), Value::Object(members)) => {
            if let Some(member) = members.get_mut(key) {
                hide(member, rest, partial, how);
                // What holds nothing but unread parts was perhaps never built.
                if how == 0 && member.as_object().is_some_and(Map::is_empty) {
                    members.shift_remove(key);
                }
            }
        }
        (Step::Every | Step::Index(_), Value::Array(items)) => {
            for item in items {
                if rest.is_empty() {
                    *item = json!("garbage");
                } else {
                    hide(item, rest, partial, how);
                }
            }
        }
        (Step::Every | Step::Index(_), Value::Object(members)) if rest.is_empty() => {
            members.values_mut().for_each(|member| *member = json!("garbage"));
        }
        _ => {}
    }
}

/// Any expression: a condition, a value or a list, over the members above.
fn expression() -> impl Strategy<Value = String> {
    let path = prop::sample::select(vec![
        "resource.properties.A",
        "resource.properties.B",
        "resource.properties.M",
        "resource.properties.M.x",
        "resource.properties.M.x.deep",
        "resource.properties.M.y",
        "resource.properties.M['x']",
        "resource.properties.L",
        "resource.properties.L[0]",
        "resource.properties.L[1].k",
        "resource.properties.T",
        "resource.properties.T[0]",
        "resource.properties",
        "resource.properties.None",
        "resource.runtime.R",
        "resource.tags.team",
        "resource.tags",
        "resource.id",
        "resource.facts.f",
        "in_account('T')",
        "related(resource, 'r')",
        "in_region('T').map(o, o.properties.A)",
        "'a'",
        "1",
        "true",
        "null",
    ])
    .prop_map(str::to_owned);
    path.prop_recursive(5, 40, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        let three = (inner.clone(), inner.clone(), inner.clone());
        prop_oneof![
            (
                two.clone(),
                prop::sample::select(vec!["==", "!=", "<", ">=", "in", "+", "-", "&&", "||",])
            )
                .prop_map(|((a, b), op)| format!("(({a}) {op} ({b}))")),
            inner.clone().prop_map(|a| format!("!({a})")),
            three.prop_map(|(a, b, c)| format!("(({a}) ? ({b}) : ({c}))")),
            (
                two.clone(),
                prop::sample::select(vec!["exists", "all", "exists_one", "map", "filter"])
            )
                .prop_map(|((a, b), name)| format!(
                    "({a}).{name}(e, ({b}) == e || e.k == e.v && e != 'b')"
                )),
            (inner.clone(), prop::sample::select(vec!["exists", "all", "map", "filter"]))
                .prop_map(|(a, name)| format!("({a}).{name}(e, e.properties.B == e.k)")),
            (
                inner.clone(),
                prop::sample::select(vec![
                    "size", "first", "last", "flatten", "unique", "keys", "values", "entries",
                    "list", "string", "type", "lower", "pascal", "join", "int", "json",
                ])
            )
                .prop_map(|(a, name)| format!("{name}({a})")),
            (two.clone(), prop::sample::select(vec!["or_else", "merge", "contains", "join"]))
                .prop_map(|((a, b), name)| format!("{name}({a}, {b})")),
            two.clone().prop_map(|(a, b)| format!("[{a}, {b}]")),
            two.prop_map(|(a, b)| format!("{{'k': {a}, 'v': {b}}}")),
            inner.clone().prop_map(|a| format!("({a}).k")),
            inner.clone().prop_map(|a| format!("has(({a}).k)")),
            inner.prop_map(|a| format!("({a})[0]")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn with_more_unread_a_result_only_moves_to_unknown(
        source in expression(),
        own in properties(),
        others in prop::collection::vec(properties(), 0..3),
        fewer in prop::collection::vec(0..PARTS.len(), 0..3),
        more in prop::collection::vec(0..PARTS.len(), 1..3),
        listed in 0_usize..4,
        seed in 0_usize..3,
    ) {
        let Ok(program) = Program::compile(&source, ScopeKind::Control) else {
            // The generator may nest deeper than the limits allow.
            return Ok(());
        };
        let whole = resource(own);
        let before = masked(&whole, &fewer, seed);
        let after = masked(&before, &more, seed);
        let all: Vec<Resource> = others.into_iter().map(resource).collect();
        let facts = Some((json!({"f": true}), Vec::new()));
        let known = Others { resources: all.clone(), unread: Vec::new(), facts: facts.clone() };
        let mut partly = Others { resources: all, unread: Vec::new(), facts };
        if listed < partly.resources.len() {
            partly.resources.truncate(listed);
            partly.unread.push(unread("", true));
            partly.facts = None;
        }
        for other in &mut partly.resources {
            *other = masked(other, &more, seed);
        }
        let now = "2026-11-21T00:00:00Z".parse().unwrap();
        let results = [
            program.eval(&Env::control(&before, &known, now)),
            program.eval(&Env::control(&after, &known, now)),
            program.eval(&Env::control(&after, &partly, now)),
        ];
        for pair in results.windows(2) {
            match (&pair[0], &pair[1]) {
                (_, Outcome::Unknown(_)) => {}
                (Outcome::Unknown(_), known) => {
                    prop_assert!(false, "{source}: unknown became {known:?}");
                }
                (before, after) => prop_assert_eq!(before, after, "{}", source),
            }
        }
    }

    #[test]
    fn unknown_outcomes_say_why(source in expression(), own in properties(),
        parts in prop::collection::vec(0..PARTS.len(), 0..4)) {
        let Ok(program) = Program::compile(&source, ScopeKind::Control) else { return Ok(()) };
        let resource = masked(&resource(own), &parts, 0);
        let others = Others { resources: Vec::new(), unread: Vec::new(), facts: None };
        let env = Env::control(&resource, &others, "2026-11-21T00:00:00Z".parse().unwrap());
        let (truth, decided) = program.truth(&env);
        let why = decided.unread.len() + decided.problems.len();
        prop_assert_eq!(truth == Truth::Unknown, why > 0, "{}", source);
    }
}

#[test]
fn the_logic_is_kleenes() {
    let values = [("true", Truth::True), ("false", Truth::False), ("output.U", Truth::Unknown)];
    let output = json!({"U": true});
    let hidden = [unread("U", false)];
    let env = Env::mapping().bind_unread(Root::Output, &output, &hidden);
    let check = |source: &str, expected: Truth| {
        let program = Program::compile(source, ScopeKind::ListOutput).unwrap();
        let (truth, decided) = program.truth(&env);
        assert_eq!(truth, expected, "{source}");
        assert_eq!(decided.unread.is_empty(), expected != Truth::Unknown, "{source}");
    };
    for (a, a_truth) in values {
        check(&format!("!{a}"), !a_truth);
        for (b, b_truth) in values {
            check(&format!("{a} && {b}"), a_truth.and(b_truth));
            check(&format!("{a} || {b}"), a_truth.or(b_truth));
            check(&format!("!({a} && {b})"), (!a_truth).or(!b_truth));
            check(&format!("[{a}, {b}].exists(x, x)"), a_truth.or(b_truth));
            check(
                &format!("{a} ? {b} : {b}"),
                match a_truth {
                    Truth::Unknown if b_truth == Truth::Unknown => Truth::Unknown,
                    _ => b_truth,
                },
            );
        }
    }
    check("[true, output.U].all(x, x)", Truth::Unknown);
    check("[false, output.U].all(x, x)", Truth::False);
    check("size([output.U]) >= 0", Truth::Unknown);
}

#[test]
fn the_parts_that_decided_are_named_and_no_others() {
    let resource = Resource {
        unread: vec![unread("properties.A", false), unread("properties.B", false)],
        ..resource(Map::new())
    };
    let others = Others { resources: Vec::new(), unread: Vec::new(), facts: None };
    let env = Env::control(&resource, &others, "2026-11-21T00:00:00Z".parse().unwrap());
    let check = |source: &str, expected: &[&str]| {
        let program = Program::compile(source, ScopeKind::Control).unwrap();
        let (_, decided) = program.truth(&env);
        let paths: Vec<String> = decided.unread.iter().map(|one| one.path.to_string()).collect();
        assert_eq!(paths, expected, "{source}");
    };
    check("resource.properties.A == 1", &["properties.A"]);
    check("resource.properties.A && resource.properties.B", &["properties.A", "properties.B"]);
    check("resource.properties.A && false", &[]);
    check("resource.properties.C == 1 || resource.properties.B == 2", &["properties.B"]);
    check("resource.id == 'id'", &[]);
    check("resource.facts.x", &[""]);
    check("in_account('T').exists(o, true)", &[]);
}
