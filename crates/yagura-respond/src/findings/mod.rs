//! Verdicts, alerts and imports become findings: one for each what and where.
//! Where findings are kept is the store's business, who is told of them `crate::routes`'.
