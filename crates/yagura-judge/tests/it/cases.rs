//! Cases at the bottom of a control are run as a scan would judge them.

use yagura_judge::cases::run;

use crate::world::{content, control};

const REGION_TYPE: &str = "Yagura::Account::Region";

fn failures(type_name: &str, rest: &str) -> Vec<(String, String)> {
    let content = content(&[("controls/a/x.yaml", control(type_name, rest))]);
    run(&content).into_iter().filter_map(|r| Some((r.case, r.failure?))).collect()
}

#[test]
fn cases_with_others_unlisted_types_parameters_and_facts_hold() {
    let rest = "parameters: {want: {default: true, en: e, ja: j}}\n\
        require: in_region('AWS::GuardDuty::Detector').exists(d, \
           d.properties.On == parameters.want)\n\
        cases:\n\
        - {name: on, expect: pass, resource: {},\n   \
           others: [{type: 'AWS::GuardDuty::Detector', properties: {On: true}}]}\n\
        - {name: none, expect: fail, resource: {}}\n\
        - {name: elsewhere, expect: fail, resource: {},\n   \
           others: [{type: 'AWS::GuardDuty::Detector', region: eu-west-1,\n   \
           properties: {On: true}}]}\n\
        - {name: denied, expect: unknown, resource: {}, unlisted: ['AWS::GuardDuty::Detector']}\n\
        - {name: off wanted, expect: pass, resource: {},\n   \
           parameters: {want: false},\n   \
           others: [{type: 'AWS::GuardDuty::Detector', properties: {On: false}}]}\n";
    assert_eq!(failures(REGION_TYPE, rest), []);
    let rest = "require: resource.facts.open_ingress.size() == 0\ncases:\n\
        - {name: given, expect: fail, resource: {facts: {open_ingress: [1]}}}\n\
        - {name: worked out, expect: pass, resource: {}}\n\
        - {name: unread, expect: unknown, resource: {unread: [properties.SecurityGroupIngress]}}\n";
    assert_eq!(failures("AWS::EC2::SecurityGroup", rest), []);
}

#[test]
fn a_case_that_does_not_hold_says_what_came_instead() {
    let rest = "require: resource.properties.A == 1\ncases:\n\
        - {name: wrong, expect: pass, resource: {properties: {A: 2}}}\n\
        - {name: blind, expect: fail, resource: {unread: [properties.A]}}\n";
    assert_eq!(
        failures(REGION_TYPE, rest),
        [
            ("wrong".to_owned(), "expected pass, got fail".to_owned()),
            ("blind".to_owned(), "expected fail, got unknown; `properties.A` is denied".to_owned()),
        ]
    );
}

#[test]
fn a_fact_that_the_type_does_not_have_is_reported() {
    let rest = "require: resource.facts.open_ingress.size() == 0";
    let found = failures("AWS::S3::Bucket", rest);
    let expected = "`AWS::S3::Bucket` has no fact `open_ingress`".to_owned();
    assert_eq!(found, [(String::new(), expected)]);
}
