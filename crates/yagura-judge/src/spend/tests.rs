//! Invented years of ordinary spend, in which nothing may be found, and jumps planted into them,
//! which must be.

use jiff::Span;
use jiff::civil::{Date, date};
use proptest::prelude::*;
use yagura_model::spend::{ALL_SERVICES, SpendKind};

use super::*;

const ACCOUNT: &str = "111122223333";
const FIRST: Date = date(2025, 10, 1);

fn after(first: Date, days: i64) -> Date {
    first.checked_add(Span::new().days(days)).unwrap()
}

fn spent(service: &str, day: Date, units: f64) -> SpendDay {
    SpendDay {
        account: ACCOUNT.into(),
        service: service.into(),
        day,
        kind: SpendKind::Charge,
        amount: Micros::from_f64(units),
        currency: "USD".into(),
        estimated: false,
    }
}

/// How an invented service behaves.
#[derive(Clone, Copy)]
struct Habit {
    level: f64,
    /// What weekends cost, as a share of weekdays.
    weekend: f64,
    /// The standard deviation of a day, as a share.
    noise: f64,
    /// What a month adds, as a share.
    growth: f64,
    /// Charged once a month on this day (0: never; 31: the last).
    monthly: (i8, f64),
}

impl Habit {
    const fn flat(level: f64) -> Self {
        Self { level, weekend: 1.0, noise: 0.04, growth: 0.0, monthly: (0, 0.0) }
    }

    fn on(&self, day: Date, random: &mut fastrand::Rng) -> f64 {
        let months = f64::from((day - FIRST).get_days()) / 30.0;
        let is_weekend = day.weekday().to_monday_zero_offset() >= 5;
        let weekend = if is_weekend { self.weekend } else { 1.0 };
        // Twelve uniform numbers make a normal one.
        let normal: f64 = (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
        let base = self.level * (1.0 + self.growth).powf(months) * weekend;
        let charged = match self.monthly {
            (31, amount) if day == day.last_of_month() => amount,
            (n, amount) if n == day.day() => amount,
            _ => 0.0,
        };
        (base * (1.0 + self.noise * normal)).max(0.0) + charged
    }
}

const HABITS: [(&str, Habit); 9] = [
    ("EC2 - Compute", Habit { weekend: 0.4, noise: 0.08, ..Habit::flat(900.0) }),
    ("S3", Habit { growth: 0.05, ..Habit::flat(120.0) }),
    ("RDS", Habit::flat(340.0)),
    ("Lambda", Habit { weekend: 0.2, noise: 0.2, ..Habit::flat(35.0) }),
    ("Support", Habit { monthly: (1, 3000.0), ..Habit::flat(0.0) }),
    ("Tax", Habit { monthly: (1, 1200.0), ..Habit::flat(2.0) }),
    ("Marketplace", Habit { monthly: (31, 800.0), ..Habit::flat(0.0) }),
    ("Glue", Habit { monthly: (15, 150.0), noise: 0.1, ..Habit::flat(20.0) }),
    ("Kinesis", Habit { growth: 0.15, noise: 0.06, ..Habit::flat(60.0) }),
];

/// A year of all habits, with credits as Cost Explorer tells them.
fn year(seed: u64, days: i64) -> Vec<SpendDay> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut all = Vec::new();
    for n in 0..days {
        let day = after(FIRST, n);
        for (service, habit) in HABITS {
            all.push(spent(service, day, habit.on(day, &mut random)));
        }
        if day.day() == 3 {
            let credit = spent("EC2 - Compute", day, -900.0);
            all.push(SpendDay { kind: SpendKind::Credit, ..credit });
        }
    }
    all
}

fn judged(spent: &[SpendDay], until: Date, days: u32) -> Vec<SpendJump> {
    judge_spend(spent, until, &JumpOptions { days, ..JumpOptions::default() })
}

/// The first days on which a monthly charge is seen are new to everybody.
const SETTLED: i64 = 65;

#[test]
fn an_ordinary_year_raises_nothing() {
    for seed in 0..8 {
        let all = year(seed, 365);
        let judged_days = u32::try_from(365 - SETTLED).unwrap();
        let jumps = judged(&all, after(FIRST, 364), judged_days);
        let told: Vec<_> =
            jumps.iter().map(|jump| (&jump.service, jump.day, jump.amount, jump.limit)).collect();
        assert!(told.is_empty(), "seed {seed}: {told:?}");
    }
}

#[test]
fn a_planted_jump_is_found_on_its_first_day_and_no_other_service_is_blamed() {
    let plants: [(&str, f64); 5] = [
        ("EC2 - Compute", 1200.0),
        ("S3", 150.0),
        ("Lambda", 90.0),
        ("SageMaker", 60.0),
        ("Support", 2000.0),
    ];
    for seed in 0..10 {
        for (service, more) in plants {
            for offset in [120, 171, 233, 300] {
                let day = after(FIRST, offset);
                let mut all = year(seed, offset + 1);
                all.push(spent(service, day, more));
                let jumps = judged(&all, day, 1);
                let told: Vec<&str> = jumps.iter().map(|jump| jump.service.as_str()).collect();
                assert_eq!(told, [service], "seed {seed}, day {day}");
                assert_eq!(jumps[0].day, day);
                assert!(jumps[0].amount > jumps[0].limit);
                assert_eq!(jumps[0].before.len(), 14);
                assert_eq!(jumps[0].is_new, matches!(service, "SageMaker"));
            }
        }
    }
}

#[test]
fn a_jump_that_many_services_share_is_told_of_the_account() {
    let day = after(FIRST, 100);
    let mut all = Vec::new();
    for n in 0..=100 {
        for service in 0..40 {
            let more = if n == 100 { 15.0 } else { 0.0 };
            all.push(spent(&format!("s{service}"), after(FIRST, n), 10.0 + more));
        }
    }
    let jumps = judged(&all, day, 1);
    let told: Vec<&str> = jumps.iter().map(|jump| jump.service.as_str()).collect();
    assert_eq!(told, [ALL_SERVICES]);
}

#[test]
fn a_higher_level_that_stays_becomes_usual() {
    let level = |n: i64| if n < 60 { 100.0 } else { 300.0 };
    let all: Vec<_> = (0..120).map(|n| spent("EC2", after(FIRST, n), level(n))).collect();
    let told: Vec<i64> = judged(&all, after(FIRST, 119), 100)
        .iter()
        .map(|jump| i64::from((jump.day - FIRST).get_days()))
        .collect();
    assert_eq!(told.first(), Some(&60));
    assert!(told.last().unwrap() < &75, "{told:?}");
}

#[test]
fn too_little_is_known_at_first() {
    let mut all: Vec<_> = (0..13).map(|n| spent("EC2", after(FIRST, n), 10.0)).collect();
    all.push(spent("EC2", after(FIRST, 13), 5000.0));
    assert!(judged(&all, after(FIRST, 13), 1).is_empty(), "13 days");
    let more = spent("EC2", after(FIRST, -1), 10.0);
    all.push(more);
    assert_eq!(judged(&all, after(FIRST, 13), 1).len(), 1, "14 days");
}

#[test]
fn small_money_less_money_and_credits_are_not_told() {
    let base: Vec<_> = (0..60).map(|n| spent("EC2", after(FIRST, n), 10.0)).collect();
    let check = |amount: f64, kind: SpendKind, expected: usize| {
        let day = after(FIRST, 60);
        let mut all = base.clone();
        all.push(SpendDay { kind, ..spent("EC2", day, amount) });
        assert_eq!(judged(&all, day, 1).len(), expected, "{amount}");
    };
    check(29.0, SpendKind::Charge, 0);
    check(31.0, SpendKind::Charge, 1);
    check(0.0, SpendKind::Charge, 0);
    check(-500.0, SpendKind::Charge, 0);
    check(500.0, SpendKind::Credit, 0);
}

#[test]
fn a_credit_does_not_hide_what_is_charged() {
    let mut all = Vec::new();
    for n in 0..60 {
        let day = after(FIRST, n);
        let charge = if n == 59 { 900.0 } else { 100.0 };
        all.push(spent("EC2", day, charge));
        all.push(SpendDay { kind: SpendKind::Credit, ..spent("EC2", day, -charge) });
    }
    assert_eq!(judged(&all, after(FIRST, 59), 1).len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// More money is never less of a jump, and nothing panics whatever the figures.
    #[test]
    fn more_money_is_never_less_of_a_jump(
        amounts in proptest::collection::vec(-100.0..2000.0_f64, 15..80),
        more in 0.0..5000.0_f64,
    ) {
        let n = amounts.len() as i64 - 1;
        let all: Vec<_> =
            (0..).zip(&amounts).map(|(n, amount)| spent("EC2", after(FIRST, n), *amount)).collect();
        let day = after(FIRST, n);
        let first = judged(&all, day, 1);
        let mut higher = all.clone();
        higher.push(spent("EC2", day, more));
        let second = judged(&higher, day, 1);
        prop_assert!(second.len() >= first.len());
    }

    /// The order in which figures arrive, and the currency's scale, do not matter.
    #[test]
    fn neither_order_nor_scale_matters(
        amounts in proptest::collection::vec(1.0..2000.0_f64, 30..60),
        seed in any::<u64>(),
    ) {
        let scaled = |scale: f64| -> Vec<SpendDay> {
            let days = (0..).zip(&amounts);
            days.map(|(n, amount)| spent("EC2", after(FIRST, n), amount * scale)).collect()
        };
        let day = after(FIRST, amounts.len() as i64 - 1);
        let one = judged(&scaled(1.0), day, 5);
        let mut shuffled = scaled(1.0);
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
        prop_assert_eq!(&judged(&shuffled, day, 5), &one);
        let minimum = Micros::units(2000);
        let options = JumpOptions { minimum, days: 5, ..JumpOptions::default() };
        let hundred = judge_spend(&scaled(100.0), day, &options);
        prop_assert_eq!(hundred.len(), one.len());
    }
}
