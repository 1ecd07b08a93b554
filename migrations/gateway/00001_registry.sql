-- +goose Up
CREATE TABLE organization (
  name TEXT PRIMARY KEY,
  application_uri TEXT NOT NULL UNIQUE,
  account_namespace TEXT NOT NULL,
  certificate TEXT NOT NULL,
  previous_certificate TEXT NOT NULL DEFAULT ''
);
CREATE TABLE organization_domain (
  domain TEXT PRIMARY KEY,
  organization TEXT NOT NULL REFERENCES organization (name) ON DELETE CASCADE
);
CREATE TABLE seen (
  id TEXT PRIMARY KEY,
  expires INTEGER NOT NULL
);
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
