-- +goose Up
CREATE TABLE organization (
  name TEXT PRIMARY KEY,
  app_id TEXT NOT NULL UNIQUE,
  application_uri TEXT NOT NULL,
  uri_key TEXT NOT NULL UNIQUE,            -- application_uri as application URIs compare
  account_namespace TEXT NOT NULL,
  instance TEXT NOT NULL DEFAULT '',       -- '' = the gateway's first instance
  state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'disabled')),
  contact TEXT NOT NULL DEFAULT '',
  registered_at INTEGER NOT NULL,
  partners_at INTEGER NOT NULL DEFAULT 0,  -- when the partner list in force was made, in milliseconds
  statement_at INTEGER NOT NULL DEFAULT 0  -- when the last other statement was made, in milliseconds
);
CREATE INDEX organization_pending ON organization (registered_at) WHERE state = 'pending';
CREATE TABLE certificate (
  organization TEXT NOT NULL REFERENCES organization (name) ON DELETE CASCADE,
  role TEXT NOT NULL CHECK (role IN ('current', 'previous', 'next')),
  der BLOB NOT NULL,
  ski BLOB NOT NULL,
  sha1 BLOB NOT NULL,
  serial TEXT NOT NULL,
  PRIMARY KEY (organization, role)
);
CREATE INDEX certificate_ski ON certificate (ski);
CREATE INDEX certificate_sha1 ON certificate (sha1);
CREATE INDEX certificate_serial ON certificate (serial);
CREATE TABLE domain (
  domain TEXT PRIMARY KEY,                 -- one owner each
  organization TEXT NOT NULL REFERENCES organization (name) ON DELETE CASCADE,
  state TEXT NOT NULL CHECK (state IN ('reserved', 'proven', 'lapsed')),
  how TEXT NOT NULL CHECK (how IN ('', 'txt', 'administrator')),
  checked_at INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,     -- checks in a row that did not find the proof
  failing_since INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX domain_organization ON domain (organization);
CREATE INDEX domain_due ON domain (checked_at) WHERE how = 'txt' AND state = 'proven';
CREATE TABLE partner (
  organization TEXT NOT NULL REFERENCES organization (name) ON DELETE CASCADE,
  value TEXT NOT NULL,                     -- 'uri ' and a uri_key, or 'domain ' and a domain
  PRIMARY KEY (organization, value)
) WITHOUT ROWID;
CREATE TABLE signing_key (
  thumbprint TEXT PRIMARY KEY,
  role TEXT NOT NULL UNIQUE CHECK (role IN ('current', 'previous', 'next')),
  since INTEGER NOT NULL                   -- when it got this role
);
CREATE TABLE seen (
  id TEXT PRIMARY KEY,
  expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX seen_expires ON seen (expires);
CREATE TABLE issued (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  organization TEXT NOT NULL,
  user TEXT NOT NULL,
  target TEXT NOT NULL,
  action TEXT NOT NULL,
  assertion TEXT NOT NULL
);
CREATE TABLE change (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  verb TEXT NOT NULL,
  object TEXT NOT NULL,
  detail TEXT NOT NULL DEFAULT ''
);
