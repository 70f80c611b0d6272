-- +goose Up
CREATE TABLE cron_jobs (
    name TEXT PRIMARY KEY,
    doc  TEXT NOT NULL
) STRICT;

CREATE TABLE users (
    name TEXT PRIMARY KEY,
    doc  TEXT NOT NULL
) STRICT;

CREATE TABLE user_groups (
    name TEXT PRIMARY KEY,
    doc  TEXT NOT NULL
) STRICT;

-- The columns beside doc are what entries are selected by; doc is the whole entry.
CREATE TABLE audit (
    id      TEXT PRIMARY KEY,
    made_by TEXT NOT NULL,
    kind    TEXT NOT NULL,
    name    TEXT NOT NULL,
    doc     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_object ON audit (kind, name, id);
CREATE INDEX audit_made_by ON audit (made_by, id);

-- The columns before doc are what reports are selected by. created_at is in seconds since 1970, UTC.
CREATE TABLE reports (
    id           TEXT PRIMARY KEY,
    hostname     TEXT,
    device_group TEXT,
    created_at   INTEGER,
    updated      INTEGER,
    doc          TEXT NOT NULL
) STRICT;

CREATE INDEX reports_hostname ON reports (hostname, id);
CREATE INDEX reports_device_group ON reports (device_group, id);
