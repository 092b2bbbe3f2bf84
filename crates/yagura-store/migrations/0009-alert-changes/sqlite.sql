-- Alerts are folded into findings in the order in which they last changed. The twin of
-- postgres.sql.
CREATE INDEX alerts_by_change ON alerts (changed_us, number);
