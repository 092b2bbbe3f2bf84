//! What is said of a policy that is not known though no call failed, in English: the `detail` of
//! what is unread. Other languages are the report's.

/// A request is about something that no scan has listed.
pub const RESOURCE: &str = "the resource is not in the inventory";
/// An attached managed policy was not listed.
pub const POLICY: &str = "the policy is not in the inventory";
/// A group of the user was not listed.
pub const GROUP: &str = "the group is not in the inventory";
/// A managed policy came without its document.
pub const DOCUMENT: &str = "the policy has no document";
/// A policy of the organization came without its content.
pub const CONTENT: &str = "the policy has no content";
/// The organization's root was not listed.
pub const ROOT: &str = "the root was not read";
/// Some unit between the root and the account was not listed.
pub const UNITS: &str = "the units above the account were not all read";
