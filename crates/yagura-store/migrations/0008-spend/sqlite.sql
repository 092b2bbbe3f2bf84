-- Money spent, by account, service and day. The twin of postgres.sql.
-- Times are microseconds since 1970 (UTC); amounts are millionths of the currency's unit.

-- day: 2026-11-22 (UTC); kind: charge, credit; source: report, cost_explorer, cloudwatch;
-- estimated: AWS may still change it; seen_us: when it was read.
CREATE TABLE spend_days (
  source TEXT NOT NULL,
  day TEXT NOT NULL,
  account TEXT NOT NULL,
  service TEXT NOT NULL,
  kind TEXT NOT NULL,
  currency TEXT NOT NULL,
  amount_micros BIGINT NOT NULL,
  estimated BIGINT NOT NULL,
  seen_us BIGINT NOT NULL,
  PRIMARY KEY (source, day, account, service, kind, currency)
) WITHOUT ROWID;

-- Budgets as they were read last. forecast_micros: NULL where AWS gives none.
CREATE TABLE spend_budgets (
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  time_unit TEXT NOT NULL,
  limit_micros BIGINT NOT NULL,
  actual_micros BIGINT NOT NULL,
  forecast_micros BIGINT,
  currency TEXT NOT NULL,
  seen_us BIGINT NOT NULL,
  PRIMARY KEY (account, name)
) WITHOUT ROWID;

-- What AWS expects to be spent from the day it was asked to the end of a month (its first day).
CREATE TABLE spend_forecasts (
  month TEXT NOT NULL PRIMARY KEY,
  rest_micros BIGINT NOT NULL,
  currency TEXT NOT NULL,
  seen_us BIGINT NOT NULL
) WITHOUT ROWID;
