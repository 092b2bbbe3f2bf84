//! The crate graph: a golden file of our own edges, forbidden edges with their reasons, licenses.
//! What the compiler already refuses (cycles) is not checked again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::Context;
use camino::Utf8Path;
use serde::Deserialize;

use super::{Tree, golden};

/// Outside crates that live behind one of ours: (name prefix, who may use it, why).
const FENCES: [(&str, &[&str], &str); 9] = [
    ("aws-", &["yagura-aws"], "one crate speaks AWS and obtains credentials"),
    ("sqlx", &["yagura-store"], "one crate has SQL text for our own database"),
    ("arrow", &["yagura-lake"], "one crate has Arrow"),
    ("parquet", &["yagura-lake"], "one crate has Parquet"),
    ("datafusion", &["yagura-lake"], "one crate has DataFusion"),
    (
        "object_store",
        &["yagura-lake", "yagura-aws", "yagura-collect"],
        "lake receives a ready object store",
    ),
    ("minijinja", &["yagura-report", "yagura-console"], "report and console emit HTML"),
    ("cel", &["yagura-content"], "one crate compiles expressions"),
    (
        "axum",
        &["yagura", "yagura-console", "yagura-testkit"],
        "one crate serves pages, and the binary puts them behind its address",
    ),
];

/// Our own forbidden edges, through any path: (from, to, why).
const FORBIDDEN: [(&str, &str, &str); 9] = [
    ("yagura-judge", "yagura-aws", "judge cannot call AWS"),
    ("yagura-console", "yagura-aws", "console shows; it never calls AWS"),
    ("yagura-console", "yagura-respond", "console writes intents; it never acts"),
    ("yagura-respond", "yagura-lake", "respond acts on findings; it never reads logs"),
    ("yagura-collect", "yagura-judge", "the stages never see one another"),
    ("yagura-judge", "yagura-collect", "the stages never see one another"),
    ("yagura-respond", "yagura-judge", "the stages never see one another"),
    ("yagura-respond", "yagura-collect", "the stages never see one another"),
    ("yagura-analyze", "tokio", "analyze does no I/O"),
];

/// Licenses that the shipped binary may carry.
const LICENSES: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// One package of the lock file, as cargo describes it.
#[derive(Deserialize)]
pub(crate) struct Package {
    /// The crate's name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Its SPDX license expression.
    pub(crate) license: Option<String>,
    source: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// Every package of the workspace and the lock file, sorted by name.
pub(crate) fn metadata(root: &Utf8Path) -> anyhow::Result<Vec<Package>> {
    let output = crate::services::cargo(root)
        .args(["metadata", "--format-version", "1", "--locked"])
        .output()
        .context("could not run cargo metadata")?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    metadata.packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Ok(metadata.packages)
}

fn is_ours(package: &Package) -> bool {
    package.source.is_none()
}

/// The normal (neither dev nor build) dependencies of our own crates.
fn own_edges(packages: &[Package]) -> BTreeMap<&str, BTreeSet<&str>> {
    packages
        .iter()
        .filter(|package| is_ours(package))
        .map(|package| {
            let normal = package.dependencies.iter().filter(|edge| edge.kind.is_none());
            (package.name.as_str(), normal.map(|edge| edge.name.as_str()).collect())
        })
        .collect()
}

pub(super) fn crate_graph(tree: &Tree, fix: bool) -> anyhow::Result<Vec<String>> {
    let packages = metadata(&tree.root)?;
    let edges = own_edges(&packages);
    let mut text = String::from(
        "# Who depends on whom among our own crates. Generated; an edge that appears here is a\n\
         # decision: read docs in ARCHITECTURE.md, then `cargo xtask tidy --fix`.\n",
    );
    for (from, to) in &edges {
        let ours: Vec<&str> = to.iter().copied().filter(|name| edges.contains_key(name)).collect();
        writeln!(text, "{from}: {}", ours.join(" "))?;
    }
    golden(tree, "docs/internals/crate-graph.txt", &text, fix)
}

pub(super) fn forbidden(tree: &Tree, _fix: bool) -> anyhow::Result<Vec<String>> {
    let packages = metadata(&tree.root)?;
    let edges = own_edges(&packages);
    let mut problems = Vec::new();
    for (from, to, why) in FORBIDDEN {
        if reaches(&edges, from, to) {
            problems.push(format!("`{from}` reaches `{to}`, but {why}"));
        }
    }
    for (from, dependencies) in &edges {
        let chore = matches!(*from, "xtask" | "yagura-testkit");
        for (prefix, allowed, why) in FENCES {
            let uses = dependencies.iter().any(|name| fenced(name, prefix));
            if uses && !allowed.contains(from) && !chore {
                problems.push(format!("`{from}` depends on `{prefix}…`, but {why}"));
            }
        }
        let is_engine = tree.root.join(format!("lib/{from}/Cargo.toml")).exists();
        for name in dependencies.iter().filter(|name| is_engine && name.starts_with("yagura")) {
            problems
                .push(format!("engine `{from}` knows `{name}`; engines know nothing of Yagura"));
        }
    }
    Ok(problems)
}

fn fenced(name: &str, prefix: &str) -> bool {
    if prefix.ends_with('-') { name.starts_with(prefix) } else { name == prefix }
}

fn reaches(edges: &BTreeMap<&str, BTreeSet<&str>>, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(next) = open.pop() {
        let Some(targets) = edges.get(next) else { continue };
        if targets.contains(to) {
            return true;
        }
        open.extend(targets.iter().copied().filter(|target| seen.insert(*target)));
    }
    false
}

pub(super) fn licenses(tree: &Tree, _fix: bool) -> anyhow::Result<Vec<String>> {
    let packages = metadata(&tree.root)?;
    Ok(packages
        .iter()
        .filter(|package| !is_ours(package))
        .filter(|package| !package.license.as_deref().is_some_and(is_allowed))
        .map(|package| {
            let license = package.license.as_deref().unwrap_or("none");
            format!("`{} {}` has license `{license}`", package.name, package.version)
        })
        .collect())
}

/// Whether an SPDX expression of `OR`, `AND` and parentheses can be met with allowed licenses.
/// The old `A/B` spelling means `OR`.
fn is_allowed(expression: &str) -> bool {
    let plain = expression.replace('/', " OR ").replace(['(', ')'], " ");
    plain.split(" AND ").all(|all| all.split(" OR ").any(|one| LICENSES.contains(&one.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn license_expressions_are_understood() {
        for (expression, allowed) in [
            ("MIT", true),
            ("MIT OR Apache-2.0", true),
            ("MIT/Apache-2.0", true),
            ("GPL-3.0", false),
            ("MIT AND GPL-3.0", false),
            ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
            ("Apache-2.0 WITH LLVM-exception OR MIT", true),
        ] {
            assert_eq!(is_allowed(expression), allowed, "{expression}");
        }
    }

    #[test]
    fn an_edge_through_another_crate_is_found() {
        let edges =
            BTreeMap::from([("a", BTreeSet::from(["b"])), ("b", BTreeSet::from(["c", "a"]))]);
        assert!(reaches(&edges, "a", "c"));
        assert!(!reaches(&edges, "c", "a"));
    }
}
