//! The forms of content files, as types: what authors write and other crates use.
//! Whether what is written makes sense is checked in `crate::lint`.

mod alert_site;
mod automation;
mod behavior;
mod channel;
mod control;
mod detection;
mod detection_case;
mod escalation;
mod event_actions;
mod expression;
mod framework;
mod intelligence;
mod key_pattern;
mod ordered;
mod query;
mod resource_type;
mod route;
mod sequence;
mod sigma_mapping;
mod site;
mod source;
mod source_columns;
mod source_text;
mod span;
mod theme;

pub use alert_site::{
    AlertContext, AlertPattern, AllowRule, Automation, CrownJewels, Production, SuppressionRule,
};
pub use automation::{
    AutomationCase, AutomationRule, AutomationSettings, AutomationSuppression, AutomationValidity,
};
pub use behavior::{
    Behavior, BehaviorCase, BehaviorKind, CaseExpectation, CaseHistory, CaseNetwork, CaseRepeat,
    FieldTemplate, Measure, MeasureKind, PeersOf, ValueForm, ValueOf,
};
pub use channel::{
    BuiltinChannel, BuiltinSetting, CaseAnswer, CaseRequest, Channel, ChannelAnswer, ChannelCase,
    ChannelKeep, ChannelOperation, ChannelRate, ChannelSetting, ChannelSignature, HttpMethod,
    Judged, OperationKind, SettingKind, SignatureMethod,
};
pub use control::{
    CaseUnread, Control, ControlCase, Fix, Guidance, Parameter, ResourceInCase, Responsible, Steps,
};
pub use detection::{Detection, DetectionEntity, DetectionHead, DetectionParts};
pub use detection_case::{
    CASE_EVENTS_MAX, DetectionCase, DetectionCases, DetectionOutcome, DetectionRepeat, Interval,
};
pub use escalation::EscalationFile;
pub use event_actions::EventActionsFile;
pub use expression::{Expression, Template};
pub use framework::{Assessment, Framework, Group, Requirement};
pub use intelligence::{
    GeoSetting, IndicatorField, IndicatorFields, IntelligenceCase, IntelligencePlace,
    IntelligenceRule, IntelligenceSite, ListSetting, NetworkOwner, ObservableKind, RangesSetting,
};
pub use key_pattern::{KeyPattern, KeyPatternFault};
pub use ordered::{Listed, Ordered};
pub use query::{ParameterKind, QueryFault, QueryParameter, QueryValue, SavedQuery};
pub use resource_type::{
    Absent, Attributes, Batch, Before, Call, Detail, Identity, ListBlock, ListScope, Locate,
    Lookup, RelationSource, ResourceCase, ResourceType,
};
pub use route::{CHANGES, QuietHours, Route, Routes, STORM, Schedule, SettingValue, Target};
pub use sequence::{AtLeast, CaseLink, CaseSignal, LinkedBy, Sequence, SequenceCase, SequenceStep};
pub use sigma_mapping::SigmaMapping;
pub use site::{
    Attestation, AttestedState, ExceptionRule, Expiry, ParameterValues, Selection, Site,
};
pub use source::{
    ContentMark, Envelope, Integrity, LogGroup, OcsfClass, RecordFormat, Sample, Source,
    SourceExtension,
};
pub use source_text::{Delimited, Header, LinePattern, Quotes, Separator};
pub use span::Span;
pub use theme::Theme;
