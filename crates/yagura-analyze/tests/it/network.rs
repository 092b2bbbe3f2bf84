//! What the whole internet may reach.

use serde_json::{Value, json};

use crate::world::{World, resource, show};

fn check_group(rules: &Value, fact: &str, expected: &Value) {
    let group = resource(
        "AWS::EC2::SecurityGroup",
        "sg-1",
        json!({"properties": {"SecurityGroupIngress": rules}}),
    );
    let facts = World::default().facts(&group);
    assert_eq!(show(&facts, fact), *expected, "{rules}");
}

fn rule(protocol: &str, from: i64, to: i64, cidr: &str) -> Value {
    let member = if cidr.contains(':') { "CidrIpv6" } else { "CidrIp" };
    json!({"IpProtocol": protocol, "FromPort": from, "ToPort": to, member: cidr})
}

#[test]
fn a_port_open_to_everyone_is_shown_with_its_rule() {
    let rules = json!([rule("tcp", 22, 22, "0.0.0.0/0"), rule("tcp", 443, 443, "10.0.0.0/8")]);
    check_group(&rules, "open_ports.tcp", &json!([{"from": 22, "to": 22}]));
    check_group(&rules, "open_ports.udp", &json!([]));
    check_group(
        &rules,
        "open_ingress",
        &json!([{"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr": "0.0.0.0/0",
            "ipv6": false}]),
    );
}

#[test]
fn all_protocols_open_every_port_of_their_family() {
    let rules = json!([{"IpProtocol": "-1", "CidrIpv6": "::/0"}]);
    let every = json!([{"from": 0, "to": 65535}]);
    check_group(&rules, "open_ports_ipv6", &json!({"tcp": every, "udp": every}));
    check_group(&rules, "open_ports_ipv4", &json!({"tcp": [], "udp": []}));
    check_group(&rules, "open_ports", &json!({"tcp": every, "udp": every}));
    let numbered = json!([{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0", "FromPort": -1}]);
    check_group(&numbered, "open_ports_ipv4", &json!({"tcp": every, "udp": every}));
}

#[test]
fn halves_of_the_internet_are_open_only_where_both_are() {
    let rules = json!([rule("tcp", 20, 30, "0.0.0.0/1"), rule("6", 25, 40, "128.0.0.0/1")]);
    check_group(&rules, "open_ports.tcp", &json!([{"from": 25, "to": 30}]));
    check_group(&rules, "open_ingress", &json!([]));
    let rules = json!([rule("udp", 53, 53, "0.0.0.0/1"), rule("udp", 53, 53, "128.0.0.0/1")]);
    check_group(
        &rules,
        "open_ingress",
        &json!([{"protocol": "udp", "from_port": 53, "to_port": 53,
            "cidr": "0.0.0.0/1+128.0.0.0/1", "ipv6": false}]),
    );
}

#[test]
fn other_groups_and_broken_blocks_open_nothing() {
    let rules = json!([
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "SourceSecurityGroupId": "sg-2"},
        rule("tcp", 22, 22, "0.0.0.0/99"),
        rule("tcp", 22, 22, "everyone"),
        1,
    ]);
    check_group(&rules, "open_ports", &json!({"tcp": [], "udp": []}));
}

#[test]
fn a_prefix_list_of_the_inventory_is_followed() {
    let group = resource(
        "AWS::EC2::SecurityGroup",
        "sg-1",
        json!({"properties": {"SecurityGroupIngress": [
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "SourcePrefixListId": "pl-1"},
        ]}}),
    );
    let list = resource(
        "AWS::EC2::PrefixList",
        "pl-1",
        json!({"properties": {"Entries": [{"Cidr": "0.0.0.0/0"}]}}),
    );
    let world = World { resources: vec![list], denied: Vec::new() };
    assert_eq!(show(&world.facts(&group), "open_ports.tcp"), json!([{"from": 22, "to": 22}]));
    let denied = World { resources: Vec::new(), denied: vec!["AWS::EC2::PrefixList"] };
    let facts = denied.facts(&group);
    assert!(facts.unread.iter().any(|unread| unread.path.to_string() == "facts.open_ports.tcp"));
}

fn check_acl(entries: &Value, expected: &Value) {
    let acl = resource(
        "AWS::EC2::NetworkAcl",
        "acl-1",
        json!({"properties": {"NetworkAclEntry": entries}}),
    );
    let facts = World::default().facts(&acl);
    assert_eq!(show(&facts, "open_ports.tcp"), *expected, "{entries}");
}

fn entry(number: i64, action: &str, cidr: &str, ports: Option<(i64, i64)>) -> Value {
    let mut entry = json!({"RuleNumber": number, "RuleAction": action, "CidrBlock": cidr,
        "Protocol": -1, "Egress": false});
    if let Some((from, to)) = ports {
        entry["Protocol"] = json!(6);
        entry["PortRange"] = json!({"From": from, "To": to});
    }
    entry
}

#[test]
fn the_first_entry_of_an_acl_decides() {
    let allow = entry(100, "allow", "0.0.0.0/0", None);
    let every = json!([{"from": 0, "to": 65535}]);
    check_acl(&json!([allow]), &every);
    let before = entry(90, "deny", "0.0.0.0/0", Some((22, 22)));
    check_acl(&json!([allow, before]), &json!([{"from": 0, "to": 21}, {"from": 23, "to": 65535}]));
    let after = entry(110, "deny", "0.0.0.0/0", Some((22, 22)));
    check_acl(&json!([allow, after]), &every);
    let block = entry(90, "deny", "198.51.0.0/16", None);
    check_acl(&json!([allow, block]), &every);
    check_acl(&json!([entry(100, "allow", "10.0.0.0/8", None)]), &json!([]));
    let mut egress = allow;
    egress["Egress"] = json!(true);
    check_acl(&json!([egress]), &json!([]));
}

#[test]
fn an_unread_acl_is_not_closed() {
    let acl = resource(
        "AWS::EC2::NetworkAcl",
        "acl-1",
        json!({"unread": [{"path": "properties.NetworkAclEntry", "reason": "throttled"}]}),
    );
    assert_eq!(show(&World::default().facts(&acl), "open_ports.tcp"), json!("unread"));
}

#[test]
fn a_subnet_is_public_by_its_own_table_else_by_the_main_one() {
    let subnet =
        resource("AWS::EC2::Subnet", "subnet-1", json!({"properties": {"VpcId": "vpc-1"}}));
    let table = |id: &str, vpc: &str, gateway: &str, runtime: Value| {
        resource(
            "AWS::EC2::RouteTable",
            id,
            json!({"properties": {
                "VpcId": vpc,
                "Route": [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway}],
            }, "runtime": runtime}),
        )
    };
    let check = |tables: Vec<yagura_model::Resource>, denied: bool, expected: Value| {
        let denied = if denied { vec!["AWS::EC2::RouteTable"] } else { Vec::new() };
        let world = World { resources: tables, denied };
        assert_eq!(show(&world.facts(&subnet), "public_subnet"), expected);
    };
    let main = |gateway: &str| table("rtb-1", "vpc-1", gateway, json!({"Main": true}));
    let own = |gateway: &str| table("rtb-2", "vpc-1", gateway, json!({"SubnetIds": ["subnet-1"]}));
    check(vec![main("igw-1")], false, json!(true));
    check(vec![main("igw-1"), own("local")], false, json!(false));
    check(vec![main("local"), own("igw-1")], false, json!(true));
    let black_hole = json!({"Main": true, "BlackholeRoutes": ["0.0.0.0/0"]});
    check(vec![table("rtb-1", "vpc-1", "igw-1", black_hole)], false, json!(false));
    check(vec![table("rtb-1", "vpc-2", "igw-1", json!({"Main": true}))], false, json!(false));
    check(vec![main("local")], true, json!("unread"));
    check(vec![own("igw-1")], true, json!(true));
    check(vec![], true, json!("unread"));
}
