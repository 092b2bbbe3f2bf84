//! The forms of content files, as types: what authors write and other crates use.
//! Whether what is written makes sense is checked in `crate::lint`.

mod control;
mod expression;
mod framework;
mod resource_type;
mod site;

pub use control::{
    CaseUnread, Control, ControlCase, Fix, Guidance, Parameter, ResourceInCase, Responsible, Steps,
};
pub use expression::{Expression, Template};
pub use framework::{Assessment, Framework, Group, Requirement};
pub use resource_type::{
    Absent, Attributes, Batch, Before, Call, Detail, Identity, ListBlock, ListScope, Locate,
    Lookup, RelationSource, ResourceCase, ResourceType,
};
pub use site::{
    Attestation, AttestedState, ExceptionRule, Expiry, ParameterValues, Selection, Site,
};
