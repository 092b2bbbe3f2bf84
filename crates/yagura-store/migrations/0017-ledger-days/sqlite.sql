-- The day of which a log object tells. The twin of postgres.sql.

-- day: year, month and day as one number, as the object's name tells, so that objects are handed
-- out day by day. Zero where an earlier version noted the object: those come first.
ALTER TABLE log_objects ADD COLUMN day BIGINT NOT NULL DEFAULT 0;
DROP INDEX log_objects_pending;
CREATE INDEX log_objects_pending ON log_objects (feed_id, day, id) WHERE state = 'pending';
