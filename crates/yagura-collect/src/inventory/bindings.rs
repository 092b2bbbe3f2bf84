//! What the expressions of a resource file can name at each point of a scan.
//! Which of them a point knows was checked when the file was loaded.

use jiff::Timestamp;
use serde_json::Value;
use yagura_content::expression::{Env, Root};
use yagura_model::Resource;

/// The account, region and time of a scan's part: bound everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// Twelve digits.
    pub(crate) account: String,
    /// A region's name, or `global`.
    pub(crate) region: String,
    /// `aws`, `aws-cn`, …
    pub(crate) partition: String,
    /// The time of the scan.
    pub(crate) now: Timestamp,
}

impl Setting {
    /// The variables known before anything was read.
    pub(crate) fn env<'a>(&'a self, parent: Option<&'a Resource>) -> Env<'a> {
        let env = Env::mapping()
            .bind_text(Root::Account, &self.account)
            .bind_text(Root::Region, &self.region)
            .bind_text(Root::Partition, &self.partition)
            .bind_now(self.now);
        match parent {
            Some(parent) => env.bind_resource(Root::Parent, parent),
            None => env,
        }
    }
}

/// Binds what is known of one resource: id, name, ARN, region, and what was read so far.
pub(crate) fn of_resource<'a>(env: Env<'a>, item: &'a Value, resource: &'a Resource) -> Env<'a> {
    let env = env
        .bind(Root::Item, item)
        .bind_text(Root::Id, &resource.id)
        .bind_text(Root::Name, &resource.name)
        .bind_text(Root::Region, &resource.region)
        .bind_resource(Root::Resource, resource);
    match &resource.arn {
        Some(arn) => env.bind_text(Root::Arn, arn),
        None => env,
    }
}
