//! Expressions and files that want to hang, overflow or fill the process.
//! Honest mistakes are in `lint_messages.rs`.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use yagura_content::Content;
use yagura_content::expression::{Env, Outcome, Program, Root, ScopeKind};

fn refused(source: &str) -> String {
    match Program::compile(source, ScopeKind::ListOutput) {
        Ok(_) => panic!("compiled: {}", source.chars().take(60).collect::<String>()),
        Err(error) => error.message,
    }
}

#[test]
fn deep_and_long_expressions_are_refused_before_they_are_parsed() {
    for (source, why) in [
        ("(".repeat(10_000) + "1" + &")".repeat(10_000), "longer than 16 KiB"),
        ("(".repeat(7_000) + "1" + &")".repeat(7_000), "deeper than 48 levels"),
        ("[".repeat(10_000), "deeper than 48 levels"),
        ("!".repeat(10_000) + "true", "in a row"),
        ("1".to_owned() + &"+1".repeat(5_000), "more than 3000 operators"),
        ("output".to_owned() + &".a".repeat(2_900), "deeper than 120 levels"),
        ("1".to_owned() + &" + 1".repeat(2_900), "deeper than 120 levels"),
        ("true ? 1 : ".repeat(1_000) + "1", "deeper than 48 levels"),
        ("'".to_owned() + &"a".repeat(100_000) + "'", "longer than 16 KiB"),
        ("'unterminated".to_owned(), ""),
        ("\"\"\"unterminated".to_owned(), ""),
        ("\0".to_owned(), ""),
        ("output.matches('(a{1000}){1000}')".to_owned(), "pattern"),
        (format!("output.matches('{}')", "(".repeat(1_000)), "pattern"),
    ] {
        let message = refused(&source);
        assert!(message.contains(why), "{message} for {}", &source[..source.len().min(60)]);
    }
}

/// What is wrong is located by a second parser, which must bear what the first one let pass.
#[test]
fn mistakes_at_the_limits_are_located() {
    for source in [
        "(".repeat(47) + "zz" + &")".repeat(47),
        "[".repeat(40) + "zz" + &"]".repeat(40),
        "zz".to_owned() + &" + 1".repeat(110),
        "zz".to_owned() + &".a".repeat(110),
        vec!["output == zz"; 700].join(" || "),
        "lower(".repeat(40) + "zz" + &")".repeat(40),
        "true ? 1 : ".repeat(40) + "zz",
        format!("f(zz, {}1)", "1 + ".repeat(100)),
    ] {
        assert!(refused(&source).starts_with("unknown"), "{source}");
    }
}

#[test]
fn a_row_of_a_thousand_alternatives_is_no_deep_tree() {
    let source = vec!["output == 1"; 700].join(" || ");
    let program = Program::compile(&source, ScopeKind::ListOutput).unwrap();
    let output = json!(1);
    let outcome = program.eval(&Env::mapping().bind(Root::Output, &output));
    assert_eq!(outcome, Outcome::Value(json!(true)));
}

fn exhausted(source: &str, output: &Value, fuel: u64) {
    let program = Program::compile(source, ScopeKind::ListOutput).unwrap();
    let env = Env::mapping().bind(Root::Output, output).with_fuel(fuel);
    let Outcome::Unknown(decided) = program.eval(&env) else { panic!("{source} has a result") };
    let problem = &decided.problems[0];
    assert!(problem.contains("too many steps") || problem.contains("16 MiB"), "{problem}");
}

#[test]
fn what_multiplies_runs_out_of_steps() {
    let numbers = json!((0..100).collect::<Vec<_>>());
    let nested = "output.map(a, output.map(b, output.map(c, output.map(d, [a, b, c, d]))))";
    exhausted(nested, &numbers, 100_000);
    exhausted("output.all(a, output.all(b, output.all(c, a + b + c >= 0)))", &numbers, 100_000);
    exhausted(
        "false && output.all(a, output.all(b, output.all(c, true)))  || \
               output.all(a, output.all(b, output.all(c, true)))",
        &numbers,
        100_000,
    );
    let text = json!("x".repeat(1_000_000));
    exhausted("replace(output, 'x', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')", &text, 20_000_000);
    exhausted("split(output, 'x').map(a, output + output)", &text, 1_000_000);
}

/// A pattern that makes backtracking engines take longer than the universe.
#[test]
fn patterns_take_linear_time() {
    let program = Program::compile("output.matches('^(a+)+$')", ScopeKind::ListOutput).unwrap();
    let output = json!("a".repeat(100_000) + "!");
    let outcome = program.eval(&Env::mapping().bind(Root::Output, &output));
    assert_eq!(outcome, Outcome::Value(json!(false)));
}

#[test]
fn chains_that_double_their_origins_stay_small() {
    let mut source = "[output.a, output.b]".to_owned();
    for n in 0..40 {
        source = format!("{source}.map(x{n}, [x{n}.c, x{n}.d])");
    }
    let program = Program::compile(&source, ScopeKind::ListOutput).unwrap();
    assert!(format!("{:?}", program.reads()).len() < 1_000_000);
}

/// The problems of a site folder with one file.
fn problems_of(name: &str, bytes: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    let content = Content::from_folder(folder.path());
    assert!(content.controls.is_empty() && content.resources.is_empty());
    content.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn hostile_files_disable_themselves_with_one_problem() {
    let bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned()
        + &(0..20)
            .map(|n| {
                let (name, of) = ((b'b' + n) as char, (b'a' + n) as char);
                format!("{name}: &{name} [{}]\n", format!("*{of}, ").repeat(9))
            })
            .collect::<String>();
    for (name, bytes) in [
        ("deep flow", "[".repeat(10_000)),
        ("deep block", (0..5_000).map(|n| " ".repeat(n) + "a:\n").collect()),
        ("bomb", bomb),
        ("recursion", "type: &a [*a]\n".to_owned()),
        ("duplicate", "type: A\ntype: B\n".to_owned()),
        ("two documents", "type: A\n---\ntype: B\n".to_owned()),
        ("tag", "type: !!python/object:os.system [x]\n".to_owned()),
        ("nothing", String::new()),
        ("tabs", "type:\n\tx: y\n".to_owned()),
        ("control characters", "type: \u{1}\u{7}\n".to_owned()),
        ("huge", "a".repeat(1024 * 1024 + 1)),
        ("list", "- 1\n- 2\n".to_owned()),
    ] {
        let problems = problems_of("controls/s3/hostile.yaml", bytes.as_bytes());
        assert_eq!(problems.len(), 1, "{name}: {problems:?}");
        assert!(problems[0].starts_with("controls/s3/hostile.yaml:"), "{name}: {problems:?}");
        assert!(problems[0].len() < 500, "{name}");
    }
    let binary = problems_of("controls/s3/hostile.yaml", &[0xff, 0xfe, 0, 1]);
    assert_eq!(binary.len(), 1, "{binary:?}");
}

#[test]
fn a_hundred_megabytes_are_not_even_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("controls/s3")).unwrap();
    let file = fs::File::create(folder.path().join("controls/s3/large.yaml")).unwrap();
    file.set_len(100 * 1024 * 1024).unwrap();
    let start = std::time::Instant::now();
    let content = Content::from_folder(folder.path());
    assert_eq!(content.problems.len(), 1);
    assert!(content.problems[0].message.contains("larger than 1 MiB"));
    assert!(start.elapsed() < Duration::from_secs(5));
}
