//! Denied is never clean: for arbitrary controls and resources, marking any part as unread leaves
//! a verdict as it was or makes it unknown.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::RngSeed;
use serde_json::{Map, Value, json};
use yagura_content::Content;
use yagura_judge::{Judge, JudgeOptions, Snapshot};
use yagura_model::{
    Coverage, CoverageState, Path, Relation, Resource, Step, Unread, UnreadReason, VerdictStatus,
};

use crate::world::{REGION, content, control, coverage, now, resource, unread};

const TYPE: &str = "AWS::EC2::SecurityGroup";
const NEIGHBOR: &str = "AWS::EC2::NetworkInterface";
const BUCKET: &str = "AWS::S3::Bucket";

const CONDITIONS: &[&str] = &[
    "resource.properties.A == true",
    "resource.properties.A != true",
    "resource.properties.A",
    "resource.properties.B > 3",
    "resource.properties.B <= 3",
    "has(resource.properties.B)",
    "resource.properties.M.N == 'a'",
    "has(resource.properties.M.N)",
    "size(resource.properties.M) == 1",
    "resource.properties.M == {'N': 'a'}",
    "resource.properties.L.exists(l, l.x > 1)",
    "resource.properties.L.all(l, l.x > 1)",
    "resource.properties.L.exists_one(l, l.y == true)",
    "resource.properties.L.all(l, l.y)",
    "size(resource.properties.L) == 2",
    "resource.properties.L.map(l, l.x).filter(x, x > 1).size() > 0",
    "resource.properties.L.filter(l, l.y == true).all(l, l.x < 2)",
    "first(resource.properties.L).x == 1",
    "1 in resource.properties.L.map(l, l.x)",
    "resource.properties.L == []",
    "resource.properties.L[0].y == true",
    "or_else(resource.properties.B, 0) < 3",
    "resource.properties.B < 'x'",
    "'team' in resource.tags",
    "resource.tags.team == 'a'",
    "resource.tags.size() == 0",
    "resource.runtime.R.startsWith('a')",
    "resource.runtime.R in ['a', 'b']",
    "resource.facts.open_ports.tcp.exists(r, r.from <= 22 && 22 <= r.to)",
    "resource.facts.open_ingress.all(r, r.protocol == 'tcp')",
    "size(resource.facts.open_ingress) == 0",
    "in_region('AWS::EC2::NetworkInterface').exists(n, n.properties.On == true)",
    "in_account('AWS::EC2::NetworkInterface').all(n, n.properties.On == true)",
    "in_organization('AWS::EC2::NetworkInterface').size() > 1",
    "related(resource, 'next').all(n, n.properties.On == true)",
    "related(resource, 'next').exists(n, n.properties.On == true)",
    "referring(resource, 'AWS::EC2::NetworkInterface', 'group').size() > 0",
    "referring(resource, 'AWS::EC2::NetworkInterface', 'group').all(n, n.properties.On)",
    "in_account('AWS::S3::Bucket').all(b, b.facts.public_access.any == false)",
    "in_account('AWS::S3::Bucket').exists(b, b.facts.public_access.read == true)",
];

fn condition() -> impl Strategy<Value = String> {
    let leaf = select(CONDITIONS).prop_map(str::to_owned);
    leaf.prop_recursive(3, 12, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            pair.clone().prop_map(|(a, b)| format!("({a} && {b})")),
            pair.prop_map(|(a, b)| format!("({a} || {b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(c, a, b)| format!("({c} ? {a} : {b})")),
        ]
    })
}

/// Some members of a map, each with some value.
fn members() -> impl Strategy<Value = Map<String, Value>> {
    let list = prop::collection::vec(
        (0..4i64, any::<bool>()).prop_map(|(x, y)| json!({"x": x, "y": y})),
        0..3,
    );
    let rules = subsequence(
        vec![
            json!({"IpProtocol": "tcp", "FromPort": 0, "ToPort": 99, "CidrIp": "0.0.0.0/0"}),
            json!({"IpProtocol": "-1", "CidrIpv6": "::/0"}),
            json!({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "10.0.0.0/8"}),
        ],
        0..=3,
    );
    let value = (any::<bool>(), 0..6i64, select(vec!["a", "b"]), list, rules).prop_map(
        |(a, b, n, list, rules)| {
            [
                ("A", json!(a)),
                ("B", json!(b)),
                ("M", json!({"N": n})),
                ("L", json!(list)),
                ("SecurityGroupIngress", json!(rules)),
            ]
        },
    );
    (value, prop::collection::vec(any::<bool>(), 5)).prop_map(|(members, keep)| {
        let kept = members.into_iter().zip(keep).filter(|(_, keep)| *keep);
        kept.map(|((name, value), _)| (name.to_owned(), value)).collect()
    })
}

#[derive(Clone, Debug)]
struct Scene {
    resource: Resource,
    others: Vec<Resource>,
    listings: Vec<Coverage>,
}

fn scene() -> impl Strategy<Value = Scene> {
    let neighbors = prop::collection::vec((any::<bool>(), any::<bool>()), 0..3);
    let open = any::<bool>();
    (members(), select(vec!["a", "b", ""]), any::<bool>(), neighbors, open).prop_map(
        |(properties, text, tagged, neighbors, open)| {
            let mut own = resource(TYPE, "sg-1", json!({}));
            own.properties = properties;
            if !text.is_empty() {
                own.runtime.insert("R".to_owned(), json!(text));
            }
            if tagged {
                own.tags.insert("team".to_owned(), "a".to_owned());
            }
            let edge = |name: &str, type_name: &str, target: &str| Relation {
                name: name.to_owned(),
                type_name: type_name.to_owned(),
                target: target.to_owned(),
            };
            own.relations = vec![edge("next", NEIGHBOR, "eni-0"), edge("next", NEIGHBOR, "gone")];
            let mut others: Vec<Resource> = Vec::new();
            for (n, (on, points)) in neighbors.into_iter().enumerate() {
                let id = format!("eni-{n}");
                let mut other = resource(NEIGHBOR, &id, json!({"properties": {"On": on}}));
                if points {
                    other.relations.push(edge("group", TYPE, "sg-1"));
                }
                others.push(other);
            }
            let statement = json!({"Effect": if open { "Allow" } else { "Deny" },
                "Principal": "*", "Action": "s3:*", "Resource": "*"});
            let policy = json!({"BucketPolicy": {"PolicyDocument": {"Statement": statement}}});
            others.push(resource(BUCKET, "b", json!({"properties": policy})));
            let listings = [
                (NEIGHBOR, REGION),
                (BUCKET, "global"),
                ("AWS::S3::AccountPublicAccessBlock", "global"),
                ("AWS::EC2::PrefixList", REGION),
            ];
            let listings = listings
                .map(|(type_name, region)| coverage(type_name, region, CoverageState::Complete));
            Scene { resource: own, others, listings: listings.into() }
        },
    )
}

/// One thing that a denied or throttled call takes away.
#[derive(Clone, Debug)]
enum Loss {
    /// A part of the resource, and whether its old value still lies there.
    Own(&'static str, bool),
    /// The end of a list.
    OwnEnd(&'static str),
    /// A part of a neighbor.
    Other(usize, &'static str),
    /// A listing, and all or the last of what it would have given.
    Listing(usize, bool),
}

fn loss() -> impl Strategy<Value = Loss> {
    let own = [
        "",
        "properties",
        "properties.A",
        "properties.B",
        "properties.M",
        "properties.M.N",
        "properties.L",
        "properties.L[*].x",
        "properties.L[0].y",
        "properties.SecurityGroupIngress",
        "runtime",
        "runtime.R",
        "tags",
        "tags.team",
        "relations",
        "relations.next",
    ];
    let other = [
        "",
        "properties",
        "properties.On",
        "relations.group",
        "properties.BucketPolicy",
        "properties.PublicAccessBlockConfiguration",
        "runtime.Grants",
    ];
    let lists = ["properties.L", "properties.SecurityGroupIngress"];
    prop_oneof![
        4 => (select(own.to_vec()), any::<bool>()).prop_map(|(path, keep)| Loss::Own(path, keep)),
        1 => select(lists.to_vec()).prop_map(Loss::OwnEnd),
        2 => (0..4usize, select(other.to_vec())).prop_map(|(n, path)| Loss::Other(n, path)),
        2 => (0..4usize, any::<bool>()).prop_map(|(n, all)| Loss::Listing(n, all)),
    ]
}

fn denied(path: &str, partial: bool) -> Unread {
    Unread { partial, ..unread(path, UnreadReason::Denied) }
}

impl Scene {
    fn lose(&mut self, loss: &Loss) {
        match loss {
            Loss::Own(path, keep) => {
                if !keep {
                    remove(&mut self.resource, path);
                }
                self.resource.unread.push(denied(path, false));
            }
            Loss::OwnEnd(path) => {
                let path: Path = path.parse().unwrap();
                if let Some(Value::Array(list)) = self.resource.properties.get_mut(key(&path, 1)) {
                    list.pop();
                }
                self.resource.unread.push(Unread { path, ..denied("", true) });
            }
            Loss::Other(n, path) => {
                let count = self.others.len().max(1);
                if let Some(other) = self.others.get_mut(n % count) {
                    remove(other, path);
                    other.unread.push(denied(path, false));
                }
            }
            Loss::Listing(n, all) => {
                let listing = &mut self.listings[*n];
                let of_type = |r: &Resource| r.type_name == listing.type_name;
                if *all {
                    self.others.retain(|other| !of_type(other));
                    listing.state = CoverageState::Unread(denied("", false));
                } else {
                    if let Some(at) = self.others.iter().rposition(of_type) {
                        self.others.remove(at);
                    }
                    listing.state = CoverageState::Partial(denied("", true));
                }
            }
        }
    }

    fn verdicts(&self, content: &Content) -> Vec<VerdictStatus> {
        let judge = Judge::new(content, JudgeOptions::at(now()));
        let mut snapshot = Snapshot::new(judge.needs());
        self.others.iter().for_each(|other| snapshot.add(other.clone()));
        self.listings.iter().for_each(|listing| snapshot.cover(listing));
        let mut verdicts = Vec::new();
        judge.judge(&self.resource, &snapshot, &mut verdicts);
        verdicts.iter().map(|verdict| verdict.status).collect()
    }
}

fn key(path: &Path, at: usize) -> &str {
    match path.0.get(at) {
        Some(Step::Key(key)) => key,
        _ => "",
    }
}

/// Takes the value away, as a call that never answered would have left it.
fn remove(resource: &mut Resource, path: &str) {
    let path: Path = path.parse().unwrap();
    let whole = path.0.len() <= 1;
    match key(&path, 0) {
        "" => {
            resource.properties.clear();
            resource.runtime.clear();
            resource.tags.clear();
            resource.relations.clear();
        }
        "properties" if whole => resource.properties.clear(),
        "runtime" if whole => resource.runtime.clear(),
        "tags" => resource.tags.clear(),
        "relations" => resource.relations.clear(),
        "properties" if path.0.len() == 2 => {
            resource.properties.remove(key(&path, 1));
        }
        "runtime" => {
            resource.runtime.remove(key(&path, 1));
        }
        _ => {
            if let Some(Value::Object(inner)) = resource.properties.get_mut(key(&path, 1)) {
                inner.remove(key(&path, 2));
            }
        }
    }
}

fn check(scene: &Scene, losses: &[Loss], requires: &[String], whens: &[String]) {
    let mut files = vec![(
        "resources/ec2/security_group.yaml".to_owned(),
        format!(
            "type: {TYPE}\ntitle: {{en: g, ja: g}}\nscope: region\nlist:\n  - call: ec2:List\n    \
             each: output.L\n    relations:\n      next: {{type: '{NEIGHBOR}', target: item.N}}\n\
             identity: {{id: item.Id}}\n"
        ),
    )];
    for (n, (require, when)) in requires.iter().zip(whens).enumerate() {
        let rest = format!("when: \"{when}\"\nrequire: \"{require}\"");
        files.push((format!("controls/a/c{n}.yaml"), control(TYPE, &rest)));
    }
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let content = content(&files);
    let mut scene = scene.clone();
    let mut before = scene.verdicts(&content);
    for loss in losses {
        scene.lose(loss);
        let after = scene.verdicts(&content);
        for (n, (before, after)) in before.iter().zip(&after).enumerate() {
            assert!(
                after == before || *after == VerdictStatus::Unknown,
                "{loss:?} turned {before:?} into {after:?}\nwhen {}\nrequire {}\n{scene:#?}",
                whens[n],
                requires[n],
            );
        }
        before = after;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_121),
        ..ProptestConfig::default()
    })]

    #[test]
    fn losing_any_part_leaves_a_verdict_or_makes_it_unknown(
        scene in scene(),
        losses in prop::collection::vec(loss(), 1..5),
        requires in prop::collection::vec(condition(), 6),
        whens in prop::collection::vec(
            prop_oneof![3 => Just("true".to_owned()), 1 => condition()], 6,
        ),
    ) {
        check(&scene, &losses, &requires, &whens);
    }
}

#[test]
fn each_condition_alone_survives_each_loss_alone() {
    let own = |path| Loss::Own(path, true);
    let losses = [
        own("properties"),
        own("properties.L"),
        Loss::OwnEnd("properties.L"),
        Loss::Own("properties.L", false),
        Loss::Own("runtime", false),
        Loss::Own("tags", false),
        Loss::Own("relations", false),
        Loss::Own("properties.SecurityGroupIngress", false),
        Loss::Listing(0, true),
        Loss::Listing(0, false),
        Loss::Listing(1, true),
        Loss::Listing(2, true),
    ];
    let requires: Vec<_> = CONDITIONS.iter().map(|text| (*text).to_owned()).collect();
    let negated: Vec<_> = CONDITIONS.iter().map(|text| format!("!({text})")).collect();
    let whens = vec!["true".to_owned(); CONDITIONS.len()];
    let full = json!({"A": true, "B": 5, "M": {"N": "a"}, "L": [{"x": 3, "y": true}],
        "SecurityGroupIngress": [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
            "CidrIp": "0.0.0.0/0"}]});
    let mut own = resource(TYPE, "sg-1", json!({"properties": full, "tags": {"team": "a"}}));
    own.relations.push(Relation {
        name: "next".to_owned(),
        type_name: NEIGHBOR.to_owned(),
        target: "eni-0".to_owned(),
    });
    let neighbor = resource(NEIGHBOR, "eni-0", json!({"properties": {"On": true}}));
    let bucket = resource(BUCKET, "b", json!({}));
    let listings = [
        (NEIGHBOR, REGION),
        (BUCKET, "global"),
        ("AWS::S3::AccountPublicAccessBlock", "global"),
        ("AWS::EC2::PrefixList", REGION),
    ];
    let listings = listings.map(|(t, r)| coverage(t, r, CoverageState::Complete)).into();
    let scene = Scene { resource: own, others: vec![neighbor, bucket], listings };
    for loss in losses {
        check(&scene, std::slice::from_ref(&loss), &requires, &whens);
        check(&scene, std::slice::from_ref(&loss), &negated, &whens);
    }
}
