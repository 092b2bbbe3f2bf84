-- The places of triples of letters, written anew. The twin of sqlite.sql.

-- Until here the place said little of a triple's first letter. What is written instead comes from
-- the findings themselves (findings/terms.rs). Places are the terms of three bytes that begin with
-- 0xff, which no letter does.
DELETE FROM finding_terms WHERE length(term) = 3 AND substr(term, 1, 1) = '\xff'::bytea;
