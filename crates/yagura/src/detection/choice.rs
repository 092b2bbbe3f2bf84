//! Which detections a command judges with: those of the content, chosen by id, and rule files that
//! the person names. How rules are compiled is judge's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use yagura_content::format::Detection;
use yagura_content::{Content, Problem, ProblemLevel, glob};
use yagura_judge::detections::{DetectOptions, Detector};

use crate::context::Context;
use crate::output::Hinted;

/// Bytes of a rule file; what is larger is no rule.
const RULE_BYTES_MAX: u64 = 4 << 20;
/// Rule files of one folder.
const RULE_FILES_MAX: usize = 100_000;
/// Problems that are told one by one.
const PROBLEMS_SHOWN_MAX: usize = 5;

/// The flags that choose detections.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct DetectionChoice {
    #[arg(long, value_name = "FILE|DIR", value_delimiter = ',')]
    pub(crate) rules: Vec<PathBuf>,
    #[arg(long)]
    pub(crate) no_builtin: bool,
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub(crate) detections: Vec<String>,
}

impl DetectionChoice {
    /// Only these files.
    pub(crate) fn only(rules: &[PathBuf]) -> Self {
        Self { rules: rules.to_vec(), no_builtin: true, detections: Vec::new() }
    }

    /// What is chosen, compiled. What is wrong with a single rule of a folder is said on stderr;
    /// a file that the person named must be sound.
    ///
    /// # Errors
    /// A file that cannot be read or is no rule, a pattern that fits nothing, or nothing to judge
    /// with.
    pub(crate) fn compile(
        &self,
        context: &Context,
        content: &Content,
        options: DetectOptions,
    ) -> anyhow::Result<Chosen> {
        let wrong = |pattern: &&String| !fits_any(content, pattern);
        if let Some(pattern) = self.detections.iter().find(wrong) {
            bail!(Hinted::new(
                format!("no detection is called `{pattern}`"),
                "for example --detections 'cloudtrail.*'",
            ));
        }
        let mut rules = Vec::new();
        for path in &self.rules {
            rules.extend(read(path)?);
        }
        let intelligence = match self.no_builtin {
            true => None,
            false => crate::intelligence::load(context, content)?,
        };
        let options = DetectOptions {
            content: !self.no_builtin,
            rules: rules.clone(),
            only: self.detections.clone(),
            intelligence,
            ..options
        };
        let (detector, problems) = Detector::compile(content, &options);
        self.tell(context, &problems)?;
        ensure!(
            !detector.known().is_empty(),
            Hinted::new(
                "there is no detection to judge with",
                "name rules with --rules FILE, or leave out --no-builtin",
            )
        );
        Ok(Chosen { detector, rules, options })
    }

    /// Says what is wrong with rules; a named file with an error ends the command.
    fn tell(&self, context: &Context, problems: &[Problem]) -> anyhow::Result<()> {
        let errors = problems.iter().filter(|problem| problem.level == ProblemLevel::Error);
        for problem in errors {
            let named = self.rules.iter().any(|path| path.is_file() && named_so(path, problem));
            ensure!(
                !named,
                Hinted::new(format!("a rule cannot be used: {problem}"), problem.hint.clone())
            );
        }
        for problem in problems.iter().take(PROBLEMS_SHOWN_MAX) {
            let problem = context.told(problem);
            context.remark_in(
                &format!("warning: not used: {problem}"),
                &format!("警告: 使用しません: {problem}"),
            );
        }
        let left = problems.len().saturating_sub(PROBLEMS_SHOWN_MAX);
        if left > 0 {
            context.remark_in(
                &format!("warning: and {left} more problems with rules"),
                &format!("警告: ルールの問題はほか {left} 件あります"),
            );
        }
        Ok(())
    }
}

fn named_so(path: &Path, problem: &Problem) -> bool {
    path.to_str() == Some(problem.file.as_str())
}

/// What a command judges with.
pub(crate) struct Chosen {
    pub(crate) detector: Detector,
    /// The person's rule files.
    pub(crate) rules: Vec<Arc<Detection>>,
    /// With what it was compiled.
    pub(crate) options: DetectOptions,
}

fn fits_any(content: &Content, pattern: &str) -> bool {
    let ids = content.detections.keys().chain(content.behaviors.keys());
    let ids = ids.chain(content.sequences.keys()).chain(content.intelligence.keys());
    ids.into_iter().any(|id| glob::matches(pattern, id))
}

/// The rule files at a path: the file, or every YAML file below the folder.
fn read(path: &Path) -> anyhow::Result<Vec<Arc<Detection>>> {
    let mut files = Vec::new();
    if path.is_dir() {
        below(path, &mut files)?;
        ensure!(
            !files.is_empty(),
            Hinted::new(
                format!("`{}` has no rule in it", path.display()),
                "rules are files that end in .yml or .yaml",
            )
        );
    } else {
        files.push(path.to_owned());
    }
    files.sort();
    files.iter().map(|file| read_file(file)).collect()
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let attempt = || format!("could not list the rules in `{}`", folder.display());
    for entry in std::fs::read_dir(folder).with_context(attempt)? {
        let entry = entry.with_context(attempt)?;
        let path = entry.path();
        let kind = entry.file_type().with_context(attempt)?;
        // Links are not followed: they could lead around in a circle.
        if kind.is_dir() {
            below(&path, files)?;
        } else if kind.is_file() && is_rule(&path) {
            ensure!(
                files.len() < RULE_FILES_MAX,
                Hinted::new(
                    format!("`{}` has too many rules", folder.display()),
                    "name the folders that you need",
                )
            );
            files.push(path);
        }
    }
    Ok(())
}

/// Cases lie beside rules of our own and are none.
fn is_rule(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml"));
    stem.is_some_and(|stem| !stem.ends_with(".cases") && !stem.starts_with('.'))
}

fn read_file(path: &Path) -> anyhow::Result<Arc<Detection>> {
    let attempt = || {
        Hinted::new(
            format!("could not read the rule `{}`", path.display()),
            "--rules takes Sigma rules: a file, or a folder of .yml files",
        )
    };
    let size = std::fs::metadata(path).with_context(attempt)?.len();
    ensure!(size <= RULE_BYTES_MAX, attempt());
    let text = std::fs::read_to_string(path).with_context(attempt)?;
    let name = path.to_str().with_context(attempt)?;
    Ok(Arc::new(Detection::of_user(name, &text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_the_yaml_files_and_not_their_cases() {
        for (name, rule) in [
            ("a.yml", true),
            ("b.yaml", true),
            ("b.cases.yaml", false),
            (".hidden.yml", false),
            ("readme.md", false),
        ] {
            assert_eq!(is_rule(Path::new(name)), rule, "{name}");
        }
    }

    #[test]
    fn a_folder_of_rules_is_read_in_order_with_its_subfolders() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("b")).unwrap();
        for name in ["b/2.yml", "a.yml", "b/1.yaml", "b/1.cases.yaml"] {
            std::fs::write(folder.path().join(name), "title: x").unwrap();
        }
        let read = read(folder.path()).unwrap();
        let names: Vec<&str> =
            read.iter().map(|rule| rule.path.rsplit('/').next().unwrap()).collect();
        assert_eq!(names, ["a.yml", "1.yaml", "2.yml"]);
        let empty = tempfile::tempdir().unwrap();
        assert!(super::read(empty.path()).is_err());
        assert!(super::read(&empty.path().join("none.yml")).is_err());
    }
}
