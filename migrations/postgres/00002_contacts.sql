-- +goose Up
INSERT INTO schema_level (level, oldest_binary) VALUES (2, 1);

-- Persons at partners under an address of our own. Their ids are of the same space as the mailboxes': proxy_address holds
-- the addresses of both, so that none belongs to two.
CREATE TABLE contact (id BIGINT PRIMARY KEY, address TEXT COLLATE "C" NOT NULL UNIQUE, data TEXT NOT NULL);
