//! Tests of the rank: pairs of findings in the order in which a person would look at them.

use super::*;

fn of(severity: Severity) -> RankFacts {
    RankFacts { severity: Some(severity), ..RankFacts::default() }
}

fn weighs(weight: Weight) -> Option<(Weight, Prose)> {
    Some((weight, prose("because", "理由")))
}

fn sensitive() -> Option<DataValue> {
    Some(DataValue::Sensitive("customer-orders".to_owned()))
}

fn jewel() -> Option<DataValue> {
    Some(DataValue::CrownJewel("payments".to_owned()))
}

/// That the first is looked at before the second.
#[expect(clippy::needless_pass_by_value, reason = "called with what was just made")]
fn check(before: (&str, RankFacts), after: (&str, RankFacts)) {
    let (one, other) = (rank(&before.1), rank(&after.1));
    assert!(
        one.points > other.points,
        "{} ({} points) before {} ({} points)",
        before.0,
        one.points,
        after.0,
        other.points
    );
}

#[test]
fn a_person_would_look_at_them_in_this_order() {
    use Severity::{Critical, High, Informational, Low, Medium};
    let production = |facts: RankFacts| RankFacts { weight: weighs(Weight::Production), ..facts };
    let development = |facts: RankFacts| RankFacts { weight: weighs(Weight::Development), ..facts };
    let sandbox = |facts: RankFacts| RankFacts { weight: weighs(Weight::Sandbox), ..facts };
    let public = |facts: RankFacts| RankFacts { exposure: Some(Exposure::Public), ..facts };

    // By itself, the worse one.
    check(("critical", of(Critical)), ("high", of(High)));
    check(("high", of(High)), ("medium", of(Medium)));
    check(("medium", of(Medium)), ("low", of(Low)));
    check(("low", of(Low)), ("informational", of(Informational)));
    // Where it is.
    check(("high in production", production(of(High))), ("high elsewhere", of(High)));
    check(("high somewhere", of(High)), ("high in development", development(of(High))));
    check(("high in development", development(of(High))), ("high in a sandbox", sandbox(of(High))));
    check(
        (
            "high in the management account",
            RankFacts { weight: weighs(Weight::Management), ..of(High) },
        ),
        ("high in production", production(of(High))),
    );
    check(
        ("high in the log archive", RankFacts { weight: weighs(Weight::Security), ..of(High) }),
        ("high in development", development(of(High))),
    );
    // Who can reach it.
    check(
        ("public bucket", public(of(High))),
        ("shared bucket", RankFacts { exposure: Some(Exposure::Outsiders), ..of(High) }),
    );
    check(
        ("instance with an address", RankFacts { exposure: Some(Exposure::Address), ..of(Medium) }),
        ("instance inside", of(Medium)),
    );
    check(
        ("public bucket of production", production(public(of(High)))),
        ("critical in a sandbox, out of reach", sandbox(of(Critical))),
    );
    check(
        ("critical, public, in a sandbox", sandbox(public(of(Critical)))),
        ("high in production, out of reach", production(of(High))),
    );
    // What it holds.
    check(
        ("public bucket of customers' data", RankFacts { data: sensitive(), ..public(of(High)) }),
        (
            "public bucket of pictures",
            RankFacts { data: Some(DataValue::Store), ..public(of(High)) },
        ),
    );
    check(
        ("crown jewels", RankFacts { data: jewel(), ..of(High) }),
        ("customers' data", RankFacts { data: sensitive(), ..of(High) }),
    );
    check(
        (
            "medium, public, customers' data, production",
            RankFacts { data: sensitive(), ..production(public(of(Medium))) },
        ),
        ("high in development, out of reach", development(of(High))),
    );
    // What it may do.
    check(
        ("root without MFA", RankFacts { privilege: Some(Privilege::Root), ..of(Critical) }),
        (
            "an administrator's old key",
            RankFacts { privilege: Some(Privilege::Administrator), ..of(High) },
        ),
    );
    check(
        (
            "administrator's key",
            RankFacts { privilege: Some(Privilege::Administrator), ..of(Medium) },
        ),
        ("reader's key", of(Medium)),
    );
    check(
        (
            "user who can make itself administrator",
            RankFacts { privilege: Some(Privilege::Escalation), ..of(High) },
        ),
        ("user with many actions", RankFacts { privilege: Some(Privilege::Broad), ..of(High) }),
    );
    // Whether somebody makes use of it.
    check(
        ("weakness that attackers use", RankFacts { exploit: Some(Exploit::Known), ..of(High) }),
        ("weakness that nobody uses", of(High)),
    );
    check(
        (
            "known exploited, public, production",
            RankFacts { exploit: Some(Exploit::Known), ..production(public(of(High))) },
        ),
        ("critical elsewhere, out of reach", of(Critical)),
    );
    check(
        (
            "open instance with an alert",
            RankFacts { exploit: Some(Exploit::UnderAttack(1)), ..public(of(High)) },
        ),
        ("open instance without", public(of(High))),
    );
    check(
        ("story of an attack", RankFacts { exploit: Some(Exploit::Story), ..of(High) }),
        ("one suspicious call", RankFacts { exploit: Some(Exploit::Attack), ..of(High) }),
    );
    check(
        ("suspicious call", RankFacts { exploit: Some(Exploit::Attack), ..of(Medium) }),
        ("unusual call", RankFacts { exploit: Some(Exploit::Unusual), ..of(Medium) }),
    );
    check(
        (
            "story of an attack in production",
            RankFacts {
                exploit: Some(Exploit::Story),
                quiet_days: Some(0),
                ..production(of(Critical))
            },
        ),
        ("public bucket of production", production(public(of(Critical)))),
    );
    // When.
    check(
        ("alert of today", RankFacts { quiet_days: Some(0), ..of(High) }),
        ("alert of last week", RankFacts { quiet_days: Some(8), ..of(High) }),
    );
    check(
        ("alert of last week", RankFacts { quiet_days: Some(8), ..of(High) }),
        ("alert of the winter", RankFacts { quiet_days: Some(120), ..of(High) }),
    );
    check(
        ("medium alert of today", RankFacts { quiet_days: Some(0), ..of(Medium) }),
        ("medium alert of two months ago", RankFacts { quiet_days: Some(60), ..of(Medium) }),
    );
    check(
        ("open for a quarter", RankFacts { open_days: Some(95), ..of(Medium) }),
        ("open since yesterday", RankFacts { open_days: Some(1), ..of(Medium) }),
    );
    // What is only worth knowing stays so.
    check(
        ("medium somewhere", of(Medium)),
        (
            "low, public, sensitive, in production",
            RankFacts { data: sensitive(), ..production(public(of(Low))) },
        ),
    );
    check(
        ("low in a sandbox", sandbox(of(Low))),
        ("worth knowing, public, in production", production(public(of(Informational)))),
    );
    // Age alone decides nothing that matters.
    check(
        ("high, new", of(High)),
        ("medium, a year old", RankFacts { open_days: Some(365), ..of(Medium) }),
    );
}

#[test]
fn the_worst_of_everything_is_not_cut() {
    let worst = RankFacts {
        severity: Some(Severity::Critical),
        exposure: Some(Exposure::Public),
        privilege: Some(Privilege::Root),
        data: jewel(),
        exploit: Some(Exploit::Story),
        open_days: None,
        quiet_days: Some(0),
        weight: weighs(Weight::Management),
    };
    let ranked = rank(&worst);
    let sum: i32 = ranked.reasons.iter().map(|reason| i32::from(reason.points)).sum();
    assert_eq!(i32::from(ranked.points), sum);
    assert!(ranked.points <= RANK_POINTS_MAX, "{}", ranked.points);
}

#[test]
fn reasons_add_up_and_are_said_in_both_languages() {
    let facts = RankFacts {
        exposure: Some(Exposure::Public),
        data: sensitive(),
        open_days: Some(40),
        weight: weighs(Weight::Development),
        ..of(Severity::Medium)
    };
    let ranked = rank(&facts);
    let factors: Vec<RankFactor> = ranked.reasons.iter().map(|reason| reason.factor).collect();
    assert_eq!(
        factors,
        [
            RankFactor::Severity,
            RankFactor::Exposure,
            RankFactor::Data,
            RankFactor::Age,
            RankFactor::Account,
        ]
    );
    let sum: i32 = ranked.reasons.iter().map(|reason| i32::from(reason.points)).sum();
    assert_eq!(i32::from(ranked.points), sum);
    assert!(ranked.reasons.iter().all(|one| !one.why.en.is_empty() && !one.why.ja.is_empty()));
}

#[test]
fn nothing_ranks_below_zero() {
    let facts = RankFacts {
        quiet_days: Some(500),
        weight: weighs(Weight::Sandbox),
        ..of(Severity::Informational)
    };
    let ranked = rank(&facts);
    assert_eq!(ranked.points, 0);
}
