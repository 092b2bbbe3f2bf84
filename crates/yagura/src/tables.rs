//! The two generated tables, built into the binary, and what content lint asks of them.
//! How they are read is `yagura-aws`'s business.

use anyhow::Context;
use yagura_aws::{Actions, Api};
use yagura_content::{AccessLevel, ApiFacts};

static SERVICES: &[u8] = include_bytes!("../../../content/aws-api/services.zst");
static ACTIONS: &[u8] = include_bytes!("../../../content/aws-api/actions.zst");

/// Opens the table of the AWS API; services are unpacked when they are asked for.
pub(crate) fn api() -> anyhow::Result<Api> {
    Api::open(SERVICES).context("the built-in table of the AWS API is damaged")
}

/// Opens the table of IAM actions.
pub(crate) fn actions() -> anyhow::Result<Actions> {
    Actions::open(ACTIONS).context("the built-in table of IAM actions is damaged")
}

/// What lint asks, answered by the tables.
pub(crate) struct Facts {
    api: Api,
    actions: Actions,
}

impl Facts {
    pub(crate) fn open() -> anyhow::Result<Self> {
        Ok(Self { api: api()?, actions: actions()? })
    }
}

impl ApiFacts for Facts {
    fn has_operation(&self, service: &str, operation: &str) -> bool {
        self.api.service(service).is_ok_and(|service| service.operation(operation).is_ok())
    }

    fn operations(&self, service: &str) -> Vec<String> {
        let service = self.api.service(service);
        service.map_or_else(
            |_| Vec::new(),
            |service| service.operations().iter().map(|one| one.name().to_owned()).collect(),
        )
    }

    fn has_input_path(&self, service: &str, operation: &str, path: &[&str]) -> bool {
        self.api.service(service).is_ok_and(|service| {
            service.operation(operation).is_ok_and(|operation| operation.has_input_path(path))
        })
    }

    fn has_output_path(&self, service: &str, operation: &str, path: &[&str]) -> bool {
        self.api.service(service).is_ok_and(|service| {
            service.operation(operation).is_ok_and(|operation| {
                // `list(x)` makes a list of one from a scalar: its element is the scalar itself.
                let scalar: Vec<&str> = path.iter().copied().filter(|step| *step != "*").collect();
                operation.has_output_path(path) || operation.has_output_path(&scalar)
            })
        })
    }

    fn access_level(&self, action: &str) -> Option<AccessLevel> {
        use yagura_aws::api::AccessLevel as Level;
        Some(match self.actions.action(action)?.access_level {
            Level::List => AccessLevel::List,
            Level::Read => AccessLevel::Read,
            Level::Write => AccessLevel::Write,
            Level::Permissions => AccessLevel::Permissions,
            Level::Tagging => AccessLevel::Tagging,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_content_has_no_problem_that_lint_can_find() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
        let content = yagura_content::Content::from_folder(&folder);
        let facts = Facts::open().unwrap();
        let problems: Vec<String> =
            content.lint(Some(&facts)).iter().map(|problem| format!("{problem}")).collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}
