//! What expressions evaluate to, as tables.
//! The laws that hold for all expressions are in `expression_laws.rs`.

use serde_json::{Value, json};
use yagura_content::expression::{Env, Outcome, Program, Root, ScopeKind};

fn outcome(source: &str, output: &Value) -> Outcome {
    let program = Program::compile(source, ScopeKind::ListOutput)
        .unwrap_or_else(|error| panic!("{source}: {error} ({}:{})", error.line, error.column));
    let env = Env::mapping()
        .bind(Root::Output, output)
        .bind_text(Root::Account, "111122223333")
        .bind_text(Root::Region, "eu-west-1")
        .bind_now("2026-11-21T00:00:00Z".parse().unwrap());
    program.eval(&env)
}

fn check(source: &str, output: &Value, expected: &Value) {
    assert_eq!(outcome(source, output), Outcome::Value(expected.clone()), "{source}");
}

fn sample() -> Value {
    json!({
        "Name": "a",
        "Count": 3,
        "Ratio": 0.5,
        "On": true,
        "Nothing": null,
        "Created": "2026-10-01T00:00:00Z",
        "Tags": [{"Key": "team", "Value": "x"}, {"Key": "stage", "Value": "prod"}],
        "Empty": [],
        "Map": {"b": 2, "a": 1},
        "Policy": "{\"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"s3:*\"}]}",
        "Nested": [[1, 2], [3]],
        "Mixed": [1, 1.0, "1", 2],
    })
}

#[test]
fn standard_operators_and_macros_have_their_cel_results() {
    let output = sample();
    for (source, expected) in [
        ("1 + 2 * 3 - 4 / 2 % 3", json!(5)),
        ("'a' + 'b'", json!("ab")),
        ("[1] + [2]", json!([1, 2])),
        ("0.5 + 1", json!(1.5)),
        ("-output.Count", json!(-3)),
        ("output.Count == 3.0", json!(true)),
        ("output.Name == 'a' && output.On", json!(true)),
        ("output.Name != 'a' || !output.On", json!(false)),
        ("output.On ? 'yes' : 'no'", json!("yes")),
        ("output.Tags[1].Key", json!("stage")),
        ("output['Name']", json!("a")),
        ("output.Tags.exists(t, t.Key == 'team')", json!(true)),
        ("output.Tags.all(t, t.Key == 'team')", json!(false)),
        ("output.Tags.exists_one(t, t.Key == 'team')", json!(true)),
        ("output.Tags.map(t, t.Key)", json!(["team", "stage"])),
        ("output.Tags.map(t, t.Key == 'team', t.Value)", json!(["x"])),
        ("output.Tags.filter(t, t.Value == 'prod')", json!([{"Key": "stage", "Value": "prod"}])),
        ("output.Tags.exists(t, output.Tags.exists(u, u.Key < t.Key))", json!(true)),
        ("output.Map.exists(k, k == 'b')", json!(true)),
        ("3 in output.Mixed", json!(false)),
        ("2 in output.Mixed", json!(true)),
        ("'a' in output.Map", json!(true)),
        ("output.Tags == output.Tags", json!(true)),
        ("output.Map == {'a': 1, 'b': 2}", json!(true)),
        ("output.Map == {'a': 1, 'b': 3}", json!(false)),
        ("output.Nested == [[1, 2], [3]]", json!(true)),
        ("output.Nested == [[1, 2], [4]]", json!(false)),
        ("{'k': output.Name, 'none': output.None}", json!({"k": "a"})),
        ("[output.Name, output.None]", json!(["a"])),
        ("type(output.Name) == string", json!(true)),
        ("type(output.None)", json!("null")),
        ("true || (1 < 'a')", json!(true)),
        ("false && (1 < 'a')", json!(false)),
    ] {
        check(source, &output, &expected);
    }
}

#[test]
fn functions_have_their_results() {
    let output = sample();
    for (source, expected) in [
        ("size('日本')", json!(2)),
        ("output.Tags.size()", json!(2)),
        ("size(output.Map)", json!(2)),
        ("'abc'.contains('b')", json!(true)),
        ("output.Mixed.contains('1')", json!(true)),
        ("'abc'.startsWith('ab') && 'abc'.endsWith('bc')", json!(true)),
        ("'abc'.matches('^a.c$')", json!(true)),
        ("matches('abc', 'x' + '.')", json!(false)),
        ("int('42') + int(1.9)", json!(43)),
        ("double('1.5')", json!(1.5)),
        ("string(1) + string(true) + string(0.5)", json!("1true0.5")),
        ("bool('True')", json!(true)),
        ("timestamp(output.Created) < now - days(30)", json!(true)),
        ("now - timestamp(output.Created) > days(60)", json!(false)),
        ("duration('36h') == days(1) + duration('12h')", json!(true)),
        ("timestamp(0)", json!("1970-01-01T00:00:00Z")),
        ("lower('ÀB') + upper('c')", json!("àbC")),
        ("split('a,b,,c', ',')", json!(["a", "b", "", "c"])),
        ("join(['a', 'b'], '-') + join(['c', 'd'])", json!("a-bcd")),
        ("replace('a.b.c', '.', '/')", json!("a/b/c")),
        ("trim('  x ')", json!("x")),
        ("json(output.Policy).Statement[0].Effect", json!("Allow")),
        ("url_decode('%7B%22a%22%3A1%7D')", json!("{\"a\":1}")),
        ("base64_decode('aGVsbG8=')", json!("hello")),
        ("csv('a,b\\n1,2\\n3,4\\n')", json!([{"a": "1", "b": "2"}, {"a": "3", "b": "4"}])),
        ("first(output.Tags).Key", json!("team")),
        ("last(split('a/b', '/'))", json!("b")),
        ("last([])  == null", json!(true)),
        ("pascal({'aB': [{'cD': 1}]})", json!({"AB": [{"CD": 1}]})),
        ("flatten(output.Nested)", json!([1, 2, 3])),
        ("flatten([[1], 2])", json!([1, 2])),
        ("unique([1, 2, 1, 2.0, '1'])", json!([1, 2, "1"])),
        ("merge({'a': 1, 'b': 1}, {'b': 2})", json!({"a": 1, "b": 2})),
        ("merge(output.None, {'b': 2})", json!({"b": 2})),
        ("keys(output.Map)", json!(["b", "a"])),
        ("values(output.Map)", json!([2, 1])),
        ("entries({'a': 1})", json!([{"key": "a", "value": 1}])),
        ("list('x') + list(['y']) + list(output.None)", json!(["x", "y"])),
        ("list({'a': 1})", json!([{"a": 1}])),
        ("or_else(output.None, 'd') + or_else(output.Name, 'd')", json!("da")),
        ("arn('arn:aws:iam::111122223333:role/x').account", json!("111122223333")),
        ("arn('arn:aws:iam::111122223333:role/x').resource", json!("role/x")),
        ("has(arn('*').account)", json!(false)),
        ("cidr_contains('10.0.0.0/8', '10.1.0.0/16')", json!(true)),
    ] {
        check(source, &output, &expected);
    }
}

#[test]
fn what_is_absent_or_null_has_its_defined_result() {
    let output = sample();
    for absent in [
        "output.None",
        "output.None.Deeper",
        "output.Nothing",
        "output.Name.Member",
        "output.Empty[0]",
        "first(output.Empty)",
        "output.Tags[9].Key",
    ] {
        for (form, expected) in [
            ("X == 'x'", false),
            ("X == null", true),
            ("X != 'x'", true),
            ("X != null", false),
            ("X < 1", false),
            ("X >= 1", false),
            ("X in ['x']", false),
            ("'x' in X", false),
            ("size(X) == 0", true),
            ("X ? true : false", false),
            ("!X", true),
            ("X.exists(i, true)", false),
            ("X.all(i, false)", true),
            ("X.map(i, i) == []", true),
            ("lower(X) == null", true),
            ("X + 'a' == null", true),
            ("X.startsWith('a') == null", true),
            ("[X] == []", true),
            ("{'k': X} == {}", true),
            ("list(X) == []", true),
            ("or_else(X, 1) == 1", true),
            ("timestamp(X) < now", false),
            ("X.matches('a') == null", true),
            ("(X && true) == false", true),
        ] {
            check(&form.replace('X', absent), &output, &json!(expected));
        }
        assert_eq!(outcome(absent, &output), Outcome::Absent, "{absent}");
    }
    for absent in ["output.None", "output.None.Deeper", "output.Nothing", "output.Name.Member"] {
        check(&format!("has({absent})"), &output, &json!(false));
    }
}

#[test]
fn an_operation_without_result_is_a_problem_and_decides_nothing() {
    let output = sample();
    for source in [
        "'a' < 3",
        "output.Count && true",
        "1 / 0",
        "9223372036854775807 + 1",
        "-(-9223372036854775807 - 1)",
        "'a'.exists(x, true)",
        "size(3)",
        "int('x')",
        "days('x')",
        "timestamp('yesterday')",
        "json('{')",
        "base64_decode('%')",
        "split('a', '')",
        "replace('a', '', 'b')",
        "join([1])",
        "cidr_contains('x', 'y')",
        "bool('maybe')",
        "double('nan')",
        "'a' - 1",
        "true + 1",
        "keys([1])",
        "csv('a,b\\n1')",
        "{1: 2} < 3",
        "matches('a', '(' + ')')  && matches('a', '(' + '')",
        "'x' in 'xyz'",
    ] {
        let Outcome::Unknown(decided) = outcome(source, &output) else {
            panic!("{source} has a result: {:?}", outcome(source, &output));
        };
        assert_eq!((decided.problems.len(), decided.unread.len()), (1, 0), "{source}");
    }
}
