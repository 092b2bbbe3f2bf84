//! Figures put in order: one number a day for each account and service, without gaps.
//! What is usual in them is found in `baseline`.

use std::collections::BTreeMap;

use jiff::civil::Date;
use yagura_model::spend::{ALL_SERVICES, Micros, SpendDay, SpendKind};

/// What an account spent on one service, day by day from the first day on which anything is known
/// of the account. A day without a figure is a day without spend.
pub(super) struct Series {
    pub(super) account: String,
    pub(super) service: String,
    pub(super) currency: String,
    first: Date,
    amounts: Vec<Micros>,
}

/// All of one account and currency.
pub(super) struct Account {
    pub(super) services: Vec<Series>,
    pub(super) total: Series,
}

impl Series {
    fn at(&self, day: Date) -> Option<usize> {
        usize::try_from((day - self.first).get_days()).ok()
    }

    /// What was spent on a day; `None` outside what is known.
    pub(super) fn on(&self, day: Date) -> Option<Micros> {
        self.amounts.get(self.at(day)?).copied()
    }

    /// How many days are known before a day.
    pub(super) fn known_before(&self, day: Date) -> usize {
        self.at(day).unwrap_or(0).min(self.amounts.len())
    }

    /// The newest days before a day, oldest first.
    pub(super) fn before(&self, day: Date, n: usize) -> Vec<(Date, Micros)> {
        let end = self.known_before(day);
        let start = end.saturating_sub(n);
        let mut date = self.first.saturating_add(jiff::Span::new().days(days(start)));
        let mut found = Vec::with_capacity(end - start);
        for amount in self.amounts.get(start..end).unwrap_or_default() {
            found.push((date, *amount));
            date = date.tomorrow().unwrap_or(date);
        }
        found
    }
}

fn days(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX).min(100_000)
}

/// Charges by account and currency, up to and with a day.
pub(super) fn by_account(spent: &[SpendDay], until: Date) -> Vec<Account> {
    type Days = BTreeMap<Date, Micros>;
    let mut accounts: BTreeMap<(&str, &str), BTreeMap<&str, Days>> = BTreeMap::new();
    let charges = spent.iter().filter(|one| one.kind == SpendKind::Charge && one.day <= until);
    for one in charges {
        let services = accounts.entry((&one.account, &one.currency)).or_default();
        let day = services.entry(&one.service).or_default().entry(one.day).or_default();
        *day = day.plus(one.amount);
    }
    let account = |((account, currency), services): ((&str, &str), BTreeMap<&str, Days>)| {
        let first = services.values().filter_map(|days| days.keys().next()).min().copied();
        let first = first.unwrap_or(until);
        let length = usize::try_from((until - first).get_days()).unwrap_or(0) + 1;
        let empty = |service: &str| Series {
            account: account.to_owned(),
            service: service.to_owned(),
            currency: currency.to_owned(),
            first,
            amounts: vec![Micros::default(); length],
        };
        let mut total = empty(ALL_SERVICES);
        let mut all = Vec::with_capacity(services.len());
        for (service, days) in services {
            let mut series = empty(service);
            for (day, amount) in days {
                let at = series.at(day);
                for one in [&mut series, &mut total] {
                    if let Some(place) = at.and_then(|at| one.amounts.get_mut(at)) {
                        *place = place.plus(amount);
                    }
                }
            }
            all.push(series);
        }
        Account { services: all, total }
    };
    accounts.into_iter().map(account).collect()
}
