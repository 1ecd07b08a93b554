-- +goose Up
-- Each migration says here the oldest level that a binary must know to run on it.
CREATE TABLE schema_level (level BIGINT PRIMARY KEY, oldest_binary BIGINT NOT NULL);
INSERT INTO schema_level (level, oldest_binary) VALUES (1, 1);

CREATE TABLE counter (name TEXT COLLATE "C" PRIMARY KEY, version BIGINT NOT NULL);
INSERT INTO counter (name, version) VALUES ('config', 1);

-- expanded_from, expanded_until: what the occurrences hold of every object (open while there is none); tzdata: the time
-- zone rules they were derived under, '' = they are to be derived anew.
CREATE TABLE mailbox (
  id BIGINT PRIMARY KEY,
  address TEXT COLLATE "C" NOT NULL UNIQUE,
  data TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  zone TEXT NOT NULL,
  calendar_version BIGINT NOT NULL,
  expanded_from BIGINT NOT NULL,
  expanded_until BIGINT NOT NULL,
  tzdata TEXT COLLATE "C" NOT NULL
);
CREATE INDEX mailbox_expanded ON mailbox (expanded_until);
CREATE INDEX mailbox_tzdata ON mailbox (tzdata);
CREATE TABLE proxy_address (address TEXT COLLATE "C" PRIMARY KEY, mailbox_id BIGINT NOT NULL);
CREATE INDEX proxy_address_mailbox ON proxy_address (mailbox_id);

CREATE TABLE mail_group (address TEXT COLLATE "C" PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE group_member (group_address TEXT COLLATE "C" NOT NULL, member TEXT COLLATE "C" NOT NULL, PRIMARY KEY (group_address, member));

CREATE TABLE object (
  mailbox_id BIGINT NOT NULL,
  uid TEXT COLLATE "C" NOT NULL,
  data BYTEA NOT NULL,
  first_start BIGINT NOT NULL,
  last_end BIGINT NOT NULL,
  PRIMARY KEY (mailbox_id, uid)
);
CREATE INDEX object_span ON object (mailbox_id, last_end, first_start);

-- class: 0 up to 1 day, 1 up to 31 days, 2 longer; n counts the occurrences of one object.
CREATE TABLE occurrence (
  mailbox_id BIGINT NOT NULL,
  class INTEGER NOT NULL,
  start_at BIGINT NOT NULL,
  uid TEXT COLLATE "C" NOT NULL,
  n INTEGER NOT NULL,
  end_at BIGINT NOT NULL,
  busy INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  subject TEXT NOT NULL,
  location TEXT NOT NULL,
  PRIMARY KEY (mailbox_id, class, start_at, uid, n)
);
CREATE INDEX occurrence_uid ON occurrence (mailbox_id, uid);

-- An import under way, and what it has read so far.
CREATE TABLE import (mailbox_id BIGINT NOT NULL, id TEXT NOT NULL, alive_at BIGINT NOT NULL, PRIMARY KEY (mailbox_id, id));
CREATE TABLE import_object (
  mailbox_id BIGINT NOT NULL,
  import_id TEXT COLLATE "C" NOT NULL,
  uid TEXT COLLATE "C" NOT NULL,
  data BYTEA NOT NULL,
  first_start BIGINT NOT NULL,
  last_end BIGINT NOT NULL,
  PRIMARY KEY (mailbox_id, import_id, uid)
);
CREATE TABLE import_occurrence (
  mailbox_id BIGINT NOT NULL,
  import_id TEXT COLLATE "C" NOT NULL,
  uid TEXT COLLATE "C" NOT NULL,
  n INTEGER NOT NULL,
  class INTEGER NOT NULL,
  start_at BIGINT NOT NULL,
  end_at BIGINT NOT NULL,
  busy INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  subject TEXT NOT NULL,
  location TEXT NOT NULL,
  PRIMARY KEY (mailbox_id, import_id, uid, n)
);

CREATE TABLE config (name TEXT COLLATE "C" PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE relationship (id TEXT PRIMARY KEY, name TEXT COLLATE "C" NOT NULL, folded_name TEXT COLLATE "C" NOT NULL UNIQUE, data TEXT NOT NULL);
CREATE TABLE relationship_domain (domain TEXT COLLATE "C" PRIMARY KEY, relationship_id TEXT NOT NULL);
CREATE TABLE audit (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at BIGINT NOT NULL, who TEXT NOT NULL, verb TEXT NOT NULL, object TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE lease (name TEXT COLLATE "C" PRIMARY KEY, holder TEXT NOT NULL, until BIGINT NOT NULL);

-- Keys of messages that were answered; a row may go when its message has expired.
CREATE TABLE replay (key BYTEA PRIMARY KEY, expires BIGINT NOT NULL);
CREATE INDEX replay_expires ON replay (expires);
