-- +goose Up
-- A binary that does not know the address list would leave it behind with every mailbox, contact and group that it writes.
INSERT INTO schema_level (level, oldest_binary) VALUES (3, 3);

-- Groups get ids of the same space as mailboxes and contacts: proxy_address keeps an address from belonging to two of them.
ALTER TABLE mail_group ADD COLUMN id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mail_group ADD COLUMN room_list INTEGER NOT NULL DEFAULT 0;
UPDATE mail_group SET id = abs(random() % 9007199254740991) + 1;
CREATE UNIQUE INDEX mail_group_id ON mail_group (id);
INSERT INTO proxy_address (address, mailbox_id) SELECT address, id FROM mail_group WHERE true ON CONFLICT (address) DO NOTHING;

-- What those who are not hidden from address lists are found by: the words of the name, and each address behind a colon. address
-- is the primary one. The counter says by which rules the terms were made; 0 = they are to be made anew.
CREATE TABLE address_list (term TEXT NOT NULL, address TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (term, address, id)) WITHOUT ROWID;
CREATE INDEX address_list_id ON address_list (id, term);
INSERT INTO counter (name, version) VALUES ('address list', 0);

CREATE TABLE oof (mailbox_id INTEGER PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE photo (mailbox_id INTEGER PRIMARY KEY, data BLOB NOT NULL, changed_at INTEGER NOT NULL);
