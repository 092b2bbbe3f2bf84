//! What an expression is found to read, and how mistakes are told, without running it.
//! Results are in `expression_results.rs`.

use yagura_content::expression::{PathSet, Program, ScopeKind, Source};

fn check(source: &str, expected: &[&str]) {
    let program = Program::compile(source, ScopeKind::Control).unwrap();
    let PathSet::Paths(paths) = program.paths("resource") else { panic!("{source} reads all") };
    let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
    assert_eq!(paths, expected, "{source}");
}

#[test]
fn paths_are_followed_through_variables_and_functions() {
    check("resource.properties.A == 1", &["properties.A"]);
    check("has(resource.properties.A.B)", &["properties.A.B"]);
    check("resource.properties['A'] == resource.tags['team']", &["properties.A", "tags.team"]);
    check("resource.properties.L.exists(x, x.K == 1)", &["properties.L[*].K"]);
    check("resource.properties.L.exists(x, true)", &["properties.L"]);
    check(
        "resource.properties.L.filter(x, x.K).map(y, y.V).exists(z, z.W)",
        &["properties.L[*].K", "properties.L[*].V.W"],
    );
    check(
        "resource.properties.L.all(x, x.M.exists(y, y == x.N))",
        &["properties.L[*].M[*]", "properties.L[*].N"],
    );
    check(
        "list(resource.properties.P.Statement).exists(s, 'x' in list(s.Action))",
        &["properties.P.Statement[*].Action[*]"],
    );
    check("first(resource.properties.L).K == 1", &["properties.L[*].K"]);
    check(
        "or_else(resource.properties.A, resource.properties.B).C",
        &["properties.A.C", "properties.B.C"],
    );
    check("entries(resource.properties.M).exists(e, e.value.X)", &["properties.M[*].X"]);
    check("{'k': resource.properties.A, 'v': resource.properties.B}.k", &["properties.A"]);
    check("size(resource.properties.L) > 0", &["properties.L"]);
    check("related(resource, 'vpc').exists(v, true)", &["relations.vpc"]);
}

#[test]
fn a_resource_used_whole_may_read_everything() {
    let program = Program::compile("[resource] != []", ScopeKind::Control).unwrap();
    assert_eq!(program.paths("resource"), PathSet::All);
}

#[test]
fn types_and_paths_of_neighbors_are_known() {
    let source = "referring(resource, 'AWS::X::A', 'r').exists(a, a.properties.K) && \
                  in_region('AWS::X::B').size() > 0 && \
                  related(resource, 'vpc').all(v, related(v, 'owner').exists(o, o.id == 'x'))";
    let program = Program::compile(source, ScopeKind::Control).unwrap();
    assert_eq!(program.types().into_iter().collect::<Vec<_>>(), ["AWS::X::A", "AWS::X::B"]);
    let all: Vec<String> = program
        .reads()
        .sources()
        .map(|(source, paths)| {
            let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
            format!("{} {}", name(source), paths.join(","))
        })
        .collect();
    assert_eq!(
        all,
        [
            "resource relations.vpc",
            "AWS::X::A properties.K,relations.r",
            "AWS::X::B ",
            "resource>vpc relations.owner",
            "resource>vpc>owner id",
        ]
    );
}

fn name(source: &Source) -> String {
    match source {
        Source::Root(root) => root.as_str().to_owned(),
        Source::Type(name) => name.clone(),
        Source::Related { of, relation } => format!("{}>{relation}", name(of)),
    }
}

#[test]
fn mistakes_are_told_with_place_and_hint() {
    for (source, scope, place, message, hint) in [
        (
            "resorce.id",
            ScopeKind::Control,
            (1, 1),
            "unknown variable `resorce`",
            "did you mean `resource`?",
        ),
        (
            "resource.id == x",
            ScopeKind::Control,
            (1, 16),
            "unknown variable `x`",
            "known here: resource, parameters, now, account; a text is written in quotes",
        ),
        (
            "true &&\n  sizze(resource.id)",
            ScopeKind::Control,
            (2, 8),
            "unknown function `sizze`",
            "did you mean `size`?",
        ),
        ("lower('a', 'b')", ScopeKind::Control, (1, 6), "`lower` takes 1 argument, not 2", ""),
        (
            "in_account(resource.type)",
            ScopeKind::Control,
            (1, 11),
            "`in_account` wants names written as texts",
            "`in_account('AWS::Service::Type')` is the form",
        ),
        (
            "in_account('A')",
            ScopeKind::Identity,
            (1, 11),
            "`in_account` can be called in controls only",
            "a resource file sees one resource at a time",
        ),
        (
            "'日本' == x",
            ScopeKind::Control,
            (1, 9),
            "unknown variable `x`",
            "known here: resource, parameters, now, account; a text is written in quotes",
        ),
        (
            "exists(resource.tags, true)",
            ScopeKind::Control,
            (1, 7),
            "`exists` is not called like this",
            "`list.exists(x, …)` is the form",
        ),
        (
            "resource.tags.exists(resource, true)",
            ScopeKind::Control,
            (1, 21),
            "`resource` is a variable already",
            "give the element another name",
        ),
        (
            "output.x",
            ScopeKind::Control,
            (1, 1),
            "unknown variable `output`",
            "known here: resource, parameters, now, account",
        ),
        ("", ScopeKind::Control, (1, 1), "the expression is empty", ""),
    ] {
        let error = Program::compile(source, scope).unwrap_err();
        assert_eq!((error.line, error.column), place, "{source}: {error}");
        assert_eq!((error.message.as_str(), error.hint.as_str()), (message, hint), "{source}");
    }
    for source in [
        "a and b",
        "1 +",
        "resource.",
        "(1",
        "1 = 2",
        "a b",
        "{1",
        "resource.?x",
        "b'x'",
        "A{x: 1}",
    ] {
        let error = Program::compile(source, ScopeKind::Control).unwrap_err();
        assert!(!error.message.is_empty() && error.line == 1, "{source}: {error:?}");
        assert!(!error.message.contains("ERROR"), "{error}");
    }
}

/// The reference lists what there is, neither more nor less.
#[test]
fn the_reference_names_every_function() {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/internals/content.md");
    let reference = std::fs::read_to_string(path).unwrap();
    let (_, expressions) = reference.split_once("Functions may be called as").unwrap();
    for function in yagura_content::expression::function_names() {
        assert!(expressions.contains(&format!("`{function}")), "{function} is not documented");
    }
}
