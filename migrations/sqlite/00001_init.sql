-- +goose Up
-- Each migration says here the oldest level that a binary must know to run on it.
CREATE TABLE schema_level (level INTEGER PRIMARY KEY, oldest_binary INTEGER NOT NULL);
INSERT INTO schema_level (level, oldest_binary) VALUES (1, 1);

CREATE TABLE counter (name TEXT PRIMARY KEY, version INTEGER NOT NULL);
INSERT INTO counter (name, version) VALUES ('config', 1);

-- expanded_from, expanded_until: what the occurrences hold of every object (open while there is none); tzdata: the time
-- zone rules they were derived under, '' = they are to be derived anew.
CREATE TABLE mailbox (
  id INTEGER PRIMARY KEY,
  address TEXT NOT NULL UNIQUE,
  data TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  zone TEXT NOT NULL,
  calendar_version INTEGER NOT NULL,
  expanded_from INTEGER NOT NULL,
  expanded_until INTEGER NOT NULL,
  tzdata TEXT NOT NULL
);
CREATE INDEX mailbox_expanded ON mailbox (expanded_until);
CREATE INDEX mailbox_tzdata ON mailbox (tzdata);
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
  PRIMARY KEY (mailbox_id, uid)
) WITHOUT ROWID;
CREATE INDEX object_span ON object (mailbox_id, last_end, first_start);

-- class: 0 up to 1 day, 1 up to 31 days, 2 longer; n counts the occurrences of one object.
CREATE TABLE occurrence (
  mailbox_id INTEGER NOT NULL,
  class INTEGER NOT NULL,
  start_at INTEGER NOT NULL,
  uid TEXT NOT NULL,
  n INTEGER NOT NULL,
  end_at INTEGER NOT NULL,
  busy INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  subject TEXT NOT NULL,
  location TEXT NOT NULL,
  PRIMARY KEY (mailbox_id, class, start_at, uid, n)
) WITHOUT ROWID;
CREATE INDEX occurrence_uid ON occurrence (mailbox_id, uid);

-- An import under way, and what it has read so far.
CREATE TABLE import (mailbox_id INTEGER NOT NULL, id TEXT NOT NULL, alive_at INTEGER NOT NULL, PRIMARY KEY (mailbox_id, id)) WITHOUT ROWID;
CREATE TABLE import_object (
  mailbox_id INTEGER NOT NULL,
  import_id TEXT NOT NULL,
  uid TEXT NOT NULL,
  data BLOB NOT NULL,
  first_start INTEGER NOT NULL,
  last_end INTEGER NOT NULL,
  PRIMARY KEY (mailbox_id, import_id, uid)
) WITHOUT ROWID;
CREATE TABLE import_occurrence (
  mailbox_id INTEGER NOT NULL,
  import_id TEXT NOT NULL,
  uid TEXT NOT NULL,
  n INTEGER NOT NULL,
  class INTEGER NOT NULL,
  start_at INTEGER NOT NULL,
  end_at INTEGER NOT NULL,
  busy INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  subject TEXT NOT NULL,
  location TEXT NOT NULL,
  PRIMARY KEY (mailbox_id, import_id, uid, n)
) WITHOUT ROWID;

CREATE TABLE config (name TEXT PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE relationship (id TEXT PRIMARY KEY, name TEXT NOT NULL, folded_name TEXT NOT NULL UNIQUE, data TEXT NOT NULL);
CREATE TABLE relationship_domain (domain TEXT PRIMARY KEY, relationship_id TEXT NOT NULL);
CREATE TABLE audit (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, verb TEXT NOT NULL, object TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE lease (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until INTEGER NOT NULL);
