-- +goose Up
CREATE TABLE counter (name TEXT PRIMARY KEY, version INTEGER NOT NULL);
INSERT INTO counter (name, version) VALUES ('config', 1);

CREATE TABLE mailbox (
  id INTEGER PRIMARY KEY,
  address TEXT NOT NULL UNIQUE,
  data TEXT NOT NULL,
  password_hash TEXT NOT NULL DEFAULT ''
);
CREATE TABLE proxy_address (address TEXT PRIMARY KEY, mailbox_id INTEGER NOT NULL);
CREATE INDEX proxy_address_mailbox ON proxy_address (mailbox_id);

CREATE TABLE mail_group (address TEXT PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE group_member (group_address TEXT NOT NULL, member TEXT NOT NULL, PRIMARY KEY (group_address, member)) WITHOUT ROWID;

CREATE TABLE object (
  mailbox_id INTEGER NOT NULL,
  uid TEXT NOT NULL,
  data BLOB NOT NULL,
  first_start INTEGER NOT NULL,
  last_end INTEGER NOT NULL,
  expanded_from INTEGER NOT NULL,
  expanded_until INTEGER NOT NULL,
  zone TEXT NOT NULL,
  PRIMARY KEY (mailbox_id, uid)
) WITHOUT ROWID;
CREATE INDEX object_span ON object (mailbox_id, last_end, first_start);

-- Occurrences up to the horizon. long = 1 where one lasts longer than 31 days, so that the range scan of the others stays tight.
CREATE TABLE occurrence (
  mailbox_id INTEGER NOT NULL,
  long INTEGER NOT NULL,
  start INTEGER NOT NULL,
  uid TEXT NOT NULL,
  end INTEGER NOT NULL,
  busy INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  subject TEXT NOT NULL,
  location TEXT NOT NULL,
  PRIMARY KEY (mailbox_id, long, start, uid, end)
) WITHOUT ROWID;
CREATE INDEX occurrence_uid ON occurrence (mailbox_id, uid);

CREATE TABLE config (name TEXT PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE relationship (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, data TEXT NOT NULL);
CREATE TABLE relationship_domain (domain TEXT PRIMARY KEY, relationship_id TEXT NOT NULL);
CREATE TABLE audit (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, verb TEXT NOT NULL, object TEXT NOT NULL, detail TEXT NOT NULL);
