-- Who may come into the console: people, their sessions, tokens of programs, and the record of what
-- was done. The twin of postgres.sql. Times are microseconds since 1970 (UTC).

-- One row per person. name: in lower case; subject: issuer and subject of OpenID Connect; password:
-- argon2id with its parameters; totp: NULL without a second factor, 'sealed' where its secret is
-- among the secrets as people/<id>/totp, else the secret itself after 'plain:'; totp_step: the last
-- time step that was used; accounts: a JSON array, NULL for all; role: a
-- word of the console.
CREATE TABLE people (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  subject TEXT UNIQUE,
  password TEXT,
  totp TEXT,
  totp_step BIGINT NOT NULL,
  role TEXT NOT NULL,
  accounts TEXT,
  lang TEXT,
  zone TEXT,
  disabled BIGINT NOT NULL,
  created_us BIGINT NOT NULL,
  seen_us BIGINT
);

-- Recovery codes that are left. hash: SHA-256 of a code.
CREATE TABLE person_codes (
  person BIGINT NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (person, hash)
) WITHOUT ROWID;

-- hash: SHA-256 of the 256 random bits that the cookie carries; means: password or oidc.
CREATE TABLE sessions (
  hash BLOB NOT NULL PRIMARY KEY,
  person BIGINT NOT NULL,
  means TEXT NOT NULL,
  created_us BIGINT NOT NULL,
  seen_us BIGINT NOT NULL,
  expires_us BIGINT NOT NULL,
  address TEXT NOT NULL,
  agent TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_person ON sessions (person);

-- What is under way and used once: a second step, a set-up link, a round trip to a provider.
-- hash: SHA-256 of what the browser carries; person: NULL where nobody is known yet.
CREATE TABLE sign_ins (
  hash BLOB NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  person BIGINT,
  detail TEXT NOT NULL,
  expires_us BIGINT NOT NULL
) WITHOUT ROWID;

-- Failures to sign in. hash: SHA-256 of an address or of a name with its kind: a name that was
-- typed may be a password.
CREATE TABLE sign_in_failures (
  hash BLOB NOT NULL PRIMARY KEY,
  failures BIGINT NOT NULL,
  last_us BIGINT NOT NULL,
  until_us BIGINT NOT NULL
) WITHOUT ROWID;

-- Tokens of programs. hash: SHA-256 of the token; scopes: a JSON array.
CREATE TABLE tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  hash BLOB NOT NULL UNIQUE,
  role TEXT NOT NULL,
  accounts TEXT,
  scopes TEXT NOT NULL,
  created_us BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  expires_us BIGINT,
  used_us BIGINT
);

-- What was done, in its order; rows are added, and the oldest forgotten, nothing else.
CREATE TABLE audit (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at_us BIGINT NOT NULL,
  who TEXT NOT NULL,
  means TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  outcome TEXT NOT NULL,
  address TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at_us);
CREATE INDEX audit_by_who ON audit (who, number);
