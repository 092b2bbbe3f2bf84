//! Where an expression stands, and so which variables it may name.
//! What the variables hold is bound in `env.rs`.

/// A variable that an expression can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Root {
    /// Control: the resource that is judged.
    Resource,
    /// Control: the parameters, defaults overridden by the site.
    Parameters,
    /// The time of the scan.
    Now,
    /// Control: what is known of the account (a map). Resource file: its twelve digits.
    Account,
    /// Resource file: one answer of the call.
    Output,
    /// Resource file: one listed thing.
    Item,
    /// Resource file: one row of a lookup.
    Row,
    /// Resource file: all rows of a lookup with the key of `row`.
    Rows,
    /// Resource file: the resource that `for` runs over.
    Parent,
    /// Resource file: the native id.
    Id,
    /// Resource file: the name.
    Name,
    /// Resource file: the ARN.
    Arn,
    /// Resource file: the region.
    Region,
    /// Resource file: the partition (`aws`, `aws-cn`, …).
    Partition,
    /// Resource file: the ids of one batch of a lookup.
    Ids,
    /// Allow list: the alert that a signal would make by itself.
    Alert,
    /// Automation rule, route: the finding.
    Finding,
    /// Route: what happened to the finding.
    Change,
}

impl Root {
    /// How many there are.
    pub(crate) const COUNT: usize = 18;

    /// All of them, in the order of their discriminants.
    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::Resource,
        Self::Parameters,
        Self::Now,
        Self::Account,
        Self::Output,
        Self::Item,
        Self::Row,
        Self::Rows,
        Self::Parent,
        Self::Id,
        Self::Name,
        Self::Arn,
        Self::Region,
        Self::Partition,
        Self::Ids,
        Self::Alert,
        Self::Finding,
        Self::Change,
    ];

    /// The name as written in an expression.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Parameters => "parameters",
            Self::Now => "now",
            Self::Account => "account",
            Self::Output => "output",
            Self::Item => "item",
            Self::Row => "row",
            Self::Rows => "rows",
            Self::Parent => "parent",
            Self::Id => "id",
            Self::Name => "name",
            Self::Arn => "arn",
            Self::Region => "region",
            Self::Partition => "partition",
            Self::Ids => "ids",
            Self::Alert => "alert",
            Self::Finding => "finding",
            Self::Change => "change",
        }
    }
}

/// The place of an expression. Each place knows a fixed set of variables; naming another one is
/// an error when the file is loaded, not when it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScopeKind {
    /// `when` and `require` of a control.
    Control,
    /// `list[].input`: before anything was read.
    ListInput,
    /// `list[].each`, `lookups[].each`: over one answer.
    ListOutput,
    /// `identity.*`: over one listed thing.
    Identity,
    /// `list[].properties`, `runtime`, `tags`, `relations`: over one listed thing whose identity
    /// is known.
    ListItem,
    /// `locate.input`, `details[].when`, `details[].input`, `lookups[].match`,
    /// `lookups[].batch.ids`.
    ResourceInput,
    /// `locate.region`, `details[].properties` and the like: over the answer of a call made for
    /// one resource.
    ResourceOutput,
    /// `lookups[].key`.
    Row,
    /// `lookups[].properties` and the like: over the row that matched.
    RowOfResource,
    /// `lookups[].batch.input`.
    BatchInput,
    /// `before.input`, with nothing but the place.
    Before,
    /// `before.until`: over the answer of the call made before.
    Until,
    /// `when` of the allow list.
    Alert,
    /// `when` of an automation rule: over a finding as it is observed.
    Automation,
    /// `when` of a route: over a finding and what happened to it.
    Route,
    /// What an answer to a channel's request means.
    ChannelAnswer,
}

impl ScopeKind {
    /// The variables that may be named here.
    pub fn roots(self) -> &'static [Root] {
        use Root::{
            Account, Alert, Arn, Change, Finding, Id, Ids, Item, Name, Now, Output, Parameters,
            Parent, Partition, Region, Resource, Row, Rows,
        };
        match self {
            Self::Control => &[Resource, Parameters, Now, Account],
            Self::ListInput => &[Account, Region, Partition, Parent, Now],
            Self::ListOutput => &[Output, Account, Region, Partition, Parent, Now],
            Self::Identity => &[Item, Account, Region, Partition, Parent],
            Self::ListItem => &[Item, Output, Id, Name, Arn, Account, Region, Partition, Parent],
            Self::ResourceInput => {
                &[Item, Resource, Id, Name, Arn, Account, Region, Partition, Parent, Now]
            }
            Self::ResourceOutput => {
                &[Output, Item, Resource, Id, Name, Arn, Account, Region, Partition, Parent, Now]
            }
            Self::Row => &[Row, Output, Account, Region, Partition, Parent],
            Self::RowOfResource => {
                &[Row, Rows, Item, Id, Name, Arn, Account, Region, Partition, Parent, Now]
            }
            Self::BatchInput => &[Ids, Account, Region, Partition, Parent],
            Self::Before => &[Account, Region, Partition, Parent],
            Self::Until | Self::ChannelAnswer => &[Output],
            Self::Alert => &[Alert, Now],
            Self::Automation => &[Finding, Resource, Account, Now],
            Self::Route => &[Finding, Change, Account, Now],
        }
    }

    /// Whether functions that reach other resources (`in_account`, …) may be called here.
    pub(crate) fn has_neighbors(self) -> bool {
        self == Self::Control
    }
}
