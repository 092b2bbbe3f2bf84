//! What lint needs to know of the AWS API, as a trait: the binary implements it with the table
//! that `yagura-aws` opens. Nothing of AWS is known here.

/// Facts of the AWS API.
pub trait ApiFacts {
    /// Whether the API has the operation (`s3`, `GetBucketAcl`).
    fn has_operation(&self, service: &str, operation: &str) -> bool;

    /// The operations of a service, for hints; none where the service is not known.
    fn operations(&self, service: &str) -> Vec<String>;

    /// Whether the operation's input has the member at this path; `*` is any element of a list
    /// or any value of a map.
    fn has_input_path(&self, service: &str, operation: &str, path: &[&str]) -> bool;

    /// Whether the operation's answer has the member at this path; `*` as above.
    fn has_output_path(&self, service: &str, operation: &str, path: &[&str]) -> bool;

    /// The access level of an IAM action (`s3:GetBucketAcl`), if there is such an action.
    fn access_level(&self, action: &str) -> Option<AccessLevel>;
}

/// What an IAM action does, in the words of AWS's Service Authorization Reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessLevel {
    /// Lists things.
    List,
    /// Reads them.
    Read,
    /// Creates, changes or deletes them.
    Write,
    /// Changes who may do what.
    Permissions,
    /// Changes tags.
    Tagging,
}
