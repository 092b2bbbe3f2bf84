//! From an event's name to the IAM actions it needed. What is peculiar is content
//! (`content/actions/`); all else is named as the event is.
//! Which resources it was about is found in `arns`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use yagura_model::usage::{EventActions, NeededAction, TAGGED, UsedCall};

use super::arns;
use super::table::{ActionTable, KnownAction};

const PASS_ROLE: &str = "iam:PassRole";
const ASSUMED: &str = "iam:PassedToService";

/// What is known of events and actions together.
#[derive(Clone, Debug, Default)]
pub struct Naming {
    table: ActionTable,
    files: Vec<EventActions>,
    by_source: HashMap<String, usize>,
    data: BTreeSet<String>,
    unlogged: Vec<String>,
    /// Actions that some event needs under another name.
    renamed: BTreeSet<String>,
    /// The roles in instance profiles, by account and name.
    profiles: BTreeMap<(String, String), Vec<String>>,
}

/// What a call needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Needs {
    /// All of these.
    Actions(Vec<Need>),
    /// No permission.
    Nothing,
    /// No action of AWS is known to belong to it.
    Unknown,
}

/// One action on some resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// In AWS's spelling.
    pub action: Arc<str>,
    /// ARNs as a policy writes them; `*` stands for what the record does not tell.
    pub resources: Vec<String>,
    /// Whether the record told them all.
    pub told: bool,
    /// The service that a role was handed to, for `iam:PassRole`.
    pub passed_to: Option<String>,
}

impl Naming {
    /// Of content and the table of actions.
    pub fn new(files: Vec<EventActions>, table: ActionTable) -> Self {
        let mut naming = Self { table, ..Self::default() };
        for (at, file) in files.iter().enumerate() {
            for source in file.sources.keys() {
                naming.by_source.insert(source.clone(), at);
            }
            naming.data.extend(file.data.iter().map(|name| name.to_ascii_lowercase()));
            naming.unlogged.extend(file.unlogged.iter().map(|name| name.to_ascii_lowercase()));
            let needed = file.events.values().chain(file.tags.values()).flatten();
            naming.renamed.extend(needed.map(|need| need.action.to_ascii_lowercase()));
        }
        naming.files = files;
        naming
    }

    /// With the roles in instance profiles: ARNs by account and profile name.
    #[must_use]
    pub fn with_profiles(self, profiles: BTreeMap<(String, String), Vec<String>>) -> Self {
        Self { profiles, ..self }
    }

    /// The table of actions.
    pub fn table(&self) -> &ActionTable {
        &self.table
    }

    /// The parameters of requests, in lower case, that tell what a call was about.
    pub fn parameters(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::from(["name".to_owned()]);
        for action in self.table.all() {
            for arn in action.resources.iter().filter_map(|kind| kind.arn.as_deref()) {
                names.extend(arns::variables(arn).map(str::to_ascii_lowercase));
            }
        }
        for file in &self.files {
            names.extend(file.variables.values().flat_map(|source| source.from.iter().cloned()));
            let by_event = file.variables.values().flat_map(|source| source.by.values());
            names.extend(by_event.flatten().cloned());
            names.extend(file.keys.values().cloned());
            let by_name = file.roles.values().chain(file.profiles.values()).flatten();
            names.extend(by_name.cloned());
            let needed = file.events.values().flatten();
            names.extend(needed.flat_map(|need| need.on.iter().chain(&need.with).cloned()));
            for form in &file.forms {
                names.extend(arns::variables(form).map(str::to_owned));
            }
        }
        names
    }

    /// Whether the use of an action shows in data events only.
    pub fn is_data(&self, action: &str) -> bool {
        self.data.contains(&action.to_ascii_lowercase())
    }

    /// Whether no trail shows the use of an action: content says so, or no operation has its name
    /// and no event needs it.
    pub fn is_unlogged(&self, action: &KnownAction) -> bool {
        let name = action.name.to_ascii_lowercase();
        let said = self.unlogged.iter().any(|pattern| matches(pattern, &name));
        let silent = !action.has_operation && !self.renamed.contains(&name);
        said || (silent && name != PASS_ROLE.to_ascii_lowercase())
    }

    /// The values of `eventSource` under which an action's service appears.
    pub fn sources_of(&self, action: &str) -> Vec<String> {
        let prefix = action.split(':').next().unwrap_or_default();
        let mut sources = vec![format!("{prefix}.amazonaws.com")];
        for file in &self.files {
            let own = file.sources.iter().filter(|(_, of)| of.eq_ignore_ascii_case(prefix));
            sources.extend(own.map(|(source, _)| source.clone()));
        }
        sources
    }

    /// Condition keys that a request shows: the parameter by key in lower case.
    pub fn keys_of(&self, event_source: &str) -> impl Iterator<Item = (String, &str)> {
        let file = self.file(event_source);
        let keys = file.into_iter().flat_map(|file| &file.keys);
        keys.map(|(key, parameter)| (key.to_ascii_lowercase(), parameter.as_str()))
    }

    fn file(&self, event_source: &str) -> Option<&EventActions> {
        self.by_source.get(event_source).and_then(|at| self.files.get(*at))
    }

    /// What a call needed.
    pub fn needs(&self, call: &UsedCall) -> Needs {
        let file = self.file(&call.event_source);
        let event = plain(&call.event_name);
        let prefix = file.and_then(|file| file.sources.get(&call.event_source));
        let prefix = prefix.map_or_else(|| first_label(&call.event_source), String::as_str);
        let listed = file.and_then(|file| by_name(&file.events, event)).map(Vec::as_slice);
        let usual;
        let needed: &[NeededAction] = match listed {
            Some([]) => return Needs::Nothing,
            Some(needed) => needed,
            None => {
                let action = format!("{prefix}:{event}");
                usual = [NeededAction { action, on: None, with: None, of: None }];
                &usual
            }
        };
        let mut needs = Vec::new();
        let mut passes = false;
        let named = |name: &String| call.parameters.contains_key(name);
        for one in needed.iter().filter(|one| one.with.as_ref().is_none_or(named)) {
            let Some(action) = self.table.get(&one.action) else { return Needs::Unknown };
            passes |= action.passes_role;
            let found = arns::resources(call, action, one.on.as_deref(), file);
            needs.push(Need {
                action: Arc::clone(&action.name),
                resources: found.arns,
                told: found.told,
                passed_to: None,
            });
        }
        if let Some(types) = call.parameters.get(TAGGED) {
            self.add_tagging(call, event, types, file, &mut needs);
        }
        let to = file.and_then(|file| by_name(&file.passes, event));
        if passes || to.is_some() {
            needs.extend(self.passed(call, event, file, to.cloned()));
        }
        Needs::Actions(needs)
    }

    /// Adds what a call that carries tags needs besides: what content says, else what AWS's table
    /// says the actions so far depend on.
    fn add_tagging(
        &self,
        call: &UsedCall,
        event: &str,
        types: &[String],
        file: Option<&EventActions>,
        needs: &mut Vec<Need>,
    ) {
        let table = |name: &str| self.table.get(name);
        let made: Vec<&KnownAction> = needs.iter().filter_map(|need| table(&need.action)).collect();
        let listed = file.and_then(|file| by_name(&file.tags, event));
        let tagging: Vec<(&KnownAction, Option<&str>)> = match listed {
            Some(listed) => {
                let known = |one: &'_ NeededAction| table(&one.action);
                let of = listed.iter().filter_map(|one| Some((known(one)?, one.of.as_deref())));
                of.collect()
            }
            None => {
                let depended = made.iter().filter_map(|action| action.tags_with.as_deref());
                depended.filter_map(table).map(|action| (action, None)).collect()
            }
        };
        for (action, of) in tagging {
            if needs.iter().any(|need| need.action == action.name) {
                continue;
            }
            let made: Vec<&str> = made
                .iter()
                .flat_map(|action| action.resources.iter().map(|kind| &*kind.name))
                .collect();
            let found = arns::tagged(call, action, &arns::Made { types, of, kinds: &made }, file);
            let (resources, told) = (found.arns, found.told);
            let action = Arc::clone(&action.name);
            needs.push(Need { action, resources, told, passed_to: None });
        }
    }

    /// The role that a request hands to a service, if it names one.
    fn passed(
        &self,
        call: &UsedCall,
        event: &str,
        file: Option<&EventActions>,
        to: Option<String>,
    ) -> Option<Need> {
        let pass_role = self.table.get(PASS_ROLE)?;
        let mut roles: BTreeSet<String> = BTreeSet::new();
        let mut told = true;
        for (name, values) in &call.parameters {
            let hands = name.contains("role") || name == "deliverlogspermissionarn";
            let arns = values.iter().filter(|value| value.contains(":iam::"));
            for arn in arns {
                if hands && arn.contains(":role/") {
                    roles.insert(arns::written(arn));
                }
                if let Some((_, profile)) = arn.split_once(":instance-profile/") {
                    let profile = profile.rsplit('/').next().unwrap_or_default();
                    told &= self.roles_of_profile(call, profile, &mut roles);
                }
            }
        }
        let named = |by_event: fn(&EventActions) -> &BTreeMap<String, Vec<String>>| {
            let names = file.and_then(|file| by_name(by_event(file), event)).into_iter().flatten();
            let values = names.filter_map(|name| call.parameters.get(name)).flatten();
            // Where a name may stand, an ARN may stand too, and was taken above.
            values.filter(|value| !value.contains(':')).collect::<Vec<_>>()
        };
        for name in named(|file| &file.roles) {
            let (partition, account) = (arns::partition(call), account(call));
            let name = arns::written(name);
            roles.insert(format!("arn:{partition}:iam::{account}:role/{name}"));
            // A request names a role without its path, an ARN has it.
            roles.insert(format!("arn:{partition}:iam::{account}:role/*/{name}"));
        }
        for profile in named(|file| &file.profiles) {
            told &= self.roles_of_profile(call, profile, &mut roles);
        }
        (!roles.is_empty()).then(|| Need {
            action: Arc::clone(&pass_role.name),
            resources: roles.into_iter().collect(),
            told,
            passed_to: to,
        })
    }

    /// Adds the roles in an instance profile. Where the inventory does not have it, the role of
    /// the same name is taken, as the console makes both; that is a guess, and said to be one.
    fn roles_of_profile(
        &self,
        call: &UsedCall,
        profile: &str,
        roles: &mut BTreeSet<String>,
    ) -> bool {
        let account = account(call);
        if let Some(known) = self.profiles.get(&(account.to_owned(), profile.to_owned())) {
            roles.extend(known.iter().cloned());
            return true;
        }
        let partition = arns::partition(call);
        let name = arns::written(profile);
        roles.insert(format!("arn:{partition}:iam::{account}:role/{name}"));
        false
    }
}

/// The account whose roles a caller may hand on: its own.
fn account(call: &UsedCall) -> &str {
    call.caller_account.as_ref().unwrap_or(&call.account)
}

/// The condition key that says which service a role is handed to.
pub(crate) fn passed_to_key() -> &'static str {
    ASSUMED
}

/// What is listed under an event's name, else under the longest beginning of it.
fn by_name<'m, T>(listed: &'m BTreeMap<String, T>, event: &str) -> Option<&'m T> {
    if let Some(exact) = listed.get(event) {
        return Some(exact);
    }
    let fits = |name: &str| name.strip_suffix('*').is_some_and(|start| event.starts_with(start));
    let longest = listed.iter().filter(|(name, _)| fits(name)).max_by_key(|(name, _)| name.len());
    longest.map(|(_, value)| value)
}

/// `*` in a pattern stands for anything, once or several times.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(before) = last.replace(part) {
            let Some((_, after)) = rest.split_once(before) else { return false };
            rest = after;
        }
    }
    last.map_or(rest.is_empty(), |end| rest.ends_with(end))
}

fn first_label(event_source: &str) -> &str {
    event_source.split('.').next().unwrap_or(event_source)
}

/// An event's name without the version of the API: `Invoke20150331`,
/// `UpdateFunctionCode20150331v2`, `CreateDistribution2020_05_31`.
fn plain(event: &str) -> &str {
    let without_revision = event.rsplit_once('v').filter(|(before, revision)| {
        let digits = !revision.is_empty() && revision.bytes().all(|byte| byte.is_ascii_digit());
        digits && before.ends_with(|letter: char| letter.is_ascii_digit())
    });
    let dated = without_revision.map_or(event, |(before, _)| before);
    let name = dated.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '_');
    let date: String = dated.chars().skip(name.chars().count()).filter(|c| *c != '_').collect();
    let is_date = date.len() == 8 && (date.starts_with("19") || date.starts_with("20"));
    if is_date && !name.is_empty() { name } else { event }
}

#[cfg(test)]
mod inner {
    use super::*;

    #[test]
    fn the_version_of_an_api_is_no_part_of_an_events_name() {
        for (event, name) in [
            ("Invoke20150331", "Invoke"),
            ("UpdateFunctionCode20150331v2", "UpdateFunctionCode"),
            ("CreateDistribution2020_05_31", "CreateDistribution"),
            ("GetFindingsV2", "GetFindingsV2"),
            ("ListObjectsV2", "ListObjectsV2"),
            ("Rev", "Rev"),
            ("20150331", "20150331"),
        ] {
            assert_eq!(plain(event), name);
        }
    }

    #[test]
    fn a_pattern_of_actions_is_matched_from_start_to_end() {
        for (pattern, name, fits) in [
            ("es:eshttp*", "es:eshttpget", true),
            ("dax:*item*", "dax:batchgetitem", true),
            ("dax:*item*", "dax:scan", false),
            ("s3:getobject", "s3:getobject", true),
            ("s3:getobject", "s3:getobjectacl", false),
            ("a:*b", "a:bab", true),
            ("a:*b", "a:bac", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
