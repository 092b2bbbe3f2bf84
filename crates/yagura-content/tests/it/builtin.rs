//! The content that the library carries.
//! What each file means is checked by lint, and its cases by `yagura content test`.

use std::path::Path;

use yagura_content::Content;

/// The content folder of the repository.
fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content")
}

#[test]
fn the_built_in_content_has_no_problems() {
    let content = Content::builtin();
    let problems: Vec<String> = content.problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems, Vec::<String>::new());
    assert!(!content.controls.is_empty() && !content.resources.is_empty());
}

#[test]
fn the_packed_form_means_the_same_as_the_files() {
    let packed = Content::builtin();
    let files = Content::from_folder(&folder());
    let check = |packed: String, file: String| {
        let lines = packed.lines().zip(file.lines());
        let different: Vec<_> = lines.filter(|(packed, file)| packed != file).take(3).collect();
        assert!(packed == file, "{different:#?}");
    };
    check(format!("{:#?}", packed.resources), format!("{:#?}", files.resources));
    check(format!("{:#?}", packed.controls), format!("{:#?}", files.controls));
    check(format!("{:#?}", packed.frameworks), format!("{:#?}", files.frameworks));
    check(format!("{:#?}", packed.queries), format!("{:#?}", files.queries));
    assert_eq!(packed.samples, files.samples);
    let tables = |content: &Content| format!("{:#?}", content.tables());
    check(tables(packed), tables(&files));
}

#[test]
fn the_files_pass_lint() {
    let problems: Vec<String> =
        Content::from_folder(&folder()).lint(None).iter().map(ToString::to_string).collect();
    assert_eq!(problems, Vec::<String>::new());
}
