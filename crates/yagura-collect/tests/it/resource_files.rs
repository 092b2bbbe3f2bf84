//! Every case of every resource file, through the real mapping.
//! Not the form of the files: that is checked in `yagura-content`.

use std::path::PathBuf;

use yagura_content::Content;

pub(crate) fn content() -> Content {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../content");
    Content::from_folder(&folder)
}

#[test]
fn every_case_of_every_resource_file_holds() {
    let content = content();
    let broken: Vec<String> = content
        .problems
        .iter()
        .filter(|problem| problem.file.contains("resources/"))
        .map(|problem| format!("{problem:?}"))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let results = yagura_collect::cases::run(&content);
    let failed: Vec<String> = results
        .iter()
        .flat_map(|result| {
            result
                .problems
                .iter()
                .map(move |problem| format!("{} · {}: {problem}", result.type_name, result.case))
        })
        .collect();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), results.len(), failed.join("\n"));
    assert!(results.len() >= content.resources.len(), "a resource file has no case");
}
