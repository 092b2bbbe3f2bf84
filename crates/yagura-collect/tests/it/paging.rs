//! Every page of every call of the built-in files is asked for.
//! How pages are followed is claimed in `yagura-aws`.

use yagura_aws::api::{Member, Operation, Shape};
use yagura_collect::{Plan, Wanted};

use crate::resource_files::content;
use crate::tables;

/// Output members that are named like tokens and are none: they guard updates.
const LOCKS: [&str; 2] = ["LockToken", "UpdateToken"];

/// Whether an output says that there may be more.
fn may_have_more(operation: &Operation) -> bool {
    let says_more = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["token", "marker"].iter().any(|word| name.ends_with(word))
            || ["hasmore", "istruncated"].iter().any(|word| name.starts_with(word))
    };
    let members = operation.output().into_iter().flat_map(Shape::members);
    members.map(Member::name).any(|name| says_more(name) && !LOCKS.contains(&name))
}

#[test]
fn whatever_comes_in_pages_has_a_paginator() {
    let content = content();
    let plan = Plan::new(&content, &Wanted::Everything);
    let (api, _) = tables();
    let (mut paged, mut cut) = (0, Vec::new());
    for call in plan.calls() {
        let (service, name) = call.split_once(':').unwrap();
        let service = api.service(service).unwrap();
        let operation = service.operation(name).unwrap();
        match operation.paginator() {
            Some(_) => paged += 1,
            None if may_have_more(operation) => cut.push(call),
            None => {}
        }
    }
    assert!(cut.is_empty(), "only the first page is read of {cut:?}");
    assert!(paged > 100, "{paged}");
}
