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

-- seq counts the entries, in the order of their arrival, so that old ones are dropped without counting. The
-- columns before doc are what entries are selected by; doc is the whole entry.
CREATE TABLE audit (
    seq     INTEGER PRIMARY KEY,
    id      TEXT NOT NULL UNIQUE,
    made_by TEXT NOT NULL,
    kind    TEXT NOT NULL,
    name    TEXT NOT NULL,
    doc     TEXT NOT NULL
) STRICT;

-- Each begins with what it is chosen for, and has the rest of what a query may ask for, so that entries that are not
-- wanted are passed over without being read.
CREATE INDEX audit_name ON audit (name, id, kind, made_by);
CREATE INDEX audit_kind ON audit (kind, id, name, made_by);
CREATE INDEX audit_made_by ON audit (made_by, id, kind, name);

-- The columns before doc are what reports are selected by, NULL where the report has nothing of that type.
-- created_at is in seconds since 1970, UTC. An id begins with the second that it was made in, so the reports
-- of an age are a range of the primary key.
CREATE TABLE reports (
    id           TEXT PRIMARY KEY,
    hostname     TEXT,
    device_group TEXT,
    created_at   REAL,
    updated      INTEGER,
    doc          TEXT NOT NULL
) STRICT;

CREATE INDEX reports_hostname ON reports (hostname, id, created_at, updated, device_group);
CREATE INDEX reports_device_group ON reports (device_group, id, created_at, updated);
CREATE INDEX reports_time ON reports (id, created_at, updated);
